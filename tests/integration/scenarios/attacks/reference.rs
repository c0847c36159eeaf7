//! A Pod of the weak account is handed the legacy token of the strong one, by ways that few look at.
//!
//! No kubelet runs here. What it would put into the container it must read first, as its node, and the API server lets a node
//! read no Secret but those that its Pods name: so what the node can read is what the container gets.

use serde_json::{Value, json};

use super::{assert_refused_by, assert_speaks_for, guard, legacy_token, unguarded};
use crate::rig::http::Answer;
use crate::rig::namespace::Namespace;
use crate::rig::users::User;
use crate::scenarios::manifest::{container, pod};
use crate::scenarios::post;

/// A name that the inventory knows in the namespaces of these attacks.
const LEGACY: &str = "legacy-strong";

/// The Pod is admitted, and its container gets a token that speaks for the strong account.
#[track_caller]
fn assert_succeeds(namespace: &Namespace<'_>, spec: &Value) {
    legacy_token(namespace, LEGACY, "strong");
    let path = namespace.path(&format!("secrets/{LEGACY}"));
    namespace.rig().get(User::Node, &path).expect_code(403);
    post(namespace, "pods", &pod("web", "weak", spec)).expect_success();
    let token = namespace.rig().kubelet_secret_token(namespace, "web", LEGACY);
    assert_speaks_for(namespace, &token, "strong");
}

/// The Pod is refused for the reference at `path`.
#[track_caller]
fn assert_refused(namespace: &Namespace<'_>, spec: &Value, path: &str) {
    legacy_token(namespace, LEGACY, "strong");
    guard(namespace, "restricted");
    let status = assert_refused_by(post(namespace, "pods", &pod("web", "weak", spec)), "TW201");
    assert_eq!(status["details"]["causes"][0]["field"], path);
    namespace.rig().get(User::Administrator, &namespace.path("pods/web")).expect_code(404);
}

fn through_an_init_container() -> Value {
    let mut init = container("setup");
    init["envFrom"] = json!([{"prefix": "APP_", "secretRef": {"name": LEGACY}}]);
    json!({"initContainers": [init]})
}

#[test]
fn env_from_of_an_init_container_hands_out_a_legacy_token() {
    assert_succeeds(&unguarded("attack-init"), &through_an_init_container());
}

#[test]
fn env_from_of_an_init_container_is_refused() {
    let path = "spec.initContainers[0].envFrom[0].secretRef.name";
    assert_refused(&unguarded("attack-init-restricted"), &through_an_init_container(), path);
}

/// Beside a proper token, as a migration half done would have it.
fn through_a_projected_source() -> Value {
    let sources = json!([
        {"serviceAccountToken": {"path": "new", "expirationSeconds": 3600}},
        {"secret": {"name": LEGACY, "items": [{"key": "token", "path": "token"}]}},
    ]);
    json!({"volumes": [{"name": "tokens", "projected": {"sources": sources}}]})
}

#[test]
fn a_projected_source_hands_out_a_legacy_token() {
    assert_succeeds(&unguarded("attack-projected"), &through_a_projected_source());
}

#[test]
fn a_projected_source_is_refused() {
    let path = "spec.volumes[0].projected.sources[1].secret.name";
    assert_refused(&unguarded("attack-projected-restricted"), &through_a_projected_source(), path);
}

/// Adds an ephemeral container to the Pod `web` that takes the token into a variable, as `kubectl debug` would.
fn debug(namespace: &Namespace<'_>) -> Answer {
    let mut container = container("debugger");
    container["env"] = json!([{"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": LEGACY, "key": "token"}}}]);
    let change = json!({"spec": {"ephemeralContainers": [container]}});
    let body = Some(("application/strategic-merge-patch+json", &change));
    namespace.rig().send(User::Administrator, "PATCH", &namespace.path("pods/web/ephemeralcontainers"), body)
}

#[test]
fn an_ephemeral_container_is_handed_a_legacy_token() {
    let namespace = unguarded("attack-ephemeral");
    legacy_token(&namespace, LEGACY, "strong");
    post(&namespace, "pods", &pod("web", "weak", &json!({}))).expect_success();
    debug(&namespace).expect_success();
    let token = namespace.rig().kubelet_secret_token(&namespace, "web", LEGACY);
    assert_speaks_for(&namespace, &token, "strong");
}

#[test]
fn an_ephemeral_container_is_refused() {
    let namespace = unguarded("attack-ephemeral-restricted");
    legacy_token(&namespace, LEGACY, "strong");
    post(&namespace, "pods", &pod("web", "weak", &json!({}))).expect_success();
    guard(&namespace, "restricted");
    let status = assert_refused_by(debug(&namespace), "TW201");
    let path = "spec.ephemeralContainers[0].env[0].valueFrom.secretKeyRef.name";
    assert_eq!(status["details"]["causes"][0]["field"], path);
    assert!(namespace.stored("pod/web")["spec"]["ephemeralContainers"].is_null());
}
