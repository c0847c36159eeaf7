//! Whether the API server still accepts a token.

use std::fmt;

use serde::Serialize;

use crate::cli::Failure;
use crate::cli::access::failure;
use crate::cluster::{Access, Cluster, ClusterError, TokenVerdict};

/// Who was asked, and what the answer was.
#[derive(Debug, Serialize)]
pub(super) struct Asked {
    server: String,
    #[serde(flatten)]
    verdict: TokenVerdict,
}

impl Asked {
    pub(super) const fn is_accepted(&self) -> bool {
        self.verdict.accepted
    }
}

impl fmt::Display for Asked {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { server, verdict } = self;
        if verdict.accepted {
            let user = verdict.user.as_deref().unwrap_or("somebody without a name");
            write!(formatter, "accepted by {server} as {user}")?;
            if !verdict.audiences.is_empty() {
                write!(formatter, ", for {}", verdict.audiences.join(", "))?;
            }
            return Ok(());
        }
        write!(formatter, "refused by {server}")?;
        match &verdict.reason {
            Some(reason) => write!(formatter, ": {reason}"),
            None => Ok(()),
        }
    }
}

/// Asks for each of `tokens`, in their order.
pub(super) fn ask(access: Access, tokens: &[String], audiences: &[String]) -> Result<Vec<Asked>, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let ask = async {
        let cluster = Cluster::of(access).await?;
        let mut answers = Vec::with_capacity(tokens.len());
        for token in tokens {
            let verdict = cluster.review_token(token, audiences).await?;
            answers.push(Asked { server: cluster.server().to_owned(), verdict });
        }
        Ok::<_, ClusterError>(answers)
    };
    runtime.block_on(ask).map_err(failure)
}
