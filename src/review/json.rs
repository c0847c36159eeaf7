//! JSON documents, with the place of every value.

use std::collections::HashSet;
use std::ops::Range;

use serde::de::IgnoredAny;
use serde_json::Number;

use super::node::{Content, DEEPEST, Entry, Node, Unreadable};

/// A JSON document: its bytes, its tree, and the first key that it gives twice. What to make of such a key is left to the
/// caller: a recorded review is judged as it is, and a manifest is refused.
#[derive(Debug)]
pub(super) struct JsonDocument {
    pub(super) bytes: Range<usize>,
    pub(super) node: Node,
    pub(super) duplicate: Option<Unreadable>,
}

/// Reads the documents of `text`, one after the other; `base` is where the text begins in its source.
pub(super) fn read(text: &str, base: usize) -> Result<Vec<JsonDocument>, Unreadable> {
    let mut documents = Vec::new();
    let mut stream = serde_json::Deserializer::from_str(text).into_iter::<IgnoredAny>();
    let mut end = 0;
    while let Some(result) = stream.next() {
        result.map_err(|error| syntax_error(text, base, &error))?;
        let start = end + (text[end..].len() - text[end..].trim_start().len());
        end = stream.byte_offset();
        let mut walk = Walk { text, at: start, base, duplicate: None };
        let node = walk.value(0)?;
        documents.push(JsonDocument { bytes: base + start..base + end, node, duplicate: walk.duplicate });
    }
    Ok(documents)
}

fn syntax_error(text: &str, base: usize, error: &serde_json::Error) -> Unreadable {
    let line_start: usize = text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
    let offset = (line_start + error.column().saturating_sub(1)).min(text.len());
    let offset = (0..=offset).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
    let sentence = error.to_string();
    let message = sentence.split(" at line ").next().unwrap_or_default();
    Unreadable::at(base + offset, format!("not JSON: {message}"))
}

/// Walks over text that `serde_json` has found to be JSON.
struct Walk<'t> {
    text: &'t str,
    at: usize,
    base: usize,
    duplicate: Option<Unreadable>,
}

impl Walk<'_> {
    fn value(&mut self, depth: usize) -> Result<Node, Unreadable> {
        self.skip_space();
        let start = self.at;
        if depth > DEEPEST {
            return Err(self.error(start, &format!("nested more than {DEEPEST} levels deep")));
        }
        let content = match self.peek() {
            b'{' => Content::Mapping(self.entries(depth)?),
            b'[' => Content::Sequence(self.elements(depth)?),
            b'"' => Content::Text(self.string()?),
            _ => self.word()?,
        };
        Ok(Node { content, span: self.base + start..self.base + self.at })
    }

    fn entries(&mut self, depth: usize) -> Result<Vec<Entry>, Unreadable> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut keys = HashSet::new();
        self.at += 1;
        while !self.closes(b'}') {
            let start = self.at;
            let key = self.string()?;
            let key_span = self.base + start..self.base + self.at;
            self.skip_space();
            self.at += 1;
            let value = self.value(depth + 1)?;
            if !keys.insert(key.clone()) && self.duplicate.is_none() {
                self.duplicate = Some(Unreadable::at(key_span.start, format!("the key {key:?} is given twice")));
            }
            entries.push(Entry { key, key_span, value });
        }
        Ok(entries)
    }

    fn elements(&mut self, depth: usize) -> Result<Vec<Node>, Unreadable> {
        let mut elements = Vec::new();
        self.at += 1;
        while !self.closes(b']') {
            elements.push(self.value(depth + 1)?);
        }
        Ok(elements)
    }

    /// Steps over a comma, or over the end of a collection, or over its last byte where the text ends too early.
    fn closes(&mut self, end: u8) -> bool {
        self.skip_space();
        if self.peek() == b',' {
            self.at += 1;
            self.skip_space();
            return false;
        }
        let closes = self.peek() == end || self.at >= self.text.len();
        if closes {
            self.at = (self.at + 1).min(self.text.len());
        }
        closes
    }

    fn string(&mut self) -> Result<String, Unreadable> {
        let start = self.at;
        let bytes = self.text.as_bytes();
        self.at += 1;
        while self.at < bytes.len() && bytes[self.at] != b'"' {
            self.at += if bytes[self.at] == b'\\' { 2 } else { 1 };
        }
        self.at += 1;
        let token = self.text.get(start..self.at).unwrap_or_default();
        serde_json::from_str(token).map_err(|_| self.error(start, "not a valid string"))
    }

    fn word(&mut self) -> Result<Content, Unreadable> {
        let start = self.at;
        let rest = &self.text[start..];
        let length = rest.find(|byte: char| ",]} \t\r\n".contains(byte)).unwrap_or(rest.len());
        self.at += length;
        Ok(match &rest[..length] {
            "null" => Content::Null,
            "true" => Content::Bool(true),
            "false" => Content::Bool(false),
            number => Content::Number(
                serde_json::from_str::<Number>(number).map_err(|_| self.error(start, "not a valid value"))?,
            ),
        })
    }

    fn peek(&self) -> u8 {
        self.text.as_bytes().get(self.at).copied().unwrap_or_default()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), b' ' | b'\t' | b'\r' | b'\n') {
            self.at += 1;
        }
    }

    fn error(&self, at: usize, message: &str) -> Unreadable {
        Unreadable::at(self.base + at, message)
    }
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn reads_what_serde_json_reads() {
        let text = r#" {"a": [1, -2.5e3, "x\n\u00e4\ud83d\ude00", null, true], "b": {}, "c": []} {"d":false} "#;
        let documents = read(text, 0).unwrap();
        let expected: Vec<serde_json::Value> =
            serde_json::Deserializer::from_str(text).into_iter().map(Result::unwrap).collect();
        assert_eq!(documents.iter().map(|document| document.node.value()).collect::<Vec<_>>(), expected);
        assert_eq!(&text[documents[1].bytes.clone()], r#"{"d":false}"#);
    }

    #[test]
    fn knows_where_each_value_is() {
        let text = r#"{"spec": {"a": ["x", 17]}}"#;
        let document = read(text, 0).unwrap().remove(0);
        let array = document.node.get("spec").unwrap().get("a").unwrap();
        assert_eq!(&text[array.span.clone()], r#"["x", 17]"#);
        assert_eq!(&text[array.elements().unwrap()[1].span.clone()], "17");
    }

    #[test]
    fn points_at_the_error() {
        let error = read("{\n  \"a\": 1,\n  \"b\" 2\n}", 100).unwrap_err();
        assert_eq!((error.offset, error.message.as_str()), (100 + 18, "not JSON: expected `:`"));
    }

    #[test]
    fn refuses_bottomless_nesting() {
        let text = "[".repeat(5000) + &"]".repeat(5000);
        assert_eq!(read(&text, 0).unwrap_err().message, "nested more than 100 levels deep");
    }

    #[test]
    fn notes_a_key_that_is_given_twice() {
        let document = read(r#"{"a": 1, "a": 2}"#, 0).unwrap().remove(0);
        assert_eq!(document.duplicate.unwrap().offset, 9);
    }
}
