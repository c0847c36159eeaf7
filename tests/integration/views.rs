//! What the views see is what k8s-openapi's typed objects hold. Generated objects have null lists and maps, strings with
//! escapes, keys in any order, and fields that nobody knows.

mod held;
pub(crate) mod objects;
mod seen;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::authentication::v1::TokenRequest;
use k8s_openapi::api::batch::v1::CronJob;
use k8s_openapi::api::core::v1::{Namespace, Pod, Secret, ServiceAccount};
use kube::core::DynamicObject;
use kube::core::admission::{AdmissionReview, Operation as TypedOperation};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokenward::admission::{Object, Operation, Request, Resource};
use tokenward::resource::{LEGACY_TOKEN_TYPE, Text};

use self::objects::{Dice, boolean, list, map, metadata, object, pod_fields, reference, seconds, text, words, write};

/// The object with its version and kind, which k8s-openapi asks for.
fn of<T: k8s_openapi::Resource>(mut object: Value) -> Value {
    object["apiVersion"] = json!(T::API_VERSION);
    object["kind"] = json!(T::KIND);
    object
}

/// The bytes of a review that creates `object`, written as the dice fall.
fn body(resource: &str, object: &str) -> String {
    let (group, resource, sub_resource) = match resource.split('/').collect::<Vec<_>>()[..] {
        [group @ ("apps" | "batch"), resource] => (group, resource, ""),
        [resource, sub_resource] => ("", resource, sub_resource),
        _ => ("", resource, ""),
    };
    let resource = json!({"group": group, "version": "v1", "resource": resource});
    format!(
        r#"{{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{{"uid":"1","resource":{resource},
        "subResource":"{sub_resource}","namespace":"team-a","operation":"CREATE","object":{object}}}}}"#
    )
}

