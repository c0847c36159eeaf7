//! Callers over TLS and HTTP/1.1 with connections that are kept, as cheap as they can be: requests are written ahead of time,
//! and of an answer only what is needed is looked at. They must not be what limits the server.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use memchr::memmem;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::bodies::Call;

/// How a caller connects.
#[derive(Clone)]
pub(crate) struct Caller {
    connector: TlsConnector,
    address: SocketAddr,
}

impl Caller {
    /// Calls `address`, whose certificate `authority` signed. No session is ever resumed, as the API server's are not.
    pub(crate) fn new(address: SocketAddr, authority: &CertificateDer<'static>) -> anyhow::Result<Self> {
        let mut roots = RootCertStore::empty();
        roots.add(authority.clone())?;
        let mut settings = ClientConfig::builder_with_provider(tokenward::certs::crypto_provider())
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        settings.alpn_protocols = vec![b"http/1.1".to_vec()];
        settings.resumption = rustls::client::Resumption::disabled();
        Ok(Self { connector: TlsConnector::from(Arc::new(settings)), address })
    }

    pub(crate) async fn connect(&self) -> io::Result<Connection> {
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        let name = ServerName::try_from("localhost").map_err(io::Error::other)?;
        let stream = self.connector.connect(name, stream).await?;
        Ok(Connection { stream, buffer: Vec::with_capacity(16 * 1024) })
    }
}

/// The bytes of a request.
pub(crate) fn request(path: &str, body: &[u8]) -> Vec<u8> {
    let mut request = format!(
        "POST {path} HTTP/1.1\r\nHost: tokenward.tokenward.svc:443\r\nUser-Agent: kube-apiserver-admission\r\n\
         Content-Length: {}\r\nAccept: application/json, */*\r\nContent-Type: application/json\r\n\
         Accept-Encoding: gzip\r\n\r\n",
        body.len()
    )
    .into_bytes();
    request.extend_from_slice(body);
    request
}

/// An open connection.
pub(crate) struct Connection {
    stream: TlsStream<TcpStream>,
    buffer: Vec<u8>,
}

impl Connection {
    /// Sends a request and reads the whole answer.
    pub(crate) async fn ask(&mut self, request: &[u8]) -> anyhow::Result<Answer<'_>> {
        self.stream.write_all(request).await?;
        self.stream.flush().await?;
        self.buffer.clear();
        let head = loop {
            self.read_more().await?;
            if let Some(end) = memmem::find(&self.buffer, b"\r\n\r\n") {
                break end + 4;
            }
        };
        let length = content_length(&self.buffer[..head]).context("an answer without a length")?;
        while self.buffer.len() < head + length {
            self.read_more().await?;
        }
        let (head, body) = self.buffer.split_at(head);
        Ok(Answer { head, body })
    }

    async fn read_more(&mut self) -> io::Result<()> {
        match self.stream.read_buf(&mut self.buffer).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}

/// A whole answer.
pub(crate) struct Answer<'b> {
    head: &'b [u8],
    pub(crate) body: &'b [u8],
}

impl Answer<'_> {
    pub(crate) fn status(&self) -> &str {
        let digits = self.head.get(9..12).unwrap_or_default();
        str::from_utf8(digits).unwrap_or_default()
    }

    pub(crate) fn has_header(&self, name: &str) -> bool {
        let head = String::from_utf8_lossy(self.head).to_ascii_lowercase();
        head.contains(&format!("\r\n{name}:"))
    }

    pub(crate) fn closes(&self) -> bool {
        memmem::find(self.head, b"connection: close").is_some()
    }
}

fn content_length(head: &[u8]) -> Option<usize> {
    let at = memmem::find(head, b"content-length: ")? + b"content-length: ".len();
    let digits = head[at..].split(|byte| *byte == b'\r').next()?;
    str::from_utf8(digits).ok()?.parse().ok()
}

/// Callers that ask one question again and again.
pub(crate) struct Crowd {
    connections: Vec<Connection>,
}

/// What a crowd saw in one round.
pub(crate) struct Seen {
    /// Sorted.
    pub(crate) times: Vec<Duration>,
    pub(crate) took: Duration,
}

impl Crowd {
    pub(crate) async fn connect(caller: &Caller, callers: usize) -> anyhow::Result<Self> {
        let mut connections = Vec::new();
        for _ in 0..callers {
            connections.push(caller.connect().await?);
        }
        Ok(Self { connections })
    }

    /// Each caller asks as soon as it has its answer, for as long as `lasts`. Every answer has to hold `expected`.
    pub(crate) async fn ask(
        &mut self,
        request: &Arc<[u8]>,
        expected: &'static str,
        lasts: Duration,
    ) -> anyhow::Result<Seen> {
        let begun = Instant::now();
        let callers = self.connections.drain(..).map(|mut connection| {
            let request = Arc::clone(request);
            tokio::spawn(async move {
                let mut times = Vec::with_capacity(1 << 14);
                while begun.elapsed() < lasts {
                    let asked = Instant::now();
                    let answer = connection.ask(&request).await?;
                    times.push(asked.elapsed());
                    if answer.status() != "200" || memmem::find(answer.body, expected.as_bytes()).is_none() {
                        bail!("{} {}", answer.status(), String::from_utf8_lossy(answer.body));
                    }
                }
                Ok((connection, times))
            })
        });
        let callers: Vec<_> = callers.collect();
        let mut times = Vec::new();
        for caller in callers {
            let (connection, its) = caller.await??;
            self.connections.push(connection);
            times.extend(its);
        }
        let took = begun.elapsed();
        times.sort_unstable();
        Ok(Seen { times, took })
    }
}

/// The request of a call, to be shared by callers.
pub(crate) fn shared_request(call: &Call) -> Arc<[u8]> {
    request(call.path, &call.body).into()
}

/// Runs callers on this thread alone.
pub(crate) fn on_one_thread<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work)
}
