//! TW401: tokens that are asked for end soon.

use crate::policy::ClusterSettings;
use crate::policy::finding::Findings;
use crate::policy::registry::rule;
use crate::policy::review::Change;
use crate::policy::text::shortened;
use crate::resource::{FieldPath, TokenRequest, TokenRequestSpec};
use crate::token::{DEFAULT_SECONDS, effective_seconds, is_for_api_server};

/// The group of every kubelet.
const NODES: &str = "system:nodes";

rule! {
    /// ## What it finds
    ///
    /// A request for a token, as `kubectl create token` makes it, that asks for a longer life than the policy's
    /// `maxExpirationSeconds`, or for a token that is bound to a Secret.
    ///
    /// ## Why it matters
    ///
    /// With its default settings the API server has no upper bound: it grants a token of ten years
    /// (kubernetes `pkg/registry/core/serviceaccount/storage/token.go`, v1.37). A token bound to a Secret lives in a Secret, as
    /// a legacy one does.
    ///
    /// ## Refused
    ///
    /// ```yaml
    /// apiVersion: authentication.k8s.io/v1
    /// kind: TokenRequest
    /// metadata:
    ///   name: ci
    ///   namespace: team-a
    /// spec:
    ///   audiences: ["https://kubernetes.default.svc"]
    ///   expirationSeconds: 31536000
    /// ```
    ///
    /// ## Instead
    ///
    /// ```yaml
    /// apiVersion: authentication.k8s.io/v1
    /// kind: TokenRequest
    /// metadata:
    ///   name: ci
    ///   namespace: team-a
    /// spec:
    ///   audiences: ["https://kubernetes.default.svc"]
    ///   expirationSeconds: 3600
    /// ```
    ///
    /// ## Exceptions
    ///
    /// None; a policy of your own can raise `maxExpirationSeconds` or switch the rule off.
    ///
    /// ## Limits
    ///
    /// Requests of kubelets (group `system:nodes`) are not looked at: what they ask for stands in the Pod, where TW202 has
    /// judged it, or in a `CSIDriver`, which only administrators of the cluster make. The webhook entry fails open, so that no
    /// fault of ours keeps a Pod from its token.
    TW401 "token-request-lifetime" {
        looks_at: "serviceaccounts/token CREATE",
        finding: "A TokenRequest over the maximum, or bound to a Secret.",
        baseline: Warn,
        restricted: Deny,
        exceptions: false,
        check: TokenRequest(check),
    }
}

fn check(change: &Change<'_, TokenRequest<'_>>, findings: &mut Findings<'_>) {
    let context = &change.context;
    if context.request.user.groups.iter().any(|group| *group == NODES) {
        return;
    }
    let spec = &change.new.spec;
    let account = shortened(&context.request.name);
    let maximum = context.policy.tokens.max_expiration_seconds;
    let seconds = granted_seconds(spec, &context.policy.cluster);
    if seconds > maximum {
        let (what, advice) = if spec.expiration_seconds.is_some_and(|asked| u64::try_from(asked) != Ok(seconds)) {
            let what =
                format!("a token of 3607 seconds, which become {seconds}, is asked for ServiceAccount {account}");
            (what, format!("Ask for at most {maximum} seconds, and never for 3607"))
        } else {
            let what = format!("a token of {seconds} seconds is asked for ServiceAccount {account}");
            (what, format!("Ask for at most {maximum} seconds"))
        };
        findings.report(
            format!("{what}, and {maximum} are allowed"),
            advice,
            vec![FieldPath::of("spec.expirationSeconds")],
        );
    }
    if let Some(bound) = spec.bound_object_ref.as_ref().filter(|bound| bound.kind == "Secret") {
        findings.report(
            format!("a token for ServiceAccount {account} is to be bound to Secret {}", shortened(&bound.name)),
            "Bind it to a Pod, or to nothing",
            vec![FieldPath::of("spec.boundObjectRef")],
        );
    }
}

/// How long the token will last, in seconds. The API server extends 3607 seconds only for a token that is bound to a Pod, and
/// only where all its audiences are its own.
fn granted_seconds(spec: &TokenRequestSpec<'_>, cluster: &ClusterSettings) -> u64 {
    let for_others = spec.audiences.iter().find(|audience| !is_for_api_server(audience, cluster));
    let bound_to_pod = spec.bound_object_ref.as_ref().is_some_and(|bound| bound.kind == "Pod");
    match (bound_to_pod, for_others) {
        (true, None) => effective_seconds("", spec.expiration_seconds, cluster),
        _ => spec.expiration_seconds.map_or(DEFAULT_SECONDS, |seconds| u64::try_from(seconds).unwrap_or(0)),
    }
}
