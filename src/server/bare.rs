//! The server's HTTP without a socket and without TLS, for fuzzing: the same connection code, limits and routes.

use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::io::{AsyncRead, AsyncWrite, BufReader};

use super::Limits;
use super::connection::Protocol;
use super::connections::Connections;
use super::handshake::RefusedHandshakes;
use super::lifecycle::{Lifecycle, Stage};
use super::reviews::Reviews;
use super::unfinished::Unfinished;
use crate::certs::{CertificateResolver, Pair};
use crate::policy::{Inventory, PolicySet};
use crate::telemetry::Metrics;

/// A server that is handed its connections.
pub struct Bare {
    protocol: Protocol,
    connections: Arc<Connections>,
    unfinished: Arc<Unfinished>,
}

impl Bare {
    /// A server that answers reviews by `policies` and `inventory`. `pair` is there for the metrics alone.
    #[must_use]
    pub fn new(policies: PolicySet, inventory: Inventory, pair: Pair, limits: Limits) -> Self {
        let policies = Arc::new(ArcSwap::from_pointee(policies));
        let metrics = Metrics::new(Arc::new(CertificateResolver::new(pair)), Arc::clone(&policies));
        let inventory = Arc::new(ArcSwap::from_pointee(inventory));
        let connections = Connections::new(limits.connections);
        let unfinished = Unfinished::new(limits.handshakes);
        let lifecycle = Lifecycle::new();
        lifecycle.enter(Stage::Serving);
        let protocol = Protocol {
            tls: None,
            router: Reviews::new(policies, inventory, metrics.clone(), limits.clone()).router(),
            limits,
            keep_alive: true,
            lifecycle,
            metrics: Some(metrics),
            refused: RefusedHandshakes::default(),
        };
        Self { protocol, connections, unfinished }
    }

    /// Serves a connection until it ends, or not at all when there are too many.
    pub async fn serve(&self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let Some(place) = self.connections.take_place() else { return };
        let (turn, _) = self.unfinished.begin(place);
        self.protocol.speak_http(BufReader::new(stream), &self.connections, &turn).await;
    }
}
