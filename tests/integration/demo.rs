//! `tokenward demo`: what a newcomer sees first.

use std::process::Command;

fn demo(variables: &[(&str, &str)]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_tokenward"))
        .arg("demo")
        .env_remove("NO_COLOR")
        .env_remove("CLICOLOR_FORCE")
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn shows_what_the_webhook_answers() {
    insta::with_settings!({filters => [
        (r"127\.0\.0\.1:\d+", "127.0.0.1:[port]"),
        (r"\d{4}-\d\d-\d\d", "[date]"),
        (r"\d+\.\d ms", "[time]"),
        (r"\d+ ms", "[time]"),
    ]}, {
        insta::assert_snapshot!(demo(&[]));
    });
}

#[test]
fn fits_a_terminal_of_80_columns() {
    for line in demo(&[]).lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
}

#[test]
fn is_plain_in_a_pipe_and_in_colour_on_demand() {
    assert!(!demo(&[]).contains('\u{1b}'));
    assert!(demo(&[("CLICOLOR_FORCE", "1")]).contains('\u{1b}'));
    assert!(!demo(&[("NO_COLOR", "1")]).contains('\u{1b}'));
}
