//! The webhook's caller: HTTP/1.1 over TLS on one connection, as the API server calls.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde::Deserialize;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::certs::crypto_provider;
use crate::policy::Phase;

/// A connection to the webhook.
pub(super) struct Client {
    sender: SendRequest<Full<Bytes>>,
    times: Vec<Duration>,
}

/// What the webhook answered.
pub(super) struct Answer {
    pub(super) denial: Option<Denial>,
    /// The JSON Patch.
    pub(super) patch: Option<Vec<u8>>,
    pub(super) warnings: Vec<String>,
    /// The exceptions that it notes in the audit log.
    pub(super) exceptions: Option<String>,
}

/// A refusal.
#[derive(Deserialize)]
pub(super) struct Denial {
    pub(super) code: u16,
    pub(super) message: String,
}

#[derive(Deserialize)]
struct AdmissionReview {
    response: Response,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Response {
    allowed: bool,
    #[serde(default)]
    status: Option<Denial>,
    #[serde(default)]
    patch: Option<String>,
    #[serde(default)]
    warnings: Vec<String>,
    #[serde(default)]
    audit_annotations: BTreeMap<String, String>,
}

impl Client {
    /// Connects to the webhook at `address`, whose certificate `authority` signed.
    pub(super) async fn connect(address: SocketAddr, authority: CertificateDer<'static>) -> anyhow::Result<Self> {
        let mut roots = RootCertStore::empty();
        roots.add(authority)?;
        let mut settings = ClientConfig::builder_with_provider(crypto_provider())
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        settings.alpn_protocols = vec![b"http/1.1".to_vec()];
        let stream = TcpStream::connect(address).await.with_context(|| format!("cannot connect to {address}"))?;
        stream.set_nodelay(true)?;
        let name = ServerName::IpAddress(address.ip().into());
        let stream = TlsConnector::from(Arc::new(settings)).connect(name, stream).await?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        // It ends with the sender; an error shows in the answer that does not come.
        tokio::spawn(connection);
        Ok(Self { sender, times: Vec::new() })
    }

    /// Posts a review.
    pub(super) async fn ask(&mut self, phase: Phase, policy: &str, review: Vec<u8>) -> anyhow::Result<Answer> {
        let request = Request::post(format!("/{}/{policy}?timeout=3s", phase.as_str()))
            .header(header::HOST, "localhost")
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(review)))?;
        let asked = Instant::now();
        let response = self.sender.send_request(request).await?;
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        self.times.push(asked.elapsed());
        if status != StatusCode::OK {
            bail!("the webhook answers {status}: {}", String::from_utf8_lossy(&body).trim());
        }
        let AdmissionReview { mut response } =
            serde_json::from_slice(&body).context("the answer is no AdmissionReview")?;
        let denial = match (response.allowed, response.status) {
            (true, _) => None,
            (false, Some(denial)) => Some(denial),
            (false, None) => return Err(anyhow!("the webhook refuses without a reason")),
        };
        let patch = response.patch.map(|patch| STANDARD.decode(patch)).transpose()?;
        Ok(Answer {
            denial,
            patch,
            warnings: response.warnings,
            exceptions: response.audit_annotations.remove("exceptions"),
        })
    }

    /// How long each answer took.
    pub(super) fn times(&self) -> &[Duration] {
        &self.times
    }
}
