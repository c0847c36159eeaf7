//! What a Pod holds, put together: sources, audiences, lifetimes, and where each container sees a token.

mod properties;

use serde_json::{Value, json};
use tokenward::policy::{Facts, Inventory, PolicySet};
use tokenward::resource::FieldPath;
use tokenward::token::{
    ContainerList, Doubt, HeldToken, Reader, Sighting, Spot, TokenSource, TokenTable, UnknownToken,
};

use crate::fixture::{NAMESPACE, Review, bound_jwt, jwt, legacy_jwt, now};
use crate::pods::{
    DIRECTORY, OnlyTheManifest, automounted, built_in_volume, container, creation, hardened, mounting, pod,
    token_volume,
};

const YEAR: u64 = 365 * 24 * 3600;

/// The tokens of the Pod or template in a review.
fn table_of(review: &Review, facts: &dyn Facts) -> TokenTable {
    let table = PolicySet::builtin().tokens("audit", &review.bytes(), facts, now()).expect("a review");
    table.expect("a Pod or a template")
}

/// A namespace in which `legacy-ci` holds a legacy token of `ci`.
fn inventory() -> Inventory {
    let mut inventory = Inventory::default();
    inventory.insert(NAMESPACE, "legacy-ci", "ci");
    inventory
}

fn table(pod: &Value) -> TokenTable {
    table_of(&creation(pod), &inventory())
}

/// The only token of a Pod.
#[track_caller]
fn only(pod: &Value) -> HeldToken {
    let table = table(pod);
    assert_eq!(table.tokens.len(), 1, "{table:#?}");
    assert_eq!(table.unknown, []);
    table.tokens.into_iter().next().expect("a token")
}

/// Who sees a token where, and whether it is renewed there.
fn seen(token: &HeldToken) -> Vec<(String, Spot, bool)> {
    let reader = |sighting: &Sighting| match &sighting.reader {
        Reader::Container { name, .. } => name.clone(),
        Reader::Node => "(node)".to_owned(),
        Reader::PodReader => "(reader)".to_owned(),
    };
    token.sightings.iter().map(|it| (reader(it), it.spot.clone(), it.is_renewed)).collect()
}

fn file(path: &str) -> Spot {
    Spot::File(path.to_owned())
}

fn paths(paths: &[FieldPath]) -> Vec<String> {
    paths.iter().map(ToString::to_string).collect()
}

fn projected(name: &str, sources: Value) -> Value {
    json!({"name": name, "projected": {"defaultMode": 420, "sources": sources}})
}

fn token(path: &str) -> Value {
    json!({"serviceAccountToken": {"path": path, "expirationSeconds": 3600}})
}

/// A Pod with the volume `v` and one container that mounts it so.
fn with(volume: Value, mounts: Value) -> Value {
    hardened(&json!({"containers": [{"name": "app", "volumeMounts": mounts}], "volumes": [volume]}))
}

#[test]
fn an_automounted_token_asks_for_an_hour_and_lasts_a_year() {
    let held = only(&automounted());
    assert_eq!(held.source, TokenSource::Automount { volume: Some("kube-api-access-x2b9k".to_owned()) });
    assert_eq!((held.namespace.as_str(), held.service_account.as_str()), (NAMESPACE, "app"));
    assert_eq!((held.audiences.len(), held.is_for_api_server), (0, true));
    assert_eq!((held.requested_seconds, held.effective_seconds), (Some(3607), Some(YEAR)));
    assert_eq!(paths(&held.paths), ["spec.volumes[0].projected.sources[0].serviceAccountToken"]);
    assert_eq!(seen(&held), [("app".to_owned(), file(&format!("{DIRECTORY}/token")), true)]);
    assert_eq!(held.sightings[0].path.to_string(), "spec.containers[0].volumeMounts[0]");
}

