//! TW501: namespaces keep a policy that exists.

use crate::policy::Builtin;
use crate::policy::finding::Findings;
use crate::policy::registry::rule;
use crate::policy::review::{Change, Context};
use crate::policy::text::shortened;
use crate::resource::{FieldPath, Namespace, POLICY_LABEL};

rule! {
    /// ## What it finds
    ///
    /// A namespace whose label `tokenward.dev/policy` names no policy, when that is new; and an update that removes the label
    /// or turns it to a milder policy.
    ///
    /// ## Why it matters
    ///
    /// The label is what sends the requests of a namespace to tokenward. A webhook entry that selects namespaces by the label
    /// cannot see it go, since the API server matches an update with the labels of the new object
    /// (kubernetes `staging/src/k8s.io/apiserver/pkg/admission/plugin/webhook/predicates/namespace/matcher.go`, v1.37); so this
    /// rule has an entry of its own, for all namespaces.
    ///
    /// ## Warned about
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Namespace
    /// metadata:
    ///   name: team-a
    ///   labels:
    ///     tokenward.dev/policy: baselin
    /// ```
    ///
    /// ## Instead
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Namespace
    /// metadata:
    ///   name: team-a
    ///   labels:
    ///     tokenward.dev/policy: baseline
    /// ```
    ///
    /// ## Exceptions
    ///
    /// None. A policy of your own can set the rule to `deny`.
    ///
    /// ## Limits
    ///
    /// From the mildest: no label, `audit`, `warn`, `baseline`, `restricted`. A policy of your own stands where the one that it
    /// extends stands. A label that names no policy counts as `restricted`, since that is how its namespace is judged.
    TW501 "namespace-policy" {
        looks_at: "Namespace CREATE, UPDATE",
        finding: "The label names no policy, is removed, or is turned to a milder one.",
        baseline: Warn,
        restricted: Warn,
        exceptions: false,
        check: Namespace(check),
    }
}

fn check(change: &Change<'_, Namespace<'_>>, findings: &mut Findings<'_>) {
    let new = change.new.policy();
    let old = change.old.and_then(Namespace::policy);
    if new == old {
        return;
    }
    let context = &change.context;
    let path = FieldPath::of("metadata.labels").key(POLICY_LABEL);
    let namespace = shortened(change.new.metadata.display_name());
    if let Some(label) = new.filter(|label| !context.policy.known.contains_key(*label)) {
        findings.report(
            format!("no policy is named {}; Namespace {namespace} is judged as restricted", shortened(label)),
            "Name one of the policies that tokenward policy show lists",
            vec![path],
        );
        return;
    }
    let Some(before) = old else { return };
    if strictness(context, new) < strictness(context, old) {
        let now = new.map_or_else(|| "no policy".to_owned(), |label| format!("the milder {}", shortened(label)));
        findings.report(
            format!("Namespace {namespace} goes from {} to {now}", shortened(before)),
            "Keep the label, or ask who owns the policy",
            vec![path],
        );
    }
}

/// How strictly a namespace with this label is judged; `None` for no label.
pub(in crate::policy) fn strictness(context: &Context<'_>, label: Option<&str>) -> Option<Builtin> {
    label.map(|name| context.policy.known.get(name).map_or(Builtin::Restricted, |known| known.extends))
}
