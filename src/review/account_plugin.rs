//! What the built-in ServiceAccount admission plugin does to a Pod before it reaches a webhook.
//!
//! Written against kubernetes `plugin/pkg/admission/serviceaccount/admission.go`.

use serde_json::{Value, json};

use super::context::Known;

/// Where the plugin mounts the token.
const TOKEN_DIRECTORY: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
/// The prefix of the volume's name; five random characters follow.
const VOLUME_PREFIX: &str = "kube-api-access-";
/// The lifetime that the plugin asks for, in seconds; the API server makes a year of it.
const SECONDS: u32 = 3607;

/// Does to a completed Pod what the plugin does. An account that the input does not hold leaves the Pod as it is: whether
/// it automounts is unknown then, and never guessed.
pub(super) fn apply(namespace: &str, pod: &mut Value, known: &Known<'_>) {
    if pod.pointer("/metadata/annotations/kubernetes.io~1config.mirror").is_some() {
        return;
    }
    let Some(spec) = pod.get_mut("spec").filter(|spec| spec.is_object()) else { return };
    let account = spec.get("serviceAccountName").and_then(Value::as_str).unwrap_or("default");
    let account = known.account(namespace, account);
    let automount = match spec.get("automountServiceAccountToken").and_then(Value::as_bool) {
        Some(own) => own,
        None => account.is_some_and(|account| account.automount.unwrap_or(true)),
    };
    if automount {
        mount_token(spec);
    }
    let has_pull_secrets = spec.get("imagePullSecrets").and_then(Value::as_array).is_some_and(|list| !list.is_empty());
    if let Some(secrets) = account.and_then(|account| account.image_pull_secrets.clone())
        && !has_pull_secrets
    {
        spec["imagePullSecrets"] = secrets;
    }
}

/// A volume whose name begins like the plugin's is used again, whatever it holds.
fn mount_token(spec: &mut Value) {
    let volumes = spec.get("volumes").and_then(Value::as_array).into_iter().flatten();
    let mut names = volumes.filter_map(|volume| volume["name"].as_str());
    let existing = names.find(|name| name.starts_with(VOLUME_PREFIX)).map(str::to_owned);
    let name = existing.clone().unwrap_or_else(|| format!("{VOLUME_PREFIX}xxxxx"));
    let mut mounted = false;
    for list in ["initContainers", "containers"] {
        for container in spec.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            mounted |= mount(container, &name);
        }
    }
    if mounted && existing.is_none() {
        push(spec, "volumes", token_volume(&name));
    }
}

/// The plugin compares mount paths as strings.
fn mount(container: &mut Value, volume: &str) -> bool {
    let mounts = container.get("volumeMounts").and_then(Value::as_array).into_iter().flatten();
    if !container.is_object() || mounts.into_iter().any(|mount| mount["mountPath"] == TOKEN_DIRECTORY) {
        return false;
    }
    push(container, "volumeMounts", json!({"name": volume, "mountPath": TOKEN_DIRECTORY, "readOnly": true}));
    true
}

fn push(fields: &mut Value, key: &str, element: Value) {
    match fields.get_mut(key).and_then(Value::as_array_mut) {
        Some(list) => list.push(element),
        None => fields[key] = json!([element]),
    }
}

fn token_volume(name: &str) -> Value {
    json!({
        "name": name,
        "projected": {
            "defaultMode": 420,
            "sources": [
                {"serviceAccountToken": {"expirationSeconds": SECONDS, "path": "token"}},
                {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
                {"downwardAPI": {"items": [
                    {"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}
                ]}},
            ],
        },
    })
}
