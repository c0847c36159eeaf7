//! Pods of many shapes.

use serde_json::{Value, json};

use crate::manifest::{
    DIRECTORY, all_kinds_of_containers, annotated_pod, container, pod, sidecar, token_mount, token_volume,
};

/// A legacy token Secret that the inventory knows in every namespace of the recording.
pub(crate) const LEGACY: &str = "legacy-ci";

/// Those that show what a policy is about.
pub(crate) fn telling() -> Vec<Value> {
    vec![
        pod("automounting", "app", &json!({})),
        pod("hardened-account", "hardened", &all_kinds_of_containers()),
        pod("legacy-env", "hardened", &json!({"containers": [with_env(container("app"))]})),
        pod("hand-made-3607", "hardened", &projected(&json!([token(3607, None)]))),
        annotated_pod("asks-for-tokens", "hardened", &asking(), &all_kinds_of_containers()),
    ]
}

/// All shapes.
pub(crate) fn all() -> Vec<Value> {
    let mut pods = telling();
    pods.extend(injected());
    pods.extend(with_own_volumes());
    pods.extend(reaching_secrets());
    pods.push(realistic());
    pods
}

fn asking() -> Value {
    json!({
        "tokenward.dev/tokens": "vault, ledger",
        "tokenward.dev/expiration-seconds": "7200",
        "tokenward.dev/containers": "app,proxy",
    })
}

fn injected() -> Vec<Value> {
    let mut hardened = all_kinds_of_containers();
    hardened["automountServiceAccountToken"] = false.into();
    let inject = |value: &str| json!({"tokenward.dev/inject": value});
    vec![
        pod("hardened", "app", &hardened),
        pod("automount-over-account", "hardened", &json!({"automountServiceAccountToken": true})),
        annotated_pod("opted-out", "hardened", &inject("false"), &json!({})),
        annotated_pod("opted-out-automounting", "app", &inject("false"), &json!({})),
        annotated_pod("mistyped-annotation", "hardened", &inject("no"), &json!({})),
        annotated_pod("default-on-request", "default", &inject("true"), &hardened),
        pod("default-hardened", "default", &hardened),
    ]
}

fn with_own_volumes() -> Vec<Value> {
    let mounting = |name: &str, mount: Value| {
        let mut container = container(name);
        container["volumeMounts"] = json!([mount]);
        container
    };
    let own = |mount_path: &str| json!({"name": "own", "mountPath": mount_path});
    let empty = json!([{"name": "own", "emptyDir": {}}]);
    let directories = json!({
        "initContainers": [sidecar("proxy")],
        "containers": [
            mounting("exact", own(DIRECTORY)),
            mounting("slash", own(&format!("{DIRECTORY}/"))),
            mounting("below", own(&format!("{DIRECTORY}/extra"))),
            mounting("parent", own("/var/run/secrets")),
            mounting("other", own("/tmp")),
        ],
        "volumes": empty,
    });
    let reserved = json!({"volumes": [{"name": "tokenward-api-access", "emptyDir": {}}]});
    let hand_written = json!({
        "automountServiceAccountToken": false,
        "containers": [mounting("app", token_mount("kube-api-access"))],
        "volumes": [token_volume("kube-api-access", Some("https://kubernetes.default.svc"), 3600)],
    });
    let sub_path = json!({"name": "token", "mountPath": "/token", "subPath": "token"});
    let mut never_rotated = projected(&json!([token(3600, None)]));
    never_rotated["containers"] = json!([mounting("app", sub_path)]);
    vec![
        pod("own-mounts", "hardened", &directories),
        pod("reserved-volume-name", "hardened", &reserved),
        pod("hand-written-volume", "hardened", &hand_written),
        pod("never-rotated", "hardened", &never_rotated),
        pod("two-days-for-vault", "hardened", &projected(&json!([token(172_800, Some("https://vault.example.com"))]))),
        pod("other-audience", "hardened", &projected(&json!([token(3600, Some("sts.amazonaws.com"))]))),
        pod("one-path-twice", "hardened", &projected(&json!([token(3600, None), token(3600, Some("vault"))]))),
    ]
}

fn reaching_secrets() -> Vec<Value> {
    let env_from = json!([{"configMapRef": {"name": "settings", "optional": true}}, {"secretRef": {"name": LEGACY}}]);
    let mut init = container("setup");
    init["envFrom"] = env_from;
    let csi = json!({"driver": "csi.example.com", "nodePublishSecretRef": {"name": LEGACY}});
    let secret = |name: &str| json!({"volumes": [{"name": "secret", "secret": {"secretName": name}}]});
    vec![
        pod("legacy-volume", "hardened", &secret(LEGACY)),
        pod("unknown-secret", "hardened", &secret("password")),
        pod("legacy-projected", "hardened", &projected(&json!([{"secret": {"name": LEGACY}}]))),
        pod("legacy-sidecar", "hardened", &json!({"initContainers": [with_env(sidecar("proxy"))]})),
        pod("legacy-env-from", "hardened", &json!({"initContainers": [init]})),
        pod("legacy-pull-secret", "hardened", &json!({"imagePullSecrets": [{"name": LEGACY}]})),
        pod("legacy-csi", "hardened", &json!({"volumes": [{"name": "disk", "csi": csi}]})),
    ]
}

/// With the fields that Pods of real applications have, and text that has to be escaped.
fn realistic() -> Value {
    let mut app = container("app");
    app["args"] = json!(["--greeting=\"héllo\" <world> & \\co\n", "--level=info"]);
    app["env"] = json!([
        {"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
        {"name": "UNICODE", "value": "日本語 \u{2028} 🦀"},
    ]);
    app["ports"] = json!([{"name": "http", "containerPort": 8080}]);
    app["livenessProbe"] = json!({"httpGet": {"path": "/healthz", "port": "http"}, "periodSeconds": 5});
    app["resources"] = json!({"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"memory": "128Mi"}});
    app["securityContext"] = json!({"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}});
    app["volumeMounts"] = json!([{"name": "cache", "mountPath": "/cache"}]);
    let spread = json!({
        "maxSkew": 1,
        "topologyKey": "kubernetes.io/hostname",
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": {"app.kubernetes.io/name": "realistic"}},
    });
    let spec = json!({
        "containers": [app, container("second")],
        "volumes": [{"name": "cache", "emptyDir": {"sizeLimit": "1Gi"}}],
        "securityContext": {"runAsNonRoot": true, "runAsUser": 1000, "fsGroup": 1000},
        "tolerations": [{"key": "dedicated", "operator": "Equal", "value": "apps", "effect": "NoSchedule"}],
        "topologySpreadConstraints": [spread],
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "terminationGracePeriodSeconds": 45,
    });
    let notes = json!({"example.com/notes": "<b>\"quoted\"</b>\tand\u{1f}more", "example.com/~odd/key": ""});
    let mut pod = pod("realistic", "hardened", &spec);
    pod["metadata"]["labels"] = json!({"app.kubernetes.io/name": "realistic"});
    pod["metadata"]["annotations"] = json!({"example.com/notes": notes.to_string()});
    pod
}

pub(crate) fn with_env(mut container: Value) -> Value {
    container["env"] = json!([{"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": LEGACY, "key": "token"}}}]);
    container
}

fn projected(sources: &Value) -> Value {
    json!({"volumes": [{"name": "token", "projected": {"sources": sources}}]})
}

fn token(seconds: u32, audience: Option<&str>) -> Value {
    json!({"serviceAccountToken": {"path": "token", "expirationSeconds": seconds, "audience": audience}})
}
