//! Rows about Secrets, accounts, requests for tokens and namespaces that no topic's own file tests to their edges.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokenward::review::Creation;

use crate::fixture::{Court, NAMESPACE, Review, filled_token_secret, legacy_jwt, token_secret};
use crate::pods::{container, deployment, hardened, opted_out};

const UID: &str = "kubernetes.io/service-account.uid";

/// A Secret of a type with one key.
fn secret(name: &str, kind: &str, key: &str, text: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Secret", "type": kind, "metadata": {"name": name, "namespace": NAMESPACE},
        "data": {key: STANDARD.encode(text)},
    })
}

fn findings(secret: Value) -> Vec<String> {
    let verdict = Court::new().validate("restricted", &Review::create("secrets", secret));
    verdict.findings().into_iter().map(str::to_owned).collect()
}

// row 63
#[test]
fn a_type_in_other_letters_is_searched_for_tokens_like_any_other() {
    for kind in ["kubernetes.io/Service-Account-Token", "KUBERNETES.IO/SERVICE-ACCOUNT-TOKEN", "example.com/token"] {
        let copy = secret("copy", kind, "token", &legacy_jwt("ci-token", "ci"));
        assert_eq!(findings(copy), ["TW104=deny"], "{kind}");
        assert!(findings(secret("copy", kind, "token", "nothing of the kind")).is_empty(), "{kind}");
    }
}

// row 64
#[test]
fn a_token_in_string_data_is_found_where_the_api_server_puts_it() {
    let manifest = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "copy"}, "data": {"token": "b2xk"},
        "stringData": {"token": legacy_jwt("ci-token", "ci")},
    });
    let creation = Creation::of(&manifest.to_string(), "", NAMESPACE).unwrap();
    assert!(creation.object().get("stringData").is_none());
    let review = Review(serde_json::from_slice(&creation.review()).unwrap());
    let verdict = Court::new().validate("restricted", &review);
    assert_eq!((verdict.findings(), verdict.fields()), (vec!["TW104=deny"], vec!["data[token]"]));
}

// row 69
#[test]
fn a_changed_uid_alone_is_no_turning() {
    let old = filled_token_secret("web-token", "web");
    for uid in [json!("8d7c1f5e-0000-4000-8000-00000000000f"), json!(""), Value::Null] {
        let mut new = old.clone();
        new["metadata"]["annotations"][UID] = uid;
        let verdict = Court::new().validate("restricted", &Review::update("secrets", old.clone(), new));
        assert!(verdict.is_allowed() && verdict.findings().is_empty() && verdict.warnings().is_empty(), "{verdict:?}");
    }
}

// row 69
#[test]
fn taking_the_accounts_name_away_is_no_turning() {
    let old = filled_token_secret("web-token", "web");
    let mut new = old.clone();
    new["metadata"]["annotations"] = json!({});
    assert!(Court::new().validate("restricted", &Review::update("secrets", old, new)).findings().is_empty());
}

