//! What is wrong with a text, and where.

use std::fmt;

use serde::de::{Expected, Unexpected};

/// Why a text could not be read. Names fields of the schema, never a part of the text.
#[derive(Debug)]
pub(in crate::admission) struct Error(Box<Inner>);

#[derive(Debug)]
struct Inner {
    nature: Nature,
    at: Option<usize>,
    /// Innermost first.
    path: Vec<Step>,
}

/// The kind of an error.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Nature {
    /// The text ends inside a value.
    EndsEarly,
    /// The text breaks the grammar of JSON.
    NotJson,
    /// More levels than allowed.
    TooDeep,
    /// JSON of another type than the field has.
    Unexpected { wanted: &'static str, found: &'static str },
    /// A key that is read stands there again.
    Twice,
    /// A sentence of a visitor.
    Other(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Field(&'static str),
    Index(usize),
}

impl Error {
    pub(super) fn new(nature: Nature, at: usize) -> Self {
        Self(Box::new(Inner { nature, at: Some(at), path: Vec::new() }))
    }

    fn without_position(nature: Nature) -> Self {
        Self(Box::new(Inner { nature, at: None, path: Vec::new() }))
    }

    /// The field `name` is there a second time.
    pub(in crate::admission) fn twice(name: &'static str) -> Self {
        Self::without_position(Nature::Twice).within(name)
    }

    /// The error as one about something below the field `name`.
    pub(in crate::admission) fn within(self, name: &'static str) -> Self {
        self.below(Step::Field(name))
    }

    pub(super) fn below(mut self, step: Step) -> Self {
        self.0.path.push(step);
        self
    }

    /// The error with a position, where it has none: visitors do not know theirs.
    pub(super) fn near(mut self, at: usize) -> Self {
        self.0.at.get_or_insert(at);
        self
    }

    /// True where the text has too many levels.
    pub(in crate::admission) fn is_too_deep(&self) -> bool {
        self.0.nature == Nature::TooDeep
    }

    /// The error in one line, with its place in `text`, the text that was read.
    pub(in crate::admission) fn describe(&self, text: &str) -> String {
        let Some(before) = self.0.at.and_then(|at| text.as_bytes().get(..at)) else { return self.to_string() };
        let line = before.split(|byte| *byte == b'\n').count();
        let column = before.rsplit(|byte| *byte == b'\n').next().map_or(1, |last| last.len() + 1);
        format!("{self} at line {line} column {column}")
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, step) in self.0.path.iter().rev().enumerate() {
            match step {
                Step::Field(name) if position == 0 => write!(formatter, "{name}")?,
                Step::Field(name) => write!(formatter, ".{name}")?,
                Step::Index(index) => write!(formatter, "[{index}]")?,
            }
        }
        if !self.0.path.is_empty() {
            formatter.write_str(": ")?;
        }
        match &self.0.nature {
            Nature::EndsEarly => formatter.write_str("the text ends too early"),
            Nature::NotJson => formatter.write_str("this is not JSON"),
            Nature::TooDeep => formatter.write_str("nested too deeply"),
            Nature::Unexpected { wanted, found } => write!(formatter, "expected {wanted}, found {found}"),
            Nature::Twice => formatter.write_str("given twice"),
            Nature::Other(sentence) => formatter.write_str(sentence),
        }
    }
}

impl std::error::Error for Error {}

impl serde::de::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::without_position(Nature::Other(message.to_string()))
    }

    fn invalid_type(found: Unexpected<'_>, _wanted: &dyn Expected) -> Self {
        Self::without_position(Nature::Unexpected { wanted: "another type", found: noun(&found) })
    }

    fn invalid_value(found: Unexpected<'_>, _wanted: &dyn Expected) -> Self {
        Self::without_position(Nature::Unexpected { wanted: "another value", found: noun(&found) })
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::twice(field)
    }
}

/// What was found, without its value.
fn noun(found: &Unexpected<'_>) -> &'static str {
    match found {
        Unexpected::Bool(_) => "true or false",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) => "a number that does not fit",
        Unexpected::Float(_) => "a fraction",
        Unexpected::Str(_) | Unexpected::Char(_) => "a string",
        Unexpected::Option | Unexpected::Unit => "null",
        Unexpected::Seq => "an array",
        Unexpected::Map => "an object",
        _ => "something else",
    }
}
