//! TW207: no token is written into a Pod.

use crate::policy::finding::Findings;
use crate::policy::registry::rule;
use crate::policy::review::{PodReview, PodScope};
use crate::policy::text::{and_more_places, shortened};
use crate::resource::{Container, FieldPath};
use crate::token::held::containers;
use crate::token::secret_reference::{ContainerList, added};
use crate::token::{ServiceAccountToken, TokenKind, find_service_account_token};

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
        check: Pod(check),
    }
}

fn check(review: &PodReview<'_>, findings: &mut Findings<'_>) {
    let mut found = Found::default();
    let spec = &review.pod.spec;
    if let PodScope::EphemeralContainers { old } = review.scope {
        for (index, container) in added(&spec.ephemeral_containers, &old.spec.ephemeral_containers) {
            found.look_at_container(review, (ContainerList::Ephemeral, index, container));
        }
    } else {
        containers(spec).for_each(|place| found.look_at_container(review, place));
        for (key, value) in review.pod.metadata.annotations.iter() {
            found.look_at(review, value, || (format!("annotation {}", shortened(key)), review.annotation(key)));
        }
    }
    if let Some(first) = found.first {
        findings.report(format!("{first}{}", and_more_places(&found.paths)), "Mount a projected token", found.paths);
    }
}

/// The places of tokens in a Pod, and a sentence about the first.
#[derive(Default)]
struct Found {
    first: Option<String>,
    paths: Vec<FieldPath>,
}

impl Found {
    fn look_at_container(
        &mut self,
        review: &PodReview<'_>,
        (list, index, container): (ContainerList, usize, &Container<'_>),
    ) {
        let path = || review.spec(list.field()).index(index);
        let name = || shortened(&container.name);
        for (entry, variable) in container.env.iter().enumerate() {
            self.look_at(review, variable.value.as_str(), || {
                (format!("a variable of container {}", name()), path().field("env").index(entry).field("value"))
            });
        }
        for (field, texts) in [("command", &container.command), ("args", &container.args)] {
            for (entry, text) in texts.iter() {
                self.look_at(review, text, || {
                    (format!("{field} of container {}", name()), path().field(field).index(entry))
                });
            }
        }
    }

    fn look_at(&mut self, review: &PodReview<'_>, text: &str, place: impl Fn() -> (String, FieldPath)) {
        let is_valid = |token: &ServiceAccountToken| !token.is_expired(review.context.now);
        let Some(token) = find_service_account_token(text.as_bytes(), is_valid) else { return };
        let nature = match token.kind {
            TokenKind::Legacy { .. } => "legacy token",
            TokenKind::Bound(_) => "token",
        };
        let (place, path) = place();
        let account = format!("{}/{}", shortened(&token.namespace), shortened(&token.service_account));
        self.first.get_or_insert_with(|| format!("{place} holds a {nature} of ServiceAccount {account}"));
        self.paths.push(path);
    }
}
