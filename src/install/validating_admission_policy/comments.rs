//! What an export says to its reader.

use std::fmt::Write as _;

use crate::policy::Rule;

const WHAT: &str = "\
The part of tokenward's rules that the API server can decide by itself, without a webhook: one ValidatingAdmissionPolicy for
each rule of each policy, and its bindings. Written by `tokenward policy export --format vap`; to change it, change the policy
files and export again. docs/validating-admission-policy.md says what it gives and what it does not.

Exceptions stand in the policies, not in a parameter: a parameter that is missing would either open or close them. Their end
dates are compared with metadata.creationTimestamp, which the API server sets.

Not decided here, and why:
- Nothing is injected and no lifetime is retuned: a ValidatingAdmissionPolicy changes no object.";

/// The rules that CEL cannot decide.
const NOT_IN_CEL: [(&str, &str); 6] = [
    ("TW103", "the token in the Secret would have to be decoded from base64 and JSON"),
    ("TW104", "tokens would have to be found and decoded in any key of any Secret"),
    ("TW206", "mount paths would have to be brought into one spelling"),
    ("TW207", "tokens would have to be found and decoded in environment, arguments and annotations"),
    ("TW208", "nothing is injected that could be missing"),
    ("TW302", "which Secrets hold legacy tokens is known to an inventory only"),
];

/// The beginning of an export.
pub(super) fn preface() -> String {
    let mut text = WHAT.to_owned();
    for (code, why) in NOT_IN_CEL {
        if let Some(rule) = Rule::find(code) {
            let _ = write!(text, "\n- {code} {}: {why}.", rule.name);
        }
    }
    text
}

/// Adds that a policy has no use for a rule.
pub(super) fn add_not_needed(preface: &mut String, policy: &str, rule: &Rule, why: &str) {
    let _ = write!(preface, "\n- {} {} under {policy}: {why}.", rule.code, rule.name);
}

/// The lines as comments of YAML.
pub(super) fn commented(text: &str) -> String {
    let mut comment = String::new();
    for line in text.lines() {
        comment.push_str(if line.is_empty() { "#" } else { "# " });
        comment.push_str(line);
        comment.push('\n');
    }
    comment
}
