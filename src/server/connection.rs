//! One connection, from the handshake to the last byte.

use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use axum::Router;
use bytes::Bytes;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1::{self, Parts};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::time::{timeout, timeout_at};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt as _;

use super::Limits;
use super::connections::Connections;
use super::exchange::Exchange;
use super::handshake::RefusedHandshakes;
use super::lifecycle::Lifecycle;
use super::pace::Paced;
use super::unfinished::Turn;
use crate::telemetry::{Metrics, Shed};

/// The largest head, and what hyper keeps of a body before it is asked for: as much as a TLS record. Outside the budget for
/// bodies, so a crowd of callers must not make much of it.
const READ_BUFFER: usize = 16 * 1024;
/// How long a refused caller may go on sending before the connection is closed on it, and how much.
const LINGER: Duration = Duration::from_secs(2);
const LINGER_BYTES: usize = 32 * 1024 * 1024;

/// What is spoken on a port, and who answers.
pub(super) struct Protocol {
    /// `None` for plain HTTP.
    pub(super) tls: Option<TlsAcceptor>,
    pub(super) router: Router,
    pub(super) limits: Limits,
    /// Whether a connection is for more than one request. One that is not ends with its answer: the few places for such
    /// connections are for those who ask.
    pub(super) keep_alive: bool,
    pub(super) lifecycle: Arc<Lifecycle>,
    /// `None` where connections are not counted in the metrics.
    pub(super) metrics: Option<Metrics>,
    pub(super) refused: RefusedHandshakes,
}

impl Protocol {
    pub(super) fn connection_shed(&self) {
        if let Some(metrics) = &self.metrics {
            metrics.shed(Shed::Connection);
        }
    }

    pub(super) fn handshake_shed(&self) {
        tracing::debug!("a connection came to nothing in time, or gave way to another");
        if let Some(metrics) = &self.metrics {
            metrics.shed(Shed::Handshake);
        }
    }

    /// Counts a connection for as long as the value is kept.
    pub(super) fn count_connection(&self) -> Option<Counted> {
        let metrics = self.metrics.clone()?;
        metrics.connection_opened();
        Some(Counted(metrics))
    }

    /// Serves a connection until it ends.
    pub(super) async fn serve(&self, stream: TcpStream, connections: &Connections, turn: Turn) {
        let Some(tls) = &self.tls else {
            return Box::pin(self.speak_http(BufReader::new(stream), connections, &turn)).await;
        };
        let handshake = async {
            stream.readable().await?;
            turn.speaks();
            tls.accept(stream).await
        };
        // Each phase in a box of its own: in one piece, the task of every connection would be as large as all of them
        // together.
        match timeout(self.limits.handshake, Box::pin(handshake)).await {
            Ok(Ok(stream)) if turn.finish() => {
                Box::pin(self.speak_http(Box::new(stream), connections, &turn)).await;
            }
            Ok(Err(error)) => self.refused.report(&error),
            Ok(Ok(_)) | Err(_) => self.handshake_shed(),
        }
    }

    /// Serves a connection whose bytes are those of HTTP.
    ///
    /// Between two requests it is the stream alone: hyper and its buffers, 16 KiB and more, are there from the first byte
    /// of a request until its answer is sent. So hyper's deadline for heads counts from that byte too. It would count from
    /// the answer before, and close a connection on a call that is on its way, which the API server does not send again.
    pub(super) async fn speak_http<S>(&self, mut stream: S, connections: &Connections, turn: &Turn)
    where
        S: AsyncBufRead + AsyncWrite + Unpin + Send + 'static,
    {
        let mut ahead = Bytes::new();
        let mut is_first = true;
        loop {
            if ahead.is_empty() {
                match self.request_comes(&mut stream, is_first, connections).await {
                    Ok(true) => {}
                    Ok(false) => return Box::pin(self.end(stream)).await,
                    Err(error) => return tracing::debug!(%error, "a connection failed"),
                }
            }
            is_first = false;
            let Some(left) = Box::pin(self.answer_requests(stream, ahead, turn)).await else { return };
            (stream, ahead) = left;
        }
    }

