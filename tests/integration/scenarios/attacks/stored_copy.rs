//! A copy of a legacy token lies where nobody looks for one, and is handed to a Pod of another account.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{assert_refused_by, assert_speaks_for, guard, legacy_token, opaque, patch, unguarded};
use crate::rig::namespace::Namespace;
use crate::rig::users::User;
use crate::scenarios::manifest::pod;
use crate::scenarios::post;

/// What `kubectl` writes for a person who has the token.
#[track_caller]
fn kubeconfig(namespace: &Namespace<'_>, token: &str) -> String {
    let file = tempfile::NamedTempFile::new().expect("a file for the kubeconfig");
    let at = format!("--kubeconfig={}", file.path().display());
    namespace.rig().kubectl(["config", "set-credentials", "ci", "--token", token, &at]).ok();
    let kubeconfig = fs::read_to_string(file.path()).expect("the kubeconfig");
    assert!(kubeconfig.contains(token), "{kubeconfig}");
    kubeconfig
}

/// A Pod of the weak account that has a Secret in a volume.
fn pod_with(secret: &str) -> Value {
    pod("web", "weak", &json!({"volumes": [{"name": "settings", "secret": {"secretName": secret}}]}))
}

#[test]
fn a_copy_of_a_legacy_token_serves_as_well_as_the_token() {
    let namespace = unguarded("attack-copy");
    let token = legacy_token(&namespace, "token", "strong");
    post(&namespace, "secrets", &opaque("settings", &json!({"token": token}))).expect_success();
    post(&namespace, "pods", &pod_with("settings")).expect_success();
    let received = namespace.rig().kubelet_secret_token(&namespace, "web", "settings");
    assert_speaks_for(&namespace, &received, "strong");
}

#[test]
fn a_copy_is_refused_in_whatever_it_is_wrapped() {
    let namespace = unguarded("attack-copy-restricted");
    let token = legacy_token(&namespace, "token", "strong");
    guard(&namespace, "restricted");
    let kubeconfig = kubeconfig(&namespace, &token);
    let manifest = json!({"kind": "Secret", "data": {"token": STANDARD.encode(&token)}}).to_string();
    for value in [token.clone(), format!("Bearer {token}\n"), kubeconfig, STANDARD.encode(&token), manifest] {
        let status = assert_refused_by(post(&namespace, "secrets", &opaque("settings", &json!({"a": value}))), "TW104");
        assert_eq!(status["details"]["causes"][0]["field"], "data[a]");
        assert!(!status.to_string().contains(&token[..40]), "the token comes back: {status:#}");
    }

    post(&namespace, "secrets", &opaque("settings", &json!({"a": "x"}))).expect_success();
    assert_refused_by(patch(&namespace, "settings", &json!({"stringData": {"b": token}})), "TW104");

    // Platforms write these themselves, so that one is told of and stored.
    let auth = STANDARD.encode(format!("serviceaccount:{token}"));
    let config = json!({"auths": {"registry.example.com": {"auth": auth}}}).to_string();
    let mut docker = opaque("registry", &json!({".dockerconfigjson": config}));
    docker["type"] = json!("kubernetes.io/dockerconfigjson");
    let answer = post(&namespace, "secrets", &docker);
    let [warning] = &answer.warnings[..] else { panic!("one warning: {answer:?}") };
    assert!(warning.starts_with("TW104 stored-token: "), "{warning}");
    answer.expect_success();
}

#[test]
fn a_bound_token_of_a_year_is_refused_as_well_and_one_of_an_hour_is_not() {
    let namespace = unguarded("attack-copy-bound");
    let token = |duration: &str| {
        let command = ["create", "token", "strong", "--duration", duration];
        namespace.kubectl_as(User::Developer, command).ok().stdout.trim().to_owned()
    };
    let (year, hour) = (token("8760h"), token("1h"));
    assert_speaks_for(&namespace, &year, "strong");
    guard(&namespace, "restricted");
    assert_refused_by(post(&namespace, "secrets", &opaque("year", &json!({"token": year}))), "TW104");
    post(&namespace, "secrets", &opaque("hour", &json!({"token": hour}))).expect_success();
}
