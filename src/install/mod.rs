//! What is applied to a cluster so that the webhook runs there and is called: typed objects, written as YAML.
//!
//! ```text
//!   Settings + PolicySet ──► objects() ──► [Object] ──► yaml::stream() ──► kubectl apply -f -
//!                                             │
//!                                             └───────► kustomize::tree() ──► manifests/
//! ```
//!
//! The webhook reads nothing from the API server, so no Role is among the objects.

mod cert_manager;
mod certificates;
mod condition;
mod entry;
mod files;
pub mod kustomize;
mod network;
mod object;
mod pods;
mod scope;
pub mod validating_admission_policy;
mod webhooks;
pub mod yaml;

use std::collections::BTreeMap;

pub use certificates::{Certificates, CertificatesError};
pub use object::Object;
pub use scope::SYSTEM_NAMESPACES;

use crate::policy::PolicySet;

/// The name of most objects, and the default name of their namespace.
pub const NAME: &str = "tokenward";
/// The Secret of type `kubernetes.io/tls` that the Pods mount.
pub const TLS_SECRET: &str = "tokenward-tls";
/// The ConfigMap with the policy files.
pub const POLICY_CONFIG_MAP: &str = "tokenward-policy";
/// The ConfigMap with the inventory, written by `tokenward scan -o inventory` or by the controller.
pub const INVENTORY_CONFIG_MAP: &str = "tokenward-inventory";

/// What an installation is to be like.
#[derive(Clone)]
pub struct Settings {
    /// The namespace of the webhook. It is never reviewed itself.
    pub namespace: String,
    /// The container image.
    pub image: String,
    /// The number of Pods.
    pub replicas: i32,
    /// Which namespaces are reviewed.
    pub mode: Mode,
    /// Where the webhook runs.
    pub place: Place,
    /// Where the serving certificate comes from.
    pub certificates: Certificates,
    /// The policy files by name; none for the built-in policies alone.
    pub policy_files: BTreeMap<String, String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            namespace: NAME.to_owned(),
            image: concat!("tokenward:", env!("CARGO_PKG_VERSION")).to_owned(),
            replicas: 2,
            mode: Mode::OptIn,
            place: Place::Cluster,
            certificates: Certificates::Elsewhere,
            policy_files: BTreeMap::new(),
        }
    }
}

/// Which namespaces are reviewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Those that carry the label.
    OptIn,
    /// All but the system's; those without the label are judged by `baseline`.
    ClusterWide,
}

/// Where the webhook runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the cluster, behind a Service.
    Cluster,
    /// Anywhere else: an `https` URL without a slash at its end. Only the webhook configurations are rendered.
    Url(String),
}

impl Settings {
    /// The name by which API servers call the webhook in the cluster, and which its certificate must have.
    #[must_use]
    pub fn service_name(&self) -> String {
        format!("{NAME}.{}.svc", self.namespace)
    }
}

/// All objects in the order in which they must be applied: the namespace first, the webhook configurations last.
#[must_use]
pub fn objects(settings: &Settings, policies: &PolicySet) -> Vec<Object> {
    let mut objects = match settings.place {
        Place::Cluster => workload(settings),
        Place::Url(_) => Vec::new(),
    };
    objects.extend(webhook_configurations(settings, policies));
    objects
}

/// Everything but the webhook configurations.
fn workload(settings: &Settings) -> Vec<Object> {
    let mut objects = vec![
        files::namespace(settings).into(),
        pods::priority_class().into(),
        pods::service_account(settings).into(),
        files::policy(settings).into(),
        files::inventory(settings).into(),
    ];
    objects.extend(files::tls_secret(settings).map(Object::from));
    if matches!(settings.certificates, Certificates::CertManager) {
        objects.extend(cert_manager::objects(settings));
    }
    objects.extend([
        network::service(settings).into(),
        network::policy(settings).into(),
        pods::disruption_budget(settings).into(),
        pods::deployment(settings).into(),
    ]);
    objects
}

fn webhook_configurations(settings: &Settings, policies: &PolicySet) -> [Object; 2] {
    [webhooks::validating(settings, policies).into(), webhooks::mutating(settings, policies).into()]
}
