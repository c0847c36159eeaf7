//! What is an AdmissionReview, and what is not: a malformed one is never an allow.

use serde_json::{Value, json};
use tokenward::admission::{Malformed, Object, Operation, Request, Resource};
use tokenward::policy::{Inventory, Phase, PolicySet};

use crate::fixture::{Court, Review, now, token_secret};
use crate::pods::hardened;

const UID: &str = "705ab4f5-6393-11e8-b7cc-42010a800002";

/// Why `body` is refused; that it is refused for every policy and in either phase.
fn refusal(body: impl AsRef<[u8]>) -> String {
    for phase in [Phase::Mutate, Phase::Validate] {
        for policy in ["audit", "restricted", "no-such-policy"] {
            let answer = PolicySet::builtin().answer(policy, phase, body.as_ref(), &Inventory::default(), now());
            assert!(answer.is_err(), "{policy} in {phase:?} takes a malformed body");
        }
    }
    let text = Request::parse(body.as_ref()).expect_err("malformed").to_string();
    assert!(!text.contains('\n') && text.len() < 300, "one short line: {text}");
    text
}

fn create(resource: &str, object: Value) -> Value {
    Review::create(resource, object).0
}

fn update(resource: &str, old: Value, new: Value) -> Value {
    Review::update(resource, old, new).0
}

fn secret_review() -> Value {
    create("secrets", token_secret("ci-token", "ci"))
}

/// The review of a Secret with one field of the request set to `value`.
fn with(field: &str, value: Value) -> String {
    let mut review = secret_review();
    review["request"][field] = value;
    review.to_string()
}

fn without(field: &str) -> String {
    let mut review = secret_review();
    review["request"].as_object_mut().expect("an object").remove(field).expect("a field");
    review.to_string()
}

/// Arrays in one another, `levels` deep.
fn nested(levels: usize) -> String {
    format!("{}{}", "[".repeat(levels), "]".repeat(levels))
}

/// Whether `baseline` allows this body.
fn allows(body: &str) -> bool {
    let answer =
        PolicySet::builtin().answer("baseline", Phase::Validate, body.as_bytes(), &Inventory::default(), now());
    answer.expect("a review").decision.is_allowed()
}

