//! TW104: no service account token is kept in a Secret.

use std::cell::LazyCell;
use std::collections::HashSet;
use std::ops::ControlFlow;

use crate::policy::Action;
use crate::policy::finding::Findings;
use crate::policy::registry::rule;
use crate::policy::review::{Change, Context, Expired};
use crate::resource::{FieldPath, Secret, StringMap};
use crate::token::{ServiceAccountToken, TokenKind, visit_service_account_tokens};

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
    /// credential in it. Kubernetes itself never looks: it checks the names of the keys, the size, and for some types that a
    /// key is there (kubernetes `pkg/apis/core/validation/validation.go`, v1.37). A legacy token works as long as the Secret
    /// that it names has it too (`pkg/serviceaccount/legacy.go`), wherever the copy lies.
    ///
    /// ## Refused
    ///
    /// A copy of the token of the account `ci`, here with a signature that is none:
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Secret
    /// metadata:
    ///   name: deploy-credentials
    ///   namespace: team-a
    /// type: Opaque
    /// stringData:
    ///   CI_TOKEN: "eyJhbGciOiJSUzI1NiJ9.\
    ///     eyJpc3MiOiJrdWJlcm5ldGVzL3NlcnZpY2VhY2NvdW50Iiwia3ViZXJuZXRlcy5pby9zZXJ2aWNlYWNjb3Vu\
    ///     dC9uYW1lc3BhY2UiOiJ0ZWFtLWEiLCJrdWJlcm5ldGVzLmlvL3NlcnZpY2VhY2NvdW50L3NlY3JldC5uYW1lI\
    ///     joiY2ktdG9rZW4iLCJrdWJlcm5ldGVzLmlvL3NlcnZpY2VhY2NvdW50L3NlcnZpY2UtYWNjb3VudC5uYW1lIj\
    ///     oiY2kifQ.bm9uZQ"
    /// ```
    ///
    /// ## Instead
    ///
    /// Let the client ask for a token when it needs one: `kubectl create token` or an exec credential plug-in outside the
    /// cluster, a projected volume inside. A kubeconfig can name the file of such a volume:
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Secret
    /// metadata:
    ///   name: deploy-credentials
    ///   namespace: team-a
    /// type: Opaque
    /// stringData:
    ///   config: |
    ///     apiVersion: v1
    ///     kind: Config
    ///     current-context: here
    ///     clusters:
    ///     - name: here
    ///       cluster: {server: "https://kubernetes.default.svc"}
    ///     users:
    ///     - name: ci
    ///       user: {tokenFile: /var/run/secrets/tokens/token}
    ///     contexts:
    ///     - name: here
    ///       context: {cluster: here, user: ci}
    /// ```
    ///
    /// ## Exceptions
    ///
    /// A `TokenException` for the rule `stored-token` that matches namespace, Secret and the account of the token, which must be
    /// of the same namespace. Each token of a Secret needs one. For a token of another namespace there is none; where it has
    /// to be, set the rule to `warn` in a policy of your own.
    ///
    /// ## Limits
    ///
    /// An update is judged by the tokens that it adds: what the Secret held already may stay, be moved to another key, and
    /// have other text around it. No signature is checked, so that tokens of other clusters are found too. What was
    /// compressed, split or encrypted is not found. In Secrets of the types `kubernetes.io/dockercfg` and
    /// `kubernetes.io/dockerconfigjson` a finding is at most a warning, since some platforms write them.
    TW104 "stored-token" {
        looks_at: "Secret CREATE, UPDATE",
        finding: "A legacy token, or a bound one that outlives the maximum, in a Secret.",
        baseline: Off,
        restricted: Deny,
        exceptions: true,
        check: Secret(check),
    }
}

fn check(change: &Change<'_, Secret<'_>>, findings: &mut Findings<'_>) {
    let nothing = StringMap::default();
    let before = change.old.map_or(&nothing, |old| &old.data);
    let held = LazyCell::new(|| held_tokens(&change.context, change.old));
    for (key, value) in change.new.data.added_to(before).filter(|(key, _)| !is_own_token(change.new, key)) {
        visit_service_account_tokens(value.as_bytes(), &mut |jwt, token| {
            if !outlives(&change.context, &token) || held.contains(&jwt.secret_text()) {
                return ControlFlow::Continue(());
            }
            judge(change, key, &token, findings)
        });
    }
}

/// The tokens that the Secret held already, wherever: to change what stands around one, or to move it, adds none.
fn held_tokens(context: &Context<'_>, old: Option<&Secret<'_>>) -> HashSet<String> {
    let mut held = HashSet::new();
    let entries = old.into_iter().flat_map(|old| old.data.iter().filter(|(key, _)| !is_own_token(old, key)));
    for (_, value) in entries {
        visit_service_account_tokens(value.as_bytes(), &mut |jwt, token| {
            if outlives(context, &token) {
                held.insert(jwt.secret_text());
            }
            ControlFlow::Continue(())
        });
    }
    held
}

/// The token that Kubernetes itself keeps in a Secret of the token type.
fn is_own_token(secret: &Secret<'_>, key: &str) -> bool {
    secret.is_legacy_token() && key == "token"
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

/// Reports the first token of a key that no exception allows, and goes on behind one that is allowed. An exception names an
/// account of its own namespace.
fn judge(
    change: &Change<'_, Secret<'_>>,
    key: &str,
    token: &ServiceAccountToken,
    findings: &mut Findings<'_>,
) -> ControlFlow<()> {
    let name = change.new.metadata.display_name();
    let expired = if token.namespace == *change.context.request.namespace {
        match change.context.excuse(name, &token.service_account, findings) {
            Ok(()) => return ControlFlow::Continue(()),
            Err(expired) => expired,
        }
    } else {
        Expired::default()
    };
    let is_docker_config = matches!(&*change.new.kind, "kubernetes.io/dockercfg" | "kubernetes.io/dockerconfigjson");
    let limit = if is_docker_config { Action::Warn } else { Action::Deny };
    let nature = match &token.kind {
        TokenKind::Legacy { .. } => "a legacy token".to_owned(),
        TokenKind::Bound(bound) => format!("a token of {} seconds", bound.lifetime()),
    };
    findings.report_naming_at_most(limit, vec![FieldPath::of("data").key(key)], |names| {
        let account = format!("{}/{}", names.cut(&token.namespace), names.cut(&token.service_account));
        let message = format!("Secret {} holds {nature} of ServiceAccount {account}", names.cut(name));
        let advice = "Let the client ask for a token when it needs one";
        (format!("{message}{}", expired.with(names)), advice.to_owned())
    });
    ControlFlow::Break(())
}
