//! A Secret that holds a token of one account is made to hold another token.

use serde_json::{Value, json};

use super::{assert_refused_by, assert_speaks_for, guard, legacy_token, patch, stored, token_of, unguarded};
use crate::rig::namespace::Namespace;
use crate::rig::token::Claims;
use crate::rig::users::User;

const NAME: &str = "kubernetes.io/service-account.name";
const UID: &str = "kubernetes.io/service-account.uid";
const INVALID_SINCE: &str = "kubernetes.io/legacy-token-invalid-since";

/// All that it takes is the right to update Secrets.
fn to_the_strong_account() -> Value {
    json!({"metadata": {"annotations": {NAME: "strong", UID: null}}, "data": {"token": null}})
}

fn without_its_token() -> Value {
    json!({"data": {"token": null}})
}

fn switched_on_again() -> Value {
    json!({"metadata": {"labels": {INVALID_SINCE: null}}})
}

/// What the legacy token cleaner writes on a token that was not used for long.
fn switch_off(namespace: &Namespace<'_>) {
    let path = namespace.path("secrets/token");
    let label = json!({"metadata": {"labels": {INVALID_SINCE: "2026-01-01"}}});
    namespace.rig().merge(User::Administrator, &path, &label).expect_success();
}

#[test]
fn a_token_of_another_account_is_minted_into_an_old_secret() {
    let namespace = unguarded("attack-retarget");
    assert_speaks_for(&namespace, &legacy_token(&namespace, "token", "weak"), "weak");
    patch(&namespace, "token", &to_the_strong_account()).expect_success();
    let strong = format!("system:serviceaccount:{}:strong", namespace.name);
    let token = token_of(&namespace, "token", |token| Claims::of(token).subject() == strong);
    assert_speaks_for(&namespace, &token, "strong");
}

/// The token controller fills a Secret as long as it is there, and the token is good again in a new Secret of that name.
#[test]
fn a_secret_that_a_finalizer_holds_is_not_turned_to_another_account_either() {
    let held = json!({"metadata": {"finalizers": ["example.com/held"]}});
    let released = json!({"metadata": {"finalizers": null}});
    for policy in [None, Some("baseline"), Some("restricted")] {
        let namespace = unguarded(&format!("attack-held-{}", policy.unwrap_or("unguarded")));
        legacy_token(&namespace, "token", "weak");
        if let Some(policy) = policy {
            guard(&namespace, policy);
        }
        patch(&namespace, "token", &held).expect_success();
        let path = namespace.path("secrets/token");
        namespace.rig().send(User::Developer, "DELETE", &path, None::<(&str, &Value)>).expect_success();
        assert!(stored(&namespace, "token")["metadata"]["deletionTimestamp"].is_string());
        let turned = patch(&namespace, "token", &to_the_strong_account());
        if policy.is_some() {
            assert_refused_by(turned, "TW102");
        } else {
            turned.expect_success();
            let strong = format!("system:serviceaccount:{}:strong", namespace.name);
            token_of(&namespace, "token", |token| Claims::of(token).subject() == strong);
        }
        patch(&namespace, "token", &released).expect_success();
        assert_eq!(namespace.rig().get(User::Administrator, &path).code, 404);
    }
}

#[test]
fn a_secret_is_not_turned_to_another_account_in_whatever_way() {
    for policy in ["baseline", "restricted"] {
        let namespace = unguarded(&format!("attack-retarget-{policy}"));
        let token = legacy_token(&namespace, "token", "weak");
        guard(&namespace, policy);
        let before = stored(&namespace, "token");

        assert_refused_by(patch(&namespace, "token", &to_the_strong_account()), "TW102");
        // Step by step it is no better: the first step is refused already.
        let name_alone = json!({"metadata": {"annotations": {NAME: "strong"}}});
        let status = assert_refused_by(patch(&namespace, "token", &name_alone), "TW102");
        assert_eq!(status["details"]["causes"][0]["field"], format!("metadata.annotations[{NAME}]"));
        let name_and_uid = json!({"metadata": {"annotations": {NAME: "strong", UID: null}}});
        assert_refused_by(patch(&namespace, "token", &name_and_uid), "TW102");

        // The whole object at once, as `kubectl replace` sends it, and as server-side apply does.
        let mut replaced = before.clone();
        replaced["metadata"]["annotations"] = json!({NAME: "strong"});
        replaced["data"] = json!({});
        let path = namespace.path("secrets/token");
        let put = namespace.rig().send(User::Developer, "PUT", &path, Some(("application/json", &replaced)));
        assert_refused_by(put, "TW102");
        let applied = json!({
            "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/service-account-token",
            "metadata": {"name": "token", "annotations": {NAME: "strong", UID: ""}}, "data": {"token": ""},
        });
        let apply = namespace.path("secrets/token?fieldManager=team&force=true");
        let apply =
            namespace.rig().send(User::Developer, "PATCH", &apply, Some(("application/apply-patch+yaml", &applied)));
        assert_refused_by(apply, "TW102");

        // Whoever says that the Secret is being deleted anyway is not believed: the API server itself refuses that.
        let mut deleted = to_the_strong_account();
        deleted["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
        let answer = patch(&namespace, "token", &deleted);
        assert!(matches!(answer.code, 403 | 422), "HTTP {} {}", answer.code, answer.body);

        assert_eq!(stored(&namespace, "token")["data"], before["data"]);
        assert_speaks_for(&namespace, &token, "weak");
    }
}

#[test]
fn a_new_token_that_never_expires_is_had_by_emptying_a_secret() {
    let namespace = unguarded("attack-empty");
    let old = legacy_token(&namespace, "token", "strong");
    patch(&namespace, "token", &without_its_token()).expect_success();
    let new = token_of(&namespace, "token", |token| token != old);
    assert_eq!(Claims::of(&new).lifetime(), None);
    assert_speaks_for(&namespace, &new, "strong");

    let namespace = unguarded("attack-empty-restricted");
    let old = legacy_token(&namespace, "token", "strong");
    guard(&namespace, "restricted");
    for change in [without_its_token(), json!({"data": {"token": ""}}), json!({"data": null})] {
        let status = assert_refused_by(patch(&namespace, "token", &change), "TW102");
        assert_eq!(status["details"]["causes"][0]["field"], "data.token");
    }
    assert_speaks_for(&namespace, &old, "strong");
}

#[test]
fn a_token_that_was_switched_off_is_switched_on_again() {
    let namespace = unguarded("attack-switch-on");
    let token = legacy_token(&namespace, "token", "strong");
    switch_off(&namespace);
    namespace.rig().wait_until_refused(&token);
    patch(&namespace, "token", &switched_on_again()).expect_success();
    crate::rig::eventually::eventually(super::PATIENCE, || {
        namespace.rig().bearer(&token).ok_or("the token is still refused, though the label is gone")
    });
    assert_speaks_for(&namespace, &token, "strong");

    let namespace = unguarded("attack-switch-on-restricted");
    let token = legacy_token(&namespace, "token", "strong");
    switch_off(&namespace);
    guard(&namespace, "restricted");
    namespace.rig().wait_until_refused(&token);
    for change in [
        switched_on_again(),
        json!({"metadata": {"labels": {INVALID_SINCE: ""}}}),
        json!({"metadata": {"labels": null}}),
    ] {
        let status = assert_refused_by(patch(&namespace, "token", &change), "TW102");
        assert_eq!(status["details"]["causes"][0]["field"], format!("metadata.labels[{INVALID_SINCE}]"));
    }
    assert_eq!(namespace.rig().bearer(&token), None);
}
