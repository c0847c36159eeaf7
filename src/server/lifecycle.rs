//! From the first open port to the last closed connection.

use std::sync::Arc;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::Drain;
use super::connections::Connections;

/// Where the server stands. It only ever goes forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    /// Ports are being opened and files read.
    Starting,
    /// Ready.
    Serving,
    /// Asked to end: not ready, otherwise as before, until the endpoint has been withdrawn everywhere.
    Leaving,
    /// Answers ask the caller to connect anew, and to reach another replica so.
    Closing,
    /// The end: what is still open is cut off.
    Stopped,
}

/// The stage, and those who wait for the next one.
#[derive(Debug)]
pub(super) struct Lifecycle(watch::Sender<Stage>);

impl Lifecycle {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self(watch::Sender::new(Stage::Starting)))
    }

    pub(super) fn stage(&self) -> Stage {
        *self.0.borrow()
    }

    pub(super) fn is_closing(&self) -> bool {
        self.stage() >= Stage::Closing
    }

    /// Goes forward to `stage`.
    pub(super) fn enter(&self, stage: Stage) {
        self.0.send_if_modified(|now| {
            let forward = *now < stage;
            if forward {
                *now = stage;
            }
            forward
        });
    }

    /// Waits until `stage` is reached.
    pub(super) async fn reached(&self, stage: Stage) {
        // The sender is part of `self`, so it cannot go away meanwhile.
        let _ = self.0.subscribe().wait_for(|now| *now >= stage).await;
    }

    /// Waits to be asked to end, then lets the callers go without losing a call of theirs, and stops.
    ///
    /// Idle connections are never closed before the limit: a call may be on its way on any of them, and one that finds its
    /// connection closed is not repeated. API servers drop theirs after 90 s without a call.
    pub(super) async fn run(self: Arc<Self>, connections: Arc<Connections>, drain: Drain) {
        self.reached(Stage::Leaving).await;
        let begun = Instant::now();
        tracing::info!(connections = connections.open(), "asked to end: not ready, and letting callers go");
        let let_go = async {
            sleep_until(begun + drain.close_after).await;
            self.enter(Stage::Closing);
            sleep_until(begun + drain.accept_for).await;
            timeout_at(begun + drain.limit, connections.none_left()).await
        };
        let cut_off = tokio::select! {
            outcome = let_go => outcome.is_err(),
            () = self.reached(Stage::Stopped) => connections.open() > 0,
        };
        if cut_off {
            tracing::warn!(connections = connections.open(), "stopped with connections still open");
        } else {
            tracing::info!("stopped");
        }
        self.enter(Stage::Stopped);
    }
}
