//! What holds of every decision, whatever the object: generated Pods, templates, Secrets, accounts and requests for tokens, good
//! and bad.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use tokenward::policy::{Inventory, Phase, RULES};

use crate::fixture::{Court, NAMESPACE, Review, bound_jwt, filled_token_secret, legacy_jwt, token_secret};
use crate::patch_properties;
use crate::pods::{DIRECTORY, built_in_volume, deployment};
use crate::views::objects::{Dice, write};

/// The ways in which a Pod is made worse.
const WAYS: usize = 10;

fn court() -> Court {
    Court::new().with_legacy_token("legacy-ci", "ci").with_legacy_token("legacy-web", "web")
}

/// The list of this name, made where there is none.
fn list<'v>(object: &'v mut Value, name: &str) -> &'v mut Vec<Value> {
    if !object[name].is_array() {
        object[name] = json!([]);
    }
    object[name].as_array_mut().expect("a list")
}

fn first_container(pod: &mut Value) -> &mut Value {
    let containers = list(&mut pod["spec"], "containers");
    if containers.is_empty() {
        containers.push(json!({"name": "app"}));
    }
    &mut containers[0]
}

fn volume(pod: &mut Value, volume: Value) {
    list(&mut pod["spec"], "volumes").push(volume);
}

fn worsen(pod: &mut Value, way: usize) {
    let token = |token: Value| json!({"name": "own", "projected": {"sources": [{"serviceAccountToken": token}]}});
    match way {
        0 => volume(pod, json!({"name": "legacy", "secret": {"secretName": "legacy-ci"}})),
        1 => list(first_container(pod), "env").push(json!({"name": "T", "value": legacy_jwt("ci-token", "ci")})),
        2 => list(first_container(pod), "envFrom").push(json!({"secretRef": {"name": "legacy-web"}})),
        3 => list(&mut pod["spec"], "imagePullSecrets").push(json!({"name": "legacy-ci"})),
        4 => volume(pod, token(json!({"path": "token", "expirationSeconds": 100_000}))),
        5 => volume(pod, token(json!({"path": "token", "audience": "sts.amazonaws.com", "expirationSeconds": 3607}))),
        6 => {
            if !pod["metadata"]["annotations"].is_object() {
                pod["metadata"]["annotations"] = json!({});
            }
            pod["metadata"]["annotations"]["example.com/copy"] = json!(bound_jwt("ci", 600));
        }
        7 => {
            volume(pod, token(json!({"path": "token"})));
            let mount = json!({"name": "own", "mountPath": "/token", "subPath": "token"});
            list(first_container(pod), "volumeMounts").push(mount);
        }
        8 => {
            pod["spec"]["serviceAccountName"] = json!("default");
            volume(pod, built_in_volume("kube-api-access-x2b9k"));
            let mount = json!({"name": "kube-api-access-x2b9k", "mountPath": DIRECTORY});
            list(first_container(pod), "volumeMounts").push(mount);
        }
        _ => list(first_container(pod), "args").push(json!(legacy_jwt("ci-token", "ci"))),
    }
}

fn any_pod() -> impl Strategy<Value = Value> {
    (patch_properties::pod(), vec(0..WAYS, 0..5)).prop_map(|(mut pod, ways)| {
        for way in ways {
            worsen(&mut pod, way);
        }
        pod
    })
}

fn any_secret() -> impl Strategy<Value = Value> {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    let kinds = ["Opaque", "kubernetes.io/service-account-token", "kubernetes.io/dockerconfigjson", "example.com/own"];
    let texts = [
        "password".to_owned(),
        legacy_jwt("ci-token", "ci"),
        legacy_jwt("other", "ci"),
        bound_jwt("ci", 90_000),
        String::new(),
    ];
    let data = vec((select(&["token", "config", ".dockerconfigjson"]), select(texts.to_vec())), 0..4);
    (select(kinds.to_vec()), data, select(&["", "web", "admin"]), any::<bool>()).prop_map(
        |(kind, data, account, invalid)| {
            let mut secret = token_secret("ci-token", account);
            secret["type"] = json!(kind);
            if invalid {
                secret["metadata"]["labels"] = json!({"kubernetes.io/legacy-token-invalid-since": "2026-10-01"});
            }
            let data = data.into_iter().map(|(key, text)| (key.to_owned(), json!(STANDARD.encode(text))));
            secret["data"] = Value::Object(data.collect());
            secret
        },
    )
}

fn any_account() -> impl Strategy<Value = Value> {
    let automount = select(vec![json!(true), json!(false), Value::Null]);
    let secrets = vec(select(&["legacy-ci", "legacy-web", "other"]), 0..3);
    (automount, secrets).prop_map(|(automount, secrets)| {
        let secrets: Vec<Value> = secrets.into_iter().map(|name| json!({"name": name})).collect();
        json!({
            "apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "web", "namespace": NAMESPACE},
            "automountServiceAccountToken": automount, "secrets": secrets,
        })
    })
}

