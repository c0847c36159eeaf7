//! TW205: nobody acts as the account that everybody has.

use crate::policy::finding::Findings;
use crate::policy::registry::rule;
use crate::policy::review::PodReview;
use crate::policy::text::{and_more_places, shortened};
use crate::resource::FieldPath;
use crate::token::held::TokenVolumes;
use crate::token::{Automount, is_for_api_server};

rule! {
    /// ## What it finds
    ///
    /// A Pod of the service account `default` in which a container holds a token for the API server, by the built-in volume or
    /// by one of its own. A volume that nobody mounts is none.
    ///
    /// ## Why it matters
    ///
    /// Every Pod that names no account runs as `default`
    /// (kubernetes `plugin/pkg/admission/serviceaccount/admission.go`, v1.37). A permission that is given to that account is
    /// given to all of them, and nothing in an audit log tells them apart.
    ///
    /// ## Refused
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    ///   namespace: team-a
    /// spec:
    ///   automountServiceAccountToken: true
    ///   containers:
    ///   - name: app
    ///     image: registry.example/web:1
    /// ```
    ///
    /// ## Instead
    ///
    /// Without need for the API server, no token:
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    ///   namespace: team-a
    /// spec:
    ///   automountServiceAccountToken: false
    ///   containers:
    ///   - name: app
    ///     image: registry.example/web:1
    /// ```
    ///
    /// Otherwise an account of its own, in `serviceAccountName`.
    ///
    /// ## Exceptions
    ///
    /// None; set the rule to `off` in a policy of your own.
    ///
    /// ## Limits
    ///
    /// Tokens for other audiences are none: the API server does not accept them. Of a template that says nothing of automount,
    /// nothing is known.
    TW205 "default-service-account" {
        looks_at: "Pod CREATE, templates",
        finding: "A container that holds an API token of the account default.",
        baseline: Audit,
        restricted: Deny,
        exceptions: false,
        check: Pod(check),
    }
}

fn check(review: &PodReview<'_>, findings: &mut Findings<'_>) {
    let spec = &review.pod.spec;
    if spec.service_account_name() != "default" || !review.is_whole() {
        return;
    }
    let cluster = &review.context.policy.cluster;
    let api_tokens = TokenVolumes::of(spec, |token| is_for_api_server(&token.token.audience, cluster));
    let mut first = None;
    let mut paths: Vec<FieldPath> = Vec::new();
    for seen in review.holder().token_mounts(&api_tokens) {
        first = first.or(Some(&*seen.container.name));
        paths.push(seen.path(review.spec_path()));
    }
    let message = match first {
        Some(name) => {
            format!(
                "container {} holds an API token of ServiceAccount default{}",
                shortened(name),
                and_more_places(&paths)
            )
        }
        None if review.is_template() && review.automount() == Automount::Enabled => {
            paths.push(review.spec("automountServiceAccountToken"));
            "containers would hold an API token of ServiceAccount default".to_owned()
        }
        None => return,
    };
    findings.report(message, "Give the Pod an account of its own, or set automountServiceAccountToken: false", paths);
}
