//! An update reports only what it adds, and what only ends or only looks like a change passes untouched.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::fixture::{Court, NAMESPACE, Review, Verdict, bound_jwt, filled_token_secret, legacy_jwt, token_secret};

const INVALID_SINCE: &str = "kubernetes.io/legacy-token-invalid-since";

fn opaque(name: &str, data: &[(&str, &str)]) -> Value {
    let data: serde_json::Map<String, Value> =
        data.iter().map(|(key, value)| ((*key).to_owned(), STANDARD.encode(value).into())).collect();
    json!({"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "metadata": {"name": name}, "data": data})
}

fn kubeconfig(context: &str, token: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: {context}\nusers:\n- name: ci\n  user: {{token: {token}}}\n"
    )
}

fn update(resource: &str, old: &Value, new: &Value) -> Verdict {
    let court = Court::new().with_legacy_token("legacy-ci", "ci").with_legacy_token("legacy-old", "ci");
    court.validate("restricted", &Review::update(resource, old.clone(), new.clone()))
}

/// The object with one more change that concerns no rule.
fn annotated(object: &Value) -> Value {
    let mut object = object.clone();
    object["metadata"]["annotations"]["example.com/note"] = "changed".into();
    object
}

#[track_caller]
fn assert_untouched(verdict: &Verdict) {
    assert!(verdict.is_allowed(), "{verdict:?}");
    assert_eq!(verdict.findings(), [""; 0], "{verdict:?}");
    assert_eq!(verdict.warnings(), [""; 0], "{verdict:?}");
}

fn account(automount: Option<bool>, secrets: &[&str]) -> Value {
    let secrets: Vec<Value> = secrets.iter().map(|name| json!({"name": name})).collect();
    json!({
        "apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "ci", "namespace": NAMESPACE},
        "automountServiceAccountToken": automount, "secrets": secrets,
    })
}

fn namespace(policy: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": {"tokenward.dev/policy": policy}}})
}

/// An object of each kind that is full of findings, which it has had before the label came.
fn burdened() -> [(&'static str, Value); 6] {
    let mut switched_off = filled_token_secret("legacy-ci", "ci");
    switched_off["metadata"]["labels"] = json!({INVALID_SINCE: "2026-10-01"});
    switched_off["data"]["copy"] = json!(STANDARD.encode(legacy_jwt("other", "ci")));
    let spec = json!({
        "containers": [{"name": "app", "env": [
            {"name": "LITERAL", "value": legacy_jwt("legacy-ci", "ci")},
            {"name": "REFERENCE", "valueFrom": {"secretKeyRef": {"name": "legacy-ci", "key": "token"}}},
        ]}],
        "ephemeralContainers": [{"name": "debugger", "envFrom": [{"secretRef": {"name": "legacy-ci"}}]}],
    });
    [
        ("secrets", switched_off),
        ("secrets", opaque("legacy-old", &[("token", &legacy_jwt("legacy-old", "ci"))])),
        ("serviceaccounts", account(None, &["legacy-ci"])),
        ("namespaces", namespace("baselin")),
        (
            "apps/deployments",
            json!({
                "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
                "spec": {"template": {"spec": spec}}, "status": {"replicas": 1},
            }),
        ),
        (
            "pods/ephemeralcontainers",
            json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": spec}),
        ),
    ]
}

#[test]
fn what_an_object_had_before_is_never_reported_again() {
    for (resource, object) in burdened() {
        assert_untouched(&update(resource, &object, &annotated(&object)));
        // A finalizer comes or goes, which is all that most controllers change.
        let mut held = object.clone();
        held["metadata"]["finalizers"] = json!(["example.com/hold"]);
        assert_untouched(&update(resource, &object, &held));
        assert_untouched(&update(resource, &held, &object));
        let mut status = object.clone();
        status["status"] = json!({"replicas": 2, "phase": "Active"});
        assert_untouched(&update(resource, &object, &status));
    }
}

#[test]
fn what_is_being_deleted_is_let_go_whatever_changes_but_for_what_is_added_to_a_secret() {
    let harmless = [
        ("secrets", token_secret("legacy-ci", "weak")),
        ("secrets", opaque("legacy-old", &[])),
        ("serviceaccounts", account(Some(false), &[])),
        ("namespaces", namespace("restricted")),
        (
            "apps/deployments",
            json!({"kind": "Deployment", "metadata": {"name": "web"}, "spec": {"template": {"spec": {}}}}),
        ),
        ("pods/ephemeralcontainers", json!({"kind": "Pod", "metadata": {"name": "web"}, "spec": {}})),
    ];
    for ((resource, new), (_, old)) in burdened().into_iter().zip(harmless) {
        let living = update(resource, &old, &new);
        assert_ne!(living.findings(), [""; 0], "{resource}");
        let [mut old, mut new] = [old, new];
        for object in [&mut old, &mut new] {
            object["metadata"]["deletionTimestamp"] = json!("2026-11-23T11:59:00Z");
        }
        new["metadata"]["finalizers"] = json!([]);
        let going = update(resource, &old, &new);
        if resource == "secrets" {
            assert_eq!(going.findings(), living.findings());
        } else {
            assert_untouched(&going);
        }
    }
}

#[test]
fn deletions_are_never_judged() {
    for (resource, object) in burdened() {
        let review = Review::create(resource, Value::Null).with("operation", json!("DELETE")).with("oldObject", object);
        assert_untouched(&Court::new().validate("restricted", &review));
    }
}

#[test]
fn text_around_a_stored_token_may_change_and_another_token_may_not_come() {
    let old = opaque("ci-config", &[("config", &kubeconfig("one", &legacy_jwt("ci-token", "ci")))]);
    let edited = opaque("ci-config", &[("config", &kubeconfig("two", &legacy_jwt("ci-token", "ci")))]);
    let moved = opaque("ci-config", &[("renamed", &kubeconfig("one", &legacy_jwt("ci-token", "ci")))]);
    let encoded = opaque("ci-config", &[("config", &STANDARD.encode(legacy_jwt("ci-token", "ci")))]);
    for new in [edited, moved, encoded] {
        assert_untouched(&update("secrets", &old, &new));
    }

    let another = opaque("ci-config", &[("config", &kubeconfig("one", &legacy_jwt("ci-token", "admin")))]);
    let both = kubeconfig("one", &format!("{}\n  other: {}", legacy_jwt("ci-token", "ci"), legacy_jwt("x", "ci")));
    let beside = opaque("ci-config", &[("config", &both)]);
    let bound = opaque("ci-config", &[("config", &kubeconfig("one", &bound_jwt("ci", 90_000)))]);
    for new in [another, beside, bound] {
        assert_eq!(update("secrets", &old, &new).findings(), ["TW104=deny"]);
    }
}

#[test]
fn a_token_with_the_same_claims_and_another_signature_is_another_token() {
    let forged = legacy_jwt("ci-token", "ci");
    let (claims, _) = forged.rsplit_once('.').unwrap();
    let old = opaque("copy", &[("t", &forged)]);
    let new = opaque("copy", &[("t", &format!("{claims}.dmFsaWQ"))]);
    assert_eq!(update("secrets", &old, &new).findings(), ["TW104=deny"]);
}

#[test]
fn a_copy_of_a_secret_s_own_token_under_another_key_is_added() {
    let old = filled_token_secret("web-token", "web");
    let mut new = old.clone();
    new["data"]["copy"] = old["data"]["token"].clone();
    assert_eq!(update("secrets", &old, &new).fields(), ["data[copy]"]);
}

#[test]
fn a_second_change_of_a_retargeted_secret_is_judged_by_itself() {
    let (weak, strong) = (filled_token_secret("t", "weak"), filled_token_secret("t", "strong"));
    assert_untouched(&update("secrets", &strong, &annotated(&strong)));
    // By way of no account at all it is as far.
    let with_annotations = |annotations: &Value| {
        let mut secret = weak.clone();
        secret["metadata"]["annotations"] = annotations.clone();
        secret
    };
    let nobody = with_annotations(&json!({}));
    assert_untouched(&update("secrets", &weak, &nobody));
    let retargeted = with_annotations(&strong["metadata"]["annotations"]);
    assert_eq!(update("secrets", &nobody, &retargeted).findings(), ["TW102=deny"]);
}

#[test]
fn a_token_secret_that_was_empty_before_may_stay_empty_and_be_filled() {
    let bare = token_secret("web-token", "web");
    assert_untouched(&update("secrets", &bare, &annotated(&bare)));
    assert_untouched(&update("secrets", &bare, &filled_token_secret("web-token", "web")));
}

#[test]
fn a_switched_off_token_may_be_switched_off_on_another_day() {
    let mut old = filled_token_secret("web-token", "web");
    old["metadata"]["labels"] = json!({INVALID_SINCE: "2026-10-01"});
    let mut new = old.clone();
    new["metadata"]["labels"][INVALID_SINCE] = json!("2026-11-01");
    assert_untouched(&update("secrets", &old, &new));
}

#[test]
fn only_newly_listed_secrets_of_an_account_are_reported() {
    let old = account(Some(false), &["legacy-ci"]);
    let new = account(Some(false), &["other", "legacy-old", "legacy-ci"]);
    let verdict = update("serviceaccounts", &old, &new);
    assert_eq!(verdict.findings(), ["TW302=warn"]);
    let warning = "TW302 service-account-secrets: ServiceAccount ci lists legacy token Secret legacy-old";
    assert_eq!(verdict.warnings(), [warning]);
    // row 79: the token controller removes what was deleted.
    assert_untouched(&update("serviceaccounts", &old, &account(Some(false), &[])));
}

#[test]
fn automount_is_reported_once_when_it_is_switched_on() {
    assert_untouched(&update("serviceaccounts", &account(None, &[]), &account(Some(true), &[])));
    assert_untouched(&update("serviceaccounts", &account(None, &[]), &account(Some(false), &[])));
    for on in [None, Some(true)] {
        let verdict = update("serviceaccounts", &account(Some(false), &[]), &account(on, &[]));
        assert_eq!(verdict.findings(), ["TW301=warn"]);
    }
}

#[test]
fn only_new_ephemeral_containers_are_searched_for_literal_tokens() {
    let container = |name: &str| json!({"name": name, "args": ["--token", legacy_jwt("ci-token", "ci")]});
    let pod = |names: &[&str]| {
        let containers: Vec<Value> = names.iter().map(|name| container(name)).collect();
        json!({"kind": "Pod", "metadata": {"name": "web"}, "spec": {"ephemeralContainers": containers}})
    };
    assert_untouched(&update("pods/ephemeralcontainers", &pod(&["one"]), &annotated(&pod(&["one"]))));
    let verdict = update("pods/ephemeralcontainers", &pod(&["one"]), &pod(&["one", "two"]));
    assert_eq!(verdict.fields(), ["spec.ephemeralContainers[1].args[1]"]);
}

#[test]
fn a_template_is_warned_about_what_it_gains_alone() {
    let deployment = |secrets: &[&str]| {
        let volumes: Vec<Value> =
            secrets.iter().map(|name| json!({"name": name, "secret": {"secretName": name}})).collect();
        json!({"kind": "Deployment", "metadata": {"name": "web"}, "spec": {"template": {"spec": {"volumes": volumes}}}})
    };
    let one = deployment(&["legacy-ci"]);
    let verdict = update("apps/deployments", &one, &deployment(&["legacy-ci", "legacy-old"]));
    assert_eq!(verdict.findings(), ["TW201=warn"]);
    assert!(verdict.warnings()[0].contains("legacy Secret legacy-old is reached at "), "{verdict:?}");
}

#[test]
fn nothing_is_even_recorded_of_a_template_that_stays_as_it_is() {
    let deployment = |replicas: u32, secret: &str| {
        let spec = json!({"imagePullSecrets": [{"name": secret}]});
        json!({
            "kind": "Deployment", "metadata": {"name": "web"},
            "spec": {"replicas": replicas, "template": {"spec": spec}},
        })
    };
    let old = deployment(1, "registry");
    let changed = update("apps/deployments", &old, &deployment(1, "mirror"));
    assert_eq!(changed.annotation("unknown"), "secret/mirror");
    let scaled = update("apps/deployments", &old, &deployment(3, "registry"));
    assert_untouched(&scaled);
    assert_eq!(scaled.annotation("unknown"), "");
}

#[test]
fn an_unknown_label_is_reported_when_it_comes_and_not_while_it_stays() {
    assert_eq!(update("namespaces", &namespace("restricted"), &namespace("x")).findings(), ["TW501=warn"]);
    assert_eq!(update("namespaces", &namespace("x"), &namespace("y")).findings(), ["TW501=warn"]);
    assert_untouched(&update("namespaces", &namespace("x"), &annotated(&namespace("x"))));
}

/// What one person may store must not take the webhook's time from everybody: these would be minutes if each entry were
/// looked for among all the others.
#[test]
fn objects_with_very_many_entries_are_judged_entry_by_entry() {
    const ENTRIES: usize = 100_000;
    let data: serde_json::Map<String, Value> = (0..ENTRIES).map(|number| (format!("{number:x}"), "".into())).collect();
    let mut secret = opaque("many", &[]);
    secret["data"] = data.into();
    assert_untouched(&update("secrets", &secret, &annotated(&secret)));

    let names: Vec<String> = (0..ENTRIES).map(|number| format!("{number:x}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let account = account(Some(false), &names);
    assert_untouched(&update("serviceaccounts", &account, &annotated(&account)));
}
