//! The command line: one file per subcommand.

mod exit;
mod explain;
mod inspect;
mod manifests;
mod scan;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub use exit::{Exit, Failure};

/// Ends long-lived service account credentials in Kubernetes.
#[derive(Debug, Parser)]
#[command(name = "tokenward", version, propagate_version = true, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show a rule's page, or all rules.
    Explain(explain::Arguments),
    /// Render what installs the webhook, as YAML for kubectl apply.
    Manifests(manifests::Arguments),
    /// Say what a service account token is, without printing it.
    Inspect(inspect::Arguments),
    /// List the legacy token Secrets of a cluster.
    Scan(scan::Arguments),
}

/// Runs the command that the arguments name.
#[must_use]
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match arguments.command {
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Manifests(arguments) => manifests::run(&arguments),
        Command::Inspect(arguments) => inspect::run(&arguments),
        Command::Scan(arguments) => scan::run(&arguments),
    };
    exit::finish(result)
}
