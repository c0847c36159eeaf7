//! To which files a volume writes the token of a Secret.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};

use super::{KeyToPath, List, Text};

/// The key of a legacy token Secret that holds the token (kubernetes `pkg/apis/core/types.go`, `ServiceAccountTokenKey`).
pub const TOKEN_KEY: &str = "token";

/// The `items` of a `secret` volume, as far as they name [`TOKEN_KEY`]: other keys are not kept, so that most lists cost
/// nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenItems<'a> {
    has_items: bool,
    paths: List<Text<'a>>,
}

impl TokenItems<'_> {
    /// The files that the key is written to. Without items every key is written to a file of its own name.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        let own = (!self.has_items).then_some(TOKEN_KEY);
        own.into_iter().chain(self.paths.iter().map(Text::as_str))
    }
}

struct TokenItemsVisitor;

impl<'de> Visitor<'de> for TokenItemsVisitor {
    type Value = TokenItems<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an array")
    }

    fn visit_none<E: Error>(self) -> Result<Self::Value, E> {
        Ok(TokenItems::default())
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(TokenItems::default())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Self::Value, A::Error> {
        let mut items = TokenItems::default();
        while let Some(item) = sequence.next_element::<KeyToPath<'de>>()? {
            items.has_items = true;
            if item.key == TOKEN_KEY {
                items.paths.push(item.path);
            }
        }
        Ok(items)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for TokenItems<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_option(TokenItemsVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::TokenItems;

    #[track_caller]
    fn paths(items: &str, expected: &[&str]) {
        let items: TokenItems<'_> = serde_json::from_str(items).unwrap();
        assert_eq!(items.paths().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn every_key_is_a_file_of_its_name_where_no_item_is_listed() {
        paths("null", &["token"]);
        paths("[]", &["token"]);
    }

    #[test]
    fn items_say_where_the_token_is_written_to_if_at_all() {
        paths(r#"[{"key": "token", "path": "a/b"}]"#, &["a/b"]);
        paths(r#"[{"key": "ca.crt", "path": "token"}]"#, &[]);
        paths(
            r#"[{"key": "token", "path": "a"}, {"key": "x", "path": "x"}, {"key": "token", "path": "b"}]"#,
            &["a", "b"],
        );
    }
}
