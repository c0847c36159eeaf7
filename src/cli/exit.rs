//! Exit codes, and what is said on the way out.

use std::fmt::Write as _;
use std::process::ExitCode;

use crate::config;

/// How a command ends. The numbers are a promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Nothing to object to.
    Clean,
    /// A finding at or above `--fail-on`.
    Findings,
    /// Bad usage, or input that cannot be read.
    BadInput,
    /// The cluster cannot be reached.
    Unreachable,
}

impl Exit {
    /// The process's exit code.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Clean => 0,
            Self::Findings => 1,
            Self::BadInput => 2,
            Self::Unreachable => 3,
        }
    }

    /// This outcome, once it was told. A reader that has had enough, as `head` has, changes nothing of it.
    pub(super) fn once_told<E: Into<Failure>>(self, told: Result<(), E>) -> Result<Self, Failure> {
        match told.map_err(Into::into) {
            Err(failure) if !is_broken_pipe(&failure.error) => Err(failure),
            _ => Ok(self),
        }
    }
}

/// An error that ends a command, with the exit code that it asks for.
#[derive(Debug)]
pub struct Failure {
    exit: Exit,
    error: anyhow::Error,
}

impl Failure {
    /// The cluster could not be reached, or refused to answer.
    pub fn unreachable(error: impl Into<anyhow::Error>) -> Self {
        Self { exit: Exit::Unreachable, error: error.into() }
    }
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self { exit: Exit::BadInput, error: error.into() }
    }
}

/// Says why on standard error, and turns the outcome into the process's exit code.
pub(super) fn finish(result: Result<Exit, Failure>) -> ExitCode {
    let exit = match result {
        Ok(exit) => exit,
        // Whoever reads our output has had enough, as `head` has.
        Err(failure) if is_broken_pipe(&failure.error) => Exit::Clean,
        Err(failure) => {
            let text = told(&failure.error);
            // Standard error may be closed; there is nobody left to tell then.
            let _ = std::io::Write::write_fmt(&mut anstream::stderr(), format_args!("{text}\n"));
            failure.exit
        }
    };
    ExitCode::from(exit.code())
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let is = |error: &std::io::Error| error.kind() == std::io::ErrorKind::BrokenPipe;
    error.chain().any(|cause| {
        cause.downcast_ref().is_some_and(is)
            || cause
                .downcast_ref::<serde_json::Error>()
                .is_some_and(|error| error.io_error_kind() == Some(std::io::ErrorKind::BrokenPipe))
    })
}

/// What is said of an error. One of the policy or inventory file shows the lines that it is about.
fn told(error: &anyhow::Error) -> String {
    if let Some(error) = error.downcast_ref::<config::Error>() {
        return error.render();
    }
    let mut text = format!("error: {error}");
    for cause in error.chain().skip(1).map(ToString::to_string) {
        // Many an error says its cause itself.
        if !text.ends_with(&cause) {
            let _ = write!(text, "\n  caused by: {cause}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::{Exit, told};

    #[test]
    fn says_each_cause_once() {
        let refused = || io::Error::other("connection refused");
        let outer = anyhow::Error::new(refused()).context("no answer");
        assert_eq!(told(&outer), "error: no answer\n  caused by: connection refused");
        let telling = anyhow::Error::new(refused()).context("no answer: connection refused");
        assert_eq!(told(&telling), "error: no answer: connection refused");
    }

    #[test]
    fn exit_codes_are_a_promise() {
        assert_eq!([Exit::Clean, Exit::Findings, Exit::BadInput, Exit::Unreachable].map(Exit::code), [0, 1, 2, 3]);
    }
}
