//! `tokenward policy check`.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anstyle::{AnsiColor, Style};
use jiff::{Timestamp, Unit};
use serde::Serialize;

use crate::cli::{Exit, Failure};
use crate::config::{self, Documents, Error, Placed, Problem, Source};
use crate::policy::{Builtin, Exception, InjectWhen, Inventory, Policy};

/// An exception that ends within this many days is pointed out.
const SOON: i64 = 30;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Policy files, directories of them, or - for standard input.
    #[arg(required = true, value_name = "PATH")]
    files: Vec<PathBuf>,
    /// An inventory file, or a directory of its shards, to check as well.
    #[arg(long, value_name = "PATH")]
    inventory: Vec<PathBuf>,
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

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let policies = sources(&arguments.files).and_then(|sources| Documents::parse(&sources));
    let inventory = config::load_inventory(&arguments.inventory);
    match (policies, inventory) {
        (Ok(documents), Ok(inventory)) => {
            let report = Report::new(&documents, &inventory, Timestamp::now());
            report.print(arguments)?;
            Ok(if report.exceptions.iter().any(ExceptionReport::has_ended) { Exit::Findings } else { Exit::Clean })
        }
        (policies, inventory) => {
            let errors: Vec<Error> = policies.err().into_iter().chain(inventory.err()).collect();
            refuse(&errors, arguments.output)?;
            Ok(Exit::BadInput)
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

fn refuse(errors: &[Error], output: Output) -> io::Result<()> {
    if output == Output::Json {
        let problems: Vec<ProblemReport<'_>> =
            errors.iter().flat_map(Error::problems).map(ProblemReport::new).collect();
        return print_json(&Refusal { problems });
    }
    let mut stderr = anstream::stderr();
    for error in errors {
        writeln!(stderr, "{}\n", error.render())?;
    }
    let count: usize = errors.iter().map(|error| error.problems().len() + error.more()).sum();
    writeln!(stderr, "{}", counted(count, "problem"))
}

fn print_json(value: &impl Serialize) -> io::Result<()> {
    let text = serde_json::to_string_pretty(value)?;
    writeln!(anstream::stdout(), "{text}")
}

/// The result: the same for people and for programs.
#[derive(Serialize)]
struct Report<'d> {
    policies: Vec<PolicyReport<'d>>,
    exceptions: Vec<ExceptionReport<'d>>,
    inventory: InventoryReport,
    problems: [(); 0],
}

impl<'d> Report<'d> {
    fn new(documents: &'d Documents, inventory: &Inventory, now: Timestamp) -> Self {
        Self {
            policies: documents.policies.iter().map(|policy| PolicyReport::new(&policy.value)).collect(),
            exceptions: documents.exceptions.iter().map(|exception| ExceptionReport::new(exception, now)).collect(),
            inventory: InventoryReport { secrets: inventory.len() },
            problems: [],
        }
    }

    fn print(&self, arguments: &Arguments) -> io::Result<()> {
        if arguments.output == Output::Json {
            return print_json(self);
        }
        let mut out = anstream::stdout();
        for policy in &self.policies {
            writeln!(out, "policy {}: {}", policy.name, policy.summary())?;
        }
        for exception in &self.exceptions {
            let (style, state) = exception.state();
            writeln!(out, "exception {}: {style}{state}{style:#} (owner {})", exception.name, exception.owner)?;
            if exception.has_ended() {
                writeln!(out, "  {}: agree on a new date with the owner, or remove the exception", exception.place)?;
            }
        }
        if !arguments.inventory.is_empty() {
            writeln!(out, "inventory: {}", counted(self.inventory.secrets, "legacy token Secret"))?;
        }
        Ok(())
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PolicyReport<'d> {
    name: &'d str,
    extends: &'static str,
    replaces_builtin: bool,
    injects: bool,
}

impl<'d> PolicyReport<'d> {
    fn new(policy: &'d Policy) -> Self {
        Self {
            name: &policy.name,
            extends: policy.extends.as_str(),
            replaces_builtin: Builtin::named(&policy.name).is_some(),
            injects: policy.inject.when != InjectWhen::Never || !policy.inject.tokens.is_empty(),
        }
    }

    fn summary(&self) -> String {
        let place = if self.replaces_builtin { ", in place of the built-in one" } else { "" };
        let injects = if self.injects { "injects tokens" } else { "injects nothing" };
        format!("extends {}{place}; {injects}", self.extends)
    }
}

#[derive(Serialize)]
struct ExceptionReport<'d> {
    name: &'d str,
    owner: &'d str,
    expires: String,
    /// Whole days until it ends; negative when it has ended.
    days: i64,
    expired: bool,
    place: String,
}

impl<'d> ExceptionReport<'d> {
    fn new(exception: &'d Placed<Exception>, now: Timestamp) -> Self {
        let Placed { value, place } = exception;
        let hours = now.until((Unit::Hour, value.ends)).map(|span| i64::from(span.get_hours())).unwrap_or_default();
        Self {
            name: &value.name,
            owner: &value.owner,
            expires: value.expires.to_string(),
            days: hours.div_euclid(24),
            expired: value.is_expired(now),
            place: place.to_string(),
        }
    }

    const fn has_ended(&self) -> bool {
        self.expired
    }

    fn state(&self) -> (Style, String) {
        let colour = |colour: AnsiColor| Style::new().fg_color(Some(colour.into()));
        let date = &self.expires;
        match self.days {
            _ if self.expired => (colour(AnsiColor::Red), format!("expired on {date}")),
            0 => (colour(AnsiColor::Yellow), format!("ends today, {date}")),
            days @ ..SOON => (colour(AnsiColor::Yellow), format!("ends soon, on {date}, in {}", in_days(days))),
            days => (Style::new(), format!("holds until {date}, {}", in_days(days))),
        }
    }
}

#[derive(Serialize)]
struct InventoryReport {
    secrets: usize,
}

#[derive(Serialize)]
struct Refusal<'p> {
    problems: Vec<ProblemReport<'p>>,
}

#[derive(Serialize)]
struct ProblemReport<'p> {
    file: &'p str,
    line: usize,
    column: usize,
    field: &'p str,
    what: &'p str,
    advice: &'p str,
}

impl<'p> ProblemReport<'p> {
    fn new(problem: &'p Problem) -> Self {
        let Problem { place, field, what, advice, .. } = problem;
        Self { file: &place.file, line: place.line, column: place.column, field, what, advice }
    }
}

fn in_days(days: i64) -> String {
    if days == 1 { "1 day".to_owned() } else { format!("{days} days") }
}

fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}
