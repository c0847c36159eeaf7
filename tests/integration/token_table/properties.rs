//! What holds of every Pod: the table has every token that a rule finds, and goes by nothing but what containers see.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};
use tokenward::policy::{Builtin, NamePattern, Policy};
use tokenward::token::{HeldToken, Spot, TokenTable};

use super::{inventory, table};
use crate::fixture::{Review, legacy_jwt};
use crate::pods::{DIRECTORY, Judge, built_in_volume, policy};

const VOLUMES: [&str; 4] = ["one", "two", "three", "kube-api-access-x2b9k"];

fn source() -> impl Strategy<Value = Value> {
    let token = (
        select(&["token", "./token", "a/token", "b"]),
        select(&["", "", "https://kubernetes.default.svc", "vault"]),
        select(&[600, 3600, 3607, 90_000]),
    )
        .prop_map(|(path, audience, seconds)| {
            json!({"serviceAccountToken": {"path": path, "audience": audience, "expirationSeconds": seconds}})
        });
    prop_oneof![
        3 => token,
        1 => secret().prop_map(|name| json!({"secret": {"name": name}})),
        1 => secret().prop_map(|name| json!({"secret": {"name": name, "items": [{"key": "token", "path": "token"}]}})),
        1 => Just(json!({"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}})),
    ]
}

fn secret() -> impl Strategy<Value = &'static str> {
    select(&["legacy-ci", "database"])
}

fn volume() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => vec(source(), 0..4).prop_map(|sources| json!({"projected": {"defaultMode": 420, "sources": sources}})),
        1 => secret().prop_map(|name| json!({"secret": {"secretName": name}})),
        1 => secret().prop_map(|name| json!({"secret": {"secretName": name, "items": [{"key": "token", "path": "t"}]}})),
        1 => secret().prop_map(|name| json!({"csi": {"driver": "d", "nodePublishSecretRef": {"name": name}}})),
        2 => Just(built_in_volume("kube-api-access-x2b9k")),
        1 => Just(json!({"emptyDir": {}})),
    ]
}

fn volumes() -> impl Strategy<Value = Value> {
    vec(volume(), VOLUMES.len()).prop_map(|volumes| {
        let named = volumes.into_iter().zip(VOLUMES).map(|(mut volume, name)| {
            volume["name"] = json!(name);
            volume
        });
        named.collect()
    })
}

fn mount() -> impl Strategy<Value = Value> {
    (
        select(&VOLUMES),
        select(&[DIRECTORY, "/t", "/t/", "/t/token", "/t/a", "/data"]),
        select(&["", "", "", "token", "a", "ca.crt", "..data"]),
        select(&["", "", "", "", "$(NAME)"]),
    )
        .prop_map(|(name, path, sub_path, expression)| {
            json!({"name": name, "mountPath": path, "subPath": sub_path, "subPathExpr": expression})
        })
}

fn env() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!({"name": "PLAIN", "value": "x"})),
        Just(json!({"name": "LITERAL", "value": format!("Bearer {}", legacy_jwt("ci-token", "ci"))})),
        (secret(), select(&["token", "namespace"])).prop_map(|(name, key)| {
            json!({"name": "REFERENCE", "valueFrom": {"secretKeyRef": {"name": name, "key": key}}})
        }),
    ]
}

fn container() -> impl Strategy<Value = Value> {
    let env_from = secret().prop_map(|name| json!({"secretRef": {"name": name}}));
    let args = prop_oneof![Just("run".to_owned()), Just(legacy_jwt("ci-token", "ci"))];
    (vec(mount(), 0..4), vec(env(), 0..3), vec(env_from, 0..2), vec(args, 0..2)).prop_map(
        |(mounts, env, env_from, args)| json!({"volumeMounts": mounts, "env": env, "envFrom": env_from, "args": args}),
    )
}

fn pod() -> impl Strategy<Value = Value> {
    let containers = |prefix: &'static str, most: usize| {
        vec(container(), 1..=most).prop_map(move |containers| {
            let named = containers.into_iter().enumerate().map(|(index, mut container)| {
                container["name"] = json!(format!("{prefix}-{index}"));
                container
            });
            named.collect::<Vec<Value>>()
        })
    };
    (containers("app", 3), containers("init", 2), volumes(), any::<Option<bool>>(), select(&["default", "web"]))
        .prop_map(|(containers, init, volumes, automount, account)| {
            json!({
                "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "annotations": {}},
                "spec": {
                    "serviceAccountName": account, "automountServiceAccountToken": automount, "volumes": volumes,
                    "containers": containers, "initContainers": init, "imagePullSecrets": [{"name": "legacy-ci"}],
                },
            })
        })
}

