//! `tokenward policy export`.

use std::io::Write as _;
use std::path::PathBuf;

use crate::cli::{Exit, Failure};
use crate::config;
use crate::install::validating_admission_policy::{Export, ExportError};

use super::show;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The policies; without one all of them, and what judges labels that name none.
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// As what.
    #[arg(long, value_enum)]
    format: Format,
    /// A policy file, or a directory of them. Their policies and exceptions are exported too.
    #[arg(long, value_name = "PATH")]
    policy: Vec<PathBuf>,
    /// The legacy Secrets of the cluster, from tokenward scan -o inventory, for TW201.
    #[arg(long, value_name = "PATH")]
    inventory: Vec<PathBuf>,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Format {
    /// ValidatingAdmissionPolicies and their bindings, which the API server runs without a webhook.
    Vap,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let set = config::load_policies(&arguments.policy)?;
    let inventory = config::load_inventory(&arguments.inventory)?;
    let Format::Vap = arguments.format;
    let export = Export::of(&set, &inventory, &arguments.names).map_err(|error| match error {
        ExportError::UnknownPolicy(name) => show::unknown_policy(&name, &set),
        other => other.into(),
    })?;
    anstream::stdout().write_all(export.to_yaml()?.as_bytes())?;
    Ok(Exit::Clean)
}
