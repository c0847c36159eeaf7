//! What the API server does by itself, before us, after us and without us: rows of the decision table that the webhook rests on.

use std::time::Duration;

use serde_json::{Value, json};

use super::manifest::{DIRECTORY, annotated_pod, container, pod, token_mount, token_secret, token_volume};
use super::stored::{injected_volume, mounts, volume, volume_names};
use super::{causes, create, installed, post, store};
use crate::fixture::legacy_jwt;
use crate::rig::audit_log::AuditFilter;
use crate::rig::eventually::eventually;
use crate::rig::http::Answer;
use crate::rig::namespace::Namespace;
use crate::rig::users::User;

/// How long the token controller may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// A namespace with the accounts `app`, that automounts, and `hardened`, that does not.
fn namespace(name: &str, policy: &str) -> Namespace<'static> {
    with_accounts(installed().namespace(name, policy))
}

/// The same without a label: nobody asks us.
fn unlabelled(prefix: &str) -> Namespace<'static> {
    with_accounts(installed().rig.namespace(prefix, &[]))
}

fn with_accounts(namespace: Namespace<'static>) -> Namespace<'static> {
    namespace.service_account("app", None);
    namespace.service_account("hardened", Some(false));
    namespace
}

/// The message of a refusal that is not ours.
#[track_caller]
fn own_words(answer: Answer, code: u16) -> String {
    let status = answer.expect_code(code);
    let message = status["message"].as_str().unwrap_or_default().to_owned();
    assert!(!message.contains("admission webhook"), "{message}");
    message
}

fn with_volume(source: &Value) -> Value {
    let mut volume = source.clone();
    volume["name"] = json!("own");
    json!({"automountServiceAccountToken": false, "volumes": [volume]})
}

// row 4
#[test]
fn a_pod_that_says_true_is_given_the_built_in_volume_over_its_account() {
    let namespace = namespace("says-true", "baseline");
    let stored = store(&namespace, &pod("web", "hardened", &json!({"automountServiceAccountToken": true})));
    let [built_in] = volume_names(&stored)[..] else { panic!("one volume: {stored:#}") };
    assert!(built_in.starts_with("kube-api-access-"), "{built_in}");
    let token = &volume(&stored, built_in)["projected"]["sources"][0]["serviceAccountToken"];
    assert_eq!(token["expirationSeconds"], 3607, "baseline leaves it alone");
    assert!(stored["metadata"]["annotations"].is_null(), "{:#}", stored["metadata"]);
}

// row 6
#[test]
fn a_pod_without_an_account_arrives_as_one_of_default() {
    let nameless = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": {"containers": [container("app")]}});
    let stored = store(&namespace("no-account", "baseline"), &nameless);
    assert_eq!(
        (&stored["spec"]["serviceAccountName"], &stored["spec"]["serviceAccount"]),
        (&json!("default"), &json!("default"))
    );
    let status = post(&namespace("no-account-restricted", "restricted"), "pods", &nameless).expect_code(403);
    let message = status["message"].as_str().unwrap_or_default();
    assert!(message.contains("TW205 default-service-account: container app holds an API token"), "{message}");
}

// row 8
#[test]
fn a_pod_of_a_missing_account_never_reaches_a_webhook() {
    let namespace = namespace("no-such-account", "restricted");
    // We would refuse it too, if we were asked.
    let manifest = annotated_pod("web", "nobody", &json!({"tokenward.dev/inject": "no"}), &json!({}));
    let message = own_words(post(&namespace, "pods", &manifest), 403);
    assert!(message.contains("service account") && message.contains("nobody"), "{message}");
    let filter = AuditFilter { namespace: &namespace.name, resource: "pods", name: "web", verb: "create" };
    let event = namespace.rig().audit_event(filter);
    assert_eq!(event.code(), 403);
    let annotations = event.0["annotations"].to_string();
    assert!(!annotations.contains("tokenward.dev/"), "{annotations}");
}

// row 18
#[test]
fn ephemeral_containers_in_a_new_pod_are_refused_by_the_api_server() {
    let namespace = namespace("born-debugged", "baseline");
    let manifest = pod("web", "hardened", &json!({"ephemeralContainers": [container("debug")]}));
    let message = own_words(post(&namespace, "pods", &manifest), 422);
    assert!(message.contains("spec.ephemeralContainers"), "{message}");
}

// row 24
#[test]
fn a_forged_mirror_pod_can_have_no_secret_and_no_token() {
    let namespace = namespace("forged-mirror", "restricted");
    let mirror = |name: &str, spec: Value| {
        let mut spec = spec;
        spec["nodeName"] = json!("rig-node");
        spec["containers"] = json!([container("app")]);
        let annotations = json!({"kubernetes.io/config.mirror": "0f343b0931126a20f133d67c2b018a3b"});
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "annotations": annotations}, "spec": spec})
    };
    let token = json!({"name": "t", "projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}});
    for spec in [
        json!({"serviceAccountName": "app"}),
        json!({"volumes": [{"name": "t", "secret": {"secretName": "legacy-ci"}}]}),
        json!({"volumes": [token]}),
    ] {
        let message = own_words(post(&namespace, "pods", &mirror("web", spec)), 403);
        assert!(message.contains("mirror pod"), "{message}");
    }
    // Without any of these it is what a node would make, and nothing is added to it.
    let stored = post(&namespace, "pods", &mirror("plain", json!({}))).expect_success();
    assert_eq!(volume_names(&stored), [""; 0]);
}

// row 31
#[test]
fn the_api_server_mounts_whatever_has_the_built_in_volumes_name_and_we_refuse_it() {
    let forged = json!({"volumes": [{"name": "kube-api-access-x2b9k", "secret": {"secretName": "legacy-ci"}}]});
    let manifest = pod("web", "app", &forged);
    let stored = store(&unlabelled("forged-volume-unasked"), &manifest);
    let [("app", [mount])] = mounts(&stored)[..] else { panic!("one mount: {stored:#}") };
    assert_eq!((&mount["name"], &mount["mountPath"]), (&json!("kube-api-access-x2b9k"), &json!(DIRECTORY)));
    let refused = post(&namespace("legacy-in-forged-volume", "restricted"), "pods", &manifest);
    assert_eq!(causes(refused), ["spec.volumes[0].secret.secretName"]);
}

// row 32
#[test]
fn two_volumes_of_one_name_and_two_mounts_at_one_path_are_refused_by_the_api_server() {
    let namespace = namespace("twice", "baseline");
    let ours = injected_volume(None, 3600);
    let volumes = json!({"volumes": [{"name": "tokenward-api-access", "emptyDir": {}}, ours]});
    let message = own_words(post(&namespace, "pods", &pod("web", "hardened", &volumes)), 422);
    assert!(message.contains("Duplicate value"), "{message}");
    let mut app = container("app");
    app["volumeMounts"] = json!([token_mount("a"), token_mount("b")]);
    let mounts = json!({
        "containers": [app], "volumes": [{"name": "a", "emptyDir": {}}, {"name": "b", "emptyDir": {}}],
    });
    let message = own_words(post(&namespace, "pods", &pod("web", "hardened", &mounts)), 422);
    assert!(message.contains("must be unique"), "{message}");
}

// rows 41 and 42
#[test]
fn a_lifetime_under_ten_minutes_is_refused_by_the_api_server_and_none_is_an_hour() {
    let namespace = namespace("short-lifetime", "restricted");
    let short =
        json!({"projected": {"sources": [{"serviceAccountToken": {"path": "token", "expirationSeconds": 599}}]}});
    let message = own_words(post(&namespace, "pods", &pod("short", "app", &with_volume(&short))), 422);
    assert!(message.contains("expirationSeconds") && message.contains("10 min"), "{message}");
    let silent = json!({"projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}});
    let stored = store(&namespace, &pod("silent", "app", &with_volume(&silent)));
    let token = &volume(&stored, "own")["projected"]["sources"][0]["serviceAccountToken"];
    assert_eq!(token["expirationSeconds"], 3600);
}

// row 47
#[test]
fn the_api_server_takes_two_sources_for_one_file_and_we_refuse_them() {
    let mut two = token_volume("own", None, 3600);
    let sources = two["projected"]["sources"].as_array_mut().expect("sources");
    sources.push(json!({"configMap": {"name": "settings", "items": [{"key": "token", "path": "token"}]}}));
    let manifest = pod("web", "app", &with_volume(&two));
    let stored = store(&unlabelled("one-file-unasked"), &manifest);
    assert_eq!(volume(&stored, "own")["projected"]["sources"].as_array().map(Vec::len), Some(4));
    let refused = post(&namespace("one-file-twice", "restricted"), "pods", &manifest);
    assert_eq!(causes(refused), ["spec.volumes[0].projected.sources[3]"]);
}

// row 59
#[test]
fn a_token_secret_with_a_generated_name_is_refused_under_its_final_name() {
    let namespace = namespace("generated-secret", "baseline");
    let mut manifest = token_secret("", "app");
    let metadata = manifest["metadata"].as_object_mut().expect("metadata");
    metadata.remove("name");
    metadata.insert("generateName".to_owned(), json!("ci-"));
    let status = post(&namespace, "secrets", &manifest).expect_code(403);
    let message = status["message"].as_str().unwrap_or_default();
    let (_, rest) = message.split_once("Secret generated-secret/ci-").unwrap_or_else(|| panic!("{message}"));
    let (generated, _) = rest.split_once(" would hold a token").unwrap_or_else(|| panic!("{message}"));
    assert!(generated.len() == 5 && generated.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{generated}");
}

// row 61
#[test]
fn a_put_makes_no_secret() {
    let namespace = namespace("put-secret", "restricted");
    let body = token_secret("ci-token", "app");
    let path = namespace.path("secrets/ci-token");
    own_words(namespace.rig().send(User::Developer, "PUT", &path, Some(("application/json", &body))), 404);
    namespace.rig().get(User::Administrator, &path).expect_code(404);
}

// row 64
#[test]
fn a_token_in_string_data_arrives_in_data_and_is_refused() {
    let namespace = namespace("string-data", "restricted");
    let secret = |text: &str| json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "copy"}, "stringData": {"token": text}});
    assert_eq!(causes(post(&namespace, "secrets", &secret(&legacy_jwt("ci-token", "ci")))), ["data[token]"]);
    post(&namespace, "secrets", &secret("an ordinary password")).expect_success();
}

// row 73
#[test]
fn the_type_of_a_secret_cannot_be_changed() {
    let namespace = namespace("changed-type", "restricted");
    let opaque = json!({"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "metadata": {"name": "ci-token"}});
    post(&namespace, "secrets", &opaque).expect_success();
    let (path, body) = (namespace.path("secrets/ci-token"), token_secret("ci-token", "app"));
    let changed = namespace.rig().send(User::Developer, "PUT", &path, Some(("application/json", &body)));
    let message = own_words(changed, 422);
    assert!(message.contains("type: Invalid value"), "{message}");
}

// row 74
#[test]
fn an_immutable_token_secret_stays_empty() {
    let namespace = unlabelled("immutable-token");
    let mut secret = token_secret("ci-token", "app");
    secret["immutable"] = json!(true);
    create(&namespace, &secret).ok();
    let filter = AuditFilter { namespace: &namespace.name, resource: "secrets", name: "ci-token", verb: "update" };
    let tried = eventually(PATIENCE, || {
        let tries = namespace.rig().audit_events(filter);
        tries.into_iter().next().ok_or("the token controller has not tried to fill in the Secret")
    });
    assert_eq!((tried.user(), tried.code()), (User::ControllerManager.name(), 422));
    assert!(namespace.stored("secret/ci-token")["data"]["token"].is_null());
}

// row 80
#[test]
fn kubernetes_itself_warns_of_the_annotation_for_mountable_secrets() {
    let namespace = namespace("mountable-secrets", "restricted");
    let account = json!({
        "apiVersion": "v1", "kind": "ServiceAccount", "automountServiceAccountToken": false,
        "metadata": {"name": "mountable", "annotations": {"kubernetes.io/enforce-mountable-secrets": "true"}},
    });
    let answer = post(&namespace, "serviceaccounts", &account);
    let [warning] = &answer.warnings[..] else { panic!("one warning: {:?}", answer.warnings) };
    assert!(warning.contains("enforce-mountable-secrets") && !warning.starts_with("TW"), "{warning}");
    answer.expect_success();
}
