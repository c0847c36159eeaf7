//! `tokenward inspect`: says what a token is, asks the API server about it, and never shows it.

use std::net::TcpListener;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::fixture::{bound_jwt, jwt, legacy_jwt};
use crate::rig::eventually::eventually;
use crate::rig::namespace::Namespace;
use crate::rig::token::{Claims, decoded};
use crate::rig::users::User;
use crate::rig::{self, ControlPlane};
use crate::scan::canned_server::{CannedServer, Reply};
use crate::scan::{Outcome, kubeconfig, tokenward};

/// Runs it on `input`, and shows that no part of the token comes out.
#[track_caller]
fn inspect(input: &str, arguments: &[&str]) -> Outcome {
    let outcome = Outcome::of(tokenward("inspect").args(arguments).write_stdin(input));
    let pieces = input.split(|character: char| !(character.is_ascii_alphanumeric() || "-_".contains(character)));
    for piece in pieces.filter(|piece| piece.len() > 20) {
        for text in [&outcome.stdout, &outcome.stderr] {
            assert!(!text.contains(piece), "a part of the token came out: {text}");
        }
    }
    outcome
}

#[test]
fn tells_what_a_legacy_token_is() {
    let outcome = inspect(&legacy_jwt("ci-token", "ci"), &[]).expect(0, "");
    insta::assert_snapshot!(outcome.stdout, @"
    kind        legacy token: no audience, and it never expires
    account     team-a/ci
    secret      team-a/ci-token
    ends        when that Secret or the account is deleted
    ");
}

#[test]
fn tells_what_a_bound_token_is_and_that_it_was_extended() {
    let token = jwt(&json!({
        "aud": ["https://kubernetes.default.svc"], "iss": "https://kubernetes.default.svc",
        "iat": 1_700_000_000, "nbf": 1_700_000_000, "exp": 1_731_536_000,
        "kubernetes.io": {
            "namespace": "team-a", "serviceaccount": {"name": "ci", "uid": "1"},
            "node": {"name": "n", "uid": "2"}, "pod": {"name": "web-0", "uid": "3"}, "warnafter": 1_700_003_607,
        },
    }));
    let outcome = inspect(&format!("Bearer {token}\n"), &[]).expect(0, "");
    insta::with_settings!({filters => [(r"expired .* ago", "expired [..] ago")]}, {
        insta::assert_snapshot!(outcome.stdout, @"
        kind        bound token, issued by TokenRequest
        account     team-a/ci
        audiences   https://kubernetes.default.svc
        issuer      https://kubernetes.default.svc
        bound to    Pod web-0
        issued      2023-11-14T22:13:20Z
        expires     2024-11-13T22:13:20Z (expired [..] ago)
        lifetime    31536000 s (365d), though 3607 s were asked for: the API server extended it
        ");
    });
    let outcome = inspect(&STANDARD.encode(&token), &["-o", "json"]).expect(0, "");
    let mut told: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert!(told[0]["secondsLeft"].take().as_i64().unwrap() < 0);
    assert_eq!(
        told,
        json!([{
            "kind": "bound", "namespace": "team-a", "serviceAccount": "ci",
            "audiences": ["https://kubernetes.default.svc"], "issuer": "https://kubernetes.default.svc",
            "boundTo": "Pod web-0", "issuedAt": "2023-11-14T22:13:20Z", "expiresAt": "2024-11-13T22:13:20Z",
            "effectiveSeconds": 31_536_000, "requestedSeconds": 3607, "secondsLeft": null,
        }])
    );
}

#[test]
fn tells_of_every_token_in_a_file() {
    let text = format!("{}\n{}", STANDARD.encode(legacy_jwt("one-token", "one")), bound_jwt("two", 600));
    let outcome = inspect(&text, &["--output", "json"]).expect(0, "");
    let told: Value = serde_json::from_str(&outcome.stdout).unwrap();
    let mut accounts: Vec<&str> =
        told.as_array().unwrap().iter().map(|it| it["serviceAccount"].as_str().unwrap()).collect();
    accounts.sort_unstable();
    assert_eq!(accounts, ["one", "two"]);
}

#[test]
fn says_that_there_is_none() {
    let other = jwt(&json!({"iss": "https://vault.example.com", "sub": "canary"}));
    for input in ["", "no token", other.as_str()] {
        inspect(input, &[]).expect(2, "standard input holds no service account token");
    }
    inspect("", &["/nonexistent/token"]).expect(2, "cannot read /nonexistent/token");
}

#[test]
fn claims_do_not_steer_the_terminal() {
    let claims = json!({
        "iss": "kubernetes/serviceaccount", "kubernetes.io/serviceaccount/namespace": "a\u{1b}[31m",
        "kubernetes.io/serviceaccount/service-account.name": "b\r\nkind        harmless",
    });
    let outcome = inspect(&jwt(&claims), &[]).expect(0, "");
    assert!(outcome.stdout.lines().count() == 4 && !outcome.stdout.contains('\u{1b}'), "{}", outcome.stdout);
}

// Asking the API server.

fn answered(status: &Value) -> Reply {
    Reply::status(
        201,
        &json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {}, "status": status}),
    )
}

