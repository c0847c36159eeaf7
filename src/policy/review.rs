//! What a rule is shown.

use std::fmt;

use jiff::Timestamp;

use super::Policy;
use super::exception::Exception;
use super::facts::Facts;
use super::finding::Findings;
use super::registry::Rule;
use super::text::Names;
use crate::admission::Request;
use crate::resource::{FieldPath, Pod};
use crate::token::{Automount, Holder, SecretFact};

/// What every rule may ask, whatever it looks at.
#[derive(Clone, Copy)]
pub struct Context<'r> {
    /// The request that is judged.
    pub request: &'r Request<'r>,
    /// Knowledge of the cluster.
    pub facts: &'r dyn Facts,
    /// The policy that judges.
    pub policy: &'r Policy,
    /// The instant of the decision.
    pub now: Timestamp,
}

impl<'r> Context<'r> {
    /// Whether an exception allows this Secret under the rule that reports to `findings`; notes the one that was used.
    /// Otherwise what a message has to say of one that has expired.
    pub(super) fn excuse(
        &self,
        secret: &str,
        service_account: &str,
        findings: &mut Findings<'_>,
    ) -> Result<(), Expired<'r>> {
        self.excuse_also(&[], secret, service_account, findings)
    }

    /// What is known of a Secret in the namespace of the request: from the inventory, or from an exception that names it
    /// without a glob.
    pub(super) fn secret(&self, name: &str) -> SecretFact<'r> {
        let namespace = &*self.request.namespace;
        match self.facts.secret(namespace, name) {
            SecretFact::Unknown => match self.policy.exceptions.names_exactly(namespace, name, self.now) {
                Some(service_account) => SecretFact::LegacyToken { service_account },
                None => SecretFact::Unknown,
            },
            known => known,
        }
    }

    /// As [`Self::excuse`], where an exception for one of `others` is as good as one for the rule itself.
    pub(super) fn excuse_also(
        &self,
        others: &[&Rule],
        secret: &str,
        service_account: &str,
        findings: &mut Findings<'_>,
    ) -> Result<(), Expired<'r>> {
        let rules = others.iter().copied().chain([findings.rule]);
        let exception = self.exception(rules, secret, service_account)?;
        findings.lifted_by(exception, self.now);
        Ok(())
    }

    /// The exception that allows this Secret under one of `rules`: of several the one that ends last.
    pub(super) fn exception<'q>(
        &self,
        rules: impl IntoIterator<Item = &'q Rule>,
        secret: &str,
        service_account: &str,
    ) -> Result<&'r Exception, Expired<'r>> {
        let namespace = &*self.request.namespace;
        let exceptions = &self.policy.exceptions;
        let covering =
            rules.into_iter().filter_map(|rule| exceptions.covering(rule, namespace, secret, service_account));
        let last = covering.max_by_key(|exception| exception.ends);
        last.filter(|exception| !exception.is_expired(self.now)).ok_or(Expired(last))
    }
}

/// The exception that once allowed what a rule finds, as the end of a message; nothing where there was none.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Expired<'p>(Option<&'p Exception>);

impl Expired<'_> {
    /// The words, with names cut as `names` says.
    pub(super) fn with(self, names: Names) -> String {
        let Some(exception) = self.0 else { return String::new() };
        let (name, owner) = (names.cut(&exception.name), names.cut(&exception.owner));
        format!("; exception {name} expired on {} (owner {owner})", exception.expires)
    }
}

impl fmt::Display for Expired<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.with(Names::USUAL))
    }
}

/// An object and, on update, what it was.
#[derive(Clone, Copy)]
pub struct Change<'r, T> {
    /// What every rule may ask.
    pub context: Context<'r>,
    /// The object as it would be.
    pub new: &'r T,
    /// The object as it was; `None` on create.
    pub old: Option<&'r T>,
}

/// Where a Pod specification was met.
#[derive(Clone, Copy)]
pub enum PodScope<'r> {
    /// A Pod is created: everything is judged.
    Create,
    /// Ephemeral containers are added to a Pod: only the new ones are judged.
    EphemeralContainers {
        /// The Pod as it was.
        old: &'r Pod<'r>,
    },
    /// The template of a workload: warned about, never refused and never changed.
    Template,
}

/// A Pod, or the template of one.
#[derive(Clone)]
pub struct PodReview<'r> {
    /// What every rule may ask.
    pub context: Context<'r>,
    /// The Pod or template.
    pub pod: &'r Pod<'r>,
    /// Where it was met.
    pub scope: PodScope<'r>,
    /// Where it lies in the reviewed object; empty for a Pod.
    pub base: FieldPath,
}

impl<'r> PodReview<'r> {
    /// What is asked which tokens it holds: the Pod, or what is added to it.
    #[must_use]
    pub const fn holder(&self) -> Holder<'r> {
        let before = match self.scope {
            PodScope::EphemeralContainers { old } => Some(old),
            PodScope::Create | PodScope::Template => None,
        };
        Holder { pod: self.pod, before }
    }

    /// The path of `spec`.
    #[must_use]
    pub fn spec_path(&self) -> FieldPath {
        self.base.clone().field("spec")
    }

    /// The path of `field` below `spec`.
    #[must_use]
    pub fn spec(&self, field: &'static str) -> FieldPath {
        self.spec_path().field(field)
    }

    /// The path of an annotation.
    #[must_use]
    pub fn annotation(&self, key: &str) -> FieldPath {
        self.base.clone().field("metadata.annotations").key(key)
    }

    /// Whether the API server mounts its own token. Nothing has run on a template, so one that says nothing is unknown.
    #[must_use]
    pub fn automount(&self) -> Automount {
        let spec = &self.pod.spec;
        let resolved = || {
            let account = spec.service_account_name();
            self.context.facts.automount_resolved(&self.context.request.namespace, account)
        };
        Automount::of(spec, !self.is_template() && resolved())
    }

    /// True where everything is judged: for a Pod that is created and for a template.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        !matches!(self.scope, PodScope::EphemeralContainers { .. })
    }

    /// True when the whole Pod is being created.
    #[must_use]
    pub const fn is_create(&self) -> bool {
        matches!(self.scope, PodScope::Create)
    }

    /// True for the template of a workload.
    #[must_use]
    pub const fn is_template(&self) -> bool {
        matches!(self.scope, PodScope::Template)
    }
}
