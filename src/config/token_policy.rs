//! TokenPolicy documents.

use std::str::FromStr;

use super::exception::{name, rule};
use super::inject;
use super::names::{LABEL, is_label};
use super::pattern::{self, Names};
use super::quoted::quoted;
use super::reader::Reader;
use super::suggestion::did_you_mean;
use super::tree::{Id, Kind};
use crate::policy::{Action, Builtin, NamePattern, Policy, UNKNOWN_POLICY};

/// The shortest lifetime that the API server accepts, in seconds (`MinExpiration` of its `TokenRequest` validation).
const SHORTEST: u64 = 600;

/// The longest lifetime that the API server accepts, in seconds.
const LONGEST: u64 = 1 << 32;

/// The lifetime that the API server takes for the built-in volume's and silently turns into a year.
const EXTENDED: u64 = 3607;

/// The entry of the webhook configuration that belongs to no policy has this name.
const NAMESPACES: &str = "namespaces";

/// The most audiences in a list. A decision may have to look at every one.
const MOST_AUDIENCES: usize = 1000;

/// Reads a TokenPolicy; also gives where its name stands.
pub(super) fn read(reader: &mut Reader<'_>, document: Id) -> Option<(Policy, Id)> {
    let [_, _, metadata, spec] = reader.fields(document, ["apiVersion", "kind", "metadata", "spec"])?;
    let (name, name_id) = name(reader, document, metadata, LABEL, is_label)?;
    if name == UNKNOWN_POLICY {
        let what = format!("{} is kept for namespaces whose label names no policy", quoted(&name));
        reader.report(name_id, what, "choose another name");
    }
    if name == NAMESPACES {
        let what = format!("{} is kept for the webhook that looks at namespaces themselves", quoted(&name));
        reader.report(name_id, what, "choose another name");
    }
    let own = Builtin::named(&name).unwrap_or(Builtin::Baseline);
    let mut policy = Policy::builtin(own);
    if let Some(spec) = spec {
        policy = read_spec(reader, spec, own)?;
    }
    policy.name = name.into();
    Some((policy, name_id))
}

fn read_spec(reader: &mut Reader<'_>, spec: Id, own: Builtin) -> Option<Policy> {
    let [extends, rules, tokens, inject, cluster] =
        reader.fields(spec, ["extends", "rules", "tokens", "inject", "cluster"])?;
    let extends = extends.and_then(|id| read_builtin(reader, id)).unwrap_or(own);
    let mut policy = Policy::builtin(extends);
    if let Some(rules) = rules {
        read_actions(reader, rules, &mut policy);
    }
    let bounds = tokens.map(|tokens| read_tokens(reader, tokens, &mut policy)).unwrap_or_default();
    if let Some(cluster) = cluster {
        read_cluster(reader, cluster, &mut policy);
    }
    inject::read(reader, inject, &bounds, &mut policy);
    Some(policy)
}

fn read_builtin(reader: &mut Reader<'_>, id: Id) -> Option<Builtin> {
    let name = reader.string(id)?;
    let found = Builtin::named(name);
    if found.is_none() {
        let names = Builtin::ALL.map(Builtin::as_str);
        reader.report(id, format!("there is no built-in policy {}", quoted(name)), did_you_mean(name, &names));
    }
    found
}

fn read_actions(reader: &mut Reader<'_>, rules: Id, policy: &mut Policy) {
    let Some(entries) = reader.mapping(rules) else { return };
    let mut seen = Vec::new();
    for (key, value) in entries {
        let wanted = reader.tree.text(*key).unwrap_or_default();
        let Some(rule) = rule(reader, *key, wanted) else { continue };
        if let Some((_, first)) = seen.iter().find(|(code, _)| *code == rule.code) {
            reader.report_twice(*key, *first);
            continue;
        }
        seen.push((rule.code, *key));
        if let Some(action) = read_action(reader, *value) {
            policy.set_action(rule, action);
        }
    }
}