/// Asks a server that gives one prepared answer, and gives what it was sent as well.
#[track_caller]
fn review_at(reply: Reply, token: &str, arguments: &[&str]) -> (Outcome, String) {
    let server = CannedServer::start(vec![reply]);
    let (_directory, kubeconfig) = kubeconfig(&server.url());
    let arguments: Vec<&str> =
        ["--review", "--kubeconfig", kubeconfig.to_str().unwrap()].iter().chain(arguments).copied().collect();
    let outcome = inspect(token, &arguments);
    let request = server.requests().pop().unwrap_or_default();
    (outcome, request)
}

#[test]
fn sends_the_token_alone_and_the_audiences() {
    let token = legacy_jwt("ci-token", "ci");
    let status =
        json!({"authenticated": true, "user": {"username": "system:serviceaccount:team-a:ci"}, "audiences": ["b"]});
    let kubeconfig_with_it = format!("users:\n- user: {{token: {token}}}\n");
    let (outcome, request) = review_at(answered(&status), &kubeconfig_with_it, &["--audience", "a", "--audience=b"]);
    let outcome = outcome.expect(0, "");
    let last = outcome.stdout.lines().last().unwrap();
    assert!(last.starts_with("review      accepted by http://127.0.0.1:"), "{last}");
    assert!(last.ends_with(" as system:serviceaccount:team-a:ci, for b"), "{last}");
    assert!(request.starts_with("POST /apis/authentication.k8s.io/v1/tokenreviews?"), "{request}");
    let (_, body) = request.split_once("\r\n\r\n").unwrap();
    let body: Value = serde_json::from_str(body).unwrap();
    assert_eq!(body["spec"], json!({"token": token, "audiences": ["a", "b"]}));
}

#[test]
fn a_refused_token_is_exit_code_1_with_the_server_s_reason() {
    let status = json!({"error": "[invalid bearer token, service account token has expired]"});
    let (outcome, _) = review_at(answered(&status), &bound_jwt("ci", 600), &[]);
    let outcome = outcome.expect(1, "");
    assert!(
        outcome.stdout.ends_with(": [invalid bearer token, service account token has expired]\n"),
        "{}",
        outcome.stdout
    );

    let (outcome, _) = review_at(answered(&json!({"authenticated": false})), &bound_jwt("ci", 600), &["-o", "json"]);
    let mut told: Value = serde_json::from_str(&outcome.expect(1, "").stdout).unwrap();
    assert!(told[0]["review"]["server"].take().is_string());
    assert_eq!(told[0]["review"], json!({"server": null, "accepted": false, "audiences": []}));
}

#[test]
fn a_server_that_repeats_the_token_is_not_repeated() {
    let token = legacy_jwt("ci-token", "ci");
    let words = format!("the token {token} is bad");
    let (outcome, _) = review_at(answered(&json!({"error": words})), &token, &[]);
    assert!(outcome.expect(1, "").stdout.ends_with(": words that quote the token\n"));
    for code in [403, 422] {
        let status = json!({"kind": "Status", "code": code, "message": words});
        let (outcome, _) = review_at(Reply::status(code, &status), &token, &[]);
        outcome.expect(3, "words that quote the token");
    }
    let echo = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": token}, "status": token});
    let (outcome, _) = review_at(Reply::status(201, &echo), &token, &[]);
    outcome.expect(3, "answers the question whether it accepts the token with something that is no TokenReview");
}

