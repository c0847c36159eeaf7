//! A token whose Secret was deleted is made valid again.

use serde_json::json;

use super::{PATIENCE, assert_refused_by, assert_speaks_for, guard, legacy_token, opaque, patch, unguarded};
use crate::rig::eventually::eventually;
use crate::rig::namespace::Namespace;
use crate::rig::users::User;
use crate::scenarios::post;

/// A token that somebody kept, and that the API server refuses since its Secret is gone.
#[track_caller]
fn kept_token(namespace: &Namespace<'_>) -> String {
    let token = legacy_token(namespace, "token", "strong");
    assert_speaks_for(namespace, &token, "strong");
    namespace.kubectl_as(User::Developer, ["delete", "secret", "token"]).ok();
    namespace.rig().wait_until_refused(&token);
    token
}

#[test]
fn a_deleted_token_lives_again_in_an_ordinary_secret() {
    let namespace = unguarded("attack-revival");
    let token = kept_token(&namespace);
    post(&namespace, "secrets", &opaque("token", &json!({"token": token}))).expect_success();
    eventually(PATIENCE, || namespace.rig().bearer(&token).ok_or("the token is still refused"));
    assert_speaks_for(&namespace, &token, "strong");
    // The API server takes the Secret for the token's own, whatever its type.
    eventually(PATIENCE, || {
        let secret = super::stored(&namespace, "token");
        match &secret["metadata"]["labels"]["kubernetes.io/legacy-token-last-used"] {
            label if label.is_string() => Ok(()),
            _ => Err("the use of the token is not noted"),
        }
    });
}

#[test]
fn a_deleted_token_stays_dead_in_whatever_secret() {
    let namespace = unguarded("attack-revival-restricted");
    let token = kept_token(&namespace);
    guard(&namespace, "restricted");
    let revived = opaque("token", &json!({"token": token}));
    assert_refused_by(post(&namespace, "secrets", &revived), "TW103");
    let mut custom = revived.clone();
    custom["type"] = json!("example.com/token");
    assert_refused_by(post(&namespace, "secrets", &custom), "TW103");
    let mut restored = super::super::manifest::token_secret("token", "strong");
    restored["stringData"] = json!({"token": token});
    assert_refused_by(post(&namespace, "secrets", &restored), "TW101");

    // By way of a harmless Secret of that name.
    post(&namespace, "secrets", &opaque("token", &json!({"password": "x"}))).expect_success();
    assert_refused_by(patch(&namespace, "token", &json!({"stringData": {"token": token}})), "TW103");
    assert_eq!(namespace.rig().bearer(&token), None);
}
