//! TW103: a deleted legacy token does not come back.

use crate::policy::finding::Findings;
use crate::policy::registry::rule;
use crate::policy::review::Change;
use crate::policy::text::shortened;
use crate::resource::{FieldPath, Secret};
use crate::token::{TokenKind, service_account_tokens};

rule! {
    /// ## What it finds
    ///
    /// A Secret of any type that holds, under `token`, the legacy token which names this very Secret.
    ///
    /// ## Why it matters
    ///
    /// To check a legacy token the API server reads the Secret that the token names and compares `data.token`. It looks at
    /// neither the type nor the uid of the Secret (kubernetes `pkg/serviceaccount/legacy.go`). An old token whose Secret was
    /// deleted is therefore accepted again as soon as somebody creates a Secret of that name that holds it, be it an `Opaque`
    /// one, while the service account is still the same.
    ///
    /// ## Refused
    ///
    /// A Secret with the name `web-token` and, under `token`, a JWT with the claims
    ///
    /// ```json
    /// {"iss": "kubernetes/serviceaccount",
    ///  "kubernetes.io/serviceaccount/namespace": "team-a",
    ///  "kubernetes.io/serviceaccount/secret.name": "web-token"}
    /// ```
    ///
    /// ## Instead
    ///
    /// Leave old tokens out of backups and of what is restored from them; `kubectl create token` gives one that ends. To be
    /// safe from tokens that leaked before, delete the service account and make it anew: its new uid ends them all.
    ///
    /// ## Exceptions
    ///
    /// A `TokenException` for the rule `legacy-token-revival`. One for `legacy-token-secret` does not count: a new token may be
    /// allowed where an old one is not.
    ///
    /// ## Limits
    ///
    /// Under the policy `baseline` only Secrets of the token type are sent to the webhook, and this rule is off.
    TW103 "legacy-token-revival" {
        looks_at: "Secret CREATE, UPDATE",
        finding: "A Secret that holds the legacy token which names this very Secret.",
        baseline: Off,
        restricted: Deny,
        check: Secret(check),
    }
}

fn check(change: &Change<'_, Secret<'_>>, findings: &mut Findings<'_>) {
    let secret = change.new;
    let token = secret.token();
    if token.is_empty() || change.old.is_some_and(|old| old.token() == token || is_fill_in(old, secret)) {
        return;
    }
    let namespace = &*change.context.request.namespace;
    let name = secret.metadata.display_name();
    let own = service_account_tokens(token.as_bytes()).into_iter().find(|found| {
        found.namespace == namespace && matches!(&found.kind, TokenKind::Legacy { secret } if secret == name)
    });
    let Some(own) = own else { return };
    let Err(expired) = change.context.excuse(name, &own.service_account, findings) else { return };
    let account = shortened(&own.service_account);
    findings.report(
        format!(
            "Secret {namespace}/{} would make an old token of ServiceAccount {account} valid again{expired}",
            shortened(name)
        ),
        format!("Leave it out; use kubectl create token {account}"),
        vec![FieldPath::of("data.token")],
    );
}

/// What the token controller does, by the shape of the change: the token was empty, and the account is the same.
fn is_fill_in(old: &Secret<'_>, new: &Secret<'_>) -> bool {
    new.is_legacy_token()
        && old.is_legacy_token()
        && old.token().is_empty()
        && old.service_account_name() == new.service_account_name()
}
