//! Findings, and how a rule reports one.

use jiff::Timestamp;

use super::Action;
use super::exception::{Exception, ExceptionState};
use super::registry::Rule;
use super::text::{LONGEST_FINDING, Names, fits};
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

    /// The sentences, without the advice where they would have more than `longest` characters.
    pub(super) fn sentences_within(&self, longest: usize) -> String {
        let sentences = self.sentences();
        if fits(&sentences, longest) { sentences } else { format!("{}.", self.headline()) }
    }

    /// What a reader tells findings apart by.
    pub(super) fn identity(&self) -> (&'static str, &str, &[FieldPath]) {
        (self.rule.code, &self.message, &self.paths)
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
    pub(super) remarks: &'f mut Vec<String>,
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

    /// Records that an exception was used. Who would see the finding that it lifts is told when it ends soon.
    pub(super) fn lifted_by(&mut self, exception: &Exception, now: Timestamp) {
        self.notes.exception(&exception.name);
        if self.action >= Action::Warn && exception.state(now) == ExceptionState::Expiring {
            push_once(self.remarks, &exception.end());
        }
    }

    /// Reports a finding of several names. `words` says message and advice with names cut as it is told: as far as it takes for
    /// a denial to hold them whole, or else the message alone.
    pub(super) fn report_naming(&mut self, paths: Vec<FieldPath>, words: impl Fn(Names) -> (String, String)) {
        self.report_naming_at_most(Action::Deny, paths, words);
    }

    /// The same for a finding that is at most as severe as `limit`, whatever the policy says.
    pub(super) fn report_naming_at_most(
        &mut self,
        limit: Action,
        paths: Vec<FieldPath>,
        words: impl Fn(Names) -> (String, String),
    ) {
        let (rule, action) = (self.rule, self.action.min(limit));
        let mut finding = Finding { rule, action, message: String::new(), advice: String::new(), paths };
        let whole = Names::EVER_SHORTER.into_iter().any(|names| {
            (finding.message, finding.advice) = words(names);
            fits(&finding.sentences(), LONGEST_FINDING)
        });
        if !whole {
            for names in Names::EVER_SHORTER {
                finding.message = words(names).0;
                if fits(&finding.headline(), LONGEST_FINDING) {
                    break;
                }
            }
        }
        self.found.push(finding);
    }
}

#[cfg(test)]
mod tests {
    use super::{Action, Finding, Findings, MOST_NOTES, Names, Notes};
    use crate::policy::rules::legacy_token_secret::RULE;
    use crate::resource::FieldPath;

    fn reported(words: impl Fn(Names) -> (String, String)) -> Finding {
        let (mut found, mut remarks, mut notes) = (Vec::new(), Vec::new(), Notes::default());
        Findings { rule: &RULE, action: Action::Deny, found: &mut found, remarks: &mut remarks, notes: &mut notes }
            .report_naming(vec![FieldPath::of("data")], words);
        found.remove(0)
    }

    #[test]
    fn names_are_as_long_as_the_whole_finding_leaves_room_for() {
        let name = "n".repeat(253);
        let with = |advice: usize| {
            let advice = "a".repeat(advice);
            reported(|names| (format!("Secret {}", names.cut(&name)), advice.clone()))
        };
        let usual = format!("Secret {}", Names::USUAL.cut(&name));
        for advice in 0..256 {
            let finding = with(advice);
            let is_whole = finding.sentences().len() <= 256;
            // Where no length is short enough for both, the message alone is.
            let is_usual = finding.message == usual;
            assert!(is_whole || is_usual, "{advice}: {finding:?}");
            let room = 256 - finding.sentences().len().min(256);
            assert!(is_usual || room < 12, "{advice}: {room} characters are left for longer names");
        }
        assert_eq!(with(256).message, usual);
    }

    #[test]
    fn notes_are_bounded_and_each_is_made_once() {
        let mut notes = Notes::default();
        for index in 0..2 * MOST_NOTES {
            notes.unknown(&format!("Secret {index}"));
            notes.unknown(&format!("Secret {index}"));
        }
        assert_eq!(notes.unknown.len(), MOST_NOTES);
    }
}
