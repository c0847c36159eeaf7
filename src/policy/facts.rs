//! What is known of the cluster beside the object that is judged.

use crate::token::SecretFact;

/// Knowledge of the cluster. Unknown is a value: nothing here may guess.
pub trait Facts {
    /// What is known of a Secret.
    fn secret(&self, namespace: &str, name: &str) -> SecretFact<'_>;

    /// The Secrets of a namespace that are known to hold legacy tokens, and their service accounts, by name.
    fn legacy_tokens(&self, namespace: &str) -> Vec<(&str, &str)>;

    /// Whether the `ServiceAccount` admission plugin has run on the Pods of this account, so that a missing
    /// `kube-api-access-*` volume shows that the account switched automount off.
    ///
    /// Always true for what an API server sends; a manifest alone says nothing of its account.
    fn automount_resolved(&self, namespace: &str, service_account: &str) -> bool;
}
