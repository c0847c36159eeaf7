//! One connection, from the handshake to the last byte.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use http::header::{CONNECTION, HeaderValue};
use http::{Request, Response};
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{timeout, timeout_at};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt as _;

use super::Limits;
use super::connections::Connections;
use super::handshake::RefusedHandshakes;
use super::lifecycle::Lifecycle;
use super::pace::{Pace, Paced};
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
    /// Whether a connection is for more than one request.
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
        tracing::debug!("a TLS handshake took too long");
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
    pub(super) async fn serve(&self, stream: TcpStream, connections: &Arc<Connections>, turn: Turn) {
        let Some(tls) = &self.tls else { return Box::pin(self.speak_http(stream, connections, &turn)).await };
        let handshake = async {
            stream.readable().await?;
            turn.speaks();
            tls.accept(stream).await
        };
        // Each phase in a box of its own: in one piece, the task of every connection would be as large as all of them together.
        match timeout(self.limits.handshake, Box::pin(handshake)).await {
            Ok(Ok(stream)) if turn.finish() => Box::pin(self.speak_http(stream, connections, &turn)).await,
            Ok(Err(error)) => self.refused.report(&error),
            Ok(Ok(_)) | Err(_) => self.handshake_shed(),
        }
    }

    /// Serves a connection whose bytes are those of HTTP.
    pub(super) async fn speak_http<S>(&self, stream: S, connections: &Arc<Connections>, turn: &Turn)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let pace = Arc::new(Pace::default());
        let stream = Paced::new(stream, Arc::clone(&pace), Arc::clone(connections), &self.limits);
        let service = hyper::service::service_fn(|request: Request<Incoming>| {
            pace.request_begins();
            // Without TLS a connection comes to something by its first request. One that was pushed out at this very
            // moment is being dropped.
            turn.finish();
            let (router, lifecycle) = (self.router.clone(), Arc::clone(&self.lifecycle));
            let pace = Arc::clone(&pace);
            Box::pin(async move {
                let answer = router.oneshot(request).await;
                answer.map(|answer| with_pace(answer, pace, &lifecycle))
            })
        });
        let mut builder = http1::Builder::new();
        // See `pace`: hyper's own deadline would close idle connections.
        builder.header_read_timeout(None::<Duration>).max_buf_size(READ_BUFFER).keep_alive(self.keep_alive);
        let mut connection = builder.serve_connection(TokioIo::new(stream), service);
        let result = poll_fn(|context| connection.poll_without_shutdown(context)).await;
        match result {
            Ok(()) => Box::pin(linger(connection.into_parts().io.into_inner().into_inner())).await,
            Err(error) => tracing::debug!(%error, "a connection failed"),
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

fn with_pace(answer: Response<Body>, pace: Arc<Pace>, lifecycle: &Lifecycle) -> Response<AnswerBody> {
    let mut answer = answer.map(|body| AnswerBody { body, pace });
    if lifecycle.is_closing() {
        answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    answer
}

/// The body of an answer. When it is dropped all of it has been handed to the connection.
struct AnswerBody {
    body: Body,
    pace: Arc<Pace>,
}

impl http_body::Body for AnswerBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        std::pin::Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for AnswerBody {
    fn drop(&mut self) {
        self.pace.request_ends();
    }
}

/// Says that nothing more will come, then reads what the caller still sends. Closing a socket with unread bytes resets the
/// connection, and a reset can overtake the answer: the caller would see neither the refusal nor its `Retry-After`.
async fn linger<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S) {
    let end = tokio::time::Instant::now() + LINGER;
    if !matches!(timeout_at(end, stream.shutdown()).await, Ok(Ok(()))) {
        return;
    }
    // On the heap, or every connection's task would be larger by it.
    let mut scratch = vec![0; 16 * 1024];
    let mut left = LINGER_BYTES;
    while let Ok(Ok(read @ 1..)) = timeout_at(end, stream.read(&mut scratch)).await {
        left = left.saturating_sub(read);
        if left == 0 {
            return;
        }
    }
}
