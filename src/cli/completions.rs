//! `tokenward completions`: what a shell needs to complete commands and flags.

use std::io::Write as _;

use clap_complete::Shell;

use super::{Exit, Failure};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut super::command(), "tokenward", &mut script);
    std::io::stdout().write_all(&script)?;
    Ok(Exit::Clean)
}
