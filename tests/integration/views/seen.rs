//! What the views see, in the form that `held` gives the typed objects.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokenward::resource::{self as view, List, LongText, Sparse, StringMap};

fn list<T>(list: &List<T>, item: impl Fn(&T) -> Value) -> Value {
    if list.is_present() { list.iter().map(item).collect() } else { Value::Null }
}

fn map(map: &StringMap<'_>) -> Value {
    if !map.is_present() {
        return Value::Null;
    }
    for (key, value) in map.iter() {
        assert_eq!(map.get(key), Some(value));
    }
    Value::Object(map.iter().map(|(key, value)| (key.to_string(), json!(value.as_str()))).collect())
}

fn sparse<T>(list: &Sparse<T>, item: impl Fn(&T) -> Value) -> Value {
    let found = list.iter().inspect(|(index, found)| assert!(std::ptr::eq(list.get(*index).unwrap(), *found)));
    found.map(|(index, found)| json!([index, item(found)])).collect()
}

fn long(texts: &Sparse<LongText<'_>>) -> Value {
    sparse(texts, |text| json!(text.as_str()))
}

fn metadata(metadata: &view::Metadata<'_>) -> Value {
    json!({
        "name": metadata.name.as_str(), "generateName": metadata.generate_name.as_str(),
        "namespace": metadata.namespace.as_str(), "deleted": metadata.is_being_deleted(),
        "labels": map(&metadata.labels), "annotations": map(&metadata.annotations),
    })
}

fn container(container: &view::Container<'_>) -> Value {
    json!({
        "name": container.name.as_str(), "command": long(&container.command), "args": long(&container.args),
        "mounts": list(&container.volume_mounts, |mount| json!([
            mount.name.as_str(), mount.mount_path.as_str(), mount.sub_path.as_str(), mount.sub_path_expr.as_str(),
        ])),
        "devices": list(&container.volume_devices, |device| json!(device.device_path.as_str())),
        "env": sparse(&container.env, |env| json!([
            env.name.as_str(), env.value.as_str(), env.secret(), env.secret_key(),
        ])),
        "envFrom": list(&container.env_from, |source| json!([source.prefix.as_str(), source.secret()])),
    })
}

fn items(source: &view::ItemsSource<'_>) -> Value {
    let key = |key: &view::KeyToPath<'_>| json!([key.key.as_str(), key.path.as_str(), key.mode]);
    json!([source.name.as_str(), list(&source.items, key), source.optional])
}

fn source(source: &view::ProjectedSource<'_>) -> Value {
    let token = source.service_account_token.as_ref();
    let file = |file: &view::DownwardApiItem<'_>| {
        let field = file.field_ref.as_ref().map(|field| [field.api_version.as_str(), field.field_path.as_str()]);
        json!([file.path.as_str(), field, file.mode])
    };
    json!({
        "token": token.map(|token| json!([token.audience.as_str(), token.expiration_seconds, token.path.as_str()])),
        "secret": source.secret.as_ref().map(items),
        "configMap": source.config_map.as_ref().map(items),
        "downwardAPI": source.downward_api.as_ref().map(|source| json!([list(&source.items, file)])),
        "trust": source.cluster_trust_bundle.as_ref().map(|bundle| bundle.path.as_str()),
    })
}

fn volume(volume: &view::Volume<'_>) -> Value {
    let projected = volume.projected.as_ref();
    json!({
        "name": volume.name.as_str(), "secrets": volume.secrets().collect::<Vec<_>>(),
        "token files": volume.secret_token_paths().collect::<Vec<_>>(),
        "projected": projected.map(|found| json!([found.default_mode, list(&found.sources, source)])),
    })
}

pub(super) fn pod(pod: &view::Pod<'_>) -> Value {
    let spec = &pod.spec;
    json!({
        "metadata": metadata(&pod.metadata), "account": spec.service_account_name(),
        "automount": spec.automount_service_account_token, "volumes": list(&spec.volumes, volume),
        "init": list(&spec.init_containers, container), "ephemeral": list(&spec.ephemeral_containers, container),
        "containers": spec.containers.iter().map(container).collect::<Value>(),
        "pull": list(&spec.image_pull_secrets, |secret| json!(secret.name.as_str())),
    })
}

pub(super) fn secret(secret: &view::Secret<'_>) -> Value {
    let data = secret.data.iter().map(|(key, value)| {
        let bytes = STANDARD.decode(value.as_bytes()).expect("base64");
        (key.to_string(), json!(bytes))
    });
    json!({
        "metadata": metadata(&secret.metadata), "type": secret.kind.as_str(),
        "data": secret.data.is_present().then(|| Value::Object(data.collect())),
    })
}

pub(super) fn account(account: &view::ServiceAccount<'_>) -> Value {
    json!({
        "metadata": metadata(&account.metadata), "automount": account.automount_service_account_token,
        "secrets": list(&account.secrets, |secret| json!(secret.name.as_str())),
    })
}

pub(super) fn namespace(namespace: &view::Namespace<'_>) -> Value {
    metadata(&namespace.metadata)
}

pub(super) fn workload(workload: &view::Workload<'_>) -> Value {
    json!([metadata(&workload.metadata), pod(&workload.template.clone().unwrap_or_default())])
}

pub(super) fn token_request(request: &view::TokenRequest<'_>) -> Value {
    let spec = &request.spec;
    json!({
        "audiences": spec.audiences.iter().map(view::Text::as_str).collect::<Vec<_>>(),
        "seconds": spec.expiration_seconds,
        "bound": spec.bound_object_ref.as_ref().map(|bound| [bound.kind.as_str(), bound.name.as_str()]),
    })
}
