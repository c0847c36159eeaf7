//! The rules of the catalogue in CEL, one file each.

mod automounted_token;
mod default_service_account;
mod invalid_annotation;
mod legacy_token_reference;
mod legacy_token_retarget;
mod legacy_token_secret;
pub(super) mod namespace_policy;
mod pod;
mod service_account_automount;
mod token_audience;
mod token_lifetime;
mod token_request_lifetime;

use super::in_cel::{Given, InCel, Unwritten};

/// The rule under a policy, if CEL can decide it.
pub(super) fn in_cel(given: &Given<'_>) -> Option<Result<InCel, Unwritten>> {
    Some(match given.rule.code {
        "TW101" => legacy_token_secret::in_cel(given),
        "TW102" => Ok(legacy_token_retarget::in_cel(given)),
        "TW201" => legacy_token_reference::in_cel(given),
        "TW202" => Ok(token_lifetime::in_cel(given)),
        "TW203" => token_audience::in_cel(given),
        "TW204" => Ok(automounted_token::in_cel(given)),
        "TW205" => Ok(default_service_account::in_cel(given)),
        "TW209" => Ok(invalid_annotation::in_cel(given)),
        "TW301" => Ok(service_account_automount::in_cel(given)),
        "TW401" => Ok(token_request_lifetime::in_cel(given)),
        _ => return None,
    })
}
