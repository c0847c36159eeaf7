//! Strings and their escapes (RFC 8259, section 7).

use std::borrow::Cow;

use super::error::Error;
use super::reader::Reader;
use super::scan::plain_length;

/// What a string with escapes is written into.
pub(super) trait Unescaped {
    fn push(&mut self, character: char);
    fn push_str(&mut self, text: &str);
}

impl Unescaped for String {
    fn push(&mut self, character: char) {
        self.push(character);
    }

    fn push_str(&mut self, text: &str) {
        self.push_str(text);
    }
}

/// Room for a short string, so that one which nobody keeps costs no allocation.
pub(super) struct Short {
    bytes: [u8; Self::ROOM],
    length: usize,
}

impl Short {
    pub(super) const ROOM: usize = 128;

    pub(super) fn as_str(&self) -> &str {
        // Only whole characters are ever written.
        std::str::from_utf8(&self.bytes[..self.length]).unwrap_or_default()
    }
}

impl Default for Short {
    fn default() -> Self {
        Self { bytes: [0; Self::ROOM], length: 0 }
    }
}

impl Unescaped for Short {
    fn push(&mut self, character: char) {
        self.push_str(character.encode_utf8(&mut [0; 4]));
    }

    fn push_str(&mut self, text: &str) {
        let end = self.length + text.len();
        self.bytes[self.length..end].copy_from_slice(text.as_bytes());
        self.length = end;
    }
}

impl<'de> Reader<'de> {
    /// Reads a string. It is borrowed unless it has escapes.
    #[inline(always)]
    pub(super) fn string(&mut self) -> Result<Cow<'de, str>, Error> {
        match self.plain_string()? {
            (_, Some(string)) => Ok(Cow::Borrowed(string)),
            (start, None) => {
                let mut string = String::with_capacity(self.length_from(start)?);
                self.unescape(start, &mut string).map(|()| Cow::Owned(string))
            }
        }
    }

    /// Reads a string without escapes. Of one with escapes, only where it starts; the reader is at the first of them.
    #[inline(always)]
    pub(super) fn plain_string(&mut self) -> Result<(usize, Option<&'de str>), Error> {
        if self.peek() != Some(b'"') {
            return Err(self.unexpected("a string"));
        }
        self.at += 1;
        let start = self.at;
        self.pass_plain();
        if self.here() != Some(b'"') {
            return Ok((start, None));
        }
        let string = &self.text[start..self.at];
        self.at += 1;
        Ok((start, Some(string)))
    }

    /// The bytes of the string that began at `start`, as it is spelled: what escapes stand for is never longer than they
    /// are, so that one allocation is enough.
    #[cold]
    pub(super) fn length_from(&mut self, start: usize) -> Result<usize, Error> {
        let here = self.at;
        self.pass_string()?;
        let length = self.at - 1 - start;
        self.at = here;
        Ok(length)
    }

    /// Goes to the next byte that means something in a string: a quote, a backslash, a control character or the end.
    #[inline(always)]
    pub(super) fn pass_plain(&mut self) {
        self.at += plain_length(&self.text.as_bytes()[self.at..]);
    }

    /// Goes on with a string that began at `start` and has reached its first escape.
    #[cold]
    pub(super) fn unescape(&mut self, start: usize, string: &mut impl Unescaped) -> Result<(), Error> {
        let mut plain = start;
        loop {
            string.push_str(&self.text[plain..self.at]);
            match self.here() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => string.push(self.escape()?),
                _ => return Err(self.broken()),
            }
            plain = self.at;
            self.pass_plain();
        }
    }

    /// Reads an escape, from its backslash.
    pub(super) fn escape(&mut self) -> Result<char, Error> {
        self.at += 1;
        let character = match self.here() {
            Some(same @ (b'"' | b'\\' | b'/')) => char::from(same),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.escaped_unit(),
            _ => return Err(self.broken()),
        };
        self.at += 1;
        Ok(character)
    }

    /// Reads one or two UTF-16 units, from the `u` of the first.
    fn escaped_unit(&mut self) -> Result<char, Error> {
        let mut code = self.hexadecimal()?;
        if (0xd800..0xdc00).contains(&code) && self.text.as_bytes()[self.at..].starts_with(br"\u") {
            self.at += 1;
            let low = self.hexadecimal()?;
            if !(0xdc00..0xe000).contains(&low) {
                return Err(self.broken());
            }
            code = 0x1_0000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        }
        // What is left of the surrogates has no pair.
        char::from_u32(code).ok_or_else(|| self.broken())
    }

    /// Reads a `u` and four digits.
    fn hexadecimal(&mut self) -> Result<u32, Error> {
        self.at += 1;
        let mut code = 0;
        for _ in 0..4 {
            let digit = self.here().and_then(|byte| char::from(byte).to_digit(16));
            code = code << 4 | digit.ok_or_else(|| self.broken())?;
            self.at += 1;
        }
        Ok(code)
    }
}
