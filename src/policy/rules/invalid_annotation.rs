//! TW209: what a Pod asks for can be given.

use crate::injection::annotations::{self, BadRequest, Fault, KNOWN, LEAST_SECONDS, PREFIX};
use crate::policy::finding::Findings;
use crate::policy::registry::rule;
use crate::policy::review::PodReview;
use crate::policy::text::{and_more, shortened};
use crate::policy::{Action, Policy};

rule! {
    /// ## What it finds
    ///
    /// An annotation of a Pod or template that begins with `tokenward.dev/` and cannot be honoured:
    ///
    /// | annotation | must be |
    /// |---|---|
    /// | `tokenward.dev/inject` | exactly `true` or `false`; `true` only where the policy injects an API token |
    /// | `tokenward.dev/expiration-seconds` | a whole number from 600 to the policy's maximum, and not 3607 |
    /// | `tokenward.dev/tokens` | names of tokens that the policy gives to such a Pod, separated by commas |
    /// | `tokenward.dev/containers` | names of the Pod's init, sidecar and regular containers, separated by commas |
    ///
    /// `tokenward.dev/injected` is tokenward's own stamp; its value is never read. Any other key is warned about at most.
    ///
    /// ## Why it matters
    ///
    /// The mutating phase never refuses: it leaves a Pod with such an annotation alone. Were the Pod admitted, it would run
    /// without the token that its author asked for, or with one of another lifetime than he believes, and fail later. The API
    /// server asks the validating webhooks after all mutating ones, about the Pod as it will be stored (kubernetes
    /// `staging/src/k8s.io/apiserver/pkg/registry/generic/registry/store.go`, v1.37). So the validating phase refuses it, while
    /// somebody is looking.
    ///
    /// ## Refused
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: app
    ///   namespace: team-a
    ///   annotations:
    ///     tokenward.dev/inject: "yes"
    /// spec:
    ///   serviceAccountName: app
    ///   automountServiceAccountToken: false
    ///   containers:
    ///   - name: app
    ///     image: registry.example.com/app:1
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
    ///   annotations:
    ///     tokenward.dev/inject: "true"
    /// spec:
    ///   serviceAccountName: app
    ///   automountServiceAccountToken: false
    ///   containers:
    ///   - name: app
    ///     image: registry.example.com/app:1
    /// ```
    ///
    /// ## Exceptions
    ///
    /// None.
    ///
    /// ## Limits
    ///
    /// A good value that has no use is no finding: seconds for a Pod that gets no token, or a token that it would get anyway.
    /// Mirror Pods, which are never injected, are not looked at.
    TW209 "invalid-annotation" {
        looks_at: "Pod CREATE, templates",
        finding: "A tokenward.dev/ annotation that cannot be honoured.",
        baseline: Deny,
        restricted: Deny,
        exceptions: false,
        check: Pod(check),
    }
}

fn check(review: &PodReview<'_>, findings: &mut Findings<'_>) {
    if !review.is_whole() || review.pod.is_mirror() {
        return;
    }
    let policy = review.context.policy;
    if let Err(bad) = annotations::read(review, policy.inject.when) {
        for request in bad {
            let (what, advice) = describe(request, policy);
            findings.report(format!("{} {what}", request.key), advice, vec![review.annotation(request.key)]);
        }
    }
    let keys = review.pod.metadata.annotations.iter().map(|(key, _)| &**key);
    let unknown: Vec<&str> = keys.filter(|key| key.starts_with(PREFIX) && !KNOWN.contains(key)).collect();
    if let Some(first) = unknown.first() {
        findings.report_at_most(
            Action::Warn,
            format!("{} is no annotation of tokenward{}", shortened(first), and_more(unknown.len())),
            "Known are inject, expiration-seconds, tokens and containers",
            unknown.iter().map(|key| review.annotation(key)).collect(),
        );
    }
}

/// What is wrong with an annotation, and what to write instead. The policy's own names are not given away.
fn describe(request: BadRequest<'_>, policy: &Policy) -> (String, String) {
    let policy_name = shortened(&policy.name);
    match request.fault {
        Fault::NotTrueOrFalse => {
            ("is neither \"true\" nor \"false\"".to_owned(), "Write one of the two, in quotes".to_owned())
        }
        Fault::InjectsNothing => (
            format!("asks for an API token, and policy {policy_name} injects none"),
            "Take the annotation away, or choose a policy that injects".to_owned(),
        ),
        Fault::NotANumber => ("is not a whole number".to_owned(), "Write seconds in digits, in quotes".to_owned()),
        Fault::OutOfBounds { most } => (
            format!("is not between {LEAST_SECONDS} and {most}"),
            "Ask for a lifetime in seconds within these bounds".to_owned(),
        ),
        Fault::Extended => (
            "is 3607, which the API server turns into one year".to_owned(),
            "Ask for 3600, or for any other number of seconds".to_owned(),
        ),
        Fault::NotAName => (
            "has an entry that is no name".to_owned(),
            "Write names of lower-case letters, digits and -, separated by commas".to_owned(),
        ),
        Fault::NoSuchToken(name) => (
            format!("names {}, and policy {policy_name} has no such token", shortened(name)),
            "Name a token of the policy".to_owned(),
        ),
        Fault::OnlyWithoutAutomount(name) => (
            format!("names {}, which is only for Pods without automount", shortened(name)),
            "Set automountServiceAccountToken: false".to_owned(),
        ),
        Fault::NoSuchContainer(name) => (
            format!("names {}, and there is no such container", shortened(name)),
            "Name init, sidecar or regular containers of the Pod".to_owned(),
        ),
    }
}
