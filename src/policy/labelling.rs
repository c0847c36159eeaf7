//! What a namespace's new policy would object to among what is there already, as Pod Security admission tells it.

use super::review::Change;
use super::rules::{legacy_token_reference, namespace_policy::strictness};
use super::text::shortened;
use crate::resource::Namespace;

/// How many Secrets are named; the others are counted.
const MOST_NAMED: usize = 2;

/// One sentence about the known legacy tokens in a namespace whose label is set or tightened. `None` where Pods may go on
/// reaching them, or where none is known.
pub(super) fn preview(change: &Change<'_, Namespace<'_>>) -> Option<String> {
    let context = &change.context;
    let (new, old) = (change.new.policy()?, change.old?.policy());
    if strictness(context, Some(new)) <= strictness(context, old) {
        return None;
    }
    if context.policy.known.get(new).is_some_and(|known| !known.refuses_legacy_tokens) {
        return None;
    }
    let namespace = &*change.new.metadata.name;
    let exceptions = &context.policy.exceptions;
    let rule = &legacy_token_reference::RULE;
    let tokens = context.facts.legacy_tokens(namespace).into_iter().filter(|(secret, account)| {
        exceptions.covering(rule, namespace, secret, account).is_none_or(|exception| exception.is_expired(context.now))
    });
    let secrets: Vec<_> = tokens.map(|(secret, _)| shortened(secret)).collect();
    let (first, others) = secrets.split_at(secrets.len().min(MOST_NAMED));
    let (noun, list) = match (secrets.len(), others.len()) {
        (0, _) => return None,
        (1, _) => ("Secret", first.join("")),
        (_, 0) => ("Secrets", first.join(" and ")),
        (_, 1) => ("Secrets", format!("{} and 1 other", first.join(", "))),
        (_, more) => ("Secrets", format!("{} and {more} others", first.join(", "))),
    };
    Some(format!("{} legacy token {noun} would be refused at {}: {list}", secrets.len(), shortened(new)))
}
