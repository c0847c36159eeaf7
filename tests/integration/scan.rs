//! `tokenward scan`: lists legacy token Secrets, never asks for a token, and says clearly why it cannot.

pub(crate) mod canned_server;

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokenward::config::{Documents, Source, parse_inventory};

use crate::rig::{self, users::User};
use canned_server::{CannedServer, Reply};

fn scan() -> Command {
    tokenward("scan")
}

/// A command of `tokenward`, without anything of the environment that could name a cluster.
pub(crate) fn tokenward(subcommand: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tokenward"));
    command.arg(subcommand).env_remove("KUBECONFIG").env_remove("KUBERNETES_SERVICE_HOST").env("HOME", "/nonexistent");
    for proxy in ["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY", "all_proxy"] {
        command.env_remove(proxy);
    }
    command
}

/// A kubeconfig for `server`, in a directory that lives as long as the test.
pub(crate) fn kubeconfig(server: &str) -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("config");
    let text = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "canned", "cluster": {"server": server}}],
        "users": [{"name": "me", "user": {"token": "canary-of-my-own-credentials"}}],
        "contexts": [
            {"name": "canned", "context": {"cluster": "canned", "user": "me"}},
            {"name": "other", "context": {"cluster": "canned", "user": "me"}},
        ],
        "current-context": "canned",
    });
    fs::write(&path, text.to_string()).unwrap();
    (directory, path)
}

fn scan_at(server: &str) -> Outcome {
    let (_directory, kubeconfig) = kubeconfig(server);
    Outcome::of(scan().arg("--kubeconfig").arg(kubeconfig))
}

/// How a command ended. Its output never holds a canary, which is what the tests call secrets.
pub(crate) struct Outcome {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Outcome {
    #[track_caller]
    pub(crate) fn of(command: &mut Command) -> Self {
        let output = command.output().unwrap();
        let outcome = Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        };
        for text in [&outcome.stdout, &outcome.stderr] {
            assert!(!text.contains("canary"), "credentials or data came out: {text}");
        }
        outcome
    }

    #[track_caller]
    pub(crate) fn expect(self, code: i32, stderr: &str) -> Self {
        assert_eq!(self.code, Some(code), "{}", self.stderr);
        assert!(self.stderr.contains(stderr), "{stderr:?} is not in: {}", self.stderr);
        self
    }
}

/// What the API server sends of one Secret.
fn metadata(namespace: &str, name: &str, account: &str, labels: &Value) -> Value {
    json!({"metadata": {
        "namespace": namespace,
        "name": name,
        "labels": labels,
        "annotations": {"kubernetes.io/service-account.name": account},
        "creationTimestamp": "2023-02-01T00:00:00Z",
    }})
}

fn page(items: &[Value], next: &str) -> Reply {
    Reply::json(&json!({
        "apiVersion": "meta.k8s.io/v1",
        "kind": "PartialObjectMetadataList",
        "metadata": {"continue": next},
        "items": items,
    }))
}

fn accounts(items: &Value) -> Reply {
    Reply::json(&json!({"apiVersion": "v1", "kind": "ServiceAccountList", "metadata": {}, "items": items}))
}

#[test]
fn asks_for_metadata_of_token_secrets_and_for_nothing_else() {
    let server =
        CannedServer::start(vec![page(&[metadata("team-a", "ci-token", "ci", &json!({}))], ""), accounts(&json!([]))]);
    scan_at(&server.url()).expect(0, "1 legacy token Secret in the cluster. Its token never expires.");
    let requests = server.requests();
    assert_eq!(requests.len(), 2);
    let secrets = &requests[0];
    assert!(secrets.starts_with("GET /api/v1/secrets?"), "{secrets}");
    assert!(secrets.contains("fieldSelector=type%3Dkubernetes.io%2Fservice-account-token"), "{secrets}");
    assert!(secrets.contains("limit=500"), "{secrets}");
    let accept = secrets.lines().find(|line| line.starts_with("accept:")).unwrap();
    assert_eq!(accept, "accept: application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1");
    assert!(requests[1].starts_with("GET /api/v1/serviceaccounts?"), "{}", requests[1]);
}

