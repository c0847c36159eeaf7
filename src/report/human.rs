//! The report for people: each finding in its source, each change in the form of the object, and one line at the end.

mod summary;
mod tokens;

use std::fmt::Write as _;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use anstyle::{AnsiColor, Style};

use super::{Change, Excerpt, LineKind, Outcome, Report, Site, Sites, Verdict};
use crate::policy::{Action, Finding, Phase};

const BOLD: Style = Style::new().bold();
const RED: Style = AnsiColor::BrightRed.on_default().bold();
const YELLOW: Style = AnsiColor::Yellow.on_default().bold();
const GREEN: Style = AnsiColor::Green.on_default().bold();
const BLUE: Style = AnsiColor::BrightBlue.on_default().bold();

/// The report with colours; whoever prints it takes them out where they are not wanted.
pub(super) fn render(report: &Report) -> String {
    let mut text = String::new();
    for verdict in &report.verdicts {
        for (finding, places) in verdict.outcome.decision.findings.iter().zip(&verdict.places) {
            text.push_str(&render_finding(verdict, finding, places));
            text.push_str("\n\n");
        }
        let subject = subject(verdict);
        render_outcome(report, verdict, &subject, &verdict.outcome, &mut text);
        if let Some(pods) = &verdict.pods {
            let subject = format!("the Pods of {subject}");
            render_refusal(verdict, &subject, pods, &mut text);
            render_outcome(report, verdict, &subject, pods, &mut text);
        }
    }
    summary::render(report, &mut text);
    text
}

/// Names come from the input, and a terminal obeys control characters.
fn clean(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).collect()
}

fn subject(verdict: &Verdict) -> String {
    let name = match (verdict.namespace.as_str(), verdict.name.as_str()) {
        ("", "") => "without a name".to_owned(),
        (namespace, "") => format!("without a name in {namespace}"),
        ("", name) => name.to_owned(),
        (namespace, name) => format!("{namespace}/{name}"),
    };
    clean(&format!("{} {name}", verdict.kind))
}

fn level(action: Action) -> Level<'static> {
    match action {
        Action::Deny => Level::ERROR.with_name("deny"),
        Action::Warn => Level::WARNING.with_name("warn"),
        Action::Audit | Action::Off => Level::INFO.with_name("audit"),
    }
}

fn render_finding(verdict: &Verdict, finding: &Finding, places: &Sites) -> String {
    let mut snippet = Snippet::source(places.excerpt.text.as_str()).line_start(places.excerpt.first_line);
    for (index, (site, mark)) in places.sites.iter().zip(&places.excerpt.marks).enumerate() {
        let kind = if index == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
        let label = if site.is_exact { site.path.clone() } else { format!("{} (not written here)", site.path) };
        snippet = snippet.annotation(kind.span(mark.clone()).label(label));
    }
    let id = format!("{} {}", finding.rule.code, finding.rule.name);
    let title = level(finding.action).primary_title(finding.message.as_str()).id(id);
    let mut group = Group::with_title(title).element(snippet);
    if !finding.advice.is_empty() {
        group = group.element(Level::HELP.message(finding.advice.as_str()));
    }
    let details = format!("tokenward explain {}", finding.rule.code);
    group = group.element(Level::NOTE.message(judged(verdict)));
    group = group.element(Level::NOTE.with_name("details").message(details));
    let rendered = Renderer::styled().render(&[group]);
    match places.sites.first() {
        // The place in the source, not in the excerpt, from whose lines something may be left out.
        Some(first) => rendered.replacen('\n', &format!("\n{}\n", origin(verdict, first, &places.excerpt)), 1),
        None => rendered,
    }
}

/// The line that says where a finding is, indented as the excerpt's line numbers are.
fn origin(verdict: &Verdict, site: &Site, excerpt: &Excerpt) -> String {
    let last_line = excerpt.first_line + excerpt.text.lines().count().saturating_sub(1);
    let indent = " ".repeat(last_line.to_string().len());
    format!("{indent}{BLUE}-->{BLUE:#} {}:{}:{}", clean(&verdict.location.file), site.line, site.column)
}

/// Which object was judged by what.
fn judged(verdict: &Verdict) -> String {
    let decision = &verdict.outcome.decision;
    let mut text = format!("{} under policy {}", subject(verdict), decision.policy);
    if let Some(requested) = &decision.requested_policy {
        let _ = write!(text, ", since no policy is named {}", clean(requested));
    }
    match verdict.phase {
        Some(Phase::Mutate) => text.push_str(", recorded review, mutating phase"),
        Some(Phase::Validate) => text.push_str(", recorded review, validating phase"),
        None => {}
    }
    text
}

