//! What the input says of the cluster: its service accounts, its Secrets and its namespaces.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use super::node::{Content, Node};
use super::object::{Object, Role};
use crate::policy::{Facts, Inventory, SecretFact};
use crate::resource::{LEGACY_TOKEN_TYPE, POLICY_LABEL};

/// A service account of the input.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) automount: Option<bool>,
    pub(super) image_pull_secrets: Option<Value>,
}

/// Everything that the input says of the cluster beside the object that is judged.
#[derive(Debug)]
pub(super) struct Known<'i> {
    inventory: &'i Inventory,
    /// The service account whose token a Secret holds; `None` for a Secret of another type.
    secrets: HashMap<(String, String), Option<String>>,
    accounts: HashMap<(String, String), Account>,
    policies: HashMap<String, String>,
}

impl<'i> Known<'i> {
    /// Reads `objects`; those without a namespace are in `namespace`.
    pub(super) fn new<'o, 'd: 'o>(
        objects: impl Iterator<Item = &'o Object<'d>>,
        namespace: &str,
        inventory: &'i Inventory,
    ) -> Self {
        let mut known = Self { inventory, secrets: HashMap::new(), accounts: HashMap::new(), policies: HashMap::new() };
        for object in objects {
            let Role::Manifest(kind) = object.role else { continue };
            let own = object.metadata("namespace");
            let key = (if own.is_empty() { namespace } else { own }.to_owned(), object.metadata("name").to_owned());
            match kind.kind {
                "Secret" => {
                    known.secrets.insert(key, token_account(object.node));
                }
                "ServiceAccount" => {
                    known.accounts.insert(key, Account::of(object.node));
                }
                "Namespace" => {
                    let labels = object.node.get("metadata").and_then(|metadata| metadata.get("labels"));
                    if let Some(policy) = labels.and_then(|labels| labels.text(POLICY_LABEL)) {
                        known.policies.insert(key.1, policy.to_owned());
                    }
                }
                _ => {}
            }
        }
        known
    }

    pub(super) fn account(&self, namespace: &str, name: &str) -> Option<&Account> {
        self.accounts.get(&(namespace.to_owned(), name.to_owned()))
    }

    /// The policy that a namespace's label names.
    pub(super) fn policy(&self, namespace: &str) -> Option<&str> {
        self.policies.get(namespace).map(String::as_str)
    }

    /// What the webhook knows: its inventory.
    pub(super) const fn of_the_webhook(&self) -> &'i Inventory {
        self.inventory
    }
}

fn token_account(secret: &Node) -> Option<String> {
    if secret.text("type") != Some(LEGACY_TOKEN_TYPE) {
        return None;
    }
    let annotations = secret.get("metadata").and_then(|metadata| metadata.get("annotations"));
    let account = annotations.and_then(|annotations| annotations.text("kubernetes.io/service-account.name"));
    Some(account.unwrap_or_default().to_owned())
}

impl Account {
    fn of(node: &Node) -> Self {
        let automount = node.get("automountServiceAccountToken").and_then(|field| match field.content {
            Content::Bool(value) => Some(value),
            _ => None,
        });
        let image_pull_secrets = node.get("imagePullSecrets").filter(|field| field.elements().is_some());
        Self { automount, image_pull_secrets: image_pull_secrets.map(Node::value) }
    }
}

impl Facts for Known<'_> {
    fn secret(&self, namespace: &str, name: &str) -> SecretFact<'_> {
        let listed = self.inventory.secret(namespace, name);
        if matches!(listed, SecretFact::LegacyToken { .. }) {
            return listed;
        }
        match self.secrets.get(&(namespace.to_owned(), name.to_owned())) {
            Some(Some(service_account)) => SecretFact::LegacyToken { service_account },
            Some(None) => SecretFact::Other,
            None => listed,
        }
    }

    fn legacy_tokens(&self, namespace: &str) -> Vec<(&str, &str)> {
        let of_input = self.secrets.iter().filter(|((found, _), _)| found == namespace);
        let of_input = of_input.filter_map(|((_, name), account)| Some((name.as_str(), account.as_deref()?)));
        let listed: BTreeMap<&str, &str> = of_input.chain(self.inventory.legacy_tokens(namespace)).collect();
        listed.into_iter().collect()
    }

    fn automount_resolved(&self, namespace: &str, service_account: &str) -> bool {
        self.account(namespace, service_account).is_some()
    }
}
