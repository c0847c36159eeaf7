//! Names and globs.

use super::names::{LABEL, SUBDOMAIN, is_label, is_subdomain};
use super::quoted::quoted;
use super::reader::Reader;
use super::tree::Id;
use crate::policy::NamePattern;

/// The longest pattern, in bytes. A name has at most 253.
const LONGEST: usize = 512;

/// What a pattern matches the names of.
#[derive(Clone, Copy)]
pub(super) enum Names {
    /// Namespaces.
    Namespaces,
    /// Secrets and service accounts.
    Objects,
    /// Audiences, which can be anything.
    Audiences,
}

impl Names {
    /// What an exact name must look like, where it does not.
    fn objection(self, name: &str) -> Option<&'static str> {
        match self {
            Self::Namespaces => (!is_label(name)).then_some(LABEL),
            Self::Objects => (!is_subdomain(name)).then_some(SUBDOMAIN),
            Self::Audiences => None,
        }
    }
}

/// Reads an exact name or a glob.
pub(super) fn read(reader: &mut Reader<'_>, id: Id, names: Names) -> Option<NamePattern> {
    let text = reader.string(id)?;
    if text.is_empty() && !matches!(names, Names::Audiences) {
        reader.report(id, "is empty", "write a name or a glob; \"*\" stands for any");
        return None;
    }
    if text.len() > LONGEST {
        reader.report(id, format!("the pattern is longer than {LONGEST} bytes"), "shorten it, for example with *");
        return None;
    }
    if NamePattern::is_glob(text) && !reader.spend_glob(id) {
        return None;
    }
    match NamePattern::parse(text) {
        Ok(NamePattern::Exact(name)) => {
            if let Some(rule) = names.objection(&name) {
                reader.report(id, format!("nothing can be named {}", quoted(&name)), format!("a name has {rule}"));
                return None;
            }
            Some(NamePattern::Exact(name))
        }
        Ok(glob) => Some(glob),
        Err(error) => {
            let what = format!("{} is not a good glob: {}", quoted(text), error.kind());
            reader.report(
                id,
                what,
                "a glob has *, ?, [abc] and {one,other}; put \\ before a character to take it as it is",
            );
            None
        }
    }
}
