//! Where the cluster is and who asks, as `kubectl` finds it out.

use std::env;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use kube::Config;
use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};

use super::ClusterError;

/// How long a connection, with its TLS handshake, may take.
const CONNECT_PATIENCE: Duration = Duration::from_secs(5);

/// Which cluster, and as whom.
#[derive(Clone, Debug)]
pub struct Access {
    /// The kubeconfig; without one `KUBECONFIG`, `~/.kube/config`, and in a Pod its own service account.
    pub kubeconfig: Option<PathBuf>,
    /// The context; without one the current context.
    pub context: Option<String>,
    /// How long an answer may take.
    pub patience: Duration,
}

impl Access {
    /// The settings of the client.
    pub(super) async fn config(&self) -> Result<Config, ClusterError> {
        let mut config = match self.read() {
            Ok(kubeconfig) => self.choose(kubeconfig).await?,
            Err(error) => self.service_account_of_pod().ok_or_else(|| self.explain(&error))?,
        };
        config.connect_timeout = Some(CONNECT_PATIENCE);
        config.read_timeout = Some(self.patience);
        config.write_timeout = Some(self.patience);
        Ok(config)
    }

    fn read(&self) -> Result<Kubeconfig, KubeconfigError> {
        match &self.kubeconfig {
            Some(path) => Kubeconfig::read_from(path),
            None => Kubeconfig::read(),
        }
    }

    async fn choose(&self, kubeconfig: Kubeconfig) -> Result<Config, ClusterError> {
        let contexts: Vec<String> = kubeconfig.contexts.iter().map(|context| context.name.clone()).collect();
        let options = KubeConfigOptions { context: self.context.clone(), ..KubeConfigOptions::default() };
        Config::from_custom_kubeconfig(kubeconfig, &options).await.map_err(|error| match error {
            KubeconfigError::CurrentContextNotSet | KubeconfigError::LoadContext(_) => {
                ClusterError::Kubeconfig(self.no_context(&contexts))
            }
            error => self.explain(&error),
        })
    }

    fn no_context(&self, contexts: &[String]) -> String {
        let known = match contexts {
            [] => "none at all".to_owned(),
            contexts => contexts.join(", "),
        };
        match &self.context {
            Some(context) => format!("{} has no context {context:?}; it has {known}", self.source()),
            None => {
                format!("{} has no usable current context: choose one with --context; it has {known}", self.source())
            }
        }
    }

    /// In a Pod, and only where no kubeconfig was asked for.
    fn service_account_of_pod(&self) -> Option<Config> {
        let asked = self.kubeconfig.is_some() || self.context.is_some() || env::var_os("KUBECONFIG").is_some();
        if asked { None } else { Config::incluster_env().ok() }
    }

    /// Says what is wrong with the kubeconfig, without quoting it: it holds credentials.
    pub(super) fn explain(&self, error: &KubeconfigError) -> ClusterError {
        ClusterError::Kubeconfig(match error {
            KubeconfigError::ReadConfig(error, path) => {
                format!(
                    "the kubeconfig {} cannot be read: {error}\n  Pass --kubeconfig FILE, or set KUBECONFIG.",
                    path.display()
                )
            }
            KubeconfigError::FindPath => "there is no kubeconfig: pass --kubeconfig FILE, or set KUBECONFIG".to_owned(),
            KubeconfigError::Parse(error) => match error.location() {
                Some(location) => format!(
                    "{} is no kubeconfig: something is wrong at line {}, column {}",
                    self.source(),
                    location.line(),
                    location.column()
                ),
                None => format!("{} is no kubeconfig", self.source()),
            },
            error => return self.unusable(error),
        })
    }

    /// Says that the kubeconfig is of no use, and why.
    pub(super) fn unusable(&self, error: &impl fmt::Display) -> ClusterError {
        ClusterError::Kubeconfig(format!("{} cannot be used: {error}", self.source()))
    }

    fn source(&self) -> String {
        match (&self.kubeconfig, env::var_os("KUBECONFIG")) {
            (Some(path), _) => path.display().to_string(),
            (None, Some(paths)) => format!("KUBECONFIG ({})", PathBuf::from(paths).display()),
            (None, None) => "~/.kube/config".to_owned(),
        }
    }
}
