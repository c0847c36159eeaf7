//! `metadata.creationTimestamp` as the clock of exceptions, on a real API server.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::on_the_rig::Applied;
use crate::installation::POLICY_LABEL;
use crate::rig;
use crate::rig::http::Answer;
use crate::rig::namespace::Namespace;
use crate::rig::users::User;

fn exceptions(namespace: &str) -> String {
    let today = Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let days = [("yesterday", today.yesterday().unwrap()), ("today", today), ("tomorrow", today.tomorrow().unwrap())];
    let one = |(name, date): (&str, jiff::civil::Date)| {
        format!(
            "apiVersion: tokenward.dev/v1alpha1\nkind: TokenException\nmetadata: {{name: until-{name}}}\nspec:\n  \
             rules: [legacy-token-secret]\n  namespace: {namespace}\n  secret: \"{name}-*\"\n  serviceAccount: app\n  \
             reason: The old build server\n  owner: builds@example.com\n  expires: {date}\n"
        )
    };
    days.map(one).join("---\n") + &others()
}

/// As many more as there is room for, about other namespaces: they must not cost the API server more than it allows.
fn others() -> String {
    let other = |number: u32| {
        format!(
            "---\napiVersion: tokenward.dev/v1alpha1\nkind: TokenException\nmetadata: {{name: other-{number}}}\nspec:\n  \
             rules: [legacy-token-secret]\n  namespace: elsewhere-*\n  secret: ci-{number}\n  serviceAccount: ci\n  \
             reason: The old build server\n  owner: builds@example.com\n  expires: 2099-12-31\n"
        )
    };
    (0..450).map(other).collect()
}

fn create(namespace: &Namespace<'_>, name: &str, created: Option<&str>) -> Answer {
    let mut secret = json!({
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/service-account-token",
        "metadata": {"name": name, "annotations": {"kubernetes.io/service-account.name": "app"}},
    });
    if let Some(instant) = created {
        secret["metadata"]["creationTimestamp"] = instant.into();
    }
    namespace.rig().post(User::Developer, &namespace.path("secrets?dryRun=All"), &secret)
}

#[track_caller]
fn assert_expired(answer: Answer) {
    let status = answer.expect_code(403);
    assert_eq!(status["reason"], "Forbidden");
    let message = status["message"].as_str().unwrap();
    for words in [
        "denied request: TW101 legacy-token-secret: Secret ",
        " would hold a token for ServiceAccount app that never expires; exception until-yesterday expired on ",
        " (owner builds@example.com). Use a projected token, or kubectl create token app. Details: tokenward explain TW101",
    ] {
        assert!(message.contains(words), "{message}");
    }
}

#[test]
fn an_exception_ends_by_the_clock_of_the_api_server_whatever_the_user_writes() {
    let rig = rig::solitary();
    let namespace = rig.namespace("clock", &[(POLICY_LABEL, "restricted")]);
    namespace.service_account("app", Some(false));
    let _applied = Applied::on(&rig, &exceptions(&namespace.name), "");
    create(&namespace, "today-ci", None).expect_success();
    create(&namespace, "tomorrow-ci", None).expect_success();
    assert_expired(create(&namespace, "yesterday-ci", None));
    // The API server sets its own, over what a user wrote.
    assert_expired(create(&namespace, "yesterday-ci", Some("2001-01-01T00:00:00Z")));
    create(&namespace, "tomorrow-ci", Some("2099-01-01T00:00:00Z")).expect_success();
    // So does server-side apply, which arrives as a CREATE.
    let applied = namespace
        .kubectl(["apply", "--server-side", "--dry-run=server", "-f", "-"])
        .stdin(forged_manifest("yesterday-ci").to_string())
        .refused();
    assert!(applied.stderr.contains("exception until-yesterday expired on "), "{applied}");
    // No exception speaks of it.
    let status = create(&namespace, "never-ci", None).expect_code(403);
    let message = status["message"].as_str().unwrap();
    assert!(message.contains("that never expires. Use a projected token"), "{message}");
}

fn forged_manifest(name: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/service-account-token",
        "metadata": {
            "name": name,
            "creationTimestamp": "2001-01-01T00:00:00Z",
            "annotations": {"kubernetes.io/service-account.name": "app"},
        },
    })
}
