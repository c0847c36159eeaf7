//! A string of a review, borrowed where its JSON has no escapes.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

use serde::de::{Deserialize, Deserializer, Error, Visitor};

use super::sparse::Telling;

/// A string that borrows from the input unless it had to be unescaped. `null` reads as the empty string, as it does in
/// Go's decoder.
#[derive(Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Text<'a>(Cow<'a, str>);

impl<'a> Text<'a> {
    /// The string with the lifetime of the view that holds it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Borrows `value`.
    #[must_use]
    pub const fn borrowed(value: &'a str) -> Self {
        Self(Cow::Borrowed(value))
    }
}

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Text<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, formatter)
    }
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl PartialEq<str> for Text<'_> {
    fn eq(&self, other: &str) -> bool {
        *self.0 == *other
    }
}

impl PartialEq<&str> for Text<'_> {
    fn eq(&self, other: &&str) -> bool {
        *self.0 == **other
    }
}

/// A string that is kept only where it is long enough to hold a token: of most literal values of a Pod nothing has to be
/// remembered, also where they have escapes. It may be a secret, so it prints its length alone.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct LongText<'a>(Text<'a>);

/// A JWT of Kubernetes has more bytes than this: its signature alone has 86.
const SHORTEST_TOKEN: usize = 128;

impl<'a> LongText<'a> {
    /// The string; empty where it was too short.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// True where it was too short.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn keep(text: Text<'a>) -> Self {
        Self(if text.len() < SHORTEST_TOKEN { Text::default() } else { text })
    }
}

impl Telling for LongText<'_> {
    fn is_telling(&self) -> bool {
        !self.is_empty()
    }
}

impl fmt::Debug for LongText<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "({} bytes)", self.0.len())
    }
}

struct LongTextVisitor;

impl<'de> Visitor<'de> for LongTextVisitor {
    type Value = LongText<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        TextVisitor.expecting(formatter)
    }

    fn visit_borrowed_str<E: Error>(self, value: &'de str) -> Result<Self::Value, E> {
        Ok(LongText::keep(Text::borrowed(value)))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Self::Value, E> {
        if value.len() < SHORTEST_TOKEN { Ok(LongText::default()) } else { TextVisitor.visit_str(value).map(LongText) }
    }

    fn visit_none<E: Error>(self) -> Result<Self::Value, E> {
        Ok(LongText::default())
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(LongText::default())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for LongText<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_option(LongTextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a string")
    }

    fn visit_borrowed_str<E: Error>(self, value: &'de str) -> Result<Self::Value, E> {
        Ok(Text(Cow::Borrowed(value)))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Self::Value, E> {
        Ok(Text(Cow::Owned(value.to_owned())))
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Self::Value, E> {
        Ok(Text(Cow::Owned(value)))
    }

    fn visit_none<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Text::default())
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Text::default())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_option(TextVisitor)
    }
}