#[test]
fn prints_no_data_even_if_a_server_sends_it_unasked() {
    let mut secret = metadata("team-a", "ci-token", "ci", &json!({}));
    secret["data"] = json!({"token": "canary-token"});
    for output in [&["table"][..], &["json"], &["inventory"], &["exceptions", "--owner", "me"]] {
        let server = CannedServer::start(vec![page(std::slice::from_ref(&secret), ""), accounts(&json!([]))]);
        let (_directory, kubeconfig) = kubeconfig(&server.url());
        let outcome = Outcome::of(scan().arg("--kubeconfig").arg(kubeconfig).arg("-o").args(output));
        assert!(outcome.expect(0, "").stdout.contains("ci-token"));
    }
}

#[test]
fn follows_all_pages_and_begins_anew_when_one_has_gone() {
    let one = metadata("b", "one", "ci", &json!({}));
    let two = metadata("a", "two", "ci", &json!({}));
    let gone = json!({"kind": "Status", "code": 410, "reason": "Expired", "message": "The provided continue parameter is too old"});
    let server = CannedServer::start(vec![
        page(std::slice::from_ref(&one), "next"),
        Reply::status(410, &gone),
        page(&[one], "next"),
        page(&[two], ""),
    ]);
    let (_directory, kubeconfig) = kubeconfig(&server.url());
    let outcome = Outcome::of(scan().arg("--kubeconfig").arg(kubeconfig).args(["-o", "inventory"])).expect(0, "");
    assert!(server.requests()[3].contains("continue=next"));
    insta::with_settings!({filters => [(r"generatedAt: \S+", "generatedAt: [now]")]}, {
        insta::assert_snapshot!(outcome.stdout, @"
        apiVersion: tokenward.dev/v1alpha1
        kind: TokenInventory
        generatedAt: [now]
        secrets:
        - {namespace: a, name: two, serviceAccount: ci}
        - {namespace: b, name: one, serviceAccount: ci}
        ");
    });
}

/// `scan -o exceptions` at a server that has these Secrets.
fn exceptions(secrets: &[Value], arguments: &[&str]) -> (Outcome, usize) {
    let server = CannedServer::start(vec![page(secrets, "")]);
    let (_directory, kubeconfig) = kubeconfig(&server.url());
    let arguments = [&["-o", "exceptions", "--owner", "platform@example.com"], arguments].concat();
    let outcome = Outcome::of(scan().arg("--kubeconfig").arg(kubeconfig).args(arguments));
    (outcome, server.requests().len())
}

#[test]
fn writes_an_exception_for_each_secret_and_asks_for_no_more_than_for_an_inventory() {
    let used = metadata("b", "one", "ci", &json!({"kubernetes.io/legacy-token-last-used": "2026-11-20"}));
    let other = metadata("a", "two", "web", &json!({}));
    let (outcome, requests) = exceptions(&[used, other], &["--ttl", "2w"]);
    let outcome = outcome.expect(0, "2 exceptions, which hold until ");
    assert_eq!(requests, 1, "their origin is not asked after");
    let day = r"\d{4}-\d\d-\d\d";
    let filters = [(format!("on {day},"), "on [today],"), (format!("expires: {day}"), "expires: [in two weeks]")];
    insta::with_settings!({filters => filters.each_ref().map(|(from, to)| (from.as_str(), *to))}, {
        insta::assert_snapshot!(outcome.stdout, @r#"
        apiVersion: tokenward.dev/v1alpha1
        kind: TokenException
        metadata:
          name: a.two
        spec:
          rules: [legacy-token-secret, legacy-token-reference]
          namespace: a
          secret: two
          serviceAccount: web
          reason: "Found by tokenward scan on [today], no use on record"
          owner: platform@example.com
          expires: [in two weeks]
        ---
        apiVersion: tokenward.dev/v1alpha1
        kind: TokenException
        metadata:
          name: b.one
        spec:
          rules: [legacy-token-secret, legacy-token-reference]
          namespace: b
          secret: one
          serviceAccount: ci
          reason: "Found by tokenward scan on [today], last used on 2026-11-20"
          owner: platform@example.com
          expires: [in two weeks]
        "#);
    });
    let documents = Documents::parse(&[Source::new("exceptions.yaml", outcome.stdout)]).unwrap();
    for exception in &documents.exceptions {
        let left = exception.value.ends.duration_since(jiff::Timestamp::now()).as_hours();
        assert!((14 * 24..15 * 24).contains(&left), "fourteen days, and the rest of the last: {left} h");
    }
}

#[test]
fn exceptions_hold_for_ninety_days_and_have_the_reason_that_is_given() {
    let (outcome, _) = exceptions(&[metadata("a", "b", "c", &json!({}))], &["--reason", "until the move to Vault"]);
    let documents =
        Documents::parse(&[Source::new("exceptions.yaml", outcome.expect(0, "1 exception").stdout)]).unwrap();
    let exception = &documents.exceptions[0].value;
    assert_eq!((&*exception.reason, &*exception.owner), ("until the move to Vault", "platform@example.com"));
    let left = exception.ends.duration_since(jiff::Timestamp::now()).as_hours();
    assert!((90 * 24..91 * 24).contains(&left), "{left} h");
}

#[test]
fn writes_no_exception_where_there_is_no_legacy_token() {
    let (outcome, _) = exceptions(&[], &[]);
    assert_eq!(outcome.expect(0, "No legacy token Secrets in the cluster.").stdout, "");
}

#[test]
fn says_what_exceptions_need_and_what_goes_with_them_alone() {
    for (arguments, expected) in [
        (&["-o", "exceptions"][..], "--owner <OWNER>"),
        (&["-o", "exceptions", "--owner", " "], "invalid value ' ' for '--owner <OWNER>': is empty"),
        (&["-o", "exceptions", "--owner", "me", "--reason", "a\tb"], "has control characters"),
        (
            &["-o", "exceptions", "--owner", "me", "--ttl", "90"],
            "expected a number of days or weeks, such as 90d or 12w",
        ),
        (&["-o", "exceptions", "--owner", "me", "--ttl", "-1d"], "unexpected argument '-1' found"),
        (&["-o", "exceptions", "--owner", "me", "--ttl", "0w"], "an exception holds for a day at least"),
        (&["--ttl", "90d"], "--ttl, --owner and --reason are those of exceptions: add -o exceptions"),
        (&["-o", "inventory", "--owner", "me"], "add -o exceptions"),
    ] {
        // No cluster is asked before.
        Outcome::of(scan().args(arguments)).expect(2, expected);
    }
}

#[test]
fn shows_last_use_and_origin() {
    let used = metadata("team-a", "ci-token", "ci", &json!({"kubernetes.io/legacy-token-last-used": "2026-11-20"}));
    let off = metadata(
        "team-a",
        "default-token-x7k2p",
        "default",
        &json!({"kubernetes.io/legacy-token-invalid-since": "2026-06-01"}),
    );
    let listed =
        json!([{"metadata": {"namespace": "team-a", "name": "default"}, "secrets": [{"name": "default-token-x7k2p"}]}]);
    let server = CannedServer::start(vec![page(&[used, off], ""), accounts(&listed)]);
    let (_directory, kubeconfig) = kubeconfig(&server.url());
    let outcome = Outcome::of(scan().arg("--kubeconfig").arg(kubeconfig).args(["-o", "json"])).expect(0, "");
    let mut scan: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(scan["server"], server.url());
    insta::assert_json_snapshot!(scan["secrets"].take(), @r#"
    [
      {
        "createdAt": "2023-02-01T00:00:00Z",
        "invalidSince": null,
        "lastUsed": "2026-11-20",
        "name": "ci-token",
        "namespace": "team-a",
        "origin": "manual",
        "serviceAccount": "ci"
      },
      {
        "createdAt": "2023-02-01T00:00:00Z",
        "invalidSince": "2026-06-01",
        "lastUsed": null,
        "name": "default-token-x7k2p",
        "namespace": "team-a",
        "origin": "auto-generated",
        "serviceAccount": "default"
      }
    ]
    "#);
}

#[test]
fn leaves_the_origin_open_where_service_accounts_may_not_be_listed() {
    let forbidden = json!({"kind": "Status", "code": 403, "message": "serviceaccounts is forbidden"});
    let server = CannedServer::start(vec![
        page(&[metadata("team-a", "ci-token", "ci", &json!({}))], ""),
        Reply::status(403, &forbidden),
    ]);
    let outcome = scan_at(&server.url()).expect(
        0,
        "note: without the right to `list serviceaccounts in all namespaces` the origin of a Secret stays unknown",
    );
    assert!(outcome.stdout.lines().nth(1).unwrap().ends_with('-'), "{}", outcome.stdout);
}

#[test]
fn says_so_when_there_are_none() {
    let server = CannedServer::start(vec![page(&[], "")]);
    let outcome = scan_at(&server.url()).expect(0, "No legacy token Secrets in the cluster.");
    assert_eq!(outcome.stdout, "");
    assert_eq!(server.requests().len(), 1, "no need to ask for service accounts");
}

#[test]
fn names_the_right_that_is_missing() {
    let forbidden = json!({"kind": "Status", "code": 403, "message": "secrets is forbidden: User \"me\" cannot list resource \"secrets\""});
    let server = CannedServer::start(vec![Reply::status(403, &forbidden)]);
    let outcome = scan_at(&server.url()).expect(3, "cannot list resource \"secrets\"");
    outcome.expect(3, "This needs `list secrets in all namespaces`");
}

#[test]
fn says_that_credentials_are_not_accepted() {
    let unauthorized = json!({"kind": "Status", "code": 401, "message": "Unauthorized"});
    let server = CannedServer::start(vec![Reply::status(401, &unauthorized)]);
    scan_at(&server.url()).expect(3, "does not accept the credentials of this kubeconfig");
}

#[test]
fn says_that_an_answer_is_no_list() {
    let server = CannedServer::start(vec![Reply::json(&json!(["canary"]))]);
    scan_at(&server.url())
        .expect(3, "answers a request for `list secrets in all namespaces` with something that is no Kubernetes list");
}

#[test]
fn says_which_server_cannot_be_reached() {
    // Bound and let go: nobody listens there now.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("https://{address}");
    scan_at(&url).expect(3, &format!("{url} cannot be reached: Connection refused"));
}

#[test]
fn says_that_no_answer_comes() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (_directory, kubeconfig) = kubeconfig(&url);
    Outcome::of(scan().arg("--kubeconfig").arg(kubeconfig).args(["--request-timeout", "1"]))
        .expect(3, &format!("{url} cannot be reached: no answer within 1 s"));
}

#[test]
fn says_that_the_certificate_is_not_trusted() {
    // The rig's own authority is not in the kubeconfig.
    let rig = rig::shared();
    let config: Value =
        serde_json::from_str(&fs::read_to_string(rig.kubeconfig(User::Administrator)).unwrap()).unwrap();
    let url = config["clusters"][0]["cluster"]["server"].as_str().unwrap();
    scan_at(url).expect(3, "invalid peer certificate");
}

#[test]
fn says_what_is_wrong_with_a_kubeconfig() {
    let directory = tempfile::tempdir().unwrap();
    let scan_with = |path: &Path| Outcome::of(scan().arg("--kubeconfig").arg(path));

    let missing = directory.path().join("missing");
    scan_with(&missing).expect(2, &format!("the kubeconfig {} cannot be read: No such file", missing.display()));

    let broken = directory.path().join("broken");
    fs::write(&broken, "apiVersion: v1\nusers:\n- user: {token: [canary\n").unwrap();
    scan_with(&broken).expect(2, "broken is no kubeconfig: something is wrong at line ");

    let empty = directory.path().join("empty");
    fs::write(&empty, "").unwrap();
    scan_with(&empty).expect(2, "has no usable current context: choose one with --context; it has none at all");

    Outcome::of(&mut scan()).expect(2, "the kubeconfig /nonexistent/.kube/config cannot be read");
}

#[test]
fn says_which_contexts_there_are() {
    let (_directory, kubeconfig) = kubeconfig("https://127.0.0.1:1");
    Outcome::of(scan().arg("--kubeconfig").arg(kubeconfig).args(["--context", "produciton"]))
        .expect(2, "has no context \"produciton\"; it has canned, other");
}

#[test]
fn says_that_the_program_for_credentials_failed_but_not_what_it_wrote() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("config");
    let exec = json!({
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": "sh",
        "args": ["-c", "echo canary; echo canary >&2; exit 7"],
        "interactiveMode": "Never",
    });
    let text = json!({
        "clusters": [{"name": "canned", "cluster": {"server": "https://127.0.0.1:1"}}],
        "users": [{"name": "me", "user": {"exec": exec}}],
        "contexts": [{"name": "canned", "context": {"cluster": "canned", "user": "me"}}],
        "current-context": "canned",
    });
    fs::write(&path, text.to_string().replace("echo canary", "printf 'can%s' ary")).unwrap();
    Outcome::of(scan().arg("--kubeconfig").arg(path)).expect(2, "ended with exit status: 7; run it by hand to see why");
}

#[test]
fn lists_what_a_real_cluster_holds() {
    let rig = rig::shared();
    let namespace = rig.namespace("scan", &[]);
    namespace.service_account("ci", None);
    let secret = |name: &str, kind: &str| {
        json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "type": kind,
            "metadata": {"name": name, "annotations": {"kubernetes.io/service-account.name": "ci"}},
        })
        .to_string()
    };
    namespace.kubectl(["create", "-f", "-"]).stdin(secret("legacy-ci", "kubernetes.io/service-account-token")).ok();
    namespace.kubectl(["create", "-f", "-"]).stdin(secret("innocent", "Opaque")).ok();

    let scan_as = |user: User, arguments: &[&str]| {
        Outcome::of(scan().arg("--kubeconfig").arg(rig.kubeconfig(user)).args(arguments))
    };
    let everywhere = scan_as(User::Administrator, &[]).expect(0, "in the cluster. ");
    let line = everywhere.stdout.lines().find(|line| line.starts_with(&namespace.name)).unwrap();
    let cells: Vec<&str> = line.split_whitespace().collect();
    assert_eq!([cells[0], cells[1], cells[2], cells[6]], [namespace.name.as_str(), "legacy-ci", "ci", "manual"]);
    assert!(!everywhere.stdout.contains("innocent"));

    // The developer may look into this namespace, and nowhere else.
    let here = scan_as(User::Developer, &["-n", &namespace.name, "-o", "json"]).expect(0, "");
    let scan: Value = serde_json::from_str(&here.stdout).unwrap();
    assert_eq!(scan["secrets"].as_array().unwrap().len(), 1);

    let inventory = scan_as(User::Developer, &["-n", &namespace.name, "-o", "inventory"]).expect(0, "");
    let source = Source::new("inventory.yaml", inventory.stdout);
    let inventory = parse_inventory(&[source]).unwrap();
    assert_eq!(inventory.service_account(&namespace.name, "legacy-ci"), Some("ci"));
    assert_eq!(inventory.len(), 1);

    scan_as(User::Developer, &[]).expect(3, "User \"dev\" cannot list resource \"secrets\"");
}
