//! A caller that behaves as an API server does: HTTP/1.1 over TLS, connections kept, a POST that failed not repeated.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_TYPE, HOST};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, ProtocolVersion, RootCertStore, SupportedProtocolVersion};
use tokenward::certs::Issued;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// What a webhook configuration says: an authority to trust, and the name to ask for.
#[derive(Clone)]
pub(crate) struct Caller {
    settings: Arc<ClientConfig>,
    name: ServerName<'static>,
}

impl Caller {
    /// Trusts `authority` and asks for `name`, by any version of TLS.
    pub(crate) fn new(authority: CertificateDer<'static>, name: &str) -> Self {
        Self::with(authority, name, &[&rustls::version::TLS13, &rustls::version::TLS12], &[b"http/1.1"])
    }

    pub(crate) fn with(
        authority: CertificateDer<'static>,
        name: &str,
        versions: &[&'static SupportedProtocolVersion],
        protocols: &[&[u8]],
    ) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(authority).unwrap();
        let mut settings = ClientConfig::builder_with_provider(tokenward::certs::crypto_provider())
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        settings.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        settings.resumption = rustls::client::Resumption::disabled();
        Self { settings: Arc::new(settings), name: ServerName::try_from(name.to_owned()).unwrap() }
    }

    /// The same, and shows a certificate when it is asked for one.
    pub(crate) fn with_certificate(authority: CertificateDer<'static>, name: &str, shown: &Issued) -> Self {
        let mut caller = Self::new(authority, name);
        let chain = CertificateDer::pem_slice_iter(shown.certificate.as_bytes()).map(Result::unwrap).collect();
        let key = PrivateKeyDer::from_pem_slice(shown.key.as_bytes()).unwrap();
        let signer = tokenward::certs::crypto_provider().key_provider.load_private_key(key).unwrap();
        let certified = CertifiedKey::new(chain, signer);
        let settings = Arc::get_mut(&mut caller.settings).unwrap();
        settings.client_auth_cert_resolver = Arc::new(SingleCertAndKey::from(certified));
        caller
    }

    /// A stream after the handshake, for those who write by hand.
    pub(crate) async fn connect_raw(&self, address: SocketAddr) -> io::Result<TlsStream<TcpStream>> {
        self.handshake(TcpStream::connect(address).await?).await
    }

    /// The same on a connection that is there already.
    pub(crate) async fn handshake(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        TlsConnector::from(Arc::clone(&self.settings)).connect(self.name.clone(), stream).await
    }

    /// A connection for one call after the other.
    pub(crate) async fn connect<B>(&self, address: SocketAddr) -> io::Result<Connection<B>>
    where
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let stream = self.connect_raw(address).await?;
        let (_, session) = stream.get_ref();
        let version = session.protocol_version();
        let leaf = session.peer_certificates().and_then(|chain| chain.first()).cloned();
        let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
        tokio::spawn(connection);
        Ok(Connection { sender, version, leaf })
    }

    /// One call on a connection of its own.
    pub(crate) async fn post(&self, address: SocketAddr, path: &str, body: impl Into<Bytes>) -> Reply {
        self.connect(address).await.unwrap().post(path, body).await.unwrap()
    }
}

/// An open connection.
pub(crate) struct Connection<B = Full<Bytes>> {
    sender: SendRequest<B>,
    pub(crate) version: Option<ProtocolVersion>,
    pub(crate) leaf: Option<CertificateDer<'static>>,
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Reply {
    /// A header's value, empty without one.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Whether the server asks for no further call on this connection.
    pub(crate) fn closes(&self) -> bool {
        self.header(CONNECTION.as_str()) == "close"
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

impl<B> Connection<B>
where
    B: Body + 'static,
{
    /// Whether the other side has closed it.
    pub(crate) fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    /// Sends a request; it fails when the connection does, and is not sent again.
    pub(crate) async fn send(&mut self, request: Request<B>) -> hyper::Result<Reply> {
        self.sender.ready().await?;
        let answer = self.sender.send_request(request).await?;
        let (head, body) = answer.into_parts();
        let body = body.collect().await?.to_bytes();
        let body = String::from_utf8(body.to_vec()).unwrap();
        Ok(Reply { status: head.status, headers: head.headers, body })
    }
}

impl Connection {
    /// Posts JSON.
    pub(crate) async fn post(&mut self, path: &str, body: impl Into<Bytes>) -> hyper::Result<Reply> {
        self.send(post(path, Full::new(body.into()))).await
    }
}

/// A POST as an API server makes it.
pub(crate) fn post<B>(path: &str, body: B) -> Request<B> {
    Request::builder()
        .method(Method::POST)
        .uri(path)
        .header(HOST, "tokenward.tokenward.svc:443")
        .header(CONTENT_TYPE, "application/json")
        .body(body)
        .unwrap()
}
