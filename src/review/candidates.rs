//! The Secrets that an exception can be for: those of inventories, and those that manifests hold or reach.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::Value;

use super::account_plugin;
use super::complete::complete;
use super::context::Known;
use super::input::{Input, input_error};
use super::judge::not_an_object;
use super::manifest::Refusal;
use super::node::Unreadable;
use super::object::{Kind, Object, Role};
use super::request;
use super::source::Source;
use crate::admission::Resource;
use crate::policy::{Builtin, Exception, Facts, Inventory, NamePattern, Phase, PolicySet, SecretFact};
use crate::report::InputError;
use crate::resource::LEGACY_TOKEN_TYPE;
use crate::token::service_account_tokens;

/// The rules that ask for an exception where a Secret is of the token type.
const OF_TOKEN_SECRETS: &[&str] = &["TW101", "TW102", "TW103", "TW201", "TW302"];
/// Those that ask where a Secret of whatever type holds a token.
const OF_STORED_TOKENS: &[&str] = &["TW103", "TW104"];
/// The one that asks where a Pod reaches a Secret.
const OF_REFERENCES: &[&str] = &["TW201"];

/// A Secret that an exception can be for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Candidate {
    /// Its namespace.
    pub namespace: String,
    /// Its name, or the prefix of the name to come.
    pub secret: String,
    /// The service account that its token is for; `None` where a Pod reaches a Secret of which nothing more is known.
    pub service_account: Option<String>,
    /// The codes of the rules that would ask for an exception.
    rules: &'static [&'static str],
}

impl Candidate {
    /// Whether `exception` is for this Secret. One of which nothing is known is a legacy token to the webhook where an
    /// exception names it without a glob.
    #[must_use]
    pub fn is_covered_by(&self, exception: &Exception) -> bool {
        let is_asked = exception.rules.iter().any(|rule| self.rules.contains(&rule.code));
        let is_exact = |pattern: &NamePattern| matches!(pattern, NamePattern::Exact(_));
        is_asked
            && exception.namespace.matches(&self.namespace)
            && exception.secret.matches(&self.secret)
            && match &self.service_account {
                Some(account) => exception.service_account.matches(account),
                None => [&exception.namespace, &exception.secret, &exception.service_account].into_iter().all(is_exact),
            }
    }
}

/// All of them, by namespace and name, so that an exception with exact names does not look at the others.
#[derive(Debug, Default)]
pub struct Candidates {
    by_namespace: BTreeMap<String, BTreeMap<String, BTreeSet<Candidate>>>,
}

impl Candidates {
    /// Those of `inventory` and of the manifests in `input`, where `namespace` is that of objects which name none; and what
    /// of the input could not be read.
    #[must_use]
    pub fn of(input: &Input<'_>, inventory: &Inventory, namespace: &str) -> (Self, Vec<InputError>) {
        let mut candidates = Self::default();
        for (namespace, secret, account) in inventory.iter() {
            candidates.add(namespace, secret, Some(account), OF_TOKEN_SECRETS);
        }
        let objects: Vec<(&Source, Object<'_>)> = input.objects().collect();
        let known = Known::new(objects.iter().map(|(_, object)| object), namespace, inventory);
        let witness = Witness { known: &known, asked: RefCell::default() };
        let mut errors = input.errors.clone();
        for (source, object) in &objects {
            let result = match object.role {
                Role::Manifest(kind) => candidates.read(object, kind, namespace, &witness),
                Role::Foreign if source.named => Err(not_an_object(object)),
                Role::Recorded | Role::Ours | Role::Other | Role::Foreign => Ok(()),
            };
            errors.extend(result.err().map(|error| input_error(source, &error)));
        }
        for (namespace, secret) in witness.asked.into_inner() {
            if known.secret(&namespace, &secret) == SecretFact::Unknown {
                candidates.add(&namespace, &secret, None, OF_REFERENCES);
            }
        }
        (candidates, errors)
    }

    /// How many Secrets there are.
    #[must_use]
    pub fn secrets(&self) -> usize {
        self.by_namespace.values().map(BTreeMap::len).sum()
    }

    /// Those that `exception` is for.
    pub fn covered_by<'c>(&'c self, exception: &'c Exception) -> impl Iterator<Item = &'c Candidate> {
        let secrets = named(&self.by_namespace, &exception.namespace);
        let all = secrets.flat_map(|secrets| named(secrets, &exception.secret)).flatten();
        all.filter(|candidate| candidate.is_covered_by(exception))
    }

    fn add(&mut self, namespace: &str, secret: &str, account: Option<&str>, rules: &'static [&'static str]) {
        let candidate = Candidate {
            namespace: namespace.to_owned(),
            secret: secret.to_owned(),
            service_account: account.map(str::to_owned),
            rules,
        };
        let secrets = self.by_namespace.entry(namespace.to_owned()).or_default();
        secrets.entry(secret.to_owned()).or_default().insert(candidate);
    }

    fn read(
        &mut self,
        object: &Object<'_>,
        kind: &'static Kind,
        namespace: &str,
        witness: &Witness<'_>,
    ) -> Result<(), Unreadable> {
        if let Some(duplicate) = &object.document.duplicate {
            return Err(duplicate.clone());
        }
        let own = object.metadata("namespace");
        let namespace = if own.is_empty() { namespace } else { own };
        let mut value = object.node.value();
        complete(kind, namespace, &mut value);
        match kind.resource() {
            Resource::Secret => self.read_secret(namespace, object.name(), &value),
            Resource::Pod => {
                account_plugin::apply(namespace, &mut value, witness.known);
                witness.hear(object, kind, namespace, &value)?;
            }
            Resource::Workload(_) => witness.hear(object, kind, namespace, &value)?,
            _ => {}
        }
        Ok(())
    }

