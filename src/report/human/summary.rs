//! The last lines: how many of what.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{BLUE, BOLD, GREEN, RED, YELLOW, clean};
use crate::report::{Report, SkipReason, Skipped};

pub(super) fn render(report: &Report, text: &mut String) {
    if report.verdicts.is_empty() && report.skipped.is_empty() {
        return;
    }
    let summary = report.summary();
    let parts = [
        (summary.denied, "denied", RED),
        (summary.warned, "warned about", YELLOW),
        (summary.audited, "for the audit log", BLUE),
        (summary.clean, "clean", GREEN),
    ];
    let noun = if summary.judged() == 1 { "object" } else { "objects" };
    let _ = write!(text, "{BOLD}{} {noun} judged{BOLD:#}", summary.judged());
    let counted: Vec<String> = parts
        .into_iter()
        .filter(|(count, ..)| *count > 0)
        .map(|(count, word, style)| format!("{style}{count} {word}{style:#}"))
        .collect();
    if !counted.is_empty() {
        let _ = write!(text, ": {}", counted.join(", "));
    }
    if summary.changed > 0 {
        let _ = write!(text, "; {BLUE}{} changed{BLUE:#}", summary.changed);
    }
    if !report.errors.is_empty() {
        let noun = if report.errors.len() == 1 { "error" } else { "errors" };
        let _ = write!(text, "; {RED}{} {noun}{RED:#}", report.errors.len());
    }
    text.push('\n');
    for (reason, sentence) in [
        (SkipReason::Kind, "no rule looks at"),
        (SkipReason::Namespace, "no webhook entry covers the namespace of"),
        (SkipReason::NoObject, "not Kubernetes objects:"),
    ] {
        skipped(report, reason, sentence, text);
    }
}

fn skipped(report: &Report, reason: SkipReason, sentence: &str, text: &mut String) {
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    for skipped in report.skipped.iter().filter(|skipped| skipped.reason == reason) {
        *kinds.entry(what(skipped)).or_default() += 1;
    }
    let list: Vec<String> =
        kinds.into_iter().map(|(kind, count)| if count == 1 { kind } else { format!("{kind} ({count})") }).collect();
    if !list.is_empty() {
        let _ = writeln!(text, "{BOLD}{} skipped{BOLD:#}: {sentence} {}", counted(report, reason), list.join(", "));
    }
}

fn counted(report: &Report, reason: SkipReason) -> usize {
    report.skipped.iter().filter(|skipped| skipped.reason == reason).count()
}

fn what(skipped: &Skipped) -> String {
    clean(&match skipped.reason {
        SkipReason::Kind => format!("{} {}", skipped.api_version, skipped.kind),
        SkipReason::Namespace => skipped.kind.clone(),
        SkipReason::NoObject => format!("{}:{}", skipped.location.file, skipped.location.line),
    })
}
