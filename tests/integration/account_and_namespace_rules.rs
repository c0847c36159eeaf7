//! TW302, TW401, TW501, and what labelling a namespace shows.

use serde_json::{Value, json};
use tokenward::policy::{Builtin, Exceptions, PolicySet};

use crate::fixture::{Court, NAMESPACE, Review, exception};
use crate::pods::policy;

fn account(secrets: &[&str]) -> Value {
    let secrets: Vec<Value> = secrets.iter().map(|name| json!({ "name": name })).collect();
    json!({
        "apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "ci"},
        "automountServiceAccountToken": false, "secrets": secrets,
    })
}

fn token_request(spec: &Value) -> Review {
    let object = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "metadata": {"name": "ci"}, "spec": spec});
    Review::create("serviceaccounts/token", object)
}

fn namespace(label: Option<&str>) -> Value {
    let labels = label.map_or(json!({}), |policy| json!({"tokenward.dev/policy": policy}));
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}})
}

fn relabelled(old: Option<&str>, new: Option<&str>) -> Review {
    Review::update("namespaces", namespace(old), namespace(new))
}

// row 78
#[test]
fn warns_of_a_legacy_secret_that_an_account_newly_lists() {
    let court = Court::new().with_legacy_token("legacy-ci", "ci");
    for review in [
        Review::create("serviceaccounts", account(&["other", "legacy-ci"])),
        Review::update("serviceaccounts", account(&["other"]), account(&["other", "legacy-ci"])),
    ] {
        let verdict = court.validate("restricted", &review);
        assert!(verdict.is_allowed());
        let warning = "TW302 service-account-secrets: ServiceAccount ci lists legacy token Secret legacy-ci";
        assert_eq!(verdict.warnings(), [warning]);
    }
}

#[test]
fn names_the_exception_that_has_ended_when_an_account_lists_its_secret() {
    let court = Court::new()
        .with_exceptions(vec![exception("TW302", "legacy-ci", "ci", "2026-10-31")])
        .with_legacy_token("legacy-ci", "ci");
    let review = Review::create("serviceaccounts", account(&["legacy-ci"]));
    let verdict = court.validate("restricted", &review);
    let warnings = [
        "TW302 service-account-secrets: ServiceAccount ci lists legacy token Secret legacy-ci",
        "TW302: exception agreed expired on 2026-10-31 (owner platform@example.com)",
    ];
    assert_eq!(verdict.warnings(), warnings);
}

// row 79
#[test]
fn says_nothing_of_what_an_account_has_listed_before() {
    let court = Court::new().with_legacy_token("legacy-ci", "ci").with_legacy_token("legacy-2", "ci");
    let both = account(&["legacy-ci", "legacy-2"]);
    for new in [account(&["legacy-ci"]), account(&[]), both.clone()] {
        let review = Review::update("serviceaccounts", both.clone(), new);
        assert!(court.validate("restricted", &review).findings().is_empty());
    }
}

// row 81
#[test]
fn denies_a_token_request_over_the_maximum() {
    for (seconds, allowed) in [(86_400, true), (86_401, false), (31_536_000, false)] {
        let verdict = Court::new().validate("restricted", &token_request(&json!({"expirationSeconds": seconds})));
        assert_eq!(verdict.is_allowed(), allowed);
    }
    let verdict = Court::new().validate("restricted", &token_request(&json!({"expirationSeconds": 315_360_000})));
    assert!(verdict.message().starts_with(
        "TW401 token-request-lifetime: a token of 315360000 seconds is asked for ServiceAccount ci, and 86400 are allowed. "
    ));
    assert_eq!(verdict.fields(), ["spec.expirationSeconds"]);
}

#[test]
fn a_token_request_that_says_nothing_is_granted_an_hour() {
    assert!(Court::new().validate("restricted", &token_request(&json!({}))).findings().is_empty());
}

#[test]
fn denies_a_token_that_is_bound_to_a_secret() {
    let bound = |kind| token_request(&json!({"expirationSeconds": 600, "boundObjectRef": {"kind": kind, "name": "x"}}));
    let court = Court::new();
    assert_eq!(court.validate("restricted", &bound("Secret")).fields(), ["spec.boundObjectRef"]);
    assert_eq!(court.validate("baseline", &bound("Secret")).findings(), ["TW401=warn"]);
    assert!(court.validate("restricted", &bound("Pod")).findings().is_empty());
}

#[test]
fn what_kubelets_ask_for_is_not_judged_and_what_others_ask_for_a_pod_is() {
    let long = json!({"expirationSeconds": 90_000, "boundObjectRef": {"kind": "Pod", "name": "web-0"}});
    let by = |groups: &[&str]| token_request(&long).with("userInfo", json!({"username": "u", "groups": groups}));
    let court = Court::new();
    assert!(court.validate("restricted", &by(&["system:nodes", "system:authenticated"])).findings().is_empty());
    assert_eq!(court.validate("restricted", &by(&["system:authenticated"])).findings(), ["TW401=deny"]);
    // row 91
    let nobody = token_request(&long).with("userInfo", json!({}));
    assert_eq!(court.validate("restricted", &nobody).findings(), ["TW401=deny"]);
}

