//! Attacks by people who may edit what is in a namespace and nothing else. Each is first shown to succeed in a namespace that
//! did not opt in, up to a token that the API server takes for the strong account's; then it is tried in one that did.
//!
//! In both the legacy token is older than the label.

mod label_removal;
mod long_lived_request;
mod reference;
mod retarget;
mod revival;
mod stored_copy;

use std::time::Duration;

use serde_json::{Value, json};

use super::manifest::token_secret;
use super::{installed, post};
use crate::installation::POLICY_LABEL;
use crate::rig::eventually::eventually;
use crate::rig::http::Answer;
use crate::rig::namespace::Namespace;
use crate::rig::token::decoded;
use crate::rig::users::User;

/// How long the token controller, and the API server's look at namespaces, may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A namespace without a label, in which an account `weak` and an account `strong` are.
fn unguarded(name: &str) -> Namespace<'static> {
    let namespace = installed().rig.namespace_named(name, &[]);
    namespace.service_account("weak", Some(false));
    namespace.service_account("strong", Some(false));
    namespace
}

/// Opts the namespace in, and waits until the API server knows.
#[track_caller]
fn guard(namespace: &Namespace<'_>, policy: &str) {
    let label = format!("{POLICY_LABEL}={policy}");
    namespace.rig().kubectl(["label", "namespace", &namespace.name, &label]).ok();
    eventually(PATIENCE, || match post(namespace, "secrets?dryRun=All", &token_secret("probe", "weak")).code {
        403 => Ok(()),
        code => Err(format!("HTTP {code}, though the namespace is labelled")),
    });
}

/// Makes a legacy token of `account` and gives it.
#[track_caller]
fn legacy_token(namespace: &Namespace<'_>, secret: &str, account: &str) -> String {
    post(namespace, "secrets", &token_secret(secret, account)).expect_success();
    token_of(namespace, secret, |_| true)
}

/// The token in a Secret, once the token controller has put one there that is `wanted`.
#[track_caller]
fn token_of(namespace: &Namespace<'_>, secret: &str, wanted: impl Fn(&str) -> bool) -> String {
    eventually(PATIENCE, || {
        let token = decoded(&stored(namespace, secret)["data"]["token"]);
        if !token.is_empty() && wanted(&token) { Ok(token) } else { Err("the token controller has not filled it in") }
    })
}

#[track_caller]
fn stored(namespace: &Namespace<'_>, secret: &str) -> Value {
    namespace.rig().get(User::Administrator, &namespace.path(&format!("secrets/{secret}"))).expect_success()
}

/// A merge patch of a Secret by somebody of the team.
#[track_caller]
fn patch(namespace: &Namespace<'_>, secret: &str, change: &Value) -> Answer {
    let path = namespace.path(&format!("secrets/{secret}"));
    namespace.rig().merge(User::Developer, &path, change)
}

fn opaque(name: &str, data: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "metadata": {"name": name}, "stringData": data})
}

/// The API server takes whoever has `token` for this account.
#[track_caller]
fn assert_speaks_for(namespace: &Namespace<'_>, token: &str, account: &str) {
    let account = format!("system:serviceaccount:{}:{account}", namespace.name);
    assert_eq!(namespace.rig().bearer(token), Some(account));
}

/// Refused by our webhook, with this rule first.
#[track_caller]
fn assert_refused_by(answer: Answer, rule: &str) -> Value {
    let status = answer.expect_code(403);
    let message = status["message"].as_str().unwrap_or_default();
    assert!(message.contains(&format!("denied the request: {rule} ")), "{message}");
    status
}
