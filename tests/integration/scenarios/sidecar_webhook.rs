//! A mutating webhook as service meshes have them: it adds a sidecar to every Pod.

use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::rig::ControlPlane;
use crate::rig::eventually::eventually;
use crate::rig::tls_server::TlsServer;
use crate::rig::users::User;

/// Serves until it is dropped.
pub(super) struct SidecarWebhook {
    _server: TlsServer,
}

impl SidecarWebhook {
    /// Serves, registers itself under `name` for namespaces with `label`, and waits until the API server knows.
    #[track_caller]
    pub(super) fn install(rig: &ControlPlane, name: &str, label: (&str, &str)) -> Self {
        let router = Router::new().route("/", post(|body: Bytes| async move { answer(&body) }));
        let server = TlsServer::start(router).unwrap_or_else(|error| panic!("the sidecar webhook: {error}"));
        let path = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations";
        rig.post(User::Administrator, path, &configuration(name, label, &server)).expect_success();
        wait_until_used(rig, label);
        Self { _server: server }
    }
}

/// Adds the sidecar where it is not yet, as such webhooks do.
fn answer(body: &[u8]) -> String {
    let review: Value = serde_json::from_slice(body).unwrap_or_default();
    let containers = review["request"]["object"]["spec"]["containers"].as_array();
    let is_there = containers.into_iter().flatten().any(|container| container["name"] == "added-sidecar");
    let mut response = json!({"uid": review["request"]["uid"], "allowed": true});
    if !is_there {
        let sidecar = json!({"name": "added-sidecar", "image": "mesh.example.com/proxy:1"});
        let patch = json!([{"op": "add", "path": "/spec/containers/-", "value": sidecar}]);
        response["patchType"] = "JSONPatch".into();
        response["patch"] = STANDARD.encode(patch.to_string()).into();
    }
    json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response}).to_string()
}

fn configuration(name: &str, label: (&str, &str), server: &TlsServer) -> Value {
    json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": name},
        "webhooks": [{
            "name": "sidecars.mesh.example.com",
            "admissionReviewVersions": ["v1"],
            "clientConfig": {"url": server.url, "caBundle": STANDARD.encode(&server.authority)},
            "namespaceSelector": {"matchLabels": {label.0: label.1}},
            "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}],
            "sideEffects": "None",
        }],
    })
}

/// Asked in a namespace that carries nothing but the label, where no other webhook meddles.
#[track_caller]
fn wait_until_used(rig: &ControlPlane, label: (&str, &str)) {
    let namespace = rig.namespace("sidecar-probe", &[label]);
    let container = json!({"name": "app", "image": "app.example.com/app:1"});
    let pod = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "probe"},
        "spec": {"containers": [container]},
    });
    eventually(Duration::from_secs(20), || {
        let answer = rig.post(User::Administrator, &namespace.path("pods?dryRun=All"), &pod);
        match answer.body["spec"]["containers"].as_array().map_or(0, Vec::len) {
            2 => Ok(()),
            _ => Err(format!("no sidecar was added: HTTP {} {}", answer.code, answer.body)),
        }
    });
}
