//! TW202 in CEL.

use super::pod;
use crate::install::entry::template_rules;
use crate::install::validating_admission_policy::in_cel::{Check, Given, InCel, variable};

/// Exactly 3607 seconds for the API server itself become a year.
const LASTING: &str = r"variables.tokens.map(tokens, tokens.filter(token,
  !(token.volume in variables.built_in)
  && (token.seconds > variables.maximum || token.seconds == 3607 && token.audience in variables.extended_audiences)))
  .filter(tokens, size(tokens) > 0)";

const CHECK: Check = Check {
    holds: "size(variables.lasting) == 0",
    says: r#"(size(variables.lasting) == 0 ? "" : "the token in volume " + variables.lasting[0][0].volume + " lasts "
+ (variables.lasting[0][0].seconds == 3607 && variables.lasting[0][0].audience in variables.extended_audiences
  ? "one year (3607 seconds are extended)" : string(variables.lasting[0][0].seconds) + " seconds"))
+ ", and " + string(variables.maximum) + " are allowed"
+ (variables.count > 1 ? ", and " + string(variables.count - 1) + " more" : "")
+ ". Set expirationSeconds to at most " + string(variables.maximum) + ", and never to 3607.""#,
};

pub(super) fn in_cel(given: &Given<'_>) -> InCel {
    let policy = given.policy;
    let mut variables = pod::tokens();
    variables.extend(pod::built_in());
    variables.extend([
        variable("maximum", policy.tokens.max_expiration_seconds.to_string()),
        variable("extended_audiences", pod::extended_audiences(policy)),
        variable("lasting", LASTING),
        variable("count", "variables.lasting.map(tokens, size(tokens)).sum()"),
    ]);
    InCel {
        rule: given.rule,
        resources: pod::created(),
        templates: template_rules(),
        conditions: pod::conditions(),
        variables,
        checks: vec![CHECK],
        left_out: "whether a template had the finding before: each change of a template warns again.",
    }
}
