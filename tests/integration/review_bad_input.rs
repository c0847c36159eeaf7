//! Input that cannot be read or judged: each with its own error and exit code 2, and the rest is reported all the same.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

const SECRET: &str = "apiVersion: v1\nkind: Secret\nmetadata: {name: a, annotations: {kubernetes.io/service-account.name: ci}}\ntype: kubernetes.io/service-account-token\n";

struct Directory(tempfile::TempDir);

impl Directory {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn with(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        fs::write(self.0.path().join(name), content).unwrap();
        self
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn review(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tokenward"));
        command.current_dir(self.path()).arg("review").args(arguments).output().unwrap()
    }

    /// Expects exit code 2 and gives standard error.
    fn error(&self, arguments: &[&str]) -> String {
        let output = self.review(arguments);
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{error}");
        error
    }
}

#[test]
fn a_missing_file() {
    assert_eq!(Directory::new().error(&["gone.yaml"]), "error: gone.yaml: no such file or directory\n");
}

#[test]
fn a_file_that_may_not_be_read() {
    let directory = Directory::new().with("closed.yaml", SECRET);
    let path = directory.path().join("closed.yaml");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::read(&path).is_ok() {
        // The superuser may read everything; a directory in the place of a file is as unreadable for everybody.
        return;
    }
    assert_eq!(directory.error(&["closed.yaml"]), "error: closed.yaml: permission denied\n");
}

#[test]
fn a_file_that_is_no_text() {
    let directory = Directory::new().with("picture.yaml", [0xff, 0xd8, 0xff, 0xe0]);
    assert_eq!(directory.error(&["picture.yaml"]), "error: picture.yaml: the file is not UTF-8 text\n");
}

#[test]
fn a_directory_without_manifests() {
    let directory = Directory::new().with("readme.txt", "");
    assert_eq!(directory.error(&["."]), "error: .: no .yaml, .yml or .json file in this directory\n");
}

#[test]
fn no_input_at_all() {
    let error = Directory::new().error(&[]);
    assert!(error.contains("required arguments were not provided"), "{error}");
}

#[test]
fn an_input_without_a_document() {
    let directory = Directory::new().with("empty.yaml", "# nothing\n---\n");
    assert_eq!(directory.error(&["empty.yaml"]), "error: empty.yaml: nothing to review: there is no document in it\n");
}

#[test]
fn yaml_that_does_not_parse_is_named_with_line_and_column_and_does_not_hide_the_rest() {
    let directory = Directory::new().with("a.yaml", format!("kind: [\n---\n{SECRET}"));
    let output = directory.review(&["a.yaml"]);
    assert_eq!(output.status.code(), Some(2));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.starts_with("error: a.yaml:1:7: not YAML: "), "{error}");
    assert!(String::from_utf8(output.stdout).unwrap().contains("deny[TW101"));
}

#[test]
fn json_that_does_not_parse() {
    let directory = Directory::new().with("a.json", "{\n  \"kind\" \"Pod\"\n}\n");
    let error = directory.error(&["a.json"]);
    assert_eq!(error, "error: a.json:2:10: not JSON: expected `:`\n");
}

#[test]
fn a_document_that_is_no_object_is_an_error_where_it_was_named_and_skipped_where_it_was_found() {
    let directory = Directory::new().with("values.yaml", "replicas: 3\n").with("secret.yaml", SECRET);
    let error = directory.error(&["values.yaml"]);
    assert_eq!(error, "error: values.yaml:1:1: not a Kubernetes object: apiVersion and kind are missing\n");
    let output = directory.review(&["."]);
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("1 skipped: not Kubernetes objects: ./values.yaml:1"), "{text}");
}

#[test]
fn a_key_that_is_given_twice() {
    let directory = Directory::new()
        .with("a.yaml", "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n  name: b\n")
        .with("b.json", "{\"apiVersion\": \"v1\", \"kind\": \"Pod\",\n \"kind\": \"Pod\"}");
    assert_eq!(directory.error(&["a.yaml"]), "error: a.yaml:5:3: the key \"name\" is given twice\n");
    assert_eq!(directory.error(&["b.json"]), "error: b.json:2:2: the key \"kind\" is given twice\n");
}

#[test]
fn a_field_of_the_wrong_type_is_named() {
    let pod =
        "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers:\n  - name: app\n    env: {A: secret}\n";
    let directory = Directory::new().with("a.yaml", pod);
    assert_eq!(directory.error(&["a.yaml"]), "error: a.yaml:7:5: Pod web: spec.containers[0].env has the wrong type\n");
}

#[test]
fn a_policy_that_does_not_exist() {
    let directory = Directory::new().with("a.yaml", SECRET);
    let error = directory.error(&["a.yaml", "--policy-name=restrictd"]);
    assert_eq!(
        error,
        "error: no policy is called \"restrictd\"; did you mean restricted? known are audit, baseline, restricted, warn\n"
    );
}

#[test]
fn a_policy_in_the_input_that_is_wrong() {
    let policy =
        "---\napiVersion: tokenward.dev/v1alpha1\nkind: TokenPolicy\nmetadata: {name: ours}\nspec: {ruels: {}}\n";
    let directory = Directory::new().with("a.yaml", format!("{SECRET}{policy}"));
    let error = directory.error(&["a.yaml"]);
    assert!(error.contains("a.yaml:9:8") && error.contains("did you mean rules?"), "{error}");
}

#[test]
fn an_instant_that_is_none() {
    let directory = Directory::new().with("a.yaml", SECRET);
    let error = directory.error(&["a.yaml", "--now=tomorrow"]);
    assert!(error.contains("invalid value 'tomorrow' for '--now <TIMESTAMP>'"), "{error}");
}

#[test]
fn a_recorded_review_that_cannot_be_judged() {
    let review = r#"{"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview"}"#;
    let old = r#"{"apiVersion": "admission.k8s.io/v1beta1", "kind": "AdmissionReview", "request": {}}"#;
    let directory = Directory::new().with("a.json", review).with("b.json", old);
    assert_eq!(directory.error(&["a.json"]), "error: a.json:1:1: the review has no request\n");
    assert!(directory.error(&["b.json"]).contains("tokenward reads AdmissionReview of admission.k8s.io/v1"));
}

#[test]
fn json_output_has_the_errors_too() {
    let directory = Directory::new().with("a.yaml", "kind: [\n");
    let output = directory.review(&["a.yaml", "gone.yaml", "-o", "json"]);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["errors"][0]["file"], "gone.yaml");
    assert_eq!(report["errors"][1]["line"], 1);
    assert_eq!(report["summary"]["errors"], 2);
}

#[test]
fn a_link_in_a_directory_that_leads_nowhere_is_not_passed_over() {
    let directory = Directory::new().with("fine.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n");
    std::os::unix::fs::symlink("gone/secret.yaml", directory.path().join("secret.yaml")).unwrap();
    assert_eq!(directory.error(&["."]), "error: ./secret.yaml: no such file or directory\n");
}

#[test]
fn a_verdict_does_not_depend_on_whether_its_reader_stays() {
    let directory = Directory::new().with("secret.yaml", SECRET);
    let status = |paths: &[&str]| {
        let (reader, out) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = Command::new(env!("CARGO_BIN_EXE_tokenward"));
        command.current_dir(directory.path()).arg("review").args(paths);
        command.stdout(out.try_clone().unwrap()).stderr(out).status().unwrap().code()
    };
    assert_eq!(status(&["secret.yaml"]), Some(1));
    assert_eq!(status(&["secret.yaml", "gone.yaml"]), Some(2));
}
