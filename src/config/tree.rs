//! A YAML or JSON file as a tree of nodes that know where they stand.
//!
//! Read from parser events instead of through serde, because a file is reported on as a whole: every problem it has, each
//! with its place, also where a field is unknown, given twice or of the wrong type. An alias is the same node again, so a
//! file that multiplies aliases costs no more than its bytes.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::ops::Range;

use super::error::Problem;
use super::origin::Origin;
use super::quoted::quoted_unless_plain;
use serde_saphyr::granit_parser::{Event, Options, Parser, ScalarStyle, ScanError, Span};

/// A node's place in the tree that it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Id(u32);

/// One document, sequence, mapping or scalar.
#[derive(Debug)]
pub(super) struct Node<'s> {
    /// What it holds.
    pub(super) kind: Kind<'s>,
    /// True when it carries a tag such as `!!str`.
    pub(super) tagged: bool,
    start: u32,
    end: u32,
    parent: Id,
}

impl Node<'_> {
    /// Where it stands, in bytes; of a mapping or sequence, where it begins.
    pub(super) const fn span(&self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// The parent of a document.
const NOBODY: Id = Id(u32::MAX);

/// What a node holds.
#[derive(Debug)]
pub(super) enum Kind<'s> {
    /// Nothing: an empty value, `~` or `null`.
    Null,
    /// A plain scalar: without quotes, so that it may be a number or a truth value.
    Plain(Cow<'s, str>),
    /// A scalar that is a string by its notation.
    Quoted(Cow<'s, str>),
    /// A sequence.
    Sequence(Vec<Id>),
    /// A mapping's keys and values, as often as they are given.
    Mapping(Vec<(Id, Id)>),
}

/// The documents of a file.
#[derive(Debug, Default)]
pub(super) struct Tree<'s> {
    nodes: Vec<Node<'s>>,
    documents: Vec<Id>,
}

/// Where and why a file cannot be read.
#[derive(Debug)]
pub(super) struct Broken {
    /// The byte at which reading stopped.
    at: usize,
    what: String,
    advice: &'static str,
}

impl Broken {
    /// The problem that it is for the file.
    pub(super) fn problem(self, origin: &Origin<'_>) -> Problem {
        let place = origin.place(&(self.at..self.at));
        let advice = self.advice.to_owned();
        Problem { place, field: String::new(), what: self.what, advice, related: None }
    }
}

impl<'s> Tree<'s> {
    /// Reads all documents of `text`, which may have at most `most` nodes. A node takes far more memory than its text.
    pub(super) fn parse(text: &'s str, most: usize) -> Result<Self, Broken> {
        let mut builder = Builder::default();
        let mut options = Options::default();
        options.set_emit_comments(false);
        for event in Parser::new_from_str_with_options(text, options) {
            let (event, span) = event.map_err(|error| broken(text, &error))?;
            builder.take(event, &span);
            if builder.tree.nodes.len() > most {
                let at = span.start.byte_offset().unwrap_or_default();
                return Err(Broken {
                    at,
                    what: format!("the file has more than {most} values"),
                    advice: "split it into several files",
                });
            }
        }
        Ok(builder.tree)
    }

    /// The documents that hold something.
    pub(super) fn documents(&self) -> impl Iterator<Item = Id> {
        self.documents.iter().copied().filter(|id| !matches!(self.node(*id).kind, Kind::Null))
    }

    /// The node.
    pub(super) fn node(&self, id: Id) -> &Node<'s> {
        &self.nodes[id.0 as usize]
    }

    /// A scalar's text.
    pub(super) fn text(&self, id: Id) -> Option<&str> {
        match &self.node(id).kind {
            Kind::Plain(text) | Kind::Quoted(text) => Some(text),
            Kind::Null | Kind::Sequence(_) | Kind::Mapping(_) => None,
        }
    }

    /// The value of a mapping's field, the first where it is given twice.
    pub(super) fn value(&self, mapping: Id, name: &str) -> Option<Id> {
        let Kind::Mapping(entries) = &self.node(mapping).kind else { return None };
        entries.iter().find(|(key, _)| self.text(*key) == Some(name)).map(|(_, value)| *value)
    }

    /// The path of a node in its document, such as `spec.inject.tokens[0].name`; of a key, that of its value.
    pub(super) fn path(&self, id: Id) -> String {
        let mut path = String::new();
        let mut node = id;
        let mut steps = Vec::new();
        while let Some(parent) = self.parent(node) {
            steps.push((parent, node));
            node = parent;
        }
        for (parent, child) in steps.into_iter().rev() {
            match &self.node(parent).kind {
                Kind::Sequence(items) => {
                    let index = items.iter().position(|item| *item == child).unwrap_or_default();
                    let _ = write!(path, "[{index}]");
                }
                Kind::Mapping(entries) => {
                    let entry = entries.iter().find(|(key, value)| [*key, *value].contains(&child));
                    let key = entry.and_then(|(key, _)| self.text(*key)).unwrap_or_default();
                    if !path.is_empty() {
                        path.push('.');
                    }
                    path.push_str(&quoted_unless_plain(key));
                }
                Kind::Null | Kind::Plain(_) | Kind::Quoted(_) => {}
            }
        }
        path
    }

    /// Where to point for something that a mapping lacks: at the key that introduces it, else at its first key.
    pub(super) fn introduction(&self, mapping: Id) -> Range<usize> {
        let introduced_by = self.parent(mapping).and_then(|parent| match &self.node(parent).kind {
            Kind::Mapping(entries) => entries.iter().find(|(_, value)| *value == mapping).map(|(key, _)| *key),
            _ => None,
        });
        let first_key = match &self.node(mapping).kind {
            Kind::Mapping(entries) => entries.first().map(|(key, _)| *key),
            _ => None,
        };
        self.node(introduced_by.or(first_key).unwrap_or(mapping)).span()
    }

    fn parent(&self, id: Id) -> Option<Id> {
        Some(self.node(id).parent).filter(|parent| *parent != NOBODY)
    }
}

