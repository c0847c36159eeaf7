//! Faults of our own, which no review can bring about from outside, and times that pass.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use http::StatusCode;
use http::header::{CONNECTION, CONTENT_TYPE, RETRY_AFTER};
use http_body_util::BodyExt as _;
use jiff::{Timestamp, ToSpan as _};
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt as _;

use super::{Judge, LARGE, Limits, Reviews, judge};
use crate::admission::Malformed;
use crate::certs::{Authority, CertificateResolver, Names};
use crate::config::{self, Source};
use crate::policy::{Answer, Inventory, Phase, PolicySet};
use crate::telemetry::Metrics;

const TOKEN_SECRET: &str = r#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"1","resource":{"group":"","version":"v1","resource":"secrets"},"name":"ci-token","namespace":"team-a","operation":"CREATE","object":{"metadata":{"name":"ci-token","annotations":{"kubernetes.io/service-account.name":"ci"}},"type":"kubernetes.io/service-account-token"}}}"#;

fn reviews(policy_file: &str, judge: Judge, clock: fn() -> Timestamp) -> Arc<Reviews> {
    let pair = Authority::generate(1).unwrap().issue(&Names::loopback()).unwrap().pair().unwrap();
    let sources = if policy_file.is_empty() { Vec::new() } else { vec![Source::new("policy.yaml", policy_file)] };
    let policies = Arc::new(ArcSwap::from_pointee(config::parse_policies(&sources).unwrap()));
    let metrics = Metrics::new(Arc::new(CertificateResolver::new(pair)), Arc::clone(&policies));
    let inventory = Arc::new(ArcSwap::from_pointee(Inventory::default()));
    let reviews = Reviews::new(policies, inventory, metrics, Limits { reviews: 1, ..Limits::default() });
    let mut reviews = Arc::into_inner(reviews).unwrap();
    (reviews.judge, reviews.clock) = (judge, clock);
    Arc::new(reviews)
}

async fn post(reviews: &Arc<Reviews>, path: &str, body: impl Into<Body>) -> Response {
    let request = Request::post(path).header(CONTENT_TYPE, "application/json").body(body.into()).unwrap();
    Arc::clone(reviews).router().oneshot(request).await.unwrap()
}

async fn text(response: Response) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

/// Trips over every Secret, and repeats it.
fn tripping(
    policies: &PolicySet,
    policy: &str,
    phase: Phase,
    body: &[u8],
    inventory: &Inventory,
    now: Timestamp,
) -> Result<Answer, Malformed> {
    assert!(phase == Phase::Mutate, "tripped over {}", String::from_utf8_lossy(body));
    judge(policies, policy, phase, body, inventory, now)
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().max_blocking_threads(1).build().unwrap()
}

#[test]
fn a_panic_is_a_500_that_is_not_tried_again_and_stays_with_its_review() {
    runtime().block_on(async {
        let reviews = reviews("", tripping, Timestamp::now);
        // The large one is judged on a thread of its own.
        let large =
            TOKEN_SECRET.replace("\"metadata\"", &format!("\"padding\":\"{}\",\"metadata\"", "x".repeat(LARGE)));
        for body in [TOKEN_SECRET, &large] {
            let broken = post(&reviews, "/validate/a-tenants-own-words", body.to_owned()).await;
            assert_eq!(broken.status(), StatusCode::INTERNAL_SERVER_ERROR);
            assert!(!broken.headers().contains_key(RETRY_AFTER), "trying again would end in the same way");
            assert!(!text(broken).await.contains("ci-token"));
            // There is room for one review only: that the next is taken in shows that the last gave back what it held.
            assert_eq!(post(&reviews, "/mutate/baseline", body.to_owned()).await.status(), StatusCode::OK);
        }
        let metrics = reviews.metrics.encode().unwrap();
        let series = r#"admission_total{policy="restricted",phase="validate",resource="other",decision="error"} 2"#;
        assert!(metrics.contains(series), "{metrics}");
        assert!(!metrics.contains("words"), "{metrics}");
    });
}

#[test]
fn exceptions_follow_the_clock_forwards_and_backwards() {
    static OFFSET: AtomicI64 = AtomicI64::new(0);
    fn clock() -> Timestamp {
        Timestamp::now() + OFFSET.load(Ordering::Relaxed).seconds()
    }
    // The end of today, or of tomorrow should today be about to end: either way within the next 25 hours.
    let expires = (Timestamp::now() + 1.minute()).strftime("%Y-%m-%d").to_string();
    let exception = format!(
        "apiVersion: tokenward.dev/v1alpha1\nkind: TokenException\nmetadata: {{name: ci}}\nspec:\n  \
         rules: [legacy-token-secret]\n  namespace: team-a\n  secret: ci-token\n  serviceAccount: ci\n  \
         reason: a test\n  owner: team-a@example.com\n  expires: {expires}\n"
    );
    let hours = |hours: i64| OFFSET.store(hours * 3600, Ordering::Relaxed);
    runtime().block_on(async {
        let reviews = reviews(&exception, judge, clock);
        for (offset, allowed) in [(0, true), (25, false), (0, true), (-25, true), (25, false)] {
            hours(offset);
            let answer = text(post(&reviews, "/validate/baseline", TOKEN_SECRET).await).await;
            assert_eq!(answer.contains(r#""allowed":true"#), allowed, "{offset} hours off: {answer}");
            assert_eq!(answer.contains("expired"), !allowed, "{offset} hours off: {answer}");
        }
    });
}

#[test]
fn a_review_that_waited_too_long_for_a_thread_is_refused_and_no_work_is_left_behind() {
    static JUDGED: AtomicU32 = AtomicU32::new(0);
    fn counting(
        policies: &PolicySet,
        policy: &str,
        phase: Phase,
        body: &[u8],
        inventory: &Inventory,
        now: Timestamp,
    ) -> Result<Answer, Malformed> {
        JUDGED.fetch_add(1, Ordering::Relaxed);
        judge(policies, policy, phase, body, inventory, now)
    }
    let (release, released) = std::sync::mpsc::channel::<()>();
    runtime().block_on(async {
        let reviews = reviews("", counting, Timestamp::now);
        // The only thread for large bodies is taken.
        let busy = tokio::task::spawn_blocking(move || released.recv());
        let large = format!("{TOKEN_SECRET}{}", " ".repeat(LARGE));
        let refused = post(&reviews, "/validate/baseline?timeout=200ms", large).await;
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(
            (&refused.headers()[RETRY_AFTER], &refused.headers()[CONNECTION]),
            (&"1".parse().unwrap(), &"close".parse().unwrap())
        );
        drop(release);
        let _ = busy.await.unwrap();
        // Behind the refused one in the line for the thread.
        tokio::task::spawn_blocking(|| std::thread::sleep(Duration::from_millis(1))).await.unwrap();
        assert_eq!(JUDGED.load(Ordering::Relaxed), 0);
        assert_eq!(post(&reviews, "/validate/baseline", TOKEN_SECRET).await.status(), StatusCode::OK);
        assert_eq!(JUDGED.load(Ordering::Relaxed), 1);
    });
}
