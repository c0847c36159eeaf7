//! Source lines that are fit to be shown.
//!
//! A line of a manifest can hold anything: data of a Secret, an environment variable, a comment with a password. So an excerpt
//! is not the source with things taken out, but built from what is known to be harmless: keys, structure, and the values
//! of a short list of fields. Everything else appears as `...`.

use std::ops::Range;

use super::node::{Content, Found, Node};
use super::source::Source;
use crate::report::{Excerpt, Site, Sites};
use crate::resource::FieldPath;

/// Fields whose values are names, paths, types and numbers, and the very things that rules speak of.
const SHOWN: [&str; 23] = [
    "apiVersion",
    "audience",
    "automountServiceAccountToken",
    "defaultMode",
    "devicePath",
    "driver",
    "expirationSeconds",
    "fieldPath",
    "generateName",
    "key",
    "kind",
    "mountPath",
    "name",
    "namespace",
    "optional",
    "path",
    "readOnly",
    "secretName",
    "serviceAccount",
    "serviceAccountName",
    "subPath",
    "subPathExpr",
    "type",
];

/// Annotations and labels whose values are names.
const SHOWN_IN_METADATA: [&str; 2] = ["kubernetes.io/service-account.name", "tokenward.dev/policy"];

/// Fields below which those keys are what they are in the schema, the root of a document and lists among them. Below any
/// other, be it one that is spelled wrong, a key of such a name may hold anything.
const SHOWN_BELOW: [&str; 44] = [
    "",
    "azureFile",
    "boundObjectRef",
    "cephfs",
    "cinder",
    "clusterTrustBundle",
    "configMap",
    "configMapKeyRef",
    "configMapRef",
    "containers",
    "csi",
    "downwardAPI",
    "env",
    "envFrom",
    "ephemeralContainers",
    "fieldRef",
    "flexVolume",
    "imagePullSecrets",
    "initContainers",
    "iscsi",
    "items",
    "jobTemplate",
    "metadata",
    "nodePublishSecretRef",
    "object",
    "oldObject",
    "podCertificate",
    "projected",
    "rbd",
    "request",
    "scaleIO",
    "secret",
    "secretKeyRef",
    "secretRef",
    "secrets",
    "serviceAccountToken",
    "sources",
    "spec",
    "storageos",
    "template",
    "valueFrom",
    "volumeDevices",
    "volumeMounts",
    "volumes",
];

/// A longer value is no name and no path.
const LONGEST_SHOWN: usize = 120;

/// The keys and scalars of a document in the order of the source.
#[derive(Debug)]
pub(super) struct Tokens(Vec<Token>);

#[derive(Debug)]
struct Token {
    span: Range<usize>,
    is_shown: bool,
}

impl Tokens {
    /// Those of `document`, the root of its tree.
    pub(super) fn of(document: &Node) -> Self {
        let mut tokens = Vec::new();
        gather(document, "", Place::Field, &mut tokens);
        // Aliases and merged keys come by more than once. Where one way hides a token, it is hidden.
        tokens.sort_by_key(|token: &Token| (token.span.start, token.span.end, token.is_shown));
        tokens.dedup_by(|later, earlier| later.span == earlier.span);
        Self(tokens)
    }
}

/// Makes the excerpts of a document.
pub(super) struct Excerpts<'d> {
    pub(super) source: &'d Source,
    pub(super) tokens: &'d Tokens,
}

