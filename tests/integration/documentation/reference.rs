//! The pages that are made from the code.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Command;
use tokenward::cli;
use tokenward::policy::RULES;

use crate::conformance;

const GENERATED: &str = "<!-- Made by `make docs` from the code. -->";

/// All generated pages by their path.
pub(super) fn pages() -> BTreeMap<PathBuf, String> {
    let mut pages =
        BTreeMap::from([(PathBuf::from("docs/cli.md"), commands()), (PathBuf::from("docs/rules/README.md"), rules())]);
    pages.insert(PathBuf::from("docs/conformance.md"), format!("{GENERATED}\n\n{}", conformance::page::page()));
    for rule in RULES {
        pages.insert(PathBuf::from(format!("docs/rules/{}.md", rule.code)), format!("{GENERATED}\n\n{}", rule.page()));
    }
    pages
}

fn rules() -> String {
    let mut page = format!(
        "{GENERATED}\n\n# Rules\n\nCodes and names never change meaning. `tokenward explain TW101` prints a rule's page, and \
         a policy file sets each rule to `deny`, `warn`, `audit` or `off` by its name.\n\n\
         | rule | name | looks at | finds | `baseline` | `restricted` |\n|---|---|---|---|---|---|\n"
    );
    for rule in RULES {
        let (code, name) = (rule.code, rule.name);
        let _ = writeln!(
            page,
            "| [{code}]({code}.md) | `{name}` | {} | {} | {} | {} |",
            rule.looks_at, rule.finding, rule.baseline, rule.restricted
        );
    }
    page
}

fn commands() -> String {
    // Only built commands know how they are called.
    let mut command = cli::command();
    command.build();
    let mut page = format!(
        "{GENERATED}\n\n# Commands\n\nExit codes: 0 clean, 1 a finding at or above `--fail-on`, 2 bad usage or unreadable \
         input, 3 the cluster cannot be reached or refuses. Results go to standard output, everything else to standard error; \
         colours appear on a terminal only, and never with `NO_COLOR`.\n"
    );
    describe(&command, &mut page);
    page
}

fn describe(command: &Command, page: &mut String) {
    let name = command.get_bin_name().unwrap_or_else(|| command.get_name());
    let help = command.clone().term_width(100).render_long_help();
    let _ = write!(page, "\n## {name}\n\n```text\n{}\n```\n", trimmed(&help.to_string()));
    for subcommand in command.get_subcommands().filter(|it| it.get_name() != "help" && !it.is_hide_set()) {
        describe(subcommand, page);
    }
}

fn trimmed(text: &str) -> String {
    text.trim().lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}
