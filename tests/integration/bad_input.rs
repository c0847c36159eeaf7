//! Bad input, by every command that it can be given to: each kind with its own clear error and exit code.

use std::fs;
use std::net::TcpListener;
use std::path::Path;

use assert_cmd::Command;
use tempfile::TempDir;
use tokenward::certs::{Authority, Issued, Names};

use crate::webhook::Webhook;

/// Readable for nobody, not even for the superuser.
const UNREADABLE: &str = "/proc/self/mem";

const SECRET: &str = "apiVersion: v1\nkind: Secret\ntype: kubernetes.io/service-account-token\nmetadata:\n  name: ci-token\n  \
                      namespace: team-a\n  annotations: {kubernetes.io/service-account.name: ci}\n";

/// A directory to run commands in.
struct Directory(TempDir);

impl Directory {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn with(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        self
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Runs `tokenward` and gives exit code, standard output and standard error.
    #[track_caller]
    fn run(&self, command_line: &str) -> (i32, String, String) {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("tokenward"));
        command.env_clear().env("HOME", self.path()).current_dir(self.path()).args(command_line.split(' '));
        let output = command.timeout(std::time::Duration::from_mins(1)).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let error = text(output.stderr);
        (
            output.status.code().unwrap_or_else(|| panic!("{command_line} did not end: {error}")),
            text(output.stdout),
            error,
        )
    }

    /// Expects `code`, nothing on standard output, and all of `parts` on standard error.
    #[track_caller]
    fn refuses(&self, command_line: &str, code: i32, parts: &[&str]) {
        let (ended, out, error) = self.run(command_line);
        assert_eq!((ended, &*out), (code, ""), "{command_line}: {error}");
        for part in parts {
            assert!(error.contains(part), "{command_line}: {part:?} is not in: {error}");
        }
        assert!(!error.contains("panicked"), "{error}");
    }
}

/// On free ports, with a certificate in memory.
const SERVE: &str = "serve --dev --listen=127.0.0.1:0 --admin-listen=127.0.0.1:0";

fn exception(expires: &str) -> String {
    format!(
        "apiVersion: tokenward.dev/v1alpha1\nkind: TokenException\nmetadata: {{name: agreed}}\nspec:\n  rules: [TW101]\n  \
         namespace: team-a\n  secret: ci-token\n  serviceAccount: ci\n  reason: r\n  owner: platform@example.com\n  \
         expires: {expires}\n"
    )
}

fn policy(spec: &str) -> String {
    format!("apiVersion: tokenward.dev/v1alpha1\nkind: TokenPolicy\nmetadata: {{name: ours}}\nspec:\n  {spec}\n")
}

#[test]
fn a_missing_file() {
    let directory = Directory::new().with("secret.yaml", SECRET).with("policy.yaml", policy("extends: audit"));
    for (command_line, parts) in [
        ("review gone.yaml", &["error: gone.yaml: no such file or directory"][..]),
        ("review secret.yaml --policy gone.yaml", &["there is no such file or directory", "gone.yaml"]),
        ("review secret.yaml --inventory gone.yaml", &["there is no such file or directory", "gone.yaml"]),
        ("policy check gone.yaml", &["there is no such file or directory", "gone.yaml"]),
        ("policy check policy.yaml --against gone.yaml", &["error: gone.yaml: no such file or directory"]),
        ("policy show --policy gone.yaml", &["there is no such file or directory", "gone.yaml"]),
        ("manifests --url https://192.0.2.1 --policy gone.yaml", &["there is no such file or directory", "gone.yaml"]),
        ("inspect gone.token", &["cannot read gone.token", "No such file"]),
        ("scan --kubeconfig gone", &["the kubeconfig gone cannot be read: No such file"]),
        (&*format!("{SERVE} --policy gone.yaml"), &["there is no such file or directory", "gone.yaml"]),
        (&*format!("{SERVE} --inventory gone.yaml"), &["there is no such file or directory", "gone.yaml"]),
    ] {
        directory.refuses(command_line, 2, parts);
    }
}

#[test]
fn an_unreadable_file() {
    let directory = Directory::new().with("policy.yaml", policy("extends: audit"));
    let why = "Input/output error";
    for command_line in [
        format!("review {UNREADABLE}"),
        format!("policy check {UNREADABLE}"),
        format!("policy check policy.yaml --against {UNREADABLE}"),
        format!("policy check policy.yaml --inventory {UNREADABLE}"),
        format!("inspect {UNREADABLE}"),
        format!("scan --kubeconfig {UNREADABLE}"),
        format!("{SERVE} --policy {UNREADABLE}"),
    ] {
        directory.refuses(&command_line, 2, &[UNREADABLE, why]);
    }
}

