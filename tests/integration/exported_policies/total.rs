//! No expression ends in an error, whatever is missing from what the API server hands over.

use serde_json::{Value, json};
use tokenward::config::{self, Source};
use tokenward::install::validating_admission_policy::Export;

use super::cel::violations;
use super::policies;

/// Fields without which the API server stores no object, or which it writes even where they are empty.
const ALWAYS_THERE: [&str; 6] = ["metadata", "spec", "template", "jobTemplate", "mountPath", "type"];

fn is_always_there(parents: &[String], field: &str) -> bool {
    let of_named = |parent: &String| {
        ["containers", "initContainers", "ephemeralContainers", "volumes", "volumeMounts"].contains(&parent.as_str())
    };
    let parent_list = parents.len().checked_sub(2).map(|index| &parents[index]);
    let is_name =
        field == "name" && (parents.last().is_some_and(|it| it == "metadata") || parent_list.is_some_and(of_named));
    is_name || ALWAYS_THERE.contains(&field)
}

/// The value without each of its fields in turn, and with each emptied.
fn variants(value: &Value, parents: &[String]) -> Vec<Value> {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(fields) => fields.iter().map(|(name, field)| (name.clone(), field)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(index, item)| (index.to_string(), item)).collect(),
        _ => Vec::new(),
    };
    let mut variants = Vec::new();
    for (name, child) in children {
        let mut path = parents.to_vec();
        let put = |new: Option<Value>| {
            let mut copy = value.clone();
            match (&mut copy, new) {
                (Value::Object(fields), Some(new)) => drop(fields.insert(name.clone(), new)),
                (Value::Object(fields), None) => drop(fields.remove(&name)),
                (Value::Array(items), Some(new)) => items[name.parse::<usize>().unwrap()] = new,
                (Value::Array(items), None) => drop(items.remove(name.parse().unwrap())),
                _ => {}
            }
            copy
        };
        if !is_always_there(parents, &name) {
            variants.push(put(None));
            match child {
                Value::Object(_) if value.is_object() => variants.push(put(Some(json!({})))),
                Value::Array(_) => variants.push(put(Some(json!([])))),
                _ => {}
            }
        }
        path.push(name.clone());
        variants.extend(self::variants(child, &path).into_iter().map(|new| put(Some(new))));
    }
    variants
}

/// A container that reaches what a rule looks for.
fn container() -> Value {
    json!({
        "name": "app", "image": "app:1",
        "env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "legacy-ci", "key": "token"}}}],
        "envFrom": [{"secretRef": {"name": "legacy-ci"}}],
        "volumeMounts": [{"name": "kube-api-access-x2b9k", "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"}],
    })
}

/// A volume with a token and a Secret.
fn token_volume() -> Value {
    let token = json!({"serviceAccountToken": {"path": "token", "audience": "vault", "expirationSeconds": 90_000}});
    let sources = json!([token, {"secret": {"name": "legacy-ci"}}]);
    json!({"name": "kube-api-access-x2b9k", "projected": {"defaultMode": 420, "sources": sources}})
}

fn pod_spec() -> Value {
    json!({
        "serviceAccountName": "default", "automountServiceAccountToken": true,
        "initContainers": [{"name": "setup", "image": "app:1"}], "containers": [container()],
        "imagePullSecrets": [{"name": "legacy-ci"}], "volumes": [token_volume()],
    })
}

/// A specification with every other volume that names a Secret.
fn pod_spec_of_volumes() -> Value {
    let secret_ref = json!({"secretRef": {"name": "legacy-ci"}});
    json!({
        "containers": [{"name": "app", "image": "app:1"}],
        "volumes": [
            {"name": "secret", "secret": {"secretName": "legacy-ci"}},
            {"name": "azure", "azureFile": {"secretName": "legacy-ci"}},
            {"name": "csi", "csi": {"nodePublishSecretRef": {"name": "legacy-ci"}}},
            {"name": "cephfs", "cephfs": secret_ref}, {"name": "cinder", "cinder": secret_ref},
            {"name": "flex", "flexVolume": secret_ref}, {"name": "iscsi", "iscsi": secret_ref},
            {"name": "rbd", "rbd": secret_ref}, {"name": "scaleio", "scaleIO": secret_ref},
            {"name": "storageos", "storageos": secret_ref},
        ],
    })
}

