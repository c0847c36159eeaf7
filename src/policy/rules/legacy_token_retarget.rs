//! TW102: a legacy token is not turned into another.

use crate::policy::finding::Findings;
use crate::policy::registry::{Rule, rule};
use crate::policy::review::Change;
use crate::policy::rules::legacy_token_secret;
use crate::policy::text::Names;
use crate::resource::{FieldPath, Secret};

rule! {
    /// ## What it finds
    ///
    /// An update of a Secret of type `kubernetes.io/service-account-token` that
    ///
    /// - turns it to another service account, by the annotation `kubernetes.io/service-account.name`,
    /// - empties `data.token`, so that the token controller mints a new token, or
    /// - removes or empties the label `kubernetes.io/legacy-token-invalid-since`, by which a token was switched off.
    ///
    /// ## Why it matters
    ///
    /// The annotation may be changed, and the token controller fills an empty `token` for whatever account it then names
    /// (kubernetes `pkg/controller/serviceaccount/tokens_controller.go`, v1.37). Whoever may update Secrets in a namespace
    /// can so get a token of every account in it. The API server refuses a token only while the label has a value
    /// (`pkg/serviceaccount/legacy.go`); without it the token is valid again.
    ///
    /// ## Refused
    ///
    /// An update that makes of this Secret of the account `web`
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Secret
    /// metadata:
    ///   name: web-token
    ///   namespace: team-a
    ///   annotations:
    ///     kubernetes.io/service-account.name: web
    /// type: kubernetes.io/service-account-token
    /// ```
    ///
    /// one of the account `admin`:
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Secret
    /// metadata:
    ///   name: web-token
    ///   namespace: team-a
    ///   annotations:
    ///     kubernetes.io/service-account.name: admin
    /// type: kubernetes.io/service-account-token
    /// ```
    ///
    /// ## Instead
    ///
    /// Give the client its own account and a token that ends: `kubectl create token admin`, or in a Pod of that account a
    /// projected one:
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: admin
    ///   namespace: team-a
    /// spec:
    ///   serviceAccountName: admin
    ///   containers:
    ///   - name: app
    ///     image: registry.example/admin:1
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
    /// A `TokenException` for the rule `legacy-token-retarget` that matches namespace, Secret and the new service account. To
    /// empty the token of an unchanged account, an exception for `legacy-token-secret` is enough: that is rotation.
    ///
    /// ## Limits
    ///
    /// A changed uid alone is none: the token controller deletes the Secret. What the control plane writes passes: the
    /// fill-in of the token, the last-used and the invalid-since label.
    TW102 "legacy-token-retarget" {
        looks_at: "Secret UPDATE",
        finding: "A token Secret turned to another service account, its token emptied, or its invalid-since label removed.",
        baseline: Deny,
        restricted: Deny,
        exceptions: true,
        check: Secret(check),
    }
}

fn check(change: &Change<'_, Secret<'_>>, findings: &mut Findings<'_>) {
    let (new, Some(old)) = (change.new, change.old) else { return };
    if !new.is_legacy_token() {
        return;
    }
    let (account, before) = (new.service_account_name(), old.service_account_name());
    let retargeted = !account.is_empty() && account != before;
    let emptied = !old.token().is_empty() && new.token().is_empty();
    let revived = !old.invalid_since().is_empty() && new.invalid_since().is_empty();
    if !(retargeted || emptied || revived) {
        return;
    }
    let rotation: &[&Rule] = if retargeted || revived { &[] } else { &[&legacy_token_secret::RULE] };
    let name = new.metadata.display_name();
    let Err(expired) = change.context.excuse_also(rotation, name, account, findings) else { return };
    let namespace = &*change.context.request.namespace;
    let mut report = |path: FieldPath, words: &dyn Fn(&str, &str, Names) -> String| {
        findings.report_naming(vec![path], |names| {
            let (secret, account) = (format!("Secret {namespace}/{}", names.cut(name)), names.cut(account));
            let message = format!("{}{}", words(&secret, &account, names), expired.with(names));
            (message, format!("Use a projected token, or kubectl create token {account}"))
        });
    };
    if retargeted {
        let path = FieldPath::of("metadata.annotations").key("kubernetes.io/service-account.name");
        report(path, &|secret, account, names| {
            let before = names.cut(before);
            format!("{secret} would hold a token for ServiceAccount {account} instead of {before}")
        });
    }
    if emptied {
        report(FieldPath::of("data.token"), &|secret, account, _| {
            format!("{secret} would be filled with a new token for ServiceAccount {account} that never expires")
        });
    }
    if revived {
        let path = FieldPath::of("metadata.labels").key("kubernetes.io/legacy-token-invalid-since");
        report(path, &|secret, account, _| {
            format!("{secret} was switched off and would be valid again for ServiceAccount {account}")
        });
    }
}
