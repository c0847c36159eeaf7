//! The built-in policies.

use std::fmt;

use super::Action;
use super::registry::Rule;

/// A built-in policy, mildest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Builtin {
    /// Looks at all that `restricted` looks at; allows everything, changes nothing, writes audit annotations.
    Audit,
    /// The same, and every finding is a warning.
    Warn,
    /// No new legacy tokens, injection on, the rest as warnings.
    Baseline,
    /// Every rule at its strictest.
    Restricted,
}

impl Builtin {
    /// All of them, mildest first.
    pub const ALL: [Self; 4] = [Self::Audit, Self::Warn, Self::Baseline, Self::Restricted];

    /// The policy's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Audit => "audit",
            Self::Warn => "warn",
            Self::Baseline => "baseline",
            Self::Restricted => "restricted",
        }
    }

    /// The policy with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|builtin| builtin.as_str() == name)
    }

    /// What it does with a finding of `rule`.
    #[must_use]
    pub fn action(self, rule: &Rule) -> Action {
        match self {
            Self::Audit => rule.restricted.min(Action::Audit),
            Self::Warn => rule.restricted.min(Action::Warn),
            Self::Baseline => rule.baseline,
            Self::Restricted => rule.restricted,
        }
    }

    /// Whether it can refuse or change anything. The webhook entries of those that cannot fail open.
    #[must_use]
    pub const fn is_enforcing(self) -> bool {
        matches!(self, Self::Baseline | Self::Restricted)
    }

    /// In one sentence, what it is for.
    #[must_use]
    pub const fn summary(self) -> &'static str {
        match self {
            Self::Audit => {
                "Looks at everything, allows everything, changes nothing; writes audit annotations and metrics."
            }
            Self::Warn => "Like audit, and every finding is a warning.",
            Self::Baseline => "No new legacy tokens, injection on, the rest as warnings.",
            Self::Restricted => "Every rule at its strictest; automounted tokens get an honest lifetime.",
        }
    }
}

impl fmt::Display for Builtin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::Builtin;

    #[test]
    fn a_name_leads_to_its_policy_and_back() {
        for builtin in Builtin::ALL {
            assert_eq!(Builtin::named(builtin.as_str()), Some(builtin));
            assert_eq!(builtin.to_string(), builtin.as_str());
        }
        assert_eq!(Builtin::named("privileged"), None);
    }

    #[test]
    fn each_says_in_a_sentence_of_its_own_what_it_is_for() {
        let mut summaries = Builtin::ALL.map(Builtin::summary);
        summaries.sort_unstable();
        assert!(summaries.windows(2).all(|pair| pair[0] != pair[1]));
        assert!(summaries.iter().all(|summary| summary.contains(' ') && summary.ends_with('.')));
    }
}
