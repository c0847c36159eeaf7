//! YAML documents, with the place of every value.
//!
//! Plain scalars mean what they mean to kubectl, which reads YAML 1.1: `yes` is true and `0644` is 420.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use serde_json::Number;
use serde_saphyr::granit_parser::{self, Event, Options, Parser, ScalarStyle, Span, Tag};

use super::node::{Content, DEEPEST, Entry, Node, Unreadable};

/// How many values aliases may stand for in one document: a few lines can otherwise mean billions. More than anybody writes so,
/// and read in a few milliseconds.
const MOST_ALIASED: usize = 20_000;

/// Reads the documents of `text`; `base` is where the text begins in its source. Empty ones are left out.
pub(super) fn read(text: &str, base: usize) -> Result<Vec<Node>, Unreadable> {
    let mut options = Options::default();
    options.set_emit_comments(false);
    let events = Parser::new_from_str_with_options(text, options);
    let mut composer = Composer { events, base, end: base + text.len(), anchors: HashMap::new(), aliased: 0 };
    let mut documents = Vec::new();
    while let Some((event, span)) = composer.next()? {
        match event {
            Event::DocumentStart(..) => {
                composer.anchors.clear();
                composer.aliased = 0;
            }
            Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
            event => {
                let node = composer.node(event, &span, 0)?;
                if !matches!(node.content, Content::Null) {
                    documents.push(node);
                }
            }
        }
    }
    Ok(documents)
}

struct Anchored {
    node: Node,
    size: usize,
}

struct Composer<'t> {
    events: Parser<'t, granit_parser::StrInput<'t>>,
    base: usize,
    end: usize,
    anchors: HashMap<usize, Anchored>,
    aliased: usize,
}

impl<'t> Composer<'t> {
    fn next(&mut self) -> Result<Option<(Event<'t>, Span)>, Unreadable> {
        self.events.next().transpose().map_err(|error| {
            let offset = error.marker().byte_offset().map_or(self.end, |offset| (self.base + offset).min(self.end));
            Unreadable::at(offset, format!("not YAML: {}", error.kind()))
        })
    }

