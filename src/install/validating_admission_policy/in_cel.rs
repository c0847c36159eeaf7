//! A rule in CEL, before it becomes an object.

use k8s_openapi::api::admissionregistration::v1::RuleWithOperations;

use super::ExportError;
use crate::install::condition::Condition;
use crate::policy::{Inventory, Policy, Rule};

/// A rule in CEL, with what one policy sets.
pub(super) struct InCel {
    /// The rule of the catalogue.
    pub(super) rule: &'static Rule,
    /// Which requests it is asked about.
    pub(super) resources: Vec<RuleWithOperations>,
    /// Templates of Pods, about which it only warns; none for most rules.
    pub(super) templates: Vec<RuleWithOperations>,
    /// Which of the requests not.
    pub(super) conditions: Vec<Condition>,
    /// Names for parts of the checks, each after those that it uses.
    pub(super) variables: Vec<Variable>,
    /// What must hold.
    pub(super) checks: Vec<Check>,
    /// What of the rule is not decided here; empty for a rule that is whole.
    pub(super) left_out: &'static str,
}

/// A named part of a check.
pub(super) struct Variable {
    pub(super) name: &'static str,
    pub(super) expression: String,
}

/// A condition without which a request is refused, or warned about.
pub(super) struct Check {
    /// Must be true.
    pub(super) holds: &'static str,
    /// The sentences of the finding, where it is not. An error here is no harm: a general sentence is said instead.
    pub(super) says: &'static str,
}

/// What a rule is written for.
pub(super) struct Given<'g> {
    pub(super) rule: &'static Rule,
    pub(super) policy: &'g Policy,
    /// The legacy Secrets that are known.
    pub(super) inventory: &'g Inventory,
}

/// Why a rule is not written.
pub(super) enum Unwritten {
    /// Under this policy there is nothing to find; why, as the end of a sentence.
    NotNeeded(&'static str),
    /// It cannot be said in CEL.
    Impossible(ExportError),
}

impl From<ExportError> for Unwritten {
    fn from(error: ExportError) -> Self {
        Self::Impossible(error)
    }
}

/// A variable from its name and its expression.
pub(super) fn variable(name: &'static str, expression: impl Into<String>) -> Variable {
    Variable { name, expression: expression.into() }
}
