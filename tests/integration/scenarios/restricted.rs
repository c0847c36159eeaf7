//! `restricted`: every rule at its strictest.

use std::fs;

use serde_json::{Value, json};

use super::manifest::{container, pod, sidecar};
use super::stored::{list, volume, volume_names};
use super::{causes, create, installed, post, store, words_of_refusal};
use crate::installation::POLICY_LABEL;
use crate::rig::kubectl::Output;
use crate::rig::namespace::Namespace;
use crate::rig::users::User;

/// A legacy token Secret that the inventory knows in this namespace.
const LEGACY: &str = "legacy-ci";

fn namespace(name: &str) -> Namespace<'static> {
    let namespace = installed().namespace(name, "restricted");
    namespace.service_account("app", Some(false));
    namespace
}

fn with_env(mut container: Value) -> Value {
    container["env"] = json!([{"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": LEGACY, "key": "token"}}}]);
    container
}

fn with_env_from(mut container: Value) -> Value {
    container["envFrom"] = json!([{"configMapRef": {"name": "settings"}}, {"secretRef": {"name": LEGACY}}]);
    container
}

#[track_caller]
fn assert_refused_at(namespace: &Namespace<'_>, spec: &Value, path: &str) {
    let manifest = pod("web", "app", spec);
    assert_eq!(causes(post(namespace, "pods", &manifest)), [path]);
    let output = create(namespace, &manifest).refused();
    let words = words_of_refusal(&output);
    let expected = format!("legacy Secret {LEGACY} is reached at {path} (ServiceAccount ci)");
    assert!(words.starts_with("TW201 legacy-token-reference: ") && words.contains(&expected), "{words}");
}

#[test]
fn a_pod_that_reaches_a_legacy_secret_as_a_whole_is_refused() {
    let namespace = namespace("legacy-in-restricted");
    let secret_volume = json!({"volumes": [{"name": "token", "secret": {"secretName": LEGACY}}]});
    assert_refused_at(&namespace, &secret_volume, "spec.volumes[0].secret.secretName");
    let sources = json!([{"configMap": {"name": "settings"}}, {"secret": {"name": LEGACY}}]);
    let projected_source = json!({"volumes": [{"name": "token", "projected": {"sources": sources}}]});
    assert_refused_at(&namespace, &projected_source, "spec.volumes[0].projected.sources[1].secret.name");
    let pull_secret = json!({"imagePullSecrets": [{"name": "registry"}, {"name": LEGACY}]});
    assert_refused_at(&namespace, &pull_secret, "spec.imagePullSecrets[1].name");

    // What the inventory does not know is not guessed from its name.
    store(
        &namespace,
        &pod("web", "app", &json!({"volumes": [{"name": "x", "secret": {"secretName": "other-token"}}]})),
    );
}

#[test]
fn a_container_that_reaches_a_legacy_secret_is_refused_whatever_its_kind() {
    let namespace = namespace("legacy-in-sidecars");
    for (reaching, field) in [
        (with_env as fn(Value) -> Value, "env[0].valueFrom.secretKeyRef.name"),
        (with_env_from, "envFrom[1].secretRef.name"),
    ] {
        let init = json!({"initContainers": [reaching(container("setup")), sidecar("proxy")]});
        assert_refused_at(&namespace, &init, &format!("spec.initContainers[0].{field}"));
        let sidecar = json!({"initContainers": [container("setup"), reaching(sidecar("proxy"))]});
        assert_refused_at(&namespace, &sidecar, &format!("spec.initContainers[1].{field}"));
        let regular = json!({"containers": [container("app"), reaching(container("second"))]});
        assert_refused_at(&namespace, &regular, &format!("spec.containers[1].{field}"));
    }

    let everywhere = json!({
        "initContainers": [with_env(container("setup")), with_env_from(sidecar("proxy"))],
        "containers": [with_env(container("app"))],
        "volumes": [{"name": "token", "secret": {"secretName": LEGACY}}],
    });
    let mut paths = causes(post(&namespace, "pods", &pod("web", "app", &everywhere)));
    paths.sort();
    assert_eq!(
        paths,
        [
            "spec.containers[0].env[0].valueFrom.secretKeyRef.name",
            "spec.initContainers[0].env[0].valueFrom.secretKeyRef.name",
            "spec.initContainers[1].envFrom[1].secretRef.name",
            "spec.volumes[0].secret.secretName",
        ]
    );
}

/// Adds an ephemeral container to the Pod `web`, the rest of it given as a profile.
fn kubectl_debug(namespace: &Namespace<'_>, name: &str, profile: &Value) -> Output {
    let file = tempfile::NamedTempFile::new().expect("a file for the profile");
    fs::write(file.path(), profile.to_string()).expect("a file for the profile");
    let profile = format!("--custom={}", file.path().display());
    let container = format!("--container={name}");
    let command = ["debug", "web", "--image=app.example.com/tools:1", "--profile=general", &container, &profile];
    namespace.kubectl(command).run()
}

