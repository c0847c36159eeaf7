//! The reader as serde sees it.

use std::borrow::Cow;

use serde::de::value::{BorrowedStrDeserializer, MapDeserializer, StringDeserializer};
use serde::de::{Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::error::{Error, Step};
use super::reader::Reader;
use super::string::Short;

impl<'de> Reader<'de> {
    /// Reads a value.
    pub(in crate::admission) fn value<T: Deserialize<'de>>(&mut self) -> Result<T, Error> {
        T::deserialize(&mut *self).map_err(|error| error.near(self.at))
    }

    fn members<V: Visitor<'de>>(&mut self, fields: &'static [&'static str], visitor: V) -> Result<V::Value, Error> {
        self.open(b'{', "an object")?;
        let mut members = Members { reader: self, fields, key_at: 0, first: true, ended: false };
        let value = visitor.visit_map(&mut members)?;
        if members.ended { Ok(value) } else { Err(self.broken()) }
    }

    fn elements<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Error> {
        self.open(b'[', "an array")?;
        let mut elements = Elements { reader: self, index: 0, ended: false };
        let value = visitor.visit_seq(&mut elements)?;
        if elements.ended { Ok(value) } else { Err(self.broken()) }
    }

    fn text<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Error> {
        match self.plain_string()? {
            (_, Some(string)) => visitor.visit_borrowed_str(string),
            (start, None) => self.escaped_text(start, visitor),
        }
    }

    /// Goes on with a string that has escapes. A short one that nobody keeps costs no allocation.
    #[cold]
    fn escaped_text<V: Visitor<'de>>(&mut self, start: usize, visitor: V) -> Result<V::Value, Error> {
        let length = self.length_from(start)?;
        if length <= Short::ROOM {
            let mut short = Short::default();
            self.unescape(start, &mut short)?;
            return visitor.visit_str(short.as_str());
        }
        let mut string = String::with_capacity(length);
        self.unescape(start, &mut string)?;
        visitor.visit_string(string)
    }

    fn whole_number<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Error> {
        const WANTED: &str = "a whole number";
        if !matches!(self.peek(), Some(b'-' | b'0'..=b'9')) {
            return Err(self.unexpected(WANTED));
        }
        let mut start = *self;
        let number = self.number()?;
        number.parse().map_or_else(|_| Err(start.unexpected(WANTED)), |number| visitor.visit_i64(number))
    }

    fn any_number<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Error> {
        let mut start = *self;
        let number = self.number()?;
        if let Ok(number) = number.parse::<u64>() {
            return visitor.visit_u64(number);
        }
        if let Ok(number) = number.parse::<i64>() {
            return visitor.visit_i64(number);
        }
        match number.parse::<f64>() {
            Ok(number) if number.is_finite() => visitor.visit_f64(number),
            _ => Err(start.unexpected("a number that fits")),
        }
    }

    fn boolean(&mut self) -> Result<bool, Error> {
        match self.peek() {
            Some(b't') => self.word("true").map(|()| true),
            Some(b'f') => self.word("false").map(|()| false),
            _ => Err(self.unexpected("true or false")),
        }
    }
}

macro_rules! whole_numbers {
    ($($method:ident)+) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            if self.null()? { visitor.visit_i64(0) } else { self.whole_number(visitor) }
        }
    )+};
}

macro_rules! strings {
    ($($method:ident)+) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            if self.null()? { visitor.visit_borrowed_str("") } else { self.text(visitor) }
        }
    )+};
}

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.peek() {
            Some(b'{') => self.members(&[], visitor),
            Some(b'[') => self.elements(visitor),
            Some(b'"') => self.text(visitor),
            Some(b't' | b'f') => visitor.visit_bool(self.boolean()?),
            Some(b'n') => {
                self.word("null")?;
                visitor.visit_unit()
            }
            Some(b'-' | b'0'..=b'9') => self.any_number(visitor),
            _ => Err(self.broken()),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.null()? { visitor.visit_bool(false) } else { visitor.visit_bool(self.boolean()?) }
    }

    whole_numbers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
    }

    strings! { deserialize_str deserialize_string deserialize_identifier }

    #[inline]
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.null()? { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        if self.null()? {
            visitor.visit_map(MapDeserializer::new(std::iter::empty::<(&str, ())>()))
        } else {
            self.members(fields, visitor)
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.members(&[], visitor)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.elements(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _name: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.skip()?;
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        i128 u128 f32 f64 char bytes byte_buf unit unit_struct tuple tuple_struct enum
    }
}

/// The members of an object. Of a struct the `fields` are known, so that errors can name them.
struct Members<'r, 'de> {
    reader: &'r mut Reader<'de>,
    fields: &'static [&'static str],
    /// Where the key of the value begins that is read now or next.
    key_at: usize,
    first: bool,
    ended: bool,
}

impl Members<'_, '_> {
    /// The field that is read now, where the struct has it.
    #[cold]
    fn field(&self) -> Option<&'static str> {
        let key = Reader { at: self.key_at, ..*self.reader }.key().ok()?;
        self.fields.iter().copied().find(|field| *field == key)
    }
}

impl<'de> MapAccess<'de> for Members<'_, 'de> {
    type Error = Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        if !self.reader.more(b'}', self.first)? {
            self.ended = true;
            return Ok(None);
        }
        self.first = false;
        self.key_at = self.reader.at;
        let key = match self.reader.key()? {
            Cow::Borrowed(key) => seed.deserialize(BorrowedStrDeserializer::new(key)),
            Cow::Owned(key) => seed.deserialize(StringDeserializer::new(key)),
        };
        key.map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Error> {
        seed.deserialize(&mut *self.reader).map_err(|error| {
            let error = error.near(self.reader.at);
            match self.field() {
                Some(field) => error.within(field),
                None => error,
            }
        })
    }
}

/// The elements of an array.
struct Elements<'r, 'de> {
    reader: &'r mut Reader<'de>,
    index: usize,
    ended: bool,
}

impl<'de> SeqAccess<'de> for Elements<'_, 'de> {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        if !self.reader.more(b']', self.index == 0)? {
            self.ended = true;
            return Ok(None);
        }
        let value = seed.deserialize(&mut *self.reader);
        let value = value.map_err(|error| error.near(self.reader.at).below(Step::Index(self.index)))?;
        self.index += 1;
        Ok(Some(value))
    }
}