/// Holds what `seen` says of a view against what `held` says of the typed object that was read from the same bytes.
fn same<T: k8s_openapi::Resource + DeserializeOwned + Serialize>(
    resource: &str,
    object: Value,
    throw: u64,
    seen: impl FnOnce(&Object<'_>) -> Value,
    held: impl FnOnce(&Value) -> Value,
) -> Result<(), TestCaseError> {
    let written = write(&of::<T>(object), &mut Dice(throw | 1));
    let typed: T =
        serde_json::from_str(&written).map_err(|error| TestCaseError::fail(format!("{error}: {written}")))?;
    let body = body(resource, &written);
    let request = Request::parse(body.as_bytes()).map_err(|error| TestCaseError::fail(format!("{error}: {body}")))?;
    let seen = seen(request.object.as_ref().expect("an object"));
    prop_assert_eq!(seen, held(&serde_json::to_value(typed).expect("JSON")), "{}", written);
    Ok(())
}

macro_rules! view_of {
    ($object:expr, $variant:ident) => {
        match $object {
            Object::$variant(view) => view,
            other => panic!("not the view that was asked for: {other:?}"),
        }
    };
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_pod_is_seen_as_it_is(pod in pod_fields(), throw in any::<u64>(), resource in select(&["pods", "pods/ephemeralcontainers"])) {
        same::<Pod>(resource, pod, throw, |object| seen::pod(view_of!(object, Pod)), held::pod)?;
    }

    #[test]
    fn the_template_of_a_deployment_is_seen_as_it_is(
        deployment in object([("metadata", metadata()), ("spec", object([("template", pod_fields()), ("paused", boolean())]))]),
        throw in any::<u64>(),
    ) {
        same::<Deployment>("apps/deployments", deployment, throw, |object| seen::workload(view_of!(object, Workload)), |held| {
            json!([held::metadata(&held["metadata"]), held::pod(&held["spec"]["template"])])
        })?;
    }

    #[test]
    fn the_template_of_a_cron_job_is_seen_as_it_is(
        cron_job in object([
            ("metadata", metadata()),
            ("spec", object([
                ("jobTemplate", object([("metadata", metadata()), ("spec", object([("template", pod_fields())]))])),
                ("schedule", text()),
            ])),
        ]),
        throw in any::<u64>(),
    ) {
        same::<CronJob>("batch/cronjobs", cron_job, throw, |object| seen::workload(view_of!(object, Workload)), |held| {
            json!([held::metadata(&held["metadata"]), held::pod(&held["spec"]["jobTemplate"]["spec"]["template"])])
        })?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_secret_is_seen_as_it_is(
        secret in object([
            ("metadata", metadata()),
            ("type", prop_oneof![text(), Just(json!(LEGACY_TOKEN_TYPE))].boxed()),
            ("data", map(vec(any::<u8>(), 0..40).prop_map(|bytes| json!(STANDARD.encode(bytes))).boxed())),
            ("immutable", boolean()),
        ]),
        throw in any::<u64>(),
    ) {
        same::<Secret>("secrets", secret, throw, |object| seen::secret(view_of!(object, Secret)), held::secret)?;
    }

    #[test]
    fn a_service_account_is_seen_as_it_is(
        account in object([
            ("metadata", metadata()),
            ("automountServiceAccountToken", boolean()),
            ("secrets", list(object([("name", text()), ("kind", text())]))),
            ("imagePullSecrets", list(reference())),
        ]),
        throw in any::<u64>(),
    ) {
        let seen = |object: &Object<'_>| seen::account(view_of!(object, ServiceAccount));
        same::<ServiceAccount>("serviceaccounts", account, throw, seen, held::account)?;
    }

    #[test]
    fn a_token_request_is_seen_as_it_is(
        request in object([
            ("metadata", metadata()),
            ("spec", object([
                ("audiences", list(text())),
                ("expirationSeconds", seconds()),
                ("boundObjectRef", object([("kind", text()), ("name", text()), ("uid", text())])),
            ])),
        ]),
        throw in any::<u64>(),
    ) {
        let seen = |object: &Object<'_>| seen::token_request(view_of!(object, TokenRequest));
        same::<TokenRequest>("serviceaccounts/token", request, throw, seen, held::token_request)?;
    }

    #[test]
    fn a_namespace_is_seen_as_it_is(
        namespace in object([("metadata", metadata()), ("spec", object([("finalizers", list(text()))]))]),
        throw in any::<u64>(),
    ) {
        let seen = |object: &Object<'_>| seen::namespace(view_of!(object, Namespace));
        same::<Namespace>("namespaces", namespace, throw, seen, |held| held::metadata(&held["metadata"]))?;
    }

    /// The writer puts the keys of the envelope in any order too: objects before `resource`, `subResource` after them.
    #[test]
    fn an_envelope_is_read_as_kube_reads_it(
        uid in "[\"\\\\a-z0-9é-]{1,20}",
        (name, old_name, namespace) in (words(), words(), "[a-z]{1,9}"),
        (username, groups) in (words(), prop_oneof![list(text()), Just(Value::Null)]),
        (group, resource, sub_resource) in select(&[
            ("", "pods", ""), ("", "pods", "ephemeralcontainers"), ("", "pods", "binding"), ("", "secrets", ""),
            ("", "serviceaccounts", "token"), ("apps", "deployments", ""), ("", "namespaces", ""), ("", "configmaps", ""),
        ]),
        operation in select(&["CREATE", "UPDATE", "DELETE", "CONNECT"]),
        dry_run in any::<Option<bool>>(),
        throw in any::<u64>(),
    ) {
        let object = |name: &str| json!({"apiVersion": "v1", "kind": "Any", "metadata": {"name": name}});
        let mut request = json!({
            "uid": uid, "name": name, "namespace": namespace, "operation": operation,
            "kind": {"group": group, "version": "v1", "kind": "Any"},
            "resource": {"group": group, "version": "v1", "resource": resource},
            "userInfo": {"username": username, "groups": groups, "extra": {"a": ["b"]}},
            "object": if operation == "DELETE" { Value::Null } else { object(&name) },
            "oldObject": if operation == "CREATE" { Value::Null } else { object(&old_name) },
            "options": {"apiVersion": "meta.k8s.io/v1", "kind": "CreateOptions"},
        });
        if let Some(dry_run) = dry_run {
            request["dryRun"] = json!(dry_run);
        }
        if !sub_resource.is_empty() {
            request["subResource"] = json!(sub_resource);
        }
        let review = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request});
        let body = write(&review, &mut Dice(throw | 1));
        let typed: AdmissionReview<DynamicObject> = serde_json::from_str(&body).expect("a review");
        let typed = typed.request.expect("a request");
        let seen = Request::parse(body.as_bytes()).map_err(|error| TestCaseError::fail(format!("{error}: {body}")))?;

        prop_assert_eq!(&*seen.uid, typed.uid);
        prop_assert_eq!(&*seen.name, typed.name);
        prop_assert_eq!(&*seen.namespace, typed.namespace.unwrap_or_default());
        prop_assert_eq!(seen.dry_run, typed.dry_run);
        prop_assert_eq!(&*seen.user.username, typed.user_info.username.unwrap_or_default());
        let groups: Vec<&str> = seen.user.groups.iter().map(Text::as_str).collect();
        prop_assert_eq!(groups, typed.user_info.groups.unwrap_or_default());
        let expected = match typed.operation {
            TypedOperation::Create => Operation::Create,
            TypedOperation::Update => Operation::Update,
            TypedOperation::Delete => Operation::Delete,
            TypedOperation::Connect => Operation::Connect,
        };
        prop_assert_eq!(seen.operation, expected);
        let named = typed.resource;
        let sub_resource = typed.sub_resource.unwrap_or_default();
        prop_assert_eq!(seen.resource, Resource::of(&named.group, &named.version, &named.resource, &sub_resource));
        for (seen, typed) in [(seen.object, typed.object), (seen.old_object, typed.old_object)] {
            prop_assert_eq!(seen.is_some(), typed.is_some());
            if let (Some(metadata), Some(typed)) = (seen.as_ref().and_then(Object::metadata), typed) {
                prop_assert_eq!(&*metadata.name, typed.metadata.name.unwrap_or_default());
            }
        }
    }
}