#[test]
fn an_ephemeral_container_that_reaches_a_legacy_secret_is_refused() {
    // The Pod, with the Secret in a volume, is older than the label.
    let installation = installed();
    let namespace = installation.rig.namespace_named("legacy-in-debugging", &[]);
    namespace.service_account("app", Some(false));
    let spec = json!({"volumes": [{"name": "token", "secret": {"secretName": LEGACY}}]});
    store(&namespace, &pod("web", "app", &spec));
    let label = format!("{POLICY_LABEL}=restricted");
    installation.rig.kubectl(["label", "namespace", &namespace.name, &label]).ok();
    // Known to the webhooks a moment later.
    crate::rig::eventually::eventually(std::time::Duration::from_secs(10), || {
        match namespace.rig().post(User::Developer, &namespace.path("pods?dryRun=All"), &pod("x", "app", &spec)).code {
            403 => Ok(()),
            code => Err(format!("HTTP {code}, though the namespace is labelled")),
        }
    });

    let routes = [
        (with_env(json!({})), "env[0].valueFrom.secretKeyRef.name"),
        (with_env_from(json!({})), "envFrom[1].secretRef.name"),
        (json!({"volumeMounts": [{"name": "token", "mountPath": "/token"}]}), "volumeMounts[0]"),
    ];
    for (profile, field) in routes {
        let output = kubectl_debug(&namespace, "debugger", &profile).expect_failure();
        let words = words_of_refusal(&output);
        let expected = format!("is reached at spec.ephemeralContainers[0].{field}");
        assert!(words.starts_with("TW201 ") && words.contains(&expected), "{words}");
    }

    let status = put_ephemeral_container(&namespace, &with_env(container("debugger"))).expect_code(403);
    let fields: Vec<&Value> = list(&status["details"]["causes"]).iter().map(|cause| &cause["field"]).collect();
    assert_eq!(fields, ["spec.ephemeralContainers[0].env[0].valueFrom.secretKeyRef.name"]);

    // One that reaches nothing is added, and it is not refused for what the Pod had already.
    kubectl_debug(&namespace, "harmless", &json!({})).expect_success();
    let stored = namespace.stored("pod/web");
    assert_eq!(stored["spec"]["ephemeralContainers"][0]["name"], "harmless");
    assert!(stored["spec"]["ephemeralContainers"][0]["volumeMounts"].is_null());
}

fn put_ephemeral_container(namespace: &Namespace<'_>, container: &Value) -> crate::rig::http::Answer {
    let mut pod = namespace.stored("pod/web");
    pod["spec"]["ephemeralContainers"] = json!([container]);
    let path = namespace.path("pods/web/ephemeralcontainers");
    namespace.rig().send(User::Administrator, "PUT", &path, Some(("application/json", &pod)))
}

#[test]
fn a_hand_made_volume_of_3607_seconds_is_refused_as_one_year() {
    let namespace = namespace("hand-made-3607");
    let trap = json!({"serviceAccountToken": {"path": "token", "expirationSeconds": 3607}});
    let spec = json!({"volumes": [{"name": "token", "projected": {"sources": [trap]}}]});
    let manifest = pod("web", "app", &spec);
    let output = create(&namespace, &manifest).refused();
    let words = words_of_refusal(&output);
    assert!(words.starts_with("TW202 token-lifetime: ") && words.contains("one year"), "{words}");
    let [path] = &causes(post(&namespace, "pods", &manifest))[..] else { panic!("one cause: {words}") };
    assert!(path.starts_with("spec.volumes[0].projected.sources[0].serviceAccountToken"), "{path}");
}

#[test]
fn an_automounted_pod_is_stored_with_3600_seconds() {
    let namespace = namespace("retuned");
    namespace.service_account("automounting", None);
    let stored = store(&namespace, &pod("web", "automounting", &json!({})));
    let [built_in] = volume_names(&stored)[..] else { panic!("one volume: {stored:#}") };
    assert!(built_in.starts_with("kube-api-access-"), "{built_in}");
    let token = &volume(&stored, built_in)["projected"]["sources"][0]["serviceAccountToken"];
    assert_eq!(token, &json!({"path": "token", "expirationSeconds": 3600}));
    assert!(stored["metadata"]["annotations"].is_null(), "no stamp: {:#}", stored["metadata"]);
    let files = namespace.rig().kubelet_token_files(&namespace, "web");
    assert_eq!(files[0].claims.lifetime(), Some(3600));
}

#[test]
fn baseline_warns_where_restricted_refuses() {
    let namespace = installed().namespace("legacy-in-baseline", "baseline");
    namespace.service_account("app", Some(false));
    let spec = json!({"volumes": [{"name": "token", "secret": {"secretName": LEGACY}}]});
    let output = create(&namespace, &pod("web", "app", &spec)).ok();
    let [warning] = output.warnings()[..] else { panic!("one warning: {output}") };
    assert!(warning.starts_with("TW201 legacy-token-reference: ") && warning.len() <= 120, "{warning}");
}
