//! The report for programs. The structure is a promise: fields are added, never renamed or taken away, and `version` says
//! when that had to be broken.

mod tokens;

use serde::Serialize;
use serde_json::value::RawValue;

use self::tokens::TokensOutput;
use super::{Location, Outcome, Report, Sites, Skipped, Verdict};
use crate::policy::{Action, Decision, Finding, Injected, Phase};

/// The version of the structure.
const VERSION: u32 = 1;

pub(super) fn render(report: &Report) -> String {
    let mut text = serde_json::to_string_pretty(&Output::of(report)).unwrap_or_default();
    text.push('\n');
    text
}

#[derive(Serialize)]
struct Output<'r> {
    version: u32,
    results: Vec<ResultOutput<'r>>,
    skipped: Vec<SkippedOutput<'r>>,
    errors: Vec<ErrorOutput<'r>>,
    summary: SummaryOutput,
}

#[derive(Serialize)]
struct SourceOutput<'r> {
    file: &'r str,
    document: usize,
    line: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResultOutput<'r> {
    source: SourceOutput<'r>,
    api_version: &'r str,
    kind: &'r str,
    namespace: &'r str,
    name: &'r str,
    policy: &'r str,
    requested_policy: Option<&'r str>,
    phase: Option<&'static str>,
    allowed: bool,
    decision: &'static str,
    message: Option<String>,
    findings: Vec<FindingOutput<'r>>,
    warnings: &'r [String],
    exceptions: &'r [String],
    unknown: &'r [String],
    injected: Option<InjectedOutput<'r>>,
    patch: Option<&'r RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tokens: Option<TokensOutput<'r>>,
    pods: Option<PodsOutput<'r>>,
}

#[derive(Serialize)]
struct PodsOutput<'r> {
    allowed: bool,
    decision: &'static str,
    message: Option<String>,
    unknown: &'r [String],
    injected: Option<InjectedOutput<'r>>,
    patch: Option<&'r RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tokens: Option<TokensOutput<'r>>,
}

#[derive(Serialize)]
struct FindingOutput<'r> {
    code: &'static str,
    name: &'static str,
    action: &'static str,
    message: &'r str,
    advice: &'r str,
    paths: Vec<PathOutput<'r>>,
}

#[derive(Serialize)]
struct PathOutput<'r> {
    path: &'r str,
    line: usize,
    column: usize,
    exact: bool,
}

#[derive(Serialize)]
struct InjectedOutput<'r> {
    done: bool,
    summary: &'r str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SkippedOutput<'r> {
    source: SourceOutput<'r>,
    api_version: &'r str,
    kind: &'r str,
    reason: &'static str,
}

#[derive(Serialize)]
struct ErrorOutput<'r> {
    file: &'r str,
    line: Option<usize>,
    column: Option<usize>,
    message: &'r str,
}

#[derive(Serialize)]
struct SummaryOutput {
    judged: usize,
    denied: usize,
    warned: usize,
    audited: usize,
    clean: usize,
    changed: usize,
    skipped: usize,
    errors: usize,
}

impl<'r> Output<'r> {
    fn of(report: &'r Report) -> Self {
        let summary = report.summary();
        let errors = report.errors.iter().map(|error| ErrorOutput {
            file: &error.file,
            line: error.position.map(|(line, _)| line),
            column: error.position.map(|(_, column)| column),
            message: &error.message,
        });
        Self {
            version: VERSION,
            results: report.verdicts.iter().map(|verdict| ResultOutput::of(verdict, report.shows_tokens)).collect(),
            skipped: report.skipped.iter().map(SkippedOutput::of).collect(),
            errors: errors.collect(),
            summary: SummaryOutput {
                judged: summary.judged(),
                denied: summary.denied,
                warned: summary.warned,
                audited: summary.audited,
                clean: summary.clean,
                changed: summary.changed,
                skipped: report.skipped.len(),
                errors: report.errors.len(),
            },
        }
    }
}

impl<'r> SourceOutput<'r> {
    fn of(location: &'r Location) -> Self {
        Self { file: &location.file, document: location.document, line: location.line }
    }
}

impl<'r> ResultOutput<'r> {
    fn of(verdict: &'r Verdict, shows_tokens: bool) -> Self {
        let outcome = &verdict.outcome;
        let decision = &outcome.decision;
        Self {
            source: SourceOutput::of(&verdict.location),
            api_version: &verdict.api_version,
            kind: &verdict.kind,
            namespace: &verdict.namespace,
            name: &verdict.name,
            policy: &decision.policy,
            requested_policy: decision.requested_policy.as_deref(),
            phase: verdict.phase.map(Phase::as_str),
            allowed: decision.is_allowed(),
            decision: word(decision),
            message: decision.denial().map(|denial| denial.message),
            findings: decision.findings.iter().zip(&verdict.places).map(FindingOutput::of).collect(),
            warnings: &outcome.warnings,
            exceptions: &decision.notes.exceptions,
            unknown: &outcome.unknown,
            injected: outcome.injected.as_ref().map(InjectedOutput::of),
            patch: outcome.change.as_ref().map(|change| &*change.patch),
            tokens: TokensOutput::of(outcome, shows_tokens),
            pods: verdict.pods.as_ref().map(|pods| PodsOutput::of(pods, shows_tokens)),
        }
    }
}

/// The most severe action in one word.
fn word(decision: &Decision) -> &'static str {
    match decision.severity() {
        Action::Off => "allow",
        action => action.as_str(),
    }
}

impl<'r> PodsOutput<'r> {
    fn of(outcome: &'r Outcome, shows_tokens: bool) -> Self {
        let decision = &outcome.decision;
        Self {
            allowed: decision.is_allowed(),
            decision: word(decision),
            message: decision.denial().map(|denial| denial.message),
            unknown: &outcome.unknown,
            injected: outcome.injected.as_ref().map(InjectedOutput::of),
            patch: outcome.change.as_ref().map(|change| &*change.patch),
            tokens: TokensOutput::of(outcome, shows_tokens),
        }
    }
}

impl<'r> InjectedOutput<'r> {
    fn of(injected: &'r Injected) -> Self {
        Self { done: injected.done, summary: &injected.summary }
    }
}

impl<'r> FindingOutput<'r> {
    fn of((finding, places): (&'r Finding, &'r Sites)) -> Self {
        let paths = places.sites.iter().map(|site| PathOutput {
            path: &site.path,
            line: site.line,
            column: site.column,
            exact: site.is_exact,
        });
        Self {
            code: finding.rule.code,
            name: finding.rule.name,
            action: finding.action.as_str(),
            message: &finding.message,
            advice: &finding.advice,
            paths: paths.collect(),
        }
    }
}

impl<'r> SkippedOutput<'r> {
    fn of(skipped: &'r Skipped) -> Self {
        Self {
            source: SourceOutput::of(&skipped.location),
            api_version: &skipped.api_version,
            kind: &skipped.kind,
            reason: skipped.reason.as_str(),
        }
    }
}
