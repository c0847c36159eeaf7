//! A list of literal strings of which only the long ones are kept.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};

use super::LongText;

/// The items of a list of strings that are long enough to hold a token, each with its place. Most lists, such as the
/// arguments of a container, have none and cost nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LongTexts<'a>(Vec<(usize, LongText<'a>)>);

impl LongTexts<'_> {
    /// The long items and their places in the list.
    pub fn iter(&self) -> impl Iterator<Item = (usize, &str)> {
        self.0.iter().map(|(index, text)| (*index, text.as_str()))
    }
}

struct LongTextsVisitor;

impl<'de> Visitor<'de> for LongTextsVisitor {
    type Value = LongTexts<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an array of strings")
    }

    fn visit_none<E: Error>(self) -> Result<Self::Value, E> {
        Ok(LongTexts::default())
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(LongTexts::default())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Self::Value, A::Error> {
        let mut kept = Vec::new();
        let mut index = 0;
        while let Some(text) = sequence.next_element::<LongText<'de>>()? {
            if !text.is_empty() {
                kept.push((index, text));
            }
            index += 1;
        }
        Ok(LongTexts(kept))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for LongTexts<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_option(LongTextsVisitor)
    }
}