#[test]
fn says_why_there_is_no_answer() {
    let token = legacy_jwt("ci-token", "ci");
    let forbidden =
        json!({"kind": "Status", "code": 403, "message": "tokenreviews.authentication.k8s.io is forbidden"});
    let (outcome, _) = review_at(Reply::status(403, &forbidden), &token, &[]);
    outcome.expect(3, "This needs `create tokenreviews.authentication.k8s.io`");
    let unauthorized = json!({"kind": "Status", "code": 401, "message": "Unauthorized"});
    let (outcome, _) = review_at(Reply::status(401, &unauthorized), &token, &[]);
    outcome.expect(3, "does not accept the credentials of this kubeconfig");

    // Bound and let go: nobody listens there now.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (_directory, path) = kubeconfig(&format!("http://{address}"));
    let path = path.to_str().unwrap();
    inspect(&token, &["--review", "--kubeconfig", path]).expect(3, "cannot be reached: Connection refused");
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let (_directory, path) = kubeconfig(&format!("http://{}", silent.local_addr().unwrap()));
    let path = path.to_str().unwrap();
    inspect(&token, &["--review", "--request-timeout=1", "--kubeconfig", path]).expect(3, "no answer within 1 s");
    inspect(&token, &["--review", "--kubeconfig", "/nonexistent/config"]).expect(2, "cannot be read");
}

#[test]
fn an_audience_without_a_review_is_bad_usage() {
    inspect(&legacy_jwt("ci-token", "ci"), &["--audience", "vault"]).expect(2, "--review");
}

// On a real API server.

/// What the administrator is told of `token`: the exit code, and what the API server said.
#[track_caller]
fn review(rig: &ControlPlane, token: &str, audiences: &[&str]) -> (Option<i32>, Value) {
    let kubeconfig = rig.kubeconfig(User::Administrator);
    let mut arguments = vec!["--review", "-o", "json", "--kubeconfig", kubeconfig.to_str().unwrap()];
    for audience in audiences {
        arguments.extend(["--audience", audience]);
    }
    let outcome = inspect(token, &arguments);
    let mut told: Value =
        serde_json::from_str(&outcome.stdout).unwrap_or_else(|error| panic!("{error}: {}", outcome.stderr));
    (outcome.code, told[0]["review"].take())
}

#[track_caller]
fn assert_accepted(rig: &ControlPlane, token: &str, audiences: &[&str]) {
    let (code, review) = review(rig, token, audiences);
    assert_eq!((code, &review["accepted"]), (Some(0), &json!(true)), "{review}");
    assert_eq!(review["user"], Claims::of(token).subject());
}

/// Refused with these words, as soon as the API server's cache has forgotten that it accepted the token.
#[track_caller]
fn assert_refused(rig: &ControlPlane, token: &str, audiences: &[&str], reason: &str) {
    let (code, review) = eventually(Duration::from_mins(1), || match review(rig, token, audiences) {
        (Some(0), review) => Err(format!("still accepted: {review}")),
        answer => Ok(answer),
    });
    assert_eq!((code, &review["accepted"]), (Some(1), &json!(false)), "{review}");
    assert!(review["reason"].as_str().is_some_and(|it| it.contains(reason)), "{reason:?} is not in {review}");
    assert!(review["user"].is_null());
}

fn namespace(name: &str) -> Namespace<'static> {
    let namespace = rig::shared().namespace(name, &[]);
    namespace.service_account("ci", Some(false));
    namespace
}

/// A token of the account `ci`, bound to what `bound` says, for these audiences.
#[track_caller]
fn requested(namespace: &Namespace<'_>, bound: &Value, audiences: &Value) -> String {
    let spec = json!({"expirationSeconds": 600, "boundObjectRef": bound, "audiences": audiences});
    let request = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec});
    let path = namespace.path("serviceaccounts/ci/token");
    let granted = namespace.rig().post(User::Administrator, &path, &request).expect_success();
    granted["status"]["token"].as_str().unwrap().to_owned()
}

#[test]
fn the_api_server_is_asked_about_a_legacy_token() {
    let namespace = namespace("inspect-legacy");
    let rig = namespace.rig();
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/service-account-token",
        "metadata": {"name": "ci-token", "annotations": {"kubernetes.io/service-account.name": "ci"}},
    });
    rig.post(User::Administrator, &namespace.path("secrets"), &secret).expect_success();
    let token = eventually(Duration::from_secs(30), || {
        let token = decoded(&namespace.stored("secret/ci-token")["data"]["token"]);
        if token.is_empty() { Err("the token controller has not filled in the Secret") } else { Ok(token) }
    });
    assert_accepted(rig, &token, &[]);
    assert_accepted(rig, &token, &["https://kubernetes.default.svc"]);
    assert_refused(rig, &token, &["https://vault.example.com"], "audiences");
    // To ask is to use it, as the help says.
    let labels = &namespace.stored("secret/ci-token")["metadata"]["labels"];
    assert!(labels["kubernetes.io/legacy-token-last-used"].is_string(), "{labels}");

    namespace.kubectl(["delete", "secret", "ci-token"]).ok();
    assert_refused(rig, &token, &[], "invalidated");
}

