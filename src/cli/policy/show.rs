//! `tokenward policy show`.

use std::io::Write;
use std::path::PathBuf;

use anyhow::anyhow;

use crate::cli::{Exit, Failure};
use crate::config;
use crate::policy::{Policy, PolicySet};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The policy; all are printed without one.
    name: Option<String>,
    /// A policy file, or a directory of them, whose policies are shown as they are after everything that they extend.
    #[arg(long, value_name = "PATH")]
    policy: Vec<PathBuf>,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let set = config::load_policies(&arguments.policy)?;
    let shown = match &arguments.name {
        Some(name) => vec![set.get(name).ok_or_else(|| unknown_policy(name, &set))?],
        None => in_order_of_strictness(&set),
    };
    let documents: Vec<String> = shown.into_iter().map(document).collect();
    anstream::stdout().write_all(documents.join("---\n").as_bytes())?;
    Ok(Exit::Clean)
}

fn in_order_of_strictness(set: &PolicySet) -> Vec<&Policy> {
    let mut policies: Vec<&Policy> = set.iter().collect();
    policies.sort_by_key(|policy| (policy.extends, *policy.name != *policy.extends.as_str()));
    policies
}

fn document(policy: &Policy) -> String {
    let summary = if *policy.name == *policy.extends.as_str() {
        format!("# {}\n", policy.extends.summary())
    } else {
        String::new()
    };
    summary + &config::show_policy(policy)
}

pub(super) fn unknown_policy(wanted: &str, set: &PolicySet) -> anyhow::Error {
    let names: Vec<&str> = set.iter().map(|policy| &*policy.name).collect();
    match config::nearest(wanted, names.iter().copied()) {
        Some(near) => anyhow!("no policy is called {wanted:?}; did you mean {near}?"),
        None => anyhow!("no policy is called {wanted:?}; there are {}", names.join(", ")),
    }
}
