//! Everything that talks to an API server, with a person's own credentials. The webhook never does: `server` uses nothing of
//! this module.
//!
//! Of Secrets only the metadata is ever asked for, so no token comes over the wire, let alone into the output. A token goes the
//! other way only where somebody asks whether it is still accepted.

mod connection;
mod error;
mod kubeconfig;
mod legacy_token;
mod token_review;

pub use connection::{Cluster, Reads};
pub use error::ClusterError;
pub use kubeconfig::Access;
pub use legacy_token::{LegacyToken, Origin};
pub use token_review::TokenVerdict;
