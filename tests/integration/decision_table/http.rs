//! Rows about what is no review, as the API server sees the answers: over TLS and HTTP.

use http::StatusCode;
use serde_json::{Value, json};
use tokenward::certs::{Authority, Names};
use tokenward::server::{Limits, Server, Settings};
use tokio::task::spawn_blocking;

use crate::fixture::{Review, token_secret};
use crate::pods::hardened;
use crate::review_bodies::opaque_secret;
use crate::tls_client::{Caller, Reply};
use crate::webhook;

struct Serving {
    server: Server,
    caller: Caller,
}

impl Serving {
    fn start() -> Self {
        let authority = Authority::generate(1).unwrap();
        let pair = authority.issue(&Names::loopback()).unwrap().pair().unwrap();
        let server = Server::start(Settings::in_memory(pair)).unwrap();
        Self { caller: Caller::new(authority.certificate_der(), "localhost"), server }
    }

    async fn post(&self, path: &str, body: impl Into<bytes::Bytes>) -> Reply {
        self.caller.post(self.server.address(), path, body).await
    }

    async fn metric(&self, series: &'static str) -> f64 {
        let address = self.server.admin_address();
        spawn_blocking(move || webhook::metric(address, series)).await.unwrap()
    }
}

fn secret() -> Review {
    Review::create("secrets", token_secret("ci-token", "ci"))
}

/// The review without a field of its request.
fn without(review: Review, field: &str) -> Review {
    let mut review = review;
    review.0["request"].as_object_mut().unwrap().remove(field).expect("a field");
    review
}

/// Asserts that every body is answered with 400 in either phase under any policy: one line, and no verdict.
async fn assert_malformed(reviews: impl IntoIterator<Item = Review>) {
    let serving = Serving::start();
    for review in reviews {
        for path in ["/validate/audit", "/validate/restricted", "/mutate/restricted", "/validate/no-such-policy"] {
            let reply = serving.post(path, review.bytes()).await;
            assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{path}: {}", review.0);
            assert_eq!(reply.body.lines().count(), 1, "{}", reply.body);
            assert!(!reply.body.contains("allowed"), "{}", reply.body);
        }
    }
}

// row 40
#[tokio::test]
async fn a_dry_run_is_a_review_but_gives_no_pod_a_token() {
    let serving = Serving::start();
    let review = Review::create("pods", hardened(&json!({})));
    let reviews = r#"tokenward_admission_total{policy="baseline",phase="mutate",resource="pods",decision="changed"}"#;
    let injected = r#"tokenward_injected_total{policy="baseline"}"#;
    for (dry_run, counted) in [(true, [1.0, 0.0]), (false, [2.0, 1.0])] {
        let answer =
            serving.post("/mutate/baseline", review.clone().with("dryRun", json!(dry_run)).bytes()).await.json();
        assert_eq!(answer["response"]["patchType"], "JSONPatch");
        for (series, count) in [reviews, injected].into_iter().zip(counted) {
            assert!((serving.metric(series).await - count).abs() < 0.5, "{series} with dryRun {dry_run}");
        }
    }
}

// row 85
#[tokio::test]
async fn a_namespaced_object_without_a_namespace_is_400() {
    let pod = Review::create("pods", hardened(&json!({})));
    let reviews = [secret(), pod];
    let none = reviews.clone().map(|review| without(review, "namespace"));
    let empty = reviews.map(|review| review.with("namespace", json!("")));
    assert_malformed(none.into_iter().chain(empty)).await;
}

// row 86
#[tokio::test]
async fn a_missing_object_is_400() {
    let update = || Review::update("secrets", token_secret("ci-token", "ci"), token_secret("ci-token", "ci"));
    let reviews = [
        secret().with("object", Value::Null),
        without(secret(), "object"),
        update().with("object", Value::Null),
        update().with("oldObject", Value::Null),
        without(update(), "oldObject"),
        Review::create("pods", Value::Null),
    ];
    assert_malformed(reviews).await;
}

// row 87
#[tokio::test]
async fn a_known_resource_that_does_not_decode_is_400_and_an_unknown_one_is_allowed_and_counted() {
    let reviews = [
        Review::create("secrets", json!({"type": 1})),
        Review::create("pods", json!({"spec": {"containers": "none"}})),
        Review::create("serviceaccounts", json!({"automountServiceAccountToken": "no"})),
        Review::create("namespaces", json!({"metadata": {"labels": []}})),
        Review::create("serviceaccounts/token", json!({"spec": {"expirationSeconds": "3600"}})),
        Review::create("apps/deployments", json!({"spec": {"template": {"spec": []}}})),
    ];
    assert_malformed(reviews).await;

    let serving = Serving::start();
    let later =
        Review::create("widgets", json!({"kind": "Widget", "metadata": {"name": "w"}, "spec": {"containers": 7}}))
            .with("resource", json!({"group": "example.com", "version": "v2", "resource": "widgets"}));
    let answer = serving.post("/validate/restricted", later.bytes()).await.json();
    assert_eq!(answer["response"]["allowed"], true);
    assert_eq!(answer["response"]["auditAnnotations"]["unknown"], "resource");
    let series =
        r#"tokenward_admission_total{policy="restricted",phase="validate",resource="other",decision="allowed"}"#;
    assert!((serving.metric(series).await - 1.0).abs() < 0.5);
}

// row 88
#[tokio::test]
async fn what_is_no_review_of_this_version_is_400() {
    let mut old = secret();
    old.0["apiVersion"] = json!("admission.k8s.io/v1beta1");
    let mut kind = secret();
    kind.0["kind"] = json!("ConversionReview");
    let reviews =
        [old, kind, Review(json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview"})), Review(json!([]))];
    assert_malformed(reviews).await;
    let serving = Serving::start();
    for broken in ["", "{", "{\"apiVersion\":\"admission.k8s.io/v1\",", "\u{0}", "not json"] {
        assert_eq!(serving.post("/validate/restricted", broken).await.status, StatusCode::BAD_REQUEST, "{broken:?}");
    }
}

// row 89
#[tokio::test]
async fn sixteen_mebibytes_are_taken_unless_it_is_set_otherwise_and_more_is_413() {
    const LIMIT: usize = 16 << 20;
    assert_eq!(Limits::default().body, LIMIT);
    let serving = Serving::start();
    let envelope = opaque_secret(0).len();
    let fits = opaque_secret(LIMIT - envelope);
    assert!(fits.len() <= LIMIT && fits.len() > LIMIT - 4, "{}", fits.len());
    assert_eq!(serving.post("/validate/audit", fits).await.status, StatusCode::OK);
    let over = serving.post("/validate/audit", opaque_secret(LIMIT)).await;
    assert_eq!(over.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(over.body, "the body is larger than 16777216 bytes\n");
}

// row 91
#[tokio::test]
async fn a_user_without_groups_uid_or_more_is_judged_like_any() {
    let serving = Serving::start();
    for user in
        [json!({}), json!({"username": "dev"}), json!({"username": "", "groups": null, "extra": null}), Value::Null]
    {
        let answer = serving.post("/validate/restricted", secret().with("userInfo", user).bytes()).await.json();
        assert_eq!(answer["response"]["status"]["code"], 403, "{answer}");
    }
    let answer = serving.post("/validate/restricted", without(secret(), "userInfo").bytes()).await.json();
    assert_eq!(answer["response"]["status"]["code"], 403, "{answer}");
}
