//! A tenant who may edit the namespace itself takes its label away.

use serde_json::json;

use super::{assert_refused_by, guard, unguarded};
use crate::installation::{Installation, POLICY_LABEL};
use crate::rig;
use crate::rig::audit_log::{AuditEvent, AuditFilter};
use crate::rig::eventually::eventually;
use crate::rig::http::Answer;
use crate::rig::namespace::Namespace;
use crate::rig::users::User;
use crate::scenarios::manifest::token_secret;
use crate::scenarios::post;

/// A policy file under which nobody gets out.
const STRICT: &str = "
apiVersion: tokenward.dev/v1alpha1
kind: TokenPolicy
metadata:
  name: baseline
spec:
  extends: baseline
  rules:
    namespace-policy: deny
";

/// Makes a tenant of the developer: a person with rights on the namespace itself.
fn give_away(namespace: &Namespace<'_>) {
    let name = &namespace.name;
    let resources = "--resource=namespaces,namespaces/status,namespaces/finalize";
    let role = ["create", "role", "tenant", "--verb=get,update,patch", resources];
    namespace.kubectl(role.into_iter().chain(["--resource-name", name])).ok();
    namespace.kubectl(["create", "rolebinding", "tenant", "--role=tenant", "--user", User::Developer.name()]).ok();
    let path = format!("/api/v1/namespaces/{name}");
    eventually(super::PATIENCE, || match namespace.rig().get(User::Developer, &path).code {
        200 => Ok(()),
        code => Err(format!("HTTP {code} for the tenant")),
    });
}

fn relabel(namespace: &Namespace<'_>, label: &serde_json::Value) -> Answer {
    let path = format!("/api/v1/namespaces/{}", namespace.name);
    let change = json!({"metadata": {"labels": {POLICY_LABEL: label}}});
    namespace.rig().merge(User::Developer, &path, &change)
}

fn audit_event(namespace: &Namespace<'_>) -> AuditEvent {
    namespace.rig().audit_event(AuditFilter {
        resource: "namespaces",
        name: &namespace.name,
        verb: "patch",
        ..AuditFilter::default()
    })
}

/// Whoever is out of the namespaces with a label may do as before.
#[track_caller]
fn assert_free(namespace: &Namespace<'_>) {
    eventually(super::PATIENCE, || match post(namespace, "secrets?dryRun=All", &token_secret("free", "strong")).code {
        201 => Ok(()),
        code => Err(format!("HTTP {code}, though there is no label")),
    });
}

#[test]
fn a_tenant_who_removes_the_label_is_warned_and_audited() {
    let namespace = unguarded("attack-label");
    give_away(&namespace);
    guard(&namespace, "restricted");
    let answer = relabel(&namespace, &json!(null));
    let warning = "TW501 namespace-policy: Namespace attack-label goes from restricted to no policy";
    assert_eq!(answer.warnings, [warning]);
    answer.expect_success();
    let event = audit_event(&namespace);
    assert_eq!((event.user(), event.code()), (User::Developer.name(), 200));
    assert_eq!(event.annotation("namespaces.validate.tokenward.dev/findings"), Some("TW501=warn"));
    assert_free(&namespace);
}

#[test]
fn a_tenant_who_loosens_or_mistypes_the_label_is_warned_and_audited() {
    let namespace = unguarded("attack-loosened");
    give_away(&namespace);
    guard(&namespace, "restricted");
    for (label, warning) in [
        (
            "basline",
            "TW501 namespace-policy: no policy is named basline; Namespace attack-loosened is judged as restricted",
        ),
        ("audit", "TW501 namespace-policy: Namespace attack-loosened goes from basline to the milder audit"),
        ("", "TW501 namespace-policy: no policy is named ; Namespace attack-loosened is judged as restricted"),
    ] {
        let answer = relabel(&namespace, &json!(label));
        assert_eq!(answer.warnings, [warning]);
        answer.expect_success();
        let event = audit_event(&namespace);
        assert_eq!(event.annotation("namespaces.validate.tokenward.dev/findings"), Some("TW501=warn"));
    }
}

/// Has a control plane of its own, since the policy is that of all namespaces.
#[test]
fn a_tenant_keeps_the_label_where_the_policy_says_so() {
    let rig = rig::solitary();
    // Without tokenward nobody even notices.
    let namespace = rig.namespace("attack-label", &[(POLICY_LABEL, "restricted")]);
    give_away(&namespace);
    assert_eq!(relabel(&namespace, &json!(null)).warnings, [""; 0]);
    assert!(audit_event(&namespace).annotation_ending("findings").is_none());

    let installation = Installation::on(&rig, STRICT, "").unwrap_or_else(|error| panic!("{error}"));
    let namespace = installation.namespace("attack-label-kept", "restricted");
    give_away(&namespace);
    namespace.service_account("strong", Some(false));
    for label in [json!(null), json!("audit"), json!(""), json!("basline")] {
        let status = assert_refused_by(relabel(&namespace, &label), "TW501");
        assert_eq!(status["details"]["causes"][0]["field"], format!("metadata.labels[{POLICY_LABEL}]"));
    }
    assert_eq!(audit_event(&namespace).annotation("namespaces.validate.tokenward.dev/findings"), Some("TW501=deny"));

    // Status and finalizers are written by other ways, and labels with them.
    let path = format!("/api/v1/namespaces/{}", namespace.name);
    let change = json!({"metadata": {"labels": {POLICY_LABEL: null}}});
    assert_refused_by(rig.merge(User::Developer, &format!("{path}/status"), &change), "TW501");
    let mut unlabelled = rig.get(User::Developer, &path).expect_success();
    unlabelled["metadata"]["labels"].as_object_mut().unwrap().remove(POLICY_LABEL);
    let finalize = format!("{path}/finalize");
    let put = rig.send(User::Developer, "PUT", &finalize, Some(("application/json", &unlabelled)));
    assert_refused_by(put, "TW501");
    assert_refused_by(post(&namespace, "secrets", &token_secret("token", "strong")), "TW101");

    // Everything else about the namespace is the tenant's own business.
    let path = format!("/api/v1/namespaces/{}", namespace.name);
    let other = json!({"metadata": {"labels": {"team": "a"}}});
    namespace.rig().merge(User::Developer, &path, &other).expect_success();
}