#[test]
fn a_retuned_volume_is_still_the_automounted_one() {
    let mut pod = automounted();
    pod["spec"]["volumes"][0]["projected"]["sources"][0]["serviceAccountToken"]["expirationSeconds"] = json!(3600);
    let held = only(&pod);
    assert_eq!((held.source.as_str(), held.source.volume()), ("automount", Some("kube-api-access-x2b9k")));
    assert_eq!(held.effective_seconds, Some(3600));
}

#[test]
fn a_hand_made_token_of_3607_seconds_lasts_a_year_and_one_for_somebody_else_does_not() {
    let mount = json!([{"name": "v", "mountPath": DIRECTORY}]);
    let held = only(&with(token_volume("v", json!({"path": "token", "expirationSeconds": 3607})), mount.clone()));
    assert_eq!(held.source, TokenSource::Projected { volume: "v".to_owned() });
    assert_eq!((held.requested_seconds, held.effective_seconds), (Some(3607), Some(YEAR)));
    let vault = json!({"path": "token", "audience": "https://vault.example.com", "expirationSeconds": 3607});
    let held = only(&with(token_volume("v", vault), mount));
    assert_eq!((held.requested_seconds, held.effective_seconds), (Some(3607), Some(3607)));
    assert_eq!((held.audiences, held.is_for_api_server), (vec!["https://vault.example.com".to_owned()], false));
}

#[test]
fn every_container_that_mounts_the_volume_sees_the_token_and_no_other() {
    let held = only(&hardened(&json!({
        "initContainers": [mounting("setup", [("v", "/a/"), ("v", "/b")])],
        "containers": [container("without"), mounting("app", [("v", "//c/./d")])],
        "volumes": [projected("v", json!([token("x/token")]))],
    })));
    assert_eq!(
        seen(&held),
        [
            ("setup".to_owned(), file("/a/x/token"), true),
            ("setup".to_owned(), file("/b/x/token"), true),
            ("app".to_owned(), file("/c/d/x/token"), true),
        ]
    );
}

#[test]
fn a_token_that_nobody_mounts_is_held_by_the_pod_and_seen_by_nobody() {
    let held = only(&with(projected("v", json!([token("token")])), json!([])));
    assert_eq!((held.sightings.len(), held.is_renewed()), (0, None));
}

// row 26
#[test]
fn a_token_by_sub_path_is_never_renewed() {
    let volume = projected("v", json!([token("token"), {"downwardAPI": {"items": [{"path": "namespace"}]}}]));
    let held = only(&with(
        volume,
        json!([
            {"name": "v", "mountPath": "/t"},
            {"name": "v", "mountPath": "/one", "subPath": "token"},
            {"name": "v", "mountPath": "/other", "subPath": "namespace"},
        ]),
    ));
    assert_eq!(seen(&held), [("app".to_owned(), file("/t/token"), true), ("app".to_owned(), file("/one"), false)]);
    assert_eq!(held.is_renewed(), Some(false));
}

#[test]
fn what_is_seen_through_an_expression_is_unknown_and_says_why() {
    let held = only(&with(
        projected("v", json!([token("token")])),
        json!([{"name": "v", "mountPath": "/t", "subPathExpr": "$(A)"}]),
    ));
    assert_eq!(seen(&held), [("app".to_owned(), Spot::Mount("/t".to_owned()), false)]);
    assert_eq!(held.sightings[0].doubts, [Doubt::SubPathExpr]);
}

