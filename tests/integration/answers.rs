//! What people, kubectl and the audit log are told: the words of an answer and their bounds.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokenward::policy::{Inventory, PolicySet, UNKNOWN_POLICY};

use crate::fixture::{Court, Review, exception, legacy_jwt, token_secret};
use crate::pods::{container, hardened, opted_out};

/// A name as long as Kubernetes allows.
fn longest(letter: char) -> String {
    letter.to_string().repeat(253)
}

/// A Pod that reaches legacy Secrets of these names.
fn reaching<'n>(secrets: impl IntoIterator<Item = &'n str>) -> Review {
    let references: Vec<Value> = secrets.into_iter().map(|name| json!({"name": name})).collect();
    Review::create("pods", opted_out(&json!({"imagePullSecrets": references})))
}

/// The first finding of a refusal.
fn first_finding(message: &str) -> &str {
    message.split(" Details: ").next().unwrap()
}

#[test]
fn the_first_finding_stands_whole_within_its_bound_whatever_the_names() {
    let (secret, account) = (longest('s'), longest('a'));
    let mut ended = ["TW101", "TW102", "TW201"].map(|rule| exception(rule, &secret, &account, "2026-10-31"));
    for exception in &mut ended {
        exception.name = longest('e');
        exception.owner = longest('o');
    }
    let court = Court::new().with_exceptions(ended.to_vec());
    let many: Vec<Value> = (0..1001)
        .map(|index| json!({"name": format!("A{index}"), "valueFrom": {"secretKeyRef": {"name": secret, "key": "token"}}}))
        .collect();
    let mut app = container("app");
    app["env"] = Value::Array(many);
    let pod = opted_out(&json!({"initContainers": [container("a"), container("b"), app]}));
    let retargeted = token_secret(&secret, &account);
    let before = token_secret(&secret, &longest('b'));
    for review in [
        Review::create("pods", pod),
        Review::create("secrets", retargeted.clone()),
        Review::update("secrets", before, retargeted),
    ] {
        let verdict = court.validate("restricted", &review);
        let first = first_finding(verdict.message());
        assert!(first.chars().count() <= 256, "{} {first}", first.len());
        assert!(first.ends_with('.') && !first.ends_with("..."), "{first}");
        let expired = first.split("; exception ").nth(1).expect("the exception is named");
        assert!(expired.contains("ee...ee") && expired.contains(" expired on 2026-10-31 (owner oo"), "{first}");
    }
}

