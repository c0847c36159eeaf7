//! A list of which only the telling items are kept.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};

/// An item in which a rule can find something, or not.
pub(super) trait Telling {
    /// False where no rule would look at it.
    fn is_telling(&self) -> bool;
}

/// The telling items of a list, each with its place. Most lists of their kind, such as the variables and arguments of a
/// container, have none and cost nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sparse<T>(Vec<(usize, T)>);

impl<T> Sparse<T> {
    /// The telling items and their places in the list.
    pub fn iter(&self) -> impl Iterator<Item = (usize, &T)> {
        self.0.iter().map(|(index, item)| (*index, item))
    }

    /// The item at this place of the list, where it is telling.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<&T> {
        self.0.binary_search_by_key(&index, |(index, _)| *index).ok().map(|found| &self.0[found].1)
    }
}

impl<T> Default for Sparse<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

struct SparseVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de> + Telling> Visitor<'de> for SparseVisitor<T> {
    type Value = Sparse<T>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an array")
    }

    fn visit_none<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Sparse::default())
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Sparse::default())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Self::Value, A::Error> {
        let mut kept = Vec::new();
        let mut index = 0;
        while let Some(item) = sequence.next_element::<T>()? {
            if item.is_telling() {
                kept.push((index, item));
            }
            index += 1;
        }
        Ok(Sparse(kept))
    }
}

impl<'de, T: Deserialize<'de> + Telling> Deserialize<'de> for Sparse<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_option(SparseVisitor(PhantomData))
    }
}
