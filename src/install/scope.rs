//! Which namespaces an entry of a webhook configuration is for.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, LabelSelectorRequirement};

use crate::resource::POLICY_LABEL;

/// Set by the API server itself on every namespace.
const NAME_LABEL: &str = "kubernetes.io/metadata.name";
/// The namespaces that are never reviewed: what a cluster needs to start, or to mend itself, must not depend on a webhook.
pub const SYSTEM_NAMESPACES: [&str; 3] = ["kube-system", "kube-node-lease", "kube-public"];

/// The namespaces of an entry.
#[derive(Clone, Debug)]
pub(super) enum Scope<'p> {
    /// Those whose label names this policy.
    Labelled(&'p str),
    /// Those whose label names none of these policies.
    UnknownLabel(Vec<&'p str>),
    /// Those without the label.
    Unlabelled,
    /// All, whatever their label.
    All,
}

impl Scope<'_> {
    /// The selector; `own` is the namespace of the webhook, whose Pods must be admitted while none of them runs.
    pub(super) fn selector(&self, own: &str) -> LabelSelector {
        let by_policy = match self {
            Self::Labelled(policy) => vec![requirement(POLICY_LABEL, "In", &[policy])],
            Self::UnknownLabel(policies) => {
                vec![requirement(POLICY_LABEL, "Exists", &[]), requirement(POLICY_LABEL, "NotIn", policies)]
            }
            Self::All => Vec::new(),
            Self::Unlabelled => vec![requirement(POLICY_LABEL, "DoesNotExist", &[])],
        };
        let mut left_out = SYSTEM_NAMESPACES.to_vec();
        if !left_out.contains(&own) {
            left_out.push(own);
        }
        let by_name = requirement(NAME_LABEL, "NotIn", &left_out);
        LabelSelector { match_labels: None, match_expressions: Some(by_policy.into_iter().chain([by_name]).collect()) }
    }
}

fn requirement(key: &str, operator: &str, values: &[&str]) -> LabelSelectorRequirement {
    LabelSelectorRequirement {
        key: key.to_owned(),
        operator: operator.to_owned(),
        values: (!values.is_empty()).then(|| values.iter().map(|&value| value.to_owned()).collect()),
    }
}
