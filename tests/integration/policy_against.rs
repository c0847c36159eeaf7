//! `tokenward policy check --against`: what there is to be said of exceptions that are good ones.

use std::fs;
use std::process::Stdio;

use assert_cmd::Command;
use serde_json::Value;
use tempfile::TempDir;

/// When the tests take place.
const NOW: &str = "2026-11-23T12:00:00Z";

const INVENTORY: &str = "apiVersion: tokenward.dev/v1alpha1\nkind: TokenInventory\nsecrets:\n\
                         - {namespace: team-a, name: ci-token, serviceAccount: ci}\n\
                         - {namespace: team-b, name: web-1-token, serviceAccount: web}\n";

struct Directory(TempDir);

impl Directory {
    fn with(files: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = directory.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        Self(directory)
    }

    fn check(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("tokenward"));
        command.current_dir(&self.0).args(["policy", "check", "--now", NOW]).args(arguments);
        command
    }

    /// Exit code, standard output and standard error.
    fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        let output = self.check(arguments).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }

    /// The kinds of remark on each exception, by its name.
    fn kinds(&self, arguments: &[&str]) -> Vec<String> {
        let (_, told, error) = self.run(&[arguments, &["-o", "json"]].concat());
        assert_eq!(error, "");
        let report: Value = serde_json::from_str(&told).unwrap();
        let kinds = |exception: &Value| {
            let kinds = exception["remarks"].as_array().unwrap().iter().map(|remark| remark["kind"].as_str().unwrap());
            format!("{}: {}", exception["name"].as_str().unwrap(), kinds.collect::<Vec<_>>().join(" "))
        };
        report["exceptions"].as_array().unwrap().iter().map(kinds).collect()
    }
}

/// An exception of fourteen lines with the separator, for `rules`, namespace, Secret and account, and its last day.
fn exception(name: &str, rules: &str, [namespace, secret, account]: [&str; 3], expires: &str) -> String {
    format!(
        "apiVersion: tokenward.dev/v1alpha1\nkind: TokenException\nmetadata:\n  name: {name}\nspec:\n  rules: [{rules}]\n  \
         namespace: \"{namespace}\"\n  secret: \"{secret}\"\n  serviceAccount: \"{account}\"\n  reason: r\n  \
         owner: platform@example.com\n  expires: {expires}\n"
    )
}

fn far(name: &str, of: [&str; 3]) -> String {
    exception(name, "TW101, TW201", of, "2027-12-31")
}

