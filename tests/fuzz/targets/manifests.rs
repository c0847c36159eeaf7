//! What `tokenward review` is given: manifests, and what comes in between.

use std::hint::black_box;

use tokenward::config::{parse_inventory, parse_policies};
use tokenward::report::Format;
use tokenward::review::{Input, Phases, Review, Source};

use super::review::{INVENTORY, POLICIES};

pub(super) fn judge(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    let sources = [Source::new("input.yaml", text.to_owned())];
    let input = Input::parse(&sources);
    let _ = parse_policies(&input.policies());
    let _ = parse_inventory(&input.inventories());
    for policy_name in ["baseline", "restricted"] {
        let review = Review {
            policies: &POLICIES,
            inventory: &INVENTORY,
            policy_name,
            namespace: "default",
            phases: Phases::Both,
            now: super::now(),
        };
        let report = review.of(&input);
        black_box(report.render(Format::Human));
        let json = report.render(Format::Json);
        assert!(serde_json::from_str::<serde_json::Value>(&json).is_ok(), "{json}");
    }
}
