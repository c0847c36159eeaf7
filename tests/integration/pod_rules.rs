//! TW202, TW203, TW204, TW208 and TW209. Row numbers are those of the decision table.

use serde_json::{Value, json};
use tokenward::policy::{Action, Builtin, InjectWhen, MountWhen, Rule};

use crate::fixture::Review;
use crate::pods::{
    DIRECTORY, Judge, OnlyTheManifest, annotated, audiences, automounted, baseline, built_in_volume, container,
    deployment, further, hardened, injected_mount, injected_volume, mounting, pod, policy, restricted, token_volume,
};

const YEAR: i64 = 31_536_000;

/// A Pod with its own token, mounted at the default directory.
fn with_token(token: Value) -> Value {
    hardened(&json!({
        "containers": [mounting("app", [("own", DIRECTORY)])],
        "volumes": [token_volume("own", token)],
    }))
}

fn with_seconds(seconds: i64) -> Value {
    with_token(json!({"path": "token", "expirationSeconds": seconds}))
}

fn with_audience(audience: &str) -> Value {
    with_token(json!({"path": "token", "expirationSeconds": 3600, "audience": audience}))
}

/// `restricted` with a list of audiences.
fn allowing<const N: usize>(patterns: [&str; N]) -> Judge {
    Judge::custom(policy(Builtin::Restricted, |policy| policy.tokens.allowed_audiences = audiences(patterns)))
}

// ---- TW202 token-lifetime

// row 43
#[test]
fn denies_a_token_over_the_maximum() {
    let reply = restricted().validate(&with_seconds(86_401));
    assert_eq!(
        reply.message(),
        "TW202 token-lifetime: the token in volume own lasts 86401 seconds, and 86400 are allowed. \
         Set expirationSeconds to at most 86400, and never to 3607. Details: tokenward explain TW202"
    );
    assert_eq!(reply.fields(), ["spec.volumes[0].projected.sources[0].serviceAccountToken.expirationSeconds"]);
    assert!(restricted().validate(&with_seconds(86_400)).findings().is_empty());
}

#[test]
fn says_that_3607_seconds_are_extended_only_where_they_were_asked_for() {
    let verdict = restricted().validate(&with_seconds(YEAR));
    let told = "TW202 token-lifetime: the token in volume own lasts 31536000 seconds, and 86400 are allowed.";
    assert!(verdict.message().starts_with(told), "{verdict:?}");
}

// row 44
#[test]
fn takes_3607_seconds_for_one_year_whatever_name_the_api_server_goes_by() {
    for audience in ["", "https://kubernetes.default.svc", "https://kubernetes.default.svc.cluster.local"] {
        let token = json!({"path": "token", "expirationSeconds": 3607, "audience": audience});
        let reply = restricted().validate(&with_token(token));
        assert!(
            reply.message().starts_with(
                "TW202 token-lifetime: the token in volume own lasts one year (3607 seconds are extended), and 86400 are allowed."
            ),
            "{}",
            reply.message()
        );
    }
}

// row 45
#[test]
fn takes_3607_seconds_for_what_they_are_where_the_audience_is_foreign() {
    let token = json!({"path": "token", "expirationSeconds": 3607, "audience": "https://vault.example.com"});
    assert!(restricted().validate(&with_token(token)).findings().is_empty());
}

#[test]
fn takes_3607_seconds_for_what_they_are_where_the_api_server_does_not_extend() {
    let judge = Judge::custom(policy(Builtin::Restricted, |policy| policy.cluster.extends_token_expiration = false));
    assert!(judge.validate(&with_seconds(3607)).findings().is_empty());
}

#[test]
fn allows_the_year_where_the_policy_does() {
    let judge = Judge::custom(policy(Builtin::Restricted, |policy| {
        policy.tokens.max_expiration_seconds = u64::try_from(YEAR).unwrap();
    }));
    assert!(judge.validate(&with_seconds(3607)).findings().is_empty());
    assert!(judge.validate(&with_seconds(YEAR)).findings().is_empty());
    assert_eq!(judge.validate(&with_seconds(YEAR + 1)).findings(), ["TW202=deny"]);
}

