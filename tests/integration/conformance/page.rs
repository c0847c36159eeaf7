//! `docs/conformance.md`, from the cases, tokenward's answers and what was observed.

use std::fmt::Write as _;

use super::{Case, Form, Held, Kind, answered, cases, expected};

const INTRODUCTION: &str = "\
# Conformance

Which token does each container really hold? Each case is a Pod in
[tests/fixtures/conformance](../tests/fixtures/conformance/README.md), with its accounts and Secrets. It was put to both:

- `tokenward review --tokens --policy-name audit`, without a cluster; and
- a real API server of the version in [tests/apiserver/go.mod](../tests/apiserver/go.mod), with its default settings. Where the token lies
  is read from the Pod as it was stored; its audience and how long it lasts (`exp - iat`) from the token that came back when a node
  asked for it as a kubelet does, or that the token controller wrote into the Secret.

A test holds both against the same answers, `expected.json`, so that the last two columns cannot differ unnoticed. The inputs and the
answers are there for other tools too. Whether a file is renewed cannot be observed without a kubelet: that column is what the
kubelet is documented to do.
";

/// The page.
pub(crate) fn page() -> String {
    let mut page = INTRODUCTION.to_owned();
    let expected = expected();
    for (prefix, heading) in
        [("automount-", "Automounting"), ("projected-", "Projected tokens"), ("legacy-", "Legacy tokens")]
    {
        let _ = write!(
            page,
            "\n## {heading}\n\n| case | container | token | seen at | asks for | renewed | tokenward: lasts | Kubernetes: lasts |\n\
             |---|---|---|---|---|---|---|---|\n"
        );
        for case in cases().iter().filter(|case| case.name.starts_with(prefix)) {
            rows(case, &answered::to(case), &expected[&case.name], &mut page);
        }
    }
    page
}

/// Both are in the same order, and a test says that they are the same.
fn rows(case: &Case, answered: &[Held], observed: &[Held], page: &mut String) {
    let Case { name, title, .. } = case;
    let link = format!("[{name}](../tests/fixtures/conformance/{name}.yaml): {title}");
    if answered.is_empty() && observed.is_empty() {
        let _ = writeln!(page, "| {link} | | none | | | | | |");
    }
    for index in 0..answered.len().max(observed.len()) {
        let lasts =
            |held: Option<&Held>| held.map_or_else(|| "no token".to_owned(), |held| lifetime(held.lasts_seconds));
        let Some(held) = observed.get(index).or_else(|| answered.get(index)) else { continue };
        let first = if index == 0 { link.as_str() } else { "" };
        let asked = held.requested_seconds.map_or_else(|| "-".to_owned(), |seconds| format!("{seconds} s"));
        let _ = writeln!(
            page,
            "| {first} | {} | {} | {} | {asked} | {} | {} | {} |",
            held.container,
            kind(held),
            place(held),
            if held.rotates { "yes" } else { "no" },
            lasts(answered.get(index)),
            lasts(observed.get(index)),
        );
    }
}

fn kind(held: &Held) -> String {
    let kind = match held.token {
        Kind::Automounted => "automounted",
        Kind::Projected => "projected",
        Kind::Legacy => "legacy",
    };
    if held.audience.is_empty() { kind.to_owned() } else { format!("{kind}, for `{}`", held.audience) }
}

fn place(held: &Held) -> String {
    match held.r#as {
        Form::File => format!("`{}`", held.at),
        Form::Variable => format!("variable `{}`", held.at),
    }
}

fn lifetime(seconds: Option<u64>) -> String {
    match seconds {
        None => "for ever".to_owned(),
        Some(31_536_000) => "31536000 s, a year".to_owned(),
        Some(seconds) => format!("{seconds} s"),
    }
}
