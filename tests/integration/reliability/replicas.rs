//! The real webhook beside a real API server, as many of it as a test wants.

use std::net::SocketAddr;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::PATIENCE;
use crate::installation::{POLICY_LABEL, output_of, tokenward};
use crate::rig::ControlPlane;
use crate::rig::eventually::eventually;
use crate::rig::host::{free_ports, host_address};
use crate::rig::namespace::Namespace;
use crate::rig::process::Process;
use crate::rig::users::User;

/// One Pod of the Deployment, as far as it matters here.
pub(super) struct Replica {
    pub(super) process: Process,
    pub(super) address: SocketAddr,
    pub(super) admin_address: SocketAddr,
}

impl Replica {
    /// Starts it with these arguments beside those that it needs. `name` is that of its log.
    pub(super) fn start(rig: &ControlPlane, certificates: &Path, name: &str, arguments: &[&str]) -> Self {
        let [port, admin_port] = free_ports().unwrap();
        let (address, admin_address) = ((host_address(), port).into(), SocketAddr::from(([127, 0, 0, 1], admin_port)));
        let mut command = tokenward();
        command
            .arg("serve")
            .args([format!("--listen={address}"), format!("--admin-listen={admin_address}")])
            .arg("--tls-dir")
            .arg(certificates)
            .args(arguments);
        Self { process: rig.run_beside("tokenward serve", name, command), address, admin_address }
    }
}

/// An authority and a certificate for the address of this machine.
pub(super) fn certificates() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let mut certs = tokenward();
    certs.args(["certs", "make", "--ip", &host_address().to_string(), "--out"]).arg(directory.path());
    output_of(certs).unwrap();
    directory
}

/// The webhook configurations, taken away in the end.
pub(super) struct Applied<'rig> {
    rig: &'rig ControlPlane,
    yaml: String,
}

impl<'rig> Applied<'rig> {
    pub(super) fn to(rig: &'rig ControlPlane, address: SocketAddr, certificates: &Path) -> Self {
        let mut manifests = tokenward();
        manifests.args(["manifests", "--url", &format!("https://{address}"), "--tls-dir"]).arg(certificates);
        let applied = Self { rig, yaml: output_of(manifests).unwrap() };
        rig.kubectl(["apply", "-f", "-"]).stdin(applied.yaml.as_str()).ok();
        applied
    }
}

impl Drop for Applied<'_> {
    fn drop(&mut self) {
        self.rig.kubectl(["delete", "--ignore-not-found", "-f", "-"]).stdin(self.yaml.as_str()).run();
    }
}

/// A namespace that opted in to `baseline`, with the account of [`pod`], once its Pods are given tokens.
pub(super) fn injecting_namespace<'rig>(rig: &'rig ControlPlane, prefix: &str) -> Namespace<'rig> {
    let namespace = rig.namespace(prefix, &[(POLICY_LABEL, "baseline")]);
    namespace.service_account("app", Some(false));
    eventually(PATIENCE, || {
        let answer = rig.post(User::Administrator, &namespace.path("pods?dryRun=All"), &pod("probe"));
        if is_injected(&answer.body) {
            Ok(())
        } else {
            Err(format!("not injected yet: {} {}", answer.code, answer.body))
        }
    });
    namespace
}

/// A Pod that `baseline` gives a token.
pub(super) fn pod(name: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {
            "serviceAccountName": "app",
            "automountServiceAccountToken": false,
            "containers": [{"name": "app", "image": "app.example.com/app:1"}],
        },
    })
}

/// Whether it was given one.
pub(super) fn is_injected(pod: &Value) -> bool {
    let volumes = pod["spec"]["volumes"].as_array();
    volumes.into_iter().flatten().any(|volume| volume["name"] == "tokenward-api-access")
}
