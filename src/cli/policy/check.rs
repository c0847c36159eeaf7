//! `tokenward policy check`.

mod overlap;
mod remarks;
mod report;

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use jiff::Timestamp;

use crate::cli::{Exit, Failure};
use crate::config::{self, Documents, Error, Source};
use crate::policy::{Action, Inventory};
use crate::report::InputError;
use crate::review::{self, Candidates, Input};
use report::{Refusal, Report};

const EXAMPLES: &str = "\
Examples:
  tokenward policy check policies/
  tokenward policy check exceptions.yaml --against deploy/ inventory.yaml
  tokenward scan -o inventory | tokenward policy check exceptions.yaml --against - --fail-on warn";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Policy files, directories of them, or - for standard input.
    #[arg(required = true, value_name = "PATH")]
    files: Vec<PathBuf>,
    /// Manifests and inventories, directories of them, or - for standard input: exceptions that are for nothing in them are
    /// pointed out.
    #[arg(long, value_name = "PATH|-", num_args = 1..)]
    against: Vec<PathBuf>,
    /// The namespace of manifests that name none.
    #[arg(long, short, value_name = "NAMESPACE", default_value = "default")]
    namespace: String,
    /// An inventory file, or a directory of its shards, to check as well; --against counts it in.
    #[arg(long, value_name = "PATH")]
    inventory: Vec<PathBuf>,
    /// The instant to check at, such as 2027-01-01T00:00:00Z; without it, the present. Exceptions end by it.
    #[arg(long, value_name = "TIMESTAMP")]
    now: Option<Timestamp>,
    /// End with exit code 1 from this level on.
    #[arg(long, value_enum, value_name = "LEVEL", default_value_t = FailOn::Deny)]
    fail_on: FailOn,
    /// How to print the result.
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Output {
    /// For people.
    #[default]
    Human,
    /// For programs.
    Json,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum FailOn {
    /// An exception that has ended: what it allowed is refused.
    Deny,
    /// Also one that ends within 30 days, is for nothing, or overlaps another.
    Warn,
    /// Only a file that cannot be used.
    Never,
}

impl FailOn {
    const fn is_reached(self, level: Action) -> bool {
        match self {
            Self::Deny => matches!(level, Action::Deny),
            Self::Warn => matches!(level, Action::Deny | Action::Warn),
            Self::Never => false,
        }
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let is_piped = |paths: &[PathBuf]| paths.iter().any(|path| path == Path::new("-"));
    if is_piped(&arguments.files) && is_piped(&arguments.against) {
        return Err(anyhow!("standard input can be read once: as a policy file, or with --against").into());
    }
    let policies = sources(&arguments.files).and_then(|sources| Documents::parse(&sources));
    let (against, unavailable) = review::read(&arguments.against, io::stdin());
    let input = Input::parse(&against);
    let inventory = config::read_inventory(&arguments.inventory)
        .and_then(|listed| config::parse_inventory(&[listed, input.inventories()].concat()));
    match (policies, inventory) {
        (Ok(documents), Ok(inventory)) => {
            let (candidates, unreadable) = candidates(arguments, &input, unavailable, &inventory);
            if !unreadable.is_empty() {
                return refuse(&[], &unreadable, arguments.output);
            }
            let now = arguments.now.unwrap_or_else(Timestamp::now);
            let report = Report::new(&documents, &inventory, candidates.as_ref(), now);
            let exit = if arguments.fail_on.is_reached(report.level()) { Exit::Findings } else { Exit::Clean };
            exit.once_told(report.print(arguments))
        }
        (policies, inventory) => {
            let errors: Vec<Error> = policies.err().into_iter().chain(inventory.err()).collect();
            refuse(&errors, &unavailable, arguments.output)
        }
    }
}

fn sources(paths: &[PathBuf]) -> Result<Vec<Source>, Error> {
    let (piped, files): (Vec<PathBuf>, Vec<PathBuf>) = paths.iter().cloned().partition(|path| path == Path::new("-"));
    let mut sources = config::read_policies(&files)?;
    if !piped.is_empty() {
        sources.push(config::read_policy("standard input", io::stdin())?);
    }
    Ok(sources)
}

/// What the exceptions are compared with, `None` without `--against`; and what could not be read, with what was
/// `unavailable` already.
fn candidates(
    arguments: &Arguments,
    input: &Input<'_>,
    unavailable: Vec<InputError>,
    inventory: &Inventory,
) -> (Option<Candidates>, Vec<InputError>) {
    if arguments.against.is_empty() {
        return (None, unavailable);
    }
    let (candidates, unreadable) = Candidates::of(input, inventory, &arguments.namespace);
    let mut unreadable = [unavailable, unreadable].concat();
    if input.is_empty() && unreadable.is_empty() {
        let file = arguments.against.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ");
        let message = "nothing to check against: there is no document in it".to_owned();
        unreadable.push(InputError { file, position: None, message });
    }
    (Some(candidates), unreadable)
}

fn refuse(errors: &[Error], unreadable: &[InputError], output: Output) -> Result<Exit, Failure> {
    Exit::BadInput.once_told(tell(errors, unreadable, output))
}

fn tell(errors: &[Error], unreadable: &[InputError], output: Output) -> io::Result<()> {
    if output == Output::Json {
        return report::print_json(&Refusal::new(errors, unreadable));
    }
    let mut stderr = anstream::stderr();
    for error in errors {
        writeln!(stderr, "{}\n", error.render())?;
    }
    for error in unreadable {
        writeln!(stderr, "error: {error}")?;
    }
    let in_files: usize = errors.iter().map(|error| error.problems().len() + error.more()).sum();
    writeln!(stderr, "{}", report::counted(in_files + unreadable.len(), "problem"))
}