#[test]
fn says_why_a_token_may_not_be_where_it_is_expected() {
    let mount = json!([{"name": "v", "mountPath": "/t"}]);
    let doubts =
        |volume: Value, mounts: &Value| table(&with(volume, mounts.clone())).tokens[0].sightings[0].doubts.clone();
    let item = json!({"configMap": {"name": "m", "items": [{"key": "k", "path": "./token"}]}});
    assert_eq!(doubts(projected("v", json!([token("token"), item])), &mount), [Doubt::SameFile]);
    for kind in ["configMap", "secret"] {
        assert_eq!(doubts(projected("v", json!([token("token"), {kind: {"name": "m"}}])), &mount), [Doubt::AllKeys]);
    }
    let root = json!({"configMap": {"name": "kube-root-ca.crt"}});
    assert_eq!(doubts(projected("v", json!([token("token"), root])), &mount), []);
    for over in ["/t/token", "/t/", "//t"] {
        let mounts = json!([{"name": "v", "mountPath": "/t"}, {"name": "other", "mountPath": over}]);
        assert_eq!(doubts(projected("v", json!([token("token")])), &mounts), [Doubt::Covered], "{over}");
    }
    for apart in ["/", "/t/other", "/tt"] {
        let mounts = json!([{"name": "v", "mountPath": "/t"}, {"name": "other", "mountPath": apart}]);
        assert_eq!(doubts(projected("v", json!([token("token")])), &mounts), [], "{apart}");
    }
}

#[test]
fn names_each_doubt_in_a_word_for_programs() {
    let doubts = [Doubt::SubPathExpr, Doubt::KubeletDirectory, Doubt::SameFile, Doubt::AllKeys, Doubt::Covered];
    let words = ["sub-path-expr", "kubelet-directory", "same-file", "source-without-items", "other-mount"];
    assert_eq!(doubts.map(Doubt::as_str), words);
}

#[test]
fn a_prefix_that_begins_no_variable_is_not_repeated() {
    for (prefix, shown) in [("", "token"), ("CI_2", "CI_2token"), ("p4ss word", "...token"), ("é", "...token")] {
        let env_from = json!([{"prefix": prefix, "secretRef": {"name": "legacy-ci"}}]);
        let held = only(&hardened(&json!({"containers": [{"name": "app", "envFrom": env_from}]})));
        assert_eq!(held.sightings[0].spot, Spot::Variable(shown.to_owned()));
    }
}

#[test]
fn a_legacy_token_has_no_end_by_whatever_way_it_comes() {
    let from_key = |key: &str| json!({"valueFrom": {"secretKeyRef": {"name": "legacy-ci", "key": key}}, "name": format!("T_{key}")});
    let held = only(&hardened(&json!({
        "imagePullSecrets": [{"name": "legacy-ci"}],
        "initContainers": [{"name": "setup", "envFrom": [{"prefix": "CI_", "secretRef": {"name": "legacy-ci"}}]}],
        "containers": [{
            "name": "app",
            "env": [from_key("namespace"), from_key("token")],
            "volumeMounts": [
                {"name": "whole", "mountPath": "/whole"},
                {"name": "items", "mountPath": "/items"},
                {"name": "without", "mountPath": "/without"},
                {"name": "projected", "mountPath": "/projected"},
                {"name": "disk", "mountPath": "/disk"},
            ],
        }],
        "volumes": [
            {"name": "whole", "secret": {"secretName": "legacy-ci"}},
            {"name": "items", "secret": {"secretName": "legacy-ci", "items": [{"key": "token", "path": "a/jwt"}]}},
            {"name": "without", "secret": {"secretName": "legacy-ci", "items": [{"key": "ca.crt", "path": "token"}]}},
            projected("projected", json!([{"secret": {"name": "legacy-ci", "items": [{"key": "token", "path": "p"}]}}])),
            {"name": "disk", "csi": {"driver": "csi.example.com", "nodePublishSecretRef": {"name": "legacy-ci"}}},
        ],
    })));
    assert_eq!(held.source, TokenSource::LegacySecret { secret: "legacy-ci".to_owned() });
    assert_eq!(held.source.volume(), None);
    assert_eq!((held.service_account.as_str(), held.is_for_api_server), ("ci", true));
    assert_eq!((held.requested_seconds, held.effective_seconds), (None, None));
    let app = |spot: Spot| ("app".to_owned(), spot, false);
    assert_eq!(
        seen(&held),
        [
            ("(node)".to_owned(), Spot::PullSecret, false),
            app(file("/whole/token")),
            app(file("/items/a/jwt")),
            app(file("/projected/p")),
            ("(node)".to_owned(), Spot::VolumeDriver("disk".to_owned()), false),
            ("setup".to_owned(), Spot::Variable("CI_token".to_owned()), false),
            app(Spot::Variable("T_token".to_owned())),
        ]
    );
    assert_eq!(held.paths.len(), 9);
}

