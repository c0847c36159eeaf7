//! From the objects of an input to a report.

use jiff::Timestamp;

use super::context::Known;
use super::excerpt::Excerpts;
use super::input::{Input, input_error};
use super::node::Unreadable;
use super::object::{Object, Role};
use super::source::Source;
use crate::policy::{Answer, Decision, Inventory, Phase, PolicySet};
use crate::report::{Location, Outcome, Report, Sites, SkipReason, Skipped};
use crate::resource::FieldPath;

/// Which questions are asked of a recorded review.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phases {
    /// Both.
    #[default]
    Both,
    /// One.
    One(Phase),
}

impl Phases {
    pub(super) fn iter(self) -> impl Iterator<Item = Phase> {
        [Phase::Mutate, Phase::Validate].into_iter().filter(move |phase| match self {
            Self::Both => true,
            Self::One(one) => one == *phase,
        })
    }
}

/// What manifests and recorded reviews are judged by.
#[derive(Clone, Copy, Debug)]
pub struct Review<'r> {
    /// The policies.
    pub policies: &'r PolicySet,
    /// The legacy Secrets of the cluster.
    pub inventory: &'r Inventory,
    /// The policy of objects whose namespace chooses none in the input.
    pub policy_name: &'r str,
    /// The namespace of objects that name none.
    pub namespace: &'r str,
    /// What recorded reviews are asked.
    pub phases: Phases,
    /// The instant of the decision.
    pub now: Timestamp,
}

impl Review<'_> {
    /// Judges everything in `input`. What cannot be judged is reported and does not hide the rest.
    #[must_use]
    pub fn of(&self, input: &Input<'_>) -> Report {
        let mut report = Report { errors: input.errors.clone(), ..Report::default() };
        let objects: Vec<(&Source, Object<'_>)> = input.objects().collect();
        let known = Known::new(objects.iter().map(|(_, object)| object), self.namespace, self.inventory);
        for (source, object) in &objects {
            if let Err(error) = self.object(source, object, &known, &mut report) {
                report.errors.push(input_error(source, &error));
            }
        }
        report.errors.sort_by(|one, other| (&one.file, one.position).cmp(&(&other.file, other.position)));
        report
    }

    fn object(
        &self,
        source: &Source,
        object: &Object<'_>,
        known: &Known<'_>,
        report: &mut Report,
    ) -> Result<(), Unreadable> {
        let skipped = match object.role {
            Role::Manifest(kind) => match self.manifest(source, object, kind, known)? {
                Some(verdict) => {
                    report.verdicts.push(verdict);
                    return Ok(());
                }
                None => SkipReason::Namespace,
            },
            Role::Recorded => return self.recorded(source, object, known, report),
            Role::Ours => return Ok(()),
            Role::Other => SkipReason::Kind,
            Role::Foreign if source.named => return Err(not_an_object(object)),
            Role::Foreign => SkipReason::NoObject,
        };
        report.skipped.push(Skipped {
            location: location(source, object),
            api_version: object.api_version.to_owned(),
            kind: object.kind.to_owned(),
            reason: skipped,
        });
        Ok(())
    }
}

pub(super) fn not_an_object(object: &Object<'_>) -> Unreadable {
    let missing = match (object.api_version, object.kind) {
        ("", "") => "apiVersion and kind are",
        ("", _) => "apiVersion is",
        _ => "kind is",
    };
    Unreadable::at(object.node.span.start, format!("not a Kubernetes object: {missing} missing"))
}

impl Outcome {
    /// The outcome of an answer; `earlier` are those to the same object in the mutating phase.
    pub(super) fn of(earlier: &[Decision], decision: Decision) -> Self {
        let all = || earlier.iter().chain([&decision]);
        let (mut warnings, mut remarks, mut unknown) = (Vec::new(), Vec::new(), Vec::new());
        for decision in all() {
            merge(&mut warnings, decision.warnings());
            if decision.is_allowed() {
                merge(&mut remarks, decision.remarks.clone());
            }
            merge(&mut unknown, decision.notes.unknown.clone());
        }
        let injected = all().find_map(|decision| decision.injected.clone());
        Self { warnings, remarks, unknown, injected, decision, change: None, tokens: None }
    }
}

fn merge(all: &mut Vec<String>, more: Vec<String>) {
    for line in more {
        if !all.contains(&line) {
            all.push(line);
        }
    }
}

/// Where the findings of an answer are in the source.
pub(super) fn sites(source: &Source, object: &Object<'_>, answer: &Answer) -> Vec<Sites> {
    let findings = &answer.decision.findings;
    let of = |paths: &[FieldPath]| Excerpts { source, tokens: object.document.tokens() }.sites(object.node, paths);
    findings.iter().map(|finding| of(&finding.paths)).collect()
}

pub(super) fn location(source: &Source, object: &Object<'_>) -> Location {
    let position = source.position(object.node.span.start);
    let (line, column) = (position.line, position.column);
    Location { file: source.name.clone(), document: object.document.number, line, column }
}
