//! Borrowed views of Kubernetes objects with only the fields that the rules read.
//!
//! A view borrows its strings from the review's bytes and never copies a field that nobody asks for: that is what keeps
//! a decision cheap. What the views see is held against k8s-openapi's typed objects by a property test.

mod field_path;
mod list;
mod metadata;
mod namespace;
mod pod;
mod secret;
mod service_account;
mod sparse;
mod text;
mod token_items;
mod token_request;
mod volume;
mod workload;

pub use field_path::{FieldPath, Segment, escape_pointer};
pub use list::List;
pub use metadata::{Metadata, StringMap};
pub use namespace::{Namespace, POLICY_LABEL};
pub use pod::{Container, EnvFromSource, EnvVar, Pod, PodSpec, VolumeDevice, VolumeMount};
pub use secret::{LEGACY_TOKEN_TYPE, Secret};
pub use service_account::ServiceAccount;
pub use sparse::Sparse;
pub use text::{LongText, Text};
pub use token_items::{TOKEN_KEY, TokenItems};
pub use token_request::{BoundObject, TokenRequest, TokenRequestSpec};
pub use volume::{
    DownwardApiItem, DownwardApiSource, FieldRef, ItemsSource, KeyToPath, LocalReference, PathOnly, PodCertificate,
    ProjectedSource, ProjectedVolume, TokenProjection, Volume,
};
pub use workload::{PodTemplate, Workload, WorkloadKind};
