//! All documents of an input, before anything is judged.

use super::document::{self, Document};
use super::node::Unreadable;
use super::object::{Object, Role};
use super::source::Source;
use crate::config;
use crate::report::InputError;

/// The documents of all sources, and what could not be read of them.
#[derive(Debug, Default)]
pub struct Input<'s> {
    documents: Vec<(&'s Source, Document)>,
    pub(super) errors: Vec<InputError>,
}

impl<'s> Input<'s> {
    /// Reads the documents of `sources`. An unreadable one does not hide the others.
    #[must_use]
    pub fn parse(sources: &'s [Source]) -> Self {
        let mut input = Self::default();
        for source in sources {
            for result in document::read(source) {
                match result {
                    Ok(document) => input.documents.push((source, document)),
                    Err(error) => input.errors.push(input_error(source, &error)),
                }
            }
        }
        input
    }

    /// True when there is no document, not even an unreadable one.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.documents.is_empty() && self.errors.is_empty()
    }

    /// The policies and exceptions in the input.
    #[must_use]
    pub fn policies(&self) -> Vec<config::Source> {
        self.ours(|kind| kind != config::INVENTORY_KIND)
    }

    /// The inventories in the input.
    #[must_use]
    pub fn inventories(&self) -> Vec<config::Source> {
        self.ours(|kind| kind == config::INVENTORY_KIND)
    }

    pub(super) fn objects(&self) -> impl Iterator<Item = (&'s Source, Object<'_>)> {
        self.documents
            .iter()
            .flat_map(|(source, document)| Object::all(document).into_iter().map(move |object| (*source, object)))
    }

    /// Documents of tokenward's own kinds, each alone: nothing else of the input gets into an excerpt of an error.
    fn ours(&self, is_wanted: impl Fn(&str) -> bool) -> Vec<config::Source> {
        self.objects()
            .filter(|(_, object)| matches!(object.role, Role::Ours) && is_wanted(object.kind))
            .map(|(source, object)| config::Source::new(source.name.clone(), alone(source, &object)))
            .collect()
    }
}

/// The text of one document, on the lines that it has in its source.
fn alone(source: &Source, object: &Object<'_>) -> String {
    let document = object.document;
    let range = document.range.clone().filter(|_| object.is_whole_document());
    let start = range.as_ref().map_or(object.node.span.start, |range| range.start);
    let mut text = "\n".repeat(source.position(start).line - 1);
    match range {
        Some(range) => text.push_str(&source.text[range]),
        None => text.push_str(&object.node.value().to_string()),
    }
    text
}

pub(super) fn input_error(source: &Source, error: &Unreadable) -> InputError {
    let position = source.position(error.offset);
    InputError {
        file: source.name.clone(),
        position: Some((position.line, position.column)),
        message: error.message.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Input, Source};
    use crate::config;

    const POLICY: &str = "apiVersion: tokenward.dev/v1alpha1\nkind: TokenPolicy\nmetadata: {name: strict}\nspec: {}\n";

    #[test]
    fn policies_are_found_among_other_documents_and_in_lists() {
        let list = r#"{"apiVersion": "v1", "kind": "List", "items": [{"apiVersion": "tokenward.dev/v1alpha1", "kind": "TokenPolicy", "metadata": {"name": "listed"}, "spec": {}}]}"#;
        let source = Source::new("x.yaml", format!("a: [\n---\n{POLICY}---\n{list}"));
        let sources = [source];
        let input = Input::parse(&sources);
        let policies = config::parse_policies(&input.policies()).unwrap();
        assert!(policies.get("strict").is_some() && policies.get("listed").is_some());
        assert_eq!(input.errors.len(), 1);
    }

    #[test]
    fn an_error_in_a_policy_has_the_line_of_the_whole_source() {
        let text = format!("kind: Secret\ndata: {{a: canary}}\n---\n{}", POLICY.replace("spec: {}", "spec: {oops: 1}"));
        let sources = [Source::new("x.yaml", text)];
        let error = config::parse_policies(&Input::parse(&sources).policies()).unwrap_err();
        assert!(error.to_string().starts_with("x.yaml:7:8: spec.oops: "), "{error}");
        assert!(!error.render().contains("canary"), "{}", error.render());
    }
}
