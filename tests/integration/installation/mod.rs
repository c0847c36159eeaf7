//! An installation: the real `tokenward serve` beside the control plane, and what `tokenward manifests` renders applied to it
//! with `kubectl apply`.
//!
//! ```text
//! tokenward certs ──► tls/ ────────┐
//!                     policy/ ─────┼─► tokenward serve ◄── https://<host address> ── kube-apiserver
//!                     inventory/ ──┘                                                     ▲
//! tokenward manifests --url https://<host address> ──► kubectl apply -f - ───────────────┘
//! ```
//!
//! The three directories are laid out, and swapped, as the kubelet does it.
#![allow(dead_code, reason = "the tests, the playground and the recorder each use their part of it")]
#![allow(clippy::panic, reason = "an installation that cannot be made ends the test with a message")]

mod metrics;
mod mount;
mod program;
mod webhook;

use std::time::Duration;

use serde_json::{Value, json};

pub(crate) use program::{output_of, tokenward};
pub(crate) use webhook::Webhook;

use crate::rig::ControlPlane;
use crate::rig::eventually::try_eventually;
use crate::rig::http::Answer;
use crate::rig::kubectl::Output;
use crate::rig::namespace::Namespace;
use crate::rig::users::User;

/// The label that opts a namespace in.
pub(crate) const POLICY_LABEL: &str = "tokenward.dev/policy";

/// How long the API server may take to learn of a webhook configuration.
const PATIENCE: Duration = Duration::from_secs(30);

/// A control plane that obeys a webhook.
pub(crate) struct Installation<'rig> {
    pub(crate) rig: &'rig ControlPlane,
    pub(crate) webhook: Webhook<'rig>,
    manifests: String,
    probe: Probe<'rig>,
}

impl<'rig> Installation<'rig> {
    /// Starts a webhook with this policy file and this inventory (none where the text is empty), applies the webhook
    /// configurations, and waits until the API server uses them.
    pub(crate) fn on(rig: &'rig ControlPlane, policy: &str, inventory: &str) -> Result<Self, String> {
        let webhook = Webhook::start(rig, policy, inventory)?;
        let mut manifests = tokenward();
        manifests.args(["manifests", "--url", &webhook.url(), "--tls-dir"]).arg(webhook.certificates());
        if !policy.is_empty() {
            manifests.arg("--policy").arg(webhook.policy.path());
        }
        let installation = Self { rig, webhook, manifests: output_of(manifests)?, probe: Probe::in_a_namespace(rig) };
        let applied = installation.kubectl_with_manifests(["apply", "-f", "-"]);
        if !applied.status.success() {
            return Err(applied.to_string());
        }
        try_eventually(PATIENCE, || installation.probe.is_obeyed()).map_err(|error| {
            format!("the API server does not use the webhook: {error}\n{}", installation.webhook.log())
        })?;
        Ok(installation)
    }

    /// A namespace that is opted in to `policy`.
    #[track_caller]
    pub(crate) fn namespace(&self, name: &str, policy: &str) -> Namespace<'rig> {
        self.rig.namespace_named(name, &[(POLICY_LABEL, policy)])
    }

    /// Runs `kubectl` with the rendered webhook configurations as its input.
    pub(crate) fn kubectl_with_manifests<const N: usize>(&self, arguments: [&str; N]) -> Output {
        self.rig.kubectl(arguments).stdin(self.manifests.as_str()).run()
    }
}

impl Drop for Installation<'_> {
    /// Deletes the webhook configurations, also after a failure: whoever has the control plane next finds it as it was.
    fn drop(&mut self) {
        self.kubectl_with_manifests(["delete", "--ignore-not-found", "-f", "-"]);
        // The next one finds out by itself if this takes longer.
        let _ = try_eventually(PATIENCE, || self.probe.is_ignored());
    }
}

/// Asks the API server, without storing anything, for what the policy `baseline` refuses and for what it changes.
struct Probe<'rig> {
    rig: &'rig ControlPlane,
    namespace: Namespace<'rig>,
}

impl<'rig> Probe<'rig> {
    fn in_a_namespace(rig: &'rig ControlPlane) -> Self {
        Self { rig, namespace: rig.namespace("probe", &[(POLICY_LABEL, "baseline")]) }
    }

    fn is_obeyed(&self) -> Result<(), String> {
        let (secret, pod) = (self.create_secret(), self.create_pod());
        if secret.code == 403 && has_our_volume(&pod) { Ok(()) } else { Err(story(&secret, &pod)) }
    }

    fn is_ignored(&self) -> Result<(), String> {
        let (secret, pod) = (self.create_secret(), self.create_pod());
        if secret.code == 201 && pod.code == 201 && !has_our_volume(&pod) { Ok(()) } else { Err(story(&secret, &pod)) }
    }

    fn create_secret(&self) -> Answer {
        let secret = json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "kubernetes.io/service-account-token",
            "metadata": {"name": "probe", "annotations": {"kubernetes.io/service-account.name": "default"}},
        });
        self.rig.post(User::Administrator, &self.namespace.path("secrets?dryRun=All"), &secret)
    }

    fn create_pod(&self) -> Answer {
        let pod = json!({
            "apiVersion": "v1",
            "kind": "Pod",
            // The account `default` gets a token only on request.
            "metadata": {"name": "probe", "annotations": {"tokenward.dev/inject": "true"}},
            "spec": {
                "automountServiceAccountToken": false,
                "containers": [{"name": "app", "image": "app.example.com/app:1"}],
            },
        });
        self.rig.post(User::Administrator, &self.namespace.path("pods?dryRun=All"), &pod)
    }
}

fn has_our_volume(pod: &Answer) -> bool {
    let volumes = pod.body["spec"]["volumes"].as_array();
    volumes.into_iter().flatten().any(|volume| volume["name"] == "tokenward-api-access")
}

fn story(secret: &Answer, pod: &Answer) -> String {
    let message = |answer: &Answer| match &answer.body["message"] {
        Value::String(message) => format!("HTTP {} {message}", answer.code),
        _ => format!("HTTP {}", answer.code),
    };
    format!("token Secret: {}; Pod: {}, injected: {}", message(secret), message(pod), has_our_volume(pod))
}
