//! Object metadata, and string maps such as annotations.

use std::collections::HashMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Visitor};

use super::{List, Text};

/// The part of `metadata` that the rules read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Metadata<'a> {
    /// Empty in the mutating phase of a create with `generateName`.
    #[serde(borrow)]
    pub name: Text<'a>,
    /// The prefix that the API server makes a name from.
    pub generate_name: Text<'a>,
    /// Filled in from the URL of the request; the review's own namespace is the one to trust.
    pub namespace: Text<'a>,
    /// Not empty once the object is being deleted.
    pub deletion_timestamp: Text<'a>,
    /// All labels.
    pub labels: StringMap<'a>,
    /// All annotations.
    pub annotations: StringMap<'a>,
}

impl Metadata<'_> {
    /// The name, or the prefix of the name to come.
    #[must_use]
    pub fn display_name(&self) -> &str {
        if self.name.is_empty() { &self.generate_name } else { &self.name }
    }

    /// True once deletion has begun: from then on only finalizers hold the object.
    #[must_use]
    pub fn is_being_deleted(&self) -> bool {
        !self.deletion_timestamp.is_empty()
    }
}

/// A map of strings in the order of the input, which remembers whether it was there. It prints its keys alone: the values
/// may be the data of a Secret.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct StringMap<'a> {
    entries: List<(Text<'a>, Text<'a>)>,
}

impl<'a> StringMap<'a> {
    /// The value of `key`.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Text<'a>> {
        self.iter().find(|(name, _)| **name == *key).map(|(_, value)| value)
    }

    /// All entries in the order of the input.
    pub fn iter(&self) -> impl Iterator<Item = &(Text<'a>, Text<'a>)> {
        self.entries.iter()
    }

    /// The entries that are not in `old`, or have another value there.
    pub fn added_to<'s>(&'s self, old: &'s Self) -> impl Iterator<Item = &'s (Text<'a>, Text<'a>)> {
        let many = old.iter().nth(FEW).is_some();
        let index: Option<HashMap<&str, &str>> =
            many.then(|| old.iter().map(|(key, value)| (&**key, &**value)).collect());
        self.iter().filter(move |(key, value)| {
            let before = match &index {
                Some(index) => index.get(&**key).copied(),
                None => old.get(key).map(|text| &**text),
            };
            before != Some(&**value)
        })
    }

    /// True when the object has a map here, be it empty.
    #[must_use]
    pub const fn is_present(&self) -> bool {
        self.entries.is_present()
    }
}

impl fmt::Debug for StringMap<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.iter().map(|(key, _)| key)).finish()
    }
}

struct StringMapVisitor;

impl<'de> Visitor<'de> for StringMapVisitor {
    type Value = StringMap<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a map of strings")
    }

    fn visit_none<E: Error>(self) -> Result<Self::Value, E> {
        Ok(StringMap::default())
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(StringMap::default())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let entries = List::read(|| map.next_entry::<Text<'de>, Text<'de>>())?;
        if has_duplicate_key(&entries) {
            return Err(Error::custom("a key is given twice"));
        }
        Ok(StringMap { entries })
    }
}

/// Maps with up to this many entries are searched one by one, which allocates nothing. For larger ones that would be
/// quadratic.
const FEW: usize = 16;

fn has_duplicate_key(entries: &[(Text<'_>, Text<'_>)]) -> bool {
    if entries.len() <= FEW {
        return entries.iter().enumerate().any(|(at, (key, _))| entries[..at].iter().any(|(other, _)| other == key));
    }
    let mut keys: Vec<&str> = entries.iter().map(|(key, _)| &**key).collect();
    keys.sort_unstable();
    keys.windows(2).any(|pair| pair[0] == pair[1])
}

impl<'de: 'a, 'a> Deserialize<'de> for StringMap<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_option(StringMapVisitor)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{FEW, List, StringMap, Text};

    fn map(entries: &[(String, String)]) -> StringMap<'_> {
        let mut entries = entries.iter().map(|(key, value)| (Text::borrowed(key), Text::borrowed(value)));
        StringMap { entries: List::read(|| Ok::<_, ()>(entries.next())).unwrap() }
    }

    proptest! {
        #[test]
        fn what_is_added_to_many_entries_is_what_is_added_to_few(
            new in proptest::collection::hash_map("[ab]{0,2}", "[xy]?", 0..7),
            old in proptest::collection::hash_map("[ab]{0,2}", "[xy]?", 0..7),
        ) {
            let new: Vec<(String, String)> = new.into_iter().collect();
            let mut old: Vec<(String, String)> = old.into_iter().collect();
            let expected: Vec<_> = new.iter().filter(|entry| !old.contains(entry)).cloned().collect();
            for _ in 0..2 {
                let (new, old_map) = (map(&new), map(&old));
                let added: Vec<(String, String)> =
                    new.added_to(&old_map).map(|(key, value)| (key.to_string(), value.to_string())).collect();
                prop_assert_eq!(&added, &expected);
                old.extend((0..=FEW).map(|number| (format!("other-{number}"), String::new())));
            }
        }
    }
}
