//! A document as a tree that knows where each of its values was written.

use std::ops::Range;

use serde_json::{Map, Number, Value};

use crate::resource::Segment;

/// The deepest nesting that is read; no Kubernetes object comes near.
pub(super) const DEEPEST: usize = 100;

/// A value and the bytes of the source that it was written with.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) content: Content,
    pub(super) span: Range<usize>,
}

#[derive(Clone, Debug)]
pub(super) enum Content {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    Sequence(Vec<Node>),
    Mapping(Vec<Entry>),
}

/// A key of a mapping with its value.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) key_span: Range<usize>,
    pub(super) value: Node,
}

/// Why a text is no document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unreadable {
    /// Byte offset in the source.
    pub(super) offset: usize,
    /// What is wrong, without a byte of a value.
    pub(super) message: String,
}

impl Unreadable {
    pub(super) fn at(offset: usize, message: impl Into<String>) -> Self {
        Self { offset, message: message.into() }
    }
}

/// Where a path leads: the entry or element itself, or the nearest one above it that is written out.
#[derive(Clone, Debug)]
pub(super) struct Found<'n> {
    pub(super) node: &'n Node,
    /// The key, where the value belongs to one.
    pub(super) key_span: Option<Range<usize>>,
    /// False where only something above it is written out.
    pub(super) is_exact: bool,
}

impl Node {
    /// The value of a key.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        match &self.content {
            Content::Mapping(entries) => entries.iter().find(|entry| entry.key == key).map(|entry| &entry.value),
            _ => None,
        }
    }

    /// The string that a key holds.
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        match &self.get(key)?.content {
            Content::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The elements of a sequence.
    pub(super) fn elements(&self) -> Option<&[Self]> {
        match &self.content {
            Content::Sequence(elements) => Some(elements),
            _ => None,
        }
    }

    pub(super) fn is_mapping(&self) -> bool {
        matches!(self.content, Content::Mapping(_))
    }

    /// The value without its places.
    pub(super) fn value(&self) -> Value {
        match &self.content {
            Content::Null => Value::Null,
            Content::Bool(value) => Value::Bool(*value),
            Content::Number(number) => Value::Number(number.clone()),
            Content::Text(text) => Value::String(text.clone()),
            Content::Sequence(elements) => elements.iter().map(Self::value).collect(),
            Content::Mapping(entries) => Value::Object(
                entries.iter().map(|entry| (entry.key.clone(), entry.value.value())).collect::<Map<_, _>>(),
            ),
        }
    }

    /// Follows `path` as far as it is written out. Completion and injection add fields that are not; those are shown at
    /// the nearest field above them.
    pub(super) fn locate(&self, path: &[Segment]) -> Found<'_> {
        let mut found = Found { node: self, key_span: None, is_exact: true };
        for segment in path {
            let next = match segment {
                Segment::Field(key) => found.node.entry(key).or_else(|| found.node.entry(also_written(key)?)),
                Segment::Key(key) => found.node.entry(key),
                Segment::Index(index) => {
                    found.node.elements().and_then(|elements| elements.get(*index)).map(Found::element)
                }
            };
            match next {
                Some(next) => found = next,
                None => return Found { is_exact: false, ..found },
            }
        }
        found
    }

    fn entry(&self, key: &str) -> Option<Found<'_>> {
        match &self.content {
            Content::Mapping(entries) => entries.iter().find(|entry| entry.key == key).map(|entry| Found {
                node: &entry.value,
                key_span: Some(entry.key_span.clone()),
                is_exact: true,
            }),
            _ => None,
        }
    }
}

/// The field of a manifest that the API server reads this one from.
fn also_written(field: &str) -> Option<&'static str> {
    match field {
        "data" => Some("stringData"),
        "serviceAccountName" => Some("serviceAccount"),
        _ => None,
    }
}

impl<'n> Found<'n> {
    const fn element(node: &'n Node) -> Self {
        Self { node, key_span: None, is_exact: true }
    }
}

impl Found<'_> {
    /// Where it begins.
    pub(super) fn start(&self) -> usize {
        self.key_span.as_ref().map_or(self.node.span.start, |key| key.start)
    }
}
