//! From sources to a report.

use jiff::Timestamp;

use super::change;
use super::complete::complete;
use super::context::Known;
use super::excerpt::Excerpts;
use super::input::{Input, input_error};
use super::node::Unreadable;
use super::object::{Kind, Object, Role};
use super::source::Source;
use super::{account_plugin, request};
use crate::admission::{Malformed, Resource};
use crate::install::{self, SYSTEM_NAMESPACES};
use crate::policy::{Answer, Builtin, Facts, Inventory, Phase, PolicySet, SecretFact};
use crate::report::{Location, Report, Sites, SkipReason, Skipped, Verdict};
use crate::resource::FieldPath;

/// The mutating phase is called twice at most, as the API server does.
const MOST_ROUNDS: usize = 2;

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
    fn iter(self) -> impl Iterator<Item = Phase> {
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
            self.object(source, object, &known, &mut report);
        }
        report
    }

    fn object(&self, source: &Source, object: &Object<'_>, known: &Known<'_>, report: &mut Report) {
        let skip = |reason| Skipped { location: location(source, object), kind: object.kind.to_owned(), reason };
        let result = match object.role {
            Role::Manifest(kind) => match self.manifest(source, object, kind, known) {
                Ok(Some(verdict)) => {
                    report.verdicts.push(verdict);
                    Ok(())
                }
                Ok(None) => {
                    report.skipped.push(skip(SkipReason::Namespace));
                    Ok(())
                }
                Err(error) => Err(error),
            },
            Role::Recorded => self.recorded(source, object, known, report),
            Role::Ours => Ok(()),
            Role::Other => {
                report.skipped.push(skip(SkipReason::Kind));
                Ok(())
            }
            Role::Foreign if source.named => {
                Err(Unreadable::at(object.node.span.start, "not a Kubernetes object: apiVersion or kind is missing"))
            }
            Role::Foreign => {
                report.skipped.push(skip(SkipReason::NoObject));
                Ok(())
            }
        };
        if let Err(error) = result {
            report.errors.push(input_error(source, &error));
        }
    }

    /// Judges a manifest as the creation that it asks for; `None` where the webhook is not asked.
    fn manifest(
        &self,
        source: &Source,
        object: &Object<'_>,
        kind: &'static Kind,
        known: &Known<'_>,
    ) -> Result<Option<Verdict>, Unreadable> {
        if let Some(duplicate) = &object.document.duplicate {
            return Err(duplicate.clone());
        }
        let resource = kind.resource();
        let is_namespaced = resource != Resource::Namespace;
        let namespace = match object.metadata("namespace") {
            _ if !is_namespaced => object.metadata("name"),
            "" => self.namespace,
            own => own,
        };
        if is_namespaced && (SYSTEM_NAMESPACES.contains(&namespace) || namespace == install::NAME) {
            return Ok(None);
        }
        let policy = match is_namespaced {
            true => known.policy(namespace).unwrap_or(self.policy_name),
            // The webhook entry for namespaces names it.
            false => Builtin::Baseline.as_str(),
        };
        let mut value = object.node.value();
        complete(kind, namespace, &mut value);
        let malformed = |error: Malformed| {
            Unreadable::at(object.node.span.start, format!("{} cannot be judged: {error}", object.kind))
        };
        let mut review = Answers { warnings: Vec::new(), unknown: Vec::new() };
        let mut change = None;
        if resource == Resource::Pod {
            account_plugin::apply(namespace, &mut value, known);
            let before = value.clone();
            let mut patches = Vec::new();
            for _ in 0..MOST_ROUNDS {
                let body = request::create(kind, namespace, &value);
                let answer = self.answer(policy, Phase::Mutate, &body, known).map_err(malformed)?;
                review.take(&answer);
                let Some(patch) = answer.decision.patch else { break };
                change::apply(&patch, &mut value).map_err(|error| Unreadable::at(object.node.span.start, error))?;
                patches.push(patch);
            }
            change = change::of(&patches, &before, &value);
        }
        let body = request::create(kind, if is_namespaced { namespace } else { "" }, &value);
        let as_served = AsServed(known);
        let facts: &dyn Facts = if resource == Resource::Pod { known } else { &as_served };
        let answer = self.answer(policy, Phase::Validate, &body, facts).map_err(malformed)?;
        review.take(&answer);
        let places = sites(source, object, &answer);
        Ok(Some(Verdict {
            location: location(source, object),
            api_version: object.api_version.to_owned(),
            kind: object.kind.to_owned(),
            namespace: if is_namespaced { namespace.to_owned() } else { String::new() },
            name: object.name().to_owned(),
            phase: None,
            decision: answer.decision,
            warnings: review.warnings,
            unknown: review.unknown,
            places,
            change,
        }))
    }

    /// Judges a recorded review by its very bytes, with what the webhook would know.
    fn recorded(
        &self,
        source: &Source,
        review: &Object<'_>,
        known: &Known<'_>,
        report: &mut Report,
    ) -> Result<(), Unreadable> {
        let converted;
        let body = match &review.document.range {
            Some(bytes) if review.document.is_json && std::ptr::eq(review.node, &review.document.node) => {
                source.text[bytes.clone()].as_bytes()
            }
            _ => {
                converted = review.node.value().to_string();
                converted.as_bytes()
            }
        };
        let request = review.node.get("request").unwrap_or(review.node);
        let subject = request.get("object").filter(|object| object.is_mapping());
        let object = Object { node: subject.unwrap_or(review.node), ..*review };
        let field = |node: &super::node::Node, key| node.text(key).unwrap_or_default().to_owned();
        let kind = request.get("kind").map(|kind| field(kind, "kind")).unwrap_or_default();
        let namespace = field(request, "namespace");
        let policy = known.policy(&namespace).unwrap_or(self.policy_name);
        for phase in self.phases.iter() {
            let answer = self
                .answer(policy, phase, body, known.of_the_webhook())
                .map_err(|error| Unreadable::at(review.node.span.start, error.to_string()))?;
            let mut answers = Answers { warnings: Vec::new(), unknown: Vec::new() };
            answers.take(&answer);
            let places = sites(source, &object, &answer);
            let mut change = None;
            if let Some(patch) = &answer.decision.patch {
                let before = object.node.value();
                let mut after = before.clone();
                change::apply(patch, &mut after).map_err(|error| Unreadable::at(object.node.span.start, error))?;
                change = change::of(std::slice::from_ref(patch), &before, &after);
            }
            let name = field(request, "name");
            report.verdicts.push(Verdict {
                location: location(source, review),
                api_version: field(object.node, "apiVersion"),
                kind: kind.clone(),
                namespace: namespace.clone(),
                name: if name.is_empty() { object.name().to_owned() } else { name },
                phase: Some(phase),
                decision: answer.decision,
                warnings: answers.warnings,
                unknown: answers.unknown,
                places,
                change,
            });
        }
        Ok(())
    }

    fn answer(&self, policy: &str, phase: Phase, body: &[u8], facts: &dyn Facts) -> Result<Answer, Malformed> {
        self.policies.answer(policy, phase, body, facts, self.now)
    }
}

