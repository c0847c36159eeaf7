//! TW103: a deleted legacy token does not come back.

use crate::policy::finding::Findings;
use crate::policy::registry::rule;
use crate::policy::review::Change;
use crate::resource::{FieldPath, Secret};
use crate::token::{ServiceAccountToken, TokenKind, find_service_account_token};

rule! {
    /// ## What it finds
    ///
    /// A Secret of any type that holds, under `token`, the legacy token which names this very Secret.
    ///
    /// ## Why it matters
    ///
    /// To check a legacy token the API server reads the Secret that the token names and compares `data.token`. It looks at
    /// neither the type nor the uid of the Secret (kubernetes `pkg/serviceaccount/legacy.go`, v1.37). An old token whose Secret
    /// was deleted is therefore accepted again as soon as somebody creates a Secret of that name that holds it, be it an
    /// `Opaque` one, while the service account is still the same.
    ///
    /// ## Refused
    ///
    /// The JWT below names this Secret, `"kubernetes.io/serviceaccount/secret.name": "web-token"`, in this namespace; the
    /// signature is none:
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Secret
    /// metadata:
    ///   name: web-token
    ///   namespace: team-a
    /// type: Opaque
    /// stringData:
    ///   token: "eyJhbGciOiJSUzI1NiJ9.\
    ///     eyJpc3MiOiJrdWJlcm5ldGVzL3NlcnZpY2VhY2NvdW50Iiwia3ViZXJuZXRlcy5pby9zZXJ2aWNlYWNjb3Vu\
    ///     dC9uYW1lc3BhY2UiOiJ0ZWFtLWEiLCJrdWJlcm5ldGVzLmlvL3NlcnZpY2VhY2NvdW50L3NlY3JldC5uYW1lI\
    ///     joid2ViLXRva2VuIiwia3ViZXJuZXRlcy5pby9zZXJ2aWNlYWNjb3VudC9zZXJ2aWNlLWFjY291bnQubmFtZS\
    ///     I6IndlYiJ9.bm9uZQ"
    /// ```
    ///
    /// ## Instead
    ///
    /// Leave old tokens out of backups and of what is restored from them, and let the client read a token that the kubelet
    /// renews; `kubectl create token` gives one that ends. To be safe from tokens that leaked before, delete the service
    /// account and make it anew: its new uid ends them all.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    ///   namespace: team-a
    /// spec:
    ///   serviceAccountName: web
    ///   containers:
    ///   - name: app
    ///     image: registry.example/web:1
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
    /// A `TokenException` for the rule `legacy-token-revival`. One for `legacy-token-secret` does not count: a new token may be
    /// allowed where an old one is not.
    ///
    /// ## Limits
    ///
    /// Under the policy `baseline` only Secrets of the token type are sent to the webhook, and this rule is off. An old token
    /// that is put into an empty token Secret of its own account is taken for what the token controller does: who may have
    /// such a Secret gets a new token there anyway.
    TW103 "legacy-token-revival" {
        looks_at: "Secret CREATE, UPDATE",
        finding: "A Secret that holds the legacy token which names this very Secret.",
        baseline: Off,
        restricted: Deny,
        exceptions: true,
        check: Secret(check),
    }
}

fn check(change: &Change<'_, Secret<'_>>, findings: &mut Findings<'_>) {
    let secret = change.new;
    let token = secret.token();
    if token.is_empty() || change.old.is_some_and(|old| old.token() == token) {
        return;
    }
    let namespace = &*change.context.request.namespace;
    let name = secret.metadata.display_name();
    let own = find_service_account_token(token.as_bytes(), |found| {
        found.namespace == namespace && matches!(&found.kind, TokenKind::Legacy { secret } if secret == name)
    });
    let Some(own) = own else { return };
    if change.old.is_some_and(|old| is_fill_in(old, secret, &own)) {
        return;
    }
    let Err(expired) = change.context.excuse(name, &own.service_account, findings) else { return };
    findings.report_naming(vec![FieldPath::of("data.token")], |names| {
        let (name, account) = (names.cut(name), names.cut(&own.service_account));
        let message =
            format!("Secret {namespace}/{name} would make an old token of ServiceAccount {account} valid again");
        let advice = format!("Leave it out; use kubectl create token {account}");
        (format!("{message}{}", expired.with(names)), advice)
    });
}

/// What the token controller does, by the shape of the change: the token was empty, the account is the same, and the token is
/// of that account.
fn is_fill_in(old: &Secret<'_>, new: &Secret<'_>, token: &ServiceAccountToken) -> bool {
    new.is_legacy_token()
        && old.is_legacy_token()
        && old.token().is_empty()
        && old.service_account_name() == new.service_account_name()
        && token.service_account == new.service_account_name()
}
