//! Pods that were hardened by switching automount off get a short-lived token of their own.

use serde_json::{Value, json};

use super::manifest::{DIRECTORY, all_kinds_of_containers, annotated_pod, container, pod, sidecar};
use super::stored::{injected_mount, injected_volume, list, mounts, volume, volume_names};
use super::{create, installed, post, store, words_of_refusal};
use crate::rig::audit_log::AuditFilter;
use crate::rig::namespace::Namespace;
use crate::rig::users::User;

const API_SERVER: &str = "https://kubernetes.default.svc";

fn automount_false(mut spec: Value) -> Value {
    spec["automountServiceAccountToken"] = false.into();
    spec
}

/// A namespace with the accounts `app`, that automounts, and `hardened`, that does not.
fn namespace(name: &str, policy: &str) -> Namespace<'static> {
    let namespace = installed().namespace(name, policy);
    namespace.service_account("app", None);
    namespace.service_account("hardened", Some(false));
    namespace
}

#[track_caller]
fn assert_injected_everywhere(stored: &Value) {
    assert_eq!(volume(stored, "tokenward-api-access"), &injected_volume(None, 3600));
    assert_eq!(volume_names(stored), ["tokenward-api-access"]);
    let mount = injected_mount();
    let expected: Vec<(&str, &[Value])> =
        ["setup", "proxy", "app"].map(|name| (name, std::slice::from_ref(&mount))).into();
    assert_eq!(mounts(stored), expected);
    assert_eq!(stored["metadata"]["annotations"]["tokenward.dev/injected"], "baseline");
}

