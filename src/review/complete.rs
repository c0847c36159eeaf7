//! Completes a manifest as the API server does before it asks a webhook: the defaults that a rule can see.
//!
//! Written against kubernetes `pkg/apis/core/v1/defaults.go` and `conversion.go`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::object::Kind;
use crate::admission::Resource;
use crate::resource::WorkloadKind;

/// Fills in what the API server would.
pub(super) fn complete(kind: &Kind, namespace: &str, object: &mut Value) {
    let Some(fields) = object.as_object_mut() else { return };
    fields.insert("apiVersion".to_owned(), Value::String(kind.api_version()));
    fields.insert("kind".to_owned(), Value::String(kind.kind.to_owned()));
    if kind.is_namespaced() {
        set_default(field(fields, "metadata"), "namespace", || json!(namespace));
    }
    match kind.resource() {
        Resource::Secret => secret(fields),
        Resource::Pod => {
            if let Some(spec) = object.pointer_mut("/spec").and_then(Value::as_object_mut) {
                pod_spec(spec);
                let account = spec.get("serviceAccountName").cloned().unwrap_or_else(|| json!("default"));
                spec.insert("serviceAccountName".to_owned(), account.clone());
                spec.insert("serviceAccount".to_owned(), account);
            }
        }
        Resource::Workload(kind) => {
            let template = object.pointer_mut(template(kind));
            if let Some(spec) = template.and_then(|template| template.get_mut("spec")).and_then(Value::as_object_mut) {
                pod_spec(spec);
            }
        }
        _ => {}
    }
}

/// Where the template of a workload lies, as a JSON Pointer.
pub(super) const fn template(kind: WorkloadKind) -> &'static str {
    match kind {
        WorkloadKind::Template => "/spec/template",
        WorkloadKind::CronJob => "/spec/jobTemplate/spec/template",
        WorkloadKind::PodTemplate => "/template",
    }
}

/// `stringData` is write-only: it is merged into `data` when the object is decoded.
fn secret(fields: &mut Map<String, Value>) {
    set_default(Some(fields), "type", || json!("Opaque"));
    let Some(Value::Object(texts)) = fields.remove("stringData") else { return };
    let Some(data) = field(fields, "data") else { return };
    for (key, text) in texts {
        let encoded = STANDARD.encode(text.as_str().unwrap_or_default());
        data.insert(key, Value::String(encoded));
    }
}

fn pod_spec(spec: &mut Map<String, Value>) {
    let named = |spec: &Map<String, Value>, key| {
        spec.get(key).filter(|name| !name.as_str().unwrap_or_default().is_empty()).cloned()
    };
    if let Some(account) = named(spec, "serviceAccountName").or_else(|| named(spec, "serviceAccount")) {
        spec.insert("serviceAccountName".to_owned(), account.clone());
        spec.insert("serviceAccount".to_owned(), account);
    }
    let volumes = spec.get_mut("volumes").and_then(Value::as_array_mut);
    volumes.into_iter().flatten().filter_map(Value::as_object_mut).for_each(volume);
}

/// The sources of a volume whose files have a default mode.
const WITH_MODE: [&str; 4] = ["secret", "configMap", "downwardAPI", "projected"];

fn volume(volume: &mut Map<String, Value>) {
    if volume.keys().all(|key| key == "name") {
        volume.insert("emptyDir".to_owned(), json!({}));
    }
    for source in WITH_MODE {
        set_default(volume.get_mut(source).and_then(Value::as_object_mut), "defaultMode", || json!(420));
    }
    field_refs(volume.get_mut("downwardAPI"));
    let sources = volume.get_mut("projected").and_then(|projected| projected.get_mut("sources"));
    for source in sources.and_then(Value::as_array_mut).into_iter().flatten() {
        let token = source.get_mut("serviceAccountToken").and_then(Value::as_object_mut);
        set_default(token, "expirationSeconds", || json!(3600));
        field_refs(source.get_mut("downwardAPI"));
    }
}

fn field_refs(downward_api: Option<&mut Value>) {
    let items = downward_api.and_then(|source| source.get_mut("items")).and_then(Value::as_array_mut);
    for item in items.into_iter().flatten() {
        set_default(item.get_mut("fieldRef").and_then(Value::as_object_mut), "apiVersion", || json!("v1"));
    }
}

fn set_default(fields: Option<&mut Map<String, Value>>, key: &str, value: impl FnOnce() -> Value) {
    if let Some(fields) = fields
        && fields.get(key).is_none_or(Value::is_null)
    {
        fields.insert(key.to_owned(), value());
    }
}

/// The object at `key`, made where nothing is there; `None` where something else is.
fn field<'m>(fields: &'m mut Map<String, Value>, key: &str) -> Option<&'m mut Map<String, Value>> {
    set_default(Some(fields), key, || json!({}));
    fields.get_mut(key).and_then(Value::as_object_mut)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::object::{Object, Role};
    use super::super::{document, source::Source};
    use super::complete;

    fn completed(manifest: &Value) -> Value {
        let documents = document::read(&Source::new("x", manifest.to_string()));
        let Role::Manifest(kind) = Object::all(documents[0].as_ref().unwrap())[0].role else { panic!("no manifest") };
        let mut object = manifest.clone();
        complete(kind, "team-a", &mut object);
        object
    }

    #[test]
    fn a_secret_is_opaque_and_its_texts_become_data() {
        let secret = completed(&json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"},
            "data": {"kept": "eA==", "both": "b2xk"}, "stringData": {"both": "new"}
        }));
        let expected = json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a", "namespace": "team-a"},
            "type": "Opaque", "data": {"kept": "eA==", "both": "bmV3"}
        });
        assert_eq!(secret, expected);
    }

    #[test]
    fn a_pod_runs_as_default_and_its_tokens_last_an_hour() {
        let token = json!({"serviceAccountToken": {"path": "token"}});
        let pod = completed(&json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"namespace": "team-b"},
            "spec": {"volumes": [{"name": "scratch"}, {"name": "token", "projected": {"sources": [token]}}]}
        }));
        assert_eq!(pod["metadata"]["namespace"], "team-b");
        assert_eq!(pod["spec"]["serviceAccountName"], "default");
        assert_eq!(pod["spec"]["serviceAccount"], "default");
        assert_eq!(pod["spec"]["volumes"][0]["emptyDir"], json!({}));
        let projected = &pod["spec"]["volumes"][1]["projected"];
        assert_eq!(projected["defaultMode"], 420);
        assert_eq!(projected["sources"][0]["serviceAccountToken"]["expirationSeconds"], 3600);
    }

    #[test]
    fn the_deprecated_account_field_counts_and_a_template_gets_no_default_account() {
        let pod = completed(&json!({"apiVersion": "v1", "kind": "Pod", "spec": {"serviceAccount": "old"}}));
        assert_eq!(pod["spec"]["serviceAccountName"], "old");
        let template = json!({"spec": {"containers": []}});
        let job = completed(&json!({"apiVersion": "batch/v1", "kind": "Job", "spec": {"template": template}}));
        assert_eq!(job["spec"]["template"], template);
    }
}
