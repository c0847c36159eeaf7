//! TW203 in CEL.

use super::pod;
use crate::install::entry::template_rules;
use crate::install::validating_admission_policy::ExportError;
use crate::install::validating_admission_policy::in_cel::{Check, Given, InCel, Unwritten, variable};
use crate::install::validating_admission_policy::literal::{regex, strings};
use crate::policy::{NamePattern, Policy};

/// Globs count bytes and CEL characters, which is the same in ASCII only.
const FOREIGN: &str = r#"variables.tokens.map(tokens, tokens.filter(token,
  !(token.audience in variables.allowed)
  && !(token.audience.matches("^[\\x00-\\x7F]*$")
    && variables.allowed_patterns.exists(pattern, token.audience.matches(pattern)))))
  .filter(tokens, size(tokens) > 0)"#;

const CHECK: Check = Check {
    holds: "size(variables.foreign) == 0",
    says: r#"(size(variables.foreign) == 0 ? ""
: (variables.foreign[0][0].audience == "" ? "the API server's own audience"
  : variables.foreign[0][0].audience.matches("^[ -~]{1,40}$") ? "audience " + variables.foreign[0][0].audience : "an audience")
+ " is not allowed (volume " + variables.foreign[0][0].volume)
+ (variables.count > 1 ? ", and " + string(variables.count - 1) + " more" : "")
+ "). Name an audience that the policy allows.""#,
};

pub(super) fn in_cel(given: &Given<'_>) -> Result<InCel, Unwritten> {
    let policy = given.policy;
    let patterns = &policy.tokens.allowed_audiences;
    if patterns.iter().any(|pattern| matches!(pattern, NamePattern::Any)) {
        return Err(Unwritten::NotNeeded("allowedAudiences has \"*\", so there is nothing to find"));
    }
    let globs = patterns.iter().filter(|pattern| matches!(pattern, NamePattern::Glob(_)));
    let globs: Vec<String> = globs.map(regex).collect::<Result<_, ExportError>>()?;
    let mut variables = pod::tokens();
    variables.extend([
        variable("allowed", allowed(policy)),
        variable("allowed_patterns", strings(globs.iter().map(String::as_str))),
        variable("foreign", FOREIGN),
        variable("count", "variables.foreign.map(tokens, size(tokens)).sum()"),
    ]);
    Ok(InCel {
        rule: given.rule,
        resources: pod::created(),
        templates: template_rules(),
        conditions: pod::conditions(),
        variables,
        checks: vec![CHECK],
        left_out: "audiences with characters beyond ASCII that a glob would allow: they must be named. Nor whether a template \
                   had the finding before: each change of a template warns again.",
    })
}

/// The audiences that are named. The empty one stands for all names of the API server.
fn allowed(policy: &Policy) -> String {
    let exact = policy.tokens.allowed_audiences.iter().filter_map(|pattern| match pattern {
        NamePattern::Exact(audience) => Some(&**audience),
        NamePattern::Any | NamePattern::Glob(_) => None,
    });
    let exact: Vec<&str> = exact.collect();
    let own = policy.cluster.api_audiences.iter().map(String::as_str).filter(|_| exact.contains(&""));
    strings(exact.iter().copied().chain(own))
}
