//! etcd, the API server and the controller manager, from start to end.

use std::fs;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::binaries;
use super::eventually::try_eventually;
use super::host::{free_ports, host_address};
use super::http::Endpoint;
use super::keys::Keys;
use super::process::{Process, Watchdog};
use super::users::{self, Tokens, User};

/// How long each part may take to be ready, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

/// The controllers that matter here, by the names that `--controllers` knows. The aggregation one is what gives the cluster
/// role `edit` its rules.
const CONTROLLERS: &str = "serviceaccount-token-controller,serviceaccount-controller,\
    root-ca-certificate-publisher-controller,namespace-controller,replicaset-controller,deployment-controller,\
    job-controller,legacy-serviceaccount-token-cleaner-controller,garbage-collector-controller,\
    clusterrole-aggregation-controller,validatingadmissionpolicy-status-controller";

/// A running control plane. Dropping it takes it down; should it never be dropped, the watchdog does that.
pub(crate) struct ControlPlane {
    /// In the order of their start.
    processes: Vec<Process>,
    pub(super) watchdog: Arc<Watchdog>,
    pub(super) directory: PathBuf,
    pub(super) kubectl: PathBuf,
    pub(super) endpoint: Endpoint,
    pub(super) tokens: Tokens,
}

impl ControlPlane {
    /// Starts one in a new temporary directory and waits until it is of use.
    pub(crate) fn start() -> Result<Self, String> {
        let mut attempts = 0;
        loop {
            attempts += 1;
            match Self::start_once() {
                // Somebody took the port between our choosing it and the server's listening on it.
                Err(error) if error.contains("address already in use") && attempts < 3 => {}
                outcome => {
                    return outcome.map_err(|error| format!("the control plane does not start: {error}"));
                }
            }
        }
    }

    fn start_once() -> Result<Self, String> {
        let programs = Programs::find()?;
        let plan = Plan::make().map_err(|error| error.to_string())?;
        let watchdog = Watchdog::over(&plan.directory).map_err(|error| format!("the watchdog: {error}"))?;
        let mut rig = Self {
            processes: Vec::new(),
            watchdog,
            kubectl: programs.kubectl,
            endpoint: Endpoint::new(plan.api_server_port, &plan.keys.authority).map_err(|error| error.to_string())?,
            directory: plan.directory.clone(),
            tokens: Tokens::generate().map_err(|error| format!("no random tokens: {error}"))?,
        };
        plan.write_files(&rig.tokens).map_err(|error| format!("{}: {error}", plan.directory.display()))?;
        rig.run("etcd", plan.etcd(&programs.etcd))?;
        rig.run("kube-apiserver", plan.api_server(&programs.api_server))?;
        rig.wait_for("/readyz")?;
        rig.run("kube-controller-manager", plan.controller_manager(&programs.controller_manager))?;
        rig.wait_for("/api/v1/namespaces/default/serviceaccounts/default")?;
        rig.wait_for("/api/v1/namespaces/default/configmaps/kube-root-ca.crt")?;
        Ok(rig)
    }

    fn run(&mut self, name: &'static str, command: Command) -> Result<(), String> {
        let log = self.directory.join(name).with_extension("log");
        self.processes.push(Process::start(name, command, log, &self.watchdog).map_err(|error| error.to_string())?);
        Ok(())
    }

    /// Waits until the API server has `path`, as long as all processes live.
    fn wait_for(&mut self, path: &str) -> Result<(), String> {
        let Self { processes, endpoint, tokens, .. } = self;
        let token = tokens.of(User::Administrator);
        try_eventually(PATIENCE, || {
            if let Some(dead) = processes.iter_mut().find_map(|process| process.check_alive().err()) {
                return Ok(Err(dead));
            }
            match endpoint.send(token, "GET", path, None) {
                Ok(answer) if answer.code == 200 => Ok(Ok(())),
                Ok(answer) => Err(format!("{path}: HTTP {} {}", answer.code, answer.body)),
                Err(error) => Err(format!("{path}: {error}")),
            }
        })?
    }
}

impl Drop for ControlPlane {
    fn drop(&mut self) {
        // The youngest first: an API server that lost its etcd hangs in its shutdown.
        while self.processes.pop().is_some() {}
    }
}

struct Programs {
    etcd: PathBuf,
    api_server: PathBuf,
    controller_manager: PathBuf,
    kubectl: PathBuf,
}

impl Programs {
    fn find() -> Result<Self, String> {
        Ok(Self {
            etcd: binaries::find("etcd")?,
            api_server: binaries::find("kube-apiserver")?,
            controller_manager: binaries::find("kube-controller-manager")?,
            kubectl: binaries::find("kubectl")?,
        })
    }
}

/// Where everything will be.
struct Plan {
    directory: PathBuf,
    host: IpAddr,
    etcd_client_port: u16,
    etcd_peer_port: u16,
    api_server_port: u16,
    keys: Keys,
}

