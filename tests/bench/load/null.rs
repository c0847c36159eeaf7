//! The handler that everything is measured against: the same server reads the same body and answers a fixed review.

use std::io::Write as _;
use std::path::Path;

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderValue};
use http_body_util::BodyExt as _;
use tokenward::certs::Pair;
use tokenward::server::{Server, Settings};

/// The word on the command line that makes this program that server.
pub(crate) const WORD: &str = "serve-null";

const ANSWER: &str = r#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{"uid":"705ab4f5-6393-11e8-b7cc-42010a800002","allowed":true}}"#;

/// Serves until it is killed.
pub(crate) fn serve(directory: &Path) -> anyhow::Result<()> {
    let settings = Settings::in_memory(Pair::load(directory)?);
    // The threads of `tokenward serve`.
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(processors).enable_all().build()?;
    runtime.block_on(async {
        let mut server = Server::start_routing(settings, Router::new().fallback(ignore))?;
        let (address, admin_address) = (server.address(), server.admin_address());
        writeln!(
            std::io::stderr(),
            r#"{{"message":"ready","address":"{address}","admin_address":"{admin_address}"}}"#
        )?;
        server.ended().await;
        Ok(())
    })
}

async fn ignore(body: Body) -> Response {
    match body.collect().await {
        Ok(collected) => {
            let _ = collected.to_bytes();
            ([(CONTENT_TYPE, HeaderValue::from_static("application/json"))], ANSWER).into_response()
        }
        Err(_) => StatusCode::BAD_REQUEST.into_response(),
    }
}
