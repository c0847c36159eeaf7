//! JSON Patch (RFC 6902), written as it is made.

use std::fmt::Display;
use std::io::Write as _;

use serde::Serialize;

/// Writes the operations of a JSON Patch. Only `add` and `replace` exist: a `test` or `remove` that fails would refuse the
/// user's request whatever the `failurePolicy` says.
///
/// The API server applies patches with gopkg.in/evanphx/json-patch: `/-` appends, and the parent must be there.
#[derive(Debug, Default)]
pub struct PatchWriter {
    json: Vec<u8>,
}

impl PatchWriter {
    /// A patch without operations.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a member or inserts an element at `pointer`, a JSON Pointer whose tokens are already escaped and which JSON needs
    /// no escapes for.
    pub fn add(&mut self, pointer: impl Display, value: &impl Serialize) {
        self.operation("add", pointer, value);
    }

    /// Replaces the value at such a `pointer`.
    pub fn replace(&mut self, pointer: impl Display, value: &impl Serialize) {
        self.operation("replace", pointer, value);
    }

    /// The patch as a JSON array; `None` without operations, since an empty patch must not be sent.
    #[must_use]
    pub fn finish(mut self) -> Option<Vec<u8>> {
        if self.json.is_empty() {
            return None;
        }
        self.json.push(b']');
        Some(self.json)
    }

    fn operation(&mut self, operation: &'static str, pointer: impl Display, value: &impl Serialize) {
        if self.json.is_empty() {
            // The usual patch: a volume, a few mounts and the stamp.
            self.json.reserve(2048);
        }
        let start = self.json.len();
        self.json.push(if self.json.is_empty() { b'[' } else { b',' });
        let written = write!(self.json, r#"{{"op":"{operation}","path":"{pointer}","value":"#)
            .and_then(|()| Ok(serde_json::to_writer(&mut self.json, value)?))
            .and_then(|()| self.json.write_all(b"}"));
        if written.is_err() {
            // A `Vec` takes every byte and the values are plain structs, so this cannot happen; a broken operation must
            // never be sent all the same.
            self.json.truncate(start);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::PatchWriter;

    #[test]
    fn is_nothing_without_operations() {
        assert_eq!(PatchWriter::new().finish(), None);
    }

    #[test]
    fn lists_operations_in_the_order_in_which_they_were_made() {
        let mut patch = PatchWriter::new();
        patch.add("/metadata/annotations/a~1b", &"x");
        patch.replace("/spec/volumes/0/projected/sources/0/serviceAccountToken/expirationSeconds", &3600);
        assert_eq!(
            String::from_utf8(patch.finish().unwrap()).unwrap(),
            r#"[{"op":"add","path":"/metadata/annotations/a~1b","value":"x"},{"op":"replace","path":"/spec/volumes/0/projected/sources/0/serviceAccountToken/expirationSeconds","value":3600}]"#
        );
    }
}