fn any_namespace() -> impl Strategy<Value = Value> {
    let labels = ["audit", "warn", "baseline", "restricted", "baselin"].map(Some).into_iter().chain([None]);
    select(labels.collect::<Vec<_>>()).prop_map(|policy| {
        let labels = policy.map_or(json!({}), |policy| json!({"tokenward.dev/policy": policy}));
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}})
    })
}

fn cron_job(pod: &Value) -> Value {
    let template = json!({"metadata": pod["metadata"], "spec": pod["spec"]});
    json!({
        "apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "app"},
        "spec": {"jobTemplate": {"spec": {"template": template}}},
    })
}

/// A resource, and two objects of it: what was there, and what is to be there.
fn any_object() -> impl Strategy<Value = (&'static str, Value, Value)> {
    let pair = |resource: &'static str, objects: BoxedStrategy<Value>| {
        (objects.clone(), objects).prop_map(move |(old, new)| (resource, old, new)).boxed()
    };
    let request = (select(&[600, 3607, 90_000, 31_536_000]), select(&["Pod", "Secret", "Node"])).prop_map(|(seconds, kind)| {
        let spec = json!({"expirationSeconds": seconds, "boundObjectRef": {"kind": kind, "name": "x"}});
        json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "metadata": {"name": "ci"}, "spec": spec})
    });
    prop_oneof![
        4 => pair("pods", any_pod().boxed()),
        1 => pair("apps/deployments", any_pod().prop_map(|pod| deployment(&pod)).boxed()),
        1 => pair("batch/cronjobs", any_pod().prop_map(|pod| cron_job(&pod)).boxed()),
        2 => pair("secrets", any_secret().boxed()),
        1 => pair("secrets", Just(filled_token_secret("ci-token", "ci")).boxed()),
        1 => pair("serviceaccounts", any_account().boxed()),
        1 => pair("serviceaccounts/token", request.boxed()),
        1 => pair("namespaces", any_namespace().boxed()),
    ]
}

/// The creation or the update of any object; Pods are created, or get ephemeral containers.
fn any_review() -> impl Strategy<Value = Review> {
    (any_object(), any::<bool>()).prop_map(|((resource, old, new), is_update)| match resource {
        "pods" if is_update => {
            let mut old = new.clone();
            old["spec"]["ephemeralContainers"] = json!([]);
            let mut new = new;
            let mut debugger = first_container(&mut new).clone();
            debugger["name"] = json!("debugger");
            new["spec"]["ephemeralContainers"] = json!([debugger]);
            Review::update("pods/ephemeralcontainers", old, new)
        }
        "serviceaccounts/token" | "pods" => Review::create(resource, new),
        _ if is_update => Review::update(resource, old, new),
        _ => Review::create(resource, new),
    })
}

/// Adds a field that nobody knows to every object in `value` that is no map of strings.
fn extend(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(extend),
        Value::Object(fields) => {
            for (_, field) in
                fields.iter_mut().filter(|(key, _)| !["annotations", "labels", "data"].contains(&key.as_str()))
            {
                extend(field);
            }
            fields.insert(
                "fieldToCome".to_owned(),
                json!({"name": "legacy-ci", "deep": [null, 3607, {"path": "token"}]}),
            );
        }
        _ => {}
    }
}

fn strength(action: &str) -> usize {
    ["audit", "warn", "deny"].iter().position(|known| *known == action).expect("an action")
}