// row 42
#[test]
fn takes_no_lifetime_for_an_hour() {
    let judge = |most| Judge::custom(policy(Builtin::Restricted, |policy| policy.tokens.max_expiration_seconds = most));
    let silent = with_token(json!({"path": "token"}));
    assert!(judge(3600).validate(&silent).findings().is_empty());
    assert_eq!(judge(3599).validate(&silent).findings(), ["TW202=deny"]);
}

// row 41
#[test]
fn leaves_a_lifetime_that_is_too_short_to_the_api_server() {
    assert!(restricted().validate(&with_seconds(1)).findings().is_empty());
}

// rows 46 and 48
#[test]
fn judges_every_source_of_every_volume_in_one_finding() {
    let long = |path: &str| json!({"serviceAccountToken": {"path": path, "expirationSeconds": 100_000}});
    let short = json!({"serviceAccountToken": {"path": "c", "expirationSeconds": 600}});
    let unmounted = hardened(&json!({"volumes": [
        {"name": "data", "emptyDir": {}},
        {"name": "first", "projected": {"sources": [short, long("a"), {"secret": {"name": "x"}}, long("b")]}},
        {"name": "second", "projected": {"sources": [long("a")]}},
    ]}));
    let reply = restricted().validate(&unmounted);
    assert_eq!(reply.findings(), ["TW202=deny", "TW208=warn"]);
    assert!(
        reply.message().contains("the token in volume first lasts 100000 seconds, and 86400 are allowed, and 2 more")
    );
    assert_eq!(
        reply.fields(),
        [
            "spec.volumes[1].projected.sources[1].serviceAccountToken.expirationSeconds",
            "spec.volumes[1].projected.sources[3].serviceAccountToken.expirationSeconds",
            "spec.volumes[2].projected.sources[0].serviceAccountToken.expirationSeconds",
            "spec.containers[0].volumeMounts",
        ]
    );
}

// row 31
#[test]
fn judges_a_volume_that_only_has_the_name_of_the_built_in_one() {
    let mut forged = automounted();
    forged["spec"]["volumes"][0]["projected"]["sources"][0]["serviceAccountToken"]["expirationSeconds"] = json!(YEAR);
    assert_eq!(restricted().validate(&forged).findings(), ["TW202=deny"]);
    let mut renamed = automounted();
    renamed["spec"]["volumes"][0]["name"] = json!("kube-api-access-mine");
    assert_eq!(restricted().validate(&renamed).findings(), ["TW202=deny"]);
    let mut refused = automounted();
    refused["spec"]["automountServiceAccountToken"] = json!(false);
    assert_eq!(restricted().validate(&refused).findings(), ["TW202=deny"]);
}

// row 2
#[test]
fn allows_the_hand_made_volume_of_the_common_guides_without_a_word() {
    let token = json!({"path": "token", "expirationSeconds": 3600, "audience": "https://kubernetes.default.svc"});
    for judge in [baseline(), restricted(), Judge::builtin(Builtin::Warn)] {
        let reply = judge.validate(&with_token(token.clone()));
        assert!(reply.is_allowed());
        assert!(reply.findings().is_empty() && reply.warnings().is_empty());
    }
}

#[test]
fn warns_under_baseline() {
    let reply = baseline().validate(&with_seconds(3607));
    assert!(reply.is_allowed());
    assert_eq!(
        reply.warnings(),
        [
            "TW202 token-lifetime: the token in volume own lasts one year (3607 seconds are extended), and 86400 are allowed"
        ]
    );
}

// row 39
#[test]
fn warns_of_templates_and_never_refuses_them() {
    let reply = restricted().validate(&deployment(&with_token(
        json!({"path": "token", "expirationSeconds": 100_000, "audience": "https://vault.example.com"}),
    )));
    assert!(reply.is_allowed());
    assert_eq!(reply.findings(), ["TW202=warn"]);
    let reply = allowing(["", "sts.amazonaws.com"]).validate(&deployment(&with_audience("https://vault.example.com")));
    assert_eq!(reply.findings(), ["TW203=warn"]);
    let reply = restricted().validate(&deployment(&annotated(hardened(&json!({})), [("tokenward.dev/inject", "no")])));
    assert_eq!(reply.findings(), ["TW209=warn"]);
}

