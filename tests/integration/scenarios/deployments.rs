//! Workloads whose Pods are injected.

use std::time::Duration;

use serde_json::{Value, json};

use super::installed;
use super::manifest::{all_kinds_of_containers, deployment};
use super::stored::{injected_mount, injected_volume, mounts, volume};
use crate::rig::eventually::eventually;
use crate::rig::namespace::Namespace;
use crate::rig::users::User;

/// The Pod that the controllers made of the Deployment `web`.
#[track_caller]
fn only_pod(namespace: &Namespace<'_>) -> Value {
    eventually(Duration::from_secs(20), || {
        let mut pods = namespace.kubectl(["get", "pods", "-l", "app=web"]).json();
        match pods["items"].as_array_mut().and_then(Vec::pop) {
            Some(pod) => Ok(pod),
            None => Err(format!("no Pod; {}", namespace.kubectl(["get", "events"]).run())),
        }
    })
}

#[test]
fn a_deployment_with_injected_pods_shows_no_difference() {
    let namespace = installed().namespace("deployment-injected", "baseline");
    namespace.service_account("hardened", Some(false));
    let manifest = deployment("web", "hardened", &all_kinds_of_containers()).to_string();
    let kubectl = |command| namespace.kubectl_as(User::Developer, [command, "-f", "-"]).stdin(manifest.as_str());
    kubectl("apply").ok();

    let pod = only_pod(&namespace);
    assert_eq!(volume(&pod, "tokenward-api-access"), &injected_volume(None, 3600));
    let mount = injected_mount();
    let expected: Vec<(&str, &[Value])> =
        ["setup", "proxy", "app"].map(|name| (name, std::slice::from_ref(&mount))).into();
    assert_eq!(mounts(&pod), expected);

    let diff = kubectl("diff").ok();
    assert_eq!(diff.stdout, "", "{diff}");
    let template = &namespace.stored("deployment/web")["spec"]["template"];
    assert!(template["spec"]["volumes"].is_null(), "{template:#}");
}

#[test]
fn a_template_is_warned_about_and_its_pods_are_refused() {
    let namespace = installed().namespace("deployment-refused", "restricted");
    namespace.service_account("hardened", Some(false));
    let trap = json!({"serviceAccountToken": {"path": "token", "expirationSeconds": 3607}});
    let spec = json!({"volumes": [{"name": "token", "projected": {"sources": [trap]}}]});
    let manifest = deployment("web", "hardened", &spec).to_string();
    let output = namespace.kubectl_as(User::Developer, ["create", "-f", "-"]).stdin(manifest).ok();
    assert!(output.warnings().iter().any(|warning| warning.starts_with("TW202 token-lifetime: ")), "{output}");

    let refused = eventually(Duration::from_secs(20), || {
        let events = namespace.kubectl(["get", "events", "--field-selector=reason=FailedCreate"]).json();
        match &events["items"][0]["message"] {
            Value::String(message) => Ok(message.clone()),
            _ => Err("no event tells that the Pod was refused"),
        }
    });
    assert!(refused.contains("denied the request: TW202 token-lifetime: "), "{refused}");
}
