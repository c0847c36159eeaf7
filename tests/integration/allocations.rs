//! What a decision costs in allocations, which is the same on every machine: bytes in, bytes out.

use allocation_counter::measure;
use jiff::Timestamp;
use tokenward::policy::{Inventory, Phase, PolicySet};

#[path = "../bench/reviews.rs"]
mod reviews;

/// For a Pod of 6 KB.
const MOST_FOR_A_SMALL_POD: u64 = 12;
/// For each container of a Pod of 66 KB.
const MOST_FOR_EACH_CONTAINER: u64 = 2;

/// The allocations of answering a review under a policy: the request, the decision and the answer's bytes.
fn allocations(policy: &str, phase: Phase, review: &str) -> u64 {
    let (policies, inventory, now) = (PolicySet::builtin(), Inventory::default(), Timestamp::now());
    let answer = || policies.answer(policy, phase, review.as_bytes(), &inventory, now).unwrap();
    // What is made once for the whole process is no part of it.
    let first = answer();
    assert_eq!(first.decision.patch.is_some(), phase == Phase::Mutate);
    assert!(first.decision.findings.is_empty(), "{:?}", first.decision.findings);
    drop(first);
    measure(|| drop(answer())).count_total
}

/// Each policy that injects, with each phase.
fn questions() -> impl Iterator<Item = (&'static str, Phase)> {
    ["baseline", "restricted"].into_iter().flat_map(|policy| [(policy, Phase::Mutate), (policy, Phase::Validate)])
}

#[test]
fn a_small_pod_is_changed_and_judged_with_a_dozen() {
    for (policy, phase) in questions() {
        let review = reviews::small_pod(phase);
        assert!((5_900..7_000).contains(&review.len()), "{}", review.len());
        let counted = allocations(policy, phase, &review);
        assert!(counted <= MOST_FOR_A_SMALL_POD, "{policy} {phase:?}: {counted}");
    }
}

#[test]
fn a_large_pod_takes_two_for_each_container() {
    for (policy, phase) in questions() {
        let review = reviews::large_pod(phase);
        assert!((64_000..68_000).contains(&review.len()), "{}", review.len());
        let counted = allocations(policy, phase, &review);
        assert!(counted <= 14 * MOST_FOR_EACH_CONTAINER, "{policy} {phase:?}: {counted}");
    }
}
