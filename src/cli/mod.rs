//! The command line: one file per subcommand.

mod access;
mod certs;
mod completions;
mod demo;
mod exit;
mod explain;
mod inspect;
mod manifests;
mod policy;
mod review;
mod scan;
mod serve;

use std::path::Path;
use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

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
    Demo(demo::Arguments),
    Review(review::Arguments),
    /// Show a rule's page, or all rules.
    Explain(explain::Arguments),
    /// Render what installs the webhook, as YAML for kubectl apply.
    Manifests(manifests::Arguments),
    /// Show or check policies.
    Policy(policy::Arguments),
    Inspect(inspect::Arguments),
    /// Run the webhook.
    Serve(serve::Arguments),
    Scan(scan::Arguments),
    /// Make and inspect certificates.
    Certs(certs::Arguments),
    /// Print a completion script for a shell.
    Completions(completions::Arguments),
}

/// The whole command line, as its reference and the completion scripts describe it.
#[must_use]
pub fn command() -> clap::Command {
    Arguments::command()
}

/// Runs the command that the arguments name.
#[must_use]
pub fn run() -> ExitCode {
    let mut command = command();
    if let Some(name) = name_as_plugin(std::env::args_os().next().as_deref().map(Path::new)) {
        command = command.bin_name(name);
    }
    // Both leave the process on bad usage and for --help, with exit code 2 and 0.
    let matches = command.clone().get_matches();
    let arguments = Arguments::from_arg_matches(&matches).unwrap_or_else(|error| error.format(&mut command).exit());
    let result = match arguments.command {
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Manifests(arguments) => manifests::run(&arguments),
        Command::Policy(arguments) => policy::run(&arguments),
        Command::Inspect(arguments) => inspect::run(&arguments),
        Command::Scan(arguments) => scan::run(&arguments),
        Command::Certs(arguments) => certs::run(&arguments),
        Command::Completions(arguments) => completions::run(&arguments),
        Command::Serve(arguments) => serve::run(&arguments),
        Command::Review(arguments) => review::run(&arguments),
    };
    exit::finish(result)
}

/// What the user typed when `kubectl` started us as its plugin.
fn name_as_plugin(program: Option<&Path>) -> Option<&'static str> {
    (program?.file_stem()? == "kubectl-tokenward").then_some("kubectl tokenward")
}
