//! Findings as data, and one renderer for each format: the only place that says how results look.
//!
//! What is kept here is fit to be shown: excerpts are masked before they get here, and no value of an object comes with a
//! finding. A renderer can therefore not give away a Secret.

mod format;
mod human;
mod json;

pub use format::Format;

use serde_json::value::RawValue;

use crate::policy::{Action, Decision, Injected, Phase};
use crate::token::{HeldToken, TokenTable};

/// The outcome of a review of many objects.
#[derive(Debug, Default)]
pub struct Report {
    /// One for each object, and for each phase of a recorded review.
    pub verdicts: Vec<Verdict>,
    /// What was not judged.
    pub skipped: Vec<Skipped>,
    /// What could not be read.
    pub errors: Vec<InputError>,
    /// Whether the tokens of Pods are shown.
    pub shows_tokens: bool,
}

/// A place in a source.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Location {
    /// The file as it was named, or `<stdin>`.
    pub file: String,
    /// Which document of the file, from 1.
    pub document: usize,
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
}

/// What was decided on one object.
#[derive(Debug)]
pub struct Verdict {
    /// Where the object begins.
    pub location: Location,
    /// `apiVersion`.
    pub api_version: String,
    /// `kind`.
    pub kind: String,
    /// Empty for an object outside of namespaces.
    pub namespace: String,
    /// The name, or the prefix of the name to come.
    pub name: String,
    /// The question of a recorded review; `None` for a manifest, for which both were asked.
    pub phase: Option<Phase>,
    /// What the webhook says of it.
    pub outcome: Outcome,
    /// Where each finding's paths are, in the order of `outcome.decision.findings`.
    pub places: Vec<Sites>,
    /// What the webhook would say of the Pods that are made from a template. It counts for nothing: the template itself is
    /// what was asked about.
    pub pods: Option<Outcome>,
}

/// What the webhook says of an object, over both phases.
#[derive(Debug)]
pub struct Outcome {
    /// Policy, findings and notes; for a manifest those of the validating phase.
    pub decision: Decision,
    /// What kubectl would show.
    pub warnings: Vec<String>,
    /// What it would show that belongs to no finding.
    pub remarks: Vec<String>,
    /// What nothing was known about.
    pub unknown: Vec<String>,
    /// What the patch injects, or what an enforcing policy would.
    pub injected: Option<Injected>,
    /// What the mutating phase would change.
    pub change: Option<Change>,
    /// The tokens of a Pod as it would be stored.
    pub tokens: Option<Holding>,
}

/// The tokens of a Pod after the change that a policy makes.
#[derive(Clone, Debug)]
pub struct Holding {
    /// The tokens.
    pub table: TokenTable,
    /// The volumes that the change adds, by name.
    pub added_volumes: Vec<String>,
}

impl Holding {
    /// Whether a token is in the Pod because the policy gives it.
    #[must_use]
    pub fn is_injected(&self, token: &HeldToken) -> bool {
        token.source.volume().is_some_and(|volume| self.added_volumes.iter().any(|added| added == volume))
    }
}

/// Where a finding was made.
#[derive(Clone, Debug, Default)]
pub struct Sites {
    /// One for each path of the finding.
    pub sites: Vec<Site>,
    /// The lines from the first site to the last.
    pub excerpt: Excerpt,
}

/// One place of a finding.
#[derive(Clone, Debug)]
pub struct Site {
    /// The field path in the object.
    pub path: String,
    /// Where it is written, or where the nearest field above it is.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// False where only a field above it is written out.
    pub is_exact: bool,
}

/// Lines of a source, with every value masked that is not known to be harmless.
#[derive(Clone, Debug, Default)]
pub struct Excerpt {
    /// The number of the first line.
    pub first_line: usize,
    /// The lines.
    pub text: String,
    /// The bytes of `text` to point at, one for each site.
    pub marks: Vec<std::ops::Range<usize>>,
}

/// A change to an object.
#[derive(Debug)]
pub struct Change {
    /// The JSON Patch, byte for byte as it would be answered.
    pub patch: Box<RawValue>,
    /// The change in the form of the object, for people.
    pub lines: Vec<ChangedLine>,
}

/// One line of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedLine {
    /// Whether it is new, goes, or only shows where the others belong.
    pub kind: LineKind,
    /// The line in YAML.
    pub text: String,
}

/// What a line of a change says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineKind {
    /// It stays.
    Context,
    /// It is added.
    Added,
    /// It is replaced.
    Removed,
}

/// An object that was not judged.
#[derive(Debug)]
pub struct Skipped {
    /// Where it begins.
    pub location: Location,
    /// `apiVersion`; empty where there is none.
    pub api_version: String,
    /// `kind`; empty where there is none.
    pub kind: String,
    /// Why.
    pub reason: SkipReason,
}

/// Why an object was not judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SkipReason {
    /// No rule looks at its kind.
    Kind,
    /// It has no `apiVersion` and `kind`.
    NoObject,
    /// No webhook entry covers its namespace.
    Namespace,
}

impl SkipReason {
    /// The word in the JSON output.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Kind => "kind",
            Self::NoObject => "no-object",
            Self::Namespace => "namespace",
        }
    }
}

/// Input that could not be read or judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputError {
    /// The file as it was named, or `<stdin>`.
    pub file: String,
    /// Line and column, where they are known.
    pub position: Option<(usize, usize)>,
    /// What is wrong and what to do.
    pub message: String,
}

impl std::fmt::Display for InputError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.file)?;
        if let Some((line, column)) = self.position {
            write!(formatter, ":{line}:{column}")?;
        }
        write!(formatter, ": {}", self.message)
    }
}

/// How many of what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// With a finding that is denied.
    pub denied: usize,
    /// With a warning as the worst.
    pub warned: usize,
    /// With findings for the audit log alone.
    pub audited: usize,
    /// Without a finding.
    pub clean: usize,
    /// That would be changed.
    pub changed: usize,
}

impl Summary {
    /// All that were judged.
    #[must_use]
    pub const fn judged(&self) -> usize {
        self.denied + self.warned + self.audited + self.clean
    }
}

impl Report {
    /// The most severe action of all findings.
    #[must_use]
    pub fn severity(&self) -> Action {
        self.verdicts.iter().map(|verdict| verdict.outcome.decision.severity()).max().unwrap_or_default()
    }

    /// Counts the objects; the two phases of a recorded review are one.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let mut summary = Summary::default();
        let same = |one: &Verdict, other: &Verdict| one.phase.is_some() && one.location == other.location;
        for object in self.verdicts.chunk_by(same) {
            let severity = object.iter().map(|verdict| verdict.outcome.decision.severity()).max();
            let count = match severity.unwrap_or_default() {
                Action::Deny => &mut summary.denied,
                Action::Warn => &mut summary.warned,
                Action::Audit => &mut summary.audited,
                Action::Off => &mut summary.clean,
            };
            *count += 1;
            summary.changed += usize::from(object.iter().any(|verdict| verdict.outcome.change.is_some()));
        }
        summary
    }

    /// The report in `format`.
    #[must_use]
    pub fn render(&self, format: Format) -> String {
        match format {
            Format::Human => human::render(self),
            Format::Json => json::render(self),
        }
    }
}
