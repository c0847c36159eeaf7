//! The certificate of the moment, for handshakes.

use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::Pair;

/// Hands the current pair to each handshake. Replacing it disturbs none that is under way.
#[derive(Debug)]
pub struct CertificateResolver {
    current: ArcSwap<Pair>,
}

impl CertificateResolver {
    /// Starts with `pair`.
    #[must_use]
    pub fn new(pair: Pair) -> Self {
        Self { current: ArcSwap::from_pointee(pair) }
    }

    /// Shows `pair` from the next handshake on.
    pub fn replace(&self, pair: Pair) {
        self.current.store(Arc::new(pair));
    }

    /// The pair that the next handshake will show.
    #[must_use]
    pub fn current(&self) -> Guard<Arc<Pair>> {
        self.current.load()
    }
}

impl ResolvesServerCert for CertificateResolver {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(self.current().certified_key()))
    }
}