/// What belongs to no finding: exceptions that were used, what is not known, the change or what comes of it.
fn render_outcome(report: &Report, verdict: &Verdict, subject: &str, outcome: &Outcome, text: &mut String) {
    let decision = &outcome.decision;
    if !decision.notes.exceptions.is_empty() {
        let title = format!("{subject} is allowed by exception {}", decision.notes.exceptions.join(", "));
        render_note(verdict, &title, None, text);
    }
    for remark in &outcome.remarks {
        let title = format!("{YELLOW}warn{YELLOW:#}{BOLD}: {subject}: {}{BOLD:#}", clean(remark));
        let _ = writeln!(text, "{title}\n{}\n", arrow(verdict));
    }
    for unknown in &outcome.unknown {
        let (what, help) = missing_fact(unknown);
        render_note(verdict, &format!("{subject}: nothing is known of {what}"), Some(&help), text);
    }
    if let Some(injected) = outcome.injected.as_ref().filter(|injected| !injected.done) {
        let title = format!("{subject} would be injected by an enforcing policy");
        render_note(verdict, &title, Some(&injected.summary), text);
    }
    if report.shows_tokens {
        if let Some(holding) = &outcome.tokens {
            tokens::render(verdict, subject, holding, text);
        }
    } else if let Some(change) = &outcome.change {
        render_change(verdict, subject, outcome, change, text);
    }
}

/// What a note of the decision means, and what would make it known.
fn missing_fact(unknown: &str) -> (String, String) {
    let (kind, name) = unknown.split_once('/').unwrap_or(("", unknown));
    let name = clean(name);
    match kind {
        "secret" => (
            format!("Secret {name}"),
            "add it to the input, or give an inventory, to learn whether it holds a legacy token".to_owned(),
        ),
        "serviceaccount" => {
            (format!("ServiceAccount {name}"), "add it to the input to learn whether it automounts a token".to_owned())
        }
        _ => (name, "no rule reads it".to_owned()),
    }
}

fn render_refusal(verdict: &Verdict, subject: &str, pods: &Outcome, text: &mut String) {
    if pods.decision.is_allowed() {
        return;
    }
    let denied = pods.decision.findings.iter().filter(|finding| finding.action == Action::Deny);
    let mut codes: Vec<&str> = denied.map(|finding| finding.rule.code).collect();
    codes.dedup();
    let help = "a template is only warned about; what its controller creates is refused";
    render_note(verdict, &format!("{subject} would be refused: {}", codes.join(", ")), Some(help), text);
}

fn render_note(verdict: &Verdict, title: &str, help: Option<&str>, text: &mut String) {
    let _ = writeln!(text, "{GREEN}note{GREEN:#}{BOLD}: {title}{BOLD:#}\n{}", arrow(verdict));
    if let Some(help) = help {
        let _ = writeln!(text, "  {BLUE}={BLUE:#} {BOLD}help{BOLD:#}: {help}");
    }
    text.push('\n');
}

fn arrow(verdict: &Verdict) -> String {
    let place = &verdict.location;
    format!(" {BLUE}-->{BLUE:#} {}:{}:{}", clean(&place.file), place.line, place.column)
}

fn render_change(verdict: &Verdict, subject: &str, outcome: &Outcome, change: &Change, text: &mut String) {
    let _ = writeln!(
        text,
        "{BLUE}change{BLUE:#}{BOLD}: {subject} under policy {}{BOLD:#}\n{}\n  {BLUE}|{BLUE:#}",
        outcome.decision.policy,
        arrow(verdict),
    );
    for line in &change.lines {
        let content = clean(&line.text);
        let _ = match line.kind {
            LineKind::Context => writeln!(text, "  {BLUE}|{BLUE:#}   {content}"),
            LineKind::Added => writeln!(text, "  {BLUE}|{BLUE:#} {GREEN}+ {content}{GREEN:#}"),
            LineKind::Removed => writeln!(text, "  {BLUE}|{BLUE:#} {RED}- {content}{RED:#}"),
        };
    }
    let _ = writeln!(text, "  {BLUE}|{BLUE:#}");
    if let Some(injected) = outcome.injected.as_ref().filter(|injected| injected.done) {
        let _ = writeln!(text, "  {BLUE}={BLUE:#} {BOLD}injected{BOLD:#}: {}", clean(&injected.summary));
    }
    text.push('\n');
}
