//! Large bodies, and more of them than fit.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::process::Process;
use super::{PATIENCE, Served, figure, short_or_full};
use crate::api_server_client::{ApiServerClient, Call, Habits};
use crate::review_bodies::{opaque_secret, token_secret};
use crate::webhook::metric;

const MIB: usize = 1 << 20;

/// The update of a token Secret to another account, both with `bytes` bytes of data beside it.
fn retargeted(bytes: usize) -> String {
    let mut review: Value = serde_json::from_str(&token_secret()).unwrap();
    let request = review["request"].as_object_mut().unwrap();
    request["object"]["data"] = json!({"archive": "QUFB".repeat(bytes / 4)});
    request["oldObject"] = request["object"].clone();
    request["oldObject"]["metadata"]["annotations"]["kubernetes.io/service-account.name"] = json!("another");
    request["operation"] = json!("UPDATE");
    review.to_string()
}

#[test]
fn large_secrets_eight_at_once_get_right_answers_within_128_mib() {
    let served = Served::start(&[]);
    let create = Bytes::from(opaque_secret(3 * MIB));
    let update = Bytes::from(retargeted(3 * MIB));
    let runtime = Runtime::new().unwrap();
    for _ in 0..short_or_full(1, 10) {
        runtime.block_on(async {
            let mut calls = JoinSet::new();
            for turn in 0..8 {
                let (caller, address) = (served.caller.clone(), served.webhook.address);
                let (body, allowed) = if turn % 2 == 0 { (create.clone(), true) } else { (update.clone(), false) };
                calls.spawn(async move {
                    let response = caller.post(address, "/validate/restricted?timeout=30s", body).await.json();
                    assert_eq!(response["response"]["allowed"], allowed, "{response}");
                });
            }
            while let Some(call) = calls.join_next().await {
                call.unwrap();
            }
        });
    }
    let most = Process(served.webhook.id()).most_resident_mib();
    figure("R8", format_args!("3 MiB Secrets created and 3 + 3 MiB updated, 8 at once: at most {most} MiB resident"));
    assert!(most <= 128, "{most} MiB");
}

/// Sends all of a body but its end, and that when it is told to. Gives the status of the answer, whenever it comes.
async fn hold(
    served: (crate::tls_client::Caller, std::net::SocketAddr),
    body: Bytes,
    mut go_on: watch::Receiver<bool>,
) -> u16 {
    let (caller, address) = served;
    let stream = caller.connect_raw(address).await.unwrap();
    let (mut reading, mut writing) = tokio::io::split(stream);
    let head = format!(
        "POST /validate/restricted?timeout=30s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let sending = tokio::spawn(async move {
        let (most, end) = body.split_at(body.len() - 10);
        // A server that has refused by then does not read on for ever.
        let _ = writing.write_all(head.as_bytes()).await;
        let _ = writing.write_all(most).await;
        let _ = writing.flush().await;
        let _ = go_on.wait_for(|go_on| *go_on).await;
        let _ = writing.write_all(end).await;
        let _ = writing.flush().await;
        writing
    });
    let mut start = [0; 12];
    timeout(PATIENCE, reading.read_exact(&mut start)).await.expect("no answer").expect("no answer");
    sending.abort();
    let _ = sending.await;
    std::str::from_utf8(&start).unwrap().rsplit_once(' ').unwrap().1.parse().unwrap()
}

#[test]
fn more_bytes_in_flight_than_the_budget_are_429_and_an_api_server_that_tries_again_gets_its_answer() {
    let served = Served::start(&[]);
    let body = Bytes::from(opaque_secret(3 * MIB));
    let callers = 30;
    let runtime = Runtime::new().unwrap();
    runtime.block_on(async {
        let (go_on, told) = watch::channel(false);
        let mut held = JoinSet::new();
        for _ in 0..callers {
            held.spawn(hold((served.caller.clone(), served.webhook.address), body.clone(), told.clone()));
        }
        let mut refused = 0;
        // Whoever is refused is told at once; 21 bodies fit into 64 MiB.
        while refused < callers - 21 {
            let status = timeout(PATIENCE, held.join_next()).await.expect("nobody is refused").unwrap().unwrap();
            assert_eq!(status, 429);
            refused += 1;
        }
        // The budget is full, and an API server comes.
        let habits = Habits { time_allowed: Duration::from_secs(30), ..Habits::default() };
        let client = ApiServerClient::with(served.caller.clone(), served.webhook.address, habits);
        let large = opaque_secret(3 * MIB);
        let call = Call::new("/validate/restricted", &large, 1, crate::api_server_client::Expected::Allowed);
        let call = tokio::spawn(async move { client.call(&call).await });
        let seen = async {
            let address = served.webhook.admin_address;
            let shed = move || metric(address, r#"tokenward_shed_total{reason="bytes-in-flight"}"#);
            while tokio::task::spawn_blocking(shed).await.unwrap() <= f64::from(refused) {
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(PATIENCE, seen).await.expect("the API server is not refused");
        go_on.send(true).unwrap();
        let answered = call.await.unwrap().unwrap();
        assert!(answered.tries > 1);
        let mut right = 0;
        while let Some(status) = held.join_next().await {
            assert!([200, 503].contains(&status.unwrap()), "held too long on a busy machine, at the worst");
            right += 1;
        }
        let most = Process(served.webhook.id()).most_resident_mib();
        figure(
            "R9",
            format_args!(
                "{callers} bodies of 3 MiB at once: {refused} were 429, {right} answered, an API server got its answer at try {}; \
                 at most {most} MiB resident",
                answered.tries
            ),
        );
        assert!(most <= 192, "{most} MiB, where the Pod may have 256");
    });
}
