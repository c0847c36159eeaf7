//! The accept loop.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};

use super::connection::Protocol;
use super::connections::Connections;
use super::lifecycle::{Lifecycle, Stage};

/// How long to wait when the process has no file descriptors left; others close theirs meanwhile.
const PAUSE: Duration = Duration::from_millis(50);

/// A port that is served.
pub(super) struct Listener {
    pub(super) socket: TcpListener,
    pub(super) protocol: Arc<Protocol>,
    pub(super) connections: Arc<Connections>,
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
        loop {
            match self.socket.accept().await {
                Ok((stream, _)) => self.take(stream),
                Err(error) if concerns_one_connection(&error) => {}
                Err(error) => {
                    tracing::debug!(%error, "cannot accept connections");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    fn take(&self, stream: TcpStream) {
        let Some(place) = self.connections.take_place() else {
            self.protocol.connection_shed();
            return;
        };
        // Answers are written at once and whole; waiting for more to send would only delay them.
        let _ = stream.set_nodelay(true);
        let protocol = Arc::clone(&self.protocol);
        let lifecycle = Arc::clone(&self.lifecycle);
        let connections = Arc::clone(&self.connections);
        tokio::spawn(async move {
            protocol.connection_opened();
            tokio::select! {
                () = protocol.serve(stream, &connections) => {}
                () = lifecycle.reached(Stage::Stopped) => {}
            }
            drop(place);
            protocol.connection_closed();
        });
    }
}

/// Errors of a connection that ended before it was accepted.
fn concerns_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionRefused
    )
}
