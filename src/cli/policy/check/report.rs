//! What `policy check` says: the same for people and for programs.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use jiff::{Timestamp, Unit};
use serde::Serialize;

use super::remarks::{self, JsonPlace, Kind, Remark};
use super::{Arguments, Output, overlap};
use crate::config::{Documents, Error, Placed, Problem};
use crate::policy::{Action, Builtin, Exception, InjectWhen, Inventory, Policy};
use crate::report::InputError;
use crate::review::Candidates;

/// What is in good files.
#[derive(Serialize)]
pub(super) struct Report<'d> {
    policies: Vec<PolicyReport<'d>>,
    exceptions: Vec<ExceptionReport<'d>>,
    inventory: Counted,
    /// What was checked against; `null` without `--against`.
    against: Option<Counted>,
    problems: [(); 0],
}

#[derive(Serialize)]
struct Counted {
    secrets: usize,
}

impl<'d> Report<'d> {
    pub(super) fn new(
        documents: &'d Documents,
        inventory: &Inventory,
        candidates: Option<&Candidates>,
        now: Timestamp,
    ) -> Self {
        let overlaps = overlap::of(&documents.exceptions, candidates, now);
        let exceptions = documents.exceptions.iter().zip(&overlaps).map(|(exception, overlaps)| {
            ExceptionReport::new(exception, remarks::of(exception, overlaps, candidates, now), now)
        });
        Self {
            policies: documents.policies.iter().map(|policy| PolicyReport::new(&policy.value)).collect(),
            exceptions: exceptions.collect(),
            inventory: Counted { secrets: inventory.len() },
            against: candidates.map(|candidates| Counted { secrets: candidates.secrets() }),
            problems: [],
        }
    }

    /// That of the worst remark.
    pub(super) fn level(&self) -> Action {
        let remarks = self.exceptions.iter().flat_map(|exception| &exception.remarks);
        remarks.map(|remark| remark.kind.level()).max().unwrap_or_default()
    }

    pub(super) fn print(&self, arguments: &Arguments) -> io::Result<()> {
        if arguments.output == Output::Json {
            return print_json(self);
        }
        let mut out = anstream::stdout();
        for policy in &self.policies {
            writeln!(out, "policy {}: {}", policy.name, policy.summary())?;
        }
        for exception in &self.exceptions {
            let (style, state) = exception.state();
            let owner = clean(exception.owner);
            writeln!(out, "exception {}: {style}{state}{style:#} (owner {owner})", exception.name)?;
            for Remark { place: JsonPlace { file, line, column }, message, .. } in &exception.remarks {
                writeln!(out, "  {}:{line}:{column}: {}", clean(file), clean(message))?;
            }
        }
        if !arguments.inventory.is_empty() {
            writeln!(out, "inventory: {}", counted(self.inventory.secrets, "legacy token Secret"))?;
        }
        if let Some(Counted { secrets }) = self.against {
            writeln!(out, "against: {} that an exception can be for", counted(secrets, "Secret"))?;
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
    /// Where its end date stands.
    place: String,
    remarks: Vec<Remark<'d>>,
}

impl<'d> ExceptionReport<'d> {
    fn new(exception: &'d Placed<Exception>, remarks: Vec<Remark<'d>>, now: Timestamp) -> Self {
        let Placed { value, place, .. } = exception;
        let hours = now.until((Unit::Hour, value.ends)).map(|span| i64::from(span.get_hours())).unwrap_or_default();
        Self {
            name: &value.name,
            owner: &value.owner,
            expires: value.expires.to_string(),
            days: hours.div_euclid(24),
            expired: value.is_expired(now),
            place: place.to_string(),
            remarks,
        }
    }

    fn state(&self) -> (Style, String) {
        let colour = |colour: AnsiColor| Style::new().fg_color(Some(colour.into()));
        let (date, days) = (&self.expires, self.days);
        let ends_soon = self.remarks.iter().any(|remark| remark.kind == Kind::EndsSoon);
        match days {
            _ if self.expired => (colour(AnsiColor::Red), format!("expired on {date}")),
            0 => (colour(AnsiColor::Yellow), format!("ends today, {date}")),
            _ if ends_soon => (colour(AnsiColor::Yellow), format!("ends soon, on {date}, in {}", in_days(days))),
            _ => (Style::new(), format!("holds until {date}, {}", in_days(days))),
        }
    }
}

/// Why files cannot be used.
#[derive(Serialize)]
pub(super) struct Refusal<'p> {
    problems: Vec<ProblemReport<'p>>,
}

#[derive(Serialize)]
struct ProblemReport<'p> {
    #[serde(flatten)]
    place: JsonPlace<'p>,
    field: &'p str,
    what: &'p str,
    advice: &'p str,
}

impl<'p> Refusal<'p> {
    pub(super) fn new(errors: &'p [Error], unreadable: &'p [InputError]) -> Self {
        let in_files = errors.iter().flat_map(Error::problems).map(ProblemReport::new);
        let others = unreadable.iter().map(ProblemReport::of_input);
        Self { problems: in_files.chain(others).collect() }
    }
}

impl<'p> ProblemReport<'p> {
    fn new(problem: &'p Problem) -> Self {
        let Problem { place, field, what, advice, .. } = problem;
        Self { place: JsonPlace::of(place), field, what, advice }
    }

    fn of_input(error: &'p InputError) -> Self {
        let (line, column) = error.position.unwrap_or_default();
        let place = JsonPlace { file: &error.file, line, column };
        Self { place, field: "", what: &error.message, advice: "" }
    }
}

pub(super) fn print_json(value: &impl Serialize) -> io::Result<()> {
    let text = serde_json::to_string_pretty(value)?;
    writeln!(anstream::stdout(), "{text}")
}

/// Names come from the input, and a terminal obeys control characters.
fn clean(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).collect()
}

fn in_days(days: i64) -> String {
    if days == 1 { "1 day".to_owned() } else { format!("{days} days") }
}

pub(super) fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}