/// Every rule on, and no audience but one allowed, so that all that can be found is found.
fn everything() -> Policy {
    policy(Builtin::Restricted, |policy| {
        policy.tokens.max_expiration_seconds = 600;
        policy.tokens.allowed_audiences = NamePattern::parse("nobody").into_iter().collect();
        policy.inject.retune_automounted = false;
    })
}

fn findings(pod: &Value) -> Vec<(String, String)> {
    let verdict = Judge::custom(everything()).knowing(inventory()).validate(pod);
    let causes = verdict.0["response"]["status"]["details"]["causes"].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    causes.iter().map(|cause| (text(&cause["reason"]), text(&cause["field"]))).collect()
}

/// Whether the table tells of what a rule found at `field`.
fn tells(table: &TokenTable, code: &str, field: &str) -> bool {
    let at = |path: &dyn ToString| path.to_string() == field;
    let above = field.rsplit_once('.').map_or(field, |(above, _)| above);
    let mut tokens = table.tokens.iter();
    match code {
        "TW201" => tokens.any(|token| token.source.secret().is_some() && token.paths.iter().any(|path| at(path))),
        // The field of a token's source is one below the source.
        "TW202" | "TW203" | "TW204" => tokens.any(|token| token.paths.iter().any(|path| path.to_string() == above)),
        "TW205" => tokens.any(|token| token.is_for_api_server && token.sightings.iter().any(|seen| at(&seen.path))),
        "TW207" => tokens.any(|token| token.source.as_str() == "literal" && token.paths.iter().any(|path| at(path))),
        "TW206" if field.contains("subPath") => {
            tokens.any(|token| token.sightings.iter().any(|seen| !seen.is_renewed && seen.path.to_string() == above))
        }
        // Of the others the finding is another source or another mount.
        _ => true,
    }
}

/// What holds of a token whatever the containers are called and however they stand.
fn essence(token: &HeldToken) -> (String, BTreeSet<(Spot, bool)>) {
    let spots = token.sightings.iter().map(|seen| (seen.spot.clone(), seen.is_renewed)).collect();
    let rest = HeldToken { paths: Vec::new(), sightings: Vec::new(), ..token.clone() };
    (format!("{rest:?}"), spots)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_token_that_a_rule_finds_is_in_the_table(pod in pod()) {
        let table = table(&pod);
        for (code, field) in findings(&pod) {
            prop_assert!(tells(&table, &code, &field), "{code} {field}: {table:#?}");
        }
    }

    #[test]
    fn order_and_names_of_containers_change_nothing(pod in pod()) {
        let mut other = pod.clone();
        for list in ["containers", "initContainers"] {
            let containers = other["spec"][list].as_array_mut().expect("containers");
            containers.reverse();
            for (index, container) in containers.iter_mut().enumerate() {
                container["name"] = json!(format!("renamed-{index}"));
            }
        }
        let set = |pod: &Value| -> BTreeSet<_> { table(pod).tokens.iter().map(essence).collect() };
        prop_assert_eq!(set(&pod), set(&other));
    }

    #[test]
    fn no_token_lasts_shorter_than_was_asked_for_and_legacy_ones_are_never_renewed(pod in pod()) {
        for token in table(&pod).tokens {
            prop_assert!(token.effective_seconds >= token.requested_seconds);
            let can_be_renewed = matches!(token.source.as_str(), "automount" | "projected");
            prop_assert!(can_be_renewed || token.sightings.iter().all(|seen| !seen.is_renewed));
        }
    }

    #[test]
    fn nothing_is_told_of_a_token_but_its_claims(pod in pod(), list in select(&["pods", "pods/ephemeralcontainers"])) {
        let review = if list == "pods" { Review::create(list, pod) } else { Review::update(list, pod.clone(), pod) };
        let told = format!("{:?}", super::table_of(&review, &inventory()));
        let jwt = legacy_jwt("ci-token", "ci");
        prop_assert!(jwt.split('.').all(|part| !told.contains(part)), "{told}");
    }
}
