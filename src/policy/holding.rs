//! The tokens that a Pod holds, for whoever wants to know them all.

use jiff::Timestamp;

use super::Policy;
use super::facts::Facts;
use super::review::{Context, PodReview};
use super::subject::Subject;
use crate::admission::Request;
use crate::token::{Holder, Surroundings, TokenTable};

/// The tokens of the Pod or template in `request`, as it stands there; `None` where it is about something else.
///
/// Every token that a rule finds is among them.
#[must_use]
pub fn tokens(request: &Request<'_>, facts: &dyn Facts, policy: &Policy, now: Timestamp) -> Option<TokenTable> {
    match Subject::of(Context { request, facts, policy, now })? {
        Subject::Pod(review) => Some(of(&review)),
        _ => None,
    }
}

fn of(review: &PodReview<'_>) -> TokenTable {
    let context = review.context;
    Holder::whole(review.pod).table(Surroundings {
        namespace: &context.request.namespace,
        base: &review.base,
        automount: review.automount(),
        is_resolved: !review.is_template(),
        cluster: &context.policy.cluster,
        secret: &|name| context.secret(name),
        now: context.now,
    })
}
