//! The answer to a review, in the form that `VerifyAdmissionResponse` accepts.

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

/// The answer to one review.
#[derive(Debug, Default)]
pub struct Response<'a> {
    /// The `uid` of the request.
    pub uid: &'a str,
    /// Why the request is refused; `None` allows it.
    pub denial: Option<Denial>,
    /// A JSON Patch; only ever set in the mutating phase.
    pub patch: Option<&'a [u8]>,
    /// Shown to the user by kubectl.
    pub warnings: Vec<String>,
    /// Written to the audit log, each key behind the webhook's name.
    pub audit_annotations: BTreeMap<&'static str, Cow<'a, str>>,
}

/// A refusal: HTTP code 403 with reason `Forbidden`.
#[derive(Debug, PartialEq, Eq)]
pub struct Denial {
    /// One line.
    pub message: String,
    /// One entry for each place in the object.
    pub causes: Vec<Cause>,
}

/// One place in the object that a rule objects to.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Cause {
    /// The rule's code.
    pub reason: &'static str,
    /// What was found there.
    pub message: String,
    /// The field path.
    pub field: String,
}

impl Response<'_> {
    /// The whole AdmissionReview as JSON.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let review = Review { api_version: "admission.k8s.io/v1", kind: "AdmissionReview", response: Body::of(self) };
        let mut json = Vec::with_capacity(1024 + self.patch.map_or(0, |patch| patch.len() * 4 / 3));
        match serde_json::to_writer(&mut json, &review) {
            Ok(()) => {
                if let Some(patch) = self.patch {
                    append_patch(&mut json, patch);
                }
                json
            }
            // A `Vec` takes every byte and every field is a string, so this cannot happen; an empty body is no review,
            // and `failurePolicy` would decide.
            Err(_) => Vec::new(),
        }
    }
}

/// Adds the patch to the response, the last thing in the review. Go reads it as `[]byte`: base64 of the JSON text. A serializer
/// would look at each byte of that for something to escape.
fn append_patch(json: &mut Vec<u8>, patch: &[u8]) {
    json.truncate(json.len() - "}}".len());
    json.extend_from_slice(br#","patchType":"JSONPatch","patch":""#);
    let start = json.len();
    json.resize(start + patch.len().div_ceil(3) * 4, 0);
    // The room is what base64 takes, with its padding.
    let _ = STANDARD.encode_slice(patch, &mut json[start..]);
    json.extend_from_slice(br#""}}"#);
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Review<'r> {
    api_version: &'static str,
    kind: &'static str,
    response: Body<'r>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'r> {
    uid: &'r str,
    allowed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Status<'r>>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    warnings: &'r [String],
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    audit_annotations: &'r BTreeMap<&'static str, Cow<'r, str>>,
}

impl<'r> Body<'r> {
    fn of(response: &'r Response<'_>) -> Self {
        Self {
            uid: response.uid,
            allowed: response.denial.is_none(),
            status: response.denial.as_ref().map(Status::of),
            warnings: &response.warnings,
            audit_annotations: &response.audit_annotations,
        }
    }
}

#[derive(Serialize)]
struct Status<'r> {
    status: &'static str,
    message: &'r str,
    reason: &'static str,
    code: u16,
    details: Details<'r>,
}

#[derive(Serialize)]
struct Details<'r> {
    causes: &'r [Cause],
}

impl<'r> Status<'r> {
    fn of(denial: &'r Denial) -> Self {
        Self {
            status: "Failure",
            message: &denial.message,
            reason: "Forbidden",
            code: 403,
            details: Details { causes: &denial.causes },
        }
    }
}