/// An action. A bare `off` is the word here, whereas older YAML reads it as `false`; tools that passed it on leave `false`.
fn read_action(reader: &mut Reader<'_>, id: Id) -> Option<Action> {
    if matches!(&reader.tree.node(id).kind, Kind::Plain(text) if text == "false") {
        reader.report(id, "expected an action, found the truth value false", "write \"off\", in quotes");
        return None;
    }
    let words = Action::ALL.map(Action::as_str);
    word(reader, id, "action", &[words[3], words[2], words[1], words[0]])
}

/// One of the words of a type.
pub(super) fn word<T: FromStr>(reader: &mut Reader<'_>, id: Id, noun: &str, words: &[&str]) -> Option<T> {
    let text = reader.string(id)?;
    let found = text.parse().ok();
    if found.is_none() {
        reader.report(id, format!("there is no {noun} {}", quoted(text)), did_you_mean(text, words));
    }
    found
}

/// Where the bounds on tokens stand, as far as they are given.
#[derive(Default)]
pub(super) struct Bounds {
    pub(super) maximum: Option<Id>,
    pub(super) audiences: Option<Id>,
}

/// Reads `tokens`. A bad bound counts as none, so that nothing else is held against it.
fn read_tokens(reader: &mut Reader<'_>, tokens: Id, policy: &mut Policy) -> Bounds {
    let fields = reader.fields(tokens, ["maxExpirationSeconds", "allowedAudiences"]);
    let [maximum, audiences] = fields.unwrap_or_default();
    if let Some(id) = maximum {
        policy.tokens.max_expiration_seconds = seconds(reader, id).unwrap_or(LONGEST);
    }
    if let Some(items) = audiences.and_then(|list| reader.short_sequence(list, MOST_AUDIENCES)) {
        let read = |id: &Id| audience(reader, *id).and_then(|_| pattern::read(reader, *id, Names::Audiences));
        let read: Vec<Option<NamePattern>> = items.iter().map(read).collect();
        if let Some(audiences) = read.into_iter().collect() {
            policy.tokens.allowed_audiences = audiences;
        }
    }
    Bounds { maximum, audiences }
}

fn read_cluster(reader: &mut Reader<'_>, cluster: Id, policy: &mut Policy) {
    let fields = reader.fields(cluster, ["apiAudiences", "extendsTokenExpiration"]);
    let Some([audiences, extends]) = fields else { return };
    if let Some(extends) = extends.and_then(|id| reader.truth(id)) {
        policy.cluster.extends_token_expiration = extends;
    }
    let Some(list) = audiences else { return };
    let Some(items) = reader.short_sequence(list, MOST_AUDIENCES) else { return };
    if items.is_empty() {
        let advice = "write what the API server's --api-audiences says, or leave the field out";
        reader.report(list, "the list names no audience", advice);
    }
    policy.cluster.api_audiences = items
        .iter()
        .filter_map(|id| {
            let audience = audience(reader, *id)?;
            if audience.is_empty() {
                reader.report(*id, "is empty", "write the audience as the API server's --api-audiences says it");
            }
            Some(audience.to_owned())
        })
        .collect();
}

/// A token's lifetime.
pub(super) fn seconds(reader: &mut Reader<'_>, id: Id) -> Option<u64> {
    let seconds = reader.number(id)?;
    let (what, advice) = match seconds {
        EXTENDED => (
            "3607 seconds are turned into one year by the API server".to_owned(),
            "write another number, such as 3600".to_owned(),
        ),
        ..SHORTEST => (
            format!("{seconds} seconds are too few"),
            format!("the API server issues no token for less than {SHORTEST} seconds"),
        ),
        SHORTEST..=LONGEST => return Some(seconds),
        u64::MAX => ("the number is too large".to_owned(), "write a number of seconds, such as 3600".to_owned()),
        _ => (
            format!("{seconds} seconds are too many"),
            format!("the API server issues no token for more than {LONGEST} seconds"),
        ),
    };
    reader.report(id, what, advice);
    None
}

/// An audience, or a glob for some.
pub(super) fn audience<'r>(reader: &mut Reader<'r>, id: Id) -> Option<&'r str> {
    let audience = reader.string(id)?;
    if audience.contains(char::is_control) {
        reader.report(id, "has control characters", "write the audience on one line");
        return None;
    }
    Some(audience)
}
