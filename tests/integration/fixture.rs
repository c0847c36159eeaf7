//! Admission reviews as the API server sends them, and what came back, for tests of decisions.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokenward::policy::{Exception, Exceptions, Facts, Inventory, NamePattern, Phase, PolicySet, Rule};

/// The namespace of every review that does not say otherwise.
pub(crate) const NAMESPACE: &str = "team-a";

/// When the tests take place, unless they say otherwise.
pub(crate) fn now() -> Timestamp {
    "2026-11-23T12:00:00Z".parse().expect("a timestamp")
}

/// An AdmissionReview.
#[derive(Clone, Debug)]
pub(crate) struct Review(pub(crate) Value);

impl Review {
    /// The creation of an object of a resource such as `secrets`, `apps/deployments` or `serviceaccounts/token`.
    pub(crate) fn create(resource: &str, object: Value) -> Self {
        Self::new(resource, "CREATE", object, Value::Null)
    }

    /// An update of an object.
    pub(crate) fn update(resource: &str, old: Value, new: Value) -> Self {
        Self::new(resource, "UPDATE", new, old)
    }

    fn new(resource: &str, operation: &str, object: Value, old: Value) -> Self {
        let (group, resource, sub_resource) = match resource.split('/').collect::<Vec<_>>()[..] {
            [group @ ("apps" | "batch"), resource] => (group, resource, ""),
            [resource, sub_resource] => ("", resource, sub_resource),
            _ => ("", resource, ""),
        };
        let name = object["metadata"]["name"].clone();
        let mut request = json!({
            "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
            "kind": {"group": group, "version": "v1", "kind": object["kind"]},
            "resource": {"group": group, "version": "v1", "resource": resource},
            "name": if name.is_string() { name } else { json!("") },
            "operation": operation,
            "userInfo": {"username": "dev", "groups": ["system:authenticated"]},
            "object": object,
            "oldObject": old,
            "dryRun": false,
        });
        if resource != "namespaces" {
            request["namespace"] = json!(NAMESPACE);
        }
        if !sub_resource.is_empty() {
            request["subResource"] = json!(sub_resource);
        }
        Self(json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}))
    }

    /// The same with another value for a field of the request.
    pub(crate) fn with(mut self, field: &str, value: Value) -> Self {
        self.0["request"][field] = value;
        self
    }

    /// The body that is posted.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        serde_json::to_vec(&self.0).expect("JSON")
    }
}

/// The policies, the facts and the instant that reviews are judged by.
pub(crate) struct Court {
    pub(crate) policies: PolicySet,
    pub(crate) inventory: Inventory,
    pub(crate) now: Timestamp,
}

impl Court {
    /// The built-in policies, an empty inventory, and the instant of [`now`].
    pub(crate) fn new() -> Self {
        Self { policies: PolicySet::builtin(), inventory: Inventory::default(), now: now() }
    }

    /// The same with exceptions.
    pub(crate) fn with_exceptions(mut self, exceptions: Vec<Exception>) -> Self {
        self.policies = PolicySet::new(Vec::new(), Exceptions::new(exceptions));
        self
    }

    /// The same with a legacy token Secret in the inventory, in the namespace of the reviews.
    pub(crate) fn with_legacy_token(mut self, secret: &str, service_account: &str) -> Self {
        self.inventory.insert(NAMESPACE, secret, service_account);
        self
    }

    /// What the validating webhook answers.
    pub(crate) fn validate(&self, policy: &str, review: &Review) -> Verdict {
        self.answer(policy, Phase::Validate, review, &self.inventory)
    }

    /// What the mutating webhook answers.
    pub(crate) fn mutate(&self, policy: &str, review: &Review) -> Verdict {
        self.answer(policy, Phase::Mutate, review, &self.inventory)
    }

    /// What is answered by facts of the test's own.
    pub(crate) fn answer(&self, policy: &str, phase: Phase, review: &Review, facts: &dyn Facts) -> Verdict {
        let answer = self.policies.answer(policy, phase, &review.bytes(), facts, self.now).expect("a review");
        Verdict(serde_json::from_slice(&answer.body).expect("JSON"))
    }
}

/// The answer, as the API server reads it.
#[derive(Debug)]
pub(crate) struct Verdict(pub(crate) Value);

impl Verdict {
    fn response(&self) -> &Value {
        &self.0["response"]
    }

    /// True when the request goes on.
    pub(crate) fn is_allowed(&self) -> bool {
        self.response()["allowed"].as_bool().expect("a verdict")
    }

