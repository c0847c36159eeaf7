//! Nothing comes out that may be a secret: not in answers, not in errors, not in what the views print of themselves.

use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};
use tokenward::admission::Request;
use tokenward::policy::{Builtin, Phase};

use crate::fixture::{Court, NAMESPACE, Review, legacy_jwt};

/// What stands for a secret. No name or message has 24 such characters by chance.
fn canary() -> impl Strategy<Value = String> {
    "[A-Za-z0-9]{24}"
}

/// A legacy token, which the rules find wherever it stands, with the canary as its signature.
fn token(canary: &str) -> String {
    let unsigned = legacy_jwt("ci-token", "ci").rsplit_once('.').expect("a JWT").0.to_owned();
    format!("{unsigned}.{}", canary.repeat(8))
}

fn metadata(canary: &str) -> Value {
    json!({
        "name": "ci-token", "namespace": NAMESPACE, "labels": {"note": canary},
        "annotations": {
            "kubernetes.io/service-account.name": "ci",
            "kubectl.kubernetes.io/last-applied-configuration": format!("{{\"data\":\"{canary}\"}}"),
            "example.com/copied-token": token(canary),
            "tokenward.dev/inject": canary,
            "tokenward.dev/expiration-seconds": canary,
        },
    })
}

fn secret(canary: &str, kind: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Secret", "type": kind, "metadata": metadata(canary),
        "data": {"token": STANDARD.encode(token(canary)), "password": STANDARD.encode(canary), "raw": canary},
        "stringData": {"password": canary},
    })
}

fn container(canary: &str) -> Value {
    json!({
        "name": "app", "image": "registry.example.com/app:1",
        "command": ["/bin/app", canary, token(canary)],
        "args": [format!("--password={canary}"), format!("--token={}", token(canary)), token(canary)],
        "env": [
            {"name": "SHORT", "value": canary},
            {"name": "TOKEN", "value": token(canary)},
            {"name": "HEADER", "value": format!("Bearer {}", token(canary))},
            {"name": "READ", "valueFrom": {"secretKeyRef": {"name": "ci-token", "key": "token"}}},
        ],
        "envFrom": [{"secretRef": {"name": "ci-token"}}],
    })
}

fn pod(canary: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": metadata(canary),
        "spec": {
            "serviceAccountName": "ci", "automountServiceAccountToken": false,
            "initContainers": [container(canary)], "containers": [container(canary)],
            "volumes": [{"name": "legacy", "secret": {"secretName": "ci-token"}}],
        },
    })
}

/// Reviews of every kind that is read, and of one that is not, each with the canary wherever a secret may stand.
fn reviews(canary: &str) -> Vec<Review> {
    let pod = pod(canary);
    let template = json!({"metadata": pod["metadata"], "spec": pod["spec"]});
    let legacy = "kubernetes.io/service-account-token";
    let account = json!({"kind": "ServiceAccount", "metadata": metadata(canary), "secrets": [{"name": "ci-token"}]});
    let mut debugged = pod.clone();
    debugged["spec"]["ephemeralContainers"] = json!([container(canary)]);
    let mut retuned = pod.clone();
    retuned["spec"]["automountServiceAccountToken"] = json!(true);
    let request = json!({
        "kind": "TokenRequest", "metadata": metadata(canary),
        "spec": {"audiences": [], "expirationSeconds": 31_536_000}, "status": {"token": token(canary)},
    });
    let labelled = json!({"kind": "Namespace", "metadata": {"name": NAMESPACE, "annotations": {"note": canary}}});
    vec![
        Review::create("secrets", secret(canary, legacy)),
        Review::create("secrets", secret(canary, "Opaque")),
        Review::update("secrets", secret(canary, "Opaque"), secret(canary, legacy)),
        Review::create("pods", pod.clone()),
        Review::create("pods", retuned),
        Review::update("pods/ephemeralcontainers", pod, debugged),
        Review::create("serviceaccounts", account.clone()),
        Review::update("serviceaccounts", json!({"kind": "ServiceAccount", "metadata": metadata(canary)}), account),
        Review::create("serviceaccounts/token", request),
        Review::update("namespaces", labelled.clone(), labelled),
        Review::create("apps/deployments", json!({"metadata": metadata(canary), "spec": {"template": template}})),
        Review::create(
            "batch/cronjobs",
            json!({"metadata": metadata(canary), "spec": {"jobTemplate": {"spec": {"template": template}}}}),
        ),
        Review::create("podtemplates", json!({"metadata": metadata(canary), "template": template})),
        Review::create("configmaps", json!({"metadata": metadata(canary), "data": {"password": canary}})),
    ]
}

/// Fails where `shown` has the canary, as it is or in base64, or the claims of the token that it signs.
#[track_caller]
fn assert_hidden(canary: &str, shown: &str) {
    let encoded = STANDARD.encode(canary);
    let token = token(canary);
    let claims = token.split('.').nth(1).expect("a JWT");
    let token_encoded = STANDARD.encode(&token);
    for needle in [canary, encoded.trim_end_matches('='), claims, &token_encoded[..40]] {
        assert!(!shown.contains(needle), "{needle} comes out: {shown}");
    }
}

