//! What decides about tokens in an API server, and shows in no Pod.

/// Facts about the API server that no review carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterSettings {
    /// `--api-audiences`.
    pub api_audiences: Vec<String>,
    /// `--service-account-extend-token-expiration`: whether 3607 s becomes a year.
    pub extends_token_expiration: bool,
}

impl Default for ClusterSettings {
    fn default() -> Self {
        Self {
            api_audiences: vec![
                "https://kubernetes.default.svc".to_owned(),
                "https://kubernetes.default.svc.cluster.local".to_owned(),
            ],
            extends_token_expiration: true,
        }
    }
}

/// What is known of a Secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretFact<'f> {
    /// It holds a legacy token of this service account.
    LegacyToken {
        /// The account's name, in the Secret's namespace.
        service_account: &'f str,
    },
    /// It is known to hold something else.
    Other,
    /// Nothing is known. Never guessed from a name.
    Unknown,
}