    /// The sentence of a refusal; empty when there is none.
    pub(crate) fn message(&self) -> &str {
        self.response()["status"]["message"].as_str().unwrap_or_default()
    }

    /// The field paths of a refusal.
    pub(crate) fn fields(&self) -> Vec<&str> {
        let causes = self.response()["status"]["details"]["causes"].as_array();
        causes.into_iter().flatten().map(|cause| cause["field"].as_str().expect("a path")).collect()
    }

    /// The warnings.
    pub(crate) fn warnings(&self) -> Vec<&str> {
        let warnings = self.response()["warnings"].as_array();
        warnings.into_iter().flatten().map(|warning| warning.as_str().expect("a warning")).collect()
    }

    /// An audit annotation; empty when there is none.
    pub(crate) fn annotation(&self, key: &str) -> &str {
        self.response()["auditAnnotations"][key].as_str().unwrap_or_default()
    }

    /// The findings with their actions, such as `TW101=deny`.
    pub(crate) fn findings(&self) -> Vec<&str> {
        self.annotation("findings").split(',').filter(|finding| !finding.is_empty()).collect()
    }

    /// The JSON Patch; `None` without one.
    pub(crate) fn patch(&self) -> Option<Value> {
        let patch = self.response()["patch"].as_str()?;
        Some(serde_json::from_slice(&STANDARD.decode(patch).expect("base64")).expect("JSON"))
    }
}

/// An exception for `rule` in the namespace of the reviews.
pub(crate) fn exception(rule: &str, secret: &str, service_account: &str, last_day: &str) -> Exception {
    let expires: jiff::civil::Date = last_day.parse().expect("a date");
    let pattern = |text: &str| NamePattern::parse(text).expect("a pattern");
    Exception {
        name: "agreed".to_owned(),
        rules: vec![Rule::find(rule).expect("a rule")],
        namespace: pattern(NAMESPACE),
        secret: pattern(secret),
        service_account: pattern(service_account),
        reason: "the client knows no other way".to_owned(),
        owner: "platform@example.com".to_owned(),
        expires,
        ends: expires.tomorrow().expect("a day").to_zoned(jiff::tz::TimeZone::UTC).expect("midnight").timestamp(),
    }
}

/// A Secret of the token type as somebody writes it by hand.
pub(crate) fn token_secret(name: &str, service_account: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/service-account-token",
        "metadata": {
            "name": name, "namespace": NAMESPACE, "annotations": {"kubernetes.io/service-account.name": service_account},
        },
    })
}

/// The same after the token controller has filled it in.
pub(crate) fn filled_token_secret(name: &str, service_account: &str) -> Value {
    let mut secret = token_secret(name, service_account);
    secret["metadata"]["annotations"]["kubernetes.io/service-account.uid"] =
        json!("8d7c1f5e-0000-4000-8000-000000000001");
    secret["data"] = json!({
        "ca.crt": STANDARD.encode("CA"),
        "namespace": STANDARD.encode(NAMESPACE),
        "token": STANDARD.encode(legacy_jwt(name, service_account)),
    });
    secret
}

/// The legacy token of a Secret in the namespace of the reviews. Its signature is none.
pub(crate) fn legacy_jwt(secret: &str, service_account: &str) -> String {
    jwt(&json!({
        "iss": "kubernetes/serviceaccount",
        "kubernetes.io/serviceaccount/namespace": NAMESPACE,
        "kubernetes.io/serviceaccount/secret.name": secret,
        "kubernetes.io/serviceaccount/service-account.name": service_account,
        "kubernetes.io/serviceaccount/service-account.uid": "8d7c1f5e-0000-4000-8000-000000000001",
        "sub": format!("system:serviceaccount:{NAMESPACE}:{service_account}"),
    }))
}

/// A bound token that was issued at [`now`]. Its signature is none.
pub(crate) fn bound_jwt(service_account: &str, seconds: i64) -> String {
    let issued = now().as_second();
    jwt(&json!({
        "aud": ["https://kubernetes.default.svc"], "iss": "https://kubernetes.default.svc",
        "iat": issued, "nbf": issued, "exp": issued + seconds,
        "kubernetes.io": {"namespace": NAMESPACE, "serviceaccount": {"name": service_account, "uid": "1"}},
        "sub": format!("system:serviceaccount:{NAMESPACE}:{service_account}"),
    }))
}

/// A JWT with these claims and a signature that is none.
pub(crate) fn jwt(claims: &Value) -> String {
    let header = json!({"alg": "RS256", "kid": "none"}).to_string();
    format!("{}.{}.bm9uZQ", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims.to_string()))
}