/// What the answers to one object say beside findings and patch.
struct Answers {
    warnings: Vec<String>,
    unknown: Vec<String>,
}

impl Answers {
    fn take(&mut self, answer: &Answer) {
        for (from, to) in
            [(&answer.decision.warnings(), &mut self.warnings), (&answer.decision.notes.unknown, &mut self.unknown)]
        {
            let new: Vec<String> = from.iter().filter(|line| !to.contains(line)).cloned().collect();
            to.extend(new);
        }
    }
}

/// Of a template the API server says as little as the manifest does: the plugin runs on Pods only.
struct AsServed<'k>(&'k Known<'k>);

impl Facts for AsServed<'_> {
    fn secret(&self, namespace: &str, name: &str) -> SecretFact<'_> {
        self.0.secret(namespace, name)
    }

    fn legacy_tokens(&self, namespace: &str) -> Vec<(&str, &str)> {
        self.0.legacy_tokens(namespace)
    }

    fn automount_resolved(&self, _namespace: &str, _service_account: &str) -> bool {
        true
    }
}

fn sites(source: &Source, object: &Object<'_>, answer: &Answer) -> Vec<Sites> {
    let findings = &answer.decision.findings;
    let of = |paths: &[FieldPath]| Excerpts { source, tokens: object.document.tokens() }.sites(object.node, paths);
    findings.iter().map(|finding| of(&finding.paths)).collect()
}

fn location(source: &Source, object: &Object<'_>) -> Location {
    let position = source.position(object.node.span.start);
    let (line, column) = (position.line, position.column);
    Location { file: source.name.clone(), document: object.document.number, line, column }
}
