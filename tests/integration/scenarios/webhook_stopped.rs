//! Nobody answers.

use serde_json::json;

use super::manifest::{pod, token_secret};
use super::stored::volume_names;
use super::{create, post, store, words_of_refusal};
use crate::installation::Installation;
use crate::rig;

/// Has a control plane of its own: others need their webhook.
#[test]
fn enforcing_namespaces_refuse_and_the_others_go_on() {
    let rig = rig::solitary();
    let mut installation = Installation::on(&rig, "", "").unwrap_or_else(|error| panic!("{error}"));
    let namespace = |policy: &str| {
        let labels = [(crate::installation::POLICY_LABEL, policy)];
        let namespace = rig.namespace(&format!("stopped-{policy}"), if policy == "none" { &[] } else { &labels });
        namespace.service_account("app", Some(false));
        namespace
    };
    let [baseline, restricted, warn, audit, none] = ["baseline", "restricted", "warn", "audit", "none"].map(namespace);
    let secret = token_secret("app-token", "app");
    let hardened = pod("web", "app", &json!({}));
    installation.webhook.kill();

    for enforcing in [&baseline, &restricted] {
        let status = post(enforcing, "secrets", &secret).expect_code(500);
        assert_eq!(status["reason"], "InternalError");
        let output = create(enforcing, &secret).refused();
        assert!(output.stderr.contains("failed calling webhook"), "{output}");
        assert!(output.stderr.contains(".validate.tokenward.dev"), "{output}");
        let output = create(enforcing, &hardened).refused();
        assert!(output.stderr.contains("failed calling webhook"), "{output}");
        assert!(output.stderr.contains(".mutate.tokenward.dev"), "{output}");
    }
    // Under baseline the webhook is not asked about Secrets without a token.
    let opaque = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "password"}});
    create(&baseline, &opaque).ok();

    for open in [&warn, &audit, &none] {
        let output = create(open, &secret).ok();
        assert_eq!(output.warnings(), [""; 0]);
        assert_eq!(volume_names(&store(open, &hardened)), [""; 0]);
    }

    installation.webhook.run().unwrap_or_else(|error| panic!("{error}"));
    assert!(words_of_refusal(&create(&baseline, &secret).refused()).starts_with("TW101"));
    assert_eq!(volume_names(&store(&baseline, &hardened)), ["tokenward-api-access"]);
}
