//! Rows about Pods that no topic's own file tests to their edges.

use serde_json::{Value, json};
use tokenward::policy::{Action, Builtin, Phase, Rule};

use crate::fixture::{Court, Review, exception, legacy_jwt, token_secret};
use crate::pods::{
    DIRECTORY, Judge, annotated, automounted, baseline, built_in_volume, container, hardened, mounting, opted_out, pod,
    policy, restricted, token_volume,
};

fn court() -> Court {
    Court::new().with_legacy_token("legacy-ci", "ci")
}

/// A Pod that breaks the rules in every way that an update could bring up again.
fn bad() -> Value {
    let long = token_volume("own", json!({"path": "token", "expirationSeconds": 31_536_000}));
    let mut app = mounting("app", [("own", DIRECTORY)]);
    app["env"] = json!([
        {"name": "TOKEN", "value": legacy_jwt("ci-token", "ci")},
        {"name": "LEGACY", "valueFrom": {"secretKeyRef": {"name": "legacy-ci", "key": "token"}}},
    ]);
    annotated(hardened(&json!({"containers": [app], "volumes": [long]})), [("tokenward.dev/inject", "perhaps")])
}

// row 13
#[test]
fn mounts_inside_each_parent_of_the_directory_and_says_so() {
    for parent in ["/var/run/secrets", "/var/run/secrets/kubernetes.io", "/var/run/secrets/"] {
        let reply = baseline().mutate(&hardened(&json!({"containers": [mounting("app", [("own", parent)])]})));
        let mounts = &reply.patched()["spec"]["containers"][0]["volumeMounts"];
        assert_eq!(mounts[1]["name"], "tokenward-api-access", "{parent}");
        let [warning] = reply.warnings()[..] else { panic!("one warning: {reply:?}") };
        assert!(warning.starts_with("The API token of container app lies inside another mount, "), "{warning}");
    }
}

// row 21
#[test]
fn says_nothing_of_an_old_pod_whose_image_labels_or_annotations_change() {
    let old = bad();
    assert!(court().validate("restricted", &Review::create("pods", old.clone())).findings().len() >= 4, "it is bad");
    let mut new = old.clone();
    new["spec"]["containers"][0]["image"] = json!("registry.example.com/app:2");
    new["metadata"]["labels"] = json!({"touched": "yes"});
    new["metadata"]["annotations"]["tokenward.dev/expiration-seconds"] = json!("3607");
    for policy in ["warn", "baseline", "restricted"] {
        let review = Review::update("pods", old.clone(), new.clone());
        let verdict = court().validate(policy, &review);
        assert!(verdict.is_allowed() && verdict.findings().is_empty() && verdict.warnings().is_empty(), "{verdict:?}");
        assert!(court().mutate(policy, &review).patch().is_none());
    }
}

