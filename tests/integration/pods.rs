//! Pods and templates made from a few lines, and what the webhook answers to their creation.

use std::ops::Deref;

use serde_json::{Value, json};
use tokenward::policy::{
    Builtin, Exceptions, Facts, FurtherToken, MountWhen, NamePattern, Phase, Policy, PolicySet, SecretFact,
};

use crate::fixture::{Court, Review, Verdict};

/// The default directory of the API token.
pub(crate) const DIRECTORY: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// A container without mounts.
pub(crate) fn container(name: &str) -> Value {
    json!({"name": name, "image": "registry.example.com/app:1"})
}

/// A container with mounts, each of a volume at a path.
pub(crate) fn mounting<const N: usize>(name: &str, mounts: [(&str, &str); N]) -> Value {
    let mut container = container(name);
    container["volumeMounts"] =
        mounts.into_iter().map(|(volume, path)| json!({"name": volume, "mountPath": path})).collect();
    container
}

/// A Pod of the account `app` with this specification.
pub(crate) fn pod(spec: &Value) -> Value {
    let mut whole = json!({"serviceAccountName": "app"});
    merge(&mut whole, spec);
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "app", "namespace": "team-a"}, "spec": whole})
}

/// A Pod of the account `app` that says that it wants no automounted token.
pub(crate) fn hardened(spec: &Value) -> Value {
    let mut whole = json!({"automountServiceAccountToken": false, "containers": [container("app")]});
    merge(&mut whole, spec);
    pod(&whole)
}

/// The same, and no token in its place.
pub(crate) fn opted_out(spec: &Value) -> Value {
    annotated(hardened(spec), [("tokenward.dev/inject", "false")])
}

/// A Pod with one container, as it is after the built-in plugin has mounted its volume.
pub(crate) fn automounted() -> Value {
    pod(&json!({
        "containers": [mounting("app", [("kube-api-access-x2b9k", DIRECTORY)])],
        "volumes": [built_in_volume("kube-api-access-x2b9k")],
    }))
}

/// The volume of the built-in plugin.
pub(crate) fn built_in_volume(name: &str) -> Value {
    token_volume(name, json!({"expirationSeconds": 3607, "path": "token"}))
}

/// A volume like that of the built-in plugin, with another token.
pub(crate) fn token_volume(name: &str, token: Value) -> Value {
    json!({"name": name, "projected": {"defaultMode": 420, "sources": [
        {"serviceAccountToken": token},
        {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
        {"downwardAPI": {"items": [
            {"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}
        ]}},
    ]}})
}

/// The volume of the API token that is injected under the built-in policies.
pub(crate) fn injected_volume() -> Value {
    token_volume("tokenward-api-access", json!({"expirationSeconds": 3600, "path": "token"}))
}

/// The mount of a volume that is injected.
pub(crate) fn injected_mount(volume: &str, path: &str) -> Value {
    json!({"name": volume, "readOnly": true, "mountPath": path})
}

/// The Pod with these annotations.
pub(crate) fn annotated<const N: usize>(mut pod: Value, annotations: [(&str, &str); N]) -> Value {
    for (key, value) in annotations {
        pod["metadata"]["annotations"][key] = json!(value);
    }
    pod
}

/// A Deployment of Pods like `pod`.
pub(crate) fn deployment(pod: &Value) -> Value {
    let template = json!({"metadata": pod["metadata"], "spec": pod["spec"]});
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "app"}, "spec": {"template": template}})
}

fn merge(into: &mut Value, from: &Value) {
    for (key, value) in from.as_object().unwrap() {
        into[key] = value.clone();
    }
}

/// A built-in policy under a name of its own, changed.
pub(crate) fn policy(extends: Builtin, change: impl FnOnce(&mut Policy)) -> Policy {
    let mut policy = Policy::builtin(extends);
    policy.name = "custom".into();
    change(&mut policy);
    policy
}

/// A further token for ten minutes.
pub(crate) fn further(name: &str, mount: MountWhen) -> FurtherToken {
    let audience = format!("https://{name}.example.com");
    FurtherToken { name: name.to_owned(), audience, expiration_seconds: 600, mount }
}

