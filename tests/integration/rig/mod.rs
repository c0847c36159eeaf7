//! The rig: a real control plane, for tests whose oracle is Kubernetes itself.
//!
//! etcd, kube-apiserver and kube-controller-manager run on free ports with their data in a temporary directory; users talk
//! to them with `kubectl`. No kubelet runs: [`kubelet`] asks for the tokens that one would ask for. `tests/apiserver/build`
//! makes the programs.
//!
//! ```text
//! shared() -> ControlPlane -> namespace("web", &[("tokenward.dev/policy", "baseline")]) -> Namespace
//!                  |                                                                          |
//!                  |- kubectl(["get", "nodes"]).ok().stdout                                   |- kubectl(["apply", "-f", "-"]).stdin(yaml).ok()
//!                  |- post(User::Developer, path, &body).expect_code(403)                     |- stored("pod/web")
//!                  |- audit_event(AuditFilter { .. }).annotation("…")                         |- path("secrets/ci")
//!                  `- kubelet_token_files(&namespace, "web")[0].claims.lifetime()
//! ```
#![allow(dead_code, reason = "the tests and the playground each use their part of it")]
#![allow(clippy::panic, clippy::expect_used, reason = "a rig that cannot go on ends the test with a message")]

pub(crate) mod audit_log;
mod binaries;
mod cleaner;
mod control_plane;
pub(crate) mod eventually;
pub(crate) mod host;
pub(crate) mod http;
mod keys;
pub(crate) mod kubectl;
pub(crate) mod kubelet;
pub(crate) mod namespace;
pub(crate) mod process;
mod roll;
mod signature;
pub(crate) mod tls_server;
pub(crate) mod token;
pub(crate) mod users;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

use audit_log::{AuditEvent, AuditFilter};
pub(crate) use control_plane::ControlPlane;
use eventually::eventually;
use http::Answer;
use kubectl::Kubectl;
use namespace::Namespace;
use process::Process;
use users::User;

/// The control plane of this test binary, started by whoever asks first.
///
/// When it does not start, every test that needs it fails with the same words: nothing is skipped.
#[track_caller]
pub(crate) fn shared() -> &'static ControlPlane {
    static SHARED: OnceLock<Result<ControlPlane, String>> = OnceLock::new();
    roll::sign();
    match SHARED.get_or_init(ControlPlane::start) {
        Ok(rig) => rig,
        Err(error) => panic!("{error}"),
    }
}

/// A second control plane, for tests that install and remove things for the whole cluster: one test at a time has it, and
/// leaves it as it was.
#[track_caller]
pub(crate) fn solitary() -> MutexGuard<'static, ControlPlane> {
    static SOLITARY: OnceLock<Result<Mutex<ControlPlane>, String>> = OnceLock::new();
    roll::sign();
    match SOLITARY.get_or_init(|| ControlPlane::start().map(Mutex::new)) {
        Ok(rig) => rig.lock().unwrap_or_else(PoisonError::into_inner),
        Err(error) => panic!("{error}"),
    }
}

impl ControlPlane {
    /// Makes a namespace `<prefix>-<number>` with these labels and waits until Pods can be made in it.
    #[track_caller]
    pub(crate) fn namespace(&self, prefix: &str, labels: &[(&str, &str)]) -> Namespace<'_> {
        Namespace::numbered(self, prefix, labels)
    }

    /// The same with a name that a policy file or an inventory knows; no two tests can have it.
    #[track_caller]
    pub(crate) fn namespace_named(&self, name: &str, labels: &[(&str, &str)]) -> Namespace<'_> {
        Namespace::create(self, name.to_owned(), labels)
    }

    /// A `kubectl` command of the administrator.
    pub(crate) fn kubectl<S: AsRef<str>>(&self, arguments: impl IntoIterator<Item = S>) -> Kubectl {
        self.kubectl_as(User::Administrator, arguments)
    }

    /// A `kubectl` command of `user`.
    pub(crate) fn kubectl_as<S: AsRef<str>>(&self, user: User, arguments: impl IntoIterator<Item = S>) -> Kubectl {
        Kubectl::new(&self.kubectl, &self.directory, &self.kubeconfig(user)).args(arguments)
    }

    /// Where its files are, removed in the end.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Where `kubectl` is.
    pub(crate) fn kubectl_program(&self) -> &Path {
        &self.kubectl
    }

    /// The kubeconfig of `user`.
    pub(crate) fn kubeconfig(&self, user: User) -> PathBuf {
        users::kubeconfig(&self.directory, user)
    }

    /// Reads `path`, whatever the answer.
    #[track_caller]
    pub(crate) fn get(&self, user: User, path: &str) -> Answer {
        self.send(user, "GET", path, None)
    }

    /// Posts an object, whatever the answer.
    #[track_caller]
    pub(crate) fn post(&self, user: User, path: &str, body: &Value) -> Answer {
        self.send(user, "POST", path, Some(("application/json", body)))
    }

    /// Merges `change` into the object at `path`, whatever the answer.
    #[track_caller]
    pub(crate) fn merge(&self, user: User, path: &str, change: &Value) -> Answer {
        self.send(user, "PATCH", path, Some(("application/merge-patch+json", change)))
    }

    /// Any request with any body, given with its content type.
    #[track_caller]
    pub(crate) fn send(&self, user: User, method: &str, path: &str, body: Option<(&str, &Value)>) -> Answer {
        self.endpoint
            .send(self.tokens.of(user), method, path, body)
            .unwrap_or_else(|error| panic!("{method} {path}: no answer from the API server: {error}"))
    }

    /// Whom the API server takes the bearer of `token` for; nobody where it refuses the token.
    #[track_caller]
    pub(crate) fn bearer(&self, token: &str) -> Option<String> {
        let path = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
        let review = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"});
        let answer = self
            .endpoint
            .send(token, "POST", path, Some(("application/json", &review)))
            .unwrap_or_else(|error| panic!("no answer from the API server: {error}"));
        if answer.code == 401 {
            return None;
        }
        let name = answer.expect_code(201)["status"]["userInfo"]["username"].take();
        Some(name.as_str().unwrap_or_else(|| panic!("the bearer has no name")).to_owned())
    }

    /// Waits until the API server refuses `token`: what it has accepted it keeps in a cache for some ten seconds.
    #[track_caller]
    pub(crate) fn wait_until_refused(&self, token: &str) {
        eventually(Duration::from_mins(1), || match self.bearer(token) {
            None => Ok(()),
            Some(bearer) => Err(format!("the token of {bearer} is still accepted")),
        });
    }

    /// The newest audit event that `filter` matches, waited for.
    #[track_caller]
    pub(crate) fn audit_event(&self, filter: AuditFilter<'_>) -> AuditEvent {
        audit_log::event(&control_plane::audit_log(&self.directory), filter)
    }

    /// The audit events until now, oldest first.
    pub(crate) fn audit_events(&self, filter: AuditFilter<'_>) -> Vec<AuditEvent> {
        audit_log::events(&control_plane::audit_log(&self.directory), filter)
    }

    /// Starts a program beside the control plane, its output in `<name>.log` there. It ends when it is dropped, and in any
    /// case with the rig.
    #[track_caller]
    pub(crate) fn run_beside(&self, name: &'static str, log: &str, command: Command) -> Process {
        Process::start(name, command, self.directory.join(log).with_extension("log"), &self.watchdog)
            .unwrap_or_else(|error| panic!("{error}"))
    }
}