    /// Waits for the first byte of a request; false when the caller ends the connection instead.
    ///
    /// A client may open a connection that it then has no use for, and keep it for later. That is no reason to close it,
    /// unless others are kept out by it.
    async fn request_comes<S>(&self, stream: &mut S, is_first: bool, connections: &Connections) -> io::Result<bool>
    where
        S: AsyncBufRead + Unpin,
    {
        let begun = Instant::now();
        let Limits { idle, slow, .. } = self.limits;
        let patience = if is_first { slow.min(idle) } else { idle };
        loop {
            match timeout(patience, stream.fill_buf()).await {
                Ok(read) => return Ok(!read?.is_empty()),
                Err(_) if begun.elapsed() >= idle || connections.are_crowded() => {
                    return Err(io::ErrorKind::TimedOut.into());
                }
                Err(_) => {}
            }
        }
    }

    /// Answers the request that has begun, and those right behind it. Gives the stream back with what was read of the next
    /// one, or nothing where the connection has ended.
    async fn answer_requests<S>(&self, stream: S, ahead: Bytes, turn: &Turn) -> Option<(S, Bytes)>
    where
        S: AsyncBufRead + AsyncWrite + Unpin + Send + 'static,
    {
        let exchange = Arc::new(Exchange::default());
        let service = service_fn(|request: Request<Incoming>| {
            // Without TLS a connection comes to something by its first request. One that was pushed out at this very
            // moment is being dropped.
            turn.finish();
            let request = Arc::clone(&exchange).begin(request);
            let (router, lifecycle, exchange) =
                (self.router.clone(), Arc::clone(&self.lifecycle), Arc::clone(&exchange));
            Box::pin(async move {
                let answer = router.oneshot(request).await;
                answer.map(|answer| exchange.end(answer, lifecycle.is_closing()))
            })
        });
        let stream = Paced::new(stream, ahead, Arc::clone(&exchange), self.limits.slow);
        let mut builder = http1::Builder::new();
        builder.timer(TokioTimer::new()).header_read_timeout(self.limits.slow);
        builder.max_buf_size(READ_BUFFER).keep_alive(self.keep_alive);
        let mut connection = builder.serve_connection(TokioIo::new(stream), service);
        let ended = poll_fn(|context| match connection.poll_without_shutdown(context) {
            Poll::Pending if exchange.is_over() => Poll::Ready(None),
            polled => polled.map(Some),
        })
        .await;
        let Parts { io, read_buf, .. } = connection.into_parts();
        let (stream, ahead) = io.into_inner().into_parts();
        let Some(result) = ended else {
            return Some((stream, joined(read_buf, ahead)));
        };
        // A crowd that is turned away lingers with all that is kept here.
        drop((read_buf, ahead));
        let is_answered = result.as_ref().err().is_none_or(hyper::Error::is_parse);
        if let Err(error) = result {
            tracing::debug!(%error, "a connection failed");
        }
        if is_answered {
            Box::pin(self.end(stream)).await;
        }
        None
    }

    /// Says that nothing more will come, then reads what the caller still sends. Closing a socket with unread bytes resets
    /// the connection, and a reset can overtake the answer: the caller would see neither the refusal nor its `Retry-After`.
    async fn end<S: AsyncBufRead + AsyncWrite + Unpin>(&self, mut stream: S) {
        let end = tokio::time::Instant::now() + LINGER;
        let is_shut = matches!(timeout_at(end, stream.shutdown()).await, Ok(Ok(())));
        let mut left = if is_shut && self.keep_alive { LINGER_BYTES } else { 0 };
        while left > 0
            && let Ok(Ok(unread @ [_, ..])) = timeout_at(end, stream.fill_buf()).await
        {
            let read = unread.len();
            stream.consume(read);
            left = left.saturating_sub(read);
        }
    }
}

/// A connection that is counted in the metrics until this is dropped, however it ends.
pub(super) struct Counted(Metrics);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.connection_closed();
    }
}

/// `first` with `rest` behind it. Bytes of no length can hold a whole buffer, so they are let go.
fn joined(first: Bytes, rest: Bytes) -> Bytes {
    match (first.is_empty(), rest.is_empty()) {
        (true, true) => Bytes::new(),
        (false, true) => first,
        (true, false) => rest,
        (false, false) => [first, rest].concat().into(),
    }
}
