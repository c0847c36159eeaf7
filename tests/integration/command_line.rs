//! What holds for the command line as a whole.

use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};

const TOKENWARD: &str = env!("CARGO_BIN_EXE_tokenward");

fn stdout(command: &mut Command) -> String {
    String::from_utf8(command.output().unwrap().stdout).unwrap()
}

#[test]
fn answers_as_a_plugin_of_kubectl() {
    let directory = tempfile::tempdir().unwrap();
    let plugin = directory.path().join("kubectl-tokenward");
    symlink(TOKENWARD, &plugin).unwrap();
    let help = stdout(Command::new(plugin).args(["explain", "--help"]));
    assert!(help.contains("Usage: kubectl tokenward explain [RULES]..."), "{help}");
    assert!(stdout(Command::new(TOKENWARD).args(["explain", "--help"])).contains("Usage: tokenward explain"));
}

#[test]
fn completes_in_every_shell() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = stdout(Command::new(TOKENWARD).args(["completions", shell]));
        assert!(script.contains("tokenward") && script.contains("scan"), "{shell}: {script}");
    }
}

#[test]
fn bad_usage_is_exit_code_2_and_says_what_was_meant() {
    let output = Command::new(TOKENWARD).arg("expalin").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("a similar subcommand exists: 'explain'"), "{stderr}");
}

#[test]
fn ends_quietly_when_nobody_reads_on() {
    let mut child =
        Command::new(TOKENWARD).args(["explain"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr), (Some(0), Vec::new()));
}

#[test]
fn explains_the_rules_that_a_denial_lists() {
    let pages = stdout(Command::new(TOKENWARD).args(["explain", "TW201,", "TW208"]));
    let headings: Vec<&str> = pages.lines().filter(|line| line.starts_with("# ")).collect();
    assert_eq!(headings, ["# TW201 legacy-token-reference", "# TW208 injection-missing"]);
}
