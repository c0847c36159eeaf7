//! One file per rule.

pub(super) mod automounted_token;
pub(super) mod default_service_account;
pub(super) mod injection_missing;
pub(super) mod invalid_annotation;
pub(super) mod legacy_token_reference;
pub(super) mod legacy_token_retarget;
pub(super) mod legacy_token_revival;
pub(super) mod legacy_token_secret;
pub(super) mod literal_token;
pub(super) mod namespace_policy;
pub(super) mod service_account_automount;
pub(super) mod service_account_secrets;
pub(super) mod stored_token;
pub(super) mod token_audience;
pub(super) mod token_lifetime;
pub(super) mod token_path_conflict;
pub(super) mod token_request_lifetime;
