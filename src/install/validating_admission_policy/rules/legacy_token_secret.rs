//! TW101 in CEL: whole, exceptions and their end dates included.

use crate::install::condition::Condition;
use crate::install::entry::rule as request;
use crate::install::validating_admission_policy::exceptions;
use crate::install::validating_admission_policy::in_cel::{Check, Given, InCel, Unwritten, variable};

/// The service account of a Secret.
const ACCOUNT: &str = r#"has(object.metadata.annotations)
&& "kubernetes.io/service-account.name" in object.metadata.annotations
? object.metadata.annotations["kubernetes.io/service-account.name"] : """#;

const SAYS: &str = r#""Secret " + request.namespace + "/" + object.metadata.name + " would hold a token"
+ (variables.account == "" ? "" : " for ServiceAccount " + variables.account) + " that never expires"
+ (size(variables.expired) == 0 ? "" : variables.expired[0])
+ ". Use a projected token, or kubectl create token " + variables.account + ".""#;

pub(super) fn in_cel(given: &Given<'_>) -> Result<InCel, Unwritten> {
    let mut variables = vec![variable("account", ACCOUNT)];
    variables.extend(exceptions::variables(given)?);
    Ok(InCel {
        rule: given.rule,
        resources: vec![request("", &["secrets"], &["CREATE"])],
        templates: Vec::new(),
        conditions: vec![Condition::TokenSecretsOnly],
        variables,
        checks: vec![Check { holds: exceptions::ONE_HOLDS, says: SAYS }],
        left_out: "",
    })
}
