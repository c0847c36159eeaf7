//! The policy file: what is accepted, and what people see of what is not.

use std::path::{Path, PathBuf};

use tokenward::config;
use tokenward::policy::{Action, Builtin, MountWhen, Rule};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/policy").join(name)
}

#[test]
fn reads_every_field_of_a_policy() {
    let set = config::load_policies(&[fixture("good.yaml")]).unwrap();
    let policy = set.get("baseline").unwrap();
    assert_eq!(policy.extends, Builtin::Baseline);
    assert_eq!(policy.action(Rule::find("TW101").unwrap()), Action::Deny);
    assert_eq!(policy.tokens.max_expiration_seconds, 86_400);
    assert!(policy.allows_audience("sts.amazonaws.com") && !policy.allows_audience("other"));
    assert_eq!(policy.inject.tokens[0].audience, "https://vault.example.com");
    assert_eq!(policy.inject.tokens[0].mount, MountWhen::Requested);
    assert_eq!(set.iter().count(), 4);
}

#[test]
fn an_exception_ends_with_its_last_day_in_utc() {
    let set = config::load_policies(&[fixture("good.yaml")]).unwrap();
    let exception = &set.exceptions().all()[0];
    assert_eq!(exception.ends.to_string(), "2027-04-01T00:00:00Z");
    assert!(!exception.is_expired("2027-03-31T23:59:59.999Z".parse().unwrap()));
    assert!(exception.is_expired("2027-04-01T00:00:00Z".parse().unwrap()));
}
