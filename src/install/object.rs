//! The objects of an installation, and the metadata that all carry.

use std::collections::BTreeMap;

use k8s_openapi::api::admissionregistration::v1::{
    MutatingWebhookConfiguration, ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding,
    ValidatingWebhookConfiguration,
};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Secret, Service, ServiceAccount};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::api::scheduling::v1::PriorityClass;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use serde::Serialize;

use super::cert_manager::{Certificate, Issuer};
use super::{NAME, Settings};

macro_rules! objects {
    ($($(#[$comment:meta])* $kind:ident),+ $(,)?) => {
        /// An object of an installation.
        #[derive(Clone, Debug, Serialize)]
        #[serde(untagged)]
        pub enum Object {
            $($(#[$comment])* $kind(Box<$kind>),)+
        }

        impl Object {
            /// Its kind.
            #[must_use]
            pub const fn kind(&self) -> &'static str {
                match self { $(Self::$kind(_) => stringify!($kind),)+ }
            }
        }

        $(impl From<$kind> for Object {
            fn from(object: $kind) -> Self {
                Self::$kind(Box::new(object))
            }
        })+
    };
}

objects! {
    /// Where everything with a namespace lives.
    Namespace,
    /// The importance of the Pods.
    PriorityClass,
    /// The Pods' identity, which holds no permission.
    ServiceAccount,
    /// The policy files, or the inventory.
    ConfigMap,
    /// The serving certificate and its key.
    Secret,
    /// Who signs, with cert-manager.
    Issuer,
    /// What is signed, with cert-manager.
    Certificate,
    /// The address that the API server calls.
    Service,
    /// Who may connect.
    NetworkPolicy,
    /// How many Pods may be evicted at once.
    PodDisruptionBudget,
    /// The Pods.
    Deployment,
    /// Which requests the webhook judges.
    ValidatingWebhookConfiguration,
    /// Which requests the webhook changes.
    MutatingWebhookConfiguration,
    /// A rule that the API server runs itself.
    ValidatingAdmissionPolicy,
    /// Where such a rule applies, and what it does.
    ValidatingAdmissionPolicyBinding,
}

/// The metadata of an object in the namespace.
pub(super) fn namespaced(name: &str, settings: &Settings) -> ObjectMeta {
    ObjectMeta { namespace: Some(settings.namespace.clone()), ..cluster_wide(name) }
}

/// The metadata of an object without namespace.
pub(super) fn cluster_wide(name: &str) -> ObjectMeta {
    ObjectMeta { name: Some(name.to_owned()), labels: Some(labels()), ..ObjectMeta::default() }
}

/// The labels of everything.
pub(super) fn labels() -> BTreeMap<String, String> {
    let version = [("app.kubernetes.io/version".to_owned(), env!("CARGO_PKG_VERSION").to_owned())];
    identity().into_iter().chain(version).collect()
}

/// Selects the webhook's Pods. It stays the same in all versions, since a Deployment's selector cannot be changed.
pub(super) fn selector() -> LabelSelector {
    LabelSelector { match_labels: Some(identity()), ..LabelSelector::default() }
}

/// The labels by which the webhook's Pods are selected.
pub(super) fn identity() -> BTreeMap<String, String> {
    let pairs = [("app.kubernetes.io/name", NAME), ("app.kubernetes.io/component", "webhook")];
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}
