//! TW401 in CEL: whole.

use super::pod;
use crate::install::condition::Condition;
use crate::install::entry::rule as request;
use crate::install::validating_admission_policy::in_cel::{Check, Given, InCel, variable};

const BOUND_TO: &str = r#"has(object.spec.boundObjectRef) && has(object.spec.boundObjectRef.kind)
? object.spec.boundObjectRef.kind : """#;

const REQUESTED: &str = "has(object.spec.expirationSeconds) ? object.spec.expirationSeconds : 3600";

/// The API server extends 3607 seconds only for a Pod's token whose audiences are all its own.
const SECONDS: &str = r#"variables.requested == 3607 && variables.bound_to == "Pod"
&& has(object.spec.audiences) && object.spec.audiences.all(audience, audience in variables.extended_audiences)
? 31536000 : variables.requested"#;

const LIFETIME: Check = Check {
    holds: "variables.seconds <= variables.maximum",
    says: r#""a token of " + string(variables.seconds) + " seconds is asked for ServiceAccount " + request.name
+ ", and " + string(variables.maximum) + " are allowed. Ask for at most " + string(variables.maximum) + " seconds.""#,
};

const BOUND_TO_SECRET: Check = Check {
    holds: r#"variables.bound_to != "Secret""#,
    says: r#""a token for ServiceAccount " + request.name + " is to be bound to a Secret. "
+ "Bind it to a Pod, or to nothing.""#,
};

pub(super) fn in_cel(given: &Given<'_>) -> InCel {
    let policy = given.policy;
    InCel {
        rule: given.rule,
        resources: vec![request("", &["serviceaccounts/token"], &["CREATE"])],
        templates: Vec::new(),
        conditions: vec![Condition::NotOfNode],
        variables: vec![
            variable("maximum", policy.tokens.max_expiration_seconds.to_string()),
            variable("extended_audiences", pod::extended_audiences(policy)),
            variable("bound_to", BOUND_TO),
            variable("requested", REQUESTED),
            variable("seconds", SECONDS),
        ],
        checks: vec![LIFETIME, BOUND_TO_SECRET],
        left_out: "",
    }
}
