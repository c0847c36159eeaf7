//! One file per rule.

pub(super) mod legacy_token_secret;
