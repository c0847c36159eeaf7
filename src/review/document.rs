//! A text as the documents that it holds.

use std::cell::OnceCell;
use std::ops::Range;
use std::path::Path;

use super::excerpt::Tokens;
use super::node::{Node, Unreadable};
use super::source::Source;
use super::{json, yaml};

/// One document of a source.
#[derive(Debug)]
pub(super) struct Document {
    /// From 1.
    pub(super) number: usize,
    /// What it says.
    pub(super) node: Node,
    /// Its bytes in the source, where no other document shares them.
    pub(super) range: Option<Range<usize>>,
    /// True if it is JSON: a recorded review is judged by its very bytes then.
    pub(super) is_json: bool,
    /// A key that it gives twice.
    pub(super) duplicate: Option<Unreadable>,
    tokens: OnceCell<Tokens>,
}

impl Document {
    /// What excerpts are made from; gathered once, and only where something was found.
    pub(super) fn tokens(&self) -> &Tokens {
        self.tokens.get_or_init(|| Tokens::of(&self.node))
    }
}

/// Reads the documents of a source one by one, so that an unreadable one does not hide the others.
///
/// As kubectl does it: a line that begins with `---` separates documents, and one that begins with `{` is JSON first.
pub(super) fn read(source: &Source) -> Vec<Result<Document, Unreadable>> {
    let mut documents = Vec::new();
    let mut number = 0;
    for piece in pieces(&source.text) {
        let mut add = |node, range, is_json, duplicate| {
            number += 1;
            documents.push(Ok(Document { number, node, range, is_json, duplicate, tokens: OnceCell::new() }));
        };
        match parse(&source.name, &source.text[piece.clone()], piece.start) {
            Ok(Parsed::Json(found)) => {
                for found in found {
                    add(found.node, Some(found.bytes), true, found.duplicate);
                }
            }
            Ok(Parsed::Yaml(found)) => {
                let range = Some(piece).filter(|_| found.len() == 1);
                for node in found {
                    add(node, range.clone(), false, None);
                }
            }
            Err(error) => {
                number += 1;
                documents.push(Err(error));
            }
        }
    }
    documents
}

enum Parsed {
    Json(Vec<json::JsonDocument>),
    Yaml(Vec<Node>),
}

fn parse(name: &str, text: &str, base: usize) -> Result<Parsed, Unreadable> {
    let content = text.trim_start_matches('\u{feff}');
    let content = content.strip_prefix("---").unwrap_or(content).trim_start();
    if !content.starts_with('{') {
        return yaml::read(text, base).map(Parsed::Yaml);
    }
    let error = match json::read(content, base + text.len() - content.len()) {
        Ok(documents) => return Ok(Parsed::Json(documents)),
        Err(error) => error,
    };
    // A YAML mapping in braces looks like JSON at first.
    let is_meant_as_json = Path::new(name).extension().is_some_and(|extension| extension == "json")
        || content[1..].trim_start().starts_with('"');
    match yaml::read(text, base) {
        Err(_) if is_meant_as_json => Err(error),
        result => result.map(Parsed::Yaml),
    }
}

/// The ranges between the separators. A separator stays with the document that it begins, since it may have content on its
/// own line.
fn pieces(text: &str) -> Vec<Range<usize>> {
    let mut starts = vec![0];
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let separates =
            line.strip_prefix("---").is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']));
        if separates && at > 0 && !holds_directive(&text[starts[starts.len() - 1]..at]) {
            starts.push(at);
        }
        at += line.len();
    }
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    starts.iter().copied().zip(ends).map(|(start, end)| start..end).collect()
}

/// `%YAML 1.1` and the like belong to the document after the separator.
fn holds_directive(piece: &str) -> bool {
    piece.lines().all(|line| line.trim().is_empty() || line.starts_with(['%', '#']))
}

#[cfg(test)]
mod tests {
    use super::{Source, read};

    fn texts(text: &str) -> Vec<Result<serde_json::Value, usize>> {
        let source = Source::new("x.yaml", text.to_owned());
        read(&source)
            .into_iter()
            .map(|document| {
                document.map(|found| found.node.value()).map_err(|error| source.position(error.offset).line)
            })
            .collect()
    }

    #[test]
    fn an_unreadable_document_does_not_hide_the_others() {
        let found = texts("a: 1\n---\nb: [\n---\nc: 3\n");
        assert_eq!(found[0], Ok(serde_json::json!({"a": 1})));
        assert!(found[1].is_err());
        assert_eq!(found[2], Ok(serde_json::json!({"c": 3})));
    }

    #[test]
    fn json_and_yaml_may_follow_each_other() {
        let found = texts("{\"a\": 1}\n{\"b\": 2}\n--- # three\nc: 3\n---\n{d: 4}\n");
        let values: Vec<_> = found.into_iter().map(Result::unwrap).collect();
        let expected = [r#"{"a":1}"#, r#"{"b":2}"#, r#"{"c":3}"#, r#"{"d":4}"#];
        assert_eq!(values.iter().map(ToString::to_string).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_directive_belongs_to_what_follows_it() {
        assert_eq!(texts("%YAML 1.1\n---\na: 1\n"), [Ok(serde_json::json!({"a": 1}))]);
    }

    #[test]
    fn points_at_the_line_in_the_whole_source() {
        assert_eq!(texts("a: 1\n---\n{\"b\": 1,\n \"c\" 2}\n")[1], Err(4));
    }
}