    fn node(&mut self, event: Event<'t>, span: &Span, depth: usize) -> Result<Node, Unreadable> {
        let range = self.range(span);
        if depth > DEEPEST {
            return Err(Unreadable::at(range.start, format!("nested more than {DEEPEST} levels deep")));
        }
        let (content, anchor, end) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let content = scalar(&text, style, tag.as_deref())
                    .ok_or_else(|| Unreadable::at(range.start, "a number that JSON cannot express"))?;
                (content, anchor, range.end)
            }
            Event::SequenceStart(_, anchor, _) => {
                let (elements, end) = self.elements(depth)?;
                (Content::Sequence(elements), anchor, end)
            }
            Event::MappingStart(_, anchor, _) => {
                let (entries, end) = self.entries(depth)?;
                (Content::Mapping(entries), anchor, end)
            }
            Event::Alias(anchor) => return self.alias(anchor, range),
            _ => return Err(Unreadable::at(range.start, "not YAML: a value is missing")),
        };
        let node = Node { content, span: range.start..end.max(range.start) };
        if anchor != 0 {
            let size = node.size();
            self.anchors.insert(anchor, Anchored { node: node.clone(), size });
        }
        Ok(node)
    }

    /// What an alias stands for, found where the alias is; what lies inside it is found where it was written.
    fn alias(&mut self, anchor: usize, span: Range<usize>) -> Result<Node, Unreadable> {
        let Some(anchored) = self.anchors.get(&anchor) else {
            return Err(Unreadable::at(span.start, "an alias inside the value that it stands for"));
        };
        self.aliased += anchored.size;
        if self.aliased > MOST_ALIASED {
            return Err(Unreadable::at(span.start, format!("aliases stand for more than {MOST_ALIASED} values")));
        }
        Ok(Node { content: anchored.node.content.clone(), span })
    }

    fn elements(&mut self, depth: usize) -> Result<(Vec<Node>, usize), Unreadable> {
        let mut elements = Vec::new();
        loop {
            match self.within()? {
                (Event::SequenceEnd, span) => return Ok((elements, self.range(&span).start)),
                (event, span) => elements.push(self.node(event, &span, depth + 1)?),
            }
        }
    }

    fn entries(&mut self, depth: usize) -> Result<(Vec<Entry>, usize), Unreadable> {
        let mut entries = Vec::new();
        let mut merged = Vec::new();
        let mut keys = HashSet::new();
        loop {
            let (key, key_span) = match self.within()? {
                (Event::MappingEnd, span) => {
                    entries.extend(merged.into_iter().filter(|entry: &Entry| keys.insert(entry.key.clone())));
                    return Ok((entries, self.range(&span).start));
                }
                (Event::Scalar(key, style, ..), span) => ((key, style), self.range(&span)),
                (_, span) => return Err(Unreadable::at(self.range(&span).start, "a key must be a string")),
            };
            let (event, span) = self.within()?;
            let value = self.node(event, &span, depth + 1)?;
            let (key, style) = key;
            if key == "<<" && style == ScalarStyle::Plain {
                merge(value, &mut merged)?;
                continue;
            }
            let key = key.into_owned();
            if !keys.insert(key.clone()) {
                return Err(Unreadable::at(key_span.start, format!("the key {key:?} is given twice")));
            }
            entries.push(Entry { key, key_span, value });
        }
    }

    fn within(&mut self) -> Result<(Event<'t>, Span), Unreadable> {
        let end = self.end;
        self.next()?.ok_or_else(|| Unreadable::at(end, "not YAML: it ends too early"))
    }

    fn range(&self, span: &Span) -> Range<usize> {
        let start = self.base + span.start.byte_offset().unwrap_or_default();
        let end = span.end.byte_offset().map_or(start, |end| self.base + end);
        start..end.max(start)
    }
}

/// The entries of `<<: *mapping` or `<<: [*one, *other]`; earlier ones win, and the mapping's own before all.
fn merge(value: Node, merged: &mut Vec<Entry>) -> Result<(), Unreadable> {
    match value.content {
        Content::Mapping(entries) => merged.extend(entries),
        Content::Sequence(elements) => {
            for element in elements {
                merge(element, merged)?;
            }
        }
        _ => return Err(Unreadable::at(value.span.start, "<< takes a mapping, or a sequence of mappings")),
    }
    Ok(())
}

impl Node {
    fn size(&self) -> usize {
        1 + match &self.content {
            Content::Sequence(elements) => elements.iter().map(Self::size).sum(),
            Content::Mapping(entries) => entries.iter().map(|entry| entry.value.size()).sum(),
            _ => 0,
        }
    }
}

/// The tags by which a scalar in quotes means what it would mean without them.
const TAGS_OF_PLAIN_SCALARS: [&str; 4] = ["bool", "int", "float", "null"];

/// What a scalar means; `None` for a number without a JSON form.
fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Option<Content> {
    let has_tag = |name: &str| tag.is_some_and(|tag| tag.is_yaml_core_schema_tag(name));
    let is_plain = style == ScalarStyle::Plain || TAGS_OF_PLAIN_SCALARS.into_iter().any(has_tag);
    if !is_plain || has_tag("str") {
        return Some(Content::Text(text.to_owned()));
    }
    Some(match text {
        "" | "~" | "null" | "Null" | "NULL" => Content::Null,
        "true" | "True" | "TRUE" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => Content::Bool(true),
        "false" | "False" | "FALSE" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => Content::Bool(false),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" | "-.inf" | "-.Inf" | "-.INF" | ".nan" | ".NaN"
        | ".NAN" => return None,
        _ => number(text).map_or_else(|| Content::Text(text.to_owned()), Content::Number),
    })
}

