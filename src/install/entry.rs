//! The entries of the webhook configurations: who judges what, where, and what happens when nobody answers.

use k8s_openapi::api::admissionregistration::v1::RuleWithOperations;

use super::Mode;
use super::condition::Condition;
use super::scope::Scope;
use crate::policy::{Action, Builtin, Phase, Policy, PolicySet, Rule, UNKNOWN_POLICY};

/// The policy of namespaces without a label, where these are reviewed.
const UNLABELLED_POLICY: &str = Builtin::Baseline.as_str();

/// The policy that judges the labels of namespaces.
pub(super) const NAMESPACES_POLICY: &str = Builtin::Baseline.as_str();

/// Never DELETE: a namespace that is being deleted could then wait for us for ever.
pub(super) const CREATE_OR_UPDATE: &[&str] = &["CREATE", "UPDATE"];

/// A policy and the namespaces that it judges.
pub(super) struct Judge<'p> {
    pub(super) scope: Scope<'p>,
    /// The first part of the entries' names. A policy's name has no dot, so none is taken twice.
    pub(super) label: String,
    /// The last part of the URL path.
    path: &'p str,
    pub(super) policy: &'p Policy,
}

/// An entry of a webhook configuration.
pub(super) struct Entry<'p> {
    /// Fully qualified. Audit annotations carry it.
    pub(super) name: String,
    /// The URL path.
    pub(super) path: String,
    /// Whose requests.
    pub(super) scope: Scope<'p>,
    /// Which requests.
    pub(super) rules: Vec<RuleWithOperations>,
    /// Which of these not.
    pub(super) conditions: Vec<Condition>,
    /// Whether a request is refused that the webhook could not be asked about.
    pub(super) fails_closed: bool,
}

/// One judge for each policy, one for labels that name none, and with [`Mode::ClusterWide`] one for missing labels.
pub(super) fn judges(mode: Mode, policies: &PolicySet) -> Vec<Judge<'_>> {
    let mut judges: Vec<_> = policies
        .iter()
        .map(|policy| Judge {
            scope: Scope::Labelled(&policy.name),
            label: policy.name.to_string(),
            path: &policy.name,
            policy,
        })
        .collect();
    judges.push(Judge {
        scope: Scope::UnknownLabel(policies.iter().map(|policy| &*policy.name).collect()),
        label: UNKNOWN_POLICY.to_owned(),
        path: UNKNOWN_POLICY,
        policy: policies.select(UNKNOWN_POLICY),
    });
    if mode == Mode::ClusterWide {
        judges.push(Judge {
            scope: Scope::Unlabelled,
            label: format!("unlabelled.{UNLABELLED_POLICY}"),
            path: UNLABELLED_POLICY,
            policy: policies.select(UNLABELLED_POLICY),
        });
    }
    judges
}

/// What is asked before an object is stored, as it would be stored.
pub(super) fn validating(mode: Mode, policies: &PolicySet) -> Vec<Entry<'_>> {
    let judges = judges(mode, policies);
    let of_policies = judges.iter().flat_map(|judge| [judge.verdict(), judge.advice(), judge.token_requests()]);
    of_policies.chain([namespaces(policies)]).collect()
}

/// What is changed.
pub(super) fn mutating(mode: Mode, policies: &PolicySet) -> Vec<Entry<'_>> {
    judges(mode, policies).iter().filter_map(Judge::mutating).collect()
}

/// The label of a namespace itself. Entries that go by the label cannot see it removed: the API server matches an update with
/// the labels of the new object. It fails open unless the policy refuses, so that nobody waits for us to make a namespace.
fn namespaces(policies: &PolicySet) -> Entry<'_> {
    let policy = policies.select(NAMESPACES_POLICY);
    let refuses = Rule::find("TW501").is_some_and(|rule| policy.action(rule) == Action::Deny);
    Entry {
        name: "namespaces.validate.tokenward.dev".to_owned(),
        path: format!("/{}/{NAMESPACES_POLICY}", Phase::Validate.as_str()),
        scope: Scope::All,
        rules: vec![namespaces_rule()],
        conditions: vec![Condition::NotBeingDeleted, Condition::PolicyLabelChanged],
        fails_closed: refuses,
    }
}