/// The text of `review` with `extra`, the text of a member, before the first member of its object.
fn with_member_of_object(review: &Value, extra: &str) -> String {
    review.to_string().replacen(r#""object":{"#, &format!(r#""object":{{{extra},"#), 1)
}

#[test]
fn reads_a_review() {
    let body = update("secrets", token_secret("ci-token", "ci"), token_secret("ci-token", "admin")).to_string();
    let request = Request::parse(body.as_bytes()).expect("a review");
    assert_eq!(request.uid, UID);
    assert_eq!(request.resource, Resource::Secret);
    assert_eq!(request.operation, Operation::Update);
    assert_eq!((&*request.name, &*request.namespace), ("ci-token", "team-a"));
    assert_eq!((&*request.user.username, request.user.groups[0].as_str()), ("dev", "system:authenticated"));
    assert!(!request.dry_run);
    let [Some(Object::Secret(new)), Some(Object::Secret(old))] = [&request.object, &request.old_object] else {
        panic!("two Secrets: {request:?}");
    };
    assert_eq!((new.service_account_name(), old.service_account_name()), ("admin", "ci"));
}

#[test]
fn refuses_what_is_no_json() {
    assert_eq!(refusal(""), "the body is not an AdmissionReview: the text ends too early at line 1 column 1");
    assert_eq!(refusal("hello"), "the body is not an AdmissionReview: this is not JSON at line 1 column 1");
    let whole = secret_review().to_string();
    for end in [1, whole.len() / 3, whole.len() / 2, whole.len() - 1] {
        refusal(&whole[..end]);
    }
}

#[test]
fn refuses_what_is_not_utf_8() {
    let mut body = secret_review().to_string().into_bytes();
    let at = body.windows(3).position(|part| part == b"dev").expect("the user");
    body[at] = 0xff;
    assert_eq!(refusal(&body), "the body is not an AdmissionReview: this is not UTF-8");
    let mut marked = vec![0xef, 0xbb, 0xbf];
    marked.extend(secret_review().to_string().bytes());
    refusal(&marked);
}

#[test]
fn refuses_what_follows_a_review() {
    refusal(format!("{}x", secret_review()));
    refusal(format!("{0}{0}", secret_review()));
    refusal(format!("{}\0", secret_review()));
    assert!(Request::parse(format!(" \r\n\t{}\n", secret_review()).as_bytes()).is_ok(), "whitespace is no matter");
}

#[test]
fn refuses_other_types_of_json() {
    for body in ["null", "true", "0", "\"\"", "[]"] {
        assert!(refusal(body).contains("expected an object, found"), "{body}: {}", refusal(body));
    }
    assert_eq!(
        refusal(r#"["admission.k8s.io/v1","AdmissionReview",{}]"#),
        "the body is not an AdmissionReview: expected an object, found an array at line 1 column 1"
    );
}

#[test]
fn refuses_other_versions_and_kinds() {
    let mut review = secret_review();
    review["apiVersion"] = json!("admission.k8s.io/v1beta1");
    assert_eq!(
        refusal(review.to_string()),
        "the body is a AdmissionReview of admission.k8s.io/v1beta1; tokenward reads AdmissionReview of admission.k8s.io/v1"
    );
    assert!(refusal(token_secret("ci-token", "ci").to_string()).contains("a Secret of v1"));
    assert!(refusal("{}").contains("(nothing)"));
    for api_version in ["admission.k8s.io/v2", "ADMISSION.k8s.io/v1", "admission.k8s.io/v1 ", ""] {
        review["apiVersion"] = json!(api_version);
        refusal(review.to_string());
    }
    for kind in [json!("admissionreview"), json!("ConversionReview"), Value::Null, json!(1)] {
        let mut review = secret_review();
        review["kind"] = kind;
        refusal(review.to_string());
    }
}

#[test]
fn repeats_no_odd_version_or_kind() {
    let mut review = secret_review();
    review["kind"] = json!("kind with a secret in it");
    assert!(refusal(review.to_string()).contains("(something else)"));
}

#[test]
fn refuses_a_review_without_request() {
    let mut review = secret_review();
    review["response"] = json!({"uid": UID, "allowed": true});
    review.as_object_mut().expect("an object").remove("request");
    assert_eq!(refusal(review.to_string()), "the review has no request");
    review["request"] = Value::Null;
    assert!(refusal(review.to_string()).contains("request: expected an object, found null"));
    review["request"] = json!([]);
    assert!(refusal(review.to_string()).contains("request: expected an object, found an array"));
}

#[test]
fn refuses_a_request_without_a_part() {
    for (field, missing) in [
        ("uid", "request.uid"),
        ("resource", "request.resource"),
        ("operation", "request.operation of CREATE, UPDATE, DELETE or CONNECT"),
        ("namespace", "request.namespace"),
        ("object", "request.object"),
    ] {
        assert_eq!(refusal(without(field)), format!("the review has no {missing}"));
        assert_eq!(refusal(with(field, Value::Null)), format!("the review has no {missing}"), "null");
    }
    for field in ["uid", "operation", "namespace"] {
        assert!(refusal(with(field, json!(""))).starts_with("the review has no "), "empty {field}");
    }
    assert_eq!(refusal(with("resource", json!({}))), "the review has no request.resource");
    refusal(with("operation", json!("create")));
    refusal(with("operation", json!("PATCH")));
}

#[test]
fn refuses_an_update_without_an_old_object() {
    let mut review = update("secrets", token_secret("ci-token", "ci"), token_secret("ci-token", "ci"));
    review["request"]["oldObject"] = Value::Null;
    assert_eq!(refusal(review.to_string()), "the review has no request.oldObject");
    review["request"]["oldObject"] = json!({});
    review["request"]["object"] = Value::Null;
    assert_eq!(refusal(review.to_string()), "the review has no request.object");
}

#[test]
fn a_delete_needs_no_object() {
    let mut review = update("secrets", token_secret("ci-token", "ci"), Value::Null);
    review["request"]["operation"] = json!("DELETE");
    let body = review.to_string();
    let request = Request::parse(body.as_bytes()).expect("a review");
    assert_eq!((request.operation, request.object), (Operation::Delete, None));
}

#[test]
fn what_is_created_was_nothing_before() {
    let mut review = secret_review();
    review["request"]["oldObject"] = token_secret("ci-token", "ci");
    let request = review.to_string();
    assert_eq!(Request::parse(request.as_bytes()).expect("a review").old_object, None);
    assert!(!Court::new().validate("baseline", &Review(review)).is_allowed(), "an old object makes no update of it");
}

#[test]
fn refuses_a_field_that_is_read_twice_over() {
    let body = secret_review().to_string();
    for (object, prefix, fields) in [
        ("{", "", &["apiVersion", "kind"][..]),
        (r#""request":{"#, "request.", &["uid", "resource", "name", "namespace", "operation", "userInfo", "dryRun"]),
        (r#""object":{"#, "request.object.", &["type", "metadata"]),
        (r#""metadata":{"#, "request.object.metadata.", &["name", "annotations", "namespace"]),
        (r#""userInfo":{"#, "request.userInfo.", &["username", "groups"]),
        (r#""resource":{"#, "request.resource.", &["group", "version", "resource"]),
    ] {
        for field in fields {
            let twice = body.replacen(object, &format!(r#"{object}"{field}":null,"#), 1);
            let text = refusal(twice);
            assert!(text.contains(&format!("{prefix}{field}: given twice")), "{text}");
        }
    }
    for field in ["object", "oldObject"] {
        let text = refusal(body.replacen(r#""oldObject":null"#, &format!(r#""oldObject":null,"{field}":null"#), 1));
        assert!(text.contains(&format!("request.{field}: given twice")), "{text}");
    }
    let text = refusal(body.replacen(r#""request":"#, r#""request":{},"request":"#, 1));
    assert!(text.contains("request: given twice"), "{text}");
}

#[test]
fn refuses_an_annotation_that_is_given_twice() {
    let twice = secret_review().to_string().replacen(
        r#""kubernetes.io/service-account.name":"ci""#,
        r#""kubernetes.io/service-account.name":"ci","kubernetes.io/service-account.name":"admin""#,
        1,
    );
    assert!(refusal(twice).contains("request.object.metadata.annotations: a key is given twice"));
    let escaped = secret_review().to_string().replacen(
        r#""kubernetes.io/service-account.name":"ci""#,
        r#""kubernetes.io/service-account.name":"ci","kubernetes.io\/service-account.name":"admin""#,
        1,
    );
    refusal(escaped);
}

#[test]
fn takes_a_field_twice_that_nobody_reads() {
    let body = secret_review().to_string().replacen(r#""uid""#, r#""options":{},"options":1,"uid""#, 1);
    assert!(Request::parse(body.as_bytes()).is_ok());
}

#[test]
fn letter_case_counts() {
    let body = secret_review().to_string();
    assert_eq!(refusal(body.replacen(r#""request":"#, r#""Request":"#, 1)), "the review has no request");
    assert_eq!(refusal(body.replacen(r#""uid":"#, r#""UID":"#, 1)), "the review has no request.uid");
    let both = body.replacen(r#""operation":"CREATE""#, r#""operation":"CREATE","Operation":"DELETE""#, 1);
    assert_eq!(Request::parse(both.as_bytes()).expect("a review").operation, Operation::Create);
    let typed = body.replacen(r#""type":"#, r#""Type":"Opaque","type":"#, 1);
    assert!(!allows(&typed));
}

#[test]
fn a_key_with_escapes_is_the_same_key() {
    let body = secret_review().to_string();
    let escaped = body
        .replacen(r#""request":"#, r#""r\u0065quest":"#, 1)
        .replacen(r#""type":"#, r#""\u0074ype":"#, 1)
        .replacen(r#""resource":"#, r#""resourc\u0065":"#, 1);
    let request = Request::parse(escaped.as_bytes()).expect("a review");
    let Some(Object::Secret(secret)) = &request.object else { panic!("a Secret: {request:?}") };
    assert!(secret.is_legacy_token());
}

#[test]
fn the_order_of_the_keys_does_not_count() {
    let ephemeral =
        hardened(&json!({"ephemeralContainers": [{"name": "debug", "image": "debug.example.com/debug:1"}]}));
    let review = update("pods/ephemeralcontainers", hardened(&json!({})), ephemeral);
    let member = |name: &str| format!("{}:{}", json!(name), review["request"][name]);
    for order in [
        ["object", "oldObject", "resource", "subResource", "uid", "operation", "namespace"],
        ["resource", "object", "oldObject", "subResource", "uid", "operation", "namespace"],
        ["resource", "object", "subResource", "oldObject", "uid", "operation", "namespace"],
        ["subResource", "object", "oldObject", "resource", "uid", "operation", "namespace"],
        ["uid", "operation", "namespace", "subResource", "resource", "oldObject", "object"],
    ] {
        let members: Vec<String> = order.into_iter().map(member).collect();
        let body = format!(
            r#"{{"request":{{{}}},"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1"}}"#,
            members.join(",")
        );
        let request = Request::parse(body.as_bytes()).expect("a review");
        assert_eq!(request.resource, Resource::EphemeralContainers, "{order:?}");
        let Some(Object::Pod(pod)) = &request.object else { panic!("a Pod, {order:?}") };
        assert_eq!(pod.spec.ephemeral_containers[0].name, "debug");
        assert!(matches!(&request.old_object, Some(Object::Pod(old)) if old.spec.ephemeral_containers.is_empty()));
    }
}

#[test]
fn a_sub_resource_that_comes_late_still_says_what_the_object_is() {
    let binding = r#"{"kind":"Binding","apiVersion":"v1","spec":"no Pod at all","target":{"name":"node-1"}}"#;
    let body = format!(
        r#"{{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{{"uid":"1",
        "resource":{{"group":"","version":"v1","resource":"pods"}},"object":{binding},"subResource":"binding",
        "namespace":"team-a","operation":"CREATE"}}}}"#
    );
    let request = Request::parse(body.as_bytes()).expect("a review");
    assert_eq!((request.resource, request.object), (Resource::Other, Some(Object::Other)));
}

#[test]
fn refuses_a_known_object_that_does_not_decode() {
    for (resource, object, place) in [
        (
            "secrets",
            json!({"metadata": {"name": 1}}),
            "request.object.metadata.name: expected a string, found a number",
        ),
        ("secrets", json!({"metadata": []}), "request.object.metadata: expected an object, found an array"),
        ("secrets", json!({"data": {"token": {}}}), "request.object.data: expected a string, found an object"),
        ("secrets", json!([]), "request.object: expected an object, found an array"),
        ("secrets", json!("x"), "request.object: expected an object, found a string"),
        ("pods", json!({"spec": {"containers": {}}}), "request.object.spec.containers: expected an array"),
        (
            "pods",
            json!({"spec": {"containers": [{"env": [{"valueFrom": 1}]}]}}),
            "containers[0].env[0].valueFrom: expected",
        ),
        ("pods", json!({"spec": {"automountServiceAccountToken": "false"}}), "expected true or false, found a string"),
        ("serviceaccounts", json!({"automountServiceAccountToken": 0}), "expected true or false, found a number"),
        ("apps/deployments", json!({"spec": {"template": {"spec": 1}}}), "request.object.spec.template.spec: expected"),
        (
            "batch/cronjobs",
            json!({"spec": {"jobTemplate": {"spec": {"template": []}}}}),
            "jobTemplate.spec.template: exp",
        ),
        (
            "podtemplates",
            json!({"template": {"spec": {"volumes": [1]}}}),
            "request.object.template.spec.volumes[0]: exp",
        ),
    ] {
        let text = refusal(create(resource, object).to_string());
        assert!(text.contains(place), "{text}\nshould name {place}");
    }
    let mut update = update("secrets", token_secret("ci-token", "ci"), token_secret("ci-token", "ci"));
    update["request"]["oldObject"]["type"] = json!(["Opaque"]);
    assert!(refusal(update.to_string()).contains("request.oldObject.type: expected a string, found an array"));
}

#[test]
fn names_the_place_of_an_error_also_where_the_object_comes_first() {
    let body = r#"{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{
"object":{"type":1},"resource":{"group":"","version":"v1","resource":"secrets"},"uid":"1","operation":"CREATE","namespace":"a"}}"#;
    assert_eq!(
        refusal(body),
        "the body is not an AdmissionReview: request.object.type: expected a string, found a number at line 2 column 18"
    );
}

#[test]
fn null_reads_as_the_zero_value() {
    let null = json!({
        "metadata": null, "spec": {
            "automountServiceAccountToken": null, "volumes": null, "serviceAccountName": null, "imagePullSecrets": [null],
            "containers": [{"name": null, "env": null, "envFrom": [{"secretRef": null}], "volumeMounts": [{"name": null}]}],
        },
    });
    let body = create("pods", null).to_string();
    let request = Request::parse(body.as_bytes()).expect("a review");
    let Some(Object::Pod(pod)) = &request.object else { panic!("a Pod: {request:?}") };
    assert_eq!(pod.spec.automount_service_account_token, None);
    assert_eq!(pod.spec.service_account_name(), "default");
    assert!(!pod.spec.volumes.is_present());
    assert_eq!(pod.spec.containers.len(), 1);
    for field in ["userInfo", "dryRun", "name", "subResource", "options"] {
        assert!(Request::parse(with(field, Value::Null).as_bytes()).is_ok(), "{field}: null");
    }
}

#[test]
fn a_user_without_groups_is_a_user() {
    for user in
        [json!({}), json!({"username": "dev"}), json!({"username": "dev", "groups": null, "extra": {"a": ["b"]}})]
    {
        let body = with("userInfo", user);
        assert!(Request::parse(body.as_bytes()).expect("a review").user.groups.is_empty());
    }
    assert_eq!(Request::parse(without("userInfo").as_bytes()).expect("a review").user.username, "");
}

#[test]
fn refuses_more_than_one_hundred_and_twenty_eight_levels_anywhere() {
    let too_deep = "the body is nested more than 128 levels deep";
    let body = secret_review().to_string();
    for (place, deep, outside) in [
        ("{", r#"{"more":NEST,"#, 1),
        (r#""request":{"#, r#""request":{"more":NEST,"#, 2),
        (r#""object":{"#, r#""object":{"more":NEST,"#, 3),
        (r#""object":{"#, r#""object":{"more":{"a":[{"b":NEST}]},"#, 6),
        (r#""userInfo":{"#, r#""userInfo":{"extra":NEST,"#, 3),
    ] {
        let nest = |levels: usize| body.replacen(place, &deep.replace("NEST", &nested(levels - outside)), 1);
        assert_eq!(refusal(nest(129)), too_deep, "{deep}");
        assert_eq!(refusal(nest(100_000)), too_deep, "{deep}");
        assert!(Request::parse(nest(128).as_bytes()).is_ok(), "{deep}");
    }
    let objects = format!("{}1{}", r#"{"a":"#.repeat(200), "}".repeat(200));
    assert_eq!(refusal(with_member_of_object(&secret_review(), &format!(r#""more":{objects}"#))), too_deep);
}

#[test]
fn depth_counts_also_where_the_object_comes_first() {
    for levels in [125, 126, 100_000] {
        let body = format!(
            r#"{{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{{"object":{{"more":{}}},
            "resource":{{"group":"","version":"v1","resource":"secrets"}},"uid":"1","operation":"CREATE","namespace":"a"}}}}"#,
            nested(levels)
        );
        assert_eq!(matches!(Request::parse(body.as_bytes()), Err(Malformed::TooDeep)), levels > 125, "{levels}");
    }
}

#[test]
fn brackets_in_strings_are_no_levels() {
    let brackets = json!("[{".repeat(500)).to_string();
    let body = with_member_of_object(&secret_review(), &format!(r#""more":{brackets},"even":"\"[[[[{{{{\\""#));
    assert!(Request::parse(body.as_bytes()).is_ok());
}

#[test]
fn lone_surrogates_are_refused_where_they_are_read() {
    for name in [r"\ud800", r"\udc00", r"\ud800\ud800", r"\ud800 "] {
        let body = secret_review().to_string().replace("ci-token", name);
        assert!(refusal(body).contains("this is not JSON"), "{name}");
    }
    let pair = secret_review().to_string().replace("ci-token", r"\ud83d\ude00");
    assert_eq!(Request::parse(pair.as_bytes()).expect("a review").name, "😀");
}

#[test]
fn a_very_long_key_or_string_is_one_like_any_other() {
    let long = "k".repeat(10 << 20);
    let body = with_member_of_object(&secret_review(), &format!(r#""{long}":1"#));
    assert!(!allows(&body));
    let body = with_member_of_object(&secret_review(), &format!(r#""more":"{long}""#));
    assert!(!allows(&body));
}

#[test]
fn huge_numbers_do_no_harm() {
    let digits = "9".repeat(1 << 20);
    for number in ["1e400", "-1e400", "1e-400", "123456789012345678901234567890", &*digits] {
        assert!(!allows(&with_member_of_object(&secret_review(), &format!(r#""more":{number}"#))));
    }
    for number in ["1e400", "3600.0", "9223372036854775808", &*digits] {
        let token =
            json!({"volumes": [{"projected": {"sources": [{"serviceAccountToken": {"expirationSeconds": 0}}]}}]});
        let body = create("pods", hardened(&token)).to_string().replacen(
            r#""expirationSeconds":0"#,
            &format!(r#""expirationSeconds":{number}"#),
            1,
        );
        assert!(refusal(body).contains("serviceAccountToken.expirationSeconds: expected a whole number"));
    }
}

#[test]
fn what_has_escapes_is_read_as_what_it_means() {
    let body = secret_review()
        .to_string()
        .replace("kubernetes.io/service-account-token", r"kubernetes.io\/service-\u0061ccount-token")
        .replace("ci-token", r"ci\u002dtoken");
    let request = Request::parse(body.as_bytes()).expect("a review");
    assert_eq!(request.name, "ci-token");
    let Some(Object::Secret(secret)) = &request.object else { panic!("a Secret: {request:?}") };
    assert!(secret.is_legacy_token());
}

#[test]
fn what_no_rule_reads_is_another_resource() {
    for (group, version, resource, sub_resource) in [
        ("", "v1", "configmaps", ""),
        ("", "v1", "pods", "status"),
        ("", "v1", "pods", "binding"),
        ("", "v1", "secrets", "status"),
        ("", "v2", "secrets", ""),
        ("example.com", "v1", "secrets", ""),
        ("apps", "v1beta1", "deployments", ""),
        ("apps", "v1", "deployments", "scale"),
        ("", "v1", "deployments", ""),
    ] {
        assert_eq!(Resource::of(group, version, resource, sub_resource), Resource::Other, "{resource}/{sub_resource}");
    }
    let body = create("configmaps", json!({"kind": "ConfigMap", "data": {"a": "b"}})).to_string();
    assert_eq!(Request::parse(body.as_bytes()).expect("a review").object, Some(Object::Other));
}

#[test]
fn a_cluster_wide_object_needs_no_namespace() {
    for resource in ["namespaces", "nodes"] {
        let mut review = create(resource, json!({"metadata": {"name": "team-a"}}));
        review["request"]["namespace"] = json!("");
        assert!(Request::parse(review.to_string().as_bytes()).is_ok(), "{resource}");
    }
    for resource in ["pods", "secrets", "serviceaccounts", "apps/deployments", "batch/cronjobs", "podtemplates"] {
        let mut review = create(resource, json!({"metadata": {"name": "x"}}));
        review["request"]["namespace"] = json!("");
        assert_eq!(refusal(review.to_string()), "the review has no request.namespace", "{resource}");
    }
}
