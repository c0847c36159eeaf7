//! TW208: what was promised is there.

use crate::injection::plan::{Plan, containers};
use crate::policy::finding::Findings;
use crate::policy::registry::rule;
use crate::policy::review::PodReview;
use crate::policy::text::{and_more, shortened};

rule! {
    /// ## What it finds
    ///
    /// A Pod, as it is finally admitted, with a container that the policy gives a token and that has no mount of it.
    ///
    /// ## Why it matters
    ///
    /// A container without its token fails later, where nobody looks for the cause. Mutating webhooks run one after the other
    /// in the order of their names; one that comes after this one can add a container. Kubernetes then calls this one again,
    /// if its entry says `reinvocationPolicy: IfNeeded`, but no more than once (kubernetes
    /// `staging/src/k8s.io/apiserver/pkg/admission/plugin/webhook/mutating/reinvocationcontext.go`, v1.37).
    ///
    /// ## Warned about
    ///
    /// Under a policy that injects:
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: app
    ///   namespace: team-a
    ///   annotations: {tokenward.dev/injected: restricted}
    /// spec:
    ///   serviceAccountName: app
    ///   automountServiceAccountToken: false
    ///   containers:
    ///   - name: app
    ///     image: registry.example.com/app:1
    ///     volumeMounts:
    ///     - {name: tokenward-api-access, mountPath: /var/run/secrets/kubernetes.io/serviceaccount, readOnly: true}
    ///   - name: proxy
    ///     image: registry.example.com/proxy:1
    ///   volumes:
    ///   - name: tokenward-api-access
    ///     projected:
    ///       defaultMode: 420
    ///       sources:
    ///       - serviceAccountToken: {path: token, expirationSeconds: 3600}
    ///       - configMap: {name: kube-root-ca.crt, items: [{key: ca.crt, path: ca.crt}]}
    ///       - downwardAPI:
    ///           items: [{path: namespace, fieldRef: {apiVersion: v1, fieldPath: metadata.namespace}}]
    /// ```
    ///
    /// ## Instead
    ///
    /// Nothing in the Pod: look at the webhooks. `kubectl get mutatingwebhookconfigurations` lists them; tokenward's entries
    /// have `reinvocationPolicy: IfNeeded` as they are rendered. A container that wants no token can be left out by name:
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: app
    ///   namespace: team-a
    ///   annotations:
    ///     tokenward.dev/containers: app
    ///     tokenward.dev/injected: restricted
    /// spec:
    ///   serviceAccountName: app
    ///   automountServiceAccountToken: false
    ///   containers:
    ///   - name: app
    ///     image: registry.example.com/app:1
    ///     volumeMounts:
    ///     - {name: tokenward-api-access, mountPath: /var/run/secrets/kubernetes.io/serviceaccount, readOnly: true}
    ///   - name: proxy
    ///     image: registry.example.com/proxy:1
    ///   volumes:
    ///   - name: tokenward-api-access
    ///     projected:
    ///       defaultMode: 420
    ///       sources:
    ///       - serviceAccountToken: {path: token, expirationSeconds: 3600}
    ///       - configMap: {name: kube-root-ca.crt, items: [{key: ca.crt, path: ca.crt}]}
    ///       - downwardAPI:
    ///           items: [{path: namespace, fieldRef: {apiVersion: v1, fieldPath: metadata.namespace}}]
    /// ```
    ///
    /// ## Exceptions
    ///
    /// None; set the rule to `off` in a policy of your own.
    ///
    /// ## Limits
    ///
    /// Containers that injection passes over, because something of their own lies at or below the directory, are none: the
    /// mutating phase has warned of those. Templates and ephemeral containers are never injected.
    TW208 "injection-missing" {
        looks_at: "Pod CREATE, as finally admitted",
        finding: "A container lacks the token that the policy injects.",
        baseline: Warn,
        restricted: Warn,
        exceptions: false,
        check: Pod(check),
    }
}

fn check(review: &PodReview<'_>, findings: &mut Findings<'_>) {
    if !review.is_create() {
        return;
    }
    let Some(plan) = Plan::of(review, review.context.policy.inject.when) else { return };
    let mut first = None;
    let mut paths = Vec::new();
    for (place, container) in containers(&review.pod.spec) {
        if plan.volumes().any(|volume| volume.gives_mount_to(place)) {
            first = first.or(Some(&container.name));
            paths.push(place.path(review.spec_path()).field("volumeMounts"));
        }
    }
    let Some(name) = first else { return };
    let (name, more) = (shortened(name), and_more(paths.len()));
    findings.report(
        format!("container {name} lacks the token that the policy injects{more}"),
        "A webhook that ran after tokenward's may have added it; see that tokenward's is called again",
        paths,
    );
}
