//! Which token each container really holds: tokenward's answer, and what a real API server does, both held against the answers
//! in `tests/fixtures/conformance`, which other tools can be held against too.

mod answered;
mod observed;
pub(crate) mod page;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// A token that a container sees.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Held {
    container: String,
    token: Kind,
    r#as: Form,
    at: String,
    audience: String,
    requested_seconds: Option<u64>,
    lasts_seconds: Option<u64>,
    rotates: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Automounted,
    Projected,
    Legacy,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Form {
    File,
    Variable,
}

/// What is asked.
struct Case {
    name: String,
    /// The first line of the file.
    title: String,
    path: PathBuf,
    manifests: String,
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/conformance")
}

/// All cases, by name.
fn cases() -> Vec<Case> {
    let entries = fs::read_dir(folder()).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    let read = |path: PathBuf| {
        let manifests = fs::read_to_string(&path).unwrap();
        let title = manifests.lines().next().and_then(|line| line.strip_prefix("# ")).expect("a title").to_owned();
        let name = path.file_stem().and_then(|name| name.to_str()).expect("a name").to_owned();
        Case { name, title, path, manifests }
    };
    let mut cases: Vec<Case> = paths.into_iter().map(read).collect();
    cases.sort_by(|one, other| one.name.cmp(&other.name));
    cases
}

/// The right answers, by the names of the cases.
fn expected() -> BTreeMap<String, Vec<Held>> {
    serde_json::from_str(&fs::read_to_string(folder().join("expected.json")).unwrap()).unwrap()
}

#[test]
fn tokenward_knows_what_each_container_holds() {
    let (cases, expected) = (cases(), expected());
    assert_eq!(cases.iter().map(|case| &case.name).collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    assert!(cases.len() >= 11, "eight inputs of automounting and three kinds of token at least");
    for case in cases {
        assert_eq!(answered::to(&case), expected[&case.name], "{}: {}", case.name, case.title);
    }
}

/// With `TOKENWARD_WRITE_CONFORMANCE` set, what is observed becomes what is expected.
#[test]
fn kubernetes_does_what_is_expected() {
    let observed: BTreeMap<String, Vec<Held>> =
        cases().iter().map(|case| (case.name.clone(), observed::of(case))).collect();
    if std::env::var_os("TOKENWARD_WRITE_CONFORMANCE").is_some() {
        let text = serde_json::to_string_pretty(&observed).unwrap();
        fs::write(folder().join("expected.json"), text + "\n").unwrap();
    }
    assert_eq!(observed, expected());
}
