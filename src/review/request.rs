//! The AdmissionReview that the API server would send for an object.

use serde::Serialize;
use serde_json::{Value, json};

use super::object::Kind;

/// The body of the review of a creation. The envelope has the order of Go's encoder.
pub(super) fn create(kind: &Kind, namespace: &str, object: &Value) -> Vec<u8> {
    let group_version_kind = Gvk { group: kind.group, version: kind.version, kind: kind.kind };
    let resource = Gvr { group: kind.group, version: kind.version, resource: kind.plural };
    let review = Review {
        kind: "AdmissionReview",
        api_version: "admission.k8s.io/v1",
        request: Request {
            uid: "00000000-0000-4000-8000-000000000000",
            kind: group_version_kind,
            resource,
            request_kind: group_version_kind,
            request_resource: resource,
            name: object.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default(),
            namespace,
            operation: "CREATE",
            user_info: json!({}),
            object,
            old_object: (),
            dry_run: false,
            options: json!({"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1"}),
        },
    };
    // Strings and values that came from JSON: this cannot fail, and an empty body would be refused as no review.
    serde_json::to_vec(&review).unwrap_or_default()
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Review<'r> {
    kind: &'static str,
    api_version: &'static str,
    request: Request<'r>,
}

#[derive(Clone, Copy, Serialize)]
struct Gvk {
    group: &'static str,
    version: &'static str,
    kind: &'static str,
}

#[derive(Clone, Copy, Serialize)]
struct Gvr {
    group: &'static str,
    version: &'static str,
    resource: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Request<'r> {
    uid: &'static str,
    kind: Gvk,
    resource: Gvr,
    request_kind: Gvk,
    request_resource: Gvr,
    #[serde(skip_serializing_if = "str::is_empty")]
    name: &'r str,
    #[serde(skip_serializing_if = "str::is_empty")]
    namespace: &'r str,
    operation: &'static str,
    user_info: Value,
    object: &'r Value,
    old_object: (),
    dry_run: bool,
    options: Value,
}