#[test]
fn a_pod_that_says_automount_false_is_stored_with_a_projected_token() {
    let namespace = namespace("pod-says-false", "baseline");
    assert_injected_everywhere(&store(&namespace, &pod("web", "app", &automount_false(all_kinds_of_containers()))));
    let event = namespace.rig().audit_event(AuditFilter {
        namespace: &namespace.name,
        resource: "pods",
        name: "web",
        verb: "create",
    });
    let annotation = event.annotation("baseline.mutate.tokenward.dev/injected");
    assert_eq!(annotation, Some(r#"api audience="" seconds=3600 containers=app,setup,proxy"#));
}

#[test]
fn a_pod_of_an_account_that_says_automount_false_is_stored_with_a_projected_token() {
    let namespace = namespace("account-says-false", "baseline");
    assert_injected_everywhere(&store(&namespace, &pod("web", "hardened", &all_kinds_of_containers())));
}

#[test]
fn a_pod_of_an_account_that_automounts_is_untouched() {
    let namespace = namespace("automounting", "baseline");
    let stored = store(&namespace, &pod("web", "app", &all_kinds_of_containers()));
    let [built_in] = volume_names(&stored)[..] else { panic!("one volume: {stored:#}") };
    assert!(built_in.starts_with("kube-api-access-"), "{built_in}");
    let token = &volume(&stored, built_in)["projected"]["sources"][0]["serviceAccountToken"];
    assert_eq!(token, &json!({"path": "token", "expirationSeconds": 3607}));
    assert!(stored["metadata"]["annotations"].is_null(), "{:#}", stored["metadata"]);
}

#[test]
fn the_opt_out_annotation_is_honoured() {
    let namespace = namespace("opted-out", "baseline");
    let opt_out = json!({"tokenward.dev/inject": "false"});
    let manifest = annotated_pod("web", "hardened", &opt_out, &all_kinds_of_containers());
    let output = create(&namespace, &manifest).ok();
    assert_eq!(output.warnings(), [""; 0]);
    let stored = namespace.stored("pod/web");
    assert_eq!(volume_names(&stored), [""; 0]);
    assert_eq!(stored["metadata"]["annotations"], opt_out);
}

#[test]
fn an_annotation_that_cannot_be_honoured_is_refused() {
    let namespace = namespace("mistyped", "baseline");
    let manifest = annotated_pod("web", "hardened", &json!({"tokenward.dev/inject": "no"}), &json!({}));
    let output = create(&namespace, &manifest).refused();
    let words = words_of_refusal(&output);
    assert!(words.starts_with("TW209 invalid-annotation: "), "{words}");
}

#[test]
fn the_account_default_gets_a_token_only_on_request() {
    let namespace = namespace("default-account", "baseline");
    let hardened = automount_false(json!({}));
    assert_eq!(volume_names(&store(&namespace, &pod("web", "default", &hardened))), [""; 0]);
    let request = json!({"tokenward.dev/inject": "true"});
    let stored = store(&namespace, &annotated_pod("asking", "default", &request, &hardened));
    assert_eq!(volume_names(&stored), ["tokenward-api-access"]);
}

#[test]
fn the_kubelet_gets_the_token_that_the_stored_pod_names() {
    let namespace = namespace("kubelet", "baseline");
    store(&namespace, &pod("web", "hardened", &json!({})));
    let files = namespace.rig().kubelet_token_files(&namespace, "web");
    let [file] = &files[..] else { panic!("one token") };
    assert_eq!((file.volume.as_str(), file.path.as_str()), ("tokenward-api-access", "token"));
    assert_eq!(file.claims.lifetime(), Some(3600));
    assert_eq!(file.claims.audiences(), [API_SERVER]);
    assert_eq!(file.claims.subject(), "system:serviceaccount:kubelet:hardened");
}

#[test]
fn audience_and_seconds_are_those_of_the_policy() {
    let namespace = namespace("custom-policy", "payments");
    let vault = json!({"tokenward.dev/tokens": "vault"});
    let stored = store(&namespace, &annotated_pod("web", "hardened", &vault, &all_kinds_of_containers()));
    assert_eq!(volume(&stored, "tokenward-api-access"), &injected_volume(Some(API_SERVER), 1800));
    let tokens = &volume(&stored, "tokenward-tokens")["projected"]["sources"];
    let ledger = json!({"path": "ledger", "audience": "https://ledger.example.com", "expirationSeconds": 1200});
    let vault = json!({"path": "vault", "audience": "https://vault.example.com", "expirationSeconds": 600});
    let mut sources: Vec<&Value> = list(tokens).iter().map(|source| &source["serviceAccountToken"]).collect();
    sources.sort_by_key(|source| source["path"].as_str());
    assert_eq!(sources, [&ledger, &vault]);
    for (container, mounts) in mounts(&stored) {
        let paths: Vec<&str> = mounts.iter().filter_map(|mount| mount["mountPath"].as_str()).collect();
        assert_eq!(paths, [DIRECTORY, "/var/run/secrets/tokens"], "{container}");
        assert!(mounts.iter().all(|mount| mount["readOnly"] == true), "{container}: {mounts:?}");
    }

    let files = namespace.rig().kubelet_token_files(&namespace, "web");
    let mut tokens: Vec<_> =
        files.iter().map(|file| (file.path.as_str(), file.claims.audiences(), file.claims.lifetime())).collect();
    tokens.sort();
    assert_eq!(
        tokens,
        [
            ("ledger", vec!["https://ledger.example.com"], Some(1200)),
            ("token", vec![API_SERVER], Some(1800)),
            ("vault", vec!["https://vault.example.com"], Some(600)),
        ]
    );
}

#[test]
fn a_pod_can_ask_for_another_lifetime_within_bounds() {
    let namespace = namespace("other-lifetime", "baseline");
    let asked = json!({"tokenward.dev/expiration-seconds": "7200"});
    let stored = store(&namespace, &annotated_pod("web", "hardened", &asked, &json!({})));
    assert_eq!(volume(&stored, "tokenward-api-access"), &injected_volume(None, 7200));

    let trap = json!({"tokenward.dev/expiration-seconds": "3607"});
    let manifest = annotated_pod("trap", "hardened", &trap, &json!({}));
    let output = create(&namespace, &manifest).refused();
    assert!(words_of_refusal(&output).starts_with("TW209"), "{output}");
}

#[test]
fn only_the_named_containers_get_the_token() {
    let namespace = namespace("some-containers", "baseline");
    let some = json!({"tokenward.dev/containers": "proxy, app"});
    let stored = store(&namespace, &annotated_pod("web", "hardened", &some, &all_kinds_of_containers()));
    let with_mounts: Vec<&str> =
        mounts(&stored).iter().filter(|(_, mounts)| !mounts.is_empty()).map(|(name, _)| *name).collect();
    assert_eq!(with_mounts, ["proxy", "app"]);
}

#[test]
fn a_container_that_has_something_at_the_directory_keeps_it() {
    let namespace = namespace("own-mount", "baseline");
    let mut first = container("first");
    first["volumeMounts"] = json!([{"name": "own", "mountPath": DIRECTORY}]);
    let spec = json!({
        "initContainers": [sidecar("proxy")],
        "containers": [first, container("second")],
        "volumes": [{"name": "own", "emptyDir": {}}],
    });
    let stored = store(&namespace, &pod("web", "hardened", &spec));
    let volumes: Vec<(&str, Vec<&str>)> = mounts(&stored)
        .into_iter()
        .map(|(name, mounts)| (name, mounts.iter().filter_map(|mount| mount["name"].as_str()).collect()))
        .collect();
    let ours = vec!["tokenward-api-access"];
    assert_eq!(volumes, [("proxy", ours.clone()), ("first", vec!["own"]), ("second", ours)]);
}

#[test]
fn a_dry_run_gives_the_same_verdict_and_stores_nothing() {
    let namespace = namespace("dry-run", "baseline");
    let command = ["create", "--dry-run=server", "-f", "-"];
    let dry = |manifest: &Value| namespace.kubectl_as(User::Developer, command).stdin(manifest.to_string());

    let hardened = pod("web", "app", &automount_false(all_kinds_of_containers()));
    assert_injected_everywhere(&dry(&hardened).json());
    namespace.rig().get(User::Administrator, &namespace.path("pods/web")).expect_code(404);

    let secret = super::manifest::token_secret("app-token", "app");
    let refused_dry = dry(&secret).refused();
    let refused = create(&namespace, &secret).refused();
    assert_eq!(words_of_refusal(&refused_dry), words_of_refusal(&refused));

    let mistyped = annotated_pod("mistyped", "hardened", &json!({"tokenward.dev/inject": "no"}), &json!({}));
    assert_eq!(words_of_refusal(&dry(&mistyped).refused()), words_of_refusal(&create(&namespace, &mistyped).refused()));
}

#[test]
fn a_pod_with_a_generated_name_is_injected() {
    let namespace = namespace("generated-name", "baseline");
    let mut manifest = pod("", "hardened", &json!({}));
    manifest["metadata"] = json!({"generateName": "web-"});
    let stored = post(&namespace, "pods", &manifest).expect_success();
    assert_eq!(volume_names(&stored), ["tokenward-api-access"]);
}
