//! Start-up, as a story: what can go wrong for want of a file goes wrong before a port is open, and no review is taken in
//! before everything that decides on it is there.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use rustls::ServerConfig;
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use super::address::{BindError, bind};
use super::admin::Admin;
use super::connection::Protocol;
use super::connections::Connections;
use super::handshake::RefusedHandshakes;
use super::lifecycle::{Lifecycle, Stage};
use super::listener::Listener;
use super::reload::{Reloader, Watch};
use super::reviews::Reviews;
use super::settings::{Limits, Settings};
use super::sources;
use super::unfinished::Unfinished;
use super::{descriptors, memory};
use crate::certs::{CertificateResolver, ClientAuthority, PairError, crypto_provider};
use crate::config;
use crate::telemetry::Metrics;

/// Connections to the admin port: probes, a scrape, somebody's curl. Each is for one request, and one that does not make it
/// gives way to the next, so that nobody can keep the kubelet out.
const ADMIN_CONNECTIONS: usize = 16;

/// A running server.
pub struct Server {
    address: SocketAddr,
    admin_address: SocketAddr,
    lifecycle: Arc<Lifecycle>,
    ended: JoinHandle<()>,
    _reloader: Option<Reloader>,
}

/// Why a server cannot start. Each text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A port cannot be opened.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// A policy or inventory file cannot be used.
    #[error(transparent)]
    Config(#[from] config::Error),
    /// The certificate cannot be served.
    #[error("no usable certificate: {0}")]
    Certificate(#[from] PairError),
    /// The authority for callers' certificates cannot be used.
    #[error("no usable authority for client certificates: {0}")]
    ClientAuthority(#[source] PairError),
    /// TLS refuses its own settings.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
    /// The system refuses a socket or a thread.
    #[error("the system refuses: {0}")]
    System(#[from] std::io::Error),
}

impl Server {
    /// Starts a server; it must be called within a tokio runtime. Dropping the result leaves the server
    /// running, with the files that it has read.
    ///
    /// # Errors
    /// When a file is missing or bad, or a port cannot be opened.
    pub fn start(settings: Settings) -> Result<Self, StartError> {
        Self::start_with(settings, Reviews::router)
    }

    /// The same server with other answers: what the benchmark compares with.
    ///
    /// # Errors
    /// As [`Server::start`].
    #[doc(hidden)]
    pub fn start_routing(settings: Settings, router: Router) -> Result<Self, StartError> {
        Self::start_with(settings, |_| router)
    }

    fn start_with(settings: Settings, router: impl FnOnce(Arc<Reviews>) -> Router) -> Result<Self, StartError> {
        let limits = settings.limits.within(descriptors::raise_limit(), memory::limit());
        let mut sources = Vec::new();
        let policies = sources::policies(settings.policies, &mut sources)?;
        let inventory = sources::inventory(settings.inventories, &mut sources)?;
        let admin_socket = bind(settings.admin_listen, "--admin-listen")?;
        let certificate = sources::certificate(settings.certificate, &mut sources)?;
        let clients = sources::client_authority(settings.clients, &mut sources).map_err(StartError::ClientAuthority)?;

        let metrics = Metrics::new(Arc::clone(&certificate), Arc::clone(&policies));
        let lifecycle = Lifecycle::new();
        let admin = Admin {
            lifecycle: Arc::clone(&lifecycle),
            certificate: Arc::clone(&certificate),
            metrics: metrics.clone(),
        };
        let admin_address = admin_socket.local_addr()?;
        answer_probes(admin_socket, admin, &limits);

        let socket = bind(settings.listen, "--listen")?;
        let address = socket.local_addr()?;
        let connections = Connections::new(limits.connections);
        let unfinished = Unfinished::new(limits.handshakes);
        let reviews = Reviews::new(policies, inventory, metrics.clone(), limits.clone());
        let listener = Listener {
            socket,
            protocol: Arc::new(Protocol {
                tls: Some(TlsAcceptor::from(Arc::new(tls_settings(Arc::clone(&certificate), clients)?))),
                router: router(reviews),
                limits,
                keep_alive: true,
                lifecycle: Arc::clone(&lifecycle),
                metrics: Some(metrics.clone()),
                refused: RefusedHandshakes::default(),
            }),
            connections: Arc::clone(&connections),
            unfinished,
            lifecycle: Arc::clone(&lifecycle),
        };
        tokio::spawn(listener.run());

        let watch = Watch { sources, certificate, metrics, poll: settings.poll };
        let reloader = watch.start()?;
        let ended = tokio::spawn(Arc::clone(&lifecycle).run(connections, settings.drain));
        lifecycle.enter(Stage::Serving);
        Ok(Self { address, admin_address, lifecycle, ended, _reloader: reloader })
    }

    /// Where reviews are answered.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where probes and metrics are answered.
    #[must_use]
    pub const fn admin_address(&self) -> SocketAddr {
        self.admin_address
    }

    /// Asks the server to end without losing a call, as the first signal does.
    pub fn drain(&self) {
        self.lifecycle.enter(Stage::Leaving);
    }

    /// Ends the server at once, as the second signal does.
    pub fn stop(&self) {
        self.lifecycle.enter(Stage::Stopped);
    }

    /// Waits until the server has ended.
    pub async fn ended(&mut self) {
        // It neither panics nor is it cancelled while the runtime lives.
        let _ = (&mut self.ended).await;
    }
}

fn answer_probes(socket: TcpListener, admin: Admin, limits: &Limits) {
    let lifecycle = Arc::clone(&admin.lifecycle);
    let protocol = Protocol {
        tls: None,
        router: admin.router(),
        // Nobody is harmed when a scraper has to connect anew.
        limits: Limits { idle: limits.slow, ..limits.clone() },
        keep_alive: false,
        lifecycle: Arc::clone(&lifecycle),
        metrics: None,
        refused: RefusedHandshakes::default(),
    };
    let connections = Connections::new(ADMIN_CONNECTIONS);
    let unfinished = Unfinished::new(ADMIN_CONNECTIONS);
    tokio::spawn(Listener { socket, protocol: Arc::new(protocol), connections, unfinished, lifecycle }.run());
}

/// TLS 1.2 and 1.3, HTTP/1.1 only.
fn tls_settings(
    certificate: Arc<CertificateResolver>,
    clients: Option<Arc<ClientAuthority>>,
) -> Result<ServerConfig, rustls::Error> {
    let clients: Arc<dyn ClientCertVerifier> = match clients {
        Some(authority) => authority,
        None => WebPkiClientVerifier::no_client_auth(),
    };
    let mut settings = ServerConfig::builder_with_provider(crypto_provider())
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
        .with_client_cert_verifier(clients)
        .with_cert_resolver(certificate);
    // The API server offers HTTP/2 to loopback addresses only; a client that offers nothing else is refused.
    settings.alpn_protocols = vec![b"http/1.1".to_vec()];
    // It never resumes a session either, so there is none to remember.
    settings.session_storage = Arc::new(NoServerSessionStorage {});
    settings.send_tls13_tickets = 0;
    Ok(settings)
}
