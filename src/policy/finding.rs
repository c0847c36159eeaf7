//! Findings, and how a rule reports one.

use super::Action;
use super::registry::Rule;
use crate::resource::FieldPath;

/// What a rule found in one review. Data only: the texts name objects and fields, never a value.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The rule.
    pub rule: &'static Rule,
    /// What the policy does with it.
    pub action: Action,
    /// One sentence without its full stop: what is wrong.
    pub message: String,
    /// One sentence without its full stop: what to do instead; may be empty.
    pub advice: String,
    /// Where in the object, the most telling place first; never empty.
    pub paths: Vec<FieldPath>,
}

impl Finding {
    /// `TW101 legacy-token-secret: <message>`.
    #[must_use]
    pub fn headline(&self) -> String {
        format!("{} {}: {}", self.rule.code, self.rule.name, self.message)
    }

    /// The headline and the advice, as sentences.
    #[must_use]
    pub fn sentences(&self) -> String {
        let stop = if self.advice.is_empty() { "" } else { "." };
        let space = if self.advice.is_empty() { "" } else { " " };
        format!("{}.{space}{}{stop}", self.headline(), self.advice)
    }
}

/// Things that a decision records beside its findings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notes {
    /// Exceptions that were used, by name.
    pub exceptions: Vec<String>,
    /// What nothing was known about, such as `secret/db-password`.
    pub unknown: Vec<String>,
    /// What a legacy Secret is to the policy, on updates that add nothing.
    pub legacy_secret: Option<&'static str>,
}

impl Notes {
    /// Records that an exception was used, once.
    pub fn exception(&mut self, name: &str) {
        push_once(&mut self.exceptions, name);
    }

    /// Records that nothing is known about `what`, once.
    pub fn unknown(&mut self, what: &str) {
        push_once(&mut self.unknown, what);
    }
}

/// More notes of a kind than an audit annotation has room for.
const MOST_NOTES: usize = 64;

fn push_once(list: &mut Vec<String>, entry: &str) {
    if list.len() < MOST_NOTES && !list.iter().any(|known| known == entry) {
        list.push(entry.to_owned());
    }
}

/// Where a rule reports to. It knows the rule and its action, so that a rule says only what it found.
#[derive(Debug)]
pub struct Findings<'f> {
    pub(super) rule: &'static Rule,
    pub(super) action: Action,
    pub(super) found: &'f mut Vec<Finding>,
    /// Things to record beside findings.
    pub notes: &'f mut Notes,
}

impl Findings<'_> {
    /// Reports a finding. `message` and `advice` are sentences without a full stop.
    pub fn report(&mut self, message: String, advice: impl Into<String>, paths: Vec<FieldPath>) {
        self.report_at_most(Action::Deny, message, advice, paths);
    }

    /// Reports a finding that is at most as severe as `limit`, whatever the policy says.
    pub fn report_at_most(&mut self, limit: Action, message: String, advice: impl Into<String>, paths: Vec<FieldPath>) {
        let action = self.action.min(limit);
        self.found.push(Finding { rule: self.rule, action, message, advice: advice.into(), paths });
    }
}
