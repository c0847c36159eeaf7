//! Which field of an object has the wrong type.

use std::fmt::Write as _;

use serde_json::Value;

use super::json;
use super::node::{Content, Node};
use super::object::Kind;
use crate::admission::Resource;
use crate::resource::{Namespace, Pod, Secret, Segment, ServiceAccount, Workload};

/// A field whose value has another type than the API's.
pub(super) struct Misfit {
    /// The way there.
    pub(super) segments: Vec<Segment>,
    /// Such as `spec.containers[0].name`.
    pub(super) path: String,
}

/// The innermost field at which the view of an object gives up, found by the place of the error in the object's JSON.
pub(super) fn misfit(kind: &Kind, object: &Value) -> Option<Misfit> {
    let text = object.to_string();
    let error = match kind.resource() {
        Resource::Pod => serde_json::from_str::<Pod<'_>>(&text).err(),
        Resource::Secret => serde_json::from_str::<Secret<'_>>(&text).err(),
        Resource::ServiceAccount => serde_json::from_str::<ServiceAccount<'_>>(&text).err(),
        Resource::Namespace => serde_json::from_str::<Namespace<'_>>(&text).err(),
        Resource::Workload(kind) => Workload::deserialize(kind, &mut serde_json::Deserializer::from_str(&text)).err(),
        _ => None,
    }?;
    let tree = json::read(&text, 0).ok()?.pop()?.node;
    // The text has one line, so the column is the number of bytes read by then.
    let mut found = Misfit { segments: Vec::new(), path: String::new() };
    found.descend(&tree, error.column());
    Some(found)
}

impl Misfit {
    fn descend(&mut self, node: &Node, offset: usize) {
        let holds = |node: &Node| node.span.start <= offset && offset <= node.span.end;
        match &node.content {
            Content::Mapping(entries) => {
                let Some(entry) = entries.iter().find(|entry| holds(&entry.value)) else { return };
                if !self.path.is_empty() {
                    self.path.push('.');
                }
                self.path.push_str(&entry.key);
                self.segments.push(Segment::Key(entry.key.clone()));
                self.descend(&entry.value, offset);
            }
            Content::Sequence(elements) => {
                let Some(index) = elements.iter().position(holds) else { return };
                let _ = write!(self.path, "[{index}]");
                self.segments.push(Segment::Index(index));
                self.descend(&elements[index], offset);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::object::Kind;
    use super::misfit;

    fn path(spec: &Value) -> Option<String> {
        misfit(Kind::pod(), &json!({"kind": "Pod", "spec": spec})).map(|misfit| misfit.path)
    }

    #[test]
    fn names_the_innermost_field() {
        assert_eq!(
            path(&json!({"containers": [{"name": "a"}, {"name": 1}]})).as_deref(),
            Some("spec.containers[1].name")
        );
        assert_eq!(path(&json!({"volumes": "none"})).as_deref(), Some("spec.volumes"));
        assert_eq!(path(&json!({"volumes": {"a": "b"}})).as_deref(), Some("spec.volumes"));
        assert_eq!(
            path(&json!({"automountServiceAccountToken": "no"})).as_deref(),
            Some("spec.automountServiceAccountToken")
        );
        assert_eq!(path(&json!({"containers": []})), None);
    }
}
