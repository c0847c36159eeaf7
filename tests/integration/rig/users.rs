//! Who talks to the API server.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use serde_json::json;

/// The node that Pods are bound to where a test needs what a kubelet does. No machine stands behind it.
pub(crate) const NODE: &str = "rig-node";

/// Somebody known to the API server by a static token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum User {
    /// In `system:masters`: may do everything.
    Administrator,
    /// An ordinary person, with the cluster role `edit` in the namespaces that tests make.
    Developer,
    /// The kubelet of [`NODE`].
    Node,
    /// The user that the controller manager has in a real cluster.
    ControllerManager,
}

impl User {
    const ALL: [Self; 4] = [Self::Administrator, Self::Developer, Self::Node, Self::ControllerManager];

    /// The user name, as it appears in reviews and in the audit log.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Administrator => "admin",
            Self::Developer => "dev",
            Self::Node => "system:node:rig-node",
            Self::ControllerManager => "system:kube-controller-manager",
        }
    }

    fn groups(self) -> &'static str {
        match self {
            Self::Administrator => "system:masters",
            Self::Node => "system:nodes",
            Self::Developer | Self::ControllerManager => "",
        }
    }

    fn file_name(self) -> &'static str {
        match self {
            Self::Administrator => "admin.kubeconfig",
            Self::Developer => "dev.kubeconfig",
            Self::Node => "node.kubeconfig",
            Self::ControllerManager => "controller-manager.kubeconfig",
        }
    }
}

/// The users' tokens, made up anew for each control plane.
pub(crate) struct Tokens([String; 4]);

impl Tokens {
    pub(crate) fn generate() -> io::Result<Self> {
        let mut random = File::open("/dev/urandom")?;
        let mut tokens = [const { String::new() }; 4];
        for token in &mut tokens {
            let mut bytes = [0; 16];
            random.read_exact(&mut bytes)?;
            *token = bytes.iter().fold(String::new(), |mut text, byte| {
                let _ = write!(text, "{byte:02x}");
                text
            });
        }
        Ok(Self(tokens))
    }

    /// The user's bearer token.
    pub(crate) fn of(&self, user: User) -> &str {
        &self.0[user as usize]
    }

    /// The file that `kube-apiserver --token-auth-file` reads.
    pub(crate) fn as_file(&self) -> String {
        User::ALL.iter().fold(String::new(), |mut text, &user| {
            let _ = write!(text, "{},{},{}", self.of(user), user.name(), user.name());
            // An empty column would be a group without a name.
            if !user.groups().is_empty() {
                let _ = write!(text, ",\"{}\"", user.groups());
            }
            text.push('\n');
            text
        })
    }
}

/// Where `user`'s kubeconfig lies in the rig's directory.
pub(crate) fn kubeconfig(directory: &Path, user: User) -> PathBuf {
    directory.join(user.file_name())
}

/// Writes one kubeconfig for each user.
pub(crate) fn write_kubeconfigs(directory: &Path, port: u16, authority: &Path, tokens: &Tokens) -> io::Result<()> {
    for user in User::ALL {
        let name = user.name();
        // JSON is YAML.
        let text = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{
                "name": "rig",
                "cluster": {"server": format!("https://127.0.0.1:{port}"), "certificate-authority": authority},
            }],
            "users": [{"name": name, "user": {"token": tokens.of(user)}}],
            "contexts": [{"name": "rig", "context": {"cluster": "rig", "user": name}}],
            "current-context": "rig",
        });
        std::fs::write(kubeconfig(directory, user), format!("{text:#}\n"))?;
    }
    Ok(())
}
