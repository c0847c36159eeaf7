//! The static part of the catalogue: ValidatingAdmissionPolicies, which the API server runs itself and without a webhook.
//!
//! ```text
//!   PolicySet ──► Judge (a policy and its namespaces)
//!                   └─► rules ──► InCel ──► ValidatingAdmissionPolicy and its bindings ──► YAML with comments
//! ```
//!
//! One rule of one policy becomes one ValidatingAdmissionPolicy, so that each can be read, bound and removed by itself. What
//! CEL cannot decide is not written, and the comments say so. An expression that ends in an error refuses the request, so every
//! one is total for what the API server can hand to it: built-in types, of which every field can be missing.

mod assemble;
mod comments;
mod exceptions;
mod in_cel;
mod literal;
mod rules;

use super::entry::{Judge, NAMESPACES_POLICY, judges};
use super::object::Object;
use super::{Mode, yaml};
use crate::policy::{Action, Inventory, PolicySet};
use in_cel::{Given, Unwritten};

/// Why policies cannot be exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// No policy has the name.
    #[error("no policy is called {0:?}")]
    UnknownPolicy(String),
    /// The regular expressions of CEL know characters, and those of a glob bytes.
    #[error("the glob {0:?} has characters beyond ASCII, and cannot be said in CEL: name what it stands for")]
    GlobBeyondAscii(String),
    /// CEL takes no expression as long as this.
    #[error("the {what} need {length} characters, and an expression of CEL has at most {most}", most = literal::LONGEST)]
    TooLong {
        /// Exceptions, or Secrets.
        what: &'static str,
        /// In characters.
        length: usize,
    },
    /// The objects cannot be written.
    #[error(transparent)]
    Yaml(#[from] yaml::Error),
}

impl ExportError {
    /// The expression that lists `what`, if CEL takes it.
    fn unless_too_long(what: &'static str, expression: String) -> Result<String, Self> {
        match expression.chars().count() {
            length if length > literal::LONGEST => Err(Self::TooLong { what, length }),
            _ => Ok(expression),
        }
    }
}

/// An object with the comment that stands above it.
#[derive(Clone, Debug)]
pub struct Document {
    /// Lines without `#`.
    pub comment: String,
    /// The policy or binding.
    pub object: Object,
}

/// An export: what is said at its beginning, and the objects in the order in which they are applied.
#[derive(Clone, Debug)]
pub struct Export {
    /// What the whole is, and what it leaves out; lines without `#`.
    pub preface: String,
    /// The policies, each followed by its bindings.
    pub documents: Vec<Document>,
}

impl Export {
    /// The policies of these names, or of all where there is none, with what judges labels that name no policy. The inventory
    /// tells of the legacy Secrets that no Pod may reach.
    ///
    /// # Errors
    /// When there is no such policy, or when one cannot be said in CEL.
    pub fn of(policies: &PolicySet, inventory: &Inventory, names: &[String]) -> Result<Self, ExportError> {
        let judges = judges(Mode::OptIn, policies);
        if let Some(unknown) = names.iter().find(|name| judges.iter().all(|judge| judge.label != **name)) {
            return Err(ExportError::UnknownPolicy(unknown.clone()));
        }
        let chosen = |judge: &&Judge<'_>| names.is_empty() || names.contains(&judge.label);
        let mut export = Self { preface: comments::preface(), documents: Vec::new() };
        for judge in judges.iter().filter(chosen) {
            export.add_policy(judge, inventory)?;
        }
        export.add_namespaces(policies);
        Ok(export)
    }

    /// The objects alone.
    pub fn objects(&self) -> impl Iterator<Item = &Object> {
        self.documents.iter().map(|document| &document.object)
    }

    /// As one YAML stream.
    ///
    /// # Errors
    /// As [`yaml::document`].
    pub fn to_yaml(&self) -> Result<String, yaml::Error> {
        let mut text = comments::commented(&self.preface);
        for document in &self.documents {
            text.push_str("---\n");
            text.push_str(&comments::commented(&document.comment));
            text.push_str(&yaml::document(&document.object)?);
        }
        Ok(text)
    }

    fn add_policy(&mut self, judge: &Judge<'_>, inventory: &Inventory) -> Result<(), ExportError> {
        let policy = judge.policy;
        for (rule, action) in policy.actions().filter(|(_, action)| *action > Action::Off) {
            match rules::in_cel(&Given { rule, policy, inventory }) {
                None => {}
                Some(Ok(in_cel)) => self.documents.extend(assemble::of_a_policy(judge, action, &in_cel)),
                Some(Err(Unwritten::NotNeeded(why))) => {
                    comments::add_not_needed(&mut self.preface, &judge.label, rule, why);
                }
                Some(Err(Unwritten::Impossible(error))) => return Err(error),
            }
        }
        Ok(())
    }

    /// The labels of namespaces are judged by one policy for all, as with the webhook.
    fn add_namespaces(&mut self, policies: &PolicySet) {
        let judging = policies.select(NAMESPACES_POLICY).actions();
        for (rule, action) in judging.filter(|(rule, action)| *action > Action::Off && rule.code == "TW501") {
            self.documents.extend(assemble::of_namespaces(action, &rules::namespace_policy::in_cel(rule, policies)));
        }
    }
}
