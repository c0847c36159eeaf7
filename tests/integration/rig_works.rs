//! The rig is a real control plane: what the other tests take for granted, shown once.

use std::time::Duration;

use serde_json::{Value, json};

use crate::rig::audit_log::AuditFilter;
use crate::rig::eventually::eventually;
use crate::rig::host::host_address;
use crate::rig::token::Claims;
use crate::rig::users::User;
use crate::rig::{self, namespace::Namespace};

const ONE_YEAR: i64 = 31_536_000;

fn pod(name: &str, spec: &Value) -> String {
    let mut spec = spec.clone();
    spec["containers"] = json!([{"name": "app", "image": "app.example.com/app:1"}]);
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}).to_string()
}

/// A volume with one token of the API server's own audience, unless another is given.
fn token_volume(seconds: i64, audience: Option<&str>) -> Value {
    let token = json!({"path": "token", "expirationSeconds": seconds, "audience": audience});
    json!({"name": "token", "projected": {"sources": [{"serviceAccountToken": token}]}})
}

fn lifetime_of_projected_token(
    namespace: &Namespace<'_>,
    name: &str,
    seconds: i64,
    audience: Option<&str>,
) -> Option<i64> {
    let spec = json!({"automountServiceAccountToken": false, "volumes": [token_volume(seconds, audience)]});
    namespace.kubectl(["create", "-f", "-"]).stdin(pod(name, &spec)).ok();
    let files = rig::shared().kubelet_token_files(namespace, name);
    assert_eq!(files.len(), 1);
    files[0].claims.lifetime()
}

#[test]
fn it_is_the_version_that_go_mod_names() {
    let go_mod = include_str!("../apiserver/go.mod");
    let line = go_mod.lines().find_map(|line| line.trim().strip_prefix("k8s.io/kubernetes ")).expect("in go.mod");
    let wanted = line.split_whitespace().next().expect("a version");
    let version = rig::shared().get(User::Developer, "/version").expect_success();
    if std::env::var_os("KUBEBUILDER_ASSETS").is_none() {
        assert_eq!(version["gitVersion"], wanted);
    }
    assert!(version["gitVersion"].as_str().is_some_and(|it| it.starts_with("v1.")), "{version:#}");
}

#[test]
fn the_token_controller_fills_in_a_legacy_secret() {
    let rig = rig::shared();
    let namespace = rig.namespace("legacy", &[]);
    namespace.service_account("ci", None);
    let secret = json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/service-account-token",
        "metadata": {"name": "ci-token", "annotations": {"kubernetes.io/service-account.name": "ci"}},
    });
    namespace.kubectl_as(User::Developer, ["create", "-f", "-"]).stdin(secret.to_string()).ok();
    let token = eventually(Duration::from_secs(20), || {
        let token = namespace.stored("secret/ci-token")["data"]["token"].take();
        if token.is_null() { Err("the token controller has not filled in the Secret") } else { Ok(token) }
    });
    let claims = Claims::of_secret(&token);
    assert_eq!(claims.subject(), format!("system:serviceaccount:{}:ci", namespace.name));
    assert_eq!(claims.lifetime(), None, "a legacy token never expires");
    let filled_in = rig.audit_event(AuditFilter {
        namespace: &namespace.name,
        resource: "secrets",
        name: "ci-token",
        verb: "update",
    });
    assert_eq!(filled_in.user(), User::ControllerManager.name());
}

#[test]
fn a_pod_is_stored_with_the_builtin_token_volume() {
    let namespace = rig::shared().namespace("builtin", &[]);
    namespace.kubectl_as(User::Developer, ["create", "-f", "-"]).stdin(pod("web", &json!({}))).ok();
    let stored = namespace.stored("pod/web");
    let volume = &stored["spec"]["volumes"][0];
    assert!(volume["name"].as_str().is_some_and(|name| name.starts_with("kube-api-access-")), "{volume:#}");
    assert_eq!(volume["projected"]["defaultMode"], 0o644);
    let sources = &volume["projected"]["sources"];
    assert_eq!(sources[0]["serviceAccountToken"], json!({"path": "token", "expirationSeconds": 3607}));
    assert_eq!(sources[1]["configMap"]["name"], "kube-root-ca.crt");
    assert_eq!(sources[2]["downwardAPI"]["items"][0]["path"], "namespace");
    let mount = &stored["spec"]["containers"][0]["volumeMounts"][0];
    assert_eq!(mount["mountPath"], "/var/run/secrets/kubernetes.io/serviceaccount");
    assert_eq!(mount["readOnly"], true);
}