#[test]
fn a_secret_of_which_nothing_is_known_may_hold_a_token() {
    let pod = hardened(&json!({"containers": [{"name": "app", "envFrom": [{"secretRef": {"name": "database"}}]}]}));
    let table = table(&pod);
    assert_eq!(table.tokens, []);
    let [UnknownToken::Secret { secret, sightings, .. }] = &table.unknown[..] else { panic!("{table:#?}") };
    assert_eq!((secret.as_str(), &sightings[0].spot), ("database", &Spot::Variable("token".to_owned())));
    assert_eq!(table.unknown[0].to_string(), "whether Secret database holds a legacy token is not known");
}

#[test]
fn an_account_of_which_nothing_is_known_may_automount() {
    let table = table_of(&creation(&pod(&json!({"containers": [container("app")]}))), &OnlyTheManifest);
    assert_eq!(table.tokens, []);
    assert_eq!(table.unknown, [UnknownToken::Automount { service_account: "app".to_owned() }]);
}

#[test]
fn a_template_that_automounts_holds_the_token_that_its_pods_are_given() {
    let template = |spec: Value| {
        let object = json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
            "spec": {"template": {"spec": spec}},
        });
        table_of(&Review::create("apps/deployments", object), &inventory())
    };
    let own = mounting("own", [("data", DIRECTORY)]);
    let table = template(json!({
        "automountServiceAccountToken": true, "initContainers": [container("setup")], "containers": [own, container("app")],
        "volumes": [{"name": "data", "emptyDir": {}}],
    }));
    let [held] = &table.tokens[..] else { panic!("{table:#?}") };
    assert_eq!(held.source, TokenSource::Automount { volume: None });
    assert_eq!((held.requested_seconds, held.effective_seconds), (Some(3607), Some(YEAR)));
    let file = file(&format!("{DIRECTORY}/token"));
    assert_eq!(seen(held), [("setup".to_owned(), file.clone(), true), ("app".to_owned(), file, true)]);
    assert_eq!(held.sightings[1].path.to_string(), "spec.template.spec.containers[1]");

    let silent = template(json!({"containers": [container("app")]}));
    assert_eq!(silent.tokens, []);
    assert_eq!(silent.unknown, [UnknownToken::Automount { service_account: "default".to_owned() }]);
    let refusing = template(json!({"automountServiceAccountToken": false, "containers": [container("app")]}));
    assert_eq!(refusing.tokens, []);
}

#[test]
fn a_container_that_came_after_the_plugin_sees_no_automounted_token() {
    let mut late = automounted();
    late["spec"]["containers"].as_array_mut().expect("a list").push(container("proxy"));
    assert_eq!(seen(&only(&late)), [("app".to_owned(), file(&format!("{DIRECTORY}/token")), true)]);
}

#[test]
fn a_template_whose_own_volume_the_plugin_takes_for_its_own_holds_what_lies_in_that() {
    let object = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
        "spec": {"template": {"spec": {
            "automountServiceAccountToken": true, "containers": [container("app")],
            "volumes": [{"name": "kube-api-access-mine", "secret": {"secretName": "legacy-ci"}}],
        }}},
    });
    let table = table_of(&Review::create("apps/deployments", object), &inventory());
    let [held] = &table.tokens[..] else { panic!("{table:#?}") };
    assert_eq!(held.source.secret(), Some("legacy-ci"));
    assert_eq!(seen(held), [("app".to_owned(), file(&format!("{DIRECTORY}/token")), false)]);
}

