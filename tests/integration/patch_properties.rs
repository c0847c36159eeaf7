//! What holds of every patch, whatever the Pod and the policy. Generated Pods have null lists, mounts in odd spellings,
//! volumes of our names, annotations good and bad, and fields that nobody knows.

use k8s_openapi::api::core::v1 as typed;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};
use tokenward::policy::{Builtin, InjectWhen, MountWhen, Policy};
use tokenward::token::{Relation, relation};

use crate::pods::{DIRECTORY, Judge, built_in_volume, further, injected_volume, policy, token_volume};

const TOKENS_DIRECTORY: &str = "/var/run/secrets/tokens";

const PATHS: [&str; 20] = [
    DIRECTORY,
    DIRECTORY,
    "/var/run/secrets/kubernetes.io/serviceaccount/",
    "//var/run/secrets/kubernetes.io/serviceaccount",
    "/var/run/secrets/kubernetes.io/./serviceaccount",
    "/run/secrets/kubernetes.io/serviceaccount",
    "/var/run/secrets/kubernetes.io/serviceaccount/token",
    "/var/run/secrets/kubernetes.io/x/../serviceaccount/ca.crt",
    "/var/run/secrets/kubernetes.io",
    "/var/run/secrets",
    "/run/secrets/",
    "/var/run",
    "/",
    "",
    TOKENS_DIRECTORY,
    "/var/run/secrets/tokens/vault",
    "/run/secrets/tokens",
    "/data",
    "relative/path",
    "/~weird/\u{e9}\"\\path",
];

const VOLUMES: [&str; 9] = [
    "data",
    "kube-api-access-x2b9k",
    "kube-api-access-mine1",
    "tokenward-api-access",
    "tokenward-api-access-2",
    "tokenward-api-access-02",
    "tokenward-tokens",
    "tokenward-tokens-2",
    "tokenward-tokens-18446744073709551615",
];

/// A list, or one of the ways in which there is none.
fn list(item: impl Strategy<Value = Value> + 'static, most: usize) -> impl Strategy<Value = Option<Value>> {
    prop_oneof![
        1 => Just(None),
        1 => Just(Some(Value::Null)),
        4 => vec(item, 0..=most).prop_map(|items| Some(items.into())),
    ]
}

/// An object of the fields that are there.
fn object<const N: usize>(fields: [(&str, Option<Value>); N]) -> Value {
    let present = fields.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?)));
    Value::Object(present.collect())
}

fn mount() -> impl Strategy<Value = Value> {
    let sub_path = option::weighted(0.1, Just(json!("token")));
    let unknown = option::weighted(0.2, Just(json!({"deep": [null, 3607]})));
    (select(&VOLUMES), select(&PATHS), sub_path, unknown).prop_map(|(name, path, sub_path, unknown)| {
        let name = Some(json!(name));
        object([("name", name), ("mountPath", Some(json!(path))), ("subPath", sub_path), ("futureField", unknown)])
    })
}

fn container(name: String) -> impl Strategy<Value = Value> {
    let device = select(&PATHS).prop_map(|path| json!({"name": "disk", "devicePath": path}));
    let devices = option::weighted(0.2, list(device, 1)).prop_map(Option::flatten);
    let unknown = option::weighted(0.2, Just(json!("kept")));
    (list(mount(), 3), devices, unknown).prop_map(move |(mounts, devices, unknown)| {
        object([
            ("name", Some(json!(name))),
            ("image", Some(json!("registry.example.com/app:1"))),
            ("volumeMounts", mounts),
            ("volumeDevices", devices),
            ("futureField", unknown),
        ])
    })
}

/// Up to `most` containers, each of another name.
fn containers(prefix: &'static str, most: usize) -> impl Strategy<Value = Option<Value>> {
    (0..=most).prop_flat_map(move |count| {
        let each: Vec<_> = (0..count).map(|index| container(format!("{prefix}-{index}"))).collect();
        prop_oneof![
            6 => each.prop_map(|items| Some(Value::from(items))),
            1 => Just(None),
            1 => Just(Some(Value::Null)),
        ]
    })
}

fn volume() -> impl Strategy<Value = Value> {
    let token = (select(&["", "vault"]), select(&[600, 3600, 3607, 86_400]), select(&["token", "vault"]));
    let projected = (select(&VOLUMES), token).prop_map(|(name, (audience, seconds, path))| {
        token_volume(name, json!({"audience": audience, "expirationSeconds": seconds, "path": path}))
    });
    prop_oneof![
        3 => select(&VOLUMES).prop_map(|name| json!({"name": name, "emptyDir": {}, "futureField": [1, 2]})),
        1 => select(&VOLUMES).prop_map(|name| json!({"name": name, "projected": {"sources": null}})),
        2 => Just(built_in_volume("kube-api-access-x2b9k")),
        2 => Just(injected_volume()),
        2 => projected,
    ]
}

