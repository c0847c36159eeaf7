//! Service account tokens that came back from the API server.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::Value;

/// The claims of a token. Nothing here verifies the signature: the API server that gave it does.
pub(crate) struct Claims(pub(crate) Value);

impl Claims {
    /// Reads the second part of a JWT.
    #[track_caller]
    pub(crate) fn of(token: &str) -> Self {
        let payload = token.split('.').nth(1).unwrap_or_else(|| panic!("no JWT: it has no second part"));
        let bytes = URL_SAFE_NO_PAD.decode(payload).unwrap_or_else(|error| panic!("no JWT: {error}"));
        Self(serde_json::from_slice(&bytes).unwrap_or_else(|error| panic!("no JWT: {error}")))
    }

    /// Reads the token under `data` of a Secret.
    #[track_caller]
    pub(crate) fn of_secret(token: &Value) -> Self {
        Self::of(&decoded(token))
    }

    /// `exp - iat` in seconds; nothing for a token that never expires.
    pub(crate) fn lifetime(&self) -> Option<i64> {
        Some(self.0["exp"].as_i64()? - self.0["iat"].as_i64()?)
    }

    /// Whom the token is for.
    pub(crate) fn audiences(&self) -> Vec<&str> {
        self.0["aud"].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
    }

    /// `system:serviceaccount:<namespace>:<name>`.
    pub(crate) fn subject(&self) -> &str {
        self.0["sub"].as_str().unwrap_or_default()
    }
}

/// A value under `data` of a Secret.
#[track_caller]
pub(crate) fn decoded(value: &Value) -> String {
    let bytes = STANDARD.decode(value.as_str().unwrap_or_default()).unwrap_or_else(|error| panic!("no data: {error}"));
    String::from_utf8_lossy(&bytes).into_owned()
}
