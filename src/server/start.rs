//! Start-up, as a story: what can go wrong for want of a file goes wrong before a port is open, and no review is taken in
//! before everything that decides on it is there.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::server::NoServerSessionStorage;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use super::address::{BindError, bind};
use super::admin::Admin;
use super::connection::Protocol;
use super::connections::Connections;
use super::fingerprint::Fingerprint;
use super::lifecycle::{Lifecycle, Stage};
use super::listener::Listener;
use super::reload::{Reloader, Source, Watch};
use super::reviews::Reviews;
use super::settings::{CertificateSource, Limits, PolicySource, Settings};
use crate::certs::{CERTIFICATE_FILE, CertificateResolver, KEY_FILE, Pair, PairError, crypto_provider};
use crate::config;
use crate::telemetry::{Metrics, Reloaded};

/// Connections to the admin port: probes, a scrape, somebody's curl.
const ADMIN_CONNECTIONS: usize = 64;

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
    /// TLS refuses its own settings.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
    /// The system refuses a socket or a thread.
    #[error("the system refuses: {0}")]
    System(#[from] std::io::Error),
}

impl Server {
    /// Starts a server; it must be called within a tokio runtime. Dropping the result leaves the server running.
    ///
    /// # Errors
    /// When a file is missing or bad, or a port cannot be opened.
    pub fn start(settings: Settings) -> Result<Self, StartError> {
        let mut sources = Vec::new();
        let policies = match settings.policies {
            PolicySource::Files(paths) => load(Reloaded::Policy, paths, config::load_policies, &mut sources)?,
            PolicySource::Memory(policies) => Arc::new(ArcSwap::from_pointee(*policies)),
        };
        let inventory = load(Reloaded::Inventory, settings.inventories, config::load_inventory, &mut sources)?;

        let admin_socket = bind(settings.admin_listen, "--admin-listen")?;
        let admin_address = admin_socket.local_addr()?;
        let certificate = load_certificate(settings.certificate, &mut sources)?;
        let metrics = Metrics::new(Arc::clone(&certificate), Arc::clone(&policies));
        let lifecycle = Lifecycle::new();
        let admin = Admin {
            lifecycle: Arc::clone(&lifecycle),
            certificate: Arc::clone(&certificate),
            metrics: metrics.clone(),
        };
        let admin_listener = Listener {
            socket: admin_socket,
            protocol: Arc::new(Protocol {
                tls: None,
                router: admin.router(),
                limits: Limits { idle: settings.limits.slow, ..settings.limits.clone() },
                lifecycle: Arc::clone(&lifecycle),
                metrics: None,
            }),
            connections: Connections::new(ADMIN_CONNECTIONS),
            lifecycle: Arc::clone(&lifecycle),
        };
        tokio::spawn(admin_listener.run());

        let tls = TlsAcceptor::from(Arc::new(tls_settings(Arc::clone(&certificate))?));
        let socket = bind(settings.listen, "--listen")?;
        let address = socket.local_addr()?;
        let connections = Connections::new(settings.limits.connections);
        let reviews = Reviews::new(policies, inventory, metrics.clone(), settings.limits.clone());
        let listener = Listener {
            socket,
            protocol: Arc::new(Protocol {
                tls: Some(tls),
                router: reviews.router(),
                limits: settings.limits,
                lifecycle: Arc::clone(&lifecycle),
                metrics: Some(metrics.clone()),
            }),
            connections: Arc::clone(&connections),
            lifecycle: Arc::clone(&lifecycle),
        };
        tokio::spawn(listener.run());

        let reloader = if sources.is_empty() {
            None
        } else {
            Some(Watch { sources, certificate, metrics, poll: settings.poll }.start()?)
        };
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

/// Reads files for the first time, and remembers how to read them again.
fn load<T, E>(
    what: Reloaded,
    paths: Vec<PathBuf>,
    read: fn(&[PathBuf]) -> Result<T, E>,
    sources: &mut Vec<Source>,
) -> Result<Arc<ArcSwap<T>>, E>
where
    T: Send + Sync + 'static,
    E: std::fmt::Display + 'static,
{
    let seen = Fingerprint::of(&paths);
    let published = Arc::new(ArcSwap::from_pointee(read(&paths)?));
    if !paths.is_empty() {
        let (target, files) = (Arc::clone(&published), paths.clone());
        sources.push(Source::new(what, paths, seen, move || {
            read(&files).map(|value| target.store(Arc::new(value))).map_err(|error| error.to_string())
        }));
    }
    Ok(published)
}

fn load_certificate(
    source: CertificateSource,
    sources: &mut Vec<Source>,
) -> Result<Arc<CertificateResolver>, StartError> {
    let directory = match source {
        CertificateSource::Memory(pair) => return Ok(Arc::new(CertificateResolver::new(*pair))),
        CertificateSource::Directory(directory) => directory,
    };
    let files = vec![directory.join(CERTIFICATE_FILE), directory.join(KEY_FILE)];
    let seen = Fingerprint::of(&files);
    let resolver = Arc::new(CertificateResolver::new(Pair::load(&directory)?));
    let target = Arc::clone(&resolver);
    sources.push(Source::new(Reloaded::Certificate, files, seen, move || {
        Pair::load(&directory).map(|pair| target.replace(pair)).map_err(|error| error.to_string())
    }));
    Ok(resolver)
}

/// TLS 1.2 and 1.3, HTTP/1.1 only.
fn tls_settings(certificate: Arc<CertificateResolver>) -> Result<ServerConfig, rustls::Error> {
    let mut settings = ServerConfig::builder_with_provider(crypto_provider())
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
        .with_no_client_auth()
        .with_cert_resolver(certificate);
    // The API server offers HTTP/2 to loopback addresses only; a client that offers nothing else is refused.
    settings.alpn_protocols = vec![b"http/1.1".to_vec()];
    // It never resumes a session either, so there is none to remember.
    settings.session_storage = Arc::new(NoServerSessionStorage {});
    settings.send_tls13_tickets = 0;
    Ok(settings)
}
