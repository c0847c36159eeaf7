//! Reviews that no API server would send, and bodies too large for one.

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use http_body_util::Full;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::{Served, figure};
use crate::review_bodies::token_secret;
use crate::tls_client::post;

fn padded(bytes: usize) -> String {
    token_secret().replacen(
        "\"metadata\"",
        &format!("\"data\":{{\"padding\":\"{}\"}},\"metadata\"", "QUFB".repeat(bytes / 4)),
        1,
    )
}

/// Only a 200 with `allowed: true` admits; everything else is, under `failurePolicy: Fail`, a refusal.
fn is_admitted(status: StatusCode, body: &str) -> bool {
    status == StatusCode::OK
        && serde_json::from_str::<Value>(body).is_ok_and(|answer| answer["response"]["allowed"] == Value::Bool(true))
}

#[test]
fn a_token_secret_is_never_admitted_however_it_is_sent() {
    let served = Served::start(&[]);
    Runtime::new().unwrap().block_on(async {
        let mut statuses = Vec::new();
        let sizes = [
            (0, "as it is"),
            (1_000_000, "1 MB"),
            (3_000_000, "3 MB"),
            (7_900_000, "7.9 MB"),
            (8_100_000, "8.1 MB"),
            (64_000_000, "64 MB"),
        ];
        for (bytes, size) in sizes {
            for path in ["/validate/baseline", "/validate/restricted", "/validate/unknown"] {
                let mut connection = served.caller.connect(served.webhook.address).await.unwrap();
                let path = format!("{path}?timeout=30s");
                // Whoever is refused by the head alone may lose the connection while it still sends.
                match connection.send(post(&path, Full::new(Bytes::from(padded(bytes))))).await {
                    Ok(reply) => {
                        assert!(!is_admitted(reply.status, &reply.body), "{size}: {}", reply.body);
                        let denied =
                            reply.status == StatusCode::OK && reply.json()["response"]["status"]["code"] == 403;
                        assert!(
                            denied || reply.status == StatusCode::PAYLOAD_TOO_LARGE,
                            "{size}: {} {}",
                            reply.status,
                            reply.body
                        );
                        statuses.push(format!("{size} {}", if denied { "403" } else { reply.status.as_str() }));
                    }
                    Err(error) => assert!(bytes > 16_000_000, "{size}: {error:?}"),
                }
            }
        }
        statuses.dedup();
        for (name, value) in [
            (CONTENT_ENCODING, "gzip"),
            (CONTENT_ENCODING, "br"),
            (CONTENT_TYPE, "application/yaml"),
            (CONTENT_TYPE, ""),
        ] {
            let mut request = post("/validate/baseline", Full::new(Bytes::from(token_secret())));
            request.headers_mut().insert(name.clone(), HeaderValue::from_static(value));
            let reply = served.caller.connect(served.webhook.address).await.unwrap().send(request).await.unwrap();
            assert_eq!(reply.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{name}: {value}");
        }
        figure("S5", format_args!("{}; compressed and other content types 415", statuses.join(", ")));
    });
}

#[test]
fn what_is_no_review_of_version_1_is_400_and_never_an_allow() {
    let review: Value = serde_json::from_str(&token_secret()).unwrap();
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut review = review.clone();
        change(&mut review);
        review
    };
    let answer = json!({"uid": "705ab4f5-6393-11e8-b7cc-42010a800002", "allowed": true});
    let wrong = [
        ("without a uid", changed(&|it| drop(it["request"].as_object_mut().unwrap().remove("uid")))),
        ("with an empty uid", changed(&|it| it["request"]["uid"] = json!(""))),
        ("v1beta1", changed(&|it| it["apiVersion"] = json!("admission.k8s.io/v1beta1"))),
        ("of no version", changed(&|it| drop(it.as_object_mut().unwrap().remove("apiVersion")))),
        ("of another kind", changed(&|it| it["kind"] = json!("Secret"))),
        (
            "an answer that is sent back",
            json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": answer}),
        ),
        ("the bare object", review["request"]["object"].clone()),
        ("a request without its envelope", review["request"].clone()),
        ("two reviews", json!([review, review])),
    ];
    let served = Served::start(&[]);
    Runtime::new().unwrap().block_on(async {
        for (what, body) in &wrong {
            for path in ["/validate/baseline", "/validate/audit", "/mutate/restricted"] {
                let reply = served.caller.post(served.webhook.address, path, body.to_string()).await;
                assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{what}: {}", reply.body);
                assert!(!reply.body.contains("allowed"), "{what}: {}", reply.body);
            }
        }
        // An answer put beside a request changes nothing of it, and one that is asked again is judged again.
        let both = changed(&|it| it["response"] = answer.clone());
        for body in [&both, &review, &review] {
            let reply = served.caller.post(served.webhook.address, "/validate/baseline", body.to_string()).await;
            assert!(!is_admitted(reply.status, &reply.body), "{}", reply.body);
        }
    });
    figure("S13", format_args!("{} kinds of wrong reviews, at 3 paths each: 400", wrong.len()));
}