// row 22
#[test]
fn lets_through_what_reaches_us_of_other_sub_resources() {
    let binding =
        json!({"apiVersion": "v1", "kind": "Binding", "metadata": {"name": "app"}, "target": {"name": "node-3"}});
    let eviction = json!({"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "app"}});
    let exec = json!({"apiVersion": "v1", "kind": "PodExecOptions", "command": ["sh"], "stdin": true});
    let attach = json!({"apiVersion": "v1", "kind": "PodAttachOptions", "container": "app"});
    let ports = json!({"apiVersion": "v1", "kind": "PodPortForwardOptions", "ports": [8080]});
    let connect = |resource, object| Review::create(resource, object).with("operation", json!("CONNECT"));
    let reviews = [
        Review::create("pods/binding", binding),
        Review::create("pods/eviction", eviction),
        connect("pods/exec", exec),
        connect("pods/attach", attach),
        connect("pods/portforward", ports),
        Review::update("pods/status", bad(), bad()),
        Review::update("pods/resize", bad(), bad()),
        Review::create("pods/of-a-kubernetes-to-come", bad()),
    ];
    for review in reviews {
        let (changes, verdict) = (court().mutate("restricted", &review), court().validate("restricted", &review));
        assert!(changes.is_allowed() && changes.patch().is_none() && changes.warnings().is_empty(), "{changes:?}");
        assert!(verdict.is_allowed() && verdict.findings().is_empty() && verdict.warnings().is_empty(), "{verdict:?}");
        assert_eq!(verdict.annotation("unknown"), "resource");
    }
}

// row 25
#[test]
fn a_token_mount_need_not_be_read_only_and_ours_is() {
    for read_only in [Value::Null, json!(false), json!(true)] {
        let mut app = mounting("app", [("own", DIRECTORY)]);
        app["volumeMounts"][0]["readOnly"] = read_only;
        let own = token_volume("own", json!({"path": "token", "expirationSeconds": 3600}));
        let reply = restricted().validate(&hardened(&json!({"containers": [app], "volumes": [own]})));
        assert!(reply.is_allowed() && reply.findings().is_empty() && reply.warnings().is_empty(), "{reply:?}");
    }
    let ours = baseline().mutate(&hardened(&json!({}))).patched();
    assert_eq!(ours["spec"]["containers"][0]["volumeMounts"][0]["readOnly"], true);
}

// row 31
#[test]
fn refuses_a_legacy_secret_in_a_volume_with_the_built_in_ones_name() {
    let forged = pod(&json!({
        "containers": [mounting("app", [("kube-api-access-x2b9k", DIRECTORY)])],
        "volumes": [{"name": "kube-api-access-x2b9k", "secret": {"secretName": "legacy-ci"}}],
    }));
    let verdict = court().validate("restricted", &Review::create("pods", forged.clone()));
    assert_eq!(verdict.findings(), ["TW201=deny"]);
    assert_eq!(verdict.fields(), ["spec.volumes[0].secret.secretName"]);
    assert!(
        court().mutate("restricted", &Review::create("pods", forged)).patch().is_none(),
        "it is no volume to retune"
    );
}

// row 38
#[test]
fn decides_the_same_whoever_asks() {
    let exempted = court().with_exceptions(vec![exception("TW101", "agreed-token", "ci", "2026-12-31")]);
    let reviews = [
        Review::create("pods", bad()),
        Review::create("pods", opted_out(&json!({"imagePullSecrets": [{"name": "legacy-ci"}]}))),
        Review::create("pods", hardened(&json!({}))),
        Review::create("pods", automounted()),
        Review::create("secrets", token_secret("ci-token", "ci")),
        Review::create("secrets", token_secret("agreed-token", "ci")),
    ];
    let users = [
        (
            "system:serviceaccount:kube-system:replicaset-controller",
            vec!["system:serviceaccounts", "system:authenticated"],
        ),
        ("system:serviceaccount:kube-system:job-controller", vec!["system:serviceaccounts:kube-system"]),
        ("system:kube-controller-manager", vec![]),
        ("system:apiserver", vec!["system:masters"]),
        ("kubernetes-admin", vec!["system:masters", "cluster-admins"]),
        ("system:node:node-3", vec!["system:nodes"]),
    ];
    for review in reviews {
        let ordinary = (exempted.validate("restricted", &review).0, exempted.mutate("restricted", &review).0);
        for (name, groups) in &users {
            let asked = review.clone().with("userInfo", json!({"username": name, "groups": groups}));
            let answers = (exempted.validate("restricted", &asked).0, exempted.mutate("restricted", &asked).0);
            assert_eq!(answers, ordinary, "{name}");
        }
    }
}

// row 43
#[test]
fn changes_no_lifetime_that_is_too_long() {
    for judge in [baseline(), restricted()] {
        for seconds in [86_401, 31_536_000] {
            let own = token_volume("own", json!({"path": "token", "expirationSeconds": seconds}));
            let app = mounting("app", [("own", DIRECTORY)]);
            judge.mutate(&hardened(&json!({"containers": [app], "volumes": [own]}))).leaves_alone();
        }
    }
}

// row 47
#[test]
fn a_token_behind_another_source_is_found_in_both_orders() {
    let token = json!({"serviceAccountToken": {"path": "token", "expirationSeconds": 3600}});
    let file = json!({"configMap": {"name": "settings", "items": [{"key": "k", "path": "token"}]}});
    for (sources, at) in [(json!([token, file]), 1), (json!([file, token]), 0)] {
        let volume = json!({"name": "own", "projected": {"sources": sources}});
        let reply = restricted().validate(&opted_out(&json!({"volumes": [volume]})));
        assert_eq!(reply.findings(), ["TW206=deny"]);
        assert_eq!(reply.fields(), [format!("spec.volumes[0].projected.sources[{at}]")]);
    }
}

// row 55
#[test]
fn looks_for_no_token_in_texts_where_the_rule_is_off() {
    let mut app = container("app");
    app["args"] = json!([legacy_jwt("ci-token", "ci")]);
    let pod = opted_out(&json!({"containers": [app]}));
    assert_eq!(restricted().validate(&pod).findings(), ["TW207=deny"]);
    let off = Judge::custom(policy(Builtin::Restricted, |policy| {
        policy.set_action(Rule::find("literal-token").unwrap(), Action::Off);
    }));
    assert!(off.validate(&pod).findings().is_empty());
}

// row 56
#[test]
fn host_paths_are_the_business_of_others() {
    for path in ["/var/lib/kubelet/pods", "/var/lib/kubelet", "/"] {
        let volume = json!({"name": "host", "hostPath": {"path": path}});
        let spec = json!({"volumes": [volume], "containers": [mounting("app", [("host", "/host")])]});
        let reply = restricted().validate(&opted_out(&spec));
        assert!(reply.is_allowed() && reply.findings().is_empty() && reply.warnings().is_empty(), "{reply:?}");
    }
}

// row 36
#[test]
fn a_container_that_came_after_us_is_found_in_the_phase_that_sees_the_final_pod() {
    let mut late = baseline().mutate(&hardened(&json!({}))).patched();
    late["spec"]["initContainers"] = json!([container("late")]);
    let review = Review::create("pods", late.clone());
    assert_eq!(baseline().reply(Phase::Validate, &review).findings(), ["TW208=warn"]);
    let again = baseline().mutate(&late).patched();
    assert!(baseline().validate(&again).findings().is_empty(), "a second round would have given it the mount");
}

// rows 1 and 31
#[test]
fn the_built_in_volume_is_known_by_name_and_content_together() {
    let with = |volume: Value| {
        let name = volume["name"].as_str().unwrap().to_owned();
        pod(&json!({"containers": [mounting("app", [(&*name, DIRECTORY)])], "volumes": [volume]}))
    };
    assert_eq!(restricted().mutate(&with(built_in_volume("kube-api-access-x2b9k"))).operations().len(), 1);
    for renamed in ["kube-api-access-", "kube-api-access-x2b9k7", "kube-api-access-X2B9K", "api-access-x2b9k"] {
        restricted().mutate(&with(built_in_volume(renamed))).leaves_alone();
        let findings = restricted().validate(&with(built_in_volume(renamed))).findings().join(" ");
        assert_eq!(findings, "TW202=deny", "{renamed}");
    }
}
