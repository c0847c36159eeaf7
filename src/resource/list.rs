//! A list of a review that remembers whether it was there.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};

/// A list field. Missing and `null` read as empty, as in Go; whether an array was there decides how a JSON Patch adds to
/// it: `add …/-` needs an array, otherwise the whole array is added.
///
/// A single item, the usual case for most lists of a Pod, is held without an allocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List<T>(Items<T>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Items<T> {
    Absent,
    One(T),
    Many(Vec<T>),
}

impl<T> List<T> {
    /// True when the object has an array here, be it empty.
    #[must_use]
    pub const fn is_present(&self) -> bool {
        !matches!(self.0, Items::Absent)
    }

    /// A list that is there, of what `next` gives until it gives nothing.
    pub(super) fn read<E>(mut next: impl FnMut() -> Result<Option<T>, E>) -> Result<Self, E> {
        let Some(first) = next()? else { return Ok(Self(Items::Many(Vec::new()))) };
        let Some(second) = next()? else { return Ok(Self(Items::One(first))) };
        let mut items = Vec::with_capacity(8);
        items.extend([first, second]);
        while let Some(item) = next()? {
            items.push(item);
        }
        Ok(Self(Items::Many(items)))
    }
}

impl<T> List<T> {
    /// Adds an item at the end.
    pub(super) fn push(&mut self, item: T) {
        self.0 = match std::mem::replace(&mut self.0, Items::Absent) {
            Items::Absent => Items::One(item),
            Items::One(first) => Items::Many(vec![first, item]),
            Items::Many(mut items) => {
                items.push(item);
                Items::Many(items)
            }
        };
    }
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Items::Absent)
    }
}

impl<T> Deref for List<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match &self.0 {
            Items::Absent => &[],
            Items::One(item) => std::slice::from_ref(item),
            Items::Many(items) => items,
        }
    }
}

impl<'l, T> IntoIterator for &'l List<T> {
    type Item = &'l T;
    type IntoIter = std::slice::Iter<'l, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

struct ListVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ListVisitor<T> {
    type Value = List<T>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an array")
    }

    fn visit_none<E: Error>(self) -> Result<Self::Value, E> {
        Ok(List::default())
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(List::default())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Self::Value, A::Error> {
        List::read(|| sequence.next_element())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_option(ListVisitor(PhantomData))
    }
}
