//! The body of a request: an answer is well formed and true to its request, a patch applies and leaves nothing to patch.

use std::sync::LazyLock;

use serde_json::Value;
use tokenward::config::{Source, parse_inventory, parse_policies};
use tokenward::policy::{Inventory, Phase, PolicySet};

/// The policies that the recorded reviews were judged by.
pub(super) static POLICIES: LazyLock<PolicySet> = LazyLock::new(|| {
    let file = include_bytes!("../../fixtures/policy/good.yaml");
    parse_policies(&[Source::new("good.yaml", file.as_slice())]).unwrap()
});
/// The inventory beside the recorded reviews.
pub(super) static INVENTORY: LazyLock<Inventory> = LazyLock::new(|| {
    let file = include_bytes!("../../fixtures/recorded/inventory.yaml");
    parse_inventory(&[Source::new("inventory.yaml", file.as_slice())]).unwrap()
});

pub(super) fn judge(data: &[u8]) {
    for policy in ["audit", "baseline", "restricted", "unknown"] {
        for phase in [Phase::Mutate, Phase::Validate] {
            let Ok(answer) = POLICIES.answer(policy, phase, data, &*INVENTORY, super::now()) else { continue };
            let response: Value = serde_json::from_slice(&answer.body).unwrap();
            let response = &response["response"];
            assert_eq!(response["uid"], *answer.uid);
            assert_eq!(response["allowed"], answer.decision.is_allowed());
            match (phase, &answer.decision.patch) {
                (Phase::Mutate, Some(patch)) => patched_once(policy, data, patch),
                (Phase::Mutate, None) => assert!(answer.decision.is_allowed(), "mutation never refuses"),
                (Phase::Validate, patch) => assert!(patch.is_none(), "validation never changes"),
            }
        }
    }
}

/// The patch applies as RFC 6902 says, and the Pod that comes of it is left alone.
fn patched_once(policy: &str, data: &[u8], patch: &[u8]) {
    // What we pass over unread may be more than a general parser takes, such as numbers beyond any range.
    let Ok(mut review) = serde_json::from_slice::<Value>(data) else { return };
    if !is_as_go_writes(&review["request"]["object"]) {
        return;
    }
    let patch: json_patch::Patch = serde_json::from_slice(patch).unwrap();
    json_patch::patch(&mut review["request"]["object"], &patch).unwrap();
    let again = serde_json::to_vec(&review).unwrap();
    let answer = POLICIES.answer(policy, Phase::Mutate, &again, &*INVENTORY, super::now()).unwrap();
    assert!(answer.decision.patch.is_none(), "the patched Pod is patched again");
}

/// Go writes the metadata of every object, and no `null` where a struct is; a patch relies on both.
fn is_as_go_writes(pod: &Value) -> bool {
    let containers = ["initContainers", "containers"].map(|list| pod["spec"][list].as_array());
    pod["metadata"].is_object() && containers.into_iter().flatten().flatten().all(Value::is_object)
}