// rows 20, 21 and 22
#[test]
fn judges_no_pod_again_when_it_is_updated() {
    let bad = annotated(with_seconds(3607), [("tokenward.dev/inject", "no")]);
    for sub_resource in ["", "ephemeralcontainers", "resize", "status"] {
        let review = Review::update("pods", bad.clone(), bad.clone()).with("subResource", json!(sub_resource));
        let reply = restricted().reply(tokenward::policy::Phase::Validate, &review);
        assert!(reply.is_allowed() && reply.findings().is_empty());
    }
}

// ---- TW203 token-audience

// row 46
#[test]
fn denies_an_audience_that_the_list_does_not_have() {
    let judge = allowing(["", "https://vault.example.com", "*.example.org"]);
    let reply = judge.validate(&with_audience("sts.amazonaws.com"));
    assert_eq!(
        reply.message(),
        "TW203 token-audience: audience sts.amazonaws.com is not allowed (volume own). \
         Name an audience that the policy allows. Details: tokenward explain TW203"
    );
    assert_eq!(reply.fields(), ["spec.volumes[0].projected.sources[0].serviceAccountToken.audience"]);
    for allowed in ["", "https://vault.example.com", "a.example.org"] {
        assert!(judge.validate(&with_audience(allowed)).findings().is_empty(), "{allowed}");
    }
    for other in ["https://vault.example.com/", "HTTPS://VAULT.EXAMPLE.COM", "vault", "a.example.org.evil"] {
        assert_eq!(judge.validate(&with_audience(other)).findings(), ["TW203=deny"], "{other}");
    }
}

#[test]
fn takes_the_empty_audience_in_the_list_for_every_name_of_the_api_server() {
    let api_server = "https://kubernetes.default.svc";
    assert!(allowing([""]).validate(&with_audience(api_server)).findings().is_empty());
    assert_eq!(allowing(["vault"]).validate(&with_audience(api_server)).findings(), ["TW203=deny"]);
    assert_eq!(allowing([""]).validate(&with_audience("vault")).findings(), ["TW203=deny"]);
}

#[test]
fn denies_the_api_servers_own_audience_where_the_list_does_not_have_it() {
    let reply = allowing(["vault"]).validate(&with_token(json!({"path": "token"})));
    assert!(
        reply.message().starts_with("TW203 token-audience: the API server's own audience is not allowed (volume own)")
    );
    assert!(allowing(["vault"]).validate(&automounted()).findings().contains(&"TW203=deny"));
}

#[test]
fn allows_every_audience_under_the_built_in_policies() {
    for audience in ["", "vault", "sts.amazonaws.com", "*"] {
        assert!(restricted().validate(&with_audience(audience)).findings().is_empty());
    }
}

#[test]
fn never_names_the_list() {
    let reply = allowing(["https://internal.example.com"]).validate(&with_audience("vault"));
    assert!(!reply.0.to_string().contains("internal.example.com"));
}

// ---- TW204 automounted-token

/// A policy that warns of automounted tokens and retunes none.
fn strict_without_retuning() -> Judge {
    Judge::custom(policy(Builtin::Restricted, |policy| policy.inject.retune_automounted = false))
}

// row 1
#[test]
fn warns_of_an_automounted_token_that_was_not_retuned() {
    for judge in [strict_without_retuning(), Judge::builtin(Builtin::Warn), restricted()] {
        let reply = judge.validate(&automounted());
        assert!(reply.is_allowed());
        assert_eq!(
            reply.warnings(),
            ["TW204 automounted-token: the Pod holds the automounted API token, which lasts one year"]
        );
    }
    assert_eq!(baseline().validate(&automounted()).findings(), ["TW204=audit"]);
}

#[test]
fn says_how_long_it_lasts_where_the_api_server_does_not_extend() {
    let judge = Judge::custom(policy(Builtin::Warn, |policy| policy.cluster.extends_token_expiration = false));
    let warning = "TW204 automounted-token: the Pod holds the automounted API token, which lasts 3607 seconds";
    assert_eq!(judge.validate(&automounted()).warnings(), [warning]);
}

