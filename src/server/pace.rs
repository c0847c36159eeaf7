//! A stream of one connection, whose other side must read what is sent to it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use super::exchange::Exchange;

/// A stream whose writes fail with [`io::ErrorKind::TimedOut`] when the other side takes too long to read what was written.
pub(super) struct Paced<S> {
    stream: S,
    exchange: Arc<Exchange>,
    /// What was read already, and comes first.
    ahead: Bytes,
    patience: Duration,
    stalled: Option<Pin<Box<Sleep>>>,
}

impl<S> Paced<S> {
    pub(super) fn new(stream: S, ahead: Bytes, exchange: Arc<Exchange>, patience: Duration) -> Self {
        Self { stream, exchange, ahead, patience, stalled: None }
    }

    /// The stream itself, and what is left of what was read already: hyper may rest between requests that came together.
    pub(super) fn into_parts(self) -> (S, Bytes) {
        (self.stream, self.ahead)
    }

    /// Passes on what a write came to; one that waits for too long fails.
    fn or_stalled<T>(&mut self, result: Poll<io::Result<T>>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        if result.is_ready() {
            return result;
        }
        let patience = self.patience;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(patience)));
        ready!(stalled.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.ahead.is_empty() {
            return Pin::new(&mut self.stream).poll_read(context, buffer);
        }
        let length = self.ahead.len().min(buffer.remaining());
        buffer.put_slice(&self.ahead.split_to(length));
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.exchange.unsent(true);
        let result = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.or_stalled(result, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.exchange.unsent(true);
        let result = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        self.or_stalled(result, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.stream).poll_flush(context);
        if result.is_ready() {
            self.exchange.unsent(false);
            // Whatever is written next has its own time.
            self.stalled = None;
        }
        self.or_stalled(result, context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.stream).poll_shutdown(context);
        self.or_stalled(result, context)
    }
}