#[test]
fn a_file_that_is_no_text() {
    let directory =
        Directory::new().with("picture.yaml", [0x61, 0xff, 0xd8]).with("policy.yaml", policy("extends: audit"));
    for command_line in
        ["review picture.yaml", "policy check picture.yaml", "policy check policy.yaml --against picture.yaml"]
    {
        directory.refuses(command_line, 2, &["picture.yaml", "the file is not UTF-8 text"]);
    }
}

#[test]
fn yaml_that_does_not_parse() {
    let directory = Directory::new().with("broken.yaml", "kind: [\n").with("policy.yaml", policy("extends: audit"));
    directory.refuses("review broken.yaml", 2, &["error: broken.yaml:1:7: not YAML: "]);
    directory.refuses("policy check policy.yaml --against broken.yaml", 2, &["error: broken.yaml:1:7: not YAML: "]);
    for command_line in
        ["policy check broken.yaml", "policy show --policy broken.yaml", &*format!("{SERVE} --policy broken.yaml")]
    {
        directory.refuses(command_line, 2, &["the file is not YAML", "broken.yaml:1:7", "look at the indentation"]);
    }
    let directory = Directory::new().with("kubeconfig", "users: [\n");
    directory.refuses("scan --kubeconfig kubeconfig", 2, &["kubeconfig is no kubeconfig: something is wrong at line "]);
}

#[test]
fn an_unknown_policy_field() {
    let directory = Directory::new().with("policy.yaml", policy("ruels: {}")).with("secret.yaml", SECRET);
    for command_line in [
        "policy check policy.yaml",
        "policy show --policy policy.yaml",
        "review secret.yaml --policy policy.yaml",
        "review secret.yaml policy.yaml",
        "manifests --url https://192.0.2.1 --policy policy.yaml",
        &*format!("{SERVE} --policy policy.yaml"),
    ] {
        let parts = ["spec.ruels: there is no such field", "policy.yaml:5:3", "did you mean rules?"];
        directory.refuses(command_line, 2, &parts);
    }
}

#[test]
fn an_unknown_policy_name() {
    let directory = Directory::new().with("secret.yaml", SECRET);
    for command_line in ["review secret.yaml --policy-name restrictd", "policy show restrictd"] {
        directory.refuses(command_line, 2, &["no policy is called \"restrictd\"; did you mean restricted?"]);
    }
}

#[test]
fn a_malformed_date() {
    let why = "write the last day on which it holds as year-month-day, such as 2027-03-31";
    for date in ["31.03.2027", "2027-02-30", "soon", "2027-03-31T00:00:00Z"] {
        let directory = Directory::new().with("e.yaml", exception(date)).with("secret.yaml", SECRET);
        for command_line in ["policy check e.yaml", "review secret.yaml e.yaml", &*format!("{SERVE} --policy e.yaml")] {
            let what = format!("spec.expires: \"{date}\" is not a date");
            directory.refuses(command_line, 2, &[&what, "e.yaml:11:12", why]);
        }
    }
    let directory = Directory::new().with("secret.yaml", SECRET).with("e.yaml", exception("2027-03-31"));
    for command_line in ["review secret.yaml --now 2027-13-01T00:00:00Z", "policy check e.yaml --now 31.03.2027"] {
        directory.refuses(command_line, 2, &["invalid value '", "' for '--now <TIMESTAMP>'"]);
    }
    for ttl in ["90", "3months", "0d", "99999999999d"] {
        let command_line = format!("scan -o exceptions --owner me --ttl {ttl}");
        directory.refuses(&command_line, 2, &[&format!("invalid value '{ttl}' for '--ttl <TTL>'")]);
    }
}

/// It is no fault of the file, which was good until that day: exit code 1, and a server starts with it.
#[test]
fn a_past_date() {
    let directory = Directory::new().with("e.yaml", exception("2024-06-30")).with("secret.yaml", SECRET);
    let (code, out, error) = directory.run("policy check e.yaml");
    assert_eq!((code, &*error), (1, ""));
    assert!(out.contains("exception agreed: expired on 2024-06-30 (owner platform@example.com)"), "{out}");
    assert!(out.contains("e.yaml:11:12: agree on a new date with the owner, or remove the exception"), "{out}");
    let (code, out, error) = directory.run("review secret.yaml e.yaml");
    assert_eq!((code, &*error), (1, ""));
    assert!(out.contains("; exception agreed expired on 2024-06-30 (owner platform@example.com)"), "{out}");
    // Ready, or this panics.
    Webhook::start(&["--dev", &format!("--policy={}", directory.path().join("e.yaml").display())]);
}

