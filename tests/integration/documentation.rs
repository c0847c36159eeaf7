//! The documentation says what the program does: its generated pages are those of the code, and its examples run.

mod example;
mod reference;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use example::Example;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every Markdown file of the repository's own documentation, by its path.
fn documents() -> BTreeMap<PathBuf, String> {
    let mut documents = BTreeMap::new();
    let mut directories = vec![root().join("docs")];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|it| it == "md") {
                documents.insert(path.clone(), fs::read_to_string(path).unwrap());
            }
        }
    }
    for name in ["README.md", "CHANGELOG.md", "certs/README.md", "manifests/README.md"] {
        let path = root().join(name);
        documents.insert(path.clone(), fs::read_to_string(path).unwrap());
    }
    documents
}

#[test]
fn generated_pages_are_those_of_the_code() {
    let wanted = reference::pages();
    let writing = std::env::var_os("TOKENWARD_WRITE_DOCS").is_some();
    let mut drifted = Vec::new();
    for (path, text) in &wanted {
        let path = root().join(path);
        if fs::read_to_string(&path).ok().as_ref() == Some(text) {
            continue;
        }
        if writing {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
        } else {
            drifted.push(path);
        }
    }
    for path in documents().into_keys().filter(|path| path.starts_with(root().join("docs/rules"))) {
        if !wanted.contains_key(path.strip_prefix(root()).unwrap()) {
            drifted.push(path);
        }
    }
    assert!(
        drifted.is_empty(),
        "`make docs` writes these anew, and a page without a rule is to be removed: {drifted:#?}"
    );
}

#[test]
fn every_link_leads_somewhere() {
    for (path, text) in documents() {
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            if link.starts_with("https://") {
                continue;
            }
            let target = if file.is_empty() { path.clone() } else { path.parent().unwrap().join(file) };
            assert!(target.exists(), "{}: {link} leads nowhere", path.display());
            if !anchor.is_empty() {
                let text = fs::read_to_string(&target).unwrap();
                assert!(headings(&text).any(|it| it == anchor), "{}: no heading for {link}", path.display());
            }
        }
    }
}

/// The anchors that a Markdown renderer makes of headings.
fn headings(text: &str) -> impl Iterator<Item = String> {
    text.lines().filter(|line| line.starts_with('#')).map(|line| {
        let title = line.trim_start_matches('#').trim().to_lowercase();
        title
            .chars()
            .filter(|character| character.is_alphanumeric() || " -_".contains(*character))
            .map(|character| if character == ' ' { '-' } else { character })
            .collect()
    })
}

#[test]
fn examples_run_and_print_what_is_written_below_them() {
    let mut ran = 0;
    for (path, text) in documents() {
        // The examples of a page build on each other.
        let directory = tempfile::tempdir().unwrap();
        for example in example::of(&text).into_iter().filter(Example::runs_alone) {
            example.check(&path, directory.path());
            ran += 1;
        }
    }
    assert!(ran > 0, "no example was found");
}
