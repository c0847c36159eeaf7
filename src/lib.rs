//! tokenward ends long-lived service account credentials in a Kubernetes cluster.
//!
//! One pure decision core, and three ways to it: the admission webhook, the command line and (later) a controller.
//!
//! ```text
//!   bytes ──► admission::Request ──► policy::evaluate ──► Decision ──► admission::Response ──► bytes
//!                  │ borrows               ▲    ▲   ▲
//!                  ▼                       │    │   └── now
//!            resource views              Facts  Policy
//!              │        │              (inventory)  ▲
//!              ▼        ▼                           │
//!            token    injection                  config (YAML)
//! ```
//!
//! The modules of the upper half, [`admission`], [`resource`], [`token`], [`policy`] and [`injection`], know no input or
//! output, no clock and no Kubernetes client; they are all that is built without default features.

pub mod admission;
pub mod injection;
pub mod policy;
pub mod resource;
pub mod token;

#[cfg(feature = "cli")]
pub mod certs;
#[cfg(feature = "cli")]
pub mod cli;
#[cfg(feature = "cli")]
pub mod cluster;
#[cfg(feature = "cli")]
pub mod config;
#[cfg(feature = "cli")]
pub mod install;
#[cfg(feature = "cli")]
pub mod report;
#[cfg(feature = "cli")]
pub mod review;
#[cfg(feature = "cli")]
pub mod server;
#[cfg(feature = "cli")]
pub mod telemetry;
