//! `baseline`: no new legacy tokens.

use std::time::Duration;

use serde_json::{Value, json};

use super::manifest::token_secret;
use super::{create, installed, post, words_of_refusal};
use crate::rig::audit_log::AuditFilter;
use crate::rig::eventually::eventually;
use crate::rig::namespace::Namespace;
use crate::rig::token::Claims;
use crate::rig::users::User;

/// How long the token controller, and the webhook's look at its files, may take.
const PATIENCE: Duration = Duration::from_secs(20);

fn refusal(namespace: &Namespace<'_>) -> String {
    format!(
        "TW101 legacy-token-secret: Secret {}/ci-token would hold a token for ServiceAccount ci that never expires. \
         Use a projected token, or kubectl create token ci. Details: tokenward explain TW101",
        namespace.name
    )
}

#[test]
fn kubectl_create_of_a_token_secret_is_refused() {
    let namespace = installed().namespace("secret-created", "baseline");
    namespace.service_account("ci", None);
    let output = create(&namespace, &token_secret("ci-token", "ci")).refused();
    assert_eq!(words_of_refusal(&output), refusal(&namespace));
    assert!(output.stderr.contains(r#"admission webhook "baseline.validate.tokenward.dev""#), "{output}");
    namespace.rig().get(User::Administrator, &namespace.path("secrets/ci-token")).expect_code(404);
}

#[test]
fn kubectl_apply_of_a_token_secret_is_refused() {
    let namespace = installed().namespace("secret-applied", "baseline");
    namespace.service_account("ci", None);
    for apply in [&["apply", "-f", "-"][..], &["apply", "--server-side", "-f", "-"]] {
        let manifest = token_secret("ci-token", "ci").to_string();
        let output = namespace.kubectl_as(User::Developer, apply.iter().copied()).stdin(manifest).refused();
        assert_eq!(words_of_refusal(&output), refusal(&namespace));
    }
    namespace.rig().get(User::Administrator, &namespace.path("secrets/ci-token")).expect_code(404);
}

#[test]
fn the_refusal_is_a_403_with_the_field_as_its_cause() {
    let namespace = installed().namespace("secret-posted", "baseline");
    namespace.service_account("ci", None);
    let status = post(&namespace, "secrets", &token_secret("ci-token", "ci")).expect_code(403);
    assert_eq!(status["reason"], "Forbidden");
    let [cause] = super::stored::list(&status["details"]["causes"]) else { panic!("one cause: {status:#}") };
    assert_eq!((&cause["reason"], &cause["field"]), (&json!("TW101"), &json!("type")));

    let patch = namespace.path("secrets/ci-token?fieldManager=team&force=true");
    let body = token_secret("ci-token", "ci");
    let applied = namespace.rig().send(User::Developer, "PATCH", &patch, Some(("application/apply-patch+yaml", &body)));
    let status = applied.expect_code(403);
    assert!(status["message"].as_str().is_some_and(|it| it.ends_with(&refusal(&namespace))), "{status:#}");
}

#[test]
fn secrets_of_other_types_are_none_of_our_business() {
    let installation = installed();
    let namespace = installation.namespace("secret-opaque", "baseline");
    namespace.kubectl_as(User::Developer, ["create", "secret", "generic", "password", "--from-literal=a=b"]).ok();
    let event = namespace.rig().audit_event(AuditFilter {
        namespace: &namespace.name,
        resource: "secrets",
        name: "password",
        verb: "create",
    });
    assert_eq!(event.annotation_ending("policy"), None, "it was not even sent to the webhook");
}

#[test]
fn a_matching_exception_allows_it_and_the_token_controller_fills_it_in() {
    let namespace = installed().namespace("with-exception", "baseline");
    namespace.service_account("argocd-manager", None);
    namespace.service_account("old-ci", None);
    namespace.service_account("ci", None);

    let output = create(&namespace, &token_secret("argocd-manager-east", "argocd-manager")).ok();
    assert_eq!(output.warnings(), [""; 0]);
    let token = eventually(PATIENCE, || {
        let token = namespace.stored("secret/argocd-manager-east")["data"]["token"].take();
        if token.is_null() { Err("the token controller has not filled in the Secret") } else { Ok(token) }
    });
    assert_eq!(Claims::of_secret(&token).subject(), "system:serviceaccount:with-exception:argocd-manager");

    let event = |verb| {
        namespace.rig().audit_event(AuditFilter {
            namespace: &namespace.name,
            resource: "secrets",
            name: "argocd-manager-east",
            verb,
        })
    };
    assert_eq!(event("create").annotation("baseline.validate.tokenward.dev/exceptions"), Some("remote-clusters"));
    let filled_in = event("update");
    assert_eq!((filled_in.user(), filled_in.code()), (User::ControllerManager.name(), 200));
    assert_eq!(filled_in.annotation("baseline.validate.tokenward.dev/findings"), None);

    // The exception holds for this Secret of this account, and for nothing else.
    create(&namespace, &token_secret("argocd-manager-west", "ci")).refused();
    create(&namespace, &token_secret("ci-token", "argocd-manager")).refused();

    let output = create(&namespace, &token_secret("old-ci-token", "old-ci")).refused();
    let words = words_of_refusal(&output);
    assert!(words.contains("exception old-ci expired on 2024-06-30 (owner builds@example.com)"), "{words}");
}

#[test]
fn a_change_of_the_policy_file_takes_effect_without_a_restart() {
    let installation = installed();
    let namespace = installation.namespace("policy-changed", "baseline");
    namespace.service_account("ci", None);
    let process = installation.webhook.process_id();
    let secret = token_secret("ci-token", "ci");
    let dry_run = || namespace.rig().post(User::Developer, &namespace.path("secrets?dryRun=All"), &secret);
    dry_run().expect_code(403);

    installation.webhook.policy.put("policy-changed.yaml", &exception_for(&namespace));
    eventually(PATIENCE, || match dry_run().code {
        201 => Ok(()),
        code => Err(format!("HTTP {code}, though an exception was added")),
    });
    installation.webhook.policy.remove("policy-changed.yaml");
    eventually(PATIENCE, || match dry_run().code {
        403 => Ok(()),
        code => Err(format!("HTTP {code}, though the exception was taken away")),
    });
    assert_eq!(installation.webhook.process_id(), process);
}

fn exception_for(namespace: &Namespace<'_>) -> String {
    let exception: Value = json!({
        "apiVersion": "tokenward.dev/v1alpha1",
        "kind": "TokenException",
        "metadata": {"name": "for-ci"},
        "spec": {
            "rules": ["legacy-token-secret"],
            "namespace": namespace.name,
            "secret": "ci-token",
            "serviceAccount": "ci",
            "reason": "To see the file change",
            "owner": "ci@example.com",
            "expires": "2099-12-31",
        },
    });
    // JSON is YAML.
    exception.to_string()
}

#[test]
fn kubectl_create_token_goes_on_working() {
    for policy in ["baseline", "restricted"] {
        let namespace = installed().namespace(&format!("token-request-{policy}"), policy);
        namespace.service_account("ci", Some(false));
        let output = namespace.kubectl_as(User::Developer, ["create", "token", "ci"]).ok();
        assert_eq!(output.warnings(), [""; 0]);
        assert_eq!(Claims::of(output.stdout.trim()).lifetime(), Some(3600));
    }
}
