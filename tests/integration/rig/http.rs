//! Requests to the API server without a client in between: the status code, the warnings and the answer as they are.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::Value;

/// Longer than the API server itself lets a request take.
const PATIENCE: Duration = Duration::from_secs(40);

/// What the API server said.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The HTTP status code.
    pub(crate) code: u16,
    /// The texts of the `Warning` headers, in order.
    pub(crate) warnings: Vec<String>,
    /// The object, or the `Status`; text that is not JSON is a string.
    pub(crate) body: Value,
}

impl Answer {
    /// The object of an answer that must be a success.
    #[track_caller]
    pub(crate) fn expect_success(self) -> Value {
        assert!((200..300).contains(&self.code), "the API server answered {}: {:#}", self.code, self.body);
        self.body
    }

    /// The `Status` of an answer that must have this code.
    #[track_caller]
    pub(crate) fn expect_code(self, code: u16) -> Value {
        assert_eq!(self.code, code, "the API server answered {:#}", self.body);
        self.body
    }
}

/// The way to one HTTPS server on this machine.
pub(crate) struct Endpoint {
    address: SocketAddr,
    tls: Arc<ClientConfig>,
}

impl Endpoint {
    /// `authority` is the PEM file of who signed the server's certificate.
    pub(crate) fn new(port: u16, authority: &Path) -> io::Result<Self> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(authority).map_err(io::Error::other)?).map_err(io::Error::other)?;
        let tls = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self { address: (Ipv4Addr::LOCALHOST, port).into(), tls: Arc::new(tls) })
    }

    /// One request on one connection. The content type matters for `PATCH` only; other bodies are JSON.
    pub(crate) fn send(
        &self,
        token: &str,
        method: &str,
        path: &str,
        body: Option<(&str, &Value)>,
    ) -> io::Result<Answer> {
        let stream = TcpStream::connect(self.address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let name = ServerName::from(self.address.ip());
        let session = ClientConnection::new(Arc::clone(&self.tls), name).map_err(io::Error::other)?;
        let mut stream = StreamOwned::new(session, stream);

        // HTTP/1.0, so that the answer is never chunked and ends where the connection ends.
        let mut request = format!(
            "{method} {path} HTTP/1.0\r\nHost: {}\r\nAuthorization: Bearer {token}\r\nAccept: application/json\r\n",
            self.address
        );
        if let Some((content_type, body)) = body {
            let body = body.to_string();
            let length = body.len().to_string();
            request.extend(["Content-Type: ", content_type, "\r\nContent-Length: ", &length, "\r\n\r\n", &body]);
        } else {
            request.push_str("\r\n");
        }
        stream.write_all(request.as_bytes())?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        parse(&answer).ok_or_else(|| io::Error::other(format!("{method} {path}: the answer is no HTTP")))
    }
}

fn parse(answer: &[u8]) -> Option<Answer> {
    let end_of_head = answer.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&answer[..end_of_head]).ok()?;
    let body = &answer[end_of_head + 4..];
    let mut lines = head.split("\r\n");
    let code = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let warnings = lines
        .filter_map(|line| line.split_once(": "))
        .filter(|(name, _)| name.eq_ignore_ascii_case("warning"))
        .map(|(_, value)| warning_text(value))
        .collect();
    let body = serde_json::from_slice(body).unwrap_or_else(|_| String::from_utf8_lossy(body).into_owned().into());
    Some(Answer { code, warnings, body })
}

/// The text in `299 - "text"`, with the quoting of RFC 9110 undone.
fn warning_text(value: &str) -> String {
    let quoted = value.split_once('"').map_or(value, |(_, rest)| rest.strip_suffix('"').unwrap_or(rest));
    let mut text = String::with_capacity(quoted.len());
    let mut characters = quoted.chars();
    while let Some(character) = characters.next() {
        text.extend(if character == '\\' { characters.next() } else { Some(character) });
    }
    text
}
