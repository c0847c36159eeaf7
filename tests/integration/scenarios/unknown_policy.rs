//! A label value that names no policy.

use serde_json::{Value, json};

use super::manifest::{pod, token_secret};
use super::stored::{volume, volume_names};
use super::{create, installed, store, words_of_refusal};
use crate::rig::audit_log::AuditFilter;

const SENTENCE: &str = "The label tokenward.dev/policy of the namespace names no policy; restricted applies";

#[test]
fn it_acts_as_restricted_and_says_so() {
    let namespace = installed().namespace("legacy-in-unknown", "basline");
    namespace.service_account("app", Some(false));
    namespace.service_account("automounting", None);

    let legacy = json!({"volumes": [{"name": "token", "secret": {"secretName": "legacy-ci"}}]});
    for (manifest, code) in [(token_secret("app-token", "app"), "TW101"), (pod("bad", "app", &legacy), "TW201")] {
        let output = create(&namespace, &manifest).refused();
        let words = words_of_refusal(&output);
        assert!(words.starts_with(code) && words.contains(SENTENCE), "{words}");
    }

    let output = create(&namespace, &pod("web", "app", &json!({}))).ok();
    assert!(output.warnings().contains(&SENTENCE), "{output}");
    let event = namespace.rig().audit_event(AuditFilter {
        namespace: &namespace.name,
        resource: "pods",
        name: "web",
        verb: "create",
    });
    assert_eq!(event.annotation("unknown.validate.tokenward.dev/policy"), Some("restricted"));
    assert_eq!(event.annotation("unknown.validate.tokenward.dev/requested-policy"), Some("unknown"));
    assert_eq!(volume_names(&namespace.stored("pod/web")), ["tokenward-api-access"]);

    let stored = store(&namespace, &pod("retuned", "automounting", &json!({})));
    let [built_in] = volume_names(&stored)[..] else { panic!("one volume: {stored:#}") };
    let token: &Value = &volume(&stored, built_in)["projected"]["sources"][0]["serviceAccountToken"];
    assert_eq!(token["expirationSeconds"], 3600);
}
