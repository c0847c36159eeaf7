//! TW101 and TW301: new legacy tokens, and accounts that hand out theirs unasked. Row numbers are those of the decision table.

use serde_json::{Value, json};

use crate::fixture::{Court, NAMESPACE, Review, filled_token_secret, token_secret};

fn create(secret: Value) -> Review {
    Review::create("secrets", secret)
}

/// The Secret with one member of its metadata set.
fn with_metadata(mut secret: Value, field: &str, value: Value) -> Value {
    secret["metadata"][field] = value;
    secret
}

// row 57
#[test]
fn denies_a_token_secret_without_exception() {
    for policy in ["baseline", "restricted"] {
        let verdict = Court::new().validate(policy, &create(token_secret("ci-bot-token", "ci-bot")));
        assert!(!verdict.is_allowed());
        assert_eq!(
            verdict.message(),
            "TW101 legacy-token-secret: Secret team-a/ci-bot-token would hold a token for ServiceAccount ci-bot that never \
             expires. Use a projected token, or kubectl create token ci-bot. Details: tokenward explain TW101"
        );
        assert_eq!(verdict.fields(), ["type"]);
        assert_eq!(verdict.findings(), ["TW101=deny"]);
        assert_eq!(verdict.annotation("policy"), policy);
    }
}

#[test]
fn warns_or_only_records_where_the_policy_is_milder() {
    let review = create(token_secret("ci-bot-token", "ci-bot"));
    let warned = Court::new().validate("warn", &review);
    assert!(warned.is_allowed());
    let text =
        "TW101 legacy-token-secret: Secret team-a/ci-bot-token would hold a token for ServiceAccount ci-bot that never";
    assert!(warned.warnings()[0].starts_with(text), "{:?}", warned.warnings());
    let recorded = Court::new().validate("audit", &review);
    assert!(recorded.is_allowed() && recorded.warnings().is_empty());
    assert_eq!(recorded.findings(), ["TW101=audit"]);
}

// row 59
#[test]
fn judges_the_final_name_of_a_secret_that_asked_for_a_prefix() {
    let secret = with_metadata(token_secret("ci-x7k2p", "ci"), "generateName", json!("ci-"));
    let verdict = Court::new().validate("baseline", &create(secret));
    assert!(verdict.message().contains("Secret team-a/ci-x7k2p would hold"), "{verdict:?}");
}

#[test]
fn names_the_prefix_where_there_is_no_name_yet() {
    let mut secret = with_metadata(token_secret("", "ci"), "generateName", json!("ci-"));
    secret["metadata"].as_object_mut().unwrap().remove("name");
    let verdict = Court::new().validate("baseline", &create(secret));
    assert!(verdict.message().contains("Secret team-a/ci- would hold"), "{verdict:?}");
}

// row 60
#[test]
fn decides_the_same_in_a_dry_run() {
    let review = create(token_secret("ci-token", "ci"));
    let dry = review.clone().with("dryRun", json!(true));
    assert_eq!(Court::new().validate("baseline", &dry).0, Court::new().validate("baseline", &review).0);
}

// row 62, 63
#[test]
fn allows_what_the_token_controller_does_not_fill() {
    for kind in
        ["Opaque", "", "kubernetes.io/Service-Account-Token", "example.com/service-account-token", "kubernetes.io/tls"]
    {
        let mut secret = token_secret("ci-token", "ci");
        secret["type"] = json!(kind);
        let verdict = Court::new().validate("restricted", &create(secret));
        assert!(verdict.is_allowed() && verdict.findings().is_empty(), "{kind}: {verdict:?}");
    }
    let mut secret = token_secret("ci-token", "ci");
    secret.as_object_mut().unwrap().remove("type");
    assert!(Court::new().validate("restricted", &create(secret)).is_allowed());
}

// row 74
#[test]
fn denies_an_immutable_one_too() {
    let mut secret = token_secret("ci-token", "ci");
    secret["immutable"] = json!(true);
    assert!(!Court::new().validate("baseline", &create(secret)).is_allowed());
}

#[test]
fn denies_one_without_an_account_and_names_none() {
    let mut secret = token_secret("ci-token", "ci");
    secret["metadata"].as_object_mut().unwrap().remove("annotations");
    let verdict = Court::new().validate("baseline", &create(secret));
    assert!(verdict.message().contains("would hold a token that never expires. Use a projected token"), "{verdict:?}");
}

#[test]
fn a_new_secret_cannot_pretend_that_it_is_being_deleted() {
    let secret = with_metadata(token_secret("ci-token", "ci"), "deletionTimestamp", json!("2026-11-01T00:00:00Z"));
    assert!(!Court::new().validate("baseline", &create(secret)).is_allowed());
}