fn court() -> Court {
    Court::new().with_legacy_token("ci-token", "ci")
}

/// Judges a review under all policies in both phases; the rules that had something to say.
fn judge(canary: &str, review: &Review) -> Vec<&'static str> {
    let court = court();
    let body = review.bytes();
    let mut codes = Vec::new();
    for policy in Builtin::ALL {
        for phase in [Phase::Mutate, Phase::Validate] {
            let answer = court.policies.answer(policy.as_str(), phase, &body, &court.inventory, court.now);
            let answer = answer.expect("a review");
            assert_hidden(canary, &String::from_utf8_lossy(&answer.body));
            assert_hidden(canary, &String::from_utf8_lossy(answer.decision.patch.as_deref().unwrap_or_default()));
            assert_hidden(canary, &format!("{answer:?} {answer:#?}"));
            codes.extend(answer.decision.findings.iter().map(|finding| finding.rule.code));
        }
    }
    codes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn no_canary_comes_out_of_an_answer(canary in canary()) {
        let codes: Vec<&str> = reviews(&canary).iter().flat_map(|review| judge(&canary, review)).collect();
        for code in ["TW101", "TW201", "TW207"] {
            prop_assert!(codes.contains(&code), "{} had nothing to say, so this proves little: {:?}", code, codes);
        }
    }

    #[test]
    fn no_canary_comes_out_of_a_view(canary in canary()) {
        for review in reviews(&canary) {
            let body = review.bytes();
            let request = Request::parse(&body).expect("a review");
            assert_hidden(&canary, &format!("{request:?} {request:#?}"));
        }
    }

    #[test]
    fn no_canary_comes_out_of_a_broken_body(canary in canary(), at in any::<Index>(), byte in select(b"\"\\{}[],:x0\n\xff")) {
        for review in reviews(&canary) {
            let mut body = review.bytes();
            let at = at.index(body.len());
            let cut = &body[..at];
            let error = Request::parse(cut).expect_err("half a review");
            assert_hidden(&canary, &format!("{error} {error:?} {error:#?}"));
            body[at] = byte;
            if let Err(error) = Request::parse(&body) {
                assert_hidden(&canary, &format!("{error} {error:?} {error:#?}"));
            }
        }
    }

    #[test]
    fn no_canary_comes_out_where_another_type_is_expected(
        canary in canary(),
        field in select(&[
            "", "/metadata", "/metadata/annotations", "/spec", "/spec/volumes", "/spec/volumes/0", "/spec/containers/0/env/0",
            "/spec/containers/0/env/3/valueFrom", "/spec/containers/0/args", "/spec/automountServiceAccountToken",
        ]),
    ) {
        let mut pod = pod(&canary);
        *pod.pointer_mut(field).expect("a field of the Pod") = json!(token(&canary));
        let error = Request::parse(&Review::create("pods", pod).bytes()).expect_err("another type").to_string();
        prop_assert!(error.contains("found a string"), "{}", error);
        assert_hidden(&canary, &error);
    }
}

#[test]
fn a_view_prints_the_keys_of_what_it_holds() {
    let canary = "PrintedByNoViewWhatever0";
    let body = Review::create("secrets", secret(canary, "Opaque")).bytes();
    let shown = format!("{:?}", Request::parse(&body).expect("a review"));
    for key in ["password", "raw", "example.com/copied-token", "ci-token"] {
        assert!(shown.contains(key), "{key} helps to tell what was read: {shown}");
    }
}

#[test]
fn no_canary_comes_out_of_the_review_command() {
    let canary = "PlantedInEveryManifest42";
    let directory = tempfile::tempdir().expect("a directory");
    let mut documents = reviews(canary).into_iter().map(|review| review.0["request"]["object"].clone());
    let objects = [secret(canary, "kubernetes.io/service-account-token"), documents.nth(3).expect("a Pod")];
    let whole = objects.map(|object| serde_saphyr::to_string(&object).expect("YAML")).join("---\n");
    let broken = format!("{whole}  - [\n");
    for (name, text) in [("whole.yaml", &whole), ("broken.yaml", &broken)] {
        let file = directory.path().join(name);
        std::fs::write(&file, text).expect("a file");
        for format in ["human", "json"] {
            for policy in ["audit", "restricted"] {
                let output = Command::new(env!("CARGO_BIN_EXE_tokenward"))
                    .arg("review")
                    .arg(&file)
                    .args(["-o", format, "--policy-name", policy, "--namespace", NAMESPACE])
                    .output()
                    .expect("the command runs");
                let shown =
                    [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
                assert!(shown.contains(if name == "whole.yaml" { "TW101" } else { "broken.yaml" }), "{shown}");
                assert_hidden(canary, &shown);
            }
        }
    }
}
