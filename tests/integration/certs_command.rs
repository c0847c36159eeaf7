//! `tokenward certs`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

fn certs(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tokenward")).arg("certs").args(arguments).output().unwrap()
}

fn make(directory: &Path, more: &[&str]) -> Output {
    let out = directory.to_str().unwrap();
    certs(&[&["make", "--out", out], more].concat())
}

fn inspect(path: &Path) -> (Option<i32>, String) {
    let output = certs(&["inspect", path.to_str().unwrap()]);
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(text).unwrap())
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn makes_a_pair_for_the_service_and_keeps_its_keys_private() {
    let directory = tempfile::tempdir().unwrap();
    let made = directory.path().join("certs");
    let output = make(&made, &["--days", "30"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let permissions = |name: &str| fs::metadata(made.join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(["ca.key", "tls.key"].map(permissions), [0o600, 0o600]);
    assert!(!text(&output.stdout).contains("PRIVATE"));

    let (code, said) = inspect(&made);
    assert_eq!(code, Some(0), "{said}");
    for part in [
        "tokenward.tokenward.svc, tokenward.tokenward.svc.cluster.local",
        "30 days left",
        "matches the certificate",
        "whoever trusts ca.crt accepts the certificate",
    ] {
        assert!(said.contains(part), "{part:?} is not in\n{said}");
    }
}

#[test]
fn takes_names_and_addresses_in_place_of_the_service() {
    let directory = tempfile::tempdir().unwrap();
    let output = make(directory.path(), &["--dns", "webhook.example", "--ip", "192.0.2.7", "--ip", "2001:db8::7"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let (_, said) = inspect(directory.path());
    assert!(said.contains("names      webhook.example, 192.0.2.7, 2001:db8::7\n"), "{said}");
}

#[test]
fn refuses_to_overwrite_without_force() {
    let directory = tempfile::tempdir().unwrap();
    make(directory.path(), &[]);
    let before = fs::read(directory.path().join("tls.key")).unwrap();
    let refused = make(directory.path(), &[]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused.stderr).contains("ca.crt is there already; --force replaces it"), "{:?}", refused.stderr);
    assert_eq!(fs::read(directory.path().join("tls.key")).unwrap(), before);

    assert!(make(directory.path(), &["--force"]).status.success());
    assert_ne!(fs::read(directory.path().join("tls.key")).unwrap(), before);
    assert_eq!(inspect(directory.path()).0, Some(0));
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 4, "nothing but the four files");
}

#[test]
fn says_which_name_or_number_of_days_cannot_be() {
    let directory = tempfile::tempdir().unwrap();
    for (arguments, expected) in [
        (["--dns", "not a name"], r#""not a name" is no DNS name"#),
        (["--ip", "webhook.example"], "invalid value 'webhook.example' for '--ip <ADDR>'"),
        (["--days", "0"], "invalid value '0' for '--days <DAYS>'"),
    ] {
        let output = make(directory.path(), &arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(text(&output.stderr).contains(expected), "{}", text(&output.stderr));
    }
}

#[test]
fn a_key_of_another_certificate_is_bad_input() {
    let directory = tempfile::tempdir().unwrap();
    let [one, other] = ["one", "other"].map(|name| directory.path().join(name));
    make(&one, &[]);
    make(&other, &[]);
    fs::copy(other.join("tls.key"), one.join("tls.key")).unwrap();
    let (code, said) = inspect(&one);
    assert_eq!(code, Some(2));
    assert!(said.contains("does not belong to the first certificate in"), "{said}");
}

#[test]
fn an_authority_that_did_not_sign_is_a_finding() {
    let directory = tempfile::tempdir().unwrap();
    let [one, other] = ["one", "other"].map(|name| directory.path().join(name));
    make(&one, &[]);
    make(&other, &[]);
    fs::copy(other.join("ca.crt"), one.join("ca.crt")).unwrap();
    let (code, said) = inspect(&one);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("whoever trusts ca.crt refuses the certificate"), "{said}");
}

#[test]
fn what_cannot_be_read_is_bad_input_and_is_never_repeated() {
    let directory = tempfile::tempdir().unwrap();
    make(directory.path(), &[]);
    let key = directory.path().join("tls.key");
    let whole = fs::read_to_string(&key).unwrap();
    let secret = whole.lines().nth(1).unwrap().to_owned();
    let cases = [
        (String::new(), "holds no private key"),
        (whole[..whole.len() / 2].to_owned(), "the file may be cut short"),
        (whole.replacen("-----BEGIN", "-----BEGIN-", 1), "tls.key"),
        ("x".repeat(2 * 1024 * 1024), "is larger than 1 MiB"),
    ];
    for (content, expected) in cases {
        fs::write(&key, content).unwrap();
        let (code, said) = inspect(directory.path());
        assert_eq!(code, Some(2), "{expected}: {said}");
        assert!(said.contains(expected), "{said}");
        assert!(!said.contains(&secret[..20]), "{said}");
    }
    let (code, said) = inspect(&directory.path().join("missing"));
    assert_eq!(code, Some(2));
    assert!(said.contains("cannot read") && said.contains("missing"), "{said}");
}
