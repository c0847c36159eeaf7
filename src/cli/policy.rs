//! `tokenward policy`: shows policies as a policy file, checks such files, and writes policies for the API server itself.

mod check;
mod export;
mod show;

use super::{Exit, Failure};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Print policies as a policy file, with nothing left to a default: a good start for one's own.
    Show(show::Arguments),
    /// Check policy files: every problem with its place, and exceptions that have ended, end soon, overlap or match nothing.
    Check(check::Arguments),
    /// Write what the API server can decide by itself, for a cluster without the webhook: policies in CEL.
    Export(export::Arguments),
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    match &arguments.command {
        Command::Show(arguments) => show::run(arguments),
        Command::Check(arguments) => check::run(arguments),
        Command::Export(arguments) => export::run(arguments),
    }
}