#[test]
fn the_api_server_is_asked_about_a_bound_token_and_its_audience() {
    let namespace = namespace("inspect-bound");
    let rig = namespace.rig();
    let token = requested(&namespace, &json!(null), &json!(null));
    assert_accepted(rig, &token, &[]);
    assert_refused(rig, &token, &["https://vault.example.com"], "audiences");

    let vault =
        requested(&namespace, &json!(null), &json!(["https://vault.example.com", "https://ledger.example.com"]));
    assert_refused(rig, &vault, &[], "audiences");
    assert_accepted(rig, &vault, &["https://vault.example.com"]);
    let (_, answer) = review(rig, &vault, &["https://other.example.com", "https://ledger.example.com"]);
    assert_eq!(answer["audiences"], json!(["https://ledger.example.com"]));
}

#[test]
fn the_api_server_is_asked_about_a_token_whose_pod_is_gone() {
    let namespace = namespace("inspect-revoked");
    let rig = namespace.rig();
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"},
        "spec": {"serviceAccountName": "ci", "containers": [{"name": "app", "image": "app.example.com/app:1"}]},
    });
    let pod = rig.post(User::Administrator, &namespace.path("pods"), &pod).expect_success();
    let bound = json!({"apiVersion": "v1", "kind": "Pod", "name": "web", "uid": pod["metadata"]["uid"]});
    let token = requested(&namespace, &bound, &json!(null));
    assert_accepted(rig, &token, &[]);
    namespace.kubectl(["delete", "pod", "web", "--grace-period=0", "--force"]).ok();
    assert_refused(rig, &token, &[], "invalidated");
}

/// No API server gives a token that ends within a test, so one is signed with the key of the rig's: the same claims with
/// another end, and, to show that the end is all that is wrong with it, with one to come.
#[test]
fn the_api_server_is_asked_about_an_expired_token() {
    let namespace = namespace("inspect-expired");
    let rig = namespace.rig();
    let token = requested(&namespace, &json!(null), &json!(null));
    let moved = |seconds: i64| {
        rig.signed_anew(&token, |claims| {
            for claim in ["iat", "nbf", "exp"] {
                claims[claim] = (claims[claim].as_i64().unwrap() + seconds).into();
            }
        })
    };
    assert_accepted(rig, &moved(-1), &[]);
    let expired = moved(-7200);
    assert_refused(rig, &expired, &[], "expired");
    let kubeconfig = rig.kubeconfig(User::Administrator);
    let outcome = inspect(&expired, &["--review", "--kubeconfig", kubeconfig.to_str().unwrap()]).expect(1, "");
    assert!(outcome.stdout.contains("(expired 1h "), "{}", outcome.stdout);
    assert!(outcome.stdout.contains("review      refused by https://127.0.0.1:"), "{}", outcome.stdout);
}

#[test]
fn whoever_may_not_review_tokens_is_told_what_it_takes() {
    let namespace = namespace("inspect-rights");
    let token = requested(&namespace, &json!(null), &json!(null));
    let kubeconfig = namespace.rig().kubeconfig(User::Developer);
    inspect(&token, &["--review", "--kubeconfig", kubeconfig.to_str().unwrap()])
        .expect(3, "This needs `create tokenreviews.authentication.k8s.io`");
}

#[test]
fn does_not_repeat_a_token_that_is_given_as_the_argument() {
    let token = legacy_jwt("ci-token", "ci");
    let outcome =
        Outcome::of(tokenward("inspect").arg(&token)).expect(2, "the argument is a token, and should be a file");
    assert!(!outcome.stderr.contains(&token[..20]), "{}", outcome.stderr);
}

#[test]
fn says_when_there_are_more_tokens_than_it_looks_at() {
    let many: Vec<String> = (0..65).map(|index| legacy_jwt(&format!("token-{index}"), "ci")).collect();
    let outcome = inspect(&many[..64].join("\n"), &[]).expect(0, "");
    assert_eq!(outcome.stderr, "");
    let outcome = inspect(&many.join("\n"), &[]).expect(0, "more than 64 tokens; the first 64 are shown");
    assert_eq!(outcome.stdout.matches("legacy token").count(), 64);
    inspect(&many.join("\n"), &["--review"]).expect(2, "more than 64 tokens; ask about them in smaller parts");
}
