//! TW207: no token is written into a Pod.

use crate::policy::finding::Findings;
use crate::policy::registry::rule;
use crate::policy::review::PodReview;
use crate::policy::text::{and_more_places, shortened};
use crate::resource::PodSpec;
use crate::token::literal::Text;
use crate::token::{Place, ServiceAccountToken, TokenKind, find_service_account_token};

rule! {
    /// ## What it finds
    ///
    /// A service account token in the text of a Pod: in the value of a variable, in `command`, in `args` or in an annotation,
    /// also base64 encoded. An expired one is none.
    ///
    /// ## Why it matters
    ///
    /// Whoever may read Pods can read it, and so can whoever reads the manifest's repository. The cluster role `view`, made to
    /// be given to many, reads Pods but no Secrets (kubernetes `plugin/pkg/auth/authorizer/rbac/bootstrappolicy/policy.go`,
    /// v1.37). `kubectl apply` keeps a second copy, in the annotation `kubectl.kubernetes.io/last-applied-configuration`
    /// (`staging/src/k8s.io/kubectl/pkg/util/apply.go`).
    ///
    /// ## Refused
    ///
    /// The JWT below says `"iss": "kubernetes/serviceaccount"`; the signature is none:
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    ///   namespace: team-a
    /// spec:
    ///   serviceAccountName: web
    ///   automountServiceAccountToken: false
    ///   containers:
    ///   - name: app
    ///     image: registry.example/web:1
    ///     env:
    ///     - name: TOKEN
    ///       value: "eyJhbGciOiJSUzI1NiJ9.\
    ///         eyJpc3MiOiJrdWJlcm5ldGVzL3NlcnZpY2VhY2NvdW50Iiwia3ViZXJuZXRlcy5pby9zZXJ2aWNlYWNjb3Vu\
    ///         dC9uYW1lc3BhY2UiOiJ0ZWFtLWEiLCJrdWJlcm5ldGVzLmlvL3NlcnZpY2VhY2NvdW50L3NlY3JldC5uYW1lI\
    ///         joiY2ktdG9rZW4iLCJrdWJlcm5ldGVzLmlvL3NlcnZpY2VhY2NvdW50L3NlcnZpY2UtYWNjb3VudC5uYW1lIj\
    ///         oiY2kifQ.bm9uZQ"
    /// ```
    ///
    /// ## Instead
    ///
    /// A projected volume with a `serviceAccountToken` source:
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
    /// None; set the rule to `off` in a policy of your own.
    ///
    /// ## Limits
    ///
    /// No signature is checked. What was compressed, split or encrypted is not found, and neither is more than two layers of
    /// base64.
    TW207 "literal-token" {
        looks_at: "Pod CREATE, ephemeral containers, templates",
        finding: "A service account token in env, args, command or annotations.",
        baseline: Warn,
        restricted: Deny,
        exceptions: false,
        check: Pod(check),
    }
}

fn check(review: &PodReview<'_>, findings: &mut Findings<'_>) {
    let mut first = None;
    let mut paths = Vec::new();
    let is_valid = |token: &ServiceAccountToken| !token.is_expired(review.context.now);
    review.holder().texts(|text, value| {
        let Some(token) = find_service_account_token(value.as_bytes(), is_valid) else { return };
        first.get_or_insert_with(|| describe(text, &token, &review.pod.spec));
        paths.push(text.path(review.base.clone()));
    });
    if let Some(first) = first {
        findings.report(format!("{first}{}", and_more_places(&paths)), "Mount a projected token", paths);
    }
}

/// A sentence about the first token.
fn describe(text: Text<'_>, token: &ServiceAccountToken, spec: &PodSpec<'_>) -> String {
    let name = |place: Place| shortened(place.container(spec).map_or("", |container| &container.name));
    let place = match text {
        Text::Env(place, _) => format!("a variable of container {}", name(place)),
        Text::Command(place, _) => format!("command of container {}", name(place)),
        Text::Args(place, _) => format!("args of container {}", name(place)),
        Text::Annotation(key) => format!("annotation {}", shortened(key)),
    };
    let nature = match token.kind {
        TokenKind::Legacy { .. } => "legacy token",
        TokenKind::Bound(_) => "token",
    };
    let account = format!("{}/{}", shortened(&token.namespace), shortened(&token.service_account));
    format!("{place} holds a {nature} of ServiceAccount {account}")
}
