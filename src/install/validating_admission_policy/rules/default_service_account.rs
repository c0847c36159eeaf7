//! TW205 in CEL.

use super::pod;
use crate::install::validating_admission_policy::in_cel::{Check, Given, InCel, variable};

/// The account of the Pod; the API server has filled it in.
const ACCOUNT: &str = r#"has(variables.spec.serviceAccountName) && variables.spec.serviceAccountName != ""
? variables.spec.serviceAccountName : "default""#;

/// The names of the volumes with a token for the API server.
const API_VOLUMES: &str =
    "variables.tokens.map(tokens, tokens.filter(token, token.audience in variables.own_audiences))
  .filter(tokens, size(tokens) > 0).map(tokens, tokens[0].volume)";

const HOLDERS: &str = "variables.containers.filter(container,
  has(container.volumeMounts) && container.volumeMounts.exists(mount, mount.name in variables.api_volumes))";

const CHECK: Check = Check {
    holds: r#"variables.account != "default" || size(variables.holders) == 0"#,
    says: r#"(size(variables.holders) == 0 ? "" : "container " + variables.holders[0].name)
+ " holds an API token of ServiceAccount default"
+ (size(variables.holders) > 1 ? ", and " + string(size(variables.holders) - 1) + " more" : "")
+ ". Give the Pod an account of its own, or set automountServiceAccountToken: false.""#,
};

pub(super) fn in_cel(given: &Given<'_>) -> InCel {
    let policy = given.policy;
    let mut variables = pod::tokens();
    variables.extend([
        pod::containers(),
        variable("own_audiences", pod::own_audiences(policy)),
        variable("account", ACCOUNT),
        variable("api_volumes", API_VOLUMES),
        variable("holders", HOLDERS),
    ]);
    InCel {
        rule: given.rule,
        resources: pod::created(),
        templates: Vec::new(),
        conditions: pod::conditions_of_pods(),
        variables,
        checks: vec![CHECK],
        left_out: "templates.",
    }
}
