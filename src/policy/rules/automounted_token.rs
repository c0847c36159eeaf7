//! TW204: tokens are mounted where they are asked for.

use crate::policy::finding::Findings;
use crate::policy::registry::rule;
use crate::policy::review::PodReview;
use crate::policy::text::and_more;
use crate::resource::FieldPath;
use crate::token::{AUTOMOUNT_SECONDS, EXTENDED_SECONDS, effective_seconds, projected_tokens};

rule! {
    /// ## What it finds
    ///
    /// A Pod in which the API server has mounted its own token, and whose lifetime was not changed by injection.
    ///
    /// ## Why it matters
    ///
    /// Unless the Pod or its service account says `automountServiceAccountToken: false`, the built-in admission plugin gives
    /// every init, sidecar and regular container a volume `kube-api-access-…` with a token for the API server, needed or not
    /// (kubernetes `plugin/pkg/admission/serviceaccount/admission.go`, v1.37). Its token says 3607 seconds and lasts one year
    /// with the default settings of the API server; TW202 tells why.
    ///
    /// ## Warned about
    ///
    /// What the API server makes of a Pod that says nothing:
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
    ///     - {name: kube-api-access-x2b9k, mountPath: /var/run/secrets/kubernetes.io/serviceaccount, readOnly: true}
    ///   volumes:
    ///   - name: kube-api-access-x2b9k
    ///     projected:
    ///       defaultMode: 420
    ///       sources:
    ///       - serviceAccountToken: {path: token, expirationSeconds: 3607}
    ///       - configMap: {name: kube-root-ca.crt, items: [{key: ca.crt, path: ca.crt}]}
    ///       - downwardAPI:
    ///           items: [{path: namespace, fieldRef: {apiVersion: v1, fieldPath: metadata.namespace}}]
    /// ```
    ///
    /// ## Instead
    ///
    /// Where the policy injects, this Pod is given a token of an hour in every container, and nothing else about it changes:
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
    /// ```
    ///
    /// The same line on the ServiceAccount speaks for all its Pods. A policy with `inject.retuneAutomounted: true`, as
    /// `restricted` has it, changes the 3607 seconds of the built-in volume by itself, and then the rule is silent.
    ///
    /// ## Exceptions
    ///
    /// None; set the rule to `off` in a policy of your own.
    ///
    /// ## Limits
    ///
    /// The built-in volume is known by its name, `kube-api-access-` and five letters of the API server's alphabet, together
    /// with exactly the content above, and on OpenShift `service-ca.crt` from the ConfigMap `openshift-service-ca.crt` after it.
    /// One of other content is a volume like any other: TW202 judges it. Of a template it is
    /// only known that its Pods will have the volume where it says `automountServiceAccountToken: true` or brings the volume
    /// along.
    TW204 "automounted-token" {
        looks_at: "Pod CREATE, templates",
        finding: "The built-in automount is in effect, and not retuned.",
        baseline: Audit,
        restricted: Warn,
        exceptions: false,
        check: Pod(check),
    }
}

fn check(review: &PodReview<'_>, findings: &mut Findings<'_>) {
    let policy = review.context.policy;
    // The Pods of a template are retuned when they are created.
    let is_retuned_later = review.is_template() && policy.inject.retune_automounted;
    if !review.is_whole() || is_retuned_later {
        return;
    }
    let spec = &review.pod.spec;
    let asks = review.is_template() && spec.automount_service_account_token == Some(true);
    let asked = asks.then(|| review.spec("automountServiceAccountToken"));
    let built_in = projected_tokens(spec).filter(|token| token.is_built_in);
    let written = built_in.map(|token| token.path(review.spec("volumes"), "expirationSeconds"));
    let paths: Vec<FieldPath> = asked.into_iter().chain(written).collect();
    if paths.is_empty() {
        return;
    }
    let lasts = match effective_seconds("", i64::try_from(AUTOMOUNT_SECONDS).ok(), &policy.cluster) {
        EXTENDED_SECONDS => "one year".to_owned(),
        seconds => format!("{seconds} seconds"),
    };
    let whose = if review.is_template() { "Pods of this template hold" } else { "the Pod holds" };
    findings.report(
        format!("{whose} the automounted API token, which lasts {lasts}{}", and_more(paths.len())),
        "Set automountServiceAccountToken: false on the ServiceAccount or the Pod",
        paths,
    );
}
