//! What a platform team sees of tokenward, proved on a real API server: the webhook runs beside it, and what
//! `tokenward manifests` renders is applied with `kubectl apply`. One file per group of scenarios.
#![allow(clippy::panic, clippy::expect_used, reason = "a scenario that cannot go on ends its test with a message")]

mod api_server;
mod attacks;
mod common_guides;
mod control_plane;
mod deployments;
mod exceptions_from_scan;
mod injection;
mod labelling;
mod legacy_secrets;
mod manifest;
mod opting_in;
mod restricted;
mod second_webhook;
mod sidecar_webhook;
mod stored;
mod unknown_policy;
mod warn_and_audit;
mod webhook_stopped;

use std::sync::OnceLock;

use serde_json::Value;

use crate::installation::Installation;
use crate::rig;
use crate::rig::http::Answer;
use crate::rig::kubectl::{Kubectl, Output};
use crate::rig::namespace::Namespace;
use crate::rig::users::User;

/// The installation that most scenarios share; each keeps to namespaces of its own.
#[track_caller]
fn installed() -> &'static Installation<'static> {
    static INSTALLED: OnceLock<Result<Installation<'static>, String>> = OnceLock::new();
    let rig = rig::shared();
    match INSTALLED.get_or_init(|| Installation::on(rig, include_str!("policy.yaml"), include_str!("inventory.yaml"))) {
        Ok(installation) => installation,
        Err(error) => panic!("{error}"),
    }
}

/// `kubectl create -f -` as the people of a team would run it.
fn create(namespace: &Namespace<'_>, manifest: &Value) -> Kubectl {
    namespace.kubectl_as(User::Developer, ["create", "-f", "-"]).stdin(manifest.to_string())
}

/// The same without `kubectl`, to see the answer as it is.
#[track_caller]
fn post(namespace: &Namespace<'_>, resource: &str, manifest: &Value) -> Answer {
    namespace.rig().post(User::Developer, &namespace.path(resource), manifest)
}

/// Creates it and gives what is stored.
#[track_caller]
fn store(namespace: &Namespace<'_>, manifest: &Value) -> Value {
    create(namespace, manifest).json()
}

/// The webhook's own words in a refusal that `kubectl` printed.
#[track_caller]
fn words_of_refusal(output: &Output) -> &str {
    let (_, rest) = output
        .stderr
        .split_once("Error from server (Forbidden): ")
        .unwrap_or_else(|| panic!("not refused as forbidden: {output}"));
    let (_, words) =
        rest.split_once("denied the request: ").unwrap_or_else(|| panic!("not refused by a webhook: {output}"));
    words.trim_end()
}

/// The field paths in the causes of a refusal with code 403.
#[track_caller]
fn causes(answer: Answer) -> Vec<String> {
    let status = answer.expect_code(403);
    assert_eq!(status["reason"], "Forbidden");
    let causes = stored::list(&status["details"]["causes"]);
    causes.iter().map(|cause| cause["field"].as_str().unwrap_or_default().to_owned()).collect()
}
