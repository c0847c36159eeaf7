//! TW205, TW206 and TW207: whose tokens a Pod holds, by which paths, and in which words.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::fixture::{Court, Review, Verdict, bound_jwt, legacy_jwt, now};

const DIRECTORY: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

fn pod(spec: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": spec})
}

fn judge(spec: &Value) -> Verdict {
    Court::new().validate("restricted", &Review::create("pods", pod(spec)))
}

/// The findings of one rule.
fn fields_of(spec: &Value, code: &str) -> Vec<String> {
    let verdict = judge(spec);
    let causes = verdict.0["response"]["status"]["details"]["causes"].as_array().cloned().unwrap_or_default();
    let of_rule = causes.iter().filter(|cause| cause["reason"] == code);
    of_rule.map(|cause| cause["field"].as_str().expect("a path").to_owned()).collect()
}

fn token(path: &str, audience: &str) -> Value {
    json!({"serviceAccountToken": {"path": path, "audience": audience, "expirationSeconds": 3600}})
}

fn volume(name: &str, sources: &[Value]) -> Value {
    json!({"name": name, "projected": {"defaultMode": 420, "sources": sources}})
}

fn mount(volume: &str, path: &str) -> Value {
    json!({"name": volume, "mountPath": path})
}

/// A Pod of an account with one container and these mounts and volumes.
fn with_mounts(account: &str, mounts: &[Value], volumes: &[Value]) -> Value {
    json!({
        "serviceAccountName": account, "automountServiceAccountToken": false,
        "containers": [{"name": "app", "image": "web:1", "volumeMounts": mounts}], "volumes": volumes,
    })
}

// row 7
#[test]
fn denies_an_api_token_of_the_default_account() {
    for audience in ["", "https://kubernetes.default.svc"] {
        let spec = with_mounts("default", &[mount("t", "/t")], &[volume("t", &[token("token", audience)])]);
        let verdict = judge(&spec);
        assert!(verdict.message().starts_with(
            "TW205 default-service-account: container app holds an API token of ServiceAccount default. "
        ));
        assert_eq!(verdict.fields(), ["spec.containers[0].volumeMounts[0]"]);
    }
}

#[test]
fn a_pod_without_an_account_is_one_of_the_default_account() {
    let mut spec = with_mounts("", &[mount("t", "/t")], &[volume("t", &[token("token", "")])]);
    assert_eq!(fields_of(&spec, "TW205").len(), 1);
    spec.as_object_mut().expect("a spec").remove("serviceAccountName");
    assert_eq!(fields_of(&spec, "TW205").len(), 1);
}

#[test]
fn tokens_for_others_and_of_other_accounts_and_unmounted_ones_are_no_finding() {
    let volumes = [volume("t", &[token("token", "")]), volume("vault", &[token("token", "https://vault.example.com")])];
    assert!(fields_of(&with_mounts("web", &[mount("t", "/t")], &volumes), "TW205").is_empty());
    assert!(fields_of(&with_mounts("default", &[mount("vault", "/t")], &volumes), "TW205").is_empty());
    assert!(fields_of(&with_mounts("default", &[], &volumes), "TW205").is_empty());
}

#[test]
fn of_several_volumes_each_mounted_one_counts() {
    let names = ["c", "a", "d", "b"];
    let volumes = names.map(|name| volume(name, &[token("token", "")]));
    let mounts = names.map(|name| mount(name, &format!("/{name}")));
    for (index, mount) in mounts.iter().enumerate() {
        let one = with_mounts("default", std::slice::from_ref(mount), &volumes);
        assert_eq!(fields_of(&one, "TW205"), ["spec.containers[0].volumeMounts[0]"], "{}", names[index]);
    }
    assert_eq!(fields_of(&with_mounts("default", &mounts, &volumes), "TW205").len(), names.len());
}

#[test]
fn a_template_of_the_default_account_is_warned_about_where_it_says_that_it_automounts() {
    let court = Court::new();
    for (automount, findings) in [(json!(true), 1), (json!(false), 0), (Value::Null, 0)] {
        let spec =
            json!({"automountServiceAccountToken": automount, "containers": [{"name": "app", "image": "web:1"}]});
        let object = json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": {"template": {"spec": spec}},
        });
        let verdict = court.validate("restricted", &Review::create("apps/deployments", object));
        assert!(verdict.is_allowed());
        assert_eq!(verdict.findings().iter().filter(|finding| **finding == "TW205=warn").count(), findings);
    }
}

