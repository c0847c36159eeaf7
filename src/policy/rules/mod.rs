//! One file per rule.

pub(super) mod legacy_token_reference;
pub(super) mod legacy_token_secret;
pub(super) mod service_account_automount;
