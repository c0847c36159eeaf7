//! Service accounts.

use serde::Deserialize;

use super::volume::LocalReference;
use super::{List, Metadata};

/// A service account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ServiceAccount<'a> {
    /// `metadata`.
    #[serde(borrow)]
    pub metadata: Metadata<'a>,
    /// Whether its Pods get the built-in token volume where they say nothing themselves; `None` counts as true.
    pub automount_service_account_token: Option<bool>,
    /// `secrets`.
    pub secrets: List<LocalReference<'a>>,
}
