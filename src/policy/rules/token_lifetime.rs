//! TW202: projected tokens end soon.

use crate::policy::finding::Findings;
use crate::policy::registry::rule;
use crate::policy::review::PodReview;
use crate::policy::text::{and_more, shortened};
use crate::token::projected_tokens;

rule! {
    /// ## What it finds
    ///
    /// A `serviceAccountToken` source of a projected volume whose token lasts longer than the policy's
    /// `maxExpirationSeconds`. What counts is how long the token really lasts, which is not always what the Pod asks for.
    ///
    /// ## Why it matters
    ///
    /// A copied token is good until it ends. The API server has no upper bound of its own unless it was started with
    /// `--service-account-max-token-expiration`: `expirationSeconds` may be anything from 600 to 2^32.
    ///
    /// One number is a trap. An API server with `--service-account-extend-token-expiration`, which is the default, looks for
    /// requests of exactly **3607** seconds for its own audience, takes them for those of the built-in volume, and issues a
    /// token of **one year** (kubernetes `pkg/registry/core/serviceaccount/storage/token.go` and
    /// `pkg/serviceaccount/claims.go`, v1.37). Whoever copies the built-in volume into a manifest copies that year too. 3606
    /// and 3608 seconds are what they say; so is 3607 for any other audience.
    ///
    /// ## Refused
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: app
    ///   namespace: team-a
    /// spec:
    ///   serviceAccountName: app
    ///   automountServiceAccountToken: false
    ///   containers:
    ///   - name: app
    ///     image: registry.example.com/app:1
    ///     volumeMounts:
    ///     - {name: api-token, mountPath: /var/run/secrets/kubernetes.io/serviceaccount, readOnly: true}
    ///   volumes:
    ///   - name: api-token
    ///     projected:
    ///       sources:
    ///       - serviceAccountToken: {path: token, expirationSeconds: 3607}
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
    ///   automountServiceAccountToken: false
    ///   containers:
    ///   - name: app
    ///     image: registry.example.com/app:1
    ///     volumeMounts:
    ///     - {name: api-token, mountPath: /var/run/secrets/kubernetes.io/serviceaccount, readOnly: true}
    ///   volumes:
    ///   - name: api-token
    ///     projected:
    ///       sources:
    ///       - serviceAccountToken: {path: token, expirationSeconds: 3600}
    /// ```
    ///
    /// The kubelet renews the file long before its token ends, so a short life costs nothing. Leave the volume out altogether
    /// where the policy injects one.
    ///
    /// ## Exceptions
    ///
    /// None; a policy of your own can raise `tokens.maxExpirationSeconds`. Set `cluster.extendsTokenExpiration: false` where
    /// the API server was started so, and `cluster.apiAudiences` where its audiences are others.
    ///
    /// ## Limits
    ///
    /// Volumes that no container mounts are judged as well, since an ephemeral container may mount them later. The volume of
    /// the built-in plugin is left to TW204. Templates are warned about, never refused.
    TW202 "token-lifetime" {
        looks_at: "Pod CREATE, templates",
        finding: "A projected token whose effective lifetime exceeds the maximum.",
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
    let most = policy.tokens.max_expiration_seconds;
    let mut first = None;
    let mut paths = Vec::new();
    for token in projected_tokens(&review.pod.spec).filter(|token| !token.is_built_in) {
        let seconds = token.effective_seconds(&policy.cluster);
        if seconds > most {
            first = first.or(Some((token, seconds)));
            paths.push(token.path(review.spec("volumes"), "expirationSeconds"));
        }
    }
    let Some((token, seconds)) = first else { return };
    let lasts = if token.is_extended(&policy.cluster) {
        "one year (3607 seconds are extended)".to_owned()
    } else {
        format!("{seconds} seconds")
    };
    let (volume, more) = (shortened(&token.volume.name), and_more(paths.len()));
    findings.report(
        format!("the token in volume {volume} lasts {lasts}, and {most} are allowed{more}"),
        format!("Set expirationSeconds to at most {most}, and never to 3607"),
        paths,
    );
}