/// Everything that makes Pods from a template.
pub(super) fn template_rules() -> Vec<RuleWithOperations> {
    vec![
        rule("", &["podtemplates", "replicationcontrollers"], CREATE_OR_UPDATE),
        rule("apps", &["daemonsets", "deployments", "replicasets", "statefulsets"], CREATE_OR_UPDATE),
        rule("batch", &["cronjobs", "jobs"], CREATE_OR_UPDATE),
    ]
}

/// Namespaces themselves, and the subresources by which their labels can be written as well.
pub(super) fn namespaces_rule() -> RuleWithOperations {
    let resources = ["namespaces", "namespaces/finalize", "namespaces/status"];
    RuleWithOperations { scope: Some("Cluster".to_owned()), ..rule("", &resources, CREATE_OR_UPDATE) }
}

impl<'p> Judge<'p> {
    /// What can be refused.
    fn verdict(&self) -> Entry<'p> {
        let mut conditions = vec![Condition::NotBeingDeleted, Condition::NotLastUsed, Condition::NotMirrored];
        if !inspects_every_secret(self.policy) {
            conditions.push(Condition::TokenSecretsOnly);
        }
        Entry {
            name: self.name("validate"),
            path: self.path(Phase::Validate),
            scope: self.scope.clone(),
            rules: vec![
                rule("", &["pods"], &["CREATE"]),
                rule("", &["pods/ephemeralcontainers"], &["UPDATE"]),
                rule("", &["secrets", "serviceaccounts"], CREATE_OR_UPDATE),
            ],
            conditions,
            fails_closed: self.policy.actions().any(|(_, action)| action == Action::Deny),
        }
    }

    /// What is only ever warned about: it must not fail because nobody could be asked.
    fn advice(&self) -> Entry<'p> {
        Entry {
            name: self.name("advise"),
            path: self.path(Phase::Validate),
            scope: self.scope.clone(),
            rules: template_rules(),
            conditions: vec![Condition::NotBeingDeleted, Condition::TemplateChanged],
            fails_closed: false,
        }
    }

    /// Requests for tokens. A Pod must not wait for its token because nobody could be asked, so kubelets are left out and the
    /// entry fails open.
    fn token_requests(&self) -> Entry<'p> {
        Entry {
            name: self.name("tokens"),
            path: self.path(Phase::Validate),
            scope: self.scope.clone(),
            rules: vec![rule("", &["serviceaccounts/token"], &["CREATE"])],
            conditions: vec![Condition::NotOfNode],
            fails_closed: false,
        }
    }

    /// What is changed, if the policy changes anything. It always fails closed: a Pod without the token that it was
    /// promised would break later, where nobody looks.
    fn mutating(&self) -> Option<Entry<'p>> {
        self.policy.mutates().then(|| Entry {
            name: self.name("mutate"),
            path: self.path(Phase::Mutate),
            scope: self.scope.clone(),
            rules: vec![rule("", &["pods"], &["CREATE"])],
            conditions: vec![Condition::NotMirrored],
            fails_closed: true,
        })
    }

    fn name(&self, what: &str) -> String {
        format!("{}.{what}.tokenward.dev", self.label)
    }

    fn path(&self, phase: Phase) -> String {
        format!("/{}/{}", phase.as_str(), self.path)
    }
}

/// Whether a rule of the policy looks into Secrets of every type. Only under `baseline` and what extends it none does,
/// unless one is switched on.
fn inspects_every_secret(policy: &Policy) -> bool {
    let looks_into_all = ["TW103", "TW104"].into_iter().filter_map(Rule::find);
    policy.extends != Builtin::Baseline || looks_into_all.into_iter().any(|rule| policy.action(rule) > Action::Off)
}

/// Resources are listed by name: `pods/*` would also match the heavy traffic of `pods/status`.
pub(super) fn rule(group: &str, resources: &[&str], operations: &[&str]) -> RuleWithOperations {
    let owned = |words: &[&str]| Some(words.iter().map(|&word| word.to_owned()).collect());
    RuleWithOperations {
        api_groups: owned(&[group]),
        api_versions: owned(&["v1"]),
        operations: owned(operations),
        resources: owned(resources),
        scope: Some("Namespaced".to_owned()),
    }
}
