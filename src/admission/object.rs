//! Which view reads the object of a review.

use super::json::{Error, Reader};
use crate::resource::{Metadata, Namespace, Pod, Secret, ServiceAccount, TokenRequest, Workload, WorkloadKind};

/// What a review is about, as far as the rules tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Resource {
    /// `pods`.
    Pod,
    /// `pods/ephemeralcontainers`; the object is the whole Pod.
    EphemeralContainers,
    /// `secrets`.
    Secret,
    /// `serviceaccounts`.
    ServiceAccount,
    /// `serviceaccounts/token`.
    TokenRequest,
    /// `namespaces`, and the subresources by which their labels can be written as well (kubernetes
    /// `pkg/registry/core/namespace/strategy.go`).
    Namespace,
    /// Anything with a Pod template.
    Workload(WorkloadKind),
    /// Anything else: allowed, and said so in the audit annotations.
    Other,
}

impl Resource {
    /// Reads the `resource` and `subResource` of a request. Other versions of a known resource are `Other`: the webhook
    /// configurations ask for `v1`, and `matchPolicy: Equivalent` converts.
    #[must_use]
    pub fn of(group: &str, version: &str, resource: &str, sub_resource: &str) -> Self {
        match (group, version, resource, sub_resource) {
            ("", "v1", "pods", "") => Self::Pod,
            ("", "v1", "pods", "ephemeralcontainers") => Self::EphemeralContainers,
            ("", "v1", "secrets", "") => Self::Secret,
            ("", "v1", "serviceaccounts", "") => Self::ServiceAccount,
            ("", "v1", "serviceaccounts", "token") => Self::TokenRequest,
            ("", "v1", "namespaces", "" | "status" | "finalize") => Self::Namespace,
            ("", "v1", "replicationcontrollers", "")
            | ("apps", "v1", "deployments" | "replicasets" | "statefulsets" | "daemonsets", "")
            | ("batch", "v1", "jobs", "") => Self::Workload(WorkloadKind::Template),
            ("batch", "v1", "cronjobs", "") => Self::Workload(WorkloadKind::CronJob),
            ("", "v1", "podtemplates", "") => Self::Workload(WorkloadKind::PodTemplate),
            _ => Self::Other,
        }
    }

    /// The name under which decisions are counted: a fixed set, so that no user can add a series to the metrics.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Pod => "pods",
            Self::EphemeralContainers => "pods/ephemeralcontainers",
            Self::Secret => "secrets",
            Self::ServiceAccount => "serviceaccounts",
            Self::TokenRequest => "serviceaccounts/token",
            Self::Namespace => "namespaces",
            Self::Workload(_) => "workloads",
            Self::Other => "other",
        }
    }

    /// Whether objects of this kind live in a namespace.
    pub(super) const fn is_namespaced(self) -> bool {
        !matches!(self, Self::Namespace | Self::Other)
    }
}

/// The object of a review, as the view that its resource asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Object<'a> {
    /// A Pod, also for its ephemeral containers.
    Pod(Box<Pod<'a>>),
    /// A Secret.
    Secret(Box<Secret<'a>>),
    /// A service account.
    ServiceAccount(Box<ServiceAccount<'a>>),
    /// A request for a token.
    TokenRequest(Box<TokenRequest<'a>>),
    /// A namespace.
    Namespace(Box<Namespace<'a>>),
    /// An object with a Pod template.
    Workload(Box<Workload<'a>>),
    /// Something that no rule reads.
    Other,
}

impl<'a> Object<'a> {
    /// The object's metadata, where it is read.
    #[must_use]
    pub fn metadata(&self) -> Option<&Metadata<'a>> {
        match self {
            Self::Pod(pod) => Some(&pod.metadata),
            Self::Secret(secret) => Some(&secret.metadata),
            Self::ServiceAccount(account) => Some(&account.metadata),
            Self::Namespace(namespace) => Some(&namespace.metadata),
            Self::Workload(workload) => Some(&workload.metadata),
            Self::TokenRequest(_) | Self::Other => None,
        }
    }

    /// Reads an object into the view of a resource; nothing for `null`.
    pub(super) fn read(resource: Resource, reader: &mut Reader<'a>) -> Result<Option<Self>, Error> {
        if reader.null()? {
            return Ok(None);
        }
        Ok(Some(match resource {
            Resource::Pod | Resource::EphemeralContainers => Self::Pod(reader.value()?),
            Resource::Secret => Self::Secret(reader.value()?),
            Resource::ServiceAccount => Self::ServiceAccount(reader.value()?),
            Resource::TokenRequest => Self::TokenRequest(reader.value()?),
            Resource::Namespace => Self::Namespace(reader.value()?),
            Resource::Workload(kind) => Self::Workload(Box::new(Workload::deserialize(kind, reader)?)),
            Resource::Other => {
                reader.skip()?;
                Self::Other
            }
        }))
    }
}
