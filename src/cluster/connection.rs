//! A cluster that can be asked.

use std::fmt;

use kube::core::ObjectList;
use kube::{Client, api::ListParams};

use super::{Access, ClusterError};

/// How many objects are asked for at once, as many as `kubectl` does.
const PAGE: u32 = 500;
/// How often a list is begun anew when the API server has forgotten where it was.
const RESTARTS: u32 = 2;

/// A cluster that can be asked. Nothing has been asked yet, so it may still turn out to be out of reach.
#[derive(Clone)]
pub struct Cluster {
    pub(super) client: Client,
    server: String,
    pub(super) access: Access,
}

/// What is read from the API server, in the words of a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reads {
    /// The plural of the kind.
    pub resource: &'static str,
    /// The namespace; `None` for all.
    pub namespace: Option<String>,
}

impl fmt::Display for Reads {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(formatter, "list {} in namespace {namespace}", self.resource),
            None => write!(formatter, "list {} in all namespaces", self.resource),
        }
    }
}

impl Cluster {
    /// Finds the cluster that `access` names, and makes a client for it.
    ///
    /// # Errors
    /// When the kubeconfig, or the program that it names for credentials, is of no use.
    pub async fn of(access: Access) -> Result<Self, ClusterError> {
        let config = access.config().await?;
        let server = config.cluster_url.to_string().trim_end_matches('/').to_owned();
        let client = Client::try_from(config).map_err(|error| match error {
            kube::Error::ProxyProtocolUnsupported { .. } | kube::Error::ProxyProtocolDisabled { .. } => {
                ClusterError::Kubeconfig(format!(
                    "{server} is behind a proxy of an unknown kind; http and https are known"
                ))
            }
            // Certificate and key of the user are read here.
            kube::Error::InferKubeconfig(error) => access.explain(&error),
            kube::Error::RustlsTls(error) => access.unusable(&error),
            error => ClusterError::without_answer(&error, server.clone()),
        })?;
        Ok(Self { client, server, access })
    }

    /// The API server's address.
    #[must_use]
    pub fn server(&self) -> &str {
        &self.server
    }

    /// All objects that `fetch` gives page by page.
    pub(super) async fn list<T: Clone>(
        &self,
        reads: &Reads,
        parameters: ListParams,
        fetch: impl AsyncFn(&ListParams) -> kube::Result<ObjectList<T>>,
    ) -> Result<Vec<T>, ClusterError> {
        let mut objects = Vec::new();
        let mut page = parameters.clone().limit(PAGE);
        let mut restarts = 0;
        loop {
            let answer = tokio::time::timeout(self.access.patience, fetch(&page))
                .await
                .map_err(|_| ClusterError::timed_out(&self.server, self.access.patience))?;
            match answer {
                Ok(list) => {
                    objects.extend(list.items);
                    match list.metadata.continue_.filter(|token| !token.is_empty()) {
                        Some(token) => page.continue_token = Some(token),
                        None => return Ok(objects),
                    }
                }
                // The state that the pages were cut from is gone.
                Err(kube::Error::Api(status)) if status.code == 410 && restarts < RESTARTS => {
                    restarts += 1;
                    objects.clear();
                    page = parameters.clone().limit(PAGE);
                }
                Err(error) => return Err(ClusterError::of(error, &self.server, reads)),
            }
        }
    }
}

impl fmt::Debug for Cluster {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Cluster").field("server", &self.server).finish_non_exhaustive()
    }
}
