//! TW101: no new legacy tokens.

use crate::policy::finding::Findings;
use crate::policy::registry::rule;
use crate::policy::review::Change;
use crate::resource::{FieldPath, Secret};

rule! {
    /// ## What it finds
    ///
    /// The creation of a Secret of type `kubernetes.io/service-account-token` that no exception lists.
    ///
    /// ## Why it matters
    ///
    /// The token controller fills such a Secret with a token of the service account that the annotation
    /// `kubernetes.io/service-account.name` names (kubernetes `pkg/controller/serviceaccount/tokens_controller.go`, v1.37).
    /// That token has no end date and no audience (`pkg/serviceaccount/legacy.go`), and it stays valid until the Secret or the
    /// account is deleted. Since Kubernetes 1.24 no such Secret is made by itself, and the clean-up of unused ones (1.30)
    /// leaves out those that people made by hand.
    ///
    /// ## Refused
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Secret
    /// metadata:
    ///   name: ci-bot-token
    ///   namespace: team-a
    ///   annotations:
    ///     kubernetes.io/service-account.name: ci-bot
    /// type: kubernetes.io/service-account-token
    /// ```
    ///
    /// ## Instead
    ///
    /// Outside the cluster, `kubectl create token ci-bot`, which asks for a token that ends; in a Pod, a projected token:
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: ci-bot
    ///   namespace: team-a
    /// spec:
    ///   serviceAccountName: ci-bot
    ///   containers:
    ///   - name: app
    ///     image: registry.example/ci-bot:1
    ///     volumeMounts:
    ///     - {name: token, mountPath: /var/run/secrets/tokens, readOnly: true}
    ///   volumes:
    ///   - name: token
    ///     projected:
    ///       sources:
    ///       - serviceAccountToken: {path: token, expirationSeconds: 3600}
    /// ```
    ///
    /// ## Exceptions
    ///
    /// A `TokenException` for the rule `legacy-token-secret` that matches namespace, Secret and service account. It has an owner
    /// and an end date; once that date has passed the rule speaks again.
    ///
    /// ## Limits
    ///
    /// Secrets that exist already are not touched. `tokenward scan` lists them.
    TW101 "legacy-token-secret" {
        looks_at: "Secret CREATE",
        finding: "A token Secret without exception.",
        baseline: Deny,
        restricted: Deny,
        exceptions: true,
        check: Secret(check),
    }
}

fn check(change: &Change<'_, Secret<'_>>, findings: &mut Findings<'_>) {
    let secret = change.new;
    if !secret.is_legacy_token() {
        return;
    }
    let name = secret.metadata.display_name();
    let account = secret.service_account_name();
    if change.old.is_some() {
        let exception = change.context.exception([findings.rule], name, account);
        findings.notes.legacy_secret = Some(if exception.is_ok() { "listed" } else { "unlisted" });
        // Noted without a word to the user: an update that adds nothing asks for nothing.
        if let Ok(exception) = exception {
            findings.notes.exception(&exception.name);
        }
        return;
    }
    let Err(expired) = change.context.excuse(name, account, findings) else { return };
    let namespace = &*change.context.request.namespace;
    findings.report_naming(vec![FieldPath::of("type")], |names| {
        let (name, account) = (names.cut(name), names.cut(account));
        let holder = if account.is_empty() { String::new() } else { format!(" for ServiceAccount {account}") };
        let secret = format!("Secret {namespace}/{name} would hold a token{holder} that never expires");
        let advice = format!("Use a projected token, or kubectl create token {account}");
        (format!("{secret}{}", expired.with(names)), advice.trim_end().to_owned())
    });
}