fn broken(text: &str, error: &ScanError) -> Broken {
    let at = error.marker().byte_offset().unwrap_or(text.len());
    let what = format!("the file is not YAML: {}", error.kind());
    Broken { at: at.min(text.len()), what, advice: "look at the indentation, quotes and brackets here and just above" }
}

/// A collection that is still open, with the key that waits for its value.
struct Open {
    id: Id,
    key: Option<Id>,
}

#[derive(Default)]
struct Builder<'s> {
    tree: Tree<'s>,
    open: Vec<Open>,
    anchors: HashMap<usize, Id>,
}

impl<'s> Builder<'s> {
    fn take(&mut self, event: Event<'s>, span: &Span) {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let kind = match style {
                    ScalarStyle::Plain if tag.is_none() && matches!(&*text, "" | "~" | "null" | "Null" | "NULL") => {
                        Kind::Null
                    }
                    ScalarStyle::Plain => Kind::Plain(text),
                    _ => Kind::Quoted(text),
                };
                self.add(kind, span, anchor, tag.is_some());
            }
            Event::SequenceStart(_, anchor, tag) => {
                let id = self.add(Kind::Sequence(Vec::new()), span, anchor, tag.is_some());
                self.open.push(Open { id, key: None });
            }
            Event::MappingStart(_, anchor, tag) => {
                let id = self.add(Kind::Mapping(Vec::new()), span, anchor, tag.is_some());
                self.open.push(Open { id, key: None });
            }
            Event::SequenceEnd | Event::MappingEnd => {
                self.open.pop();
            }
            Event::Alias(anchor) => {
                if let Some(id) = self.anchors.get(&anchor).copied() {
                    self.attach(id);
                }
            }
            _ => {}
        }
    }

    fn add(&mut self, kind: Kind<'s>, span: &Span, anchor: usize, tagged: bool) -> Id {
        // A file is far smaller than 4 GiB, and so are its nodes in number.
        let id = Id(u32::try_from(self.tree.nodes.len()).unwrap_or(u32::MAX));
        let start = span.start.byte_offset().unwrap_or_default();
        let end = span.end.byte_offset().unwrap_or(start).max(start);
        let parent = self.open.last().map_or(NOBODY, |open| open.id);
        let [start, end] = [start, end].map(|at| u32::try_from(at).unwrap_or(u32::MAX));
        self.tree.nodes.push(Node { kind, tagged, start, end, parent });
        if anchor != 0 {
            self.anchors.insert(anchor, id);
        }
        self.attach(id);
        id
    }

    /// Gives a node its place in the collection that is open, or makes it a document.
    fn attach(&mut self, id: Id) {
        let Some(open) = self.open.last_mut() else {
            self.tree.documents.push(id);
            return;
        };
        match &mut self.tree.nodes[open.id.0 as usize].kind {
            Kind::Sequence(items) => items.push(id),
            Kind::Mapping(entries) => match open.key.take() {
                Some(key) => entries.push((key, id)),
                None => open.key = Some(id),
            },
            Kind::Null | Kind::Plain(_) | Kind::Quoted(_) => {}
        }
    }
}
