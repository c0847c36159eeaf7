//! JSON as the API server writes it and as a strict reader takes it.
//!
//! `serde_json` is an excellent parser with other aims: it skips unread values without a bound on their depth, takes an array
//! where a struct must be, and refuses `null` where Go reads the zero value. Each could be mended around it, at a quarter
//! more time for every review. This reader does what a review needs and no more: one pass over text that is known to be
//! UTF-8, strings borrowed unless they have escapes, values that nobody reads checked and passed over in a loop of their own.
//!
//! - Nesting is bounded everywhere, by 128 levels.
//! - A struct is an object. `null` is the zero value of a struct, a string, a number and a boolean.
//! - A surrogate without its pair is an error, since it is no character.
//! - Errors say which field they are about and repeat nothing of the text.
//!
//! Properties hold it against `serde_json`: both take and refuse the same text, and read the same values.
#![allow(
    clippy::inline_always,
    reason = "a position that is passed through memory from one small function to the next costs a third more time"
)]

mod deserialize;
mod error;
mod reader;
mod scan;
mod skip;
mod string;

#[cfg(test)]
mod tests;

pub(super) use error::Error;
pub(super) use reader::Reader;