/// Expects `why` of the server and of `certs inspect`, and that no line of the key is told.
#[track_caller]
fn refuses_pair(tls_crt: Option<&str>, tls_key: Option<&str>, why: &str) {
    let mut directory = Directory::new();
    fs::create_dir(directory.path().join("certs")).unwrap();
    for (name, content) in [("certs/tls.crt", tls_crt), ("certs/tls.key", tls_key)] {
        if let Some(content) = content {
            directory = directory.with(name, content);
        }
    }
    let listen = "--listen=127.0.0.1:0 --admin-listen=127.0.0.1:0";
    let mut told: Vec<String> = Vec::new();
    let (code, _, error) = directory.run(&format!("serve --tls-dir certs {listen}"));
    assert!(code == 2 && error.contains(&format!("error: no usable certificate: {why}")), "{error}");
    told.push(error);
    // A certificate can be inspected without its key.
    if tls_key.is_some() {
        let (code, _, error) = directory.run("certs inspect certs");
        assert!(code == 2 && error.contains(&format!("error: {why}")), "{error}");
        told.push(error);
    }
    for line in tls_key.into_iter().flat_map(str::lines).filter(|line| line.len() > 40) {
        assert!(!told.concat().contains(line), "a line of the key is told: {told:?}");
    }
}

fn issued() -> Issued {
    Authority::generate(1).unwrap().issue(&Names::loopback()).unwrap()
}

#[test]
fn an_unreadable_key_pair() {
    let Issued { certificate, key } = issued();
    refuses_pair(None, Some(&key), "cannot read certs/tls.crt: No such file");
    refuses_pair(Some(&certificate), None, "cannot read certs/tls.key: No such file");
    refuses_pair(
        Some("nothing"),
        Some(&key),
        "certs/tls.crt holds no certificate: a section BEGIN CERTIFICATE is needed",
    );
    refuses_pair(
        Some(&certificate),
        Some(&certificate),
        "certs/tls.key holds no private key: a section BEGIN PRIVATE KEY",
    );
    let half = &key[..key.len() / 2];
    refuses_pair(
        Some(&certificate),
        Some(half),
        "certs/tls.key is not PEM: a section has no end; the file may be cut short",
    );
}

#[test]
fn a_mismatched_key_pair() {
    let why = "the private key in certs/tls.key does not belong to the first certificate in certs/tls.crt";
    refuses_pair(Some(&issued().certificate), Some(&issued().key), why);
}

#[test]
fn a_port_in_use() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let (directory, port) = (Directory::new(), address.port());
    for (flag, other) in [("--listen", "--admin-listen"), ("--admin-listen", "--listen")] {
        let command_line = format!("serve --dev {flag}={address} {other}=127.0.0.1:0");
        let parts = [&*format!("error: port {port} is in use"), &*format!("choose another with {flag}\n")];
        directory.refuses(&command_line, 2, &parts);
    }
}

#[test]
fn an_unknown_rule() {
    let directory = Directory::new()
        .with("policy.yaml", policy("rules: {legacy-token-secrets: deny}"))
        .with("e.yaml", exception("2999-12-31").replace("TW101", "TW999"));
    directory.refuses("explain TW999", 2, &["no rule is called \"TW999\"", "tokenward explain lists all"]);
    directory.refuses("explain legacy-token-secrets", 2, &["did you mean legacy-token-secret?"]);
    directory.refuses(
        "policy check policy.yaml",
        2,
        &["there is no rule \"legacy-token-secrets\"", "policy.yaml:5:11"],
    );
    directory.refuses("policy check e.yaml", 2, &["there is no rule \"TW999\"", "e.yaml:5:11"]);
}

#[test]
fn an_unreachable_cluster() {
    // Bound and let go: nobody listens there now.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let kubeconfig = format!(
        "clusters: [{{name: a, cluster: {{server: \"https://{address}\"}}}}]\n\
         users: [{{name: a, user: {{}}}}]\n\
         contexts: [{{name: a, context: {{cluster: a, user: a}}}}]\n\
         current-context: a\n"
    );
    let directory = Directory::new().with("kubeconfig", kubeconfig);
    let why = format!("https://{address} cannot be reached: Connection refused");
    for output in ["-o table", "-o json", "-o inventory", "-o exceptions --owner platform@example.com"] {
        directory.refuses(&format!("scan --kubeconfig kubeconfig {output}"), 3, &[&why]);
    }
}
