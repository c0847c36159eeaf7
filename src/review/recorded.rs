//! Recorded reviews, judged by their very bytes and with what the webhook would know.

use serde_json::Value;

use super::change;
use super::context::Known;
use super::judge::{Review, location, sites};
use super::node::{Node, Unreadable};
use super::object::Object;
use super::source::Source;
use crate::report::{Holding, Outcome, Report, Verdict};

impl Review<'_> {
    /// Asks the questions of `phases`; one verdict for each.
    pub(super) fn recorded(
        &self,
        source: &Source,
        review: &Object<'_>,
        known: &Known<'_>,
        report: &mut Report,
    ) -> Result<(), Unreadable> {
        let converted;
        let body = match &review.document.range {
            Some(bytes) if review.document.is_json && review.is_whole_document() => {
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
        let namespace = text(request, "namespace");
        let policy = known.policy(&namespace).unwrap_or(self.policy_name);
        let inventory = known.of_the_webhook();
        for phase in self.phases.iter() {
            let answer = self
                .policies
                .answer(policy, phase, body, inventory, self.now)
                .map_err(|error| Unreadable::at(review.node.span.start, error.to_string()))?;
            let places = sites(source, &object, &answer);
            let patch = answer.decision.patch.clone();
            let mut outcome = Outcome::of(&[], answer.decision);
            let before = object.node.value();
            let mut after = before.clone();
            if let Some(patch) = patch {
                change::apply(&patch, &mut after).map_err(|error| Unreadable::at(object.node.span.start, error))?;
                outcome.change = change::of(&[patch], &before, &after);
            }
            let changed = with_object(review.node, &after);
            let table = self
                .policies
                .tokens(policy, changed.as_bytes(), inventory, self.now)
                .map_err(|error| Unreadable::at(review.node.span.start, error.to_string()))?;
            let added_volumes = change::added_volumes(&before, &after);
            outcome.tokens = table.map(|table| Holding { table, added_volumes });
            let name = text(request, "name");
            report.verdicts.push(Verdict {
                location: location(source, review),
                api_version: text(object.node, "apiVersion"),
                kind: request.get("kind").map(|kind| text(kind, "kind")).unwrap_or_default(),
                namespace: namespace.clone(),
                name: if name.is_empty() { object.name().to_owned() } else { name },
                phase: Some(phase),
                outcome,
                places,
                pods: None,
            });
        }
        Ok(())
    }
}

/// The review with another object in it.
fn with_object(review: &Node, object: &Value) -> String {
    let mut review = review.value();
    if let Some(old) = review.pointer_mut("/request/object") {
        old.clone_from(object);
    }
    review.to_string()
}

fn text(node: &Node, key: &str) -> String {
    node.text(key).unwrap_or_default().to_owned()
}