impl Plan {
    fn make() -> io::Result<Self> {
        // Kept here and removed by the watchdog: a `static` control plane is never dropped.
        let directory = tempfile::Builder::new().prefix("tokenward-rig-").tempdir()?.keep();
        let host = host_address();
        let [etcd_client_port, etcd_peer_port, api_server_port] = free_ports()?;
        let keys = Keys::generate(&directory, host)?;
        Ok(Self { directory, host, etcd_client_port, etcd_peer_port, api_server_port, keys })
    }

    fn write_files(&self, tokens: &Tokens) -> io::Result<()> {
        fs::write(self.directory.join("tokens.csv"), tokens.as_file())?;
        fs::write(self.directory.join("audit-policy.yaml"), include_str!("audit-policy.yaml"))?;
        self.write_webhook_credentials()?;
        users::write_kubeconfigs(&self.directory, self.api_server_port, &self.keys.authority, tokens)
    }

    /// Which certificate to show to webhooks; only those that ask for one see it.
    fn write_webhook_credentials(&self) -> io::Result<()> {
        let kubeconfig = self.directory.join("webhooks.kubeconfig");
        let users = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "users": [{
                "name": "*",
                "user": {
                    "client-certificate": self.keys.webhook_client_certificate,
                    "client-key": self.keys.webhook_client_key,
                },
            }],
        });
        fs::write(&kubeconfig, users.to_string())?;
        let plugins = ["ValidatingAdmissionWebhook", "MutatingAdmissionWebhook"].map(|plugin| {
            json!({
                "name": plugin,
                "configuration": {
                    "apiVersion": "apiserver.config.k8s.io/v1",
                    "kind": "WebhookAdmissionConfiguration",
                    "kubeConfigFile": kubeconfig,
                },
            })
        });
        let configuration = json!({
            "apiVersion": "apiserver.config.k8s.io/v1",
            "kind": "AdmissionConfiguration",
            "plugins": plugins,
        });
        fs::write(self.admission_configuration(), configuration.to_string())
    }

    fn admission_configuration(&self) -> PathBuf {
        self.directory.join("admission.yaml")
    }

    fn etcd(&self, program: &Path) -> Command {
        let clients = format!("http://127.0.0.1:{}", self.etcd_client_port);
        let peers = format!("http://127.0.0.1:{}", self.etcd_peer_port);
        let mut command = bare(program);
        command
            .arg(flag("data-dir", self.directory.join("etcd").display()))
            .args([flag("listen-client-urls", &clients), flag("advertise-client-urls", &clients)])
            .args([flag("listen-peer-urls", &peers), flag("initial-advertise-peer-urls", &peers)])
            .arg(flag("initial-cluster", format_args!("default={peers}")))
            // Nothing here has to survive a power cut.
            .arg("--unsafe-no-fsync")
            .arg("--log-level=warn");
        command
    }

    fn api_server(&self, program: &Path) -> Command {
        let mut command = bare(program);
        command
            .arg(flag("etcd-servers", format_args!("http://127.0.0.1:{}", self.etcd_client_port)))
            .arg("--bind-address=127.0.0.1")
            .args([flag("secure-port", self.api_server_port), flag("advertise-address", self.host)])
            .arg(flag("cert-dir", self.directory.join("certs").display()))
            .arg(flag("tls-cert-file", self.keys.serving_certificate.display()))
            .arg(flag("tls-private-key-file", self.keys.serving_key.display()))
            .arg("--service-cluster-ip-range=10.0.0.0/24")
            // The address of one rig is no use to anybody in the cluster.
            .arg("--endpoint-reconciler-type=none")
            .arg("--authorization-mode=Node,RBAC")
            .arg("--enable-admission-plugins=NodeRestriction")
            .arg(flag("admission-control-config-file", self.admission_configuration().display()))
            .arg(flag("token-auth-file", self.directory.join("tokens.csv").display()))
            .arg("--service-account-issuer=https://kubernetes.default.svc")
            .arg(flag("service-account-signing-key-file", self.keys.token_key.display()))
            .arg(flag("service-account-key-file", self.keys.token_public_key.display()))
            .arg(flag("audit-policy-file", self.directory.join("audit-policy.yaml").display()))
            .arg(flag("audit-log-path", audit_log(&self.directory).display()));
        command
    }

    fn controller_manager(&self, program: &Path) -> Command {
        let mut command = bare(program);
        command
            .arg(flag("kubeconfig", users::kubeconfig(&self.directory, User::ControllerManager).display()))
            .arg(flag("controllers", CONTROLLERS))
            // As kubeadm sets it up: each controller acts as a service account of its own.
            .arg("--use-service-account-credentials")
            .arg(flag("service-account-private-key-file", self.keys.token_key.display()))
            .arg(flag("root-ca-file", self.keys.authority.display()))
            .args(["--leader-elect=false", "--secure-port=0"]);
        command
    }
}

/// Where the API server writes its audit events.
pub(super) fn audit_log(directory: &Path) -> PathBuf {
    directory.join("audit.log")
}

/// A command without our environment, where a proxy or an `ETCD_…` variable could be set.
fn bare(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear();
    command
}

fn flag(name: &str, value: impl std::fmt::Display) -> String {
    format!("--{name}={value}")
}
