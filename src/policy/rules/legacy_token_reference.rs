//! TW201: no Pod reaches a legacy token.

use std::collections::BTreeMap;

use crate::policy::finding::Findings;
use crate::policy::registry::rule;
use crate::policy::review::{Context, PodReview};
use crate::policy::text::{and_more_places, shortened};
use crate::resource::FieldPath;
use crate::token::SecretFact;

rule! {
    /// ## What it finds
    ///
    /// A Pod that reaches a Secret with a legacy token, by any of the ways that Kubernetes has: a `secret` volume, a `secret`
    /// source of a projected volume, `env`, `envFrom`, `imagePullSecrets`, and the Secret references of CSI, FlexVolume,
    /// Azure File, CephFS, Cinder, iSCSI, RBD, ScaleIO and StorageOS volumes; in init containers, sidecars, regular and
    /// ephemeral containers.
    ///
    /// ## Why it matters
    ///
    /// Kubernetes mounts no legacy tokens by itself since 1.22, and its only check, the deprecated annotation
    /// `kubernetes.io/enforce-mountable-secrets`, does not look at projected sources nor at the Secret references of storage
    /// plug-ins (kubernetes `plugin/pkg/admission/serviceaccount/admission.go`, v1.37). A Pod that reaches the Secret holds a
    /// credential that outlives it.
    ///
    /// ## Refused
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: ci
    ///   namespace: team-a
    /// spec:
    ///   containers:
    ///   - name: app
    ///     image: registry.example/ci:1
    ///     env:
    ///     - name: TOKEN
    ///       valueFrom:
    ///         secretKeyRef: {name: legacy-ci, key: token}
    /// ```
    ///
    /// ## Instead
    ///
    /// A projected volume with a `serviceAccountToken` source, which the kubelet renews:
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: ci
    ///   namespace: team-a
    /// spec:
    ///   serviceAccountName: ci
    ///   containers:
    ///   - name: app
    ///     image: registry.example/ci:1
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
    /// A `TokenException` for the rule `legacy-token-reference` that matches namespace, Secret and service account.
    ///
    /// ## Limits
    ///
    /// A Secret is known as legacy from the inventory, or from an exception that names it without a glob. About any other
    /// nothing is guessed; the audit annotation `unknown` lists it.
    TW201 "legacy-token-reference" {
        looks_at: "Pod CREATE, ephemeral containers, templates",
        finding: "A legacy token Secret that a Pod reaches.",
        baseline: Warn,
        restricted: Deny,
        exceptions: true,
        check: Pod(check),
    }
}

/// A legacy Secret that the Pod reaches, and all the ways to it.
struct Reached<'r> {
    secret: &'r str,
    service_account: String,
    paths: Vec<FieldPath>,
}

fn check(review: &PodReview<'_>, findings: &mut Findings<'_>) {
    let mut legacy: Vec<Reached<'_>> = Vec::new();
    // Where each Secret stands in `legacy`, if it does.
    let mut met: BTreeMap<&str, Option<usize>> = BTreeMap::new();
    review.holder().secrets(|secret, route| {
        let place = *met.entry(secret).or_insert_with(|| match review.context.secret(secret) {
            SecretFact::LegacyToken { service_account } => {
                legacy.push(Reached { secret, service_account: service_account.to_owned(), paths: Vec::new() });
                Some(legacy.len() - 1)
            }
            SecretFact::Other => None,
            SecretFact::Unknown => {
                findings.notes.unknown(&format!("secret/{}", shortened(secret)));
                None
            }
        });
        let Some(reached) = place.and_then(|place| legacy.get_mut(place)) else { return };
        let path = route.path(review.spec_path());
        // A mount reaches a Secret once, however often the volume names it.
        if reached.paths.last() != Some(&path) {
            reached.paths.push(path);
        }
    });
    for reached in legacy {
        report(&review.context, reached, findings);
    }
}

fn report(context: &Context<'_>, reached: Reached<'_>, findings: &mut Findings<'_>) {
    let Err(expired) = context.excuse(reached.secret, &reached.service_account, findings) else { return };
    let Reached { secret, service_account, paths } = reached;
    let Some(first) = paths.first() else { return };
    let places = format!("{first}{}", and_more_places(&paths));
    findings.report_naming(paths, |names| {
        let (secret, account) = (names.cut(secret), names.cut(&service_account));
        let expired = expired.with(names);
        let message = format!("legacy Secret {secret} is reached at {places} (ServiceAccount {account}){expired}");
        (message, "Use a projected token".to_owned())
    });
}