    fn read_secret(&mut self, namespace: &str, name: &str, secret: &Value) {
        if secret["type"] == LEGACY_TOKEN_TYPE {
            let account = &secret["metadata"]["annotations"]["kubernetes.io/service-account.name"];
            self.add(namespace, name, Some(account.as_str().unwrap_or_default()), OF_TOKEN_SECRETS);
        }
        let data = secret["data"].as_object().into_iter().flat_map(|data| data.values()).filter_map(Value::as_str);
        for token in data.flat_map(|text| service_account_tokens(text.as_bytes())) {
            self.add(namespace, name, Some(&token.service_account), OF_STORED_TOKENS);
        }
    }
}

/// What has the exact name that a pattern is; everything where it is none.
fn named<'m, V>(map: &'m BTreeMap<String, V>, pattern: &NamePattern) -> impl Iterator<Item = &'m V> + use<'m, V> {
    let (one, all) = match pattern {
        NamePattern::Exact(name) => (map.get(&**name), None),
        NamePattern::Any | NamePattern::Glob(_) => (None, Some(map.values())),
    };
    one.into_iter().chain(all.into_iter().flatten())
}

/// Facts that remember which Secrets they were asked about.
struct Witness<'k> {
    known: &'k Known<'k>,
    asked: RefCell<BTreeSet<(String, String)>>,
}

impl Witness<'_> {
    /// Lets the rules look at a Pod or a template: they ask about every Secret that it reaches, by whatever route.
    fn hear(&self, object: &Object<'_>, kind: &Kind, namespace: &str, value: &Value) -> Result<(), Unreadable> {
        let body = request::create(kind, namespace, value);
        // The strictest policy has every rule on. Without exceptions the instant does not matter.
        let (policy, now) = (Builtin::Restricted.as_str(), Timestamp::UNIX_EPOCH);
        match PolicySet::builtin().answer(policy, Phase::Validate, &body, self, now) {
            Ok(_) => Ok(()),
            Err(malformed) => Err(Refusal::Malformed(malformed).explain(object, kind, value)),
        }
    }
}

impl Facts for Witness<'_> {
    fn secret(&self, namespace: &str, name: &str) -> SecretFact<'_> {
        self.asked.borrow_mut().insert((namespace.to_owned(), name.to_owned()));
        self.known.secret(namespace, name)
    }

    fn legacy_tokens(&self, namespace: &str) -> Vec<(&str, &str)> {
        self.known.legacy_tokens(namespace)
    }

    fn automount_resolved(&self, namespace: &str, service_account: &str) -> bool {
        self.known.automount_resolved(namespace, service_account)
    }
}

#[cfg(test)]
mod tests {
    use super::{BTreeMap, Candidate, Candidates, Input, Inventory, Source};

    fn candidates(text: &str, inventory: &Inventory) -> Vec<String> {
        let sources = [Source::new("x.yaml", text.to_owned())];
        let (found, errors) = Candidates::of(&Input::parse(&sources), inventory, "team-a");
        assert_eq!(errors, []);
        let line = |candidate: &Candidate| {
            let account = candidate.service_account.as_deref().unwrap_or("?");
            format!("{}/{} {account} {}", candidate.namespace, candidate.secret, candidate.rules.join(","))
        };
        found.by_namespace.values().flat_map(BTreeMap::values).flatten().map(line).collect()
    }

    #[test]
    fn inventories_and_token_secrets_are_candidates() {
        let mut inventory = Inventory::default();
        inventory.insert("team-b", "legacy", "ci");
        let secret = "{apiVersion: v1, kind: Secret, type: kubernetes.io/service-account-token, metadata: {generateName: ci-, annotations: {kubernetes.io/service-account.name: ci}}}";
        let opaque = "{apiVersion: v1, kind: Secret, metadata: {name: password}, stringData: {a: b}}";
        assert_eq!(
            candidates(&format!("{secret}\n---\n{opaque}"), &inventory),
            ["team-a/ci- ci TW101,TW102,TW103,TW201,TW302", "team-b/legacy ci TW101,TW102,TW103,TW201,TW302"]
        );
    }

    #[test]
    fn what_pods_and_templates_reach_is_a_candidate_unless_it_is_known_to_be_something_else() {
        let spec = "{containers: [{name: a, envFrom: [{secretRef: {name: reached}}, {secretRef: {name: password}}]}]}";
        let pod = format!("{{apiVersion: v1, kind: Pod, metadata: {{name: p, namespace: team-b}}, spec: {spec}}}");
        let job =
            format!("{{apiVersion: batch/v1, kind: Job, metadata: {{name: j}}, spec: {{template: {{spec: {spec}}}}}}}");
        let opaque = "{apiVersion: v1, kind: Secret, metadata: {name: password}}";
        assert_eq!(
            candidates(&format!("{pod}\n---\n{job}\n---\n{opaque}"), &Inventory::default()),
            ["team-a/reached ? TW201", "team-b/password ? TW201", "team-b/reached ? TW201"]
        );
    }
}
