//! Reviews to post.

use serde_json::{Value, json};

/// A review as an API server writes it.
pub(crate) fn review(resource: &str, namespace: &str, object: &Value) -> String {
    json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
            "resource": {"group": "", "version": "v1", "resource": resource},
            "name": object["metadata"]["name"],
            "namespace": namespace,
            "operation": "CREATE",
            "userInfo": {"username": "jane", "groups": ["system:authenticated"]},
            "object": object,
            "oldObject": null,
            "dryRun": false,
        },
    })
    .to_string()
}

/// The creation of a legacy token Secret, which `baseline` refuses.
pub(crate) fn token_secret() -> String {
    let object = json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": "ci-bot-token",
            "namespace": "team-a",
            "annotations": {"kubernetes.io/service-account.name": "ci-bot"},
        },
        "type": "kubernetes.io/service-account-token",
    });
    review("secrets", "team-a", &object)
}

/// The creation of an ordinary Secret with `bytes` bytes of data.
pub(crate) fn opaque_secret(bytes: usize) -> String {
    let object = json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "archive", "namespace": "team-a"},
        "data": {"archive": "QUFB".repeat(bytes / 4)},
        "type": "Opaque",
    });
    review("secrets", "team-a", &object)
}

/// The creation of a Pod that mounts the Secret `legacy-ci`, with automount off.
pub(crate) fn pod() -> String {
    let object = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "app", "namespace": "team-a"},
        "spec": {
            "serviceAccountName": "app",
            "automountServiceAccountToken": false,
            "containers": [{
                "name": "app",
                "image": "registry.example/app:1",
                "volumeMounts": [{"name": "token", "mountPath": "/token"}],
            }],
            "volumes": [{"name": "token", "secret": {"secretName": "legacy-ci"}}],
        },
    });
    review("pods", "team-a", &object)
}
