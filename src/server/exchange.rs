//! One request and its answer, as far as the connection must know of them.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::Bytes;
use http::header::{CONNECTION, HeaderValue};
use http::{Request, Response};
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;

/// How far the exchange has come.
///
/// Everything that touches it runs in the connection's own task, so the weakest ordering is enough.
#[derive(Debug, Default)]
pub(super) struct Exchange {
    /// The request's body was read to its end.
    read: AtomicBool,
    /// The whole answer was handed over to be sent, and the connection may be used again.
    answered: AtomicBool,
    /// Something was written that is not sent yet.
    unsent: AtomicBool,
}

impl Exchange {
    /// Begins with `request`.
    pub(super) fn begin(self: Arc<Self>, request: Request<Incoming>) -> Request<RequestBody> {
        self.answered.store(false, Ordering::Relaxed);
        self.read.store(http_body::Body::is_end_stream(request.body()), Ordering::Relaxed);
        request.map(|body| RequestBody { body, exchange: self })
    }

    /// Ends with `answer`, the last one of the connection if `is_last`. It also is where the body was not read to its end:
    /// what is left of it must not be taken for the next request.
    pub(super) fn end(self: Arc<Self>, mut answer: Response<Body>, is_last: bool) -> Response<AnswerBody> {
        if is_last || !self.read.load(Ordering::Relaxed) {
            answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        let is_last = answer.headers().contains_key(CONNECTION);
        answer.map(|body| AnswerBody { body, exchange: self, is_last })
    }

    /// Something was written, or all of it is sent.
    pub(super) fn unsent(&self, is_unsent: bool) {
        self.unsent.store(is_unsent, Ordering::Relaxed);
    }

    /// Whether the answer is sent, and the next request may come.
    pub(super) fn is_over(&self) -> bool {
        self.answered.load(Ordering::Relaxed) && !self.unsent.load(Ordering::Relaxed)
    }
}

/// The body of a request.
pub(super) struct RequestBody {
    body: Incoming,
    exchange: Arc<Exchange>,
}

impl http_body::Body for RequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        if matches!(frame, Poll::Ready(None)) {
            self.exchange.read.store(true, Ordering::Relaxed);
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The body of an answer. When it is dropped all of it has been handed to the connection.
pub(super) struct AnswerBody {
    body: Body,
    exchange: Arc<Exchange>,
    is_last: bool,
}

impl http_body::Body for AnswerBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
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
        self.exchange.answered.store(!self.is_last, Ordering::Relaxed);
    }
}
