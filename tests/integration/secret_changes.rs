//! TW102, TW103 and TW104: what may happen to a Secret, and what it may hold.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::fixture::{Court, Review, bound_jwt, exception, filled_token_secret, jwt, legacy_jwt, now, token_secret};

const NAME: &str = "kubernetes.io/service-account.name";
const INVALID_SINCE: &str = "kubernetes.io/legacy-token-invalid-since";

fn retargeted() -> Value {
    let mut secret = filled_token_secret("web-token", "admin");
    secret["data"]["token"].take();
    secret["metadata"]["annotations"]["kubernetes.io/service-account.uid"].take();
    let data = secret["data"].as_object_mut().expect("data");
    data.remove("token");
    let annotations = secret["metadata"]["annotations"].as_object_mut().expect("annotations");
    annotations.remove("kubernetes.io/service-account.uid");
    secret
}

fn opaque(name: &str, data: &Value) -> Value {
    let data: serde_json::Map<String, Value> = data
        .as_object()
        .expect("a map")
        .iter()
        .map(|(key, value)| (key.clone(), json!(STANDARD.encode(value.as_str().expect("text")))))
        .collect();
    json!({"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "metadata": {"name": name}, "data": data})
}

fn update(old: &Value, new: &Value) -> Review {
    Review::update("secrets", old.clone(), new.clone())
}

// row 69
#[test]
fn denies_turning_a_token_secret_to_another_account() {
    let old = filled_token_secret("web-token", "web");
    for policy in ["baseline", "restricted"] {
        let verdict = Court::new().validate(policy, &update(&old, &retargeted()));
        assert!(!verdict.is_allowed());
        assert_eq!(verdict.fields(), [format!("metadata.annotations[{NAME}]").as_str(), "data.token"]);
        assert!(verdict.message().starts_with(
            "TW102 legacy-token-retarget: Secret team-a/web-token would hold a token for ServiceAccount admin instead of web. "
        ));
    }
}

#[test]
fn denies_turning_it_even_where_the_token_stays() {
    let (old, new) = (filled_token_secret("web-token", "web"), filled_token_secret("web-token", "admin"));
    let mut new = new;
    new["data"] = old["data"].clone();
    assert_eq!(Court::new().validate("baseline", &update(&old, &new)).findings(), ["TW102=deny"]);
}

#[test]
fn another_account_needs_an_exception_of_its_own() {
    let change = update(&filled_token_secret("web-token", "web"), &retargeted());
    let allows = |rule, account| {
        let court = Court::new().with_exceptions(vec![exception(rule, "web-token", account, "2027-01-01")]);
        court.validate("restricted", &change).is_allowed()
    };
    assert!(allows("legacy-token-retarget", "admin"));
    assert!(!allows("legacy-token-retarget", "web"));
    assert!(!allows("legacy-token-secret", "admin"));
}

#[test]
fn emptying_the_token_is_denied_and_under_an_exception_it_is_rotation() {
    let old = filled_token_secret("web-token", "web");
    let mut new = old.clone();
    new["data"].as_object_mut().expect("data").remove("token");
    let change = update(&old, &new);
    assert_eq!(Court::new().validate("baseline", &change).fields(), ["data.token"]);
    new["data"]["token"] = json!("");
    assert_eq!(Court::new().validate("baseline", &update(&old, &new)).fields(), ["data.token"]);
    let listed = Court::new().with_exceptions(vec![exception("legacy-token-secret", "web-token", "web", "2027-01-01")]);
    let verdict = listed.validate("restricted", &change);
    assert!(verdict.is_allowed());
    assert_eq!(verdict.annotation("exceptions"), "agreed");
}

// row 70
#[test]
fn denies_taking_the_invalid_since_label_away_or_emptying_it() {
    let mut old = filled_token_secret("web-token", "web");
    old["metadata"]["labels"] = json!({INVALID_SINCE: "2026-10-01"});
    for labels in [json!({}), json!({INVALID_SINCE: ""})] {
        let mut new = old.clone();
        new["metadata"]["labels"] = labels;
        let verdict = Court::new().validate("baseline", &update(&old, &new));
        assert_eq!(verdict.fields(), [format!("metadata.labels[{INVALID_SINCE}]")]);
        assert!(verdict.message().contains("would be valid again for ServiceAccount web"));
    }
}

// rows 67 and 68
#[test]
fn lets_the_control_plane_do_its_work() {
    let court = Court::new();
    let (bare, filled) = (token_secret("web-token", "web"), filled_token_secret("web-token", "web"));
    let with_label = |key: &str, value: &str| {
        let mut secret = filled.clone();
        secret["metadata"]["labels"] = json!({ key: value });
        secret
    };
    let last_used = with_label("kubernetes.io/legacy-token-last-used", "2026-11-23");
    let invalid = with_label(INVALID_SINCE, "2026-11-23");
    for (old, new) in [(&bare, &filled), (&filled, &last_used), (&filled, &invalid)] {
        let verdict = court.validate("restricted", &update(old, new));
        assert!(verdict.is_allowed(), "{verdict:?}");
        assert!(verdict.findings().is_empty());
        assert!(verdict.warnings().is_empty());
    }
}

// row 71
#[test]
fn an_update_that_adds_nothing_is_allowed_without_a_warning_and_its_state_is_recorded() {
    let old = filled_token_secret("web-token", "web");
    let mut new = old.clone();
    new["metadata"]["labels"] = json!({"team": "a"});
    let verdict = Court::new().validate("restricted", &update(&old, &new));
    assert!(verdict.is_allowed());
    assert!(verdict.warnings().is_empty());
    assert_eq!(verdict.annotation("legacy-secret"), "unlisted");
}

// row 72
#[test]
fn a_secret_that_is_being_deleted_is_let_go_but_not_turned_to_another_account() {
    let mut old = filled_token_secret("web-token", "web");
    let mut new = retargeted();
    for secret in [&mut old, &mut new] {
        secret["metadata"]["deletionTimestamp"] = json!("2026-11-23T11:59:00Z");
        secret["metadata"]["finalizers"] = json!(["example.com/held"]);
    }
    for policy in ["baseline", "restricted"] {
        assert_eq!(Court::new().validate(policy, &update(&old, &new)).findings(), ["TW102=deny"], "{policy}");
        let mut released = old.clone();
        released["metadata"]["finalizers"].take();
        let verdict = Court::new().validate(policy, &update(&old, &released));
        assert!(verdict.is_allowed() && verdict.findings().is_empty() && verdict.warnings().is_empty(), "{verdict:?}");
    }
}

// row 65
#[test]
fn the_token_of_another_account_is_no_fill_in_even_where_an_exception_allows_the_secret() {
    let court = Court::new().with_exceptions(vec![exception("legacy-token-secret", "web-token", "web", "2027-01-01")]);
    let mut filled = token_secret("web-token", "web");
    filled["data"] = opaque("web-token", &json!({"token": legacy_jwt("web-token", "admin")}))["data"].clone();
    let verdict = court.validate("restricted", &update(&token_secret("web-token", "web"), &filled));
    assert_eq!(verdict.findings(), ["TW103=deny"]);
    let own = update(&token_secret("web-token", "web"), &filled_token_secret("web-token", "web"));
    assert!(court.validate("restricted", &own).is_allowed());
}

// row 66
#[test]
fn denies_the_revival_of_a_deleted_token_in_a_secret_of_any_type() {
    let mut secret = opaque("web-token", &json!({"token": legacy_jwt("web-token", "web")}));
    for kind in ["Opaque", "example.com/custom"] {
        secret["type"] = json!(kind);
        let verdict = Court::new().validate("restricted", &Review::create("secrets", secret.clone()));
        assert!(verdict.message().starts_with(
            "TW103 legacy-token-revival: Secret team-a/web-token would make an old token of ServiceAccount web valid again. "
        ));
        assert_eq!(verdict.findings(), ["TW103=deny", "TW104=deny"]);
    }
}

#[test]
fn a_restored_backup_of_a_token_secret_is_a_revival_also_where_a_new_token_is_allowed() {
    let court = Court::new().with_exceptions(vec![exception("legacy-token-secret", "web-token", "web", "2027-01-01")]);
    let restored = Review::create("secrets", filled_token_secret("web-token", "web"));
    assert_eq!(court.validate("restricted", &restored).findings(), ["TW103=deny"]);
    let bare = Review::create("secrets", token_secret("web-token", "web"));
    assert!(court.validate("restricted", &bare).is_allowed());
}

#[test]
fn putting_an_old_token_into_a_secret_is_a_revival_and_keeping_it_there_is_not() {
    let (empty, holding) =
        (opaque("web-token", &json!({})), opaque("web-token", &json!({"token": legacy_jwt("web-token", "web")})));
    let court = Court::new();
    assert_eq!(court.validate("restricted", &update(&empty, &holding)).findings(), ["TW103=deny", "TW104=deny"]);
    let mut labelled = holding.clone();
    labelled["metadata"]["labels"] = json!({"team": "a"});
    assert!(court.validate("restricted", &update(&holding, &labelled)).findings().is_empty());
}

#[test]
fn the_token_of_another_secret_or_namespace_revives_nothing() {
    let elsewhere = json!({
        "iss": "kubernetes/serviceaccount", "kubernetes.io/serviceaccount/namespace": "team-b",
        "kubernetes.io/serviceaccount/secret.name": "web-token", "kubernetes.io/serviceaccount/service-account.name": "web",
    });
    for token in [legacy_jwt("other-token", "web"), jwt(&elsewhere)] {
        let review = Review::create("secrets", opaque("web-token", &json!({"token": token})));
        assert_eq!(Court::new().validate("restricted", &review).findings(), ["TW104=deny"]);
    }
}

#[test]
fn an_own_token_in_the_place_of_another_is_a_revival_and_no_fill_in() {
    let filled = filled_token_secret("web-token", "web");
    let mut other = filled.clone();
    other["data"]["token"] = json!(STANDARD.encode("another"));
    assert_eq!(Court::new().validate("restricted", &update(&other, &filled)).findings(), ["TW103=deny"]);
}

// row 65
#[test]
fn denies_a_copied_legacy_token_wherever_it_lies() {
    let token = legacy_jwt("ci-token", "ci");
    let kubeconfig = format!("apiVersion: v1\nkind: Config\nusers:\n- name: ci\n  user:\n    token: {token}\n");
    let nested = json!({"data": {"token": STANDARD.encode(&token)}}).to_string();
    for value in [token.clone(), format!("Bearer {token}"), kubeconfig, STANDARD.encode(&token), nested] {
        let review = Review::create("secrets", opaque("copy", &json!({"config": value})));
        let verdict = Court::new().validate("restricted", &review);
        assert_eq!(verdict.fields(), ["data[config]"]);
        assert!(
            verdict
                .message()
                .starts_with("TW104 stored-token: Secret copy holds a legacy token of ServiceAccount team-a/ci. ")
        );
        assert!(!verdict.0.to_string().contains(&token[..40]));
        assert!(Court::new().validate("baseline", &review).findings().is_empty());
    }
}

#[test]
fn denies_a_bound_token_that_outlives_the_maximum_until_it_has_expired() {
    let review = |seconds| Review::create("secrets", opaque("copy", &json!({"t": bound_jwt("ci", seconds)})));
    let court = Court::new();
    assert_eq!(court.validate("restricted", &review(86_401)).findings(), ["TW104=deny"]);
    assert!(court.validate("restricted", &review(86_400)).findings().is_empty());
    let later = Court { now: now() + jiff::SignedDuration::from_secs(86_401), ..Court::new() };
    assert!(later.validate("restricted", &review(86_401)).findings().is_empty());
}

#[test]
fn an_exception_allows_a_stored_token_of_its_account() {
    let review = Review::create("secrets", opaque("copy", &json!({"t": legacy_jwt("ci-token", "ci")})));
    for (account, allowed) in [("ci", true), ("web", false)] {
        let court = Court::new().with_exceptions(vec![exception("stored-token", "copy", account, "2027-01-01")]);
        assert_eq!(court.validate("restricted", &review).is_allowed(), allowed);
    }
}

#[test]
fn an_exception_for_one_token_does_not_hide_another_beside_it_nor_one_of_another_namespace() {
    let court = Court::new().with_exceptions(vec![exception("stored-token", "copy", "ci", "2027-01-01")]);
    let (own, other) = (legacy_jwt("ci-token", "ci"), legacy_jwt("admin-token", "admin"));
    let elsewhere = jwt(&json!({
        "iss": "kubernetes/serviceaccount", "sub": "system:serviceaccount:kube-system:ci",
        "kubernetes.io/serviceaccount/namespace": "kube-system", "kubernetes.io/serviceaccount/secret.name": "ci-token",
        "kubernetes.io/serviceaccount/service-account.name": "ci", "kubernetes.io/serviceaccount/service-account.uid": "1",
    }));
    for (held, account) in [
        (format!("{own} {other}"), "team-a/admin"),
        (format!("{other} {own}"), "team-a/admin"),
        (format!("{own} {elsewhere}"), "kube-system/ci"),
        (elsewhere, "kube-system/ci"),
    ] {
        let verdict = court.validate("restricted", &Review::create("secrets", opaque("copy", &json!({"t": held}))));
        assert_eq!(verdict.findings(), ["TW104=deny"], "{account}");
        let told = format!("TW104 stored-token: Secret copy holds a legacy token of ServiceAccount {account}. ");
        assert!(verdict.message().starts_with(&told), "{verdict:?}");
    }
}

#[test]
fn the_jwt_of_another_issuer_is_nobody_s_business() {
    let token = jwt(&json!({"iss": "https://vault.example.com", "sub": "ci", "exp": 4_102_444_800_u64, "iat": 0}));
    let review = Review::create("secrets", opaque("vault", &json!({"t": token})));
    assert!(Court::new().validate("restricted", &review).findings().is_empty());
}

// row 76
#[test]
fn a_token_in_a_docker_config_is_at_most_a_warning() {
    let auth = STANDARD.encode(format!("serviceaccount:{}", legacy_jwt("builder-token", "builder")));
    let config = json!({"auths": {"registry.example.com": {"auth": auth}}}).to_string();
    let mut secret = opaque("builder-dockercfg", &json!({".dockerconfigjson": config}));
    secret["type"] = json!("kubernetes.io/dockerconfigjson");
    let verdict = Court::new().validate("restricted", &Review::create("secrets", secret));
    assert!(verdict.is_allowed());
    assert_eq!(verdict.findings(), ["TW104=warn"]);
}

#[test]
fn of_a_token_secret_every_key_but_the_token_is_looked_at() {
    let old = filled_token_secret("web-token", "web");
    let mut new = old.clone();
    new["data"]["copy"] = json!(STANDARD.encode(legacy_jwt("ci-token", "ci")));
    assert_eq!(Court::new().validate("restricted", &update(&old, &new)).fields(), ["data[copy]"]);
}

#[test]
fn a_change_of_another_key_does_not_speak_of_an_old_one() {
    let old = opaque("copy", &json!({"t": legacy_jwt("ci-token", "ci")}));
    let new = opaque("copy", &json!({"t": legacy_jwt("ci-token", "ci"), "other": "x"}));
    assert!(Court::new().validate("restricted", &update(&old, &new)).findings().is_empty());
}