#[test]
fn so_it_does_where_a_secret_holds_a_token() {
    let (secret, account) = (longest('s'), longest('a'));
    for (ended, excused, key, named) in
        [("TW103", "TW104", "token", secret.clone()), ("TW104", "TW103", "kubeconfig", longest('t'))]
    {
        let mut court =
            [exception(ended, &secret, &account, "2026-10-31"), exception(excused, &secret, &account, "2027-12-31")];
        (court[0].name, court[0].owner) = (longest('e'), longest('o'));
        let court = Court::new().with_exceptions(court.to_vec());
        let token = STANDARD.encode(legacy_jwt(&named, &account));
        let object = json!({"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "metadata": {"name": secret}, "data": {key: token}});
        let verdict = court.validate("restricted", &Review::create("secrets", object));
        assert_eq!(verdict.findings(), [format!("{ended}=deny")], "{verdict:?}");
        let first = first_finding(verdict.message());
        assert!(first.chars().count() <= 256 && first.ends_with('.') && !first.ends_with("..."), "{first}");
        assert!(first.contains("ee...ee") && first.contains(" expired on 2026-10-31 (owner oo"), "{first}");
    }
}

#[test]
fn names_are_whole_where_there_is_room() {
    let name = "a-name-of-just-thirty-letters0";
    let verdict = Court::new().validate("baseline", &Review::create("secrets", token_secret(name, name)));
    assert_eq!(name.len(), 30);
    assert!(verdict.message().contains(&format!("Secret team-a/{name} would")), "{}", verdict.message());
    assert!(verdict.message().contains(&format!("kubectl create token {name}. ")), "{}", verdict.message());
}

#[test]
fn an_object_makes_no_answer_many_times_its_own_size() {
    let references = std::iter::repeat_n("legacy-ci", 5000);
    let verdict = Court::new().with_legacy_token("legacy-ci", "ci").validate("restricted", &reaching(references));
    assert!(verdict.message().contains("and 4999 more places"), "{}", verdict.message());
    assert_eq!(verdict.fields().len(), 1000);
}

/// A cluster with the legacy tokens `legacy-0` to `legacy-<secrets - 1>`, and a Pod that reaches all.
fn many(secrets: usize) -> (Court, Review) {
    let names: Vec<String> = (0..secrets).map(|index| format!("legacy-{index}")).collect();
    let court = names.iter().fold(Court::new(), |court, name| court.with_legacy_token(name, "ci"));
    (court, reaching(names.iter().map(String::as_str)))
}

#[test]
fn ten_warnings_are_shown_and_of_more_the_nine_most_severe() {
    let (court, review) = many(10);
    let verdict = court.validate("warn", &review);
    assert_eq!(verdict.warnings().len(), 10);
    assert!(verdict.warnings()[9].contains("legacy-9 "), "{verdict:?}");
    let (court, review) = many(14);
    let verdict = court.validate("warn", &review);
    let warnings = verdict.warnings();
    assert_eq!(warnings.len(), 10);
    assert!(warnings[8].contains("legacy-8 "), "{warnings:?}");
    assert_eq!(warnings[9], "and 5 more: tokenward review shows all");
}

#[test]
fn a_warning_is_one_line_of_at_most_one_hundred_and_twenty_characters() {
    let name = format!("{}\n\u{7}{}", "n".repeat(20), "ü".repeat(200));
    let court = Court::new().with_legacy_token(&name, &name);
    let verdict = court.validate("warn", &reaching([&*name]));
    let [warning] = verdict.warnings()[..] else { panic!("one warning: {verdict:?}") };
    assert_eq!(warning.chars().count(), 120);
    assert!(warning.ends_with("...") && !warning.contains(char::is_control), "{warning}");
}

#[test]
fn nothing_that_is_written_has_control_characters() {
    let name = "a\nb\u{1b}[31m\u{0}\u{85}c";
    let court = Court::new().with_legacy_token(name, name);
    for policy in ["audit", "warn", "restricted", "no\nsuch\u{1b}policy"] {
        for review in [reaching([name, "d\ne"]), Review::create("secrets", token_secret(name, name))] {
            let verdict = court.validate(policy, &review);
            let annotations = verdict.0["response"]["auditAnnotations"].as_object().unwrap().values();
            let texts =
                annotations.map(|value| value.as_str().unwrap()).chain(verdict.warnings()).chain([verdict.message()]);
            for text in texts {
                assert!(!text.contains(char::is_control), "{text:?}");
            }
        }
    }
}

#[test]
fn a_refusal_has_no_warnings_and_tells_all_findings_at_once() {
    let mut pod =
        opted_out(&json!({"imagePullSecrets": [{"name": "legacy-ci"}], "automountServiceAccountToken": true}));
    pod["spec"]["volumes"] = json!([crate::pods::built_in_volume("kube-api-access-x2b9k")]);
    pod["spec"]["containers"] = json!([container("app")]);
    pod["metadata"]["annotations"] = json!({"tokenward.dev/containers": "nobody"});
    let court = Court::new().with_legacy_token("legacy-ci", "ci");
    let verdict = court.validate("restricted", &Review::create("pods", pod));
    assert!(!verdict.is_allowed() && verdict.warnings().is_empty());
    let codes: Vec<&str> = verdict.findings();
    assert!(codes.len() > 2 && codes[0].ends_with("=deny") && codes.last().unwrap().ends_with("=warn"), "{codes:?}");
    for code in codes {
        assert!(verdict.message().contains(&format!("{} ", &code[..5])), "{code} in {}", verdict.message());
    }
    assert_eq!(verdict.message().matches("Details:").count(), 1);
}

#[test]
fn a_label_that_names_no_policy_is_judged_as_restricted_and_the_answer_says_so() {
    let court = Court::new().with_legacy_token("legacy-ci", "ci");
    let refused = court.validate("no-such-policy", &reaching(["legacy-ci"]));
    assert_eq!(
        refused.message(),
        "TW201 legacy-token-reference: legacy Secret legacy-ci is reached at spec.imagePullSecrets[0].name (ServiceAccount ci). \
         Use a projected token. No policy is named no-such-policy; restricted applies. Details: tokenward explain TW201"
    );
    assert_eq!(
        (refused.annotation("policy"), refused.annotation("requested-policy")),
        ("restricted", "no-such-policy")
    );
    let allowed = court.validate("no-such-policy", &reaching([]));
    assert_eq!(allowed.warnings(), ["No policy is named no-such-policy; restricted applies"]);
    let reserved = court.validate(UNKNOWN_POLICY, &reaching([]));
    assert_eq!(
        reserved.warnings(),
        ["The label tokenward.dev/policy of the namespace names no policy; restricted applies"]
    );
    let known = court.validate("restricted", &reaching([]));
    assert_eq!(known.annotation("requested-policy"), "");
    assert!(known.warnings().is_empty());
}

#[test]
fn a_policy_of_another_letter_case_is_another_name() {
    let verdict = Court::new().validate("Audit", &Review::create("secrets", token_secret("ci-token", "ci")));
    assert!(!verdict.is_allowed());
    assert_eq!(verdict.annotation("requested-policy"), "Audit");
}

// ---- the wire, as `VerifyAdmissionResponse` and Go's types take it

#[test]
fn an_answer_is_one_that_the_api_server_accepts() {
    let court = Court::new().with_legacy_token("legacy-ci", "ci");
    let reviews = [reaching(["legacy-ci"]), reaching([]), Review::create("secrets", token_secret("ci-token", "ci"))];
    for review in &reviews {
        for policy in ["audit", "warn", "baseline", "restricted", "no-such-policy"] {
            for verdict in [court.validate(policy, review), court.mutate(policy, review)] {
                assert_eq!(verdict.0["apiVersion"], "admission.k8s.io/v1");
                assert_eq!(verdict.0["kind"], "AdmissionReview");
                let response = &verdict.0["response"];
                assert_eq!(response["uid"], review.0["request"]["uid"]);
                assert_eq!(response["patchType"].is_null(), response["patch"].is_null());
                assert_eq!(response["status"].is_null(), verdict.is_allowed());
                for key in response["auditAnnotations"].as_object().unwrap().keys() {
                    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
                    assert!(key.len() <= 63 && key.bytes().all(plain) && !key.starts_with('-'), "{key}");
                }
            }
            assert!(court.validate(policy, review).patch().is_none(), "a validating answer changes nothing");
            assert!(court.mutate(policy, review).is_allowed(), "a mutating answer refuses nothing");
        }
    }
}

#[test]
fn a_refusal_is_403_forbidden_with_a_cause_for_each_place() {
    let court = Court::new().with_legacy_token("legacy-ci", "ci");
    let verdict = court.validate("restricted", &reaching(["legacy-ci"]));
    let status = &verdict.0["response"]["status"];
    assert_eq!(
        (&status["code"], &status["reason"], &status["status"]),
        (&json!(403), &json!("Forbidden"), &json!("Failure"))
    );
    assert_eq!(
        status["details"]["causes"],
        json!([{
            "reason": "TW201",
            "message": "TW201 legacy-token-reference: legacy Secret legacy-ci is reached at spec.imagePullSecrets[0].name \
                        (ServiceAccount ci)",
            "field": "spec.imagePullSecrets[0].name",
        }])
    );
}

#[test]
fn a_patch_is_base64_with_padding_and_never_empty() {
    let verdict = Court::new().mutate("baseline", &Review::create("pods", hardened(&json!({}))));
    let response = &verdict.0["response"];
    assert_eq!(response["patchType"], "JSONPatch");
    let text = response["patch"].as_str().unwrap();
    assert!(text.len().is_multiple_of(4) && !text.contains(['-', '_']), "standard alphabet, padded: {text}");
    let operations = verdict.patch().unwrap();
    assert!(!operations.as_array().unwrap().is_empty());
    let nothing = Court::new().mutate("audit", &Review::create("pods", hardened(&json!({}))));
    assert!(nothing.0["response"].get("patch").is_none() && nothing.0["response"].get("patchType").is_none());
}

#[test]
fn the_same_review_has_the_same_answer() {
    let (court, review) = many(30);
    let once = court.validate("restricted", &review);
    for _ in 0..5 {
        assert_eq!(court.validate("restricted", &review).0, once.0);
    }
}

#[test]
fn the_uid_comes_back_whatever_it_is() {
    for uid in ["1", "a \"quoted\" \\ uid\n", "😀"] {
        let review = Review::create("secrets", token_secret("ci-token", "ci")).with("uid", json!(uid));
        let nothing = Inventory::default();
        let answer = PolicySet::builtin()
            .answer("audit", tokenward::policy::Phase::Validate, &review.bytes(), &nothing, crate::fixture::now())
            .unwrap();
        assert_eq!(answer.uid, uid);
        assert_eq!(serde_json::from_slice::<Value>(&answer.body).unwrap()["response"]["uid"], uid);
    }
}
