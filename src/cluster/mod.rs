//! Everything that talks to an API server, with a person's own credentials. The webhook never does: `server` uses nothing of
//! this module.
//!
//! Of Secrets only the metadata is ever asked for, so no token comes over the wire, let alone into the output.

mod connection;
mod error;
mod kubeconfig;
mod legacy_token;

pub use connection::{Cluster, Reads};
pub use error::ClusterError;
pub use kubeconfig::Access;
pub use legacy_token::{LegacyToken, Origin};
