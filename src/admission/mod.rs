//! The wire of admission.k8s.io/v1: what the API server posts, and what it accepts as an answer.
//!
//! Written against kubernetes `staging/src/k8s.io/api/admission/v1/types.go` and `VerifyAdmissionResponse` in
//! `staging/src/k8s.io/apiserver/pkg/admission/plugin/webhook/request/admissionreview.go`.

mod json;
mod malformed;
mod object;
mod patch;
mod request;
mod response;

pub use malformed::Malformed;
pub use object::{Object, Resource};
pub use patch::PatchWriter;
pub use request::{Operation, Request, UserInfo};
pub use response::{Cause, Denial, Response};
