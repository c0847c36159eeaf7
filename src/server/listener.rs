//! The accept loop.

use std::io;
use std::mem::MaybeUninit;
use std::sync::Arc;
use std::time::{Duration, Instant};

use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};

use super::connection::Protocol;
use super::connections::Connections;
use super::descriptors::{Spare, are_exhausted};
use super::lifecycle::{Lifecycle, Stage};
use super::unfinished::Unfinished;

/// How long to wait when nothing can be accepted, not even to be closed.
const PAUSE: Duration = Duration::from_millis(50);
/// How often that is said.
const REMIND: Duration = Duration::from_mins(1);

/// A port that is served.
pub(super) struct Listener {
    pub(super) socket: TcpListener,
    pub(super) protocol: Arc<Protocol>,
    pub(super) connections: Arc<Connections>,
    pub(super) unfinished: Arc<Unfinished>,
    pub(super) lifecycle: Arc<Lifecycle>,
}

impl Listener {
    /// Accepts connections until the server has stopped.
    pub(super) async fn run(self) {
        tokio::select! {
            () = self.accept_forever() => {}
            () = self.lifecycle.reached(Stage::Stopped) => {}
        }
    }

    async fn accept_forever(&self) {
        let mut spare = Spare::none();
        let mut warned: Option<Instant> = None;
        loop {
            spare.keep(&self.socket);
            match self.socket.accept().await {
                Ok((stream, _)) => self.take(stream),
                Err(error) if concerns_one_connection(&error) => {}
                Err(error) if are_exhausted(&error) && spare.give_up() => self.close_one().await,
                Err(error) => {
                    if warned.is_none_or(|last| last.elapsed() >= REMIND) {
                        tracing::warn!(%error, "cannot accept connections");
                        warned = Some(Instant::now());
                    }
                    sleep(PAUSE).await;
                }
            }
        }
    }

    /// Accepts a connection with the spare descriptor, and closes it.
    async fn close_one(&self) {
        match timeout(PAUSE, self.socket.accept()).await {
            Ok(Ok(_)) => self.protocol.connection_shed(),
            // Somebody else was faster and has the descriptor now.
            Ok(Err(_)) => sleep(PAUSE).await,
            // Whoever waited has gone.
            Err(_) => {}
        }
    }

    fn take(&self, stream: TcpStream) {
        let Some(place) = self.connections.take_place().or_else(|| self.unfinished.oldest_gives_way()) else {
            self.protocol.connection_shed();
            return;
        };
        let (turn, pushed_out) = self.unfinished.begin(place);
        if has_spoken(&stream) {
            turn.speaks();
        }
        // Answers are written at once and whole; waiting for more to send would only delay them.
        let _ = stream.set_nodelay(true);
        let protocol = Arc::clone(&self.protocol);
        let lifecycle = Arc::clone(&self.lifecycle);
        let connections = Arc::clone(&self.connections);
        tokio::spawn(async move {
            let _counted = protocol.count_connection();
            tokio::select! {
                () = protocol.serve(stream, &connections, turn) => {}
                () = pushed_out.happened() => protocol.handshake_shed(),
                () = lifecycle.reached(Stage::Stopped) => {}
            }
        });
    }
}

/// Whether something has come already. The runtime would tell only after its next look at the system, and on a busy machine
/// hundreds of other connections can be accepted before.
fn has_spoken(stream: &TcpStream) -> bool {
    SockRef::from(stream).peek(&mut [MaybeUninit::uninit()]).is_ok_and(|length| length > 0)
}

/// Errors of a connection that ended before it was accepted.
fn concerns_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionRefused
    )
}
