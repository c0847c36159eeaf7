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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::context::Known;
    use super::super::object::Object;
    use super::super::{document, source::Source};
    use super::{TOKEN_DIRECTORY, apply, token_volume};
    use crate::policy::Inventory;

    /// The specification of a Pod after the plugin has seen it; `account` is the account `app`, where the input holds one.
    fn applied(account: Option<&Value>, pod: &Value) -> Value {
        let text = account.map_or_else(|| "{}".to_owned(), Value::to_string);
        let documents: Vec<_> = document::read(&Source::new("x", text)).into_iter().map(Result::unwrap).collect();
        let objects: Vec<Object<'_>> = documents.iter().flat_map(Object::all).collect();
        let inventory = Inventory::default();
        let known = Known::new(objects.iter(), "team-a", &inventory);
        let mut pod = pod.clone();
        apply("team-a", &mut pod, &known);
        pod["spec"].take()
    }

    fn account(fields: &Value) -> Value {
        let mut account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "app"}});
        account.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        account
    }

    fn pod(spec: &Value) -> Value {
        let mut pod = json!({"spec": {"serviceAccountName": "app", "containers": [{"name": "a"}]}});
        pod["spec"].as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
        pod
    }

    #[test]
    fn mounts_a_token_in_every_container_where_the_account_says_nothing() {
        let spec =
            applied(Some(&account(&json!({}))), &pod(&json!({"initContainers": [{"name": "i", "volumeMounts": []}]})));
        let mount = json!([{"name": "kube-api-access-xxxxx", "mountPath": TOKEN_DIRECTORY, "readOnly": true}]);
        assert_eq!(spec["containers"][0]["volumeMounts"], mount);
        assert_eq!(spec["initContainers"][0]["volumeMounts"], mount);
        assert_eq!(spec["volumes"], json!([token_volume("kube-api-access-xxxxx")]));
    }

    #[test]
    fn the_pods_word_counts_more_than_that_of_its_account() {
        let off = account(&json!({"automountServiceAccountToken": false}));
        let on = account(&json!({"automountServiceAccountToken": true}));
        assert!(applied(Some(&off), &pod(&json!({}))).get("volumes").is_none());
        assert!(applied(Some(&off), &pod(&json!({"automountServiceAccountToken": true}))).get("volumes").is_some());
        assert!(applied(Some(&on), &pod(&json!({"automountServiceAccountToken": false}))).get("volumes").is_none());
        assert!(applied(None, &pod(&json!({"automountServiceAccountToken": true}))).get("volumes").is_some());
    }

    #[test]
    fn guesses_nothing_of_an_account_that_is_not_known() {
        let pod = pod(&json!({}));
        assert_eq!(applied(None, &pod), pod["spec"]);
    }

    #[test]
    fn leaves_a_container_alone_that_mounts_something_at_the_very_same_path() {
        let mounted = json!([{"name": "own", "mountPath": TOKEN_DIRECTORY}]);
        let elsewhere = json!([{"name": "own", "mountPath": format!("{TOKEN_DIRECTORY}/")}]);
        let spec = |mounts: &Value| {
            applied(Some(&account(&json!({}))), &pod(&json!({"containers": [{"volumeMounts": mounts}]})))
        };
        assert_eq!(spec(&mounted)["containers"][0]["volumeMounts"], mounted);
        assert!(spec(&mounted).get("volumes").is_none());
        assert_eq!(spec(&elsewhere)["containers"][0]["volumeMounts"].as_array().unwrap().len(), 2);
    }

    #[test]
    fn takes_a_volume_by_the_beginning_of_its_name_whatever_it_holds() {
        let volumes = json!([{"name": "kube-api-access-mine", "emptyDir": {}}]);
        let spec = applied(Some(&account(&json!({}))), &pod(&json!({"volumes": volumes})));
        assert_eq!(spec["volumes"], volumes);
        assert_eq!(spec["containers"][0]["volumeMounts"][0]["name"], "kube-api-access-mine");
    }

    #[test]
    fn leaves_mirror_pods_alone() {
        let mut mirror = pod(&json!({}));
        mirror["metadata"] = json!({"annotations": {"kubernetes.io/config.mirror": "x"}});
        assert_eq!(applied(Some(&account(&json!({}))), &mirror), mirror["spec"]);
    }

    #[test]
    fn pull_secrets_of_the_account_are_for_pods_without_their_own() {
        let account = account(&json!({"imagePullSecrets": [{"name": "registry"}]}));
        assert_eq!(applied(Some(&account), &pod(&json!({})))["imagePullSecrets"], json!([{"name": "registry"}]));
        let own = json!([{"name": "own"}]);
        assert_eq!(applied(Some(&account), &pod(&json!({"imagePullSecrets": own})))["imagePullSecrets"], own);
    }
}