#[test]
fn is_silent_of_a_retuned_volume() {
    let retuned = restricted().mutate(&automounted()).patched();
    let reply = restricted().validate(&retuned);
    assert!(reply.findings().is_empty(), "{reply:?}");
}

#[test]
fn is_silent_of_a_pod_without_the_built_in_volume() {
    let asked = pod(&json!({"automountServiceAccountToken": true, "containers": [container("app")]}));
    for silent in [hardened(&json!({})), with_seconds(3600), asked] {
        let reply = Judge::builtin(Builtin::Warn).validate(&silent);
        assert!(reply.findings().is_empty(), "{reply:?}");
    }
}

#[test]
fn warns_of_a_template_only_where_its_pods_are_sure_to_hold_the_token() {
    let judge = Judge::builtin(Builtin::Warn);
    let reply = judge.validate(&deployment(&hardened(&json!({"automountServiceAccountToken": true}))));
    assert_eq!(
        reply.warnings(),
        ["TW204 automounted-token: Pods of this template hold the automounted API token, which lasts one year"]
    );
    for unsure in [json!({"automountServiceAccountToken": null}), json!({"automountServiceAccountToken": false})] {
        assert!(judge.validate(&deployment(&hardened(&unsure))).findings().is_empty());
    }
    assert_eq!(judge.validate(&deployment(&automounted())).findings(), ["TW204=warn"]);
}

#[test]
fn warns_of_the_built_in_volume_also_where_no_container_mounts_it() {
    let brought = hardened(&json!({
        "automountServiceAccountToken": null, "volumes": [built_in_volume("kube-api-access-x2b9k")],
    }));
    assert!(baseline().validate(&brought).findings().contains(&"TW204=audit"));
}

#[test]
fn is_silent_of_a_template_whose_pods_are_retuned() {
    let asks = hardened(&json!({"automountServiceAccountToken": true}));
    assert!(restricted().validate(&deployment(&asks)).findings().is_empty());
    assert!(restricted().validate(&deployment(&automounted())).findings().is_empty());
}

#[test]
fn is_silent_where_the_account_decides_and_is_not_known() {
    let judge = Judge::builtin(Builtin::Warn).knowing(OnlyTheManifest);
    let reply = judge.validate(&pod(&json!({"containers": [container("app")]})));
    assert!(reply.findings().is_empty());
    assert_eq!(reply.annotation("unknown"), "serviceaccount/app");
    assert_eq!(reply.annotation("would-inject"), "");
}

// ---- TW208 injection-missing

// row 36
#[test]
fn warns_of_a_container_that_came_after_injection() {
    let mut late = baseline().mutate(&hardened(&json!({}))).patched();
    late["spec"]["containers"].as_array_mut().unwrap().extend([container("proxy"), container("log")]);
    for judge in [baseline(), restricted()] {
        let reply = judge.validate(&late);
        assert_eq!(reply.findings(), ["TW208=warn"]);
        assert_eq!(
            reply.warnings(),
            ["TW208 injection-missing: container proxy lacks the token that the policy injects, and 1 more"]
        );
    }
    let denying = Judge::custom(policy(Builtin::Baseline, |policy| {
        policy.set_action(Rule::find("TW208").unwrap(), Action::Deny);
    }));
    assert_eq!(
        denying.validate(&late).fields(),
        ["spec.containers[1].volumeMounts", "spec.containers[2].volumeMounts"]
    );
}

#[test]
fn warns_of_a_pod_that_was_not_injected_at_all() {
    let init = hardened(&json!({"initContainers": [container("setup")]}));
    let reply = baseline().validate(&init);
    assert_eq!(
        reply.warnings(),
        ["TW208 injection-missing: container app lacks the token that the policy injects, and 1 more"]
    );
}

#[test]
fn is_silent_of_containers_that_injection_passes_over() {
    let below = mounting("below", [("own", "/run/secrets/kubernetes.io/serviceaccount/token")]);
    let own = mounting("own", [("own", DIRECTORY)]);
    let passed_over = hardened(&json!({"containers": [below, own]}));
    assert!(baseline().validate(&passed_over).findings().is_empty());
    let left_out = hardened(&json!({"containers": [
        mounting("app", [("tokenward-api-access", DIRECTORY)]), container("proxy"),
    ], "volumes": [injected_volume()]}));
    let chosen = annotated(left_out, [("tokenward.dev/containers", "app")]);
    assert!(baseline().validate(&chosen).findings().is_empty());
}