fn annotations() -> impl Strategy<Value = Option<Value>> {
    let value = |values: &'static [&'static str]| option::weighted(0.25, select(values));
    let ours = (
        value(&["true", "true", "false", "yes"]),
        value(&["600", "3600", "7200", "86400", "3607"]),
        value(&["vault", "vault", "sts,vault", " vault "]),
        value(&["app-0", "app-0", "app-0,init-0"]),
        value(&["baseline", "custom", "forged"]),
        option::weighted(0.05, Just("x")),
        value(&["jane"]),
    );
    let some = ours.prop_map(|(inject, seconds, tokens, containers, injected, mirror, other)| {
        let keys = [
            ("tokenward.dev/inject", inject),
            ("tokenward.dev/expiration-seconds", seconds),
            ("tokenward.dev/tokens", tokens),
            ("tokenward.dev/containers", containers),
            ("tokenward.dev/injected", injected),
            ("kubernetes.io/config.mirror", mirror),
            ("example.com/a~b", other),
        ];
        Some(object(keys.map(|(key, value)| (key, value.map(Value::from)))))
    });
    prop_oneof![6 => some, 1 => Just(None), 1 => Just(Some(Value::Null))]
}

/// A Pod with odd lists, mounts, volumes and annotations.
pub(crate) fn pod() -> impl Strategy<Value = Value> {
    let automount = select(vec![Some(json!(false)), Some(json!(false)), None, Some(Value::Null), Some(json!(true))]);
    let account = select(vec![Some(json!("app")), Some(json!("app")), Some(json!("default")), None]);
    let ephemeral = option::weighted(0.1, container("debug".to_owned()).prop_map(|debug| json!([debug])));
    let spec = (automount, account, list(volume(), 4), containers("app", 3), containers("init", 2), ephemeral);
    (annotations(), spec).prop_map(|(annotations, (automount, account, volumes, containers, init, ephemeral))| {
        let metadata = object([("name", Some(json!("app"))), ("annotations", annotations)]);
        let spec = object([
            ("automountServiceAccountToken", automount),
            ("serviceAccountName", account),
            ("volumes", volumes),
            ("containers", containers),
            ("initContainers", init),
            ("ephemeralContainers", ephemeral),
            ("futureField", Some(json!({"volumes": [3607]}))),
        ]);
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
    })
}

fn any_policy() -> impl Strategy<Value = Policy> {
    let whens =
        [InjectWhen::AutomountDisabled, InjectWhen::AutomountDisabled, InjectWhen::Requested, InjectWhen::Never];
    let mounts = [MountWhen::Always, MountWhen::AutomountDisabled, MountWhen::Requested];
    let further_tokens = vec(select(mounts.to_vec()), 0..=2);
    let api = (select(vec!["", "https://kubernetes.default.svc"]), select(vec![600_u64, 3600, 86_400]));
    let builtins = select(vec![Builtin::Audit, Builtin::Baseline, Builtin::Restricted]);
    (builtins, select(whens.to_vec()), further_tokens, api, any::<bool>()).prop_map(
        |(extends, when, mounts, (audience, seconds), retunes)| {
            policy(extends, |policy| {
                policy.inject.when = when;
                policy.inject.retune_automounted = retunes;
                audience.clone_into(&mut policy.inject.api_token.audience);
                policy.inject.api_token.expiration_seconds = seconds;
                let named = ["vault", "sts"].into_iter().zip(mounts);
                policy.inject.tokens = named.map(|(name, mount)| further(name, mount)).collect();
            })
        },
    )
}

/// Asserts that `new` has everything that `old` has, each at its place. What was null may have become a list or a map where
/// we add, and two values may be other ones: a retuned lifetime, and our stamp.
fn keeps(old: &Value, new: &Value, path: &str) {
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => {
            for (key, value) in old {
                assert!(new.contains_key(key), "{path}/{key} is gone");
                keeps(value, &new[key], &format!("{path}/{key}"));
            }
        }
        (Value::Array(old), Value::Array(new)) => {
            assert!(old.len() <= new.len(), "{path} is shorter");
            for (index, (value, kept)) in old.iter().zip(new).enumerate() {
                keeps(value, kept, &format!("{path}/{index}"));
            }
        }
        (Value::Null, _) if ["/volumes", "/volumeMounts", "/annotations"].iter().any(|end| path.ends_with(end)) => {}
        (Value::Number(number), _)
            if path.ends_with("/serviceAccountToken/expirationSeconds") && *number == 3607.into() => {}
        (Value::String(_), Value::String(_)) if path == "/metadata/annotations/tokenward.dev/injected" => {}
        _ => assert_eq!(old, new, "{path}"),
    }
}

fn holds_number(value: &Value, number: u64) -> bool {
    match value {
        Value::Array(items) => items.iter().any(|item| holds_number(item, number)),
        Value::Object(fields) => fields.values().any(|field| holds_number(field, number)),
        _ => *value == number,
    }
}

fn items<'v>(object: &'v Value, field: &str) -> &'v [Value] {
    object[field].as_array().map_or(&[], Vec::as_slice)
}

