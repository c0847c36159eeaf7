//! Deadlines of a connection: how long it may be idle, how long a head may take, how long a caller may not read.
//!
//! hyper has a deadline for heads, but counts it from the end of the answer before: with it a connection that is idle for
//! ten seconds would be closed, and a call that is on its way then is lost for good, since the API server does not repeat a
//! POST. Here the head's clock starts with its first byte.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use super::Limits;
use super::connections::Connections;

/// Nothing of the next request has come.
const IDLE: u32 = 0;
/// A head has begun.
const HEAD: u32 = 1;
/// A request is being answered; its own deadline bounds it.
const BUSY: u32 = 2;
const STAGES: u32 = 4;

/// Where a connection stands, shared with whoever answers its requests: the stage, and above it a count of the changes, so
/// that a clock can tell one idle time from the next.
///
/// Everything that touches it runs in the connection's own task, so the weakest ordering is enough.
#[derive(Debug, Default)]
pub(super) struct Pace(AtomicU32);

impl Pace {
    fn enter(&self, stage: u32) {
        let changes = self.now() / STAGES;
        self.0.store(changes.wrapping_add(1).wrapping_mul(STAGES) + stage, Ordering::Relaxed);
    }

    fn now(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }

    /// The head is complete.
    pub(super) fn request_begins(&self) {
        self.enter(BUSY);
    }

    /// The answer has been handed to the connection.
    pub(super) fn request_ends(&self) {
        self.enter(IDLE);
    }
}

/// A stream whose reads and writes fail with [`io::ErrorKind::TimedOut`] when the other side is too slow.
pub(super) struct Paced<S> {
    stream: S,
    pace: Arc<Pace>,
    connections: Arc<Connections>,
    idle: Duration,
    slow: Duration,
    since: Instant,
    reading: Clock,
    writing: Clock,
}

/// A deadline that is set once for each state that it is asked about.
#[derive(Default)]
struct Clock {
    set_for: Option<u32>,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Clock {
    /// Ready once `patience` has passed since it was first asked in this state.
    fn poll(&mut self, state: u32, patience: Duration, context: &mut Context<'_>) -> Poll<()> {
        if self.set_for != Some(state) {
            self.set_for = Some(state);
            self.restart(patience);
        }
        self.sleep.as_mut().map_or(Poll::Pending, |sleep| sleep.as_mut().poll(context))
    }

    fn restart(&mut self, patience: Duration) {
        let deadline = Instant::now() + patience;
        match &mut self.sleep {
            Some(sleep) => sleep.as_mut().reset(deadline),
            None => self.sleep = Some(Box::pin(sleep_until(deadline))),
        }
    }

    fn stop(&mut self) {
        self.set_for = None;
    }
}

impl<S> Paced<S> {
    pub(super) fn new(stream: S, pace: Arc<Pace>, connections: Arc<Connections>, limits: &Limits) -> Self {
        Self {
            stream,
            pace,
            connections,
            idle: limits.idle,
            slow: limits.slow,
            since: Instant::now(),
            reading: Clock::default(),
            writing: Clock::default(),
        }
    }

    /// The stream without its deadlines.
    pub(super) fn into_inner(self) -> S {
        self.stream
    }

    /// Asked when nothing can be read: ready when that has been so for too long.
    fn reading_is_over(&mut self, context: &mut Context<'_>) -> Poll<()> {
        match self.pace.now() {
            IDLE => self.unused_is_over(context),
            state if state % STAGES == IDLE => self.reading.poll(state, self.idle, context),
            state if state % STAGES == HEAD => self.reading.poll(state, self.slow, context),
            _ => Poll::Pending,
        }
    }

    /// A client may open a connection that it then has no use for, and keep it for later. That is no reason to close it,
    /// unless others are kept out by it.
    fn unused_is_over(&mut self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            ready!(self.reading.poll(IDLE, self.slow.min(self.idle), context));
            if self.connections.are_crowded() || self.since.elapsed() >= self.idle {
                return Poll::Ready(());
            }
            self.reading.restart(self.slow);
        }
    }

    /// Passes on what a write came to; one that waits for too long fails.
    fn or_stalled<T>(&mut self, result: Poll<io::Result<T>>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        match result {
            Poll::Pending => self.writing.poll(0, self.slow, context).map(|()| Err(io::ErrorKind::TimedOut.into())),
            Poll::Ready(done) => Poll::Ready(done),
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let result = Pin::new(&mut self.stream).poll_read(context, buffer);
        if result.is_pending() {
            return self.reading_is_over(context).map(|()| Err(io::ErrorKind::TimedOut.into()));
        }
        if buffer.filled().len() > before && self.pace.now() % STAGES == IDLE {
            self.pace.enter(HEAD);
        }
        result
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.or_stalled(result, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        self.or_stalled(result, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.stream).poll_flush(context);
        if result.is_ready() {
            // All is written: whatever comes next has its own time.
            self.writing.stop();
        }
        self.or_stalled(result, context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.stream).poll_shutdown(context);
        self.or_stalled(result, context)
    }
}
