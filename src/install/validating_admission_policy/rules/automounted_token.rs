//! TW204 in CEL.

use super::pod;
use crate::install::validating_admission_policy::in_cel::{Check, Given, InCel};

const A_YEAR: Check = Check {
    holds: "size(variables.built_in) == 0",
    says: r#""the Pod holds the automounted API token, which lasts one year. "
+ "Set automountServiceAccountToken: false on the ServiceAccount or the Pod.""#,
};

const AN_HOUR: Check = Check {
    holds: A_YEAR.holds,
    says: r#""the Pod holds the automounted API token, which lasts 3607 seconds. "
+ "Set automountServiceAccountToken: false on the ServiceAccount or the Pod.""#,
};

pub(super) fn in_cel(given: &Given<'_>) -> InCel {
    let policy = given.policy;
    let mut variables = pod::tokens();
    variables.extend(pod::built_in());
    InCel {
        rule: given.rule,
        resources: pod::created(),
        templates: Vec::new(),
        conditions: pod::conditions_of_pods(),
        variables,
        checks: vec![if policy.cluster.extends_token_expiration { A_YEAR } else { AN_HOUR }],
        left_out: "templates. And nobody retunes the token: where the webhook would, and finds nothing, this finds it.",
    }
}
