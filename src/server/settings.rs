//! What a server is started with.

use std::path::PathBuf;
use std::time::Duration;

use super::ListenAddress;
use super::descriptors::connections_within;
use super::memory::bodies_within;
use crate::certs::Pair;
use crate::policy::PolicySet;

/// Everything that a server needs to know.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where the API server calls.
    pub listen: ListenAddress,
    /// Where probes and metrics are answered, in plain HTTP.
    pub admin_listen: ListenAddress,
    /// The serving certificate.
    pub certificate: CertificateSource,
    /// Whose certificates callers must show; without it, none is asked for.
    pub clients: Option<Clients>,
    /// The policies that are there beside the built-in ones, or in their place.
    pub policies: PolicySource,
    /// Inventory files and directories.
    pub inventories: Vec<PathBuf>,
    /// Bounds on what is taken in.
    pub limits: Limits,
    /// How serving ends.
    pub drain: Drain,
    /// How often files are compared by content, beside being watched.
    pub poll: Duration,
}

impl Settings {
    /// The settings of a server with a certificate from memory, on free loopback ports and with the built-in policies.
    #[must_use]
    pub fn in_memory(pair: Pair) -> Self {
        Self {
            listen: ListenAddress::loopback(0),
            admin_listen: ListenAddress::loopback(0),
            certificate: CertificateSource::Memory(Box::new(pair)),
            clients: None,
            policies: PolicySource::Files(Vec::new()),
            inventories: Vec::new(),
            limits: Limits::default(),
            drain: Drain::at_once(),
            poll: Duration::from_secs(5),
        }
    }
}

/// Where the serving certificate comes from.
#[derive(Clone, Debug)]
pub enum CertificateSource {
    /// A directory with `tls.crt` and `tls.key`, read again when they change.
    Directory(PathBuf),
    /// One that was made for this process.
    Memory(Box<Pair>),
}

/// The callers that are let in.
#[derive(Clone, Debug)]
pub struct Clients {
    /// The authorities that sign their certificates, as PEM, read again when the file changes.
    pub authority: PathBuf,
    /// Common names or DNS names, one of which a certificate must have; empty when every certificate of theirs is good.
    pub names: Vec<String>,
}

/// Where policies come from.
#[derive(Clone, Debug)]
pub enum PolicySource {
    /// Files and directories, read again when they change.
    Files(Vec<PathBuf>),
    /// Policies that were read for this process.
    Memory(Box<PolicySet>),
}

/// Bounds on what is taken in.
#[derive(Clone, Debug)]
pub struct Limits {
    /// The largest request body, in bytes.
    pub body: usize,
    /// All bodies in flight together, in bytes.
    pub bodies: usize,
    /// Reviews in flight; one more is answered 429.
    pub reviews: usize,
    /// Open connections; for one more the oldest that has not come to a call gives way, or else it is closed at once.
    pub connections: usize,
    /// TLS handshakes under way; one more ends the oldest, one that has not begun before one that has.
    pub handshakes: usize,
    /// For the whole TLS handshake.
    pub handshake: Duration,
    /// For the head of a request, from its first byte; also for its body, and for a caller that does not take the answer.
    pub slow: Duration,
    /// For a connection without a request. The API server drops its idle connections after 90 s; a server that drops them
    /// first loses the call that is just coming.
    pub idle: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: 16 * 1024 * 1024,
            bodies: 64 * 1024 * 1024,
            reviews: 1024,
            connections: 2048,
            handshakes: 1024,
            handshake: Duration::from_secs(5),
            slow: Duration::from_secs(10),
            idle: Duration::from_mins(3),
        }
    }
}

impl Limits {
    /// The same with no more connections than fit into a limit of file descriptors, and no more bytes of bodies than fit
    /// into one of memory.
    pub(super) fn within(mut self, descriptors: Option<usize>, memory: Option<usize>) -> Self {
        let connections = connections_within(descriptors, self.connections);
        if connections < self.connections {
            tracing::warn!(descriptors, connections, "the limit of file descriptors leaves room for few connections");
        }
        self.connections = connections;
        let bodies = bodies_within(memory, self.bodies);
        if bodies < self.bodies {
            tracing::warn!(memory, bodies, "the memory limit leaves room for few bytes of requests in flight");
        }
        self.bodies = bodies;
        self
    }
}

/// How serving ends, counted from the first signal.
#[derive(Clone, Debug)]
pub struct Drain {
    /// When answers begin to carry `Connection: close`: by then the endpoint has been withdrawn, and a caller that
    /// reconnects reaches another replica.
    pub close_after: Duration,
    /// New connections are accepted at least until then.
    pub accept_for: Duration,
    /// The latest end: a little more than the API server keeps an idle connection.
    pub limit: Duration,
}

impl Drain {
    /// No waiting for callers that may still come: ends with the last connection.
    #[must_use]
    pub const fn at_once() -> Self {
        Self { close_after: Duration::ZERO, accept_for: Duration::ZERO, limit: Duration::from_secs(1) }
    }
}

impl Default for Drain {
    fn default() -> Self {
        Self {
            close_after: Duration::from_secs(5),
            accept_for: Duration::from_secs(15),
            limit: Duration::from_secs(95),
        }
    }
}