/// The containers that can be given a token.
fn all_containers(pod: &Value) -> impl Iterator<Item = &Value> {
    items(&pod["spec"], "containers").iter().chain(items(&pod["spec"], "initContainers"))
}

/// Asserts what the API server and the kubelet ask of a mount that was added: a volume of its name, and nothing else at,
/// below or, for a device, above its place.
fn mounts_well(container: &Value, mount: &Value, volumes: &[Value]) {
    let path = mount["mountPath"].as_str().unwrap();
    assert!([DIRECTORY, TOKENS_DIRECTORY].contains(&path), "{mount}");
    assert_eq!(mount["readOnly"], true);
    assert!(volumes.iter().any(|volume| volume["name"] == mount["name"]), "{mount} has no volume");
    let in_the_way = |other: &&Value| {
        matches!(relation(other["mountPath"].as_str().unwrap(), path), Relation::Same | Relation::Below)
    };
    assert_eq!(items(container, "volumeMounts").iter().filter(in_the_way).count(), 1, "{container}");
    for device in items(container, "volumeDevices") {
        assert_eq!(relation(device["devicePath"].as_str().unwrap(), path), Relation::Apart, "{container}");
    }
}

fn names(volumes: &[Value]) -> Vec<&str> {
    volumes.iter().filter_map(|volume| volume["name"].as_str()).collect()
}

fn is_distinct(mut names: Vec<&str>) -> bool {
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    names.len() == count
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    // rows 32, 33, 34, 35 and 90
    #[test]
    fn holds_of_every_patch(pod in pod(), policy in any_policy()) {
        let judge = Judge::custom(policy);
        let reply = judge.mutate(&pod);
        let operations = reply.operations();
        let patched = reply.patched();

        keeps(&pod, &patched, "");
        for operation in &operations {
            prop_assert!(["add", "replace"].contains(&operation["op"].as_str().unwrap()));
            prop_assert!(!holds_number(&operation["value"], 3607), "{operation}");
        }
        prop_assert_eq!(judge.mutate(&patched).operations(), Vec::<Value>::new());

        let typed: typed::Pod = serde_json::from_value(patched.clone()).unwrap();
        let original: typed::Pod = serde_json::from_value(pod.clone()).unwrap();
        let count = |pod: &typed::Pod| pod.spec.as_ref().unwrap().volumes.as_ref().map_or(0, Vec::len);
        prop_assert!((count(&original)..=count(&original) + 2).contains(&count(&typed)));

        let volumes = items(&patched["spec"], "volumes");
        let old_names = names(items(&pod["spec"], "volumes"));
        prop_assert!(is_distinct(names(volumes)) || !is_distinct(old_names), "two volumes have one name");
        for (old, new) in all_containers(&pod).zip(all_containers(&patched)) {
            for mount in &items(new, "volumeMounts")[items(old, "volumeMounts").len()..] {
                mounts_well(new, mount, volumes);
            }
        }
        prop_assert_eq!(&patched["spec"]["ephemeralContainers"], &pod["spec"]["ephemeralContainers"]);
    }

    #[test]
    fn leaves_nothing_missing_and_nothing_to_retune(pod in pod(), policy in any_policy()) {
        let retunes = policy.inject.retune_automounted;
        let judge = Judge::custom(policy);
        let patched = judge.mutate(&pod).patched();
        let verdict = judge.validate(&patched);
        let found = |code: &str| verdict.findings().iter().any(|finding| finding.starts_with(code));
        prop_assert!(!found("TW208"), "{verdict:?}");
        let is_left_alone = found("TW209") || pod["metadata"]["annotations"]["kubernetes.io/config.mirror"].is_string();
        prop_assert!(!retunes || is_left_alone || !found("TW204"), "{verdict:?}");
    }

    #[test]
    fn says_exactly_what_it_does(pod in pod(), policy in any_policy()) {
        let reply = Judge::custom(policy).mutate(&pod);
        let patched = reply.patched();
        let adds_mounts = reply.operations().iter().any(|operation| operation["path"].as_str().unwrap().contains("volumeMounts"));
        prop_assert_eq!(adds_mounts, !reply.annotation("injected").is_empty());
        if adds_mounts {
            prop_assert_eq!(&patched["metadata"]["annotations"]["tokenward.dev/injected"], "custom");
        } else {
            let unstamped = |pod: &Value| pod["metadata"].as_object().map(Map::len);
            prop_assert_eq!(unstamped(&patched), unstamped(&pod));
        }
        for part in reply.annotation("injected").split("; ").filter(|part| !part.is_empty()) {
            let (token, holders) = part.split_once(" containers=").unwrap();
            let directory = if token.starts_with("api ") { DIRECTORY } else { TOKENS_DIRECTORY };
            for container in all_containers(&patched) {
                let holds = items(container, "volumeMounts").iter().any(|mount| {
                    mount["mountPath"] == directory && mount["name"].as_str().unwrap().starts_with("tokenward-")
                });
                let named = holders.split(',').any(|holder| container["name"] == holder);
                prop_assert!(holds || !named, "{part} of {container}");
            }
        }
    }
}
