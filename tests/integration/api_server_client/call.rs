//! A call, and what can come of it.

use std::sync::OnceLock;

use bytes::Bytes;
use http::StatusCode;

use super::Reply;
use crate::review_bodies::{opaque_secret, pod, token_secret};

/// The uid that the bodies have from `review_bodies`.
const UID: &str = "705ab4f5-6393-11e8-b7cc-42010a800002";

/// A review, and the verdict that it must get.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) path: &'static str,
    pub(crate) uid: String,
    pub(crate) body: Bytes,
    pub(crate) expected: Expected,
}

/// The verdict that a call must get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    Allowed,
    /// Allowed with a patch.
    Changed,
    Denied,
}

/// A good answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answered {
    /// How often the call was sent.
    pub(crate) tries: u32,
}

/// Why a call failed, and with it, under `failurePolicy: Fail`, somebody's request.
#[derive(Clone, Debug)]
pub(crate) enum Failure {
    /// No connection could be had.
    NoConnection(String),
    /// The connection ended after the call was sent.
    Lost(String),
    /// No answer within the time allowed.
    TimedOut,
    /// An answer that is no success, and is not tried again or was tried often enough.
    Status(StatusCode, String),
    /// An answer to another call, or with another verdict.
    Wrong(String),
}

impl Call {
    /// The `number`th call of a mixture: in turn a token Secret that is refused, a Pod that is changed and a Secret that is
    /// allowed. Each has a uid of its own.
    pub(crate) fn mixed(number: u64) -> Self {
        static BODIES: OnceLock<[String; 3]> = OnceLock::new();
        let bodies = BODIES.get_or_init(|| [token_secret(), pod(), opaque_secret(1000)]);
        let (index, path, expected) = match number % 3 {
            0 => (0, "/validate/baseline", Expected::Denied),
            1 => (1, "/mutate/baseline", Expected::Changed),
            _ => (2, "/validate/restricted", Expected::Allowed),
        };
        Self::new(path, &bodies[index], number, expected)
    }

    /// A body from `review_bodies` under a uid of its own.
    pub(crate) fn new(path: &'static str, body: &str, number: u64, expected: Expected) -> Self {
        let uid = format!("{number:08x}-0000-4000-8000-000000000000");
        assert!(body.contains(UID));
        let body = body.replacen(UID, &uid, 1).into();
        Self { path, uid, body, expected }
    }

    /// Whether this is the answer to this call, and the right one.
    pub(super) fn check(&self, reply: &Reply) -> Result<(), Failure> {
        let answer = reply.json();
        let response = &answer["response"];
        let verdict = match (response["allowed"].as_bool(), response["patch"].is_string()) {
            (Some(true), false) => Some(Expected::Allowed),
            (Some(true), true) => Some(Expected::Changed),
            (Some(false), false) => Some(Expected::Denied),
            _ => None,
        };
        if response["uid"] == self.uid && verdict == Some(self.expected) {
            Ok(())
        } else {
            Err(Failure::Wrong(format!("to {} {:?}: {}", self.uid, self.expected, reply.body)))
        }
    }
}
