//! `warn` and `audit`: look at everything, change nothing, refuse nothing.

use serde_json::{Value, json};

use super::manifest::{pod, token_secret};
use super::stored::volume_names;
use super::{create, installed};
use crate::rig::audit_log::{AuditEvent, AuditFilter};
use crate::rig::kubectl::Output;
use crate::rig::namespace::Namespace;

fn namespace(policy: &str) -> Namespace<'static> {
    let namespace = installed().namespace(&format!("legacy-in-{policy}"), policy);
    namespace.service_account("app", Some(false));
    namespace
}

/// A Pod that reaches a legacy Secret and has a token of one year.
fn bad_pod() -> Value {
    let trap = json!({"serviceAccountToken": {"path": "token", "expirationSeconds": 3607}});
    let volumes = json!([
        {"name": "legacy", "secret": {"secretName": "legacy-ci"}},
        {"name": "trap", "projected": {"sources": [trap]}},
    ]);
    pod("bad", "app", &json!({"volumes": volumes}))
}

#[track_caller]
fn audit_event(namespace: &Namespace<'_>, resource: &str, name: &str) -> AuditEvent {
    namespace.rig().audit_event(AuditFilter { namespace: &namespace.name, resource, name, verb: "create" })
}

/// Creates what `restricted` would refuse and change, and shows that it is stored as it was.
#[track_caller]
fn create_everything(namespace: &Namespace<'_>) -> [Output; 3] {
    let hardened = pod("hardened", "app", &json!({}));
    let outputs = [&token_secret("app-token", "app"), &bad_pod(), &hardened].map(|it| create(namespace, it).ok());
    assert_eq!(volume_names(&namespace.stored("pod/bad")), ["legacy", "trap"]);
    let stored = namespace.stored("pod/hardened");
    assert_eq!(volume_names(&stored), [""; 0]);
    assert!(stored["metadata"]["annotations"].is_null(), "{:#}", stored["metadata"]);
    outputs
}

#[track_caller]
fn assert_audited(namespace: &Namespace<'_>, policy: &str) {
    let key = |name: &str| format!("{policy}.validate.tokenward.dev/{name}");
    let secret = audit_event(namespace, "secrets", "app-token");
    assert_eq!(secret.annotation(&key("policy")), Some(policy));
    assert_eq!(secret.annotation(&key("findings")), Some(format!("TW101={policy}").as_str()));
    let bad = audit_event(namespace, "pods", "bad");
    let findings = bad.annotation(&key("findings")).unwrap_or_else(|| panic!("no findings: {:#}", bad.0));
    for code in ["TW201", "TW202"] {
        assert!(findings.contains(&format!("{code}={policy}")), "{findings}");
    }
    let hardened = audit_event(namespace, "pods", "hardened");
    let would_inject = Some(r#"api audience="" seconds=3600 containers=app"#);
    assert_eq!(hardened.annotation(&key("would-inject")), would_inject, "{:#}", hardened.0["annotations"]);
    assert_eq!(hardened.annotation(&key("injected")), None);
}

#[test]
fn warn_changes_nothing_refuses_nothing_and_kubectl_prints_the_warnings() {
    let namespace = namespace("warn");
    let [secret, bad, hardened] = create_everything(&namespace);
    let [warning] = secret.warnings()[..] else { panic!("one warning: {secret}") };
    let expected =
        "TW101 legacy-token-secret: Secret legacy-in-warn/app-token would hold a token for ServiceAccount app";
    assert!(warning.starts_with(expected), "{warning}");
    let codes: Vec<&str> = bad.warnings().iter().filter_map(|warning| warning.get(..5)).collect();
    assert_eq!(codes, ["TW201", "TW202"], "{bad}");
    assert_eq!(hardened.warnings(), [""; 0]);
    assert!(secret.warnings().iter().chain(&bad.warnings()).all(|warning| warning.chars().count() <= 120));
    assert_audited(&namespace, "warn");
}

#[test]
fn audit_changes_nothing_refuses_nothing_and_is_silent() {
    let namespace = namespace("audit");
    for output in create_everything(&namespace) {
        assert_eq!(output.warnings(), [""; 0], "{output}");
    }
    assert_audited(&namespace, "audit");
}
