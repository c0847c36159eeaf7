//! Manifests, judged as the creations that they ask for.

use serde_json::{Value, json};

use super::complete::{complete, template};
use super::context::Known;
use super::judge::{Review, location, sites};
use super::misfit::misfit;
use super::node::Unreadable;
use super::object::{Kind, Object};
use super::source::Source;
use super::{account_plugin, change, request};
use crate::admission::{Malformed, Resource};
use crate::install::{self, SYSTEM_NAMESPACES};
use crate::policy::{Answer, Builtin, Phase};
use crate::report::{Holding, Outcome, Verdict};

/// The API server calls a mutating webhook once, and once more after a change.
const MOST_ROUNDS: usize = 2;

impl Review<'_> {
    /// Judges a manifest; `None` where no webhook entry covers its namespace.
    pub(super) fn manifest(
        &self,
        source: &Source,
        object: &Object<'_>,
        kind: &'static Kind,
        known: &Known<'_>,
    ) -> Result<Option<Verdict>, Unreadable> {
        if let Some(duplicate) = &object.document.duplicate {
            return Err(duplicate.clone());
        }
        let namespace = match object.metadata("namespace") {
            _ if !kind.is_namespaced() => "",
            "" => self.namespace,
            own => own,
        };
        if SYSTEM_NAMESPACES.contains(&namespace) || namespace == install::NAME {
            return Ok(None);
        }
        let policy = if kind.is_namespaced() {
            known.policy(namespace).unwrap_or(self.policy_name)
        } else {
            // The webhook entry for namespaces posts to it.
            Builtin::Baseline.as_str()
        };
        let mut value = object.node.value();
        complete(kind, namespace, &mut value);
        let subject = Subject { kind, namespace, policy, known };
        let refused = |refusal: Refusal| refusal.explain(object, kind, &value);
        let (answer, outcome) = self.judge(&subject, value.clone()).map_err(refused)?;
        let pods = match pods_to_be(kind, object, &value) {
            Some(pod) => {
                let subject = Subject { kind: Kind::pod(), ..subject };
                let (_, outcome) = self.judge(&subject, pod).map_err(refused)?;
                Some(outcome)
            }
            None => None,
        };
        Ok(Some(Verdict {
            location: location(source, object),
            api_version: object.api_version.to_owned(),
            kind: object.kind.to_owned(),
            namespace: namespace.to_owned(),
            name: object.name().to_owned(),
            phase: None,
            places: sites(source, object, &answer),
            outcome,
            pods,
        }))
    }

    /// Asks both questions about a completed object, the second one about the object as the first answer leaves it.
    fn judge(&self, subject: &Subject<'_>, mut object: Value) -> Result<(Answer, Outcome), Refusal> {
        let mut earlier = Vec::new();
        let mut patches = Vec::new();
        let is_pod = subject.kind.resource() == Resource::Pod;
        if is_pod {
            account_plugin::apply(subject.namespace, &mut object, subject.known);
        }
        let before = object.clone();
        // A policy that changes nothing has no entry in the mutating webhook configuration.
        let rounds = if is_pod && self.policies.select(subject.policy).mutates() { MOST_ROUNDS } else { 0 };
        for _ in 0..rounds {
            let mut answer = self.ask(subject, Phase::Mutate, &object)?;
            let patch = answer.decision.patch.take();
            earlier.push(answer.decision);
            let Some(patch) = patch else { break };
            change::apply(&patch, &mut object).map_err(Refusal::Patch)?;
            patches.push(patch);
        }
        let answer = self.ask(subject, Phase::Validate, &object)?;
        let outcome = Outcome::of(&earlier, answer.decision.clone());
        let change = change::of(&patches, &before, &object);
        let tokens = if is_pod { self.tokens(subject, &before, &object)? } else { None };
        Ok((answer, Outcome { change, tokens, ..outcome }))
    }

    /// The tokens of a Pod that the webhook has changed from `before` to `after`.
    fn tokens(&self, subject: &Subject<'_>, before: &Value, after: &Value) -> Result<Option<Holding>, Refusal> {
        let body = request::create(subject.kind, subject.namespace, after);
        let table = self.policies.tokens(subject.policy, &body, subject.known, self.now);
        let added_volumes = change::added_volumes(before, after);
        Ok(table.map_err(Refusal::Malformed)?.map(|table| Holding { table, added_volumes }))
    }

    fn ask(&self, subject: &Subject<'_>, phase: Phase, object: &Value) -> Result<Answer, Refusal> {
        let body = request::create(subject.kind, subject.namespace, object);
        let answer = self.policies.answer(subject.policy, phase, &body, subject.known, self.now);
        answer.map_err(Refusal::Malformed)
    }
}

/// What is judged, and by what.
#[derive(Clone, Copy)]
struct Subject<'s> {
    kind: &'static Kind,
    namespace: &'s str,
    policy: &'s str,
    known: &'s Known<'s>,
}

/// Why a manifest cannot be judged.
pub(super) enum Refusal {
    Malformed(Malformed),
    Patch(String),
}

impl Refusal {
    /// Finds the field that is to blame.
    pub(super) fn explain(self, object: &Object<'_>, kind: &Kind, value: &Value) -> Unreadable {
        let error = match self {
            Self::Patch(error) => error,
            Self::Malformed(malformed) => match misfit(kind, value) {
                Some(misfit) => {
                    let at = object.node.locate(&misfit.segments).start();
                    let path = misfit.path;
                    return Unreadable::at(at, format!("{} {}: {path} has the wrong type", object.kind, object.name()));
                }
                None => malformed.to_string(),
            },
        };
        Unreadable::at(object.node.span.start, format!("{} {} cannot be judged: {error}", object.kind, object.name()))
    }
}

/// A Pod as the controller of a completed workload would create it.
fn pods_to_be(kind: &Kind, object: &Object<'_>, workload: &Value) -> Option<Value> {
    let Resource::Workload(workload_kind) = kind.resource() else { return None };
    let template = workload.pointer(template(workload_kind))?;
    let mut pod = json!({"metadata": template["metadata"], "spec": template.get("spec")?});
    if !pod["metadata"].is_object() {
        pod["metadata"] = json!({});
    }
    pod["metadata"]["generateName"] = json!(format!("{}-", object.name()));
    complete(Kind::pod(), workload.pointer("/metadata/namespace")?.as_str()?, &mut pod);
    Some(pod)
}
