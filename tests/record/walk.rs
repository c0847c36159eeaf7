//! What is done on the API server while it is recorded.

use std::time::Duration;

use serde_json::{Value, json};

use crate::installation::POLICY_LABEL;
use crate::manifest::{deployment, pod, token_secret};
use crate::pods::{self, with_env};
use crate::recorder::TEAM;
use crate::rig::ControlPlane;
use crate::rig::eventually::eventually;
use crate::rig::http::Answer;
use crate::rig::namespace::Namespace;
use crate::rig::users::User;

const PATIENCE: Duration = Duration::from_secs(20);

/// One namespace for each policy; the last label names none.
pub(crate) fn through_all_policies(rig: &ControlPlane) {
    for (name, label) in [("baseline", "baseline"), ("restricted", "restricted")] {
        let namespace = team(rig, name, label);
        accounts(&namespace);
        for pod in pods::all() {
            create(&namespace, "pods", &pod);
        }
        create(&namespace, "pods?dryRun=All", &pod("hardened", "hardened", &json!({})));
        ephemeral_containers(&namespace);
        secrets(&namespace);
        templates(&namespace);
        token_requests(&namespace);
    }
    for (name, label) in [("audit", "audit"), ("warn", "warn"), ("payments", "payments"), ("unknown", "basline")] {
        let namespace = team(rig, name, label);
        accounts(&namespace);
        for pod in pods::telling() {
            create(&namespace, "pods", &pod);
        }
        create(&namespace, "secrets", &token_secret("refused-token", "app"));
        workload(&namespace, "apps/v1", "deployments", &deployment("web", "hardened", &json!({})));
    }
    relabel(rig, "baseline", &json!("restricted"));
    relabel(rig, "restricted", &json!("warn"));
    relabel(rig, "warn", &Value::Null);
}

/// Waits until a refusal shows that the configurations are in use.
pub(crate) fn wait_until_recorded(rig: &ControlPlane) {
    let probe = rig.namespace("probe", &[(POLICY_LABEL, "baseline")]);
    let hardened = json!({"automountServiceAccountToken": false});
    let mut pod = pod("probe", "default", &hardened);
    pod["metadata"]["annotations"] = json!({"tokenward.dev/inject": "true"});
    eventually(PATIENCE, || {
        let secret =
            rig.post(User::Administrator, &probe.path("secrets?dryRun=All"), &token_secret("probe", "default"));
        let pod = rig.post(User::Administrator, &probe.path("pods?dryRun=All"), &pod);
        let mutated = !pod.body["spec"]["volumes"].is_null();
        if secret.code == 403 && mutated { Ok(()) } else { Err(format!("HTTP {}, Pod {}", secret.code, pod.body)) }
    });
}

fn team<'rig>(rig: &'rig ControlPlane, name: &str, label: &str) -> Namespace<'rig> {
    rig.namespace_named(&format!("{TEAM}{name}"), &[(POLICY_LABEL, label)])
}

/// Whatever comes of it: a refusal is as good to record.
fn create(namespace: &Namespace<'_>, resource: &str, object: &Value) -> Answer {
    namespace.rig().post(User::Developer, &namespace.path(resource), object)
}

fn accounts(namespace: &Namespace<'_>) {
    namespace.service_account("app", None);
    namespace.service_account("hardened", Some(false));
}

fn ephemeral_containers(namespace: &Namespace<'_>) {
    let container = json!({"name": "debugger", "image": "app.example.com/tools:1"});
    let mut reaching = with_env(container.clone());
    reaching["name"] = "reaching".into();
    for container in [container, reaching] {
        let change = json!({"spec": {"ephemeralContainers": [container]}});
        let path = namespace.path("pods/automounting/ephemeralcontainers");
        let kind = "application/strategic-merge-patch+json";
        namespace.rig().send(User::Administrator, "PATCH", &path, Some((kind, &change)));
    }
}

fn patch(namespace: &Namespace<'_>, what: &str, patch: &Value) {
    let kind = "application/merge-patch+json";
    namespace.rig().send(User::Developer, "PATCH", &namespace.path(what), Some((kind, patch)));
}

fn secrets(namespace: &Namespace<'_>) {
    create(namespace, "secrets", &token_secret("refused-token", "app"));
    create(namespace, "secrets?dryRun=All", &token_secret("refused-token", "app"));

    // What an exception allows, filled in by the token controller, then changed by people.
    create(namespace, "secrets", &token_secret("argocd-manager-east", "app")).expect_success();
    let token = eventually(PATIENCE, || {
        let token = namespace.stored("secret/argocd-manager-east")["data"]["token"].take();
        if token.is_null() { Err("the token controller has not filled in the Secret") } else { Ok(token) }
    });
    let label = |value: Value| json!({"metadata": {"labels": {"kubernetes.io/legacy-token-invalid-since": value}}});
    let account = json!({"metadata": {"annotations": {"kubernetes.io/service-account.name": "hardened"}}});
    for change in [label(json!("2026-01-01")), label(Value::Null), account, json!({"data": {"token": null}})] {
        patch(namespace, "secrets/argocd-manager-east", &change);
    }

    let opaque = |name: &str, key: &str, value: &Value| json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "data": {key: value}});
    create(namespace, "secrets", &opaque("password", "password", &json!("aHVudGVyMg==")));
    create(namespace, "secrets", &opaque("copied-token", "backup", &token));
    // The name that stands in the token: under `restricted`, a revival.
    let path = namespace.path("secrets/argocd-manager-east");
    namespace.rig().send(User::Developer, "DELETE", &path, None);
    create(namespace, "secrets", &opaque("argocd-manager-east", "token", &token));

    let listed = json!({"secrets": [{"name": pods::LEGACY}]});
    patch(namespace, "serviceaccounts/app", &listed);
    patch(namespace, "serviceaccounts/app", &json!({"automountServiceAccountToken": false}));
}

