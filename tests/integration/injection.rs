//! What the mutating phase does to a Pod. Row numbers are those of the decision table.

use serde_json::{Value, json};
use tokenward::policy::{Builtin, InjectWhen, MountWhen, Phase, Policy};

use crate::fixture::Review;
use crate::pods::{
    DIRECTORY, Judge, OnlyTheManifest, annotated, automounted, baseline, built_in_volume, container, creation,
    deployment, further, hardened, injected_mount, injected_volume, mounting, pod, policy, restricted, token_volume,
};

fn api_mount() -> Value {
    injected_mount("tokenward-api-access", DIRECTORY)
}

fn volume_names(pod: &Value) -> Vec<&str> {
    let volumes = pod["spec"]["volumes"].as_array();
    volumes.into_iter().flatten().filter_map(|volume| volume["name"].as_str()).collect()
}

/// The containers that mount one of our volumes at its directory, as `container:volume`.
fn holders(pod: &Value) -> Vec<String> {
    let list = |name: &str| pod["spec"][name].as_array().cloned().unwrap_or_default();
    let containers = list("containers").into_iter().chain(list("initContainers"));
    let mounts = containers.flat_map(|container| {
        let mounts = container["volumeMounts"].as_array().cloned().unwrap_or_default();
        mounts.into_iter().map(move |mount| (container["name"].clone(), mount))
    });
    let ours = mounts.filter(|(_, mount)| mount["name"].as_str().unwrap().starts_with("tokenward-"));
    ours.map(|(container, mount)| {
        assert_eq!(mount["readOnly"], true);
        format!("{}:{}", container.as_str().unwrap(), mount["name"].as_str().unwrap())
    })
    .collect()
}

/// A policy that gives only what is asked for.
fn on_request() -> Policy {
    policy(Builtin::Baseline, |policy| policy.inject.when = InjectWhen::Requested)
}

/// A policy with these further tokens and no API token.
fn with_tokens<const N: usize>(tokens: [(&str, MountWhen); N]) -> Policy {
    policy(Builtin::Baseline, |policy| {
        policy.inject.when = InjectWhen::Never;
        policy.inject.tokens = tokens.map(|(name, mount)| further(name, mount)).to_vec();
    })
}

// ---- the API token

