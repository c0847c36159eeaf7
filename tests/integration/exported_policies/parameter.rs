//! Why exceptions are no parameter: what a real API server does where a parameter is missing.

use std::time::Duration;

use serde_json::{Value, json};

use crate::rig;
use crate::rig::ControlPlane;
use crate::rig::eventually::eventually;
use crate::rig::namespace::Namespace;
use crate::rig::users::User;

const POLICIES: &str = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies";
const BINDINGS: &str = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings";

/// Refuses token Secrets in one namespace, unless a ConfigMap that is not there says otherwise.
struct WithParameter<'rig> {
    rig: &'rig ControlPlane,
    name: String,
}

impl<'rig> WithParameter<'rig> {
    fn on(namespace: &Namespace<'rig>, not_found: &str, action: &str) -> Self {
        let (rig, name) = (namespace.rig(), format!("{}.parameter.test", namespace.name));
        let policy = json!({
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingAdmissionPolicy",
            "metadata": {"name": name},
            "spec": {
                "failurePolicy": "Fail",
                "paramKind": {"apiVersion": "v1", "kind": "ConfigMap"},
                "matchConstraints": {"resourceRules": [
                    {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["secrets"]},
                ]},
                "matchConditions": [{
                    "name": "token-secrets-only",
                    "expression": "object.type == 'kubernetes.io/service-account-token'",
                }],
                "validations": [{"expression": "params != null && object.metadata.name in params.data"}],
            },
        });
        let binding = json!({
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": {"name": name},
            "spec": {
                "policyName": name,
                "paramRef": {"name": "not-there", "namespace": namespace.name, "parameterNotFoundAction": not_found},
                "validationActions": [action],
                "matchResources": {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace.name}}},
            },
        });
        rig.post(User::Administrator, POLICIES, &policy).expect_success();
        rig.post(User::Administrator, BINDINGS, &binding).expect_success();
        Self { rig, name }
    }
}

impl Drop for WithParameter<'_> {
    fn drop(&mut self) {
        for path in [BINDINGS, POLICIES] {
            self.rig.send(User::Administrator, "DELETE", &format!("{path}/{}", self.name), None);
        }
    }
}

fn secret(kind: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Secret", "type": kind,
        "metadata": {"name": "probe", "annotations": {"kubernetes.io/service-account.name": "default"}},
    })
}

#[test]
fn with_deny_a_missing_parameter_refuses_every_secret_even_where_the_binding_only_warns() {
    let rig = rig::shared();
    for (prefix, action) in [("parameter-deny", "Deny"), ("parameter-warn", "Warn")] {
        let namespace = rig.namespace(prefix, &[]);
        let _applied = WithParameter::on(&namespace, "Deny", action);
        let message = eventually(Duration::from_mins(1), || {
            let answer = rig.post(User::Administrator, &namespace.path("secrets?dryRun=All"), &secret("Opaque"));
            answer.body["message"].as_str().map(str::to_owned).ok_or("the API server does not obey")
        });
        assert!(message.contains("no params found for policy binding"), "{message}");
    }
}

#[test]
fn with_allow_a_missing_parameter_lets_every_token_secret_through() {
    let rig = rig::shared();
    let (open, closed) = (rig.namespace("parameter-allow", &[]), rig.namespace("parameter-later", &[]));
    let _applied = WithParameter::on(&open, "Allow", "Deny");
    // One that is applied later and counts shows that the first one counts too.
    let _later = WithParameter::on(&closed, "Deny", "Deny");
    let token_secret = secret("kubernetes.io/service-account-token");
    let create =
        |namespace: &Namespace<'_>| rig.post(User::Administrator, &namespace.path("secrets?dryRun=All"), &token_secret);
    eventually(Duration::from_mins(1), || match create(&closed).code {
        201 => Err("the API server does not obey"),
        _ => Ok(()),
    });
    assert_eq!(create(&open).code, 201);
}