/// What is generated is of use only where the rules have something to find in it.
#[test]
fn most_rules_find_something_in_what_is_generated() {
    let mut runner = TestRunner::deterministic();
    let mut found = BTreeSet::new();
    for _ in 0..600 {
        let review = any_review().new_tree(&mut runner).expect("a review").current();
        let verdict = court().validate("restricted", &review);
        found.extend(verdict.findings().into_iter().map(|finding| finding[..5].to_owned()));
    }
    // The built-in policies have no list of audiences, which TW203 goes by.
    let silent: Vec<&str> = RULES.iter().map(|rule| rule.code).filter(|code| !found.contains(*code)).collect();
    assert_eq!(silent, ["TW203"]);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(192) })]

    #[test]
    fn audit_and_warn_refuse_nothing_and_change_nothing(review in any_review()) {
        for policy in ["audit", "warn"] {
            let changes = court().mutate(policy, &review);
            prop_assert!(changes.is_allowed() && changes.patch().is_none() && changes.warnings().is_empty(), "{changes:?}");
            let verdict = court().validate(policy, &review);
            prop_assert!(verdict.is_allowed() && verdict.patch().is_none(), "{verdict:?}");
            prop_assert!(policy == "warn" || review.0["request"]["resource"]["resource"] == "namespaces" || verdict.warnings().is_empty());
            for finding in verdict.findings() {
                let action = finding.split_once('=').expect("an action").1;
                prop_assert!(strength(action) <= strength(policy), "{finding} under {policy}");
            }
        }
    }

    #[test]
    fn restricted_finds_what_baseline_finds_and_is_no_milder(review in any_review()) {
        let is_template = ["deployments", "cronjobs"].contains(&review.0["request"]["resource"]["resource"].as_str().unwrap());
        let (mild, strict) = (court().validate("baseline", &review), court().validate("restricted", &review));
        for finding in mild.findings() {
            let (code, action) = finding.split_once('=').expect("an action");
            // The Pods of a template are retuned under `restricted`, so that there is nothing to say.
            if code == "TW204" && is_template {
                continue;
            }
            let found = strict.findings().into_iter().find_map(|other| other.strip_prefix(code)?.strip_prefix('='));
            prop_assert!(found.is_some_and(|found| strength(found) >= strength(action)), "{finding}: {strict:?}");
        }
        prop_assert!(mild.is_allowed() || !strict.is_allowed());
    }

    #[test]
    fn the_order_of_keys_and_the_way_they_are_written_do_not_count(review in any_review(), throw in any::<u64>()) {
        let shuffled = write(&review.0, &mut Dice(throw | 1));
        for (policy, phase) in [("baseline", Phase::Mutate), ("restricted", Phase::Mutate), ("restricted", Phase::Validate)] {
            let answer = |body: &[u8]| court().policies.answer(policy, phase, body, &court().inventory, court().now).expect("a review");
            let (one, other) = (answer(&review.bytes()).decision, answer(shuffled.as_bytes()).decision);
            prop_assert_eq!(one.is_allowed(), other.is_allowed());
            prop_assert_eq!(&one.patch, &other.patch);
            // Of several keys of a map the one that comes first is the one that the sentence names.
            let said = |decision: &tokenward::policy::Decision| {
                let of = |finding: &tokenward::policy::Finding| {
                    let mut paths: Vec<String> = finding.paths.iter().map(ToString::to_string).collect();
                    paths.sort();
                    (finding.rule.code, finding.action, paths)
                };
                let mut said: Vec<_> = decision.findings.iter().map(of).collect();
                said.sort_by(|one, other| (one.0, &one.2).cmp(&(other.0, &other.2)));
                said
            };
            prop_assert_eq!(said(&one), said(&other));
        }
    }

    #[test]
    fn fields_that_nobody_knows_change_nothing(review in any_review()) {
        let mut extended = review.clone();
        for part in ["object", "oldObject", "userInfo"] {
            extend(&mut extended.0["request"][part]);
        }
        extended.0["request"]["fieldToCome"] = json!([{"operation": "DELETE"}]);
        extended.0["fieldToCome"] = json!({"request": null});
        for policy in ["audit", "baseline", "restricted"] {
            prop_assert_eq!(court().validate(policy, &extended).0, court().validate(policy, &review).0);
            prop_assert_eq!(court().mutate(policy, &extended).0, court().mutate(policy, &review).0);
        }
    }

    #[test]
    fn an_update_to_what_was_there_is_never_a_finding((resource, _, object) in any_object()) {
        prop_assume!(!["pods", "serviceaccounts/token"].contains(&resource));
        for policy in ["warn", "baseline", "restricted"] {
            let verdict = court().validate(policy, &Review::update(resource, object.clone(), object.clone()));
            prop_assert!(verdict.is_allowed() && verdict.findings().is_empty() && verdict.warnings().is_empty(), "{verdict:?}");
        }
    }

    #[test]
    fn a_policy_that_does_not_exist_decides_as_restricted(review in any_review()) {
        let (asked, restricted) = (court().validate("no-such-policy", &review), court().validate("restricted", &review));
        prop_assert_eq!(asked.is_allowed(), restricted.is_allowed());
        prop_assert_eq!(asked.findings(), restricted.findings());
        prop_assert_eq!(court().mutate("no-such-policy", &review).patch(), court().mutate("restricted", &review).patch());
    }

    #[test]
    fn knowing_less_never_finds_more(review in any_review()) {
        let knowing = court().validate("restricted", &review);
        let ignorant = court().answer("restricted", Phase::Validate, &review, &Inventory::default());
        for finding in ignorant.findings() {
            prop_assert!(knowing.findings().contains(&finding), "{finding}: {knowing:?}");
        }
    }
}
