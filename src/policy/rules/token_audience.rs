//! TW203: projected tokens are for those whom the policy knows.

use crate::policy::finding::Findings;
use crate::policy::registry::rule;
use crate::policy::review::PodReview;
use crate::policy::text::{and_more, shortened};
use crate::policy::{NamePattern, Policy};
use crate::token::projected_tokens;

rule! {
    /// ## What it finds
    ///
    /// A `serviceAccountToken` source of a projected volume whose audience is not in the policy's `allowedAudiences`.
    ///
    /// ## Why it matters
    ///
    /// The audience says who is meant to accept a token. The API server issues one for whatever audience a Pod names and never
    /// checks the word (kubernetes `pkg/apis/core/validation/validation.go`, v1.37): whoever may create a Pod can get a signed
    /// statement of who he is for any party that trusts the cluster's issuer, a cloud provider's token service among them.
    ///
    /// The built-in policies allow every audience, so the rule speaks only where a policy has a list.
    ///
    /// ## Refused
    ///
    /// Under `allowedAudiences: ["", "https://vault.example.com"]`:
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: app
    ///   namespace: team-a
    /// spec:
    ///   serviceAccountName: app
    ///   containers:
    ///   - name: app
    ///     image: registry.example.com/app:1
    ///     volumeMounts:
    ///     - {name: cloud-token, mountPath: /var/run/secrets/cloud, readOnly: true}
    ///   volumes:
    ///   - name: cloud-token
    ///     projected:
    ///       sources:
    ///       - serviceAccountToken: {path: token, audience: sts.amazonaws.com, expirationSeconds: 3600}
    /// ```
    ///
    /// ## Instead
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: app
    ///   namespace: team-a
    /// spec:
    ///   serviceAccountName: app
    ///   containers:
    ///   - name: app
    ///     image: registry.example.com/app:1
    ///     volumeMounts:
    ///     - {name: vault-token, mountPath: /var/run/secrets/vault, readOnly: true}
    ///   volumes:
    ///   - name: vault-token
    ///     projected:
    ///       sources:
    ///       - serviceAccountToken: {path: token, audience: "https://vault.example.com", expirationSeconds: 3600}
    /// ```
    ///
    /// ## Exceptions
    ///
    /// None; add the audience to `tokens.allowedAudiences`. Globs are allowed. The empty audience, `""`, is the API server's
    /// own, and stands for the names in `cluster.apiAudiences` too.
    ///
    /// ## Limits
    ///
    /// Every volume is judged, mounted or not, the built-in one as well: where `""` is not in the list, a Pod whose token is
    /// automounted is refused. What `kubectl create token --audience` asks for is not looked at.
    TW203 "token-audience" {
        looks_at: "Pod CREATE, templates",
        finding: "An audience outside the allowed list.",
        baseline: Warn,
        restricted: Deny,
        exceptions: false,
        check: Pod(check),
    }
}

fn check(review: &PodReview<'_>, findings: &mut Findings<'_>) {
    if !review.is_whole() {
        return;
    }
    let policy = review.context.policy;
    let mut first = None;
    let mut paths = Vec::new();
    for found in projected_tokens(&review.pod.spec).filter(|found| !is_allowed(&found.token.audience, policy)) {
        first = first.or(Some(found));
        paths.push(found.path(review.spec("volumes"), "audience"));
    }
    let Some(found) = first else { return };
    let audience = match &*found.token.audience {
        "" => "the API server's own audience".into(),
        audience => format!("audience {}", shortened(audience)),
    };
    let (volume, more) = (shortened(&found.volume.name), and_more(paths.len()));
    findings.report(
        format!("{audience} is not allowed (volume {volume}{more})"),
        "Name an audience that the policy allows",
        paths,
    );
}

/// The empty audience in the list stands for every name that the API server goes by.
fn is_allowed(audience: &str, policy: &Policy) -> bool {
    let allowed = &policy.tokens.allowed_audiences;
    let lists_api_server =
        || allowed.iter().any(|pattern| matches!(pattern, NamePattern::Exact(exact) if exact.is_empty()));
    let is_api_server = || policy.cluster.api_audiences.iter().any(|name| name == audience);
    allowed.iter().any(|pattern| pattern.matches(audience)) || is_api_server() && lists_api_server()
}
