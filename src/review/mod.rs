//! Manifests and recorded reviews, decided on exactly as the webhook would.
//!
//! ```text
//!   files ──► documents ──► objects ──┬─► what they say of the cluster: accounts, Secrets, labels
//!                                     └─► completed as the API server would ──► AdmissionReview bytes
//!                                                          ──► PolicySet::answer ──► report::Verdict
//! ```
//!
//! There is no second decision path: what is judged are the bytes of an AdmissionReview, made here or recorded.

mod account_plugin;
mod candidates;
mod change;
mod complete;
mod context;
mod creation;
mod diff;
mod document;
mod excerpt;
mod input;
mod json;
mod judge;
mod manifest;
mod misfit;
mod node;
mod object;
mod recorded;
mod request;
mod source;
mod yaml;

pub use candidates::{Candidate, Candidates};
pub use creation::Creation;
pub use input::Input;
pub use judge::{Phases, Review};
pub use source::{Position, Source, read};