fn workload(namespace: &Namespace<'_>, group_version: &str, resource: &str, object: &Value) {
    let path = format!("/apis/{group_version}/namespaces/{}/{resource}", namespace.name);
    namespace.rig().post(User::Developer, &path, object);
    if resource == "deployments" {
        wait_for_pod_of(namespace);
    }
}

/// Of the Deployment `web`, or for the word that none may be made.
fn wait_for_pod_of(namespace: &Namespace<'_>) {
    eventually(PATIENCE, || {
        let pods = namespace.kubectl(["get", "pods", "-l", "app=web"]).json();
        let refusals = namespace.kubectl(["get", "events", "--field-selector=reason=FailedCreate"]).json();
        let any = [&pods, &refusals].iter().any(|list| list["items"].as_array().is_some_and(|it| !it.is_empty()));
        if any { Ok(()) } else { Err("neither a Pod nor a refusal") }
    });
}

fn templates(namespace: &Namespace<'_>) {
    let trap = json!({"serviceAccountToken": {"path": "token", "expirationSeconds": 3607}});
    let volume = json!({"name": "token", "projected": {"sources": [trap]}});
    let web = deployment("web", "hardened", &json!({}));
    let bad = deployment("bad", "hardened", &json!({"containers": [with_env(web_container())], "volumes": [volume]}));
    let (selector, template) = (&bad["spec"]["selector"], &bad["spec"]["template"]);
    let object = |kind: &str, version: &str, spec: Value| json!({"apiVersion": version, "kind": kind, "metadata": {"name": "bad"}, "spec": spec});
    let with_selector = json!({"selector": selector, "template": template});
    let mut job_template = template.clone();
    job_template["spec"]["restartPolicy"] = "Never".into();

    workload(namespace, "apps/v1", "deployments", &web);
    for (resource, kind) in [("deployments", "Deployment"), ("replicasets", "ReplicaSet"), ("daemonsets", "DaemonSet")]
    {
        workload(namespace, "apps/v1", resource, &object(kind, "apps/v1", with_selector.clone()));
    }
    let mut stateful = with_selector.clone();
    stateful["serviceName"] = "bad".into();
    workload(namespace, "apps/v1", "statefulsets", &object("StatefulSet", "apps/v1", stateful));
    workload(namespace, "batch/v1", "jobs", &object("Job", "batch/v1", json!({"template": job_template})));
    let cron = json!({"schedule": "0 3 * * *", "jobTemplate": {"spec": {"template": job_template}}});
    workload(namespace, "batch/v1", "cronjobs", &object("CronJob", "batch/v1", cron));
    let replication = json!({"selector": selector["matchLabels"], "template": template});
    create(namespace, "replicationcontrollers", &object("ReplicationController", "v1", replication));
    let template = json!({
        "apiVersion": "v1",
        "kind": "PodTemplate",
        "metadata": {"name": "bad"},
        "template": template,
    });
    create(namespace, "podtemplates", &template);

    let image = json!({"spec": {"template": {"metadata": {"labels": {"version": "2"}}}}});
    let path = format!("/apis/apps/v1/namespaces/{}/deployments/bad", namespace.name);
    let kind = "application/merge-patch+json";
    namespace.rig().send(User::Developer, "PATCH", &path, Some((kind, &image)));
}

fn web_container() -> Value {
    crate::manifest::container("app")
}

fn token_requests(namespace: &Namespace<'_>) {
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "name": "password"});
    for spec in [
        json!({"expirationSeconds": 86_400, "audiences": ["https://vault.example.com"]}),
        json!({"expirationSeconds": 31_536_000}),
        json!({"expirationSeconds": 3600, "boundObjectRef": secret}),
    ] {
        let request = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec});
        create(namespace, "serviceaccounts/hardened/token", &request);
    }
}

fn relabel(rig: &ControlPlane, name: &str, policy: &Value) {
    let change = json!({"metadata": {"labels": {POLICY_LABEL: policy}}});
    let path = format!("/api/v1/namespaces/{TEAM}{name}");
    rig.send(User::Administrator, "PATCH", &path, Some(("application/merge-patch+json", &change)));
}