#[test]
fn tells_what_ended_ends_soon_is_for_nothing_and_overlaps_with_its_places() {
    let file = [
        exception("ended", "TW101", ["team-a", "ci-token", "ci"], "2026-10-31"),
        exception("soon", "TW101", ["team-a", "ci-token", "ci"], "2026-12-10"),
        far("gone", ["team-a", "old-token", "ci"]),
        far("wide", ["team-*", "*-token", "*"]),
    ]
    .join("---\n");
    let directory = Directory::with(&[("exceptions.yaml", &file), ("inventory.yaml", INVENTORY)]);
    let (code, told, _) = directory.run(&["exceptions.yaml", "--against", "inventory.yaml"]);
    assert_eq!(code, 1, "an exception has ended");
    insta::assert_snapshot!(told, @r"
    exception ended: expired on 2026-10-31 (owner platform@example.com)
      exceptions.yaml:12:12: agree on a new date with the owner, or remove the exception
    exception soon: ends soon, on 2026-12-10, in 17 days (owner platform@example.com)
      exceptions.yaml:25:12: agree with the owner on what follows: another token, or a new date
    exception gone: holds until 2027-12-31, 403 days (owner platform@example.com)
      exceptions.yaml:30:9: matches no Secret that --against holds or reaches: remove it if nothing needs it any more
    exception wide: holds until 2027-12-31, 403 days (owner platform@example.com)
      exceptions.yaml:43:9: overlaps exception soon (exceptions.yaml:17:9): both allow Secret team-a/ci-token of ServiceAccount ci under legacy-token-secret
      exceptions.yaml:43:9: overlaps exception gone (exceptions.yaml:30:9): both allow Secret team-a/old-token of ServiceAccount ci under legacy-token-secret
    against: 2 Secrets that an exception can be for
    ");
}

#[test]
fn these_are_no_errors_of_the_file_and_fail_on_says_which_of_them_fail() {
    let ended = exception("e", "TW101", ["team-a", "ci-token", "ci"], "2026-10-31");
    let soon = exception("e", "TW101", ["team-a", "ci-token", "ci"], "2026-12-10");
    let gone = far("e", ["team-a", "old-token", "ci"]);
    let twice = [far("e", ["team-a", "ci-token", "ci"]), far("f", ["team-a", "ci-token", "ci"])].join("---\n");
    let clean = far("e", ["team-a", "ci-token", "ci"]);
    for (file, codes) in
        [(ended, [0, 1, 1]), (soon, [0, 0, 1]), (gone, [0, 0, 1]), (twice, [0, 0, 1]), (clean, [0, 0, 0])]
    {
        let directory = Directory::with(&[("e.yaml", &file), ("inventory.yaml", INVENTORY)]);
        let code = |level| directory.run(&["e.yaml", "--against", "inventory.yaml", "--fail-on", level]).0;
        assert_eq!(["never", "deny", "warn"].map(code), codes, "{file}");
        assert_eq!(directory.run(&["e.yaml", "--against", "inventory.yaml"]).0, codes[1], "deny is the default");
    }
}

#[test]
fn thirty_days_before_its_end_an_exception_ends_soon() {
    for (last_day, kinds) in [("2026-12-22", "ends-soon"), ("2026-12-23", ""), ("2026-11-23", "ends-soon")] {
        let directory = Directory::with(&[("e.yaml", &exception("e", "TW101", ["a", "b", "c"], last_day))]);
        assert_eq!(directory.kinds(&["e.yaml"]), [format!("e: {kinds}")], "{last_day}");
    }
}

#[test]
fn a_match_is_looked_for_in_everything_that_can_hold_or_reach_a_token() {
    let secret = "apiVersion: v1\nkind: Secret\ntype: kubernetes.io/service-account-token\nmetadata:\n  name: by-hand\n  \
                  annotations: {kubernetes.io/service-account.name: ci}\n";
    let list = r#"{"apiVersion": "v1", "kind": "List", "items": [{"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "team-c"}, "spec": {"template": {"spec": {
        "initContainers": [{"name": "a", "envFrom": [{"secretRef": {"name": "reached"}}]}], "containers": []}}}}]}"#;
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: team-c}\nspec:\n  serviceAccountName: puller\n  \
               containers: []\n";
    let account = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: puller, namespace: team-c}\n\
                   imagePullSecrets: [{name: pulled}]\n";
    let stored = format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: copied, namespace: team-d}}\nstringData: {{kubeconfig: \"token: {}\"}}\n",
        crate::fixture::legacy_jwt("web-token", "web")
    );
    let directory = Directory::with(&[
        ("deploy/secret.yaml", secret),
        ("deploy/sub/list.json", list),
        ("deploy/sub/pod.yaml", &format!("{pod}---\n{account}")),
        ("deploy/stored.yaml", &stored),
        ("deploy/inventory.yaml", INVENTORY),
    ]);
    let rules = "TW101, TW104, TW201";
    let names = |of: [&str; 3]| {
        let file = exception("e", rules, of, "2027-12-31");
        fs::write(directory.0.path().join("e.yaml"), file).unwrap();
        let kinds = directory.kinds(&["e.yaml", "--against", "deploy", "-n", "team-a"]);
        kinds == ["e: "]
    };
    for matching in [
        ["team-a", "by-hand", "ci"],
        ["team-?", "by-*", "*"],
        ["team-a", "ci-token", "ci"],
        ["team-c", "reached", "whoever"],
        ["team-c", "pulled", "whoever"],
        ["team-d", "copied", "web"],
    ] {
        assert!(names(matching), "{matching:?}");
    }
    for (other, why) in [
        (["team-a", "by-hand", "web"], "another account"),
        (["team-b", "by-hand", "ci"], "another namespace"),
        (["team-a", "by", "ci"], "another name"),
        (["team-c", "reach*", "*"], "nothing is known of the Secret, and a glob makes nothing known"),
        (["team-d", "web-token", "web"], "the Secret that the token names is not in the input"),
    ] {
        assert!(!names(other), "{other:?}: {why}");
    }
}

#[test]
fn a_match_is_one_of_the_rules_that_the_exception_names() {
    let directory = Directory::with(&[("inventory.yaml", INVENTORY)]);
    for (rules, kinds) in [
        ("TW101", ""),
        ("legacy-token-reference", ""),
        ("TW302", ""),
        ("stored-token", "matches-nothing"),
        ("stored-token, TW101", ""),
    ] {
        let file = exception("e", rules, ["team-a", "ci-token", "ci"], "2027-12-31");
        fs::write(directory.0.path().join("e.yaml"), file).unwrap();
        assert_eq!(directory.kinds(&["e.yaml", "--against", "inventory.yaml"]), [format!("e: {kinds}")], "{rules}");
    }
}

