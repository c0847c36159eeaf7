//! Why an API server gave no answer.

use std::error::Error;
use std::time::Duration;

use kube::client::AuthError;

use super::connection::Reads;

/// Why an API server gave no answer, and what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// The kubeconfig, or the program that it names for credentials, is of no use.
    #[error("{0}")]
    Kubeconfig(String),
    /// No connection, or no answer on it.
    #[error(
        "{server} cannot be reached: {cause}\n  `kubectl version` asks the same server; is the kubeconfig's address right, and is the network or a VPN up?"
    )]
    Unreachable {
        /// The API server's address.
        server: String,
        /// The innermost reason.
        cause: String,
    },
    /// HTTP 401.
    #[error(
        "{server} does not accept the credentials of this kubeconfig\n  They may have expired: log in again, or choose others with --kubeconfig or --context."
    )]
    Unauthorized {
        /// The API server's address.
        server: String,
    },
    /// HTTP 403.
    #[error(
        "{server} refuses: {message}\n  This needs `{reads}`: ask for a role with that right, or look at one namespace with --namespace."
    )]
    Forbidden {
        /// The API server's address.
        server: String,
        /// Its own words.
        message: String,
        /// What was asked for.
        reads: Reads,
    },
    /// HTTP 403 to the question whether a token is accepted.
    #[error(
        "{server} refuses: {message}\n  This needs `create tokenreviews.authentication.k8s.io`: ask for a role with that right, such as system:auth-delegator."
    )]
    ReviewForbidden {
        /// The API server's address.
        server: String,
        /// Its own words.
        message: String,
    },
    /// Any other answer to that question that is none.
    #[error("{server} answers the question whether it accepts the token with {message}")]
    ReviewUnexpected {
        /// The API server's address.
        server: String,
        /// HTTP status and the server's own words.
        message: String,
    },
    /// Any other answer that is no list.
    #[error("{server} answers a request for `{reads}` with {message}")]
    Unexpected {
        /// The API server's address.
        server: String,
        /// HTTP status and the server's own words.
        message: String,
        /// What was asked for.
        reads: Reads,
    },
}

impl ClusterError {
    /// Sorts out a failed call.
    pub(super) fn of(error: kube::Error, server: &str, reads: &Reads) -> Self {
        let server = server.to_owned();
        match error {
            kube::Error::Api(status) if status.code == 401 => Self::Unauthorized { server },
            kube::Error::Api(status) if status.code == 403 => {
                Self::Forbidden { server, message: one_line(&status.message), reads: reads.clone() }
            }
            kube::Error::Api(status) => {
                let message = format!("HTTP {} {}", status.code, one_line(&status.message));
                Self::Unexpected { server, message: message.trim_end().to_owned(), reads: reads.clone() }
            }
            // Its text would quote what it could not read.
            kube::Error::SerdeError(_) => Self::Unexpected {
                server,
                message: "something that is no Kubernetes list".to_owned(),
                reads: reads.clone(),
            },
            error => Self::without_answer(&error, server),
        }
    }

    /// Sorts out a failed question about a token. `words` makes the server's words fit to be shown.
    pub(super) fn of_review(error: kube::Error, server: &str, words: impl Fn(&str) -> String) -> Self {
        let server = server.to_owned();
        match error {
            kube::Error::Api(status) if status.code == 401 => Self::Unauthorized { server },
            kube::Error::Api(status) if status.code == 403 => {
                Self::ReviewForbidden { server, message: words(&status.message) }
            }
            kube::Error::Api(status) => {
                let message = format!("HTTP {} {}", status.code, words(&status.message));
                Self::ReviewUnexpected { server, message: message.trim_end().to_owned() }
            }
            // Its text would quote what it could not read.
            kube::Error::SerdeError(_) => {
                Self::ReviewUnexpected { server, message: "something that is no TokenReview".to_owned() }
            }
            error => Self::without_answer(&error, server),
        }
    }

    /// Sorts out a call, or the preparation of one, that got no answer.
    pub(super) fn without_answer(error: &kube::Error, server: String) -> Self {
        match credentials(error) {
            Some(problem) => Self::Kubeconfig(problem),
            None => Self::Unreachable { server, cause: cause(error) },
        }
    }

    /// No answer in time.
    pub(super) fn timed_out(server: &str, patience: Duration) -> Self {
        let cause = format!("no answer within {} s", patience.as_secs());
        Self::Unreachable { server: server.to_owned(), cause }
    }
}

/// The innermost reason, which is the telling one: `Connection refused`, `invalid peer certificate: UnknownIssuer`.
fn cause(error: &kube::Error) -> String {
    let mut innermost: &dyn Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    one_line(&innermost.to_string())
}

/// What went wrong with the user's credentials, if that is what went wrong. Never with the output of a credential program,
/// which may hold a token.
fn credentials(error: &kube::Error) -> Option<String> {
    let mut next: Option<&dyn Error> = Some(error);
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<AuthError>() {
            return Some(match error {
                AuthError::AuthExecRun { cmd, out } => {
                    format!(
                        "the kubeconfig's credential program `{cmd}` ended with {}; run it by hand to see why",
                        out.status
                    )
                }
                AuthError::AuthExecStart(error) => {
                    format!("the kubeconfig's credential program does not start: {error}")
                }
                AuthError::ReadTokenFile(error, path) => {
                    format!("the kubeconfig's token file {} cannot be read: {error}", path.display())
                }
                _ => "the kubeconfig's credentials are of no use: `kubectl version` should say why".to_owned(),
            });
        }
        next = error.source();
    }
    None
}

/// Without control characters: the words come from the network.
pub(super) fn one_line(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}
