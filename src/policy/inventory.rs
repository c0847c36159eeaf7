//! The legacy token Secrets of a cluster, as far as somebody listed them.

use std::collections::HashMap;

use super::facts::Facts;
use crate::token::SecretFact;

/// Where the legacy token Secrets are: namespace, name and service account, never a byte of a token.
///
/// The webhook's only facts: with an empty one nothing is known beyond what a review from an API server shows by itself. A
/// look-up costs the same whatever the size: the index goes by namespace, then by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inventory {
    accounts: HashMap<Box<str>, HashMap<Box<str>, Box<str>>>,
}

impl Inventory {
    /// Adds a Secret; true if it was not there.
    pub fn insert(&mut self, namespace: &str, name: &str, service_account: &str) -> bool {
        let names = self.accounts.entry(namespace.into()).or_default();
        names.insert(name.into(), service_account.into()).is_none()
    }

    /// How many Secrets are listed.
    #[must_use]
    pub fn len(&self) -> usize {
        self.accounts.values().map(HashMap::len).sum()
    }

    /// True when no Secret is listed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.accounts.is_empty()
    }

    /// Every listed Secret: namespace, name and service account, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str, &str)> {
        self.accounts
            .iter()
            .flat_map(|(namespace, names)| names.iter().map(move |(name, account)| (&**namespace, &**name, &**account)))
    }

    /// The service account of a listed Secret.
    #[must_use]
    pub fn service_account(&self, namespace: &str, name: &str) -> Option<&str> {
        self.accounts.get(namespace)?.get(name).map(|account| &**account)
    }
}

impl Facts for Inventory {
    fn secret(&self, namespace: &str, name: &str) -> SecretFact<'_> {
        match self.service_account(namespace, name) {
            Some(service_account) => SecretFact::LegacyToken { service_account },
            None => SecretFact::Unknown,
        }
    }

    fn legacy_tokens(&self, namespace: &str) -> Vec<(&str, &str)> {
        let listed = self.accounts.get(namespace).into_iter().flatten();
        let mut tokens: Vec<(&str, &str)> = listed.map(|(name, account)| (&**name, &**account)).collect();
        tokens.sort_unstable();
        tokens
    }

    fn automount_resolved(&self, _namespace: &str, _service_account: &str) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::Inventory;

    #[test]
    fn lists_each_secret_once_in_its_namespace() {
        let mut inventory = Inventory::default();
        assert!(inventory.is_empty());
        assert_eq!(inventory.len(), 0);
        let secrets = [("team-a", "ci-token", "ci"), ("team-a", "web-token", "web"), ("team-b", "ci-token", "other")];
        for (namespace, name, account) in secrets {
            assert!(inventory.insert(namespace, name, account));
        }
        assert!(!inventory.insert("team-a", "ci-token", "ci"));
        assert!(!inventory.is_empty());
        assert_eq!(inventory.len(), 3);
        let mut listed: Vec<_> = inventory.iter().collect();
        listed.sort_unstable();
        assert_eq!(listed, secrets);
    }
}
