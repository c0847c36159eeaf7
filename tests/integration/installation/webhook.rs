//! The real `tokenward serve`, beside the control plane.

use std::fs;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::metrics::{self, Metrics};
use super::mount::Mount;
use super::program::{output_of, tokenward};
use crate::rig::ControlPlane;
use crate::rig::eventually::try_eventually;
use crate::rig::host::{free_ports, host_address};
use crate::rig::process::Process;

/// How long it may take to be ready, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// The webhook with what it mounts. It listens where the API server would reach it in a cluster: not on a loopback address.
pub(crate) struct Webhook<'rig> {
    rig: &'rig ControlPlane,
    /// `None` while it is stopped.
    process: Option<Process>,
    number: u32,
    host: IpAddr,
    port: u16,
    admin_port: u16,
    certificates: PathBuf,
    tls: Mount,
    /// The ConfigMap with the policy files.
    pub(crate) policy: Mount,
    /// The ConfigMap with the inventory.
    pub(crate) inventory: Mount,
}

impl<'rig> Webhook<'rig> {
    /// Makes certificates and directories, and starts it. A text that is empty is a file that is not there.
    pub(super) fn start(rig: &'rig ControlPlane, policy: &str, inventory: &str) -> Result<Self, String> {
        let mut webhook = Self::prepare(rig, policy, inventory).map_err(|error| format!("the webhook: {error}"))?;
        webhook.run()?;
        Ok(webhook)
    }

    fn prepare(rig: &'rig ControlPlane, policy: &str, inventory: &str) -> io::Result<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(1);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let directory = rig.directory().join(format!("webhook-{number}"));
        let host = host_address();
        let [port, admin_port] = free_ports()?;
        let certificates = directory.join("certs");
        fs::create_dir_all(&certificates)?;
        make_certificates(&certificates, host).map_err(io::Error::other)?;
        let read = |name: &str| fs::read_to_string(certificates.join(name));
        let tls = [("tls.crt", read("tls.crt")?), ("tls.key", read("tls.key")?)];
        Ok(Self {
            rig,
            process: None,
            number,
            host,
            port,
            admin_port,
            tls: Mount::make(directory.join("tls"), tls)?,
            policy: optional_file(directory.join("policy"), "policy.yaml", policy)?,
            inventory: optional_file(directory.join("inventory"), "inventory.yaml", inventory)?,
            certificates,
        })
    }

    /// Starts it again after [`Webhook::kill`], where it was. All its counters are at zero then.
    pub(crate) fn run(&mut self) -> Result<(), String> {
        let mut command = tokenward();
        command
            .arg("serve")
            .args(["--listen", &format!("{}:{}", self.host, self.port)])
            .args(["--admin-listen", &format!("127.0.0.1:{}", self.admin_port)])
            .arg("--tls-dir")
            .arg(self.tls.path())
            .arg("--policy")
            .arg(self.policy.path())
            .arg("--inventory")
            .arg(self.inventory.path());
        let mut process = self.rig.run_beside("tokenward serve", &format!("webhook-{}", self.number), command);
        let admin_port = self.admin_port;
        try_eventually(PATIENCE, || {
            if let Err(dead) = process.check_alive() {
                return Ok(Err(dead));
            }
            match metrics::get(admin_port, "/readyz") {
                Ok((200, _)) => Ok(Ok(())),
                Ok((code, text)) => Err(format!("/readyz: HTTP {code} {text}")),
                Err(error) => Err(format!("/readyz: {error}")),
            }
        })??;
        self.process = Some(process);
        Ok(())
    }

    /// Ends it as a failing node does: at once, and without a word.
    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill();
        }
    }

    /// The process that answers now.
    pub(crate) fn process_id(&self) -> Option<u32> {
        self.process.as_ref().map(Process::id)
    }

    /// What it wrote to its log since its last start.
    pub(crate) fn log(&self) -> String {
        self.process.as_ref().map(Process::output).unwrap_or_default()
    }

    /// Where the API server calls it.
    pub(super) fn url(&self) -> String {
        format!("https://{}:{}", self.host, self.port)
    }

    /// The directory that `tokenward certs` made: the authority, the certificate and its key.
    pub(super) fn certificates(&self) -> &Path {
        &self.certificates
    }

    /// What it counted since its last start.
    #[track_caller]
    pub(crate) fn metrics(&self) -> Metrics {
        Metrics::read(self.admin_port).unwrap_or_else(|error| panic!("the webhook's admin port: {error}"))
    }
}

impl Drop for Webhook<'_> {
    fn drop(&mut self) {
        // Nobody is left to be let go politely.
        self.kill();
    }
}

fn make_certificates(directory: &Path, host: IpAddr) -> Result<(), String> {
    let mut certs: Command = tokenward();
    certs.args(["certs", "make", "--ip", &host.to_string(), "--out"]).arg(directory);
    output_of(certs).map(drop)
}

fn optional_file(directory: PathBuf, name: &str, text: &str) -> io::Result<Mount> {
    if text.is_empty() { Mount::make(directory, []) } else { Mount::make(directory, [(name, text.to_owned())]) }
}