#[test]
fn is_silent_where_nothing_is_injected() {
    let refused = annotated(hardened(&json!({})), [("tokenward.dev/inject", "false")]);
    let default = hardened(&json!({"serviceAccountName": "default"}));
    let mirror = annotated(hardened(&json!({})), [("kubernetes.io/config.mirror", "5f4d")]);
    for silent in [refused, default, mirror] {
        assert!(baseline().validate(&silent).findings().is_empty());
    }
    for builtin in [Builtin::Audit, Builtin::Warn] {
        assert!(Judge::builtin(builtin).validate(&hardened(&json!({}))).findings().is_empty());
    }
    assert!(baseline().validate(&deployment(&hardened(&json!({})))).findings().is_empty());
}

#[test]
fn misses_further_tokens_too() {
    let judge = Judge::custom(policy(Builtin::Baseline, |policy| {
        policy.inject.tokens = vec![further("vault", MountWhen::Always)];
    }));
    let mut half = hardened(&json!({"volumes": [injected_volume()]}));
    half["spec"]["containers"][0]["volumeMounts"] = json!([injected_mount("tokenward-api-access", DIRECTORY)]);
    assert_eq!(judge.validate(&half).findings(), ["TW208=warn"]);
    assert!(judge.validate(&judge.mutate(&half).patched()).findings().is_empty());
}

// row 30
#[test]
fn is_satisfied_by_a_volume_under_another_name() {
    let taken = json!({"name": "tokenward-api-access", "emptyDir": {}});
    let patched = baseline().mutate(&hardened(&json!({"volumes": [taken]}))).patched();
    assert!(baseline().validate(&patched).findings().is_empty());
}

// ---- TW209 invalid-annotation

/// What is said of this annotation under this policy; the empty text for nothing.
fn said_of(judge: &Judge, key: &str, value: &str) -> String {
    let pod = annotated(automounted(), [(key, value)]);
    let reply = judge.validate(&pod);
    if reply.is_allowed() {
        assert!(!reply.findings().iter().any(|finding| finding.starts_with("TW209")), "{reply:?}");
        return String::new();
    }
    assert_eq!(reply.findings()[0], "TW209=deny");
    assert_eq!(reply.fields()[0], format!("metadata.annotations[{key}]"));
    let message = reply.message().strip_prefix("TW209 invalid-annotation: ").unwrap();
    message.split(". ").next().unwrap().to_owned()
}

fn injecting() -> Judge {
    Judge::custom(policy(Builtin::Restricted, |policy| {
        policy.inject.tokens =
            vec![further("vault", MountWhen::Requested), further("sts", MountWhen::AutomountDisabled)];
    }))
}

#[test]
fn refuses_inject_that_is_neither_true_nor_false() {
    for value in ["", "True", "TRUE", "yes", "1", " true", "true ", "false\n"] {
        let said = said_of(&injecting(), "tokenward.dev/inject", value);
        assert_eq!(said, "tokenward.dev/inject is neither \"true\" nor \"false\"", "{value:?}");
    }
    for value in ["true", "false"] {
        assert_eq!(said_of(&injecting(), "tokenward.dev/inject", value), "");
    }
}

#[test]
fn refuses_a_request_for_a_token_that_the_policy_does_not_give() {
    let never = || {
        Judge::custom(policy(Builtin::Baseline, |policy| {
            policy.inject.when = InjectWhen::Never;
            policy.inject.tokens = vec![further("vault", MountWhen::Requested)];
        }))
    };
    assert_eq!(
        said_of(&never(), "tokenward.dev/inject", "true"),
        "tokenward.dev/inject asks for an API token, and policy custom injects none"
    );
    assert_eq!(said_of(&never(), "tokenward.dev/inject", "false"), "");
    assert_eq!(said_of(&never(), "tokenward.dev/tokens", "vault"), "");
    assert_eq!(
        said_of(&injecting(), "tokenward.dev/tokens", "vault, sts"),
        "tokenward.dev/tokens names sts, which is only for Pods without automount"
    );
    let without = annotated(hardened(&json!({})), [("tokenward.dev/tokens", "vault, sts")]);
    assert!(injecting().validate(&without).is_allowed());
}