#[test]
fn three_thousand_six_hundred_seven_seconds_means_one_year() {
    let namespace = rig::shared().namespace("trap", &[]);
    assert_eq!(lifetime_of_projected_token(&namespace, "honest", 3600, None), Some(3600));
    assert_eq!(lifetime_of_projected_token(&namespace, "trap", 3607, None), Some(ONE_YEAR));
    assert_eq!(lifetime_of_projected_token(&namespace, "one-more", 3608, None), Some(3608));
    assert_eq!(lifetime_of_projected_token(&namespace, "other-audience", 3607, Some("vault")), Some(3607));
}

#[test]
fn kubectl_create_token_works() {
    let namespace = rig::shared().namespace("request", &[]);
    namespace.service_account("ci", Some(false));
    let command = ["create", "token", "ci", "--duration=24h", "--audience=https://vault.example.com"];
    let output = namespace.kubectl_as(User::Developer, command).ok();
    let claims = Claims::of(output.stdout.trim());
    assert_eq!(claims.lifetime(), Some(86_400));
    assert_eq!(claims.audiences(), ["https://vault.example.com"]);
}

#[test]
fn an_ordinary_user_edits_only_where_it_was_given_the_right() {
    let rig = rig::shared();
    let namespace = rig.namespace("rights", &[]);
    namespace.kubectl_as(User::Developer, ["create", "secret", "generic", "mine"]).ok();
    let refused = rig.kubectl_as(User::Developer, ["-n", "default", "create", "secret", "generic", "mine"]).refused();
    assert!(refused.stderr.contains(r#"User "dev" cannot create resource "secrets""#), "{refused}");
}

#[test]
fn a_deployment_gets_its_pods() {
    let namespace = rig::shared().namespace("deployment", &[]);
    namespace
        .kubectl_as(User::Developer, ["create", "deployment", "web", "--image=app.example.com/app:1", "--replicas=2"])
        .ok();
    eventually(Duration::from_secs(20), || {
        let pods = namespace.kubectl(["get", "pods", "-l", "app=web"]).json();
        let count = pods["items"].as_array().map_or(0, Vec::len);
        if count == 2 { Ok(()) } else { Err(format!("{count} Pods")) }
    });
}

#[test]
fn a_deleted_namespace_goes_away() {
    let namespace = rig::shared().namespace("gone", &[]);
    rig::shared().kubectl(["delete", "namespace", &namespace.name, "--timeout=30s"]).ok();
    rig::shared().get(User::Administrator, &format!("/api/v1/namespaces/{}", namespace.name)).expect_code(404);
}

#[test]
fn the_audit_log_tells_what_was_done_and_holds_no_secret() {
    let rig = rig::shared();
    let namespace = rig.namespace("audit", &[]);
    namespace
        .kubectl_as(User::Developer, ["create", "secret", "generic", "hidden", "--from-literal=key=canary-8f3a"])
        .ok();
    let event = rig.audit_event(AuditFilter {
        namespace: &namespace.name,
        resource: "secrets",
        name: "hidden",
        verb: "create",
    });
    assert_eq!(event.user(), "dev");
    assert_eq!(event.code(), 201);
    assert!(event.0["requestObject"].is_null(), "only metadata of Secrets is logged");
    assert_eq!(event.annotation("authorization.k8s.io/decision"), Some("allow"));
}

#[test]
fn warnings_arrive_with_their_text() {
    let namespace = rig::shared().namespace("warnings", &[]);
    // The API server itself warns of a token source without a kind beside it.
    let spec = json!({"volumes": [{"name": "empty", "projected": {"sources": [{}]}}]});
    let output = namespace.kubectl(["create", "-f", "-"]).stdin(pod("empty-source", &spec)).ok();
    let [warning] = output.warnings()[..] else { panic!("one warning: {output}") };
    let body: Value = serde_json::from_str(&pod("empty-source-2", &spec)).expect("JSON");
    let answer = rig::shared().post(User::Administrator, &namespace.path("pods"), &body);
    assert_eq!(answer.warnings, [warning]);
}

#[test]
fn the_host_has_an_address_that_is_not_loopback() {
    assert!(!host_address().is_loopback());
}
