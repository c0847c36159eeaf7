//! The text, and how far it has been read.

use std::borrow::Cow;

use super::error::{Error, Nature};

/// The most levels of objects and arrays. Objects of Kubernetes have some twenty.
pub(super) const DEEPEST: u8 = 128;

/// A place in a text. A copy goes on from there by itself, which is how a value is read later.
#[derive(Clone, Copy, Debug)]
pub(in crate::admission) struct Reader<'de> {
    pub(super) text: &'de str,
    pub(super) at: usize,
    /// How many more objects and arrays may be opened.
    pub(super) levels: u8,
}

impl<'de> Reader<'de> {
    /// The beginning of `text`.
    pub(in crate::admission) const fn new(text: &'de str) -> Self {
        Self { text, at: 0, levels: DEEPEST }
    }

    /// Makes sure that nothing but whitespace follows.
    pub(in crate::admission) fn end(&mut self) -> Result<(), Error> {
        if self.peek().is_some() { Err(self.broken()) } else { Ok(()) }
    }

    /// Reads `null`, if that is what follows.
    #[inline]
    pub(in crate::admission) fn null(&mut self) -> Result<bool, Error> {
        match self.peek() {
            Some(b'n') => self.word("null").map(|()| true),
            _ => Ok(false),
        }
    }

    /// Reads an object, calling `member` for the value behind each key.
    pub(in crate::admission) fn object(
        &mut self,
        mut member: impl FnMut(&mut Self, &str) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.open(b'{', "an object")?;
        let mut first = true;
        while self.more(b'}', first)? {
            first = false;
            let key = self.key()?;
            member(self, &key).map_err(|error| error.near(self.at))?;
        }
        Ok(())
    }

    /// The next byte that is not whitespace.
    #[inline]
    pub(super) fn peek(&mut self) -> Option<u8> {
        loop {
            let byte = self.here()?;
            if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return Some(byte);
            }
            self.at += 1;
        }
    }

    /// The next byte.
    #[inline]
    pub(super) fn here(self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Enters an object or array.
    #[inline]
    pub(super) fn open(&mut self, bracket: u8, wanted: &'static str) -> Result<(), Error> {
        if self.peek() != Some(bracket) {
            return Err(self.unexpected(wanted));
        }
        self.levels = self.levels.checked_sub(1).ok_or_else(|| Error::new(Nature::TooDeep, self.at))?;
        self.at += 1;
        Ok(())
    }

    /// True before another member or element; at the closing `bracket` it is read and its level left.
    #[inline]
    pub(super) fn more(&mut self, bracket: u8, first: bool) -> Result<bool, Error> {
        match self.peek() {
            Some(byte) if byte == bracket => {
                self.at += 1;
                self.levels += 1;
                Ok(false)
            }
            Some(b',') if !first => {
                self.at += 1;
                Ok(true)
            }
            Some(_) if first => Ok(true),
            _ => Err(self.broken()),
        }
    }

    /// Reads a key and the colon behind it.
    #[inline]
    pub(super) fn key(&mut self) -> Result<Cow<'de, str>, Error> {
        if self.peek() != Some(b'"') {
            return Err(self.broken());
        }
        let key = self.string()?;
        self.colon()?;
        Ok(key)
    }

    /// Reads the colon behind a key.
    #[inline]
    pub(super) fn colon(&mut self) -> Result<(), Error> {
        if self.peek() != Some(b':') {
            return Err(self.broken());
        }
        self.at += 1;
        Ok(())
    }

    /// Reads the literal `word`.
    pub(super) fn word(&mut self, word: &str) -> Result<(), Error> {
        let rest = &self.text.as_bytes()[self.at..];
        if !rest.starts_with(word.as_bytes()) {
            let same = rest.iter().zip(word.as_bytes()).take_while(|(one, other)| one == other).count();
            self.at += same;
            return Err(self.broken());
        }
        self.at += word.len();
        Ok(())
    }

    /// Reads a number as text.
    pub(super) fn number(&mut self) -> Result<&'de str, Error> {
        let start = self.at;
        self.pass(b"-");
        if !self.pass(b"0") {
            self.digits()?;
        }
        if self.pass(b".") {
            self.digits()?;
        }
        if self.pass(b"eE") {
            self.pass(b"+-");
            self.digits()?;
        }
        Ok(&self.text[start..self.at])
    }

    fn pass(&mut self, any: &[u8]) -> bool {
        let there = self.here().is_some_and(|byte| any.contains(&byte));
        self.at += usize::from(there);
        there
    }

    fn digits(&mut self) -> Result<(), Error> {
        let digits = self.text.as_bytes()[self.at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += digits;
        if digits == 0 { Err(self.broken()) } else { Ok(()) }
    }

    /// The error that this is not JSON, or no longer.
    #[cold]
    pub(super) fn broken(self) -> Error {
        let nature = if self.at < self.text.len() { Nature::NotJson } else { Nature::EndsEarly };
        Error::new(nature, self.at)
    }

    /// The error that the value which begins here is of another type.
    #[cold]
    pub(super) fn unexpected(&mut self, wanted: &'static str) -> Error {
        let found = match self.peek() {
            Some(b'{') => "an object",
            Some(b'[') => "an array",
            Some(b'"') => "a string",
            Some(b't' | b'f') => "true or false",
            Some(b'n') => "null",
            Some(b'-' | b'0'..=b'9') => "a number",
            _ => return self.broken(),
        };
        Error::new(Nature::Unexpected { wanted, found }, self.at)
    }
}