#[test]
fn refuses_a_lifetime_that_is_no_number() {
    for value in ["", "1h", "3600s", "3600.0", "-3600", "+3600", " 3600", "0x1000", "１２００"] {
        let said = said_of(&injecting(), "tokenward.dev/expiration-seconds", value);
        assert_eq!(said, "tokenward.dev/expiration-seconds is not a whole number", "{value:?}");
    }
}

#[test]
fn refuses_a_lifetime_out_of_bounds() {
    for value in ["0", "599", "86401", "4294967296", "99999999999999999999999999"] {
        let said = said_of(&injecting(), "tokenward.dev/expiration-seconds", value);
        assert_eq!(said, "tokenward.dev/expiration-seconds is not between 600 and 86400", "{value:?}");
    }
    for value in ["600", "3606", "3608", "86400"] {
        assert_eq!(said_of(&injecting(), "tokenward.dev/expiration-seconds", value), "");
    }
}

#[test]
fn refuses_3607_seconds_in_every_spelling() {
    for value in ["3607", "03607", "00003607"] {
        let said = said_of(&injecting(), "tokenward.dev/expiration-seconds", value);
        assert_eq!(said, "tokenward.dev/expiration-seconds is 3607, which the API server turns into one year");
    }
}

#[test]
fn refuses_a_token_or_container_that_does_not_exist() {
    assert_eq!(
        said_of(&injecting(), "tokenward.dev/tokens", "vault,valt"),
        "tokenward.dev/tokens names valt, and policy custom has no such token"
    );
    assert_eq!(
        said_of(&injecting(), "tokenward.dev/containers", "app, proxy"),
        "tokenward.dev/containers names proxy, and there is no such container"
    );
    for value in ["vault", " vault ", "vault,vault", "\tvault , vault"] {
        assert_eq!(said_of(&injecting(), "tokenward.dev/tokens", value), "", "{value:?}");
    }
}

#[test]
fn finds_init_containers_by_name_and_no_ephemeral_ones() {
    let named = |name| {
        let containers = json!({"initContainers": [container("setup")], "ephemeralContainers": [container("debug")]});
        let pod = annotated(hardened(&containers), [("tokenward.dev/containers", name)]);
        baseline().validate(&pod).is_allowed()
    };
    assert!(named("setup"));
    assert!(named("setup,app"));
    assert!(!named("debug"));
}

#[test]
fn finds_a_container_by_a_name_with_digits_and_dashes() {
    let pod = hardened(&json!({"containers": [container("app-v2")]}));
    assert!(baseline().validate(&annotated(pod, [("tokenward.dev/containers", "app-v2")])).is_allowed());
}

#[test]
fn refuses_an_entry_that_is_no_name_and_does_not_repeat_it() {
    for value in ["", ",", "vault,", ",vault", "vault,,vault", "Vault", "vault token", "-vault", "vault-", "eyJhbGciOi"]
    {
        let said = said_of(&injecting(), "tokenward.dev/tokens", value);
        assert_eq!(said, "tokenward.dev/tokens has an entry that is no name", "{value:?}");
        let said = said_of(&injecting(), "tokenward.dev/containers", value);
        assert_eq!(said, "tokenward.dev/containers has an entry that is no name", "{value:?}");
    }
}

#[test]
fn reports_every_bad_annotation() {
    let bad = [
        ("tokenward.dev/inject", "maybe"),
        ("tokenward.dev/expiration-seconds", "3607"),
        ("tokenward.dev/tokens", "nothing"),
        ("tokenward.dev/containers", "nobody"),
    ];
    let reply = baseline().validate(&annotated(hardened(&json!({})), bad));
    assert_eq!(reply.fields().len(), 4);
    assert_eq!(reply.findings(), ["TW209=deny"]);
}

