//! A decision in the words and bounds of an admission response.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::Action;
use super::decision::Decision;
use super::finding::Finding;
use super::text::{LONGEST_FINDING, fits, line};
use crate::admission::{Cause, Denial, Response};

/// The most places that a denial lists, so that no object makes an answer many times its own size.
const MOST_CAUSES: usize = 1000;
/// The longest warning, in characters.
const LONGEST_WARNING: usize = 120;
/// The API server drops all warnings of a request beyond a bound that all webhooks share.
const MOST_WARNINGS: usize = 10;
/// The longest value of an audit annotation, in characters.
const LONGEST_ANNOTATION: usize = 1024;

/// The reserved name of the webhook entry for labels that name no policy: its path cannot repeat the label's value.
pub const UNKNOWN_POLICY: &str = "unknown";

impl Decision {
    /// The response to the request with this `uid`.
    #[must_use]
    pub fn response<'a>(&'a self, uid: &'a str) -> Response<'a> {
        Response {
            uid,
            denial: self.denial(),
            patch: self.patch.as_deref(),
            warnings: self.warnings(),
            audit_annotations: self.audit_annotations(),
        }
    }

    /// Why the request is refused. One line; the first finding stands whole at its beginning.
    #[must_use]
    pub fn denial(&self) -> Option<Denial> {
        if self.is_allowed() {
            return None;
        }
        let shown: Vec<&Finding> = self.shown().collect();
        let mut message = String::with_capacity(256);
        for finding in &shown {
            message.push_str(&line(&finding.sentences_within(LONGEST_FINDING), LONGEST_FINDING));
            message.push(' ');
        }
        if let Some(sentence) = self.unknown_policy() {
            message.push_str(&sentence);
            message.push_str(". ");
        }
        message.push_str("Details: tokenward explain ");
        let mut codes: Vec<&str> = Vec::new();
        for finding in &shown {
            if !codes.contains(&finding.rule.code) {
                codes.push(finding.rule.code);
            }
        }
        message.push_str(&codes.join(", "));
        let causes = shown.iter().flat_map(|finding| {
            finding.paths.iter().map(|path| Cause {
                reason: finding.rule.code,
                message: finding.headline(),
                field: path.to_string(),
            })
        });
        Some(Denial { message, causes: causes.take(MOST_CAUSES).collect() })
    }

    /// What the user is told of an allowed request: at most ten lines, none on a denied one.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        if !self.is_allowed() {
            return Vec::new();
        }
        let unknown = self.unknown_policy().map(|sentence| line(&sentence, LONGEST_WARNING).into_owned());
        let findings = self.shown().flat_map(warnings_of);
        let remarks = self.remarks.iter().map(|remark| line(remark, LONGEST_WARNING).into_owned());
        let mut warnings: Vec<String> = unknown.into_iter().chain(findings).chain(remarks).collect();
        if warnings.len() > MOST_WARNINGS {
            let more = warnings.len() - (MOST_WARNINGS - 1);
            warnings.truncate(MOST_WARNINGS - 1);
            warnings.push(format!("and {more} more: tokenward review shows all"));
        }
        warnings
    }

    fn shown(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.action >= Action::Warn)
    }

    fn unknown_policy(&self) -> Option<String> {
        let requested = self.requested_policy.as_deref()?;
        Some(if requested == UNKNOWN_POLICY {
            format!("The label tokenward.dev/policy of the namespace names no policy; {} applies", self.policy)
        } else {
            format!("No policy is named {}; {} applies", line(requested, 63), self.policy)
        })
    }

    /// The codes of all findings with their actions, such as `TW101=deny,TW204=audit`.
    #[must_use]
    pub fn codes(&self) -> String {
        let mut codes = String::new();
        let mut last = None;
        for finding in &self.findings {
            let entry = (finding.rule.code, finding.action);
            if last.replace(entry) == Some(entry) {
                continue;
            }
            if !codes.is_empty() {
                codes.push(',');
            }
            codes.extend([entry.0, "=", entry.1.as_str()]);
        }
        codes
    }

    fn audit_annotations(&self) -> BTreeMap<&'static str, Cow<'_, str>> {
        let mut annotations = BTreeMap::new();
        let list = |entries: &[String]| line(&entries.join(","), LONGEST_ANNOTATION).into_owned();
        let mut add = |key, value| {
            annotations.insert(key, value);
        };
        let short = |value| line(value, LONGEST_ANNOTATION);
        add("policy", short(&self.policy));
        if let Some(requested) = &self.requested_policy {
            add("requested-policy", short(requested));
        }
        if !self.findings.is_empty() {
            add("findings", Cow::Owned(line(&self.codes(), LONGEST_ANNOTATION).into_owned()));
        }
        if !self.notes.exceptions.is_empty() {
            add("exceptions", Cow::Owned(list(&self.notes.exceptions)));
        }
        if !self.notes.unknown.is_empty() {
            add("unknown", Cow::Owned(list(&self.notes.unknown)));
        }
        if let Some(state) = self.notes.legacy_secret {
            add("legacy-secret", Cow::Borrowed(state));
        }
        if let Some(injected) = &self.injected {
            add(if injected.done { "injected" } else { "would-inject" }, short(&injected.summary));
        }
        annotations
    }
}

/// A finding as a warning. Where it is too long, what it says after a semicolon, such as the end of an exception, is a warning of
/// its own.
fn warnings_of(finding: &Finding) -> impl Iterator<Item = String> + use<> {
    let headline = finding.headline();
    let (first, rest) = match headline.split_once("; ") {
        Some((first, rest)) if !fits(&headline, LONGEST_WARNING) => {
            (first, Some(format!("{}: {rest}", finding.rule.code)))
        }
        _ => (&*headline, None),
    };
    let first = line(first, LONGEST_WARNING).into_owned();
    [first].into_iter().chain(rest.map(|rest| line(&rest, LONGEST_WARNING).into_owned()))
}
