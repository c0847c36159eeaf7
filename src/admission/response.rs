//! The answer to a review, in the form that `VerifyAdmissionResponse` accepts.

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::display::Base64Display;
use base64::engine::general_purpose::STANDARD;
use serde::{Serialize, Serializer};

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
        let mut json = Vec::with_capacity(512 + self.patch.map_or(0, |patch| patch.len() * 4 / 3));
        match serde_json::to_writer(&mut json, &review) {
            Ok(()) => json,
            // A `Vec` takes every byte and every field is a string, so this cannot happen; an empty body is no review,
            // and `failurePolicy` would decide.
            Err(_) => Vec::new(),
        }
    }
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
    #[serde(skip_serializing_if = "Option::is_none")]
    patch_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    patch: Option<Base64Text<'r>>,
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
            patch_type: response.patch.map(|_| "JSONPatch"),
            patch: response.patch.map(Base64Text),
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

/// Go reads `patch` as `[]byte`: base64 of the JSON text.
struct Base64Text<'r>(&'r [u8]);

impl Serialize for Base64Text<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&Base64Display::new(self.0, &STANDARD))
    }
}
