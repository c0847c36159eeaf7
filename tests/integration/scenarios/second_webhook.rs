//! Another mutating webhook works after ours.

use serde_json::{Value, json};

use super::manifest::pod;
use super::sidecar_webhook::SidecarWebhook;
use super::stored::{injected_mount, mounts};
use super::{installed, store};
use crate::installation::POLICY_LABEL;
use crate::rig::audit_log::AuditFilter;

#[test]
fn a_sidecar_that_is_added_after_us_gets_the_token_too() {
    let installation = installed();
    let label = ("sidecar-injection", "enabled");
    let namespace = installation.rig.namespace_named("second-webhook", &[(POLICY_LABEL, "baseline"), label]);
    namespace.service_account("hardened", Some(false));
    // Webhook configurations are called in the order of their names, so this one comes after `tokenward`.
    let _webhook = SidecarWebhook::install(installation.rig, "zz-sidecars", label);

    let stored = store(&namespace, &pod("web", "hardened", &json!({})));
    let mount = injected_mount();
    let expected: Vec<(&str, &[Value])> =
        ["app", "added-sidecar"].map(|name| (name, std::slice::from_ref(&mount))).into();
    assert_eq!(mounts(&stored), expected);
    assert_eq!(stored["spec"]["volumes"].as_array().map(Vec::len), Some(1));

    // It was the second round that mounted it: in the first the sidecar was not there yet.
    let event = namespace.rig().audit_event(AuditFilter {
        namespace: &namespace.name,
        resource: "pods",
        name: "web",
        verb: "create",
    });
    let annotations = event.0["annotations"].to_string();
    assert!(annotations.contains("patch.webhook.admission.k8s.io/round_1_index_"), "{annotations}");
    assert_eq!(event.annotation("baseline.validate.tokenward.dev/findings"), None, "{annotations}");
}
