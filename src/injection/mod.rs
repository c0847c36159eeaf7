//! What a created Pod is given: a short-lived projected token where its automount is off, tokens for further audiences, and
//! an honest lifetime for the built-in volume.

use crate::policy::{Decision, PodReview};

/// The mutating phase: writes the patch, what it injects and its remarks into `decision`.
pub(crate) fn apply(review: &PodReview<'_>, decision: &mut Decision) {
    let _ = (review, decision);
}

/// The validating phase of a policy that changes nothing: says what an enforcing one would inject.
pub(crate) fn foretell(review: &PodReview<'_>, decision: &mut Decision) {
    let _ = (review, decision);
}
