//! Secrets.

use serde::Deserialize;

use super::{Metadata, StringMap, Text};

/// The type of a Secret that holds a legacy service account token.
pub const LEGACY_TOKEN_TYPE: &str = "kubernetes.io/service-account-token";

/// A Secret. `stringData` never reaches a webhook: the API server merges it into `data` when it decodes the object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Secret<'a> {
    /// `metadata`.
    #[serde(borrow)]
    pub metadata: Metadata<'a>,
    /// `type`, `Opaque` where nothing was said.
    #[serde(rename = "type")]
    pub kind: Text<'a>,
    /// Keys and their base64 values.
    pub data: StringMap<'a>,
}

impl Secret<'_> {
    /// True for a Secret that the token controller fills with a token that never expires. Letter case counts, as it does
    /// for the controller.
    #[must_use]
    pub fn is_legacy_token(&self) -> bool {
        self.kind == LEGACY_TOKEN_TYPE
    }

    /// The token itself, in base64; empty before the token controller has filled it in.
    #[must_use]
    pub fn token(&self) -> &str {
        self.data.get("token").map_or("", |value| value)
    }

    /// The day since which the API server refuses the token, set by the legacy token cleaner; empty while it is valid.
    #[must_use]
    pub fn invalid_since(&self) -> &str {
        self.metadata.labels.get("kubernetes.io/legacy-token-invalid-since").map_or("", |day| day)
    }

    /// The service account whose token the Secret holds, or will hold; empty where the annotation is missing.
    #[must_use]
    pub fn service_account_name(&self) -> &str {
        self.metadata.annotations.get("kubernetes.io/service-account.name").map_or("", |name| name)
    }
}
