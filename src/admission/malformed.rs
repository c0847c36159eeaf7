//! A review that cannot be judged.

/// Why a body is not an AdmissionReview that can be judged. The answer to one is HTTP 400 and never an allow, so that the
/// `failurePolicy` of the webhook configuration decides.
///
/// The text is one line. Of the body it repeats nothing but names of the schema: fields, a version, a kind.
#[derive(Debug, thiserror::Error)]
pub enum Malformed {
    /// Not JSON, or JSON of another shape; says which field and where.
    #[error("the body is not an AdmissionReview: {0}")]
    Json(String),
    /// Another version of the API, or another kind.
    #[error("the body is a {kind} of {api_version}; tokenward reads AdmissionReview of admission.k8s.io/v1")]
    Version {
        /// `apiVersion` as sent, if it looks like one.
        api_version: String,
        /// `kind` as sent, if it looks like one.
        kind: String,
    },
    /// A part that must be there is missing, empty or null.
    #[error("the review has no {0}")]
    Missing(&'static str),
    /// JSON that is nested more deeply than any Kubernetes object.
    #[error("the body is nested more than 128 levels deep")]
    TooDeep,
}
