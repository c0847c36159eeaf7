//! Which cluster a command asks, and how it ends when there is no answer.

use std::path::PathBuf;
use std::time::Duration;

use super::Failure;
use crate::cluster::{Access, ClusterError};

/// The flags of commands that ask an API server.
#[derive(Debug, clap::Args)]
pub(super) struct AccessArguments {
    /// The kubeconfig; by default KUBECONFIG, ~/.kube/config, and in a Pod its own service account.
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// The context in the kubeconfig; by default the current one.
    #[arg(long)]
    context: Option<String>,
    /// How many seconds the API server may take for an answer.
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3600))]
    request_timeout: u64,
}

impl AccessArguments {
    pub(super) fn access(&self) -> Access {
        Access {
            kubeconfig: self.kubeconfig.clone(),
            context: self.context.clone(),
            patience: Duration::from_secs(self.request_timeout),
        }
    }
}

/// How the command ends that got no answer.
pub(super) fn failure(error: ClusterError) -> Failure {
    match error {
        ClusterError::Kubeconfig(_) => Failure::from(error),
        error => Failure::unreachable(error),
    }
}
