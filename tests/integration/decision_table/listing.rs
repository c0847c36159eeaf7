//! Which tests there are and run.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The prefix of unit tests of the library.
const LIBRARY: &str = "tokenward::";

/// The names of all tests that are not ignored.
pub(super) struct Tests(BTreeSet<String>);

impl Tests {
    /// Whether there is a test of this name, or, where it ends with `*`, one that begins so.
    pub(super) fn has(&self, name: &str) -> bool {
        match name.strip_suffix('*') {
            Some(beginning) => self.0.iter().any(|test| test.starts_with(beginning)),
            None => self.0.contains(name),
        }
    }
}

/// The tests of this binary as it lists them itself, and the unit tests of the library as its sources have them.
pub(super) fn running_tests() -> Tests {
    let all = listed(&[]);
    let ignored = listed(&["--ignored"]);
    let mut tests: BTreeSet<String> = all.difference(&ignored).cloned().collect();
    assert!(tests.len() > 300, "the test binary lists {} tests", tests.len());
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for file in rust_files(&source) {
        let module = module_of(file.strip_prefix(&source).expect("a file of the library"));
        tests.extend(unit_tests(&fs::read_to_string(&file).expect("a source"), &module));
    }
    Tests(tests)
}

/// What `--list` prints, with these arguments.
fn listed(arguments: &[&str]) -> BTreeSet<String> {
    let binary = std::env::current_exe().expect("the test binary");
    let output = Command::new(binary).args(["--list", "--format", "terse"]).args(arguments).output().expect("it runs");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    text.lines().filter_map(|line| line.strip_suffix(": test")).map(str::to_owned).collect()
}

fn rust_files(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

/// `server/reviews.rs` and `server/reviews/mod.rs` are `tokenward::server::reviews`.
fn module_of(file: &Path) -> String {
    let path = file.with_extension("");
    let names: Vec<&str> = path.iter().filter_map(|name| name.to_str()).filter(|name| *name != "mod").collect();
    format!("{LIBRARY}{}", names.join("::"))
}

/// The names of functions marked as tests that are not ignored. In a file that is no test module itself they are in its
/// module `tests`.
fn unit_tests(source: &str, module: &str) -> Vec<String> {
    let module = if module.ends_with("::tests") { module.to_owned() } else { format!("{module}::tests") };
    let (mut tests, mut is_test, mut is_ignored) = (Vec::new(), false, false);
    for line in source.lines().map(str::trim) {
        if line == "#[test]" || line.starts_with("#[tokio::test") {
            is_test = true;
        } else if line.starts_with("#[ignore") {
            is_ignored = true;
        } else if let Some(function) = line.strip_prefix("async fn ").or_else(|| line.strip_prefix("fn ")) {
            let name = function.split('(').next().unwrap_or_default();
            if is_test && !is_ignored {
                tests.push(format!("{module}::{name}"));
            }
            (is_test, is_ignored) = (false, false);
        }
    }
    tests
}

#[test]
fn a_test_that_is_ignored_or_not_there_does_not_run() {
    let source = "mod tests {\n#[test]\nfn runs() {}\n#[test]\n#[ignore = \"slow\"]\nfn sleeps() {}\nfn helps() {}\n\
                  #[tokio::test]\nasync fn waits() {}\n}";
    assert_eq!(unit_tests(source, "tokenward::a"), ["tokenward::a::tests::runs", "tokenward::a::tests::waits"]);
    assert_eq!(unit_tests(source, "tokenward::a::tests").len(), 2);
    assert_eq!(module_of(Path::new("server/reviews/mod.rs")), "tokenward::server::reviews");
    let tests = Tests(["a::one".to_owned(), "a::two".to_owned()].into());
    assert!(tests.has("a::one") && tests.has("a::t*") && !tests.has("a::o") && !tests.has("b*"));
}

#[test]
fn this_very_test_is_listed() {
    let tests = running_tests();
    assert!(tests.has("decision_table::listing::this_very_test_is_listed"));
    assert!(tests.has("tokenward::token::jwt::tests::*") || tests.has("tokenward::token::*"), "no unit test was found");
    assert!(!tests.has("decision_table::listing::there_is_no_such_test"));
}
