//! Values that nobody reads: checked, and not kept.

use super::error::{Error, Nature};
use super::reader::Reader;

impl Reader<'_> {
    /// Passes over a value of any kind.
    pub(in crate::admission) fn skip(&mut self) -> Result<(), Error> {
        // A copy that nobody else sees can be kept in registers.
        let mut reader = *self;
        let skipped = reader.skip_value();
        *self = reader;
        skipped
    }

    #[inline(always)]
    fn skip_value(&mut self) -> Result<(), Error> {
        // One bit for each level that is open, the innermost lowest: set in objects.
        let mut objects: u128 = 0;
        let mut depth: u8 = 0;
        loop {
            let bracket = self.peek().filter(|byte| matches!(byte, b'{' | b'['));
            if let Some(bracket) = bracket {
                if depth == self.levels {
                    return Err(Error::new(Nature::TooDeep, self.at));
                }
                self.at += 1;
                depth += 1;
                objects = objects << 1 | u128::from(bracket == b'{');
            } else {
                self.skip_scalar()?;
            }
            if !self.skip_to_value(&mut objects, &mut depth, bracket.is_some())? {
                return Ok(());
            }
        }
    }

    /// Leaves what is closed here, and goes to the next value; false where there is none.
    #[inline(always)]
    fn skip_to_value(&mut self, objects: &mut u128, depth: &mut u8, mut first: bool) -> Result<bool, Error> {
        while *depth > 0 {
            let object = *objects & 1 == 1;
            match self.peek() {
                Some(b'}') if object => self.at += 1,
                Some(b']') if !object => self.at += 1,
                Some(byte) if first || byte == b',' => {
                    self.at += usize::from(!first);
                    if object {
                        self.skip_key()?;
                    }
                    return Ok(true);
                }
                _ => return Err(self.broken()),
            }
            *depth -= 1;
            *objects >>= 1;
            first = false;
        }
        Ok(false)
    }

    #[inline(always)]
    fn skip_key(&mut self) -> Result<(), Error> {
        if self.peek() != Some(b'"') {
            return Err(self.broken());
        }
        self.skip_string()?;
        self.colon()
    }

    #[inline(always)]
    fn skip_scalar(&mut self) -> Result<(), Error> {
        match self.peek() {
            Some(b'"') => self.skip_string(),
            Some(_) => {
                self.at = self.end_of_literal()?;
                Ok(())
            }
            None => Err(self.broken()),
        }
    }

    /// Where a number or word ends that begins here.
    fn end_of_literal(mut self) -> Result<usize, Error> {
        match self.here() {
            Some(b't') => self.word("true")?,
            Some(b'f') => self.word("false")?,
            Some(b'n') => self.word("null")?,
            Some(b'-' | b'0'..=b'9') => self.number().map(drop)?,
            _ => return Err(self.broken()),
        }
        Ok(self.at)
    }

    /// Passes over a string, from its quote.
    #[inline(always)]
    fn skip_string(&mut self) -> Result<(), Error> {
        self.at += 1;
        self.pass_string()
    }

    /// Passes over what is left of a string, and its closing quote.
    #[inline(always)]
    pub(super) fn pass_string(&mut self) -> Result<(), Error> {
        self.pass_plain();
        if self.here() == Some(b'"') {
            self.at += 1;
            return Ok(());
        }
        self.at = self.end_of_escaped()?;
        Ok(())
    }

    /// Where a string ends that has its first escape here.
    #[inline(never)]
    fn end_of_escaped(mut self) -> Result<usize, Error> {
        loop {
            match self.here() {
                Some(b'"') => return Ok(self.at + 1),
                Some(b'\\') => self.escape().map(drop)?,
                _ => return Err(self.broken()),
            }
            self.pass_plain();
        }
    }
}
