//! TW301 in CEL: whole.

use crate::install::condition::Condition;
use crate::install::entry::{CREATE_OR_UPDATE, rule as request};
use crate::install::validating_admission_policy::in_cel::{Check, Given, InCel};

/// An update reports only what it adds.
const CHECK: Check = Check {
    holds: "has(object.automountServiceAccountToken) && !object.automountServiceAccountToken
|| oldObject != null && !(has(oldObject.automountServiceAccountToken) && !oldObject.automountServiceAccountToken)",
    says: r#""ServiceAccount " + object.metadata.name + " hands its token to every Pod that does not refuse it. "
+ "Set automountServiceAccountToken: false.""#,
};

pub(super) fn in_cel(given: &Given<'_>) -> InCel {
    InCel {
        rule: given.rule,
        resources: vec![request("", &["serviceaccounts"], CREATE_OR_UPDATE)],
        templates: Vec::new(),
        conditions: vec![Condition::NotBeingDeleted],
        variables: Vec::new(),
        checks: vec![CHECK],
        left_out: "",
    }
}
