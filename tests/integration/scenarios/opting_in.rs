//! Who did not opt in is never sent to the webhook.

use serde_json::json;

use super::manifest::{pod, token_secret};
use super::stored::volume_names;
use super::{create, store};
use crate::installation::{Installation, POLICY_LABEL};
use crate::rig;

/// Has a control plane of its own, since the counters are those of all namespaces.
#[test]
fn unlabelled_and_system_namespaces_leave_the_counters_at_zero() {
    let rig = rig::solitary();
    let mut installation = Installation::on(&rig, "", "").unwrap_or_else(|error| panic!("{error}"));
    // Started anew, so that it has not counted what showed that the API server calls it.
    installation.webhook.kill();
    installation.webhook.run().unwrap_or_else(|error| panic!("{error}"));

    let unlabelled = rig.namespace("unlabelled", &[]);
    unlabelled.service_account("app", Some(false));
    create(&unlabelled, &token_secret("app-token", "app")).ok();
    unlabelled.stored("secret/app-token");
    assert_eq!(volume_names(&store(&unlabelled, &pod("web", "app", &json!({})))), [""; 0]);

    let label = format!("{POLICY_LABEL}=restricted");
    rig.kubectl(["label", "namespace", "kube-system", &label]).ok();
    let secret = token_secret("mistaken-token", "default").to_string();
    rig.kubectl(["create", "-n", "kube-system", "-f", "-"]).stdin(secret).ok();
    let hardened = pod("mistaken", "default", &json!({"automountServiceAccountToken": false})).to_string();
    let stored = rig.kubectl(["create", "-n", "kube-system", "-f", "-"]).stdin(hardened).json();
    assert_eq!(volume_names(&stored), [""; 0]);
    let metrics = installation.webhook.metrics();
    assert_eq!(metrics.reviews(), 0, "{}", metrics.text());

    // The same counters do count, once somebody opts in.
    let labelled = installation.namespace("labelled", "baseline");
    create(&labelled, &token_secret("default-token", "default")).refused();
    let denied = [("policy", "baseline"), ("resource", "secrets"), ("decision", "denied")];
    let metrics = installation.webhook.metrics();
    assert_eq!(metrics.sum("tokenward_admission_total", &denied), 1, "{}", metrics.text());

    rig.kubectl(["label", "namespace", "kube-system", &format!("{POLICY_LABEL}-")]).ok();
}