#[test]
fn a_token_in_the_text_of_a_pod_is_told_once_with_all_its_places_and_without_a_byte_of_it() {
    let (legacy, bound) = (legacy_jwt("ci-token", "ci"), bound_jwt("web", 600));
    let mut pod = hardened(&json!({
        "initContainers": [{"name": "setup", "command": ["run", legacy]}],
        "containers": [{"name": "app", "args": [bound], "env": [{"name": "T", "value": format!("{legacy} {legacy}")}]}],
    }));
    pod["metadata"]["annotations"] = json!({"example.com/note": legacy});
    let table = table(&pod);
    let [first, second] = &table.tokens[..] else { panic!("{table:#?}") };
    assert_eq!((&first.source, first.service_account.as_str()), (&TokenSource::Literal, "ci"));
    assert_eq!((first.requested_seconds, first.effective_seconds), (None, None));
    assert_eq!(
        seen(first),
        [
            ("setup".to_owned(), Spot::Command(1), false),
            ("app".to_owned(), Spot::Variable("T".to_owned()), false),
            ("(reader)".to_owned(), Spot::Annotation("example.com/note".to_owned()), false),
        ]
    );
    assert_eq!((second.service_account.as_str(), second.effective_seconds), ("web", Some(600)));
    let told = format!("{table:?}");
    assert!(!told.contains(&legacy[20..60]) && !told.contains(&bound[20..60]), "{told}");
}

#[test]
fn a_token_in_the_text_of_a_pod_is_for_the_api_server_if_any_of_its_audiences_is() {
    let is_for_api_server =
        |jwt: String| only(&hardened(&json!({"containers": [{"name": "app", "args": [jwt]}]}))).is_for_api_server;
    let bound_for = |audiences: &[&str]| {
        jwt(&json!({
            "aud": audiences, "exp": now().as_second() + 600,
            "kubernetes.io": {"namespace": NAMESPACE, "serviceaccount": {"name": "ci"}},
        }))
    };
    assert!(is_for_api_server(legacy_jwt("ci-token", "ci")));
    assert!(is_for_api_server(bound_for(&["vault", "https://kubernetes.default.svc"])));
    assert!(!is_for_api_server(bound_for(&["vault", "https://sts.example.com"])));
}

#[test]
fn an_expired_token_in_the_text_of_a_pod_is_none() {
    let pod = hardened(&json!({"containers": [{"name": "app", "args": [bound_jwt("ci", -600)]}]}));
    assert_eq!(table(&pod).tokens, []);
}

#[test]
fn ephemeral_containers_are_counted_too() {
    let debugger = mounting("debug", [("kube-api-access-x2b9k", "/t")]);
    let mut new = automounted();
    new["spec"]["ephemeralContainers"] = json!([debugger]);
    let table = table_of(&Review::update("pods/ephemeralcontainers", automounted(), new), &inventory());
    let reader = Reader::Container { list: ContainerList::Ephemeral, name: "debug".to_owned() };
    assert_eq!(table.tokens[0].sightings[1].reader, reader);
}

#[test]
fn two_built_in_looking_volumes_are_told_apart() {
    let pod = pod(&json!({
        "containers": [mounting("app", [("kube-api-access-x2b9k", DIRECTORY), ("kube-api-access-other", "/o")])],
        "volumes": [built_in_volume("kube-api-access-x2b9k"), built_in_volume("kube-api-access-other")],
    }));
    let sources: Vec<String> = table(&pod).tokens.iter().map(|token| token.source.as_str().to_owned()).collect();
    assert_eq!(sources, ["automount", "projected"]);
}

#[test]
fn other_reviews_are_about_no_pod() {
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}});
    let review = Review::create("secrets", secret);
    let table = PolicySet::builtin().tokens("audit", &review.bytes(), &inventory(), now()).expect("a review");
    assert_eq!(table, None);
}