// row 72
#[test]
fn lets_everything_go_that_is_being_deleted_but_what_is_added_to_a_secret() {
    let court = Court::new().with_legacy_token("legacy-ci", "ci");
    let mut reaching = container("debug");
    reaching["envFrom"] = json!([{"secretRef": {"name": "legacy-ci"}}]);
    let with_debugger = |containers: Value| hardened(&json!({"ephemeralContainers": containers}));
    let account = |automount: Value, secrets: Value| {
        json!({
            "kind": "ServiceAccount", "metadata": {"name": "web"}, "automountServiceAccountToken": automount, "secrets": secrets,
        })
    };
    let namespace = |labels: Value| json!({"kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}});
    let changes = [
        ("pods/ephemeralcontainers", with_debugger(json!([])), with_debugger(json!([reaching]))),
        ("serviceaccounts", account(json!(false), json!([])), account(json!(true), json!([{"name": "legacy-ci"}]))),
        ("namespaces", namespace(json!({"tokenward.dev/policy": "restricted"})), namespace(json!({}))),
        (
            "apps/deployments",
            deployment(&opted_out(&json!({}))),
            deployment(&opted_out(&json!({"imagePullSecrets": [{"name": "legacy-ci"}]}))),
        ),
    ];
    for (resource, old, mut new) in changes {
        let policy = if resource == "namespaces" { "baseline" } else { "restricted" };
        let judged = |new: &Value| court.validate(policy, &Review::update(resource, old.clone(), new.clone()));
        assert!(!judged(&new).findings().is_empty(), "{resource}: it would be found otherwise");
        new["metadata"]["deletionTimestamp"] = json!("2026-11-23T11:59:00Z");
        let verdict = judged(&new);
        assert!(verdict.is_allowed() && verdict.findings().is_empty() && verdict.warnings().is_empty(), "{verdict:?}");
    }
}

// row 74
#[test]
fn the_vain_fill_in_of_an_immutable_token_secret_is_no_finding() {
    let immutable = |mut secret: Value| {
        secret["immutable"] = json!(true);
        secret
    };
    let (bare, filled) =
        (immutable(token_secret("web-token", "web")), immutable(filled_token_secret("web-token", "web")));
    let verdict = Court::new().validate("restricted", &Review::update("secrets", bare, filled));
    assert!(verdict.is_allowed() && verdict.findings().is_empty() && verdict.warnings().is_empty(), "{verdict:?}");
    let revived = findings(immutable(secret("web-token", "Opaque", "token", &legacy_jwt("web-token", "web"))));
    assert_eq!(revived, ["TW103=deny", "TW104=deny"], "it may be created so");
}

// row 76
#[test]
fn what_revives_a_token_is_refused_in_a_docker_config_too() {
    for kind in ["kubernetes.io/dockercfg", "kubernetes.io/dockerconfigjson"] {
        let revived = findings(secret("web-token", kind, "token", &legacy_jwt("web-token", "web")));
        assert_eq!(revived, ["TW103=deny", "TW104=warn"], "{kind}");
        let copied = findings(secret("other", kind, ".dockercfg", &legacy_jwt("web-token", "web")));
        assert_eq!(copied, ["TW104=warn"], "{kind}");
    }
}

// rows 59, 77, 81, 82
#[test]
fn changes_nothing_but_pods() {
    let account = json!({"kind": "ServiceAccount", "metadata": {"name": "web"}});
    let request =
        json!({"kind": "TokenRequest", "metadata": {"name": "ci"}, "spec": {"expirationSeconds": 31_536_000}});
    let namespace = json!({"kind": "Namespace", "metadata": {"name": NAMESPACE}});
    let reviews = [
        Review::create("secrets", token_secret("ci-token", "ci")),
        Review::create("serviceaccounts", account),
        Review::create("serviceaccounts/token", request),
        Review::create("namespaces", namespace),
        Review::create("apps/deployments", deployment(&hardened(&json!({})))),
    ];
    for review in reviews {
        for policy in ["baseline", "restricted"] {
            let verdict = Court::new().mutate(policy, &review);
            assert!(verdict.is_allowed() && verdict.patch().is_none() && verdict.warnings().is_empty(), "{verdict:?}");
        }
    }
}

// row 83
#[test]
fn labelling_is_one_short_sentence_however_many_secrets_there_are() {
    let court = (0..20_000).fold(Court::new(), |court, index| {
        court.with_legacy_token(&format!("{}-{index:05}", "a-long-name-of-a-secret".repeat(8)), "ci")
    });
    let namespace = |label: Value| json!({"kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": label}});
    let review =
        Review::update("namespaces", namespace(json!({})), namespace(json!({"tokenward.dev/policy": "restricted"})));
    let verdict = court.validate("baseline", &review);
    let [warning] = verdict.warnings()[..] else { panic!("one warning: {verdict:?}") };
    assert!(warning.starts_with("20000 legacy token Secrets would be refused at restricted: "), "{warning}");
    assert!(warning.chars().count() <= 120, "{warning}");
}
