//! What people apply.

use serde_json::{Value, json};

/// Where the API server's token lies in every container.
pub(super) const DIRECTORY: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// A token Secret of `account`.
pub(super) fn token_secret(name: &str, account: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/service-account-token",
        "metadata": {"name": name, "annotations": {"kubernetes.io/service-account.name": account}},
    })
}

/// A Pod of `account`, with one container unless `spec` says otherwise.
pub(super) fn pod(name: &str, account: &str, spec: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": pod_spec(account, spec)})
}

/// The same with annotations.
pub(super) fn annotated_pod(name: &str, account: &str, annotations: &Value, spec: &Value) -> Value {
    let mut pod = pod(name, account, spec);
    pod["metadata"]["annotations"] = annotations.clone();
    pod
}

/// A Deployment of one Pod.
pub(super) fn deployment(name: &str, account: &str, spec: &Value) -> Value {
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": pod_spec(account, spec)},
        },
    })
}

fn pod_spec(account: &str, spec: &Value) -> Value {
    let mut spec = spec.clone();
    if spec["containers"].is_null() {
        spec["containers"] = json!([container("app")]);
    }
    spec["serviceAccountName"] = account.into();
    spec
}

pub(super) fn container(name: &str) -> Value {
    json!({"name": name, "image": "app.example.com/app:1"})
}

/// An init container that goes on running.
pub(super) fn sidecar(name: &str) -> Value {
    let mut container = container(name);
    container["restartPolicy"] = "Always".into();
    container
}

/// A `spec` with one container of each kind that a Pod is created with.
pub(super) fn all_kinds_of_containers() -> Value {
    json!({"initContainers": [container("setup"), sidecar("proxy")], "containers": [container("app")]})
}

/// A volume with the three files that a client in a Pod expects.
pub(super) fn token_volume(name: &str, audience: Option<&str>, seconds: u32) -> Value {
    let mut token = json!({"path": "token", "expirationSeconds": seconds});
    if let Some(audience) = audience {
        token["audience"] = audience.into();
    }
    let namespace = json!({"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}});
    json!({
        "name": name,
        "projected": {
            "defaultMode": 0o644,
            "sources": [
                {"serviceAccountToken": token},
                {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
                {"downwardAPI": {"items": [namespace]}},
            ],
        },
    })
}

/// A mount at the default directory.
pub(super) fn token_mount(volume: &str) -> Value {
    json!({"name": volume, "mountPath": DIRECTORY, "readOnly": true})
}
