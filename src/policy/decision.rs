//! The outcome of one evaluation.

use std::sync::Arc;

use super::Action;
use super::finding::{Finding, Notes};

/// Which of the two questions the API server asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// What would you change? Never refuses.
    Mutate,
    /// Is this allowed?
    Validate,
}

impl Phase {
    /// The first part of the URL path.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mutate => "mutate",
            Self::Validate => "validate",
        }
    }
}

/// What was decided on one request. There is no default: a decision exists only where one was made.
#[derive(Clone, Debug)]
pub struct Decision {
    /// The policy that judged.
    pub policy: Arc<str>,
    /// The name that was asked for, where no policy has it and `restricted` judged in its place.
    pub requested_policy: Option<String>,
    /// All findings, most severe first.
    pub findings: Vec<Finding>,
    /// A JSON Patch as JSON text; only in the mutating phase.
    pub patch: Option<Vec<u8>>,
    /// What the patch injects, or what it would, for the audit log.
    pub injected: Option<Injected>,
    /// What the user is told that no rule has found.
    pub remarks: Vec<String>,
    /// Recorded beside the findings.
    pub notes: Notes,
}

/// A summary of an injection for the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Injected {
    /// False where the policy changes nothing and only says what another would do.
    pub done: bool,
    /// Such as `api audience="" seconds=3600 containers=app,init`.
    pub summary: String,
}

impl Decision {
    /// True when nothing was found that the policy denies.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        self.severity() < Action::Deny
    }

    /// The most severe action among the findings.
    #[must_use]
    pub fn severity(&self) -> Action {
        self.findings.iter().map(|finding| finding.action).max().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::Phase;

    #[test]
    fn phases_are_named_as_the_paths_of_the_webhook() {
        assert_eq!([Phase::Mutate, Phase::Validate].map(Phase::as_str), ["mutate", "validate"]);
    }
}