#[test]
fn an_inventory_with_the_flag_counts_too_and_without_against_nothing_is_compared() {
    let directory = Directory::with(&[
        ("e.yaml", &far("e", ["team-a", "ci-token", "ci"])),
        ("inventory.yaml", INVENTORY),
        ("other.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"),
    ]);
    assert_eq!(directory.kinds(&["e.yaml", "--against", "other.yaml"]), ["e: matches-nothing"]);
    assert_eq!(directory.kinds(&["e.yaml", "--against", "other.yaml", "--inventory", "inventory.yaml"]), ["e: "]);
    assert_eq!(directory.kinds(&["e.yaml"]), ["e: "]);
}

#[test]
fn overlaps_are_seen_from_the_patterns_and_of_two_globs_from_what_both_match() {
    let overlap = |one: [&str; 3], other: [&str; 3], against: &[&str]| {
        let file = [far("one", one), far("other", other)].join("---\n");
        let directory = Directory::with(&[("e.yaml", &file), ("inventory.yaml", INVENTORY)]);
        let kinds = directory.kinds(&[&["e.yaml"], against].concat());
        assert!(!kinds[0].contains("overlaps"), "it is told once, of the one that stands below: {kinds:?}");
        kinds[1].contains("overlaps")
    };
    let against = &["--against", "inventory.yaml"][..];
    assert!(overlap(["team-a", "x", "c"], ["team-a", "x", "c"], &[]));
    assert!(overlap(["team-a", "x", "c"], ["team-*", "?", "*"], &[]));
    assert!(overlap(["*", "x-*", "c"], ["team-a", "x-*", "*"], &[]));
    assert!(!overlap(["team-a", "x", "c"], ["team-b", "x", "c"], against));
    assert!(!overlap(["team-a", "x", "c"], ["team-a", "y", "c"], against));
    assert!(!overlap(["team-a", "x", "c"], ["team-a", "x", "d"], against));
    assert!(!overlap(["team-a", "ci-*", "ci"], ["team-a", "*-token", "ci"], &[]), "no name is known that both match");
    assert!(overlap(["team-a", "ci-*", "ci"], ["team-a", "*-token", "ci"], against));
    assert!(!overlap(["team-a", "web-*", "ci"], ["team-a", "*-token", "ci"], against));
}

#[test]
fn exceptions_for_different_rules_do_not_overlap_and_neither_does_one_with_what_it_renews() {
    let of = ["team-a", "ci-token", "ci"];
    let different =
        [exception("a", "TW101", of, "2027-12-31"), exception("b", "TW201", of, "2027-12-31")].join("---\n");
    let renewed = [exception("a", "TW101", of, "2026-10-31"), exception("b", "TW101", of, "2027-12-31")].join("---\n");
    let directory = Directory::with(&[("different.yaml", &different), ("renewed.yaml", &renewed)]);
    assert_eq!(directory.kinds(&["different.yaml"]), ["a: ", "b: "]);
    assert_eq!(directory.kinds(&["renewed.yaml"]), ["a: expired", "b: "]);
}

#[test]
fn of_many_overlaps_some_are_told_and_the_others_counted() {
    let many: Vec<String> = (0..9).map(|index| far(&format!("e{index}"), ["team-a", "x", "c"])).collect();
    let directory = Directory::with(&[("e.yaml", &many.join("---\n"))]);
    let (_, told, _) = directory.run(&["e.yaml"]);
    let last = told.split("exception e8:").nth(1).unwrap();
    assert_eq!(last.matches(": overlaps exception e").count(), 5, "{last}");
    assert!(last.trim_end().ends_with("e.yaml:108:9: overlaps 3 more"), "{last}");
}

