//! The texts of a Pod that may hold a token.

use super::container::{Holder, Place};
use crate::resource::FieldPath;

/// A text of a Pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Text<'p> {
    /// The value of a variable.
    Env(Place, usize),
    /// An item of `command`.
    Command(Place, usize),
    /// An item of `args`.
    Args(Place, usize),
    /// The value of the annotation with this key.
    Annotation(&'p str),
}

impl Text<'_> {
    /// Where that is, where `base` is the path of the Pod.
    pub(crate) fn path(self, base: FieldPath) -> FieldPath {
        let item = |place: Place, field: &'static str, index: usize| {
            place.path(base.clone().field("spec")).field(field).index(index)
        };
        match self {
            Self::Env(place, index) => item(place, "env", index).field("value"),
            Self::Command(place, index) => item(place, "command", index),
            Self::Args(place, index) => item(place, "args", index),
            Self::Annotation(key) => base.field("metadata.annotations").key(key),
        }
    }
}

impl<'p> Holder<'p> {
    /// Calls `visit` with each text that may hold a token: those of containers, then annotations of a whole Pod.
    pub(crate) fn texts(self, mut visit: impl FnMut(Text<'p>, &'p str)) {
        for (place, container) in self.containers() {
            for (index, variable) in container.env.iter() {
                visit(Text::Env(place, index), variable.value.as_str());
            }
            for (index, text) in container.command.iter() {
                visit(Text::Command(place, index), text.as_str());
            }
            for (index, text) in container.args.iter() {
                visit(Text::Args(place, index), text.as_str());
            }
        }
        if self.before.is_none() {
            for (key, value) in self.pod.metadata.annotations.iter() {
                visit(Text::Annotation(key), value);
            }
        }
    }
}
