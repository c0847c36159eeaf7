//! The exported CEL on the reviews that a real API server sent, against the rules themselves.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use jiff::Timestamp;
use serde_json::Value;
use tokenward::admission::Request;
use tokenward::config::{self, Source};
use tokenward::install::validating_admission_policy::Export;
use tokenward::policy::{Action, Inventory, Phase, PolicySet};

use super::cel::violations;
use super::policies;

/// The rules that are written, and of which templates are warned about too.
pub(super) const WRITTEN: [&str; 11] =
    ["TW101", "TW102", "TW201", "TW202", "TW203", "TW204", "TW205", "TW209", "TW301", "TW401", "TW501"];
const WITH_TEMPLATES: [&str; 2] = ["TW202", "TW203"];

/// The webhook does not warn again of what a template had before.
const KNOWN_DIFFERENCES: [&str; 2] =
    ["baseline.validate.update-deployments-bad", "restricted.validate.update-deployments-bad"];

const WORKLOADS: [&str; 8] = [
    "cronjobs",
    "daemonsets",
    "deployments",
    "jobs",
    "podtemplates",
    "replicasets",
    "replicationcontrollers",
    "statefulsets",
];

fn reviews() -> BTreeMap<String, Value> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/reviews");
    let files = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let reviews = files.filter(|path| path.to_string_lossy().contains(".validate."));
    reviews
        .map(|path| {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            (name, serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap())
        })
        .collect()
}

/// The rules that find something, with what is done about it, as far as they are written.
fn found_by_the_rules(
    label: &str,
    review: &Value,
    set: &PolicySet,
    inventory: &Inventory,
) -> BTreeSet<(String, Action)> {
    let body = review.to_string();
    let request = Request::parse(body.as_bytes()).unwrap();
    let created = review["request"]["object"]["metadata"]["creationTimestamp"].as_str();
    let now: Timestamp = created.unwrap_or("2026-11-24T00:00:00Z").parse().unwrap();
    let decision = set.decide(label, Phase::Validate, &request, inventory, now);
    let is_template = WORKLOADS.contains(&review["request"]["resource"]["resource"].as_str().unwrap());
    let codes = if is_template { WITH_TEMPLATES.as_slice() } else { &WRITTEN };
    let written = decision.findings.iter().filter(|finding| codes.contains(&finding.rule.code));
    written.map(|finding| (finding.rule.code.to_owned(), finding.action)).collect()
}

fn action(actions: &[String]) -> Action {
    match actions.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["Deny"] => Action::Deny,
        ["Warn", "Audit"] => Action::Warn,
        ["Audit"] => Action::Audit,
        _ => panic!("no action: {actions:?}"),
    }
}

#[test]
fn cel_finds_in_recorded_reviews_what_the_rules_find() {
    let policy = include_str!("../../fixtures/reviews/policy.yaml");
    let set = policies(policy);
    let inventory = include_str!("../../fixtures/reviews/inventory.yaml");
    let inventory = config::parse_inventory(&[Source::new("inventory.yaml", inventory)]).unwrap();
    let export = Export::of(&set, &inventory, &[]).unwrap();
    let (mut met, mut different) = (BTreeSet::new(), BTreeMap::new());
    for (name, review) in reviews() {
        let request = &review["request"];
        let policy = name.split('.').next().unwrap();
        let label = if request["resource"]["resource"] == "namespaces" { "namespaces" } else { policy };
        let rules = found_by_the_rules(policy, &review, &set, &inventory);
        let cel: BTreeSet<(String, Action)> =
            violations(&export, label, request).into_iter().map(|it| (it.code, action(&it.actions))).collect();
        met.extend(cel.iter().cloned());
        if rules != cel {
            different.insert(name, (rules, cel));
        }
    }
    let known: BTreeSet<&str> = KNOWN_DIFFERENCES.into();
    assert_eq!(different.keys().map(String::as_str).collect::<BTreeSet<_>>(), known, "{different:#?}");
    let codes: BTreeSet<&str> = met.iter().map(|(code, _)| code.as_str()).collect();
    // Among what was recorded no audience is foreign.
    let expected = WRITTEN.into_iter().filter(|code| *code != "TW203").collect();
    assert_eq!(codes, expected, "every rule that is written found something");
    for some in [Action::Deny, Action::Warn, Action::Audit] {
        assert!(met.iter().any(|(_, action)| *action == some), "{some}");
    }
}
