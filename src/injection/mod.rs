//! What a created Pod is given: a short-lived projected token where its automount is off, tokens for further audiences, and
//! an honest lifetime for the built-in volume.
//!
//! `annotations` reads what the Pod asks for, `plan` says what it gets, `patch` writes that down.

pub mod annotations;
pub mod content;
mod patch;
pub mod plan;
mod schema;
mod summary;

use crate::policy::{Decision, InjectWhen, Injected, PodReview};
use plan::Plan;

/// The mutating phase: writes the patch, what it injects and its remarks into `decision`.
pub(crate) fn apply(review: &PodReview<'_>, decision: &mut Decision) {
    let policy = review.context.policy;
    let Some(plan) = Plan::of(review, policy.inject.when) else { return };
    decision.patch = patch::write(&plan, review.pod, &policy.name);
    if plan.injects() {
        decision.injected = Some(Injected { done: true, summary: summary::of(&plan, &review.pod.spec) });
    }
    decision.remarks.extend(plan.remarks);
}

/// The validating phase of a policy that changes nothing: says what an enforcing one with the same tokens would inject.
pub(crate) fn foretell(review: &PodReview<'_>, decision: &mut Decision) {
    let policy = review.context.policy;
    if policy.extends.is_enforcing() || policy.inject.when != InjectWhen::Never {
        return;
    }
    let Some(plan) = Plan::of(review, InjectWhen::AutomountDisabled) else { return };
    if plan.injects() {
        decision.injected = Some(Injected { done: false, summary: summary::of(&plan, &review.pod.spec) });
    }
}
