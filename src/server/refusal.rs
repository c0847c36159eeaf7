//! Answers that are no verdict: one line of plain text, so that the API server's own error message says what is wrong.

use axum::response::{IntoResponse, Response};
use http::header::{CONNECTION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::{HeaderMap, StatusCode};

use crate::admission::Malformed;
use crate::telemetry::Shed;

/// Why a request is not answered with a review.
///
/// Faults of ours are 5xx, so that the `failurePolicy` decides; with `Retry-After` the API server tries again within its
/// time-out, without it it gives up at once.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    #[error("there is nothing here; reviews go to /mutate/<policy> and /validate/<policy>")]
    NotFound,
    #[error("the method must be {0}")]
    Method(&'static str),
    #[error("the content type must be application/json")]
    ContentType,
    #[error("the body must not be compressed")]
    Encoded,
    #[error("the body is larger than {limit} bytes")]
    TooLarge { limit: usize },
    #[error("the body did not arrive whole")]
    CutShort,
    #[error("{0}")]
    Malformed(#[from] Malformed),
    #[error("too many reviews are in flight; try again")]
    TooManyReviews,
    #[error("too many bytes are in flight; try again")]
    TooManyBytes,
    #[error("the review could not be answered in the time that the caller gives")]
    TooLate,
    #[error("the review could not be decided because of a fault in tokenward; its log says where")]
    Fault,
}

impl Refusal {
    pub(super) const fn status(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Method(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::ContentType | Self::Encoded => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::CutShort | Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::TooManyReviews | Self::TooManyBytes => StatusCode::TOO_MANY_REQUESTS,
            Self::TooLate => StatusCode::SERVICE_UNAVAILABLE,
            Self::Fault => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// How it counts among what was turned away.
    pub(super) const fn shed(&self) -> Option<Shed> {
        match self {
            Self::TooLarge { .. } => Some(Shed::Body),
            Self::TooManyReviews => Some(Shed::Review),
            Self::TooManyBytes => Some(Shed::Bytes),
            Self::TooLate => Some(Shed::Deadline),
            _ => None,
        }
    }

    fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        let again = HeaderValue::from_static("1");
        match self {
            Self::Method(allowed) => {
                headers.insert(http::header::ALLOW, HeaderValue::from_static(allowed));
            }
            Self::TooManyReviews | Self::TooManyBytes | Self::TooLate => {
                headers.insert(RETRY_AFTER, again);
                // The next attempt may reach a replica with less to do.
                headers.insert(CONNECTION, HeaderValue::from_static("close"));
            }
            // Nothing else becomes better by being tried again.
            _ => {}
        }
        headers
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status(), self.headers(), format!("{self}\n")).into_response()
    }
}
