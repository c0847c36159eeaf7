//! What a policy does with a finding.

use std::fmt;
use std::str::FromStr;

/// How strictly a rule is applied, mildest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Action {
    /// The rule does not run.
    #[default]
    Off,
    /// Findings go to the audit annotations and the metrics.
    Audit,
    /// Findings are also shown to the user as warnings.
    Warn,
    /// Findings refuse the request.
    Deny,
}

impl Action {
    /// All actions, mildest first.
    pub const ALL: [Self; 4] = [Self::Off, Self::Audit, Self::Warn, Self::Deny];

    /// The word in policy files, annotations and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Audit => "audit",
            Self::Warn => "warn",
            Self::Deny => "deny",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// The word is no action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected deny, warn, audit or off")]
pub struct UnknownAction;

impl FromStr for Action {
    type Err = UnknownAction;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|action| action.as_str() == word).ok_or(UnknownAction)
    }
}

#[cfg(test)]
mod tests {
    use super::Action;

    #[test]
    fn is_read_as_it_is_written() {
        for action in Action::ALL {
            assert_eq!(action.to_string().parse(), Ok(action));
        }
    }
}
