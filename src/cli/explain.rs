//! `tokenward explain`: a rule's page.

use std::io::Write;

use anyhow::anyhow;

use super::{Exit, Failure};
use crate::config;
use crate::policy::{RULES, Rule};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// A rule's code or name, such as TW101 or legacy-token-secret; all rules are listed without one.
    rule: Option<String>,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let mut out = anstream::stdout();
    match &arguments.rule {
        Some(wanted) => {
            let rule = Rule::find(wanted).ok_or_else(|| unknown_rule(wanted))?;
            out.write_all(rule.page().as_bytes())?;
        }
        None => {
            for rule in RULES {
                writeln!(out, "{} {:<26} {}", rule.code, rule.name, rule.finding)?;
            }
        }
    }
    Ok(Exit::Clean)
}

fn unknown_rule(wanted: &str) -> anyhow::Error {
    let names = RULES.iter().flat_map(|rule| [rule.code, rule.name]);
    match config::nearest(wanted, names) {
        Some(name) => anyhow!("no rule is called {wanted:?}; did you mean {name}? tokenward explain lists all"),
        None => anyhow!("no rule is called {wanted:?}; tokenward explain lists all"),
    }
}
