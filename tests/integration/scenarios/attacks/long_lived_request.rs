//! A token without a Secret that lives as long as one with.

use serde_json::{Value, json};

use super::{assert_refused_by, assert_speaks_for, guard, unguarded};
use crate::rig::http::Answer;
use crate::rig::namespace::Namespace;
use crate::rig::token::Claims;
use crate::rig::users::User;
use crate::scenarios::manifest::pod;
use crate::scenarios::post;

const ONE_YEAR: i64 = 31_536_000;

/// What `kubectl create token` sends.
fn request(namespace: &Namespace<'_>, spec: &Value) -> Answer {
    let request = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec});
    post(namespace, "serviceaccounts/strong/token", &request)
}

/// Bound to a Pod of the strong account, which the kubelet has nothing to do with.
fn bound_to_a_pod(namespace: &Namespace<'_>) -> Value {
    let stored = post(namespace, "pods", &pod("bait", "strong", &json!({}))).expect_success();
    json!({"apiVersion": "v1", "kind": "Pod", "name": "bait", "uid": stored["metadata"]["uid"]})
}

fn bound_to_a_secret(namespace: &Namespace<'_>) -> Value {
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "bait"}});
    let stored = post(namespace, "secrets", &secret).expect_success();
    json!({"apiVersion": "v1", "kind": "Secret", "name": "bait", "uid": stored["metadata"]["uid"]})
}

#[test]
fn the_api_server_grants_a_year_for_the_asking() {
    let namespace = unguarded("attack-request");
    let asked = [
        json!({"expirationSeconds": ONE_YEAR}),
        // An hour by the look of it: the API server extends exactly these seconds.
        json!({"expirationSeconds": 3607, "boundObjectRef": bound_to_a_pod(&namespace)}),
        json!({"expirationSeconds": ONE_YEAR, "boundObjectRef": bound_to_a_secret(&namespace)}),
    ];
    for spec in asked {
        let granted = request(&namespace, &spec).expect_success();
        let token = granted["status"]["token"].as_str().unwrap_or_default();
        assert_eq!(Claims::of(token).lifetime(), Some(ONE_YEAR), "{spec}");
        assert_speaks_for(&namespace, token, "strong");
    }
}

#[test]
fn a_year_is_refused_however_it_is_asked_for() {
    let namespace = unguarded("attack-request-restricted");
    let (pod, secret) = (bound_to_a_pod(&namespace), bound_to_a_secret(&namespace));
    guard(&namespace, "restricted");
    for (spec, field) in [
        (json!({"expirationSeconds": ONE_YEAR}), "spec.expirationSeconds"),
        (json!({"expirationSeconds": 3607, "boundObjectRef": pod}), "spec.expirationSeconds"),
        (json!({"expirationSeconds": 600, "boundObjectRef": secret}), "spec.boundObjectRef"),
    ] {
        let status = assert_refused_by(request(&namespace, &spec), "TW401");
        assert_eq!(status["details"]["causes"][0]["field"], field);
    }
    let output = namespace.kubectl_as(User::Developer, ["create", "token", "strong", "--duration=8760h"]).refused();
    assert!(
        output.stderr.contains("TW401 token-request-lifetime: a token of 31536000 seconds is asked for"),
        "{output}"
    );
    request(&namespace, &json!({"expirationSeconds": 86_400})).expect_success();
}