#[test]
fn programs_are_told_in_json() {
    let file =
        [far("one", ["team-a", "ci-token", "ci"]), exception("two", "TW201", ["team-a", "*", "ci"], "2026-12-01")]
            .join("---\n");
    let directory = Directory::with(&[("e.yaml", &file), ("inventory.yaml", INVENTORY)]);
    let (code, told, _) = directory.run(&["e.yaml", "--against", "inventory.yaml", "-o", "json"]);
    assert_eq!(code, 0);
    let report: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(report["against"]["secrets"], 2);
    insta::assert_json_snapshot!(report["exceptions"][1], @r#"
    {
      "days": 8,
      "expired": false,
      "expires": "2026-12-01",
      "name": "two",
      "owner": "platform@example.com",
      "place": "e.yaml:25:12",
      "remarks": [
        {
          "column": 12,
          "file": "e.yaml",
          "kind": "ends-soon",
          "level": "warn",
          "line": 25,
          "message": "agree with the owner on what follows: another token, or a new date",
          "other": null
        },
        {
          "column": 9,
          "file": "e.yaml",
          "kind": "overlaps",
          "level": "warn",
          "line": 17,
          "message": "overlaps exception one (e.yaml:4:9): both allow Secret team-a/ci-token of ServiceAccount ci under legacy-token-reference",
          "other": {
            "column": 9,
            "file": "e.yaml",
            "line": 4,
            "name": "one"
          }
        }
      ]
    }
    "#);
}

#[test]
fn what_is_read_cannot_command_a_terminal() {
    let file = [far("one", ["team-a", "a*", "ci"]), far("two", ["team-a", "*\\e[[]2J", "ci"])].join("---\n");
    let file = file.replace("owner: platform@example.com", "owner: \"plat\\nform\"");
    let secret = "apiVersion: v1\nkind: Secret\ntype: kubernetes.io/service-account-token\nmetadata:\n  namespace: team-a\n  \
                  name: \"a\\e[2J\"\n  annotations: {kubernetes.io/service-account.name: ci}\n";
    let directory = Directory::with(&[("e.yaml", &file), ("secret.yaml", secret)]);
    let (code, told, error) = directory.run(&["e.yaml", "--against", "secret.yaml"]);
    assert_eq!(code, 0, "{error}");
    assert!(told.contains("both allow Secret team-a/a[2J of ServiceAccount ci"), "{told}");
    assert!(told.contains("(owner platform)") && !told.contains('\u{1b}'), "{told}");
}

#[test]
fn standard_input_is_read_once() {
    let directory =
        Directory::with(&[("e.yaml", &far("e", ["team-a", "ci-token", "ci"])), ("inventory.yaml", INVENTORY)]);
    let output = directory.check(&["e.yaml", "--against", "-"]).write_stdin(INVENTORY).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(!String::from_utf8(output.stdout).unwrap().contains("matches no Secret"));
    let mut command = directory.check(&["-", "--against", "inventory.yaml"]);
    let output = command.write_stdin(far("e", ["a", "b", "c"])).output().unwrap();
    assert!(String::from_utf8(output.stdout).unwrap().contains("standard input:4:9: matches no Secret"));
    let (code, _, told) = directory.run(&["-", "--against", "-"]);
    assert_eq!((code, &*told), (2, "error: standard input can be read once: as a policy file, or with --against\n"));
}

#[test]
fn what_cannot_be_read_to_check_against_is_exit_code_2() {
    let directory = Directory::with(&[
        ("e.yaml", &far("e", ["team-a", "ci-token", "ci"])),
        ("broken.yaml", "kind: [\n"),
        ("values.yaml", "replicas: 3\n"),
        ("empty.yaml", "# nothing\n"),
        ("pod.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers: 3\n"),
        ("inventory.yaml", "apiVersion: tokenward.dev/v1alpha1\nkind: TokenInventory\nsecret: []\n"),
    ]);
    for (file, expected) in [
        ("gone.yaml", "error: gone.yaml: no such file or directory\n"),
        ("broken.yaml", "error: broken.yaml:1:7: not YAML: "),
        ("values.yaml", "error: values.yaml:1:1: not a Kubernetes object: apiVersion and kind are missing\n"),
        ("empty.yaml", "error: empty.yaml: nothing to check against: there is no document in it\n"),
        ("pod.yaml", "error: pod.yaml:5:3: Pod a: spec.containers has the wrong type\n"),
        ("inventory.yaml", "did you mean secrets?"),
    ] {
        let (code, out, told) = directory.run(&["e.yaml", "--against", file]);
        assert_eq!((code, &*out), (2, ""), "{file}: {told}");
        assert!(told.contains(expected) && told.ends_with("1 problem\n") || file == "inventory.yaml", "{file}: {told}");
        let (code, out, _) = directory.run(&["e.yaml", "--against", file, "-o", "json"]);
        let report: Value = serde_json::from_str(&out).unwrap();
        assert_eq!((code, report["problems"][0]["file"].as_str()), (2, Some(file)), "{report}");
    }
}

#[test]
fn a_pipe_that_nobody_writes_to_is_not_waited_for() {
    let directory = Directory::with(&[("e.yaml", &far("e", ["team-a", "ci-token", "ci"]))]);
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_tokenward"));
    command.current_dir(&directory.0).args(["policy", "check", "e.yaml"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let open = child.stdin.take();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    drop(open);
}