// row 2
#[test]
fn gives_a_pod_that_refuses_automount_a_short_lived_token() {
    let reply = baseline().mutate(&hardened(&json!({})));
    assert_eq!(
        reply.operations(),
        [
            json!({"op": "add", "path": "/spec/volumes", "value": [injected_volume()]}),
            json!({"op": "add", "path": "/spec/containers/0/volumeMounts", "value": [api_mount()]}),
            json!({"op": "add", "path": "/metadata/annotations", "value": {"tokenward.dev/injected": "baseline"}}),
        ]
    );
    assert_eq!(reply.annotation("injected"), r#"api audience="" seconds=3600 containers=app"#);
    assert!(reply.is_allowed());
    assert_eq!(reply.warnings(), [""; 0]);
}

// row 3
#[test]
fn gives_it_where_the_account_switched_automount_off() {
    let reply = baseline().mutate(&pod(&json!({"containers": [container("app")]})));
    assert_eq!(holders(&reply.patched()), ["app:tokenward-api-access"]);
}

// rows 1, 4 and 5
#[test]
fn leaves_an_automounted_pod_alone() {
    baseline().mutate(&automounted()).leaves_alone();
    let mut asked = automounted();
    asked["spec"]["automountServiceAccountToken"] = json!(true);
    baseline().mutate(&asked).leaves_alone();
    assert_eq!(baseline().mutate(&asked).annotation("injected"), "");
}

#[test]
fn leaves_a_container_that_another_webhook_added_to_an_automounted_pod_to_the_plugins_second_round() {
    let mut pod = automounted();
    pod["spec"]["containers"].as_array_mut().unwrap().push(container("proxy"));
    baseline().mutate(&annotated(pod, [("tokenward.dev/inject", "true")])).leaves_alone();
}

// rows 6 and 7
#[test]
fn gives_the_default_account_a_token_only_on_request() {
    for account in [json!("default"), json!(""), json!(null)] {
        let default = hardened(&json!({"serviceAccountName": account}));
        baseline().mutate(&default).leaves_alone();
        let reply = baseline().mutate(&annotated(default, [("tokenward.dev/inject", "true")]));
        assert_eq!(holders(&reply.patched()), ["app:tokenward-api-access"]);
    }
}

#[test]
fn goes_by_the_deprecated_name_of_the_account_where_there_is_no_other() {
    let reply = baseline().mutate(&hardened(&json!({"serviceAccountName": null, "serviceAccount": "builder"})));
    assert_eq!(holders(&reply.patched()), ["app:tokenward-api-access"]);
}

// rows 16 and 17
#[test]
fn mounts_it_in_regular_init_and_sidecar_containers() {
    let mut sidecar = container("proxy");
    sidecar["restartPolicy"] = json!("Always");
    let reply = baseline().mutate(&hardened(&json!({"initContainers": [container("setup"), sidecar]})));
    assert_eq!(
        holders(&reply.patched()),
        ["app:tokenward-api-access", "setup:tokenward-api-access", "proxy:tokenward-api-access"]
    );
    assert_eq!(reply.annotation("injected"), r#"api audience="" seconds=3600 containers=app,setup,proxy"#);
}

// row 18
#[test]
fn never_touches_ephemeral_containers() {
    let reply = baseline().mutate(&hardened(&json!({"ephemeralContainers": [container("debug")]})));
    assert_eq!(reply.patched()["spec"]["ephemeralContainers"], json!([container("debug")]));
}

// rows 27 and 28
#[test]
fn gives_windows_and_host_network_pods_the_same() {
    let plain = baseline().mutate(&hardened(&json!({}))).operations();
    let windows = json!({"os": {"name": "windows"}, "nodeSelector": {"kubernetes.io/os": "windows"}});
    assert_eq!(baseline().mutate(&hardened(&windows)).operations(), plain);
    let host = json!({"hostNetwork": true, "hostPID": true, "hostUsers": false});
    assert_eq!(baseline().mutate(&hardened(&host)).operations(), plain);
}

#[test]
fn writes_the_policys_audience_and_seconds() {
    let judge = Judge::custom(policy(Builtin::Baseline, |policy| {
        policy.inject.api_token.audience = "https://kubernetes.default.svc".to_owned();
        policy.inject.api_token.expiration_seconds = 900;
    }));
    let reply = judge.mutate(&hardened(&json!({})));
    let token = json!({"audience": "https://kubernetes.default.svc", "expirationSeconds": 900, "path": "token"});
    assert_eq!(reply.patched()["spec"]["volumes"], json!([token_volume("tokenward-api-access", token)]));
    let summary = r#"api audience="https://kubernetes.default.svc" seconds=900 containers=app"#;
    assert_eq!(reply.annotation("injected"), summary);
}

// ---- what a container already has

// row 9
#[test]
fn passes_over_a_container_with_its_own_mount_in_silence() {
    let own = mounting("own", [("vault-token", DIRECTORY)]);
    let reply = baseline().mutate(&hardened(&json!({"containers": [own, container("app")], "volumes": []})));
    assert_eq!(holders(&reply.patched()), ["app:tokenward-api-access"]);
    assert_eq!(reply.warnings(), [""; 0]);
    assert_eq!(reply.annotation("injected"), r#"api audience="" seconds=3600 containers=app"#);
}

// row 10
#[test]
fn adds_no_volume_where_every_container_has_its_own_mount() {
    let own = mounting("app", [("vault-token", DIRECTORY)]);
    let init = mounting("setup", [("vault-token", DIRECTORY)]);
    baseline().mutate(&hardened(&json!({"containers": [own], "initContainers": [init]}))).leaves_alone();
}

// rows 11, 12, 14 and 15
#[test]
fn passes_over_a_container_with_something_in_the_way_and_says_so_once() {
    let mut device = container("disk");
    device["volumeDevices"] = json!([{"name": "disk", "devicePath": DIRECTORY}]);
    let containers = json!([
        mounting("slash", [("own", "/var/run/secrets/kubernetes.io/serviceaccount/")]),
        mounting("double", [("own", "//var/run/secrets/kubernetes.io/serviceaccount")]),
        mounting("dot", [("own", "/var/run/secrets/kubernetes.io/./serviceaccount")]),
        mounting("link", [("own", "/run/secrets/kubernetes.io/serviceaccount")]),
        mounting("below", [("own", "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt")]),
        device,
        container("app"),
    ]);
    let reply = baseline().mutate(&hardened(&json!({"containers": containers})));
    assert_eq!(holders(&reply.patched()), ["app:tokenward-api-access"]);
    assert_eq!(
        reply.warnings(),
        [
            "No API token for container slash and 5 more: something is at or below /var/run/secrets/kubernetes.io/serviceaccount"
        ]
    );
}

#[test]
fn says_what_is_in_the_way_even_where_nobody_is_given_a_token() {
    let below = mounting("app", [("own", "/var/run/secrets/kubernetes.io/serviceaccount/token")]);
    let reply = baseline().mutate(&hardened(&json!({"containers": [below]})));
    assert!(reply.operations().is_empty());
    assert_eq!(reply.warnings().len(), 1);
    assert_eq!(reply.annotation("injected"), "");
}

// row 13
#[test]
fn mounts_inside_a_parent_mount_and_says_so() {
    let inside = mounting("app", [("own", "/var/run/secrets")]);
    let reply = baseline().mutate(&hardened(&json!({"containers": [inside]})));
    assert_eq!(holders(&reply.patched()), ["app:tokenward-api-access"]);
    assert_eq!(reply.warnings(), ["The API token of container app lies inside another mount, /var/run/secrets"]);
}

#[test]
fn mounts_inside_a_mount_of_var_run_without_a_word() {
    let inside = mounting("app", [("run", "/var/run")]);
    let reply = baseline().mutate(&hardened(&json!({"containers": [inside]})));
    assert_eq!(holders(&reply.patched()), ["app:tokenward-api-access"]);
    assert_eq!(reply.warnings(), [""; 0]);
}

// ---- volumes of our name

// row 29
#[test]
fn uses_a_volume_of_its_name_and_content() {
    let reply = baseline().mutate(&hardened(&json!({"volumes": [injected_volume()]})));
    assert_eq!(volume_names(&reply.patched()), ["tokenward-api-access"]);
    assert_eq!(holders(&reply.patched()), ["app:tokenward-api-access"]);
    assert_eq!(reply.warnings(), [""; 0]);
}

// row 30
#[test]
fn neither_trusts_nor_changes_a_volume_of_its_name_with_other_content() {
    for other in [
        json!({"name": "tokenward-api-access", "secret": {"secretName": "legacy"}}),
        token_volume("tokenward-api-access", json!({"expirationSeconds": 86400, "path": "token"})),
        token_volume("tokenward-api-access", json!({"expirationSeconds": 3600, "path": "token", "audience": "vault"})),
    ] {
        let reply = baseline().mutate(&hardened(&json!({"volumes": [other]})));
        let patched = reply.patched();
        assert_eq!(patched["spec"]["volumes"][0], other);
        assert_eq!(volume_names(&patched), ["tokenward-api-access", "tokenward-api-access-2"]);
        assert_eq!(holders(&patched), ["app:tokenward-api-access-2"]);
        assert_eq!(
            reply.warnings(),
            ["A volume tokenward-api-access with other content is there: the API token is in tokenward-api-access-2"]
        );
        baseline().mutate(&patched).leaves_alone();
    }
}

#[test]
fn takes_the_first_free_name() {
    let taken = |name: &str| json!({"name": name, "emptyDir": {}});
    let volumes =
        json!([taken("tokenward-api-access-3"), taken("tokenward-api-access-2"), taken("tokenward-api-access")]);
    let reply = baseline().mutate(&hardened(&json!({"volumes": volumes})));
    assert_eq!(holders(&reply.patched()), ["app:tokenward-api-access-4"]);
    let reply = baseline().mutate(&hardened(&json!({"volumes": [taken("tokenward-api-access-2")]})));
    assert_eq!(holders(&reply.patched()), ["app:tokenward-api-access"]);
    let mut ours = injected_volume();
    ours["name"] = json!("tokenward-api-access-2");
    let reply = baseline().mutate(&hardened(&json!({"volumes": [taken("tokenward-api-access"), ours]})));
    assert_eq!(volume_names(&reply.patched()).len(), 2);
    assert_eq!(holders(&reply.patched()), ["app:tokenward-api-access-2"]);
}

// row 32
#[test]
fn leaves_it_to_the_api_server_to_refuse_two_volumes_of_one_name() {
    let other = json!({"name": "tokenward-api-access", "emptyDir": {}});
    for volumes in [json!([other, injected_volume()]), json!([injected_volume(), other])] {
        let reply = baseline().mutate(&hardened(&json!({"volumes": volumes})));
        assert_eq!(holders(&reply.patched()), ["app:tokenward-api-access-2"]);
    }
}

// ---- how the patch is written

// row 33
#[test]
fn appends_to_a_list_that_is_there_and_adds_one_that_is_not() {
    for (volumes, mounts) in [(json!(null), json!(null)), (json!([]), json!([]))] {
        let mut app = container("app");
        app["volumeMounts"] = mounts;
        let reply = baseline().mutate(&hardened(&json!({"volumes": volumes, "containers": [app]})));
        let patched = reply.patched();
        assert_eq!(patched["spec"]["volumes"], json!([injected_volume()]));
        assert_eq!(patched["spec"]["containers"][0]["volumeMounts"], json!([api_mount()]));
    }
    let app = mounting("app", [("data", "/data")]);
    let data = json!({"name": "data", "emptyDir": {}});
    let paths: Vec<Value> = baseline()
        .mutate(&hardened(&json!({"volumes": [data], "containers": [app]})))
        .operations()
        .into_iter()
        .map(|operation| operation["path"].clone())
        .collect();
    assert_eq!(paths, ["/spec/volumes/-", "/spec/containers/0/volumeMounts/-", "/metadata/annotations"]);
}

// row 34
#[test]
fn stamps_a_pod_beside_its_other_annotations() {
    let reply = baseline().mutate(&annotated(hardened(&json!({})), [("example.com/owner", "jane")]));
    let stamp = json!({"op": "add", "path": "/metadata/annotations/tokenward.dev~1injected", "value": "baseline"});
    assert!(reply.operations().contains(&stamp));
    assert_eq!(
        reply.patched()["metadata"]["annotations"],
        json!({"example.com/owner": "jane", "tokenward.dev/injected": "baseline"})
    );
}

#[test]
fn writes_its_stamp_over_one_that_somebody_else_wrote() {
    let reply = baseline().mutate(&annotated(hardened(&json!({})), [("tokenward.dev/injected", "restricted")]));
    assert_eq!(reply.patched()["metadata"]["annotations"]["tokenward.dev/injected"], "baseline");
    assert_eq!(holders(&reply.patched()), ["app:tokenward-api-access"]);
}

#[test]
fn stamps_the_policy_that_judges_where_none_has_the_name() {
    let judge = Judge::builtin(Builtin::Restricted);
    assert_eq!(
        judge.mutate(&hardened(&json!({}))).patched()["metadata"]["annotations"]["tokenward.dev/injected"],
        "restricted"
    );
}

// row 35
#[test]
fn changes_nothing_the_second_time() {
    let init = json!({"initContainers": [mounting("setup", [("data", "/data")])]});
    let once = baseline().mutate(&hardened(&init)).patched();
    let again = baseline().mutate(&once);
    again.leaves_alone();
    assert_eq!(again.annotation("injected"), "");
}

// row 36
#[test]
fn mounts_the_token_in_a_sidecar_that_came_later() {
    let mut pod = baseline().mutate(&hardened(&json!({}))).patched();
    pod["spec"]["containers"].as_array_mut().unwrap().push(container("proxy"));
    let reply = baseline().mutate(&pod);
    assert_eq!(
        reply.operations(),
        [json!({"op": "add", "path": "/spec/containers/1/volumeMounts", "value": [api_mount()]})]
    );
    assert_eq!(reply.annotation("injected"), r#"api audience="" seconds=3600 containers=app,proxy"#);
}

// row 37
#[test]
fn needs_no_name() {
    let mut pod = hardened(&json!({}));
    pod["metadata"] = json!({"generateName": "app-7d4b9c-", "namespace": "team-a"});
    assert_eq!(holders(&baseline().mutate(&pod).patched()), ["app:tokenward-api-access"]);
}

// row 40
#[test]
fn does_the_same_in_a_dry_run() {
    let pod = hardened(&json!({}));
    let review = creation(&pod).with("dryRun", json!(true));
    assert_eq!(baseline().reply(Phase::Mutate, &review).operations(), baseline().mutate(&pod).operations());
}

// row 41
#[test]
fn repairs_no_lifetime_that_is_too_short() {
    let short = token_volume("own", json!({"expirationSeconds": 60, "path": "token"}));
    let own = mounting("app", [("own", DIRECTORY)]);
    restricted().mutate(&hardened(&json!({"containers": [own], "volumes": [short]}))).leaves_alone();
}

// row 90
#[test]
fn keeps_fields_that_it_does_not_know() {
    let mut pod = hardened(&json!({"futureField": {"deep": [1, null]}}));
    pod["spec"]["containers"][0]["futureField"] = json!("kept");
    pod["future"] = json!(true);
    let mut patched = baseline().mutate(&pod).patched();
    assert_eq!(patched["spec"]["futureField"], json!({"deep": [1, null]}));
    assert_eq!(patched["spec"]["containers"][0]["futureField"], "kept");
    assert_eq!(patched["future"].take(), json!(true));
}

// ---- what is never changed

// rows 23 and 24
#[test]
fn never_changes_a_mirror_pod() {
    let mirror = [("kubernetes.io/config.mirror", "5f4d")];
    restricted().mutate(&annotated(hardened(&json!({})), mirror)).leaves_alone();
    restricted().mutate(&annotated(automounted(), mirror)).leaves_alone();
}

// rows 19, 20, 21 and 22
#[test]
fn never_changes_an_update() {
    let pod = hardened(&json!({}));
    for sub_resource in ["", "ephemeralcontainers", "resize", "status", "binding", "eviction", "exec"] {
        let review = Review::update("pods", pod.clone(), pod.clone()).with("subResource", json!(sub_resource));
        restricted().reply(Phase::Mutate, &review).leaves_alone();
    }
}

// row 39
#[test]
fn never_changes_a_template() {
    restricted().mutate(&deployment(&hardened(&json!({})))).leaves_alone();
}

#[test]
fn changes_nothing_in_the_validating_phase() {
    let reply = restricted().validate(&hardened(&json!({})));
    assert!(reply.operations().is_empty());
    assert_eq!(reply.annotation("injected"), "");
    assert_eq!(reply.annotation("would-inject"), "");
}

// ---- when the API token is given

#[test]
fn honours_a_pod_that_wants_no_token() {
    let judge = Judge::custom(policy(Builtin::Baseline, |policy| {
        policy.inject.tokens = vec![further("vault", MountWhen::Always)];
    }));
    judge.mutate(&annotated(hardened(&json!({})), [("tokenward.dev/inject", "false")])).leaves_alone();
    let asked = [("tokenward.dev/inject", "false"), ("tokenward.dev/tokens", "vault")];
    judge.mutate(&annotated(hardened(&json!({})), asked)).leaves_alone();
}

#[test]
fn gives_only_what_is_asked_for_under_when_requested() {
    let judge = Judge::custom(on_request());
    judge.mutate(&hardened(&json!({}))).leaves_alone();
    let reply = judge.mutate(&annotated(hardened(&json!({})), [("tokenward.dev/inject", "true")]));
    assert_eq!(holders(&reply.patched()), ["app:tokenward-api-access"]);
    judge.mutate(&annotated(automounted(), [("tokenward.dev/inject", "true")])).leaves_alone();
}

#[test]
fn gives_no_api_token_under_when_never() {
    Judge::custom(with_tokens([])).mutate(&hardened(&json!({}))).leaves_alone();
}

#[test]
fn injects_nothing_where_the_account_decides_and_is_not_known() {
    let judge = baseline().knowing(OnlyTheManifest);
    let silent = pod(&json!({"containers": [container("app")]}));
    let reply = judge.mutate(&silent);
    reply.leaves_alone();
    assert_eq!(reply.annotation("unknown"), "serviceaccount/app");
    let asked = judge.mutate(&annotated(silent, [("tokenward.dev/inject", "true")]));
    asked.leaves_alone();
    let said = judge.mutate(&hardened(&json!({})));
    assert_eq!(holders(&said.patched()), ["app:tokenward-api-access"]);
    assert_eq!(said.annotation("unknown"), "");
}

// ---- annotations

#[test]
fn gives_the_lifetime_that_the_pod_asks_for() {
    for seconds in ["600", "7200", "86400"] {
        let reply =
            baseline().mutate(&annotated(hardened(&json!({})), [("tokenward.dev/expiration-seconds", seconds)]));
        let token = &reply.patched()["spec"]["volumes"][0]["projected"]["sources"][0]["serviceAccountToken"];
        assert_eq!(token["expirationSeconds"].to_string(), seconds);
    }
}

#[test]
fn gives_the_containers_that_the_pod_names() {
    let pod = hardened(&json!({
        "containers": [container("app"), container("proxy")],
        "initContainers": [container("setup"), container("migrate")],
    }));
    let reply = baseline().mutate(&annotated(pod, [("tokenward.dev/containers", " migrate ,app,app")]));
    assert_eq!(holders(&reply.patched()), ["app:tokenward-api-access", "migrate:tokenward-api-access"]);
}

#[test]
fn says_nothing_of_what_is_in_the_way_of_a_container_that_is_not_named() {
    let below = mounting("proxy", [("own", "/var/run/secrets/kubernetes.io/serviceaccount/token")]);
    let pod = hardened(&json!({"containers": [container("app"), below]}));
    let reply = baseline().mutate(&annotated(pod, [("tokenward.dev/containers", "app")]));
    assert_eq!(reply.warnings(), [""; 0]);
}

#[test]
fn leaves_a_pod_with_a_bad_annotation_alone_and_retunes_nothing_in_it() {
    for (key, value) in [
        ("tokenward.dev/inject", "yes"),
        ("tokenward.dev/expiration-seconds", "3607"),
        ("tokenward.dev/expiration-seconds", "1h"),
        ("tokenward.dev/tokens", "vault"),
        ("tokenward.dev/containers", "nobody"),
    ] {
        restricted().mutate(&annotated(hardened(&json!({})), [(key, value)])).leaves_alone();
        restricted().mutate(&annotated(automounted(), [(key, value)])).leaves_alone();
    }
}

#[test]
fn takes_no_notice_of_a_key_that_it_does_not_know() {
    let reply = baseline().mutate(&annotated(hardened(&json!({})), [("tokenward.dev/injekt", "no")]));
    assert_eq!(holders(&reply.patched()), ["app:tokenward-api-access"]);
}

// ---- tokens for further audiences

#[test]
fn mounts_further_tokens_in_a_directory_of_their_own() {
    let judge = Judge::custom(with_tokens([("vault", MountWhen::Always), ("sts", MountWhen::Always)]));
    let reply = judge.mutate(&automounted());
    let patched = reply.patched();
    assert_eq!(
        patched["spec"]["volumes"][1],
        json!({"name": "tokenward-tokens", "projected": {"defaultMode": 420, "sources": [
            {"serviceAccountToken": {"audience": "https://vault.example.com", "expirationSeconds": 600, "path": "vault"}},
            {"serviceAccountToken": {"audience": "https://sts.example.com", "expirationSeconds": 600, "path": "sts"}},
        ]}})
    );
    assert_eq!(
        patched["spec"]["containers"][0]["volumeMounts"][1],
        injected_mount("tokenward-tokens", "/var/run/secrets/tokens")
    );
    assert_eq!(
        reply.annotation("injected"),
        r#"vault audience="https://vault.example.com" seconds=600 containers=app; sts audience="https://sts.example.com" seconds=600 containers=app"#
    );
    judge.mutate(&patched).leaves_alone();
}

#[test]
fn mounts_each_further_token_by_its_own_condition() {
    let judge = Judge::custom(with_tokens([
        ("always", MountWhen::Always),
        ("hardened", MountWhen::AutomountDisabled),
        ("asked", MountWhen::Requested),
    ]));
    let tokens = |pod: &Value| {
        let patched = judge.mutate(pod).patched();
        let volumes = patched["spec"]["volumes"].as_array().unwrap();
        let sources = volumes.last().unwrap()["projected"]["sources"].as_array().unwrap().iter();
        sources.map(|source| source["serviceAccountToken"]["path"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let asked = [("tokenward.dev/tokens", " asked , always,asked ")];
    assert_eq!(tokens(&automounted()), ["always"]);
    assert_eq!(tokens(&hardened(&json!({}))), ["always", "hardened"]);
    assert_eq!(tokens(&annotated(automounted(), asked)), ["always", "asked"]);
    assert_eq!(tokens(&annotated(hardened(&json!({})), asked)), ["always", "hardened", "asked"]);
    assert_eq!(tokens(&hardened(&json!({"serviceAccountName": "default"}))), ["always", "hardened"]);
}

#[test]
fn adds_both_volumes_at_once_where_there_was_none() {
    let judge = Judge::custom(policy(Builtin::Baseline, |policy| {
        policy.inject.tokens = vec![further("vault", MountWhen::Always)];
    }));
    let reply = judge.mutate(&hardened(&json!({})));
    let patched = reply.patched();
    assert_eq!(volume_names(&patched), ["tokenward-api-access", "tokenward-tokens"]);
    assert_eq!(holders(&patched), ["app:tokenward-api-access", "app:tokenward-tokens"]);
    assert_eq!(
        reply.annotation("injected"),
        r#"api audience="" seconds=3600 containers=app; vault audience="https://vault.example.com" seconds=600 containers=app"#
    );
    judge.mutate(&patched).leaves_alone();
}

#[test]
fn judges_the_two_directories_apart() {
    let judge = Judge::custom(policy(Builtin::Baseline, |policy| {
        policy.inject.tokens = vec![further("vault", MountWhen::Always)];
    }));
    let own = mounting("own", [("mine", DIRECTORY)]);
    let below = mounting("below", [("mine", "/var/run/secrets/tokens/vault")]);
    let reply = judge.mutate(&hardened(&json!({"containers": [own, below]})));
    assert_eq!(holders(&reply.patched()), ["own:tokenward-tokens", "below:tokenward-api-access"]);
    assert_eq!(
        reply.warnings(),
        ["No further token for container below: something is at or below /var/run/secrets/tokens"]
    );
}

// ---- retuning

// row 1
#[test]
fn retunes_the_built_in_volume_by_one_number() {
    let reply = restricted().mutate(&automounted());
    assert_eq!(
        reply.operations(),
        [json!({
            "op": "replace",
            "path": "/spec/volumes/0/projected/sources/0/serviceAccountToken/expirationSeconds",
            "value": 3600,
        })]
    );
    assert_eq!(reply.annotation("injected"), "");
    restricted().mutate(&reply.patched()).leaves_alone();
}

#[test]
fn retunes_the_volume_of_openshifts_plugin_and_finds_nothing_in_it() {
    let mut automounted = automounted();
    let services = json!([{"key": "service-ca.crt", "path": "service-ca.crt"}]);
    let services = json!({"configMap": {"name": "openshift-service-ca.crt", "items": services}});
    automounted["spec"]["volumes"][0]["projected"]["sources"].as_array_mut().unwrap().push(services);
    let reply = restricted().mutate(&automounted);
    assert_eq!(reply.operations()[0]["value"], 3600);
    assert_eq!(restricted().validate(&reply.patched()).findings(), [""; 0]);
}

#[test]
fn retunes_also_where_the_pod_wants_no_token_of_ours() {
    let reply = restricted().mutate(&annotated(automounted(), [("tokenward.dev/inject", "false")]));
    assert_eq!(reply.operations().len(), 1);
}

#[test]
fn retunes_to_the_policys_lifetime_and_not_to_the_pods() {
    let judge = Judge::custom(policy(Builtin::Restricted, |policy| policy.inject.api_token.expiration_seconds = 1800));
    let reply = judge.mutate(&annotated(automounted(), [("tokenward.dev/expiration-seconds", "7200")]));
    assert_eq!(reply.operations()[0]["value"], 1800);
}

#[test]
fn retunes_no_other_volume() {
    let volume = |name: &str| built_in_volume(name);
    for other in [volume("kube-api-access-mine1"), volume("api-access"), {
        let mut changed = volume("kube-api-access-x2b9k");
        changed["projected"]["sources"][1]["configMap"]["name"] = json!("my-ca");
        changed
    }] {
        let mounted = mounting("app", [(other["name"].as_str().unwrap(), DIRECTORY)]);
        restricted().mutate(&pod(&json!({"containers": [mounted], "volumes": [other]}))).leaves_alone();
    }
}

#[test]
fn retunes_nothing_in_a_pod_that_refuses_automount() {
    let mut pod = automounted();
    pod["spec"]["automountServiceAccountToken"] = json!(false);
    restricted().mutate(&pod).leaves_alone();
}

// ---- what an enforcing policy would do

#[test]
fn audit_and_warn_say_what_would_be_injected() {
    for builtin in [Builtin::Audit, Builtin::Warn] {
        let judge = Judge::builtin(builtin);
        judge.mutate(&hardened(&json!({}))).leaves_alone();
        let reply = judge.validate(&hardened(&json!({"initContainers": [container("init")]})));
        assert_eq!(reply.annotation("would-inject"), r#"api audience="" seconds=3600 containers=app,init"#);
        assert_eq!(reply.annotation("injected"), "");
        assert!(reply.is_allowed());
        assert_eq!(judge.validate(&automounted()).annotation("would-inject"), "");
    }
}

#[test]
fn enforcing_policies_foretell_nothing() {
    let never = Judge::custom(with_tokens([]));
    for judge in [baseline(), restricted(), never] {
        assert_eq!(judge.validate(&hardened(&json!({}))).annotation("would-inject"), "");
    }
}

#[test]
fn foretells_by_the_annotations_as_an_enforcing_policy_would() {
    let judge = Judge::builtin(Builtin::Audit);
    let would = |annotations| {
        let reply = judge.validate(&annotated(hardened(&json!({})), [annotations]));
        reply.annotation("would-inject").to_owned()
    };
    assert_eq!(would(("tokenward.dev/inject", "false")), "");
    assert_eq!(would(("tokenward.dev/inject", "maybe")), "");
    assert_eq!(would(("tokenward.dev/expiration-seconds", "900")), r#"api audience="" seconds=900 containers=app"#);
    assert_eq!(would(("tokenward.dev/inject", "true")), r#"api audience="" seconds=3600 containers=app"#);
}
