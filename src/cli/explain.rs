//! `tokenward explain`: the pages of rules.

use std::io::Write;

use anyhow::anyhow;

use super::{Exit, Failure};
use crate::config;
use crate::policy::{RULES, Rule};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Codes or names of rules, such as TW101 or legacy-token-secret, also with commas as a denial lists them; all rules are
    /// listed without one.
    rules: Vec<String>,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let mut out = anstream::stdout();
    let wanted = arguments.rules.iter().flat_map(|words| words.split(',')).filter(|word| !word.is_empty());
    let rules = wanted.map(|word| Rule::find(word).ok_or_else(|| unknown_rule(word))).collect::<Result<Vec<_>, _>>()?;
    if rules.is_empty() {
        for rule in RULES {
            writeln!(out, "{} {:<26} {}", rule.code, rule.name, rule.finding)?;
        }
    }
    for (index, rule) in rules.into_iter().enumerate() {
        let space = if index > 0 { "\n" } else { "" };
        write!(out, "{space}{}", rule.page())?;
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
