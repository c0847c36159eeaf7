//! The admin port, in plain HTTP: probes and metrics.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use jiff::Timestamp;

use super::lifecycle::{Lifecycle, Stage};
use super::refusal::Refusal;
use crate::certs::CertificateResolver;
use crate::telemetry::Metrics;

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What the admin port speaks of.
#[derive(Clone)]
pub(super) struct Admin {
    pub(super) lifecycle: Arc<Lifecycle>,
    pub(super) certificate: Arc<CertificateResolver>,
    pub(super) metrics: Metrics,
}

impl Admin {
    pub(super) fn router(self) -> Router {
        Router::new()
            .route("/livez", get(async || "ok\n"))
            .route("/readyz", get(ready))
            .route("/metrics", get(metrics))
            .method_not_allowed_fallback(async || Refusal::Method("GET,HEAD"))
            .fallback(async || Refusal::NotFound)
            .with_state(self)
    }

    /// Why no reviews should be sent here.
    fn unready(&self) -> Option<String> {
        match self.lifecycle.stage() {
            Stage::Starting => return Some("starting".to_owned()),
            Stage::Serving => {}
            Stage::Leaving | Stage::Closing | Stage::Stopped => return Some("ending".to_owned()),
        }
        let certificate = self.certificate.current();
        let leaf = certificate.leaf();
        leaf.has_ended(Timestamp::now()).then(|| format!("the serving certificate ended at {}", leaf.not_after))
    }
}

async fn ready(State(admin): State<Admin>) -> Response {
    match admin.unready() {
        None => "ok\n".into_response(),
        Some(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {reason}\n")).into_response(),
    }
}

async fn metrics(State(admin): State<Admin>) -> Response {
    match admin.metrics.encode() {
        Ok(text) => ([(CONTENT_TYPE, OPEN_METRICS)], text).into_response(),
        Err(_) => Refusal::Fault.into_response(),
    }
}
