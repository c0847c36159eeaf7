//! What a Pod would hold, as a table: one line for each token, and below it where it is seen.

use std::fmt::Write as _;

use super::{BLUE, BOLD, RED, YELLOW, arrow, clean};
use crate::report::{Holding, Verdict};
use crate::token::{Doubt, EXTENDED_SECONDS, HeldToken, Reader, Sighting, Spot, TokenSource, UnknownToken};

const HEADINGS: [&str; 6] = ["TOKEN", "SOURCE", "AUDIENCE", "ASKED", "LASTS", "ROTATES"];
/// The columns whose contents people choose, and which are therefore cut where a line gets too long.
const CUT: [usize; 2] = [1, 2];
/// What is left of such a column at least.
const SHORTEST: usize = 12;
/// Between two columns.
const GAP: &str = "  ";
/// The width of a line without what stands before it.
const WIDTH: usize = 76;

pub(super) fn render(verdict: &Verdict, subject: &str, holding: &Holding, text: &mut String) {
    let table = &holding.table;
    let (policy, account) = (&verdict.outcome.decision.policy, clean(&table.service_account));
    let title = format!("{subject} as ServiceAccount {account} under policy {policy}");
    let _ = writeln!(text, "{BLUE}tokens{BLUE:#}{BOLD}: {title}{BOLD:#}\n{}", arrow(verdict));
    let mut line = |line: &str| {
        let _ = writeln!(text, "  {BLUE}|{BLUE:#}{}{line}", if line.is_empty() { "" } else { " " });
    };
    line("");
    if table.tokens.is_empty() {
        line(if table.unknown.is_empty() { "holds no token" } else { "holds no token that is known" });
    } else {
        let mut rows: Vec<[String; 6]> = table.tokens.iter().map(|token| row(holding, token)).collect();
        let widths = fit(&mut rows);
        line(&format!("{BOLD}{}{BOLD:#}", columns(&HEADINGS.map(str::to_owned), widths)));
        for (token, row) in table.tokens.iter().zip(&rows) {
            line(&coloured(token, &columns(row, widths)));
            for detail in details(token, &table.service_account) {
                line(&format!("    {detail}"));
            }
        }
    }
    line("");
    for unknown in &table.unknown {
        let _ = writeln!(text, "  {BLUE}={BLUE:#} {BOLD}unknown{BOLD:#}: {}", clean(&described(unknown)));
    }
    text.push('\n');
}

fn row(holding: &Holding, token: &HeldToken) -> [String; 6] {
    let kind = if holding.is_injected(token) { "injected" } else { token.source.as_str() };
    let source = match &token.source {
        TokenSource::Automount { volume } => volume.as_deref().unwrap_or("(to be added)"),
        TokenSource::Projected { volume } => volume,
        TokenSource::LegacySecret { secret } => secret,
        TokenSource::Literal => "(text of the Pod)",
    };
    let audience = if token.audiences.is_empty() { "API server".to_owned() } else { token.audiences.join(", ") };
    let rotates = match token.is_renewed() {
        None => "-",
        Some(true) => "yes",
        Some(false) if token.sightings.iter().any(|sighting| sighting.is_renewed) => "in part",
        Some(false) => "no",
    };
    let asked = token.requested_seconds.map_or_else(|| "-".to_owned(), |seconds| format!("{seconds} s"));
    let lasts = token.effective_seconds.map_or_else(|| "no end".to_owned(), duration);
    [kind.to_owned(), clean(source), clean(&audience), asked, lasts, rotates.to_owned()]
}

/// The width of each column: that of its contents. Where the line gets too long, audiences lose their scheme, and columns are
/// made narrower.
fn fit(rows: &mut [[String; 6]]) -> [usize; 6] {
    let gaps = GAP.len() * (HEADINGS.len() - 1);
    let is_too_long = |widths: &[usize; 6]| widths.iter().sum::<usize>() + gaps > WIDTH;
    let mut widths = widths(rows);
    if is_too_long(&widths) {
        for [_, _, audience, ..] in rows.iter_mut() {
            *audience = audience.replace("https://", "");
        }
        widths = self::widths(rows);
    }
    while is_too_long(&widths) {
        let [one, other] = CUT;
        let widest = if widths[one] > widths[other] { one } else { other };
        if widths[widest] <= SHORTEST {
            break;
        }
        widths[widest] -= 1;
    }
    widths
}

fn widths(rows: &[[String; 6]]) -> [usize; 6] {
    let mut widths = HEADINGS.map(str::len);
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    widths
}

fn columns(cells: &[String; 6], widths: [usize; 6]) -> String {
    let padded: Vec<String> =
        cells.iter().zip(widths).map(|(cell, width)| format!("{:<width$}", cut(cell, width))).collect();
    padded.join(GAP).trim_end().to_owned()
}

