//! Object metadata, and string maps such as annotations.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Visitor};

use super::Text;

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
    entries: Option<Vec<(Text<'a>, Text<'a>)>>,
}

impl<'a> StringMap<'a> {
    /// The value of `key`.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Text<'a>> {
        self.iter().find(|(name, _)| **name == *key).map(|(_, value)| value)
    }

    /// All entries in the order of the input.
    pub fn iter(&self) -> impl Iterator<Item = &(Text<'a>, Text<'a>)> {
        self.entries.iter().flatten()
    }

    /// True when the object has a map here, be it empty.
    #[must_use]
    pub const fn is_present(&self) -> bool {
        self.entries.is_some()
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
        let mut entries: Vec<(Text<'de>, Text<'de>)> = Vec::new();
        while let Some(entry) = map.next_entry::<Text<'de>, Text<'de>>()? {
            entries.push(entry);
        }
        if has_duplicate_key(&entries) {
            return Err(Error::custom("a key is given twice"));
        }
        Ok(StringMap { entries: Some(entries) })
    }
}

/// Small maps are compared pair by pair without allocating; large ones are sorted, so that no input is quadratic.
fn has_duplicate_key(entries: &[(Text<'_>, Text<'_>)]) -> bool {
    if entries.len() <= 16 {
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