// row 71
#[test]
fn allows_an_update_that_adds_nothing_without_a_word_and_records_the_state() {
    let old = filled_token_secret("ci-token", "ci");
    let new = with_metadata(old.clone(), "labels", json!({"team": "a"}));
    let review = Review::update("secrets", old, new);
    for policy in ["audit", "warn", "baseline", "restricted"] {
        let verdict = Court::new().validate(policy, &review);
        assert!(verdict.is_allowed() && verdict.warnings().is_empty() && verdict.findings().is_empty(), "{verdict:?}");
        assert_eq!(verdict.annotation("legacy-secret"), "unlisted");
    }
}

// row 72
#[test]
fn lets_a_secret_go_that_is_being_deleted() {
    let old = with_metadata(filled_token_secret("ci-token", "ci"), "deletionTimestamp", json!("2026-11-01T00:00:00Z"));
    let held = with_metadata(old.clone(), "finalizers", json!(["example.com/held"]));
    assert!(Court::new().validate("restricted", &Review::update("secrets", held, old)).is_allowed());
}

// row 75
#[test]
fn allows_a_delete_if_one_arrives() {
    for name in ["ci-token", ""] {
        let review = Review::update("secrets", filled_token_secret("ci-token", "ci"), Value::Null);
        let review = review.with("operation", json!("DELETE")).with("name", json!(name));
        let verdict = Court::new().validate("restricted", &review);
        assert!(verdict.is_allowed() && verdict.findings().is_empty());
    }
}

// row 87
#[test]
fn allows_what_no_rule_reads_and_says_so() {
    let review =
        Review::create("configmaps", json!({"kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"b": "c"}}));
    let verdict = Court::new().validate("restricted", &review);
    assert!(verdict.is_allowed());
    assert_eq!(verdict.annotation("unknown"), "resource");
    assert_eq!(Court::new().mutate("restricted", &review).annotation("unknown"), "resource");
}

#[test]
fn refuses_nothing_and_changes_nothing_when_it_is_asked_for_changes() {
    let verdict = Court::new().mutate("restricted", &create(token_secret("ci-token", "ci")));
    assert!(verdict.is_allowed() && verdict.patch().is_none() && verdict.findings().is_empty());
}

// ---- TW301 service-account-automount

fn account(automount: Option<bool>) -> Value {
    json!({
        "apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "web", "namespace": NAMESPACE},
        "automountServiceAccountToken": automount,
    })
}

fn update(old: Option<bool>, new: Option<bool>) -> Review {
    Review::update("serviceaccounts", account(old), account(new))
}

// row 77
#[test]
fn warns_of_an_account_that_automounts() {
    for automount in [None, Some(true)] {
        let review = Review::create("serviceaccounts", account(automount));
        let verdict = Court::new().validate("restricted", &review);
        assert!(verdict.is_allowed());
        assert_eq!(
            verdict.warnings(),
            [
                "TW301 service-account-automount: ServiceAccount web hands its token to every Pod that does not refuse it"
            ]
        );
        assert_eq!(Court::new().validate("baseline", &review).findings(), ["TW301=audit"]);
    }
    let mut silent = account(None);
    silent.as_object_mut().unwrap().remove("automountServiceAccountToken");
    let verdict = Court::new().validate("restricted", &Review::create("serviceaccounts", silent));
    assert_eq!(verdict.findings(), ["TW301=warn"]);
}

#[test]
fn says_nothing_of_an_account_that_does_not() {
    let verdict = Court::new().validate("restricted", &Review::create("serviceaccounts", account(Some(false))));
    assert!(verdict.findings().is_empty() && verdict.warnings().is_empty());
}

#[test]
fn warns_of_an_update_only_where_it_takes_the_false_away() {
    let found = |old, new| !Court::new().validate("restricted", &update(old, new)).findings().is_empty();
    assert!(found(Some(false), None));
    assert!(found(Some(false), Some(true)));
    for (old, new) in [
        (None, None),
        (None, Some(true)),
        (Some(true), None),
        (Some(true), Some(true)),
        (None, Some(false)),
        (Some(false), Some(false)),
    ] {
        assert!(!found(old, new), "{old:?} to {new:?}");
    }
}

// rows 79, 80
#[test]
fn says_nothing_of_other_changes_of_an_account() {
    let mut old = account(None);
    old["secrets"] = json!([{"name": "web-token-x7k2p"}]);
    let mut new = account(None);
    new["metadata"]["annotations"] = json!({"kubernetes.io/enforce-mountable-secrets": "true"});
    let verdict = Court::new().validate("restricted", &Review::update("serviceaccounts", old, new));
    assert!(verdict.is_allowed() && verdict.findings().is_empty());
}