/// A list of audiences as a policy has it.
pub(crate) fn audiences<const N: usize>(patterns: [&str; N]) -> Vec<NamePattern> {
    patterns.into_iter().map(|pattern| NamePattern::parse(pattern).unwrap()).collect()
}

/// Nothing is known, not even whether the built-in plugin has run: a manifest by itself.
pub(crate) struct OnlyTheManifest;

impl Facts for OnlyTheManifest {
    fn secret(&self, _namespace: &str, _name: &str) -> SecretFact<'_> {
        SecretFact::Unknown
    }

    fn legacy_tokens(&self, _namespace: &str) -> Vec<(&str, &str)> {
        Vec::new()
    }

    fn automount_resolved(&self, _namespace: &str, _service_account: &str) -> bool {
        false
    }
}

/// One policy of a court, and what it knows.
pub(crate) struct Judge {
    court: Court,
    policy: String,
    facts: Option<Box<dyn Facts>>,
}

impl Judge {
    /// The built-in policy.
    pub(crate) fn builtin(builtin: Builtin) -> Self {
        Self { court: Court::new(), policy: builtin.as_str().to_owned(), facts: None }
    }

    /// A policy of one's own.
    pub(crate) fn custom(policy: Policy) -> Self {
        let name = policy.name.clone();
        let policies = PolicySet::new(vec![policy], Exceptions::default());
        Self { court: Court { policies, ..Court::new() }, policy: name.to_string(), facts: None }
    }

    /// The same with other knowledge.
    pub(crate) fn knowing(self, facts: impl Facts + 'static) -> Self {
        Self { facts: Some(Box::new(facts)), ..self }
    }

    /// What is answered to the creation of `object` in the mutating phase.
    pub(crate) fn mutate(&self, object: &Value) -> Reply {
        self.reply(Phase::Mutate, &creation(object))
    }

    /// What is answered to the creation of `object` in the validating phase.
    pub(crate) fn validate(&self, object: &Value) -> Reply {
        self.reply(Phase::Validate, &creation(object))
    }

    /// What is answered to a review.
    pub(crate) fn reply(&self, phase: Phase, review: &Review) -> Reply {
        let verdict = match (&self.facts, phase) {
            (Some(facts), _) => self.court.answer(&self.policy, phase, review, &**facts),
            (None, Phase::Mutate) => self.court.mutate(&self.policy, review),
            (None, Phase::Validate) => self.court.validate(&self.policy, review),
        };
        Reply { object: review.0["request"]["object"].clone(), verdict }
    }
}

/// The built-in policy `baseline`.
pub(crate) fn baseline() -> Judge {
    Judge::builtin(Builtin::Baseline)
}

/// The built-in policy `restricted`.
pub(crate) fn restricted() -> Judge {
    Judge::builtin(Builtin::Restricted)
}

/// The review of the creation of a Pod or a Deployment.
pub(crate) fn creation(object: &Value) -> Review {
    let resource = if object["kind"] == "Pod" { "pods" } else { "apps/deployments" };
    Review::create(resource, object.clone())
}

/// What the webhook answered to a review of an object.
#[derive(Debug)]
pub(crate) struct Reply {
    object: Value,
    verdict: Verdict,
}

impl Deref for Reply {
    type Target = Verdict;

    fn deref(&self) -> &Verdict {
        &self.verdict
    }
}

impl Reply {
    /// The operations of the patch; none where there is no patch.
    pub(crate) fn operations(&self) -> Vec<Value> {
        self.patch().map(|patch| patch.as_array().unwrap().clone()).unwrap_or_default()
    }

    /// The object with the patch applied as RFC 6902 says.
    pub(crate) fn patched(&self) -> Value {
        let mut object = self.object.clone();
        let patch: json_patch::Patch = serde_json::from_value(self.operations().into()).unwrap();
        json_patch::patch(&mut object, &patch).unwrap();
        object
    }

    /// Asserts that nothing is changed, and nothing said.
    #[track_caller]
    pub(crate) fn leaves_alone(&self) {
        let response = &self.0["response"];
        assert_eq!((response.get("patch"), response.get("patchType")), (None, None), "{response}");
        assert_eq!(self.warnings(), [""; 0]);
        assert!(self.is_allowed());
    }
}
