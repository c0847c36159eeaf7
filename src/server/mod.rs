//! The webhook server.
//!
//! ```text
//! TCP ─► TLS (handshake deadline) ─► HTTP/1.1 (exchange, pace) ─► route names policy and phase
//!   ─► intake (content type, body limit, bytes in flight, reviews in flight, deadline) ─► bytes
//!   ─► PolicySet::answer ─► bytes ─► 200 ─► metrics and one log line
//! ```
//!
//! Everything that can fail for want of a file is read at the start; from then on a request touches no file, no network
//! and no other process. Files are read again on a thread of their own.

mod address;
mod admin;
mod bare;
mod budget;
mod connection;
mod connections;
mod deadline;
mod descriptors;
mod exchange;
mod fingerprint;
mod handshake;
mod intake;
mod lifecycle;
mod listener;
mod memory;
mod pace;
mod refusal;
mod reload;
mod reviews;
mod settings;
mod sources;
mod start;
mod unfinished;

pub use address::{BadAddress, BindError, ListenAddress};
#[doc(hidden)]
pub use bare::Bare;
pub use deadline::parse_go_duration;
pub use settings::{CertificateSource, Clients, Drain, Limits, PolicySource, Settings};
pub use start::{Server, StartError};