fn number(text: &str) -> Option<Number> {
    if !text.starts_with(|first: char| first.is_ascii_digit() || "+-.".contains(first)) {
        return None;
    }
    let plain = text.replace('_', "");
    let (sign, digits) = match plain.as_bytes().first()? {
        b'-' => (-1, &plain[1..]),
        b'+' => (1, &plain[1..]),
        _ => (1, plain.as_str()),
    };
    if digits.starts_with(['+', '-']) {
        return None;
    }
    let integer = match digits.get(..2).map(str::to_ascii_lowercase).as_deref() {
        Some("0x") => i128::from_str_radix(digits.get(2..)?, 16).ok(),
        Some("0o") => i128::from_str_radix(digits.get(2..)?, 8).ok(),
        Some("0b") => i128::from_str_radix(digits.get(2..)?, 2).ok(),
        Some(octal) if octal.starts_with('0') && octal != "0." && octal != "0e" => i128::from_str_radix(digits, 8).ok(),
        _ => digits.parse().ok(),
    };
    if let Some(integer) = integer {
        return Number::from_i128(sign * integer);
    }
    let is_decimal = digits.bytes().all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte));
    let has_digit = digits.bytes().any(|byte| byte.is_ascii_digit());
    if is_decimal && has_digit { plain.parse().ok().and_then(Number::from_f64) } else { None }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use serde_json::{Value, json};

    use super::read;

    fn value(text: &str) -> Value {
        read(text, 0).unwrap().remove(0).value()
    }

    #[test]
    fn scalars_mean_what_they_mean_to_kubectl() {
        let text = "[0644, 0o17, 0x1F, 1_000, -5, +5, 1.5, 1e3, .5, yes, Off, y, ~, '', \"1\", 1.2.3, 2027-03-31, !!str 5, 08, !!bool \"no\", !!int '5']";
        let expected = json!([
            420,
            15,
            31,
            1000,
            -5,
            5,
            1.5,
            1000.0,
            0.5,
            true,
            false,
            "y",
            null,
            "",
            "1",
            "1.2.3",
            "2027-03-31",
            "5",
            8.0,
            false,
            5
        ]);
        assert_eq!(value(text), expected);
    }

    #[test]
    fn follows_aliases_and_merge_keys() {
        let text = "a: &a {x: 1, y: 2}\nb: *a\nc:\n  <<: *a\n  y: 3\n";
        assert_eq!(value(text), json!({"a": {"x": 1, "y": 2}, "b": {"x": 1, "y": 2}, "c": {"x": 1, "y": 3}}));
    }

    #[test]
    fn refuses_a_key_that_is_given_twice() {
        let error = read("a: 1\nb: 2\na: 3\n", 7).unwrap_err();
        assert_eq!((error.offset, error.message.as_str()), (17, "the key \"a\" is given twice"));
    }

    #[test]
    fn refuses_aliases_that_multiply() {
        let mut text = "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n".to_owned();
        for level in 1..12 {
            let previous = vec![format!("*a{}", level - 1); 10].join(", ");
            let _ = writeln!(text, "a{level}: &a{level} [{previous}]");
        }
        assert_eq!(read(&text, 0).unwrap_err().message, "aliases stand for more than 20000 values");
    }

    #[test]
    fn knows_where_each_value_is() {
        let text = "spec:\n  volumes:\n  - name: a\n    secret: {secretName: \"b\"}\n";
        let node = read(text, 0).unwrap().remove(0);
        let volume = &node.get("spec").unwrap().get("volumes").unwrap().elements().unwrap()[0];
        let name = volume.get("secret").unwrap().get("secretName").unwrap();
        assert_eq!(&text[name.span.clone()], "\"b\"");
        assert!(text[volume.span.clone()].starts_with("name: a\n"));
    }

    #[test]
    fn leaves_out_empty_documents() {
        assert_eq!(read("# nothing\n---\n---\na: 1\n", 0).unwrap().len(), 1);
    }
}
