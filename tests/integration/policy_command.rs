//! `tokenward policy show` and `tokenward policy check`, as people run them.

use std::fs;

use assert_cmd::Command;
use tempfile::TempDir;

fn tokenward(arguments: &[&str], directory: &TempDir) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("tokenward"));
    command.current_dir(directory).args(arguments);
    command
}

/// Exit code, standard output and standard error.
fn run(arguments: &[&str], directory: &TempDir) -> (i32, String, String) {
    let output = tokenward(arguments, directory).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn directory(files: &[(&str, &str)]) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(directory.path().join(name), text).unwrap();
    }
    directory
}

const STRICT: &str =
    "apiVersion: tokenward.dev/v1alpha1\nkind: TokenPolicy\nmetadata: {name: strict}\nspec: {extends: restricted}\n";

fn exception(name: &str, expires: &str) -> String {
    format!(
        "apiVersion: tokenward.dev/v1alpha1\nkind: TokenException\nmetadata:\n  name: {name}\nspec:\n  rules: [TW101]\n  \
         namespace: a\n  secret: b\n  serviceAccount: c\n  reason: r\n  owner: platform@example.com\n  expires: {expires}\n"
    )
}

#[test]
fn show_prints_the_built_in_policies_as_a_file_that_check_accepts() {
    let directory = directory(&[]);
    let (code, shown, _) = run(&["policy", "show"], &directory);
    assert_eq!((code, shown.matches("kind: TokenPolicy").count()), (0, 4));
    fs::write(directory.path().join("shown.yaml"), shown).unwrap();
    let (code, told, _) = run(&["policy", "check", "shown.yaml"], &directory);
    assert_eq!(code, 0);
    insta::assert_snapshot!(told, @r"
    policy audit: extends audit, in place of the built-in one; injects nothing
    policy warn: extends warn, in place of the built-in one; injects nothing
    policy baseline: extends baseline, in place of the built-in one; injects tokens
    policy restricted: extends restricted, in place of the built-in one; injects tokens
    ");
}

#[test]
fn show_prints_one_policy_by_name() {
    let (code, shown, _) = run(&["policy", "show", "audit"], &directory(&[]));
    assert_eq!(code, 0);
    assert!(shown.contains("name: audit\n") && !shown.contains("name: warn\n"));
}

#[test]
fn show_prints_what_a_policy_comes_to_with_all_that_it_extends() {
    let directory = directory(&[("strict.yaml", STRICT)]);
    let (code, shown, _) = run(&["policy", "show", "strict", "--policy", "strict.yaml"], &directory);
    assert_eq!(code, 0);
    assert!(shown.contains("  extends: restricted\n") && shown.contains("    retuneAutomounted: true\n"), "{shown}");
}

#[test]
fn show_suggests_the_nearest_name() {
    let (code, _, told) = run(&["policy", "show", "basline"], &directory(&[]));
    assert_eq!(code, 2);
    assert_eq!(told, "error: no policy is called \"basline\"; did you mean baseline?\n");
}

#[test]
fn check_passes_a_good_file() {
    let files = [("p.yaml", STRICT), ("e.yaml", &exception("ci", "2999-12-31"))];
    let (code, told, _) = run(&["policy", "check", "."], &directory(&files));
    assert_eq!(code, 0);
    assert!(
        told.starts_with("policy strict: extends restricted; injects tokens\nexception ci: holds until 2999-12-31, "),
        "{told}"
    );
}

#[test]
fn check_fails_on_an_exception_that_has_ended() {
    let (code, told, _) =
        run(&["policy", "check", "e.yaml"], &directory(&[("e.yaml", &exception("ci", "2020-02-29"))]));
    assert_eq!(code, 1);
    insta::assert_snapshot!(told, @r"
    exception ci: expired on 2020-02-29 (owner platform@example.com)
      e.yaml:12:12: agree on a new date with the owner, or remove the exception
    ");
}

#[test]
fn check_refuses_a_bad_file_and_says_how_many_problems_it_has() {
    let files = [("p.yaml", &*STRICT.replace("restricted", "strictest")), ("e.yaml", &exception("ci", "soon"))];
    let (code, out, told) = run(&["policy", "check", "p.yaml", "e.yaml"], &directory(&files));
    assert_eq!((code, out.as_str()), (2, ""));
    insta::assert_snapshot!(told, @r#"
    error: spec.extends: there is no built-in policy "strictest"
     --> p.yaml:4:17
      |
    4 | spec: {extends: strictest}
      |                 ^^^^^^^^^
      |
      = help: expected audit, warn, baseline or restricted

    error: spec.expires: "soon" is not a date
      --> e.yaml:12:12
       |
    12 |   expires: soon
       |            ^^^^
       |
       = help: write the last day on which it holds as year-month-day, such as 2027-03-31

    2 problems
    "#);
}

#[test]
fn check_reads_standard_input() {
    let output = tokenward(&["policy", "check", "-"], &directory(&[])).write_stdin("nonsense").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("--> standard input:1:1"));
}

#[test]
fn check_looks_at_the_inventory_too() {
    let inventory = "apiVersion: tokenward.dev/v1alpha1\nkind: TokenInventory\nsecrets: [{namespace: a, name: b, serviceAccount: c}]\n";
    let files = [("p.yaml", STRICT), ("good.yaml", inventory), ("bad.yaml", "nonsense")];
    let directory = directory(&files);
    let (code, told, _) = run(&["policy", "check", "p.yaml", "--inventory", "good.yaml"], &directory);
    assert_eq!(code, 0);
    assert!(told.ends_with("inventory: 1 legacy token Secret\n"));
    let (code, _, told) = run(&["policy", "check", "p.yaml", "--inventory", "bad.yaml"], &directory);
    assert_eq!(code, 2);
    assert!(told.contains("--> bad.yaml:1:1"));
}

#[test]
fn check_tells_programs_in_json() {
    let bad = exception("ci", "soon");
    let good = exception("ci", "2020-02-29");
    let directory = directory(&[("good.yaml", &good), ("bad.yaml", &bad)]);
    let (code, told, _) = run(&["policy", "check", "-o", "json", "good.yaml"], &directory);
    assert_eq!(code, 1);
    let report: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert_eq!(report["exceptions"][0]["expired"], true);
    assert_eq!(report["exceptions"][0]["place"], "good.yaml:12:12");
    let (code, told, _) = run(&["policy", "check", "-o", "json", "bad.yaml"], &directory);
    assert_eq!(code, 2);
    insta::assert_snapshot!(told, @r#"
    {
      "problems": [
        {
          "file": "bad.yaml",
          "line": 12,
          "column": 12,
          "field": "spec.expires",
          "what": "\"soon\" is not a date",
          "advice": "write the last day on which it holds as year-month-day, such as 2027-03-31"
        }
      ]
    }
    "#);
}

#[test]
fn check_says_which_file_is_missing() {
    let (code, _, told) = run(&["policy", "check", "missing.yaml"], &directory(&[]));
    assert_eq!(code, 2);
    insta::assert_snapshot!(told, @r"
    error: there is no such file or directory
    --> missing.yaml
     = help: check the path

    1 problem
    ");
}

#[test]
fn export_writes_the_policies_that_are_named() {
    let directory = directory(&[("strict.yaml", STRICT)]);
    let arguments = ["policy", "export", "--format", "vap", "--policy", "strict.yaml", "strict"];
    let (code, written, told) = run(&arguments, &directory);
    assert_eq!((code, told.as_str()), (0, ""));
    assert!(
        written.starts_with("# The part of tokenward's rules that the API server can decide by itself"),
        "{written}"
    );
    assert!(written.contains("\n  name: strict.tw101.tokenward.dev\n") && !written.contains("name: restricted."));
}

#[test]
fn export_suggests_the_nearest_name_and_asks_for_a_format() {
    let (code, written, told) = run(&["policy", "export", "--format", "vap", "basline"], &directory(&[]));
    assert_eq!((code, written.as_str()), (2, ""));
    assert_eq!(told, "error: no policy is called \"basline\"; did you mean baseline?\n");
    let (code, _, told) = run(&["policy", "export"], &directory(&[]));
    assert!(code == 2 && told.contains("--format"), "{told}");
}