impl Excerpts<'_> {
    /// Where the `paths` of a finding in `object` are.
    pub(super) fn sites(&self, object: &Node, paths: &[FieldPath]) -> Sites {
        let found: Vec<(&FieldPath, Found<'_>)> = paths.iter().map(|path| (path, place(object, path))).collect();
        let sites = found
            .iter()
            .map(|(path, found)| {
                let position = self.source.position(found.start());
                let is_exact = found.is_exact;
                Site { path: path.to_string(), line: position.line, column: position.column, is_exact }
            })
            .collect();
        let marks: Vec<Range<usize>> = found.iter().map(|(_, found)| self.mark(found)).collect();
        Sites { sites, excerpt: self.excerpt(&marks) }
    }

    /// What to point at: an entry on one line as a whole, else its key, or the first key of an element.
    fn mark(&self, found: &Found<'_>) -> Range<usize> {
        let start = found.start();
        let line = self.source.line(self.source.position(start).line);
        let scalar = !matches!(found.node.content, Content::Mapping(_) | Content::Sequence(_));
        if scalar && found.node.span.start >= start && found.node.span.end <= line.end {
            return start..found.node.span.end;
        }
        let key = found.key_span.clone().or_else(|| first_key(found.node)).filter(|key| key.end <= line.end);
        key.unwrap_or(start..(start + 1).min(line.end).max(start))
    }

    fn excerpt(&self, marks: &[Range<usize>]) -> Excerpt {
        let lines = || marks.iter().map(|mark| self.source.position(mark.start).line);
        let (Some(first), Some(last)) = (lines().min(), lines().max()) else { return Excerpt::default() };
        let mut excerpt = Excerpt { first_line: first, text: String::new(), marks: vec![0..0; marks.len()] };
        for line in first..=last {
            let range = self.source.line(line);
            let masked = self.masked(range.clone());
            let base = excerpt.text.len();
            for (mark, shown) in marks.iter().zip(&mut excerpt.marks) {
                if mark.start >= range.start && mark.start <= range.end {
                    *shown = base + masked.at(mark.start)..base + masked.at(mark.end);
                }
            }
            excerpt.text.push_str(&masked.text);
            excerpt.text.push('\n');
        }
        excerpt
    }

    fn masked(&self, line: Range<usize>) -> MaskedLine {
        let mut masked = MaskedLine { text: String::new(), offsets: Vec::new() };
        let first = self.tokens.0.partition_point(|token| token.span.end <= line.start);
        let mut at = line.start;
        // A token that spans several lines sorts before those inside the line, and none ends before it.
        for token in self.tokens.0[first..].iter().take_while(|token| token.span.start < line.end) {
            if token.span.start < at && token.span.end <= at {
                continue;
            }
            self.structure(at..token.span.start.max(at), &mut masked);
            let part = token.span.start.max(at)..token.span.end.min(line.end);
            let is_whole = part == token.span;
            let text = if token.is_shown && is_whole { &self.source.text[part.clone()] } else { "..." };
            masked.push(part.start, text);
            at = part.end;
        }
        self.structure(at..line.end, &mut masked);
        masked.text.truncate(masked.text.trim_end().len());
        masked.offsets.push((line.end, masked.text.len()));
        masked
    }

    /// What stands between keys and scalars: indicators are kept; comments, anchors, tags and aliases are not.
    fn structure(&self, range: Range<usize>, masked: &mut MaskedLine) {
        let mut is_word = false;
        for (at, character) in self.source.text[range.clone()].char_indices() {
            let at = range.start + at;
            match character {
                '#' => return,
                ' ' | '\t' => {
                    is_word = false;
                    masked.push(at, " ");
                }
                '-' | ':' | ',' | '[' | ']' | '{' | '}' | '?' if !is_word => masked.push(at, &character.to_string()),
                _ => is_word = true,
            }
        }
    }
}

struct MaskedLine {
    text: String,
    /// Where a byte of the source came to stand, in order.
    offsets: Vec<(usize, usize)>,
}

impl MaskedLine {
    fn push(&mut self, at: usize, text: &str) {
        self.offsets.push((at, self.text.len()));
        self.text.push_str(text);
    }

    fn at(&self, offset: usize) -> usize {
        let next = self.offsets.partition_point(|(from, _)| *from < offset);
        self.offsets.get(next).or(self.offsets.last()).map_or(0, |(_, to)| *to).min(self.text.len())
    }
}

/// The place of `path`; of something that the object lacks as a whole, the name of the object.
fn place<'d>(object: &'d Node, path: &FieldPath) -> Found<'d> {
    let found = object.locate(path.segments());
    if found.key_span.is_some() || !std::ptr::eq(found.node, &raw const *object) {
        return found;
    }
    let name = object.locate(FieldPath::of("metadata.name").segments());
    if name.is_exact { Found { is_exact: false, ..name } } else { found }
}

fn first_key(node: &Node) -> Option<Range<usize>> {
    match &node.content {
        Content::Mapping(entries) => entries.first().map(|entry| entry.key_span.clone()),
        _ => None,
    }
}

/// What a key says of its value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// It is a field of the schema.
    Field,
    /// It is an annotation or a label.
    Metadata,
    /// Nothing.
    Hidden,
}

impl Place {
    /// That of the keys below `key`.
    fn below(self, key: &str) -> Self {
        match self {
            Self::Field if SHOWN_BELOW.contains(&key) => Self::Field,
            Self::Field if matches!(key, "annotations" | "labels") => Self::Metadata,
            Self::Field | Self::Metadata | Self::Hidden => Self::Hidden,
        }
    }

    fn shows(self, key: &str) -> bool {
        match self {
            Self::Field => SHOWN.contains(&key),
            Self::Metadata => SHOWN_IN_METADATA.contains(&key),
            Self::Hidden => false,
        }
    }
}

/// The tokens of `node`, which is the value of `key`, a key of `place`.
fn gather(node: &Node, key: &str, place: Place, tokens: &mut Vec<Token>) {
    match &node.content {
        Content::Mapping(entries) => {
            for entry in entries {
                tokens.push(Token { span: entry.key_span.clone(), is_shown: entry.key.len() <= LONGEST_SHOWN });
                gather(&entry.value, &entry.key, place.below(key), tokens);
            }
        }
        Content::Sequence(elements) => {
            for element in elements {
                gather(element, key, place, tokens);
            }
        }
        _ if node.span.is_empty() => {}
        _ => {
            let is_shown = node.span.len() <= LONGEST_SHOWN && place.shows(key);
            tokens.push(Token { span: node.span.clone(), is_shown });
        }
    }
}
