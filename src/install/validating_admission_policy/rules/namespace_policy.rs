//! TW501 in CEL: whole.

use crate::install::condition::Condition;
use crate::install::entry::namespaces_rule;
use crate::install::validating_admission_policy::in_cel::{Check, InCel, variable};
use crate::install::validating_admission_policy::literal::map;
use crate::policy::{Builtin, PolicySet, Rule};

const LABEL: &str = r#"has(object.metadata.labels) && "tokenward.dev/policy" in object.metadata.labels
? [object.metadata.labels["tokenward.dev/policy"]] : []"#;

const BEFORE: &str = r#"oldObject != null && has(oldObject.metadata.labels) && "tokenward.dev/policy" in oldObject.metadata.labels
? [oldObject.metadata.labels["tokenward.dev/policy"]] : []"#;

/// A label that names no policy is judged as the strictest.
const STRICTNESS: &str = "size(variables.label) == 0 ? 0
: variables.label[0] in variables.known ? variables.known[variables.label[0]] : variables.strictest";

const STRICTNESS_BEFORE: &str = "size(variables.before) == 0 ? 0
: variables.before[0] in variables.known ? variables.known[variables.before[0]] : variables.strictest";

/// The condition of the policy has seen to it that the label changes.
const KNOWN: Check = Check {
    holds: "variables.label.all(label, label in variables.known)",
    says: r#""no policy is named " + (size(variables.label) == 0 ? "" : variables.label[0]) + "; Namespace " + object.metadata.name
+ " is judged as restricted. Name one of the policies that tokenward policy show lists.""#,
};

const NOT_LOOSENED: Check = Check {
    holds: "variables.strictness >= variables.strictness_before",
    says: r#""Namespace " + object.metadata.name + " goes from " + (size(variables.before) == 0 ? "" : variables.before[0]) + " to "
+ (size(variables.label) == 0 ? "no policy" : "the milder " + variables.label[0])
+ ". Keep the label, or ask who owns the policy.""#,
};

pub(in crate::install) fn in_cel(rule: &'static Rule, policies: &PolicySet) -> InCel {
    InCel {
        rule,
        resources: vec![namespaces_rule()],
        templates: Vec::new(),
        conditions: vec![Condition::NotBeingDeleted, Condition::PolicyLabelChanged],
        variables: vec![
            variable("known", known(policies)),
            variable("strictest", rank(Builtin::Restricted).to_string()),
            variable("label", LABEL),
            variable("before", BEFORE),
            variable("strictness", STRICTNESS),
            variable("strictness_before", STRICTNESS_BEFORE),
        ],
        checks: vec![KNOWN, NOT_LOOSENED],
        left_out: "",
    }
}

/// The policies by name, and where each stands; 0 is no policy.
fn known(policies: &PolicySet) -> String {
    map(policies.iter().map(|policy| (&*policy.name, rank(policy.extends).to_string())))
}

fn rank(builtin: Builtin) -> usize {
    1 + Builtin::ALL.iter().position(|known| *known == builtin).unwrap_or(0)
}
