//! What is wrong with a file, where, and what to do about it.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// The most problems that one error tells of; the rest is counted.
const MOST_PROBLEMS: usize = 50;

/// A file that cannot be used, with every problem that was found.
///
/// Its display has one line for each problem, `file:line:column: field: what is wrong; what to do`, which is the form for
/// logs. [`Error::render`] shows the places in their source, which is the form for people.
#[derive(thiserror::Error)]
pub struct Error {
    problems: Vec<Problem>,
    more: usize,
}

impl Error {
    /// The problems, in the order of the files; at most fifty.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// How many problems there are beyond those of [`Error::problems`].
    #[must_use]
    pub const fn more(&self) -> usize {
        self.more
    }

    /// The problems with an excerpt of the source around each, coloured for a terminal. Whoever prints it strips the colour
    /// where it is not wanted.
    #[must_use]
    pub fn render(&self) -> String {
        let mut text: Vec<String> = self.problems.iter().map(super::excerpt::render).collect();
        if self.more > 0 {
            text.push(self.rest());
        }
        text.join("\n\n")
    }

    fn rest(&self) -> String {
        let noun = if self.more == 1 { "problem" } else { "problems" };
        format!("and {} more {noun}", self.more)
    }
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self { problems: vec![problem], more: 0 }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            if index > 0 {
                formatter.write_str("\n")?;
            }
            problem.fmt(formatter)?;
        }
        if self.more > 0 {
            write!(formatter, "\n{}", self.rest())?;
        }
        Ok(())
    }
}

/// The source stays out: a file that was given by mistake may hold a secret.
impl fmt::Debug for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// Where something stands in a file. Lines and columns count from 1, columns in characters.
#[derive(Clone)]
pub struct Place {
    /// The file as it was named.
    pub file: Arc<str>,
    /// The line; 0 when the file as a whole is meant.
    pub line: usize,
    /// The column; 0 when the file as a whole is meant.
    pub column: usize,
    pub(super) source: Option<Box<Span>>,
}

/// Some bytes of a text, to show them.
#[derive(Clone)]
pub(super) struct Span {
    pub(super) text: Arc<str>,
    pub(super) bytes: Range<usize>,
}

impl Place {
    /// The file as a whole.
    pub(super) fn file(name: &str) -> Self {
        Self { file: name.into(), line: 0, column: 0, source: None }
    }
}

/// `file:line:column`.
impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.file)?;
        if self.line > 0 {
            write!(formatter, ":{}:{}", self.line, self.column)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug)]
pub struct Problem {
    /// Where it stands.
    pub place: Place,
    /// The path of the field, such as `spec.inject.tokens[0].name`; empty for the file or document as a whole.
    pub field: String,
    /// What is wrong, without a full stop.
    pub what: String,
    /// What to do, without a full stop; may be empty.
    pub advice: String,
    /// A second place that explains the first, with what is to be seen there.
    pub(super) related: Option<Box<(Place, &'static str)>>,
}

impl Problem {
    /// A problem of the file as a whole.
    pub(super) fn of_file(name: &str, what: impl Into<String>, advice: impl Into<String>) -> Self {
        let (what, advice) = (what.into(), advice.into());
        Self { place: Place::file(name), field: String::new(), what, advice, related: None }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: ", self.place)?;
        if !self.field.is_empty() {
            write!(formatter, "{}: ", self.field)?;
        }
        formatter.write_str(&self.what)?;
        if !self.advice.is_empty() {
            write!(formatter, "; {}", self.advice)?;
        }
        if let Some((place, what)) = self.related.as_deref() {
            write!(formatter, " ({what}: {place})")?;
        }
        Ok(())
    }
}

/// Collects the problems of all files that are read together.
#[derive(Debug, Default)]
pub(super) struct Problems {
    found: Vec<Problem>,
    more: usize,
}

impl Problems {
    /// Adds one, or counts it when there are enough.
    pub(super) fn add(&mut self, problem: Problem) {
        if self.is_full() {
            self.more += 1;
        } else {
            self.found.push(problem);
        }
    }

    /// True when further problems are only counted.
    pub(super) fn is_full(&self) -> bool {
        self.found.len() >= MOST_PROBLEMS
    }

    /// `value`, or the problems where there are any, each file's from top to bottom.
    pub(super) fn unless_any<T>(mut self, value: T) -> Result<T, Error> {
        if self.found.is_empty() {
            return Ok(value);
        }
        let mut files: Vec<Arc<str>> = Vec::new();
        for problem in &self.found {
            if !files.contains(&problem.place.file) {
                files.push(Arc::clone(&problem.place.file));
            }
        }
        let order = |place: &Place| (files.iter().position(|file| *file == place.file), place.line, place.column);
        self.found.sort_by_key(|problem| order(&problem.place));
        Err(Error { problems: self.found, more: self.more })
    }
}
