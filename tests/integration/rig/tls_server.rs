//! Webhooks of the tests' own.

use std::io;
use std::sync::Arc;

use axum::Router;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use rcgen::{CertificateParams, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivatePkcs8KeyDer;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;

use super::host::host_address;

/// Answers with a router, over TLS, until it is dropped.
pub(crate) struct TlsServer {
    /// Where, without a slash at its end.
    pub(crate) url: String,
    /// The certificate to trust, as PEM.
    pub(crate) authority: String,
    _runtime: Runtime,
}

impl TlsServer {
    /// Listens on a free port of an address that is not a loopback one.
    pub(crate) fn start(router: Router) -> io::Result<Self> {
        let host = host_address();
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let certificate = CertificateParams::new([host.to_string()])
            .and_then(|parameters| parameters.self_signed(&key))
            .map_err(io::Error::other)?;
        let tls = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|config| {
                let key = PrivatePkcs8KeyDer::from(key.serialize_der()).into();
                config.with_no_client_auth().with_single_cert(vec![certificate.der().clone()], key)
            })
            .map_err(io::Error::other)?;
        let runtime = Runtime::new()?;
        let listener = runtime.block_on(TcpListener::bind((host, 0)))?;
        let url = format!("https://{}", listener.local_addr()?);
        runtime.spawn(accept(listener, TlsAcceptor::from(Arc::new(tls)), router));
        Ok(Self { url, authority: certificate.pem(), _runtime: runtime })
    }
}

async fn accept(listener: TcpListener, tls: TlsAcceptor, router: Router) {
    let service = TowerToHyperService::new(router);
    while let Ok((stream, _)) = listener.accept().await {
        let (tls, service) = (tls.clone(), service.clone());
        tokio::spawn(async move {
            let Ok(stream) = tls.accept(stream).await else { return };
            // A connection that breaks shows in the API server's error.
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}
