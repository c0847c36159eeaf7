//! Where manifests come from: files, directories and standard input.

use std::fs;
use std::io::Read;
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::report::InputError;

/// The name under which standard input appears.
const STANDARD_INPUT: &str = "<stdin>";

/// One text with manifests.
#[derive(Debug)]
pub struct Source {
    /// The file as it was named, or `<stdin>`.
    pub name: String,
    /// All of it.
    pub text: String,
    /// True where a person named this very file: then a document that is no Kubernetes object is an error, and not just
    /// another file of a directory.
    pub named: bool,
    line_starts: Vec<usize>,
}

/// A place in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
}

impl Source {
    /// A text under the name that messages call it by.
    #[must_use]
    pub fn new(name: impl Into<String>, text: String) -> Self {
        let newlines = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let line_starts = std::iter::once(0).chain(newlines.map(|(at, _)| at + 1)).collect();
        Self { name: name.into(), text, named: true, line_starts }
    }

    /// The line and column of a byte offset.
    #[must_use]
    pub fn position(&self, offset: usize) -> Position {
        let line = self.line_starts.partition_point(|start| *start <= offset).max(1);
        let start = self.line_starts[line - 1];
        let before = self.text.get(start..offset).unwrap_or_default();
        Position { line, column: before.chars().count() + 1 }
    }

    /// The bytes of a line, without its line break.
    #[must_use]
    pub fn line(&self, line: usize) -> Range<usize> {
        let start = self.line_starts[line - 1];
        let end = self.line_starts.get(line).map_or(self.text.len(), |next| next - 1);
        let end = if end > start && self.text.as_bytes()[end - 1] == b'\r' { end - 1 } else { end };
        start..end
    }
}

/// Reads `paths` in their order: files, directories with all that is below them, `-` for standard input. What cannot be
/// read does not keep the rest from being read.
pub fn read(paths: &[PathBuf], stdin: impl Read) -> (Vec<Source>, Vec<InputError>) {
    let mut sources = Vec::new();
    let mut unavailable = Vec::new();
    let mut stdin = Some(stdin);
    for path in paths {
        let found = if path.as_os_str() == "-" {
            stdin.take().map(|stdin| standard_input(stdin).map(|source| vec![source])).transpose()
        } else if path.is_dir() {
            directory(path, &mut unavailable).map(Some)
        } else {
            file(path).map(|source| Some(vec![source]))
        };
        match found {
            Ok(found) => sources.extend(found.into_iter().flatten()),
            Err(error) => unavailable.push(error),
        }
    }
    (sources, unavailable)
}

fn standard_input(mut stdin: impl Read) -> Result<Source, InputError> {
    let mut bytes = Vec::new();
    stdin.read_to_end(&mut bytes).map_err(|error| unreadable(STANDARD_INPUT.to_owned(), &error))?;
    text(STANDARD_INPUT.to_owned(), bytes)
}

fn file(path: &Path) -> Result<Source, InputError> {
    let name = path.display().to_string();
    match fs::read(path) {
        Ok(bytes) => text(name, bytes),
        Err(error) => Err(unreadable(name, &error)),
    }
}

fn text(name: String, bytes: Vec<u8>) -> Result<Source, InputError> {
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Source::new(name, text)),
        Err(_) => Err(error(name, "the file is not UTF-8 text")),
    }
}

fn directory(path: &Path, unavailable: &mut Vec<InputError>) -> Result<Vec<Source>, InputError> {
    let mut files = Vec::new();
    collect(path, &mut files, unavailable);
    if files.is_empty() && unavailable.is_empty() {
        return Err(error(path.display().to_string(), "no .yaml, .yml or .json file in this directory"));
    }
    files.sort();
    let mut sources = Vec::new();
    for found in files {
        match file(&found) {
            Ok(source) => sources.push(Source { named: false, ..source }),
            Err(error) => unavailable.push(error),
        }
    }
    Ok(sources)
}

/// Directories behind symbolic links are left out: they may lead back up.
fn collect(directory: &Path, files: &mut Vec<PathBuf>, unavailable: &mut Vec<InputError>) {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) => {
            unavailable.push(unreadable(directory.display().to_string(), &error));
            return;
        }
    };
    for entry in entries {
        let path = match &entry {
            Ok(entry) => entry.path(),
            Err(error) => {
                unavailable.push(unreadable(directory.display().to_string(), error));
                continue;
            }
        };
        if entry.is_ok_and(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())) {
            collect(&path, files, unavailable);
        } else if is_manifest(&path) {
            match path.metadata() {
                Ok(target) if target.is_file() => files.push(path),
                Ok(_) => {}
                // A link that leads nowhere may stand for what was to be judged.
                Err(error) => unavailable.push(unreadable(path.display().to_string(), &error)),
            }
        }
    }
}

fn is_manifest(path: &Path) -> bool {
    path.extension().is_some_and(|extension| ["yaml", "yml", "json"].iter().any(|known| extension == *known))
}

fn unreadable(name: String, cause: &std::io::Error) -> InputError {
    match cause.kind() {
        std::io::ErrorKind::NotFound => error(name, "no such file or directory"),
        std::io::ErrorKind::PermissionDenied => error(name, "permission denied"),
        _ => error(name, cause.to_string()),
    }
}

fn error(file: String, message: impl Into<String>) -> InputError {
    InputError { file, position: None, message: message.into() }
}

#[cfg(test)]
mod tests {
    use super::{Position, Source};

    #[test]
    fn positions_count_characters_from_one() {
        let source = Source::new("x", "ä: b\r\nc: d".to_owned());
        assert_eq!(source.position(0), Position { line: 1, column: 1 });
        assert_eq!(source.position(4), Position { line: 1, column: 4 });
        assert_eq!(source.position(7), Position { line: 2, column: 1 });
        assert_eq!(&source.text[source.line(1)], "ä: b");
        assert_eq!(&source.text[source.line(2)], "c: d");
    }
}
