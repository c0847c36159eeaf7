//! The report for people: each finding in its source, each change in the form of the object, and one line at the end.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use anstyle::{AnsiColor, Style};

use super::{Change, LineKind, Report, Sites, SkipReason, Verdict};
use crate::policy::{Action, Finding, Phase};

const BOLD: Style = Style::new().bold();
const RED: Style = AnsiColor::BrightRed.on_default().bold();
const YELLOW: Style = AnsiColor::Yellow.on_default().bold();
const GREEN: Style = AnsiColor::Green.on_default();
const BLUE: Style = AnsiColor::BrightBlue.on_default().bold();

/// The report with colours; whoever prints it takes them out where they are not wanted.
pub(super) fn render(report: &Report) -> String {
    let mut text = String::new();
    for verdict in &report.verdicts {
        for (finding, places) in verdict.decision.findings.iter().zip(&verdict.places) {
            text.push_str(&render_finding(verdict, finding, places));
            text.push_str("\n\n");
        }
        render_notes(verdict, &mut text);
        if let Some(change) = &verdict.change {
            render_change(verdict, change, &mut text);
        }
    }
    summary(report, &mut text);
    text
}

fn subject(verdict: &Verdict) -> String {
    let name = match (verdict.namespace.as_str(), verdict.name.as_str()) {
        ("", "") => "without a name".to_owned(),
        (namespace, "") => format!("without a name in {namespace}"),
        ("", name) => name.to_owned(),
        (namespace, name) => format!("{namespace}/{name}"),
    };
    format!("{} {name}", verdict.kind)
}

fn level(action: Action) -> Level<'static> {
    match action {
        Action::Deny => Level::ERROR.with_name("deny"),
        Action::Warn => Level::WARNING.with_name("warn"),
        Action::Audit | Action::Off => Level::INFO.with_name("audit"),
    }
}

fn render_finding(verdict: &Verdict, finding: &Finding, places: &Sites) -> String {
    let mut snippet = Snippet::source(places.excerpt.text.as_str())
        .line_start(places.excerpt.first_line)
        .path(verdict.location.file.as_str());
    for (index, (site, mark)) in places.sites.iter().zip(&places.excerpt.marks).enumerate() {
        let kind = if index == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
        let label = if site.is_exact { site.path.clone() } else { format!("below here: {}", site.path) };
        snippet = snippet.annotation(kind.span(mark.clone()).label(label));
    }
    let id = format!("{} {}", finding.rule.code, finding.rule.name);
    let mut group =
        Group::with_title(level(finding.action).primary_title(finding.message.as_str()).id(id)).element(snippet);
    if !finding.advice.is_empty() {
        group = group.element(Level::HELP.message(finding.advice.as_str()));
    }
    let details = format!("tokenward explain {}", finding.rule.code);
    group = group.element(Level::NOTE.message(judged(verdict)));
    group = group.element(Level::NOTE.with_name("details").message(details));
    Renderer::styled().render(&[group])
}

/// Which object was judged by what.
fn judged(verdict: &Verdict) -> String {
    let decision = &verdict.decision;
    let mut text = format!("{} under policy {}", subject(verdict), decision.policy);
    if let Some(requested) = &decision.requested_policy {
        let _ = write!(text, ", since no policy is named {requested}");
    }
    match verdict.phase {
        Some(Phase::Mutate) => text.push_str(", recorded review, mutating phase"),
        Some(Phase::Validate) => text.push_str(", recorded review, validating phase"),
        None => {}
    }
    text
}

/// What belongs to no finding: exceptions that were used, what is not known, what a silent policy would inject.
fn render_notes(verdict: &Verdict, text: &mut String) {
    let decision = &verdict.decision;
    let mut notes = Vec::new();
    if !decision.notes.exceptions.is_empty() {
        notes.push(format!("allowed by exception {}", decision.notes.exceptions.join(", ")));
    }
    if !verdict.unknown.is_empty() {
        notes.push(format!("nothing is known of {}; add it to the input", verdict.unknown.join(", ")));
    }
    if let Some(injected) = decision.injected.as_ref().filter(|injected| !injected.done) {
        notes.push(format!("an enforcing policy would inject {}", injected.summary));
    }
    let place = &verdict.location;
    for note in notes {
        let _ = writeln!(
            text,
            "{BLUE}note{BLUE:#}{BOLD}: {}: {note}{BOLD:#}\n {BLUE}-->{BLUE:#} {}:{}:{}\n",
            subject(verdict),
            place.file,
            place.line,
            place.column
        );
    }
}

fn render_change(verdict: &Verdict, change: &Change, text: &mut String) {
    let place = &verdict.location;
    let _ = writeln!(
        text,
        "{GREEN}change{GREEN:#}{BOLD}: {} is given what policy {} injects{BOLD:#}\n {BLUE}-->{BLUE:#} {}:{}:{}",
        subject(verdict),
        verdict.decision.policy,
        place.file,
        place.line,
        place.column
    );
    for line in &change.lines {
        let _ = match line.kind {
            LineKind::Context => writeln!(text, "  {BLUE}|{BLUE:#}   {}", line.text),
            LineKind::Added => writeln!(text, "  {BLUE}|{BLUE:#} {GREEN}+ {}{GREEN:#}", line.text),
            LineKind::Removed => writeln!(text, "  {BLUE}|{BLUE:#} {RED}- {}{RED:#}", line.text),
        };
    }
    text.push('\n');
}

fn summary(report: &Report, text: &mut String) {
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
        let _ = write!(text, "; {GREEN}{} changed{GREEN:#}", summary.changed);
    }
    text.push('\n');
    skipped(report, text);
}

fn skipped(report: &Report, text: &mut String) {
    let mut kinds: BTreeMap<(SkipReason, &str), usize> = BTreeMap::new();
    for skipped in &report.skipped {
        *kinds.entry((skipped.reason, skipped.kind.as_str())).or_default() += 1;
    }
    for (reason, sentence) in [
        (SkipReason::Kind, "no rule looks at"),
        (SkipReason::Namespace, "no webhook entry covers their namespace:"),
        (SkipReason::NoObject, "no Kubernetes objects:"),
    ] {
        let of_reason = kinds.iter().filter(|((found, _), _)| *found == reason);
        let list: Vec<String> = of_reason
            .map(|((_, kind), count)| match (*kind, count) {
                ("", count) => format!("{count}"),
                (kind, 1) => kind.to_owned(),
                (kind, count) => format!("{kind} ({count})"),
            })
            .collect();
        if !list.is_empty() {
            let _ = writeln!(text, "not judged, {sentence} {}", list.join(", "));
        }
    }
}