#[test]
fn a_pod_s_3607_seconds_for_the_api_server_are_a_year_here_too() {
    let ask = |kind: &str, audience: &str| {
        let bound = json!({"kind": kind, "name": "web-0"});
        let spec = json!({"expirationSeconds": 3607, "boundObjectRef": bound, "audiences": [audience]});
        Court::new().validate("restricted", &token_request(&spec)).fields().contains(&"spec.expirationSeconds")
    };
    assert!(ask("Pod", "https://kubernetes.default.svc"));
    assert!(!ask("Pod", "https://vault.example.com"));
    assert!(!ask("Node", "https://kubernetes.default.svc"));
    let bound = json!({"expirationSeconds": 3607, "boundObjectRef": {"kind": "Pod", "name": "web-0"}});
    let verdict = Court::new().validate("restricted", &token_request(&bound));
    let told = "TW401 token-request-lifetime: a token of 3607 seconds, which become 31536000, is asked for ServiceAccount ci, \
                and 86400 are allowed. Ask for at most 86400 seconds, and never for 3607.";
    assert!(verdict.message().starts_with(told), "{verdict:?}");
}

// row 84
#[test]
fn warns_of_a_label_that_names_no_policy() {
    let court = Court::new();
    for review in [Review::create("namespaces", namespace(Some("baselin"))), relabelled(Some("audit"), Some("baselin"))]
    {
        let warning = "TW501 namespace-policy: no policy is named baselin; Namespace team-a is judged as restricted";
        assert_eq!(court.validate("baseline", &review).warnings(), [warning]);
    }
    let unchanged = court.validate("baseline", &relabelled(Some("baselin"), Some("baselin")));
    assert!(unchanged.findings().is_empty());
}

// row 82
#[test]
fn warns_when_the_label_is_removed_or_loosened() {
    let court = Court::new();
    let order = [None, Some("audit"), Some("warn"), Some("baseline"), Some("restricted")];
    for (strict, old) in order.into_iter().enumerate() {
        for (mild, new) in order.into_iter().enumerate() {
            let verdict = court.validate("baseline", &relabelled(old, new));
            assert!(verdict.is_allowed());
            let expected: &[&str] = if mild < strict { &["TW501=warn"] } else { &[] };
            assert_eq!(verdict.findings(), expected, "{old:?} to {new:?}");
        }
    }
    let verdict = court.validate("baseline", &relabelled(Some("restricted"), None));
    assert_eq!(verdict.warnings(), ["TW501 namespace-policy: Namespace team-a goes from restricted to no policy"]);
}

#[test]
fn another_policy_that_is_as_strict_is_no_finding() {
    let own = policy(Builtin::Baseline, |_| ());
    let name = own.name.to_string();
    let court = Court { policies: PolicySet::new(vec![own], Exceptions::default()), ..Court::new() };
    for (old, new, expected) in [
        ("baseline", &*name, &[][..]),
        (&*name, "baseline", &[][..]),
        ("warn", &*name, &[][..]),
        ("restricted", &*name, &["TW501=warn"][..]),
        (&*name, "warn", &["TW501=warn"][..]),
    ] {
        let verdict = court.validate("baseline", &relabelled(Some(old), Some(new)));
        assert_eq!(verdict.findings(), expected, "{old} to {new}");
    }
}

#[test]
fn a_label_that_is_added_for_the_first_time_is_no_finding() {
    let review = Review::create("namespaces", namespace(Some("restricted")));
    assert!(Court::new().validate("baseline", &review).findings().is_empty());
}

// row 83
#[test]
fn tightening_the_label_names_the_legacy_tokens_that_pods_would_lose() {
    let told = |secrets: &[&str], old, new| {
        let court = secrets.iter().fold(Court::new(), |court, secret| court.with_legacy_token(secret, "ci"));
        let verdict = court.validate("baseline", &relabelled(old, new));
        verdict.warnings().first().map(ToString::to_string)
    };
    let all = ["ci-bot", "grafana", "old", "older"];
    for (count, sentence) in [
        (1, "1 legacy token Secret would be refused at restricted: ci-bot"),
        (2, "2 legacy token Secrets would be refused at restricted: ci-bot and grafana"),
        (3, "3 legacy token Secrets would be refused at restricted: ci-bot, grafana and 1 other"),
        (4, "4 legacy token Secrets would be refused at restricted: ci-bot, grafana and 2 others"),
    ] {
        assert_eq!(told(&all[..count], Some("baseline"), Some("restricted")).as_deref(), Some(sentence));
        assert_eq!(told(&all[..count], None, Some("restricted")).as_deref(), Some(sentence));
    }
    assert_eq!(told(&[], Some("baseline"), Some("restricted")), None);
    assert_eq!(told(&all, Some("audit"), Some("baseline")), None);
    assert_eq!(told(&all, Some("restricted"), Some("restricted")), None);
}

#[test]
fn labelling_does_not_name_what_an_exception_allows() {
    let court = Court::new()
        .with_exceptions(vec![exception("legacy-token-reference", "grafana", "ci", "2027-01-01")])
        .with_legacy_token("ci-bot", "ci")
        .with_legacy_token("grafana", "ci");
    let verdict = court.validate("baseline", &relabelled(None, Some("restricted")));
    assert_eq!(verdict.warnings(), ["1 legacy token Secret would be refused at restricted: ci-bot"]);
}

#[test]
fn labelling_names_what_an_exception_allowed_until_it_ended() {
    let court = Court::new()
        .with_exceptions(vec![exception("legacy-token-reference", "grafana", "ci", "2026-11-01")])
        .with_legacy_token("grafana", "ci");
    let verdict = court.validate("baseline", &relabelled(None, Some("restricted")));
    assert_eq!(verdict.warnings(), ["1 legacy token Secret would be refused at restricted: grafana"]);
}