// row 47
#[test]
fn denies_two_sources_that_write_the_file_of_a_token() {
    let item = |path: &str| json!({"configMap": {"name": "m", "items": [{"key": "k", "path": path}]}});
    let secret = |path: &str| json!({"secret": {"name": "s", "items": [{"key": "k", "path": path}]}});
    let downward = |path: &str| json!({"downwardAPI": {"items": [{"path": path}]}});
    let bundle = |path: &str| json!({"clusterTrustBundle": {"name": "b", "path": path}});
    let certificate = |path: &str| json!({"podCertificate": {"signerName": "s", "credentialBundlePath": path}});
    for other in [item, secret, downward, bundle, certificate] {
        for spelling in ["token", "./token", "x/../token", "token/"] {
            let volumes = [volume("t", &[other(spelling), token("token", "vault")])];
            let fields = fields_of(&with_mounts("web", &[], &volumes), "TW206");
            assert_eq!(fields, ["spec.volumes[0].projected.sources[0]"], "{spelling}");
        }
        assert!(
            fields_of(&with_mounts("web", &[], &[volume("t", &[other("a"), token("token", "")])]), "TW206").is_empty()
        );
    }
    let two = [volume("t", &[token("token", ""), token("token", "vault")])];
    assert_eq!(fields_of(&with_mounts("web", &[], &two), "TW206"), ["spec.volumes[0].projected.sources[1]"]);
}

#[test]
fn a_source_without_items_and_files_that_are_no_token_s_are_no_conflict() {
    let whole = json!({"configMap": {"name": "m"}});
    let item = json!({"configMap": {"name": "m", "items": [{"key": "k", "path": "same"}]}});
    for sources in [vec![whole, token("token", "")], vec![item.clone(), item, token("token", "")]] {
        assert!(fields_of(&with_mounts("web", &[], &[volume("t", &sources)]), "TW206").is_empty());
    }
}

#[test]
fn denies_a_mount_below_or_at_another_spelling_of_a_token_s_directory() {
    let volumes = [volume("t", &[token("token", "")]), json!({"name": "data", "emptyDir": {}})];
    for path in ["/t/", "//t", "/t/.", "/t/ca.crt", "/x/../t"] {
        let spec = with_mounts("web", &[mount("t", "/t"), mount("data", path)], &volumes);
        assert_eq!(fields_of(&spec, "TW206"), ["spec.containers[0].volumeMounts[1].mountPath"], "{path}");
    }
    for path in ["/", "/tt", "/other"] {
        let spec = with_mounts("web", &[mount("t", "/t"), mount("data", path)], &volumes);
        assert!(fields_of(&spec, "TW206").is_empty(), "{path}");
    }
}

#[test]
fn a_hand_made_token_alone_at_the_default_directory_is_no_conflict_in_whatever_spelling() {
    let volumes = [volume("t", &[token("token", "")])];
    for path in [DIRECTORY.to_owned(), format!("{DIRECTORY}/"), format!("/run{}", &DIRECTORY[8..])] {
        assert!(fields_of(&with_mounts("web", &[mount("t", &path)], &volumes), "TW206").is_empty(), "{path}");
    }
}

// row 26
#[test]
fn denies_a_token_by_sub_path_which_is_never_renewed() {
    let volumes = [volume("t", &[token("token", "")])];
    for field in ["subPath", "subPathExpr"] {
        let mut by_path = mount("t", "/t/token");
        by_path[field] = json!("token");
        let fields = fields_of(&with_mounts("web", &[by_path], &volumes), "TW206");
        assert_eq!(fields, [format!("spec.containers[0].volumeMounts[0].{field}")]);
    }
}

#[test]
fn a_pod_of_many_paths_is_judged_all_the_same() {
    let mut mounts: Vec<Value> = (0..200).map(|index| mount("data", &format!("/d/{index}"))).collect();
    mounts.extend([mount("t", "/t"), mount("data", "/t/x")]);
    let volumes = [volume("t", &[token("token", "")]), json!({"name": "data", "emptyDir": {}})];
    assert_eq!(
        fields_of(&with_mounts("web", &mounts, &volumes), "TW206"),
        ["spec.containers[0].volumeMounts[201].mountPath"]
    );
}