/// Cut in the middle where it is longer than `longest`.
fn cut(text: &str, longest: usize) -> String {
    let letters: Vec<char> = text.chars().collect();
    if letters.len() <= longest {
        return text.to_owned();
    }
    let head = longest.saturating_sub(2) / 2;
    let tail = longest.saturating_sub(2) - head;
    letters[..head].iter().chain(&['.', '.']).chain(&letters[letters.len() - tail..]).collect()
}

/// A token that does not end is red, one that lasts a year is yellow.
fn coloured(token: &HeldToken, line: &str) -> String {
    match token.effective_seconds {
        None => format!("{RED}{line}{RED:#}"),
        Some(seconds) if seconds >= EXTENDED_SECONDS => format!("{YELLOW}{line}{YELLOW:#}"),
        Some(_) => line.to_owned(),
    }
}

/// For whom the token speaks, where that is not the Pod's own account, and where it is seen.
fn details(token: &HeldToken, account: &str) -> Vec<String> {
    let mut lines = Vec::new();
    if token.service_account != account || matches!(token.source, TokenSource::Literal) {
        lines.push(clean(&format!("speaks for ServiceAccount {}/{}", token.namespace, token.service_account)));
    }
    let mut grouped: Vec<(&Sighting, Vec<&str>)> = Vec::new();
    for sighting in &token.sightings {
        let reader = match &sighting.reader {
            Reader::Container { name, .. } => name,
            Reader::Node => "the node",
            Reader::PodReader => "whoever may read Pods",
        };
        let same = |(known, _): &&mut (&Sighting, Vec<&str>)| {
            (&known.spot, known.is_renewed, &known.doubts) == (&sighting.spot, sighting.is_renewed, &sighting.doubts)
        };
        match grouped.iter_mut().find(same) {
            Some((_, readers)) => readers.push(reader),
            None => grouped.push((sighting, vec![reader])),
        }
    }
    let is_mixed = token.is_renewed() == Some(false) && token.sightings.iter().any(|sighting| sighting.is_renewed);
    for (sighting, readers) in grouped {
        let preposition = if matches!(sighting.reader, Reader::Container { .. }) { "in" } else { "for" };
        let not_renewed = if is_mixed && !sighting.is_renewed { ", not renewed" } else { "" };
        lines.push(clean(&format!("{} {preposition} {}{not_renewed}", spot(&sighting.spot), readers.join(", "))));
        lines.extend(sighting.doubts.iter().map(|doubt| format!("  perhaps: {}", Doubt::reason(*doubt))));
    }
    if token.sightings.is_empty() {
        lines.push("no container sees it".to_owned());
    }
    lines
}

fn spot(spot: &Spot) -> String {
    match spot {
        Spot::File(path) => path.clone(),
        Spot::Mount(path) => format!("at or below {path}"),
        Spot::Variable(name) => format!("variable {name}"),
        Spot::Command(index) => format!("command[{index}]"),
        Spot::Argument(index) => format!("args[{index}]"),
        Spot::Annotation(key) => format!("annotation {key}"),
        Spot::PullSecret => "imagePullSecrets".to_owned(),
        Spot::VolumeDriver(volume) => format!("driver of volume {volume}"),
    }
}

fn described(unknown: &UnknownToken) -> String {
    match unknown {
        UnknownToken::Secret { sightings, .. } => {
            let mut spots: Vec<String> = sightings.iter().map(|sighting| spot(&sighting.spot)).collect();
            spots.sort_unstable();
            spots.dedup();
            let places = if spots.is_empty() { String::new() } else { format!(" ({})", spots.join(", ")) };
            format!("{unknown}{places}")
        }
        UnknownToken::Automount { .. } => unknown.to_string(),
    }
}

/// A lifetime in its largest unit that goes up in it.
fn duration(seconds: u64) -> String {
    let units = [(EXTENDED_SECONDS, "year"), (86_400, "day"), (3600, "hour"), (60, "min")];
    let found = units.into_iter().find(|(unit, _)| seconds > 0 && seconds.is_multiple_of(*unit));
    match found.map(|(unit, name)| (seconds / unit, name)) {
        Some((count, "min")) => format!("{count} min"),
        Some((1, name)) => format!("1 {name}"),
        Some((count, name)) => format!("{count} {name}s"),
        None => format!("{seconds} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::{cut, duration};

    #[test]
    fn a_lifetime_is_told_in_the_largest_unit_that_fits() {
        for (seconds, told) in [
            (0, "0 s"),
            (600, "10 min"),
            (3600, "1 hour"),
            (3607, "3607 s"),
            (7200, "2 hours"),
            (86_400, "1 day"),
            (31_536_000, "1 year"),
        ] {
            assert_eq!(duration(seconds), told);
        }
    }

    #[test]
    fn long_names_are_cut_in_the_middle() {
        assert_eq!(cut("tokenward-api-access", 20), "tokenward-api-access");
        assert_eq!(cut("https://vault.example.com", 12), "https..e.com");
    }
}
