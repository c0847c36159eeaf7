//! The namespace, and what the Pods mount.

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Secret};

use super::object::{cluster_wide, namespaced};
use super::{Certificates, INVENTORY_CONFIG_MAP, POLICY_CONFIG_MAP, Settings, TLS_SECRET};

/// Pods below the `restricted` Pod Security Standard cannot run beside the webhook.
pub(super) fn namespace(settings: &Settings) -> Namespace {
    let mut metadata = cluster_wide(&settings.namespace);
    let labels = metadata.labels.get_or_insert_default();
    for mode in ["enforce", "audit", "warn"] {
        labels.insert(format!("pod-security.kubernetes.io/{mode}"), "restricted".to_owned());
    }
    Namespace { metadata, ..Namespace::default() }
}

/// What is always in the ConfigMap of the policies. `kubectl apply` takes away what it wrote before and finds no more: keys,
/// one by one, but the whole of `data` where that is gone, with the files that somebody added.
const ABOUT: (&str, &str) = ("README", "Policies and exceptions, in files that end with .yaml, .yml or .json.\n");

/// The policy files.
pub(super) fn policy(settings: &Settings) -> ConfigMap {
    let mut data = settings.policy_files.clone();
    data.insert(ABOUT.0.to_owned(), ABOUT.1.to_owned());
    ConfigMap { metadata: namespaced(POLICY_CONFIG_MAP, settings), data: Some(data), ..ConfigMap::default() }
}

/// The inventory. It is state of the cluster and no part of the installation, so `data` is never written here: applying
/// again leaves alone what was put in.
pub(super) fn inventory(settings: &Settings) -> ConfigMap {
    ConfigMap { metadata: namespaced(INVENTORY_CONFIG_MAP, settings), ..ConfigMap::default() }
}

/// The serving certificate, where it is known.
pub(super) fn tls_secret(settings: &Settings) -> Option<Secret> {
    let Certificates::Files { authority, certificate, key } = &settings.certificates else { return None };
    let data = [("ca.crt", authority), ("tls.crt", certificate), ("tls.key", key)];
    let data: BTreeMap<_, _> = data.map(|(name, pem)| (name.to_owned(), ByteString(pem.clone()))).into();
    Some(Secret {
        metadata: namespaced(TLS_SECRET, settings),
        type_: Some("kubernetes.io/tls".to_owned()),
        data: Some(data),
        ..Secret::default()
    })
}