// row 55
#[test]
fn denies_a_token_in_the_text_of_a_pod() {
    let jwt = legacy_jwt("ci-token", "ci");
    for text in [jwt.clone(), format!("--token={jwt}"), STANDARD.encode(&jwt), bound_jwt("ci", 600)] {
        for (container, field) in [
            (json!({"env": [{"name": "A", "value": "x"}, {"name": "T", "value": text}]}), "env[1].value"),
            (json!({"args": ["run", text]}), "args[1]"),
            (json!({"command": [text]}), "command[0]"),
        ] {
            for list in ["containers", "initContainers"] {
                let mut container = container.clone();
                container["name"] = json!("app");
                let mut spec = json!({"containers": [{"name": "main"}], "automountServiceAccountToken": false});
                spec[list] = json!([container]);
                let verdict = judge(&spec);
                assert_eq!(verdict.findings(), ["TW207=deny"]);
                assert_eq!(verdict.fields(), [format!("spec.{list}[0].{field}")]);
                assert!(!verdict.0.to_string().contains(&text[..60]));
            }
        }
    }
}

#[test]
fn says_where_in_a_pod_which_token_lies() {
    let (legacy, bound) = (legacy_jwt("ci-token", "ci"), bound_jwt("ci", 600));
    for (container, sentence) in [
        (json!({"env": [{"name": "T", "value": legacy}]}), "a variable of container app holds a legacy token"),
        (json!({"command": [bound]}), "command of container app holds a token"),
        (json!({"args": ["run", legacy]}), "args of container app holds a legacy token"),
    ] {
        let mut container = container;
        container["name"] = json!("app");
        let verdict = judge(&json!({"containers": [container], "automountServiceAccountToken": false}));
        let expected = format!("TW207 literal-token: {sentence} of ServiceAccount team-a/ci. ");
        assert!(verdict.message().starts_with(&expected), "{}", verdict.message());
    }
}

#[test]
fn denies_a_token_in_an_annotation() {
    let applied = json!({"spec": {"env": [{"value": legacy_jwt("ci-token", "ci")}]}}).to_string();
    let mut object = pod(&json!({"containers": [{"name": "app"}], "automountServiceAccountToken": false}));
    object["metadata"]["annotations"] = json!({"kubectl.kubernetes.io/last-applied-configuration": applied});
    let verdict = Court::new().validate("restricted", &Review::create("pods", object));
    assert_eq!(verdict.fields(), ["metadata.annotations[kubectl.kubernetes.io/last-applied-configuration]"]);
}

#[test]
fn an_expired_token_in_the_text_of_a_pod_is_no_finding() {
    let spec = json!({
        "containers": [{"name": "app", "args": [bound_jwt("ci", 600)]}], "automountServiceAccountToken": false,
    });
    let later = Court { now: now() + jiff::SignedDuration::from_secs(600), ..Court::new() };
    assert!(later.validate("restricted", &Review::create("pods", pod(&spec))).findings().is_empty());
    assert_eq!(judge(&spec).findings(), ["TW207=deny"]);
}

#[test]
fn of_ephemeral_containers_only_new_ones_are_looked_at() {
    let debugger = |name: &str| json!({"name": name, "args": [legacy_jwt("ci-token", "ci")]});
    let with = |names: &[&str]| {
        let ephemeral: Vec<Value> = names.iter().map(|name| debugger(name)).collect();
        pod(&json!({"containers": [debugger("app")], "ephemeralContainers": ephemeral}))
    };
    let judge = |old: &[&str], new: &[&str]| {
        let review = Review::update("pods/ephemeralcontainers", with(old), with(new));
        Court::new().validate("restricted", &review).fields().into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(judge(&["one"], &["one", "two"]), ["spec.ephemeralContainers[1].args[0]"]);
    assert!(judge(&["one"], &["one"]).is_empty());
    // By an update of the Pod itself none is ever added.
    let review = Review::update("pods", with(&["one"]), with(&["one", "two"]));
    assert!(Court::new().validate("restricted", &review).findings().is_empty());
}
