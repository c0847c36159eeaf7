//! Namespaces.

use serde::Deserialize;

use super::Metadata;

/// The label by which a namespace chooses a policy.
pub const POLICY_LABEL: &str = "tokenward.dev/policy";

/// A namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Namespace<'a> {
    /// `metadata`.
    #[serde(borrow)]
    pub metadata: Metadata<'a>,
}

impl Namespace<'_> {
    /// The value of the policy label.
    #[must_use]
    pub fn policy(&self) -> Option<&str> {
        self.metadata.labels.get(POLICY_LABEL).map(|value| &**value)
    }
}
