//! Requests for a bound token (`serviceaccounts/token`).

use serde::Deserialize;

use super::{List, Text};

/// A TokenRequest of authentication.k8s.io/v1.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct TokenRequest<'a> {
    /// `spec`.
    #[serde(borrow)]
    pub spec: TokenRequestSpec<'a>,
}

/// What is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct TokenRequestSpec<'a> {
    /// The API server fills in its own audience before a webhook sees the request.
    #[serde(borrow)]
    pub audiences: List<Text<'a>>,
    /// Requested lifetime in seconds.
    pub expiration_seconds: Option<i64>,
    /// The object that the token lives and dies with.
    pub bound_object_ref: Option<BoundObject<'a>>,
}

/// `boundObjectRef`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct BoundObject<'a> {
    /// `Pod`, `Node` or `Secret`.
    #[serde(borrow)]
    pub kind: Text<'a>,
    /// The object's name.
    pub name: Text<'a>,
}
