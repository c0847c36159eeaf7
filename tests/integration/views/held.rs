//! What the typed objects hold, from the JSON that k8s-openapi writes of them: it leaves out what was missing or null.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The name of a Secret, where there is one.
fn named(value: &Value) -> Option<&str> {
    value.as_str().filter(|name| !name.is_empty())
}

fn list(value: &Value, item: impl Fn(&Value) -> Value) -> Value {
    value.as_array().map_or(Value::Null, |items| items.iter().map(item).collect())
}

/// A list that k8s-openapi always has.
fn required(value: &Value, item: impl Fn(&Value) -> Value) -> Value {
    value.as_array().into_iter().flatten().map(item).collect()
}

fn some(value: &Value, project: impl Fn(&Value) -> Value) -> Value {
    if value.is_null() { Value::Null } else { project(value) }
}

/// The texts that are long enough for a token.
fn long(value: &Value) -> Value {
    let texts = value.as_array().into_iter().flatten().map(text).enumerate();
    texts.filter(|(_, text)| text.len() >= 128).map(|(index, text)| json!([index, text])).collect()
}

/// The variables with such a text, or with a Secret.
fn telling(variables: &Value) -> Value {
    let variables = variables.as_array().into_iter().flatten().map(|env| {
        let value = Some(text(&env["value"])).filter(|value| value.len() >= 128).unwrap_or_default();
        let reference = &env["valueFrom"]["secretKeyRef"];
        let secret = named(&reference["name"]);
        (text(&env["name"]), value, secret, secret.map(|_| text(&reference["key"])))
    });
    let telling = variables.enumerate().filter(|(_, (_, value, secret, _))| !value.is_empty() || secret.is_some());
    telling.map(|(index, variable)| json!([index, variable])).collect()
}

pub(super) fn metadata(value: &Value) -> Value {
    json!({
        "name": text(&value["name"]), "generateName": text(&value["generateName"]),
        "namespace": text(&value["namespace"]), "deleted": value["deletionTimestamp"].is_string(),
        "labels": value["labels"], "annotations": value["annotations"],
    })
}

fn container(value: &Value) -> Value {
    json!({
        "name": text(&value["name"]), "command": long(&value["command"]), "args": long(&value["args"]),
        "mounts": list(&value["volumeMounts"], |mount| {
            ["name", "mountPath", "subPath", "subPathExpr"].into_iter().map(|field| text(&mount[field])).collect()
        }),
        "devices": list(&value["volumeDevices"], |device| json!(text(&device["devicePath"]))),
        "env": telling(&value["env"]),
        "envFrom": list(&value["envFrom"], |source| json!([text(&source["prefix"]), named(&source["secretRef"]["name"])])),
    })
}

fn items(value: &Value) -> Value {
    let key = |key: &Value| json!([text(&key["key"]), text(&key["path"]), key["mode"]]);
    json!([text(&value["name"]), list(&value["items"], key), value["optional"]])
}

fn source(value: &Value) -> Value {
    let file = |file: &Value| {
        let field = some(&file["fieldRef"], |field| json!([text(&field["apiVersion"]), text(&field["fieldPath"])]));
        json!([text(&file["path"]), field, file["mode"]])
    };
    json!({
        "token": some(&value["serviceAccountToken"], |token| {
            json!([text(&token["audience"]), token["expirationSeconds"], text(&token["path"])])
        }),
        "secret": some(&value["secret"], items),
        "configMap": some(&value["configMap"], items),
        "downwardAPI": some(&value["downwardAPI"], |source| json!([list(&source["items"], file)])),
        "trust": some(&value["clusterTrustBundle"], |bundle| json!(text(&bundle["path"]))),
    })
}

/// Where a `secret` volume has the key `token`.
fn token_files(secret: &Value) -> Value {
    match secret["items"].as_array().filter(|items| !items.is_empty()) {
        Some(items) => items.iter().filter(|item| item["key"] == "token").map(|item| text(&item["path"])).collect(),
        None => json!(["token"]),
    }
}

fn volume(value: &Value) -> Value {
    let fields = [
        "secret.secretName",
        "azureFile.secretName",
        "csi.nodePublishSecretRef.name",
        "cephfs.secretRef.name",
        "cinder.secretRef.name",
        "flexVolume.secretRef.name",
        "iscsi.secretRef.name",
        "rbd.secretRef.name",
        "scaleIO.secretRef.name",
        "storageos.secretRef.name",
    ];
    let secrets = fields
        .into_iter()
        .filter_map(|field| Some(json!([field, named(field.split('.').fold(value, |value, step| &value[step]))?])));
    json!({
        "name": text(&value["name"]), "secrets": secrets.collect::<Value>(),
        "token files": some(&value["secret"], token_files).as_array().cloned().unwrap_or_default(),
        "projected": some(&value["projected"], |found| json!([found["defaultMode"], list(&found["sources"], source)])),
    })
}

pub(super) fn pod(value: &Value) -> Value {
    let spec = &value["spec"];
    let account = named(&spec["serviceAccountName"]).or_else(|| named(&spec["serviceAccount"]));
    json!({
        "metadata": metadata(&value["metadata"]), "account": account.unwrap_or("default"),
        "automount": spec["automountServiceAccountToken"], "volumes": list(&spec["volumes"], volume),
        "init": list(&spec["initContainers"], container), "ephemeral": list(&spec["ephemeralContainers"], container),
        "containers": required(&spec["containers"], container),
        "pull": list(&spec["imagePullSecrets"], |secret| json!(text(&secret["name"]))),
    })
}

pub(super) fn secret(value: &Value) -> Value {
    let data = some(&value["data"], |data| {
        let entries = data.as_object().into_iter().flatten();
        let decoded = entries.map(|(key, value)| (key.clone(), json!(STANDARD.decode(text(value)).expect("base64"))));
        Value::Object(decoded.collect())
    });
    json!({"metadata": metadata(&value["metadata"]), "type": text(&value["type"]), "data": data})
}

pub(super) fn account(value: &Value) -> Value {
    json!({
        "metadata": metadata(&value["metadata"]), "automount": value["automountServiceAccountToken"],
        "secrets": list(&value["secrets"], |secret| json!(text(&secret["name"]))),
    })
}

pub(super) fn token_request(value: &Value) -> Value {
    let spec = &value["spec"];
    json!({
        "audiences": required(&spec["audiences"], |audience| json!(text(audience))),
        "seconds": spec["expirationSeconds"],
        "bound": some(&spec["boundObjectRef"], |bound| json!([text(&bound["kind"]), text(&bound["name"])])),
    })
}
