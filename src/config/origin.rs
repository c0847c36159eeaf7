//! From bytes of a file to lines and columns.

use std::cell::OnceCell;
use std::ops::Range;
use std::sync::Arc;

use super::error::{Place, Problem, Span};
use super::source::Source;

/// A file's text, and where its lines begin.
#[derive(Debug)]
pub(super) struct Origin<'s> {
    name: Arc<str>,
    text: &'s str,
    shared: OnceCell<Arc<str>>,
    line_starts: OnceCell<Vec<usize>>,
}

impl<'s> Origin<'s> {
    /// The text of a file that has the name `name`.
    pub(super) fn new(name: &str, text: &'s str) -> Self {
        Self { name: name.into(), text, shared: OnceCell::new(), line_starts: OnceCell::new() }
    }

    /// The source's bytes as text.
    pub(super) fn of(source: &'s Source) -> Result<Self, Problem> {
        decode(source.name(), source.bytes()).map(|text| Self::new(source.name(), text))
    }

    /// The text.
    pub(super) const fn text(&self) -> &'s str {
        self.text
    }

    /// The name of the file.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The place of the bytes `span`.
    pub(super) fn place(&self, span: &Range<usize>) -> Place {
        let text = self.text;
        let start = text.floor_char_boundary(span.start);
        let end = text.floor_char_boundary(span.end).max(start);
        let lines = self.line_starts.get_or_init(|| {
            let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
            std::iter::once(0).chain(breaks.map(|(at, _)| at + 1)).collect()
        });
        let line = lines.partition_point(|line| *line <= start);
        let line_start = line.checked_sub(1).and_then(|index| lines.get(index)).copied().unwrap_or_default();
        Place {
            file: Arc::clone(&self.name),
            line,
            column: text[line_start..start].chars().count() + 1,
            source: Some(Box::new(Span {
                text: Arc::clone(self.shared.get_or_init(|| text.into())),
                bytes: start..end,
            })),
        }
    }
}

/// The bytes as UTF-8.
pub(super) fn decode<'s>(name: &str, bytes: &'s [u8]) -> Result<&'s str, Problem> {
    std::str::from_utf8(bytes).map_err(|error| {
        let valid = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
        let line = valid.matches('\n').count() + 1;
        let column = valid.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        let mut problem = Problem::of_file(name, "the file is not UTF-8 text", "save it as UTF-8");
        problem.place = Place { line, column, ..problem.place };
        problem
    })
}
