//! TW104: no service account token is kept in a Secret.

use crate::policy::Action;
use crate::policy::finding::Findings;
use crate::policy::registry::rule;
use crate::policy::review::{Change, Context};
use crate::policy::text::shortened;
use crate::resource::{FieldPath, Secret};
use crate::token::{ServiceAccountToken, TokenKind, service_account_tokens};

rule! {
    /// ## What it finds
    ///
    /// A Secret that holds a copy of a service account token: a legacy one, or a bound one that lives longer than the policy's
    /// `maxExpirationSeconds` and has not expired. Looked at is every key, also in kubeconfigs, JSON and YAML documents, and
    /// under one more layer of base64. Of a Secret of the token type every key but `token` is looked at.
    ///
    /// ## Why it matters
    ///
    /// A copy works as long as the original does, and neither the type of the Secret nor an annotation shows that there is a
    /// credential in it. Kubernetes itself never looks.
    ///
    /// ## Refused
    ///
    /// An `Opaque` Secret with a kubeconfig whose user has the token of a service account.
    ///
    /// ## Instead
    ///
    /// Let the client ask for a token when it needs one: a projected volume inside the cluster, `kubectl create token` or an
    /// exec credential plug-in outside.
    ///
    /// ## Exceptions
    ///
    /// A `TokenException` for the rule `stored-token` that matches namespace, Secret and the account of the token.
    ///
    /// ## Limits
    ///
    /// No signature is checked, so that tokens of other clusters are found too. What was compressed, split or encrypted is not
    /// found. In Secrets of the types `kubernetes.io/dockercfg` and `kubernetes.io/dockerconfigjson` a finding is at most a
    /// warning, since some platforms write them.
    TW104 "stored-token" {
        looks_at: "Secret CREATE, UPDATE",
        finding: "A legacy token, or a bound one that outlives the maximum, in a Secret.",
        baseline: Off,
        restricted: Deny,
        check: Secret(check),
    }
}

fn check(change: &Change<'_, Secret<'_>>, findings: &mut Findings<'_>) {
    let secret = change.new;
    for (key, value) in secret.data.iter() {
        let is_own_token = secret.is_legacy_token() && *key == "token";
        let is_old = change.old.is_some_and(|old| old.data.get(key) == Some(value));
        if is_own_token || is_old {
            continue;
        }
        let tokens = service_account_tokens(value.as_bytes());
        if let Some(token) = tokens.iter().find(|token| outlives(&change.context, token)) {
            report(change, key, token, findings);
        }
    }
}

fn outlives(context: &Context<'_>, token: &ServiceAccountToken) -> bool {
    match &token.kind {
        TokenKind::Legacy { .. } => true,
        TokenKind::Bound(bound) => {
            let maximum = i64::try_from(context.policy.tokens.max_expiration_seconds).unwrap_or(i64::MAX);
            bound.lifetime() > maximum && !token.is_expired(context.now)
        }
    }
}

fn report(change: &Change<'_, Secret<'_>>, key: &str, token: &ServiceAccountToken, findings: &mut Findings<'_>) {
    let name = change.new.metadata.display_name();
    let Err(expired) = change.context.excuse(name, &token.service_account, findings) else { return };
    let is_docker_config = matches!(&*change.new.kind, "kubernetes.io/dockercfg" | "kubernetes.io/dockerconfigjson");
    let limit = if is_docker_config { Action::Warn } else { Action::Deny };
    let nature = match &token.kind {
        TokenKind::Legacy { .. } => "a legacy token".to_owned(),
        TokenKind::Bound(bound) => format!("a token of {} seconds", bound.lifetime()),
    };
    let account = format!("{}/{}", shortened(&token.namespace), shortened(&token.service_account));
    findings.report_at_most(
        limit,
        format!("Secret {} holds {nature} of ServiceAccount {account}{expired}", shortened(name)),
        "Let the client ask for a token when it needs one",
        vec![FieldPath::of("data").key(key)],
    );
}