fn metadata() -> Value {
    json!({
        "name": "web", "creationTimestamp": "2026-11-24T00:00:00Z",
        "labels": {"tokenward.dev/policy": "mild", "kubernetes.io/legacy-token-invalid-since": "2026-01-01"},
        "annotations": {
            "kubernetes.io/service-account.name": "ci", "tokenward.dev/inject": "true",
            "tokenward.dev/expiration-seconds": "1800", "tokenward.dev/tokens": "vault", "tokenward.dev/containers": "app",
        },
    })
}

/// An object of each kind that a rule reads, with every field that it reads.
fn objects() -> Vec<(&'static str, &'static str, &'static str, Value)> {
    let template = json!({"metadata": {}, "spec": {"automountServiceAccountToken": true, "volumes": [token_volume()]}});
    let debugged = json!({"ephemeralContainers": [container()], "volumes": [token_volume()]});
    vec![
        ("", "pods", "", json!({"metadata": metadata(), "spec": pod_spec()})),
        ("", "pods", "", json!({"metadata": {"name": "web"}, "spec": pod_spec_of_volumes()})),
        ("", "pods", "ephemeralcontainers", json!({"metadata": {"name": "web"}, "spec": debugged})),
        ("", "podtemplates", "", json!({"metadata": metadata(), "template": template})),
        ("", "replicationcontrollers", "", json!({"metadata": metadata(), "spec": {"template": template}})),
        ("", "replicationcontrollers", "", json!({"metadata": metadata(), "spec": {}})),
        ("apps", "deployments", "", json!({"metadata": metadata(), "spec": {"template": template}})),
        (
            "batch",
            "cronjobs",
            "",
            json!({"metadata": metadata(), "spec": {"jobTemplate": {"spec": {"template": template}}}}),
        ),
        (
            "",
            "secrets",
            "",
            json!({
                "metadata": metadata(), "type": "kubernetes.io/service-account-token", "data": {"token": "eA=="},
            }),
        ),
        ("", "serviceaccounts", "", json!({"metadata": metadata(), "automountServiceAccountToken": true})),
        (
            "",
            "serviceaccounts",
            "token",
            json!({"metadata": metadata(), "spec": {
                "audiences": ["vault"], "expirationSeconds": 90_000, "boundObjectRef": {"kind": "Secret", "name": "x"},
            }}),
        ),
        ("", "namespaces", "", json!({"metadata": metadata()})),
    ]
}

#[test]
fn no_expression_ends_in_an_error_whatever_is_missing() {
    let inventory = "apiVersion: tokenward.dev/v1alpha1\nkind: TokenInventory\nsecrets:\n\
                     - {namespace: team-a, name: legacy-ci, serviceAccount: ci}\n";
    let inventory = config::parse_inventory(&[Source::new("inventory.yaml", inventory)]).unwrap();
    let set = policies(include_str!("policy.yaml"));
    let export = Export::of(&set, &inventory, &["strict".to_owned()]).unwrap();
    let mut judged = 0;
    for (group, resource, sub_resource, full) in objects() {
        let label = if resource == "namespaces" { "namespaces" } else { "strict" };
        for object in variants(&full, &[]).into_iter().chain([full.clone()]) {
            for (operation, old) in [("CREATE", Value::Null), ("UPDATE", object.clone())] {
                let request = json!({
                    "operation": operation, "namespace": "team-a", "name": "web", "subResource": sub_resource,
                    "resource": {"group": group, "version": "v1", "resource": resource},
                    "userInfo": {"username": "dev"}, "object": object, "oldObject": old,
                });
                // Ends the test where an expression ends in an error.
                violations(&export, label, &request);
                judged += 1;
            }
        }
    }
    assert!(judged > 300, "{judged}");
}