#[test]
fn says_nothing_of_a_good_value_without_use() {
    let unused = [
        ("tokenward.dev/expiration-seconds", "600"),
        ("tokenward.dev/containers", "app"),
        ("tokenward.dev/inject", "false"),
        ("tokenward.dev/injected", "somebody else's"),
    ];
    assert!(baseline().validate(&annotated(automounted(), unused)).findings() == ["TW204=audit"]);
}

#[test]
fn warns_of_a_key_without_meaning_and_denies_nothing_for_it() {
    let keys = [("tokenward.dev/injekt", "true"), ("tokenward.dev/policy", "warn"), ("example.com/tokenward.dev", "x")];
    let reply = restricted().validate(&annotated(with_seconds(3600), keys));
    assert!(reply.is_allowed());
    assert_eq!(
        reply.warnings(),
        ["TW209 invalid-annotation: tokenward.dev/injekt is no annotation of tokenward, and 1 more"]
    );
}

// row 23
#[test]
fn allows_a_mirror_pod_whatever_it_asks_for() {
    let mirror = [("kubernetes.io/config.mirror", "5f4d"), ("tokenward.dev/inject", "please")];
    let reply = restricted().validate(&annotated(hardened(&json!({})), mirror));
    assert!(reply.is_allowed() && reply.findings().is_empty());
}

// row 40
#[test]
fn decides_the_same_in_a_dry_run() {
    let review = crate::pods::creation(&with_seconds(3607)).with("dryRun", json!(true));
    let reply = restricted().reply(tokenward::policy::Phase::Validate, &review);
    assert_eq!(reply.findings(), ["TW202=deny"]);
}

// ---- what people read

/// Names as long as Kubernetes allows them.
fn longest(letter: &str) -> String {
    letter.repeat(63)
}

#[test]
fn keeps_the_first_finding_of_a_refusal_within_its_bound_whatever_the_names() {
    let name = longest("n");
    let mut custom = policy(Builtin::Restricted, |policy| {
        policy.tokens.allowed_audiences = audiences(["", "vault"]);
        policy.inject.when = InjectWhen::Never;
        for rule in ["TW204", "TW208"] {
            policy.set_action(Rule::find(rule).unwrap(), Action::Deny);
        }
    });
    custom.name = longest("p").into();
    let judge = Judge::custom(custom.clone());
    custom.inject.when = InjectWhen::AutomountDisabled;
    let injecting = Judge::custom(custom);
    let audience = format!("https://{}.example.com", longest("a"));
    let volume = |token: Value| {
        let app = mounting("app", [(&*name, DIRECTORY)]);
        hardened(
            &json!({"containers": [app], "volumes": [token_volume(&name, token.clone()), token_volume("b", token)]}),
        )
    };
    let late = hardened(&json!({"containers": [container(&name), container("b")]}));
    let mut cases = vec![
        (&judge, "TW202", volume(json!({"path": "token", "expirationSeconds": 3607}))),
        (&judge, "TW202", volume(json!({"path": "token", "expirationSeconds": u32::MAX}))),
        (&judge, "TW203", volume(json!({"path": "token", "audience": audience}))),
        (&judge, "TW204", automounted()),
        (&injecting, "TW208", late),
    ];
    for (key, value) in [
        ("tokenward.dev/inject", "true"),
        ("tokenward.dev/inject", "x"),
        ("tokenward.dev/expiration-seconds", "x"),
        ("tokenward.dev/expiration-seconds", "1"),
        ("tokenward.dev/expiration-seconds", "3607"),
        ("tokenward.dev/tokens", &*name),
        ("tokenward.dev/tokens", "X"),
        ("tokenward.dev/containers", &*name),
    ] {
        cases.push((&judge, "TW209", annotated(with_seconds(3600), [(key, value)])));
    }
    for (judge, code, pod) in cases {
        let reply = judge.validate(&pod);
        let message = reply.message();
        let first = message.split(" Details: ").next().unwrap();
        assert!(first.starts_with(code) && first.ends_with('.') && !first.ends_with("..."), "{message}");
        assert!(first.chars().count() <= 256, "{} {first}", first.len());
    }
}
