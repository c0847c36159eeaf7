//! `tokenward review` as a person sees it, and as a program reads it.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// Runs `tokenward review` beside the fixtures, so that the names in the output are short.
fn review(arguments: &[&str]) -> Output {
    command(arguments).output().unwrap()
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tokenward"));
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/manifests");
    command.current_dir(directory).arg("review").args(arguments);
    if !arguments.contains(&"--now") {
        command.args(["--now", "2027-01-01T00:00:00Z"]);
    }
    command
}

fn review_stdin(arguments: &[&str], input: &str) -> Output {
    let mut command = command(arguments);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn json(arguments: &[&str]) -> Value {
    let output = review(&[&["-o", "json"], arguments].concat());
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", stderr(&output)))
}

fn json_of_stdin(arguments: &[&str], input: &str) -> Value {
    let output = review_stdin(&[&["-", "-o", "json"], arguments].concat(), input);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", stderr(&output)))
}

/// The screen of a person: what was printed, and the exit code.
fn screen(arguments: &[&str]) -> String {
    let output = review(arguments);
    format!("{}{}exit code {}\n", stdout(&output), stderr(&output), output.status.code().unwrap())
}

#[test]
fn refuses_the_long_lived_secret_of_the_guides() {
    insta::assert_snapshot!(screen(&["long-lived-secret.yaml"]));
}

#[test]
fn shows_every_way_in_which_a_pod_reaches_a_legacy_token() {
    insta::assert_snapshot!(screen(&["legacy-pod.yaml", "--policy-name", "restricted"]));
}

#[test]
fn shows_what_a_pod_is_given() {
    insta::assert_snapshot!(screen(&["hardened-account.yaml"]));
}

#[test]
fn completes_a_pod_as_the_account_plugin_would_and_shows_how_it_is_retuned() {
    insta::assert_snapshot!(screen(&["automounting.yaml", "--policy-name", "restricted"]));
}

#[test]
fn warns_about_a_template_and_says_what_becomes_of_its_pods() {
    insta::assert_snapshot!(screen(&["templates.yaml", "--policy-name", "restricted"]));
}

#[test]
fn takes_the_policy_from_namespaces_in_the_input_and_leaves_out_what_no_entry_covers() {
    insta::assert_snapshot!(screen(&["namespaces.yaml"]));
}

#[test]
fn points_into_json_too() {
    insta::assert_snapshot!(screen(&["list.json", "--inventory", "../recorded/inventory.yaml"]));
}

#[test]
fn judges_recorded_reviews() {
    insta::assert_snapshot!(screen(&["../recorded"]));
}

#[test]
fn shows_what_a_pod_would_hold() {
    insta::assert_snapshot!(screen(&["every-source.yaml", "--tokens", "--policy-name", "audit"]));
}

#[test]
fn shows_what_a_pod_holds_after_injection() {
    insta::assert_snapshot!(screen(&["hardened-account.yaml", "--tokens"]));
}

#[test]
fn shows_what_the_pods_of_templates_would_hold() {
    insta::assert_snapshot!(screen(&["templates.yaml", "--tokens"]));
}

#[test]
fn shows_what_the_pod_of_a_recorded_review_would_hold() {
    insta::assert_snapshot!(screen(&["../recorded/pod.json", "--tokens"]));
}

#[test]
fn writes_the_tokens_of_a_pod_for_programs_where_they_are_asked_for() {
    let report = json(&["every-source.yaml", "--tokens", "--policy-name", "audit"]);
    insta::assert_json_snapshot!(report["results"][1]["tokens"]);
    assert!(json(&["every-source.yaml"])["results"][1].get("tokens").is_none());
    let report = json(&["templates.yaml", "--tokens"]);
    assert!(report["results"][1].get("tokens").is_none());
    assert_eq!(report["results"][1]["pods"]["tokens"]["held"][0]["effectiveSeconds"], 31_536_000);
}

#[test]
fn writes_json_for_programs() {
    insta::assert_snapshot!(stdout(&review(&["-o", "json", "hardened-account.yaml", "long-lived-secret.yaml"])));
}

#[test]
fn an_exception_in_the_input_allows_a_secret_until_it_ends() {
    let active = json(&["exceptions.yaml"]);
    assert_eq!(active["results"][0]["decision"], "allow");
    assert_eq!(active["results"][0]["exceptions"][0], "argocd-remote-clusters");
    let ended = json(&["exceptions.yaml", "--now", "2027-04-01T00:00:00Z"]);
    assert_eq!(ended["results"][0]["decision"], "deny");
    let message = ended["results"][0]["message"].as_str().unwrap();
    assert!(message.contains(" expired on 2027-03-31 (owner "), "{message}");
}

#[test]
fn fail_on_moves_the_bar() {
    let code = |arguments: &[&str]| review(arguments).status.code();
    assert_eq!(code(&["long-lived-secret.yaml"]), Some(1));
    assert_eq!(code(&["long-lived-secret.yaml", "--fail-on=never"]), Some(0));
    assert_eq!(code(&["long-lived-secret.yaml", "--policy-name=warn"]), Some(0));
    assert_eq!(code(&["long-lived-secret.yaml", "--policy-name=warn", "--fail-on=warn"]), Some(1));
    assert_eq!(code(&["long-lived-secret.yaml", "--policy-name=audit", "--fail-on=warn"]), Some(0));
    assert_eq!(code(&["long-lived-secret.yaml", "--policy-name=audit", "--fail-on=audit"]), Some(1));
}

#[test]
fn an_account_that_the_input_does_not_hold_is_unknown_and_nothing_is_guessed() {
    let pod =
        "{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {serviceAccountName: app, containers: [{name: a}]}}";
    let report = json_of_stdin(&[], pod);
    assert_eq!(report["results"][0]["unknown"][0], "serviceaccount/app");
    assert_eq!(report["results"][0]["patch"], Value::Null);
    let account = "{apiVersion: v1, kind: ServiceAccount, metadata: {name: app}, automountServiceAccountToken: false}";
    let report = json_of_stdin(&[], &format!("{pod}\n---\n{account}\n"));
    assert_eq!(report["results"][0]["unknown"].as_array().unwrap().len(), 0);
    assert!(report["results"][0]["patch"].is_array());
}

#[test]
fn the_pods_own_word_on_automounting_needs_no_account() {
    let pod = "{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {automountServiceAccountToken: false, serviceAccountName: app, containers: [{name: a}]}}";
    let report = json_of_stdin(&[], pod);
    assert_eq!(report["results"][0]["unknown"].as_array().unwrap().len(), 0);
    assert!(report["results"][0]["patch"].is_array());
}

#[test]
fn a_secret_of_the_input_is_known_to_hold_a_legacy_token_or_not() {
    let pod = "{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {automountServiceAccountToken: true, containers: [{name: a, envFrom: [{secretRef: {name: s}}]}]}}";
    let unknown = json_of_stdin(&[], pod);
    assert_eq!(unknown["results"][0]["unknown"][0], "secret/s");
    let secret = "{apiVersion: v1, kind: Secret, metadata: {name: s}}";
    let known = json_of_stdin(&[], &format!("{pod}\n---\n{secret}\n"));
    assert_eq!(known["results"][0]["unknown"].as_array().unwrap().len(), 0);
    assert_eq!(
        known["results"][0]["findings"].as_array().unwrap().iter().filter(|it| it["code"] == "TW201").count(),
        0
    );
}

#[test]
fn an_inventory_in_the_input_counts() {
    let pod = "{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {automountServiceAccountToken: true, containers: [{name: a, envFrom: [{secretRef: {name: s}}]}]}}";
    let inventory = "{apiVersion: tokenward.dev/v1alpha1, kind: TokenInventory, secrets: [{namespace: default, name: s, serviceAccount: ci}]}";
    let report = json_of_stdin(&[], &format!("{inventory}\n---\n{pod}\n"));
    assert_eq!(report["results"][0]["findings"][0]["code"], "TW201");
    assert_eq!(report["results"][0]["findings"][0]["paths"][0]["line"], 3);
}

#[test]
fn a_recorded_review_can_be_asked_one_question_alone() {
    let phases = |arguments: &[&str]| -> Vec<Value> {
        let report = json(&[&["../recorded/secret.json"], arguments].concat());
        report["results"].as_array().unwrap().iter().map(|result| result["phase"].clone()).collect()
    };
    assert_eq!(phases(&[]), ["mutate", "validate"]);
    assert_eq!(phases(&["--phase=mutate"]), ["mutate"]);
    assert_eq!(phases(&["--phase=validate"]), ["validate"]);
}

#[test]
fn a_path_that_only_completion_makes_is_shown_at_the_nearest_field_above() {
    let report = json(&["automounting.yaml", "--policy-name=restricted"]);
    let path = &report["results"][0]["findings"][0]["paths"][0];
    assert_eq!(
        (&path["path"], &path["exact"], &path["line"]),
        (&"automountServiceAccountToken".into(), &false.into(), &3.into())
    );
}

#[test]
fn results_are_plain_in_a_pipe_and_coloured_where_it_is_asked_for() {
    let plain = review(&["long-lived-secret.yaml"]);
    assert!(!stdout(&plain).contains('\u{1b}'));
    let coloured =
        command(&["long-lived-secret.yaml"]).env("CLICOLOR_FORCE", "1").env_remove("NO_COLOR").output().unwrap();
    assert!(stdout(&coloured).contains("\u{1b}["));
}

#[test]
fn names_from_the_input_cannot_command_a_terminal() {
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: \"a\\e[31mb\", annotations: {kubernetes.io/service-account.name: \"c\\e[2Jd\"}}\ntype: kubernetes.io/service-account-token\n---\napiVersion: v1\nkind: \"X\\e[31m\"\n";
    let output = review_stdin(&["-"], secret);
    assert!(stdout(&output).contains("deny[TW101"), "{}", stdout(&output));
    assert!(!stdout(&output).contains('\u{1b}'), "{:?}", stdout(&output));
}
