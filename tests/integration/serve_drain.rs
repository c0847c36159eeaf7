//! How serving ends: no call is lost, and nothing of what was reviewed is left in the log.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::Full;
use serde_json::json;
use tokenward::certs::{Authority, Names};
use tokio::runtime::Runtime;
use tokio::time::{sleep, timeout};

use super::mounted_volume::MountedVolume;
use super::review_bodies::{review, token_secret};
use super::tls_client::{Caller, Connection};
use super::webhook::{Webhook, get};

/// A server with a certificate directory, and a caller that trusts it.
fn start(arguments: &[&str]) -> (Webhook, Caller) {
    let authority = Authority::generate(1).unwrap();
    let issued = authority.issue(&Names::loopback()).unwrap();
    // The files are only needed until the server is ready.
    let volume = MountedVolume::new(&[("tls.crt", &issued.certificate), ("tls.key", &issued.key)]);
    let webhook = Webhook::start(&[&[&*volume.flag("--tls-dir")], arguments].concat());
    (webhook, Caller::new(authority.certificate_der(), "localhost"))
}

#[derive(Default)]
struct Calls {
    answered: AtomicU32,
    lost: AtomicU32,
}

/// Calls one after the other on one connection, as long as the server wants it; then it would turn to another replica.
async fn call_on(caller: Caller, address: SocketAddr, calls: Arc<Calls>) {
    let mut connection = caller.connect(address).await.unwrap();
    loop {
        let Ok(reply) = connection.post("/validate/baseline?timeout=3s", token_secret()).await else {
            calls.lost.fetch_add(1, Ordering::Relaxed);
            return;
        };
        assert_eq!(reply.status, 200, "{}", reply.body);
        calls.answered.fetch_add(1, Ordering::Relaxed);
        if reply.closes() {
            return;
        }
        sleep(Duration::from_millis(2)).await;
    }
}

#[test]
fn no_call_is_lost_when_the_server_is_asked_to_end_under_load() {
    let runtime = Runtime::new().unwrap();
    for _ in 0..3 {
        let (mut webhook, caller) =
            start(&["--drain-close-after=400ms", "--drain-accept-for=900ms", "--drain-limit=20s"]);
        let address = webhook.address;
        let calls = Arc::new(Calls::default());
        let callers: Vec<_> =
            (0..16).map(|_| runtime.spawn(call_on(caller.clone(), address, Arc::clone(&calls)))).collect();
        let begun = Instant::now();
        while calls.answered.load(Ordering::Relaxed) < 16 * 10 {
            assert!(begun.elapsed() < Duration::from_secs(20), "the calls do not begin");
            std::thread::sleep(Duration::from_millis(10));
        }
        webhook.terminate();
        webhook.wait_for_log(&["asked to end"]);
        assert_eq!(get(webhook.admin_address, "/readyz"), (503, "not ready: ending\n".to_owned()));
        assert_eq!(get(webhook.admin_address, "/livez").0, 200);
        let late = runtime.block_on(caller.post(address, "/validate/baseline", token_secret()));
        assert_eq!(late.status, 200, "new connections are accepted while the endpoint is being withdrawn");
        for caller in callers {
            runtime.block_on(async { timeout(Duration::from_secs(20), caller).await.unwrap().unwrap() });
        }
        assert_eq!(webhook.wait().code(), Some(0), "{}", webhook.log());
        assert_eq!(calls.lost.load(Ordering::Relaxed), 0);
    }
}

#[test]
fn an_idle_connection_is_left_to_the_caller_until_the_limit() {
    let runtime = Runtime::new().unwrap();
    let (mut webhook, caller) = start(&["--drain-close-after=0s", "--drain-accept-for=0s", "--drain-limit=1500ms"]);
    let mut connection: Connection<Full<Bytes>> = runtime.block_on(caller.connect(webhook.address)).unwrap();
    let kept: Connection<Full<Bytes>> = runtime.block_on(caller.connect(webhook.address)).unwrap();
    let begun = Instant::now();
    webhook.terminate();
    webhook.wait_for_log(&["asked to end"]);
    std::thread::sleep(Duration::from_millis(500));
    let reply = runtime.block_on(connection.post("/validate/baseline", token_secret())).unwrap();
    assert!(reply.closes(), "the answer asks the caller to connect anew");
    assert_eq!(webhook.wait().code(), Some(0));
    assert!(begun.elapsed() >= Duration::from_millis(1400), "{:?}", begun.elapsed());
    webhook.wait_for_log(&["stopped with connections still open"]);
    drop(kept);
}

#[test]
fn the_second_signal_ends_at_once() {
    let (mut webhook, _) = start(&[]);
    webhook.terminate();
    webhook.wait_for_log(&["asked to end"]);
    let begun = Instant::now();
    webhook.terminate();
    assert_eq!(webhook.wait().code(), Some(0));
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
}

#[test]
fn nothing_that_was_reviewed_is_in_the_log_or_the_metrics_at_any_level() {
    const CANARY: &str = "a-canary-that-sings";
    let runtime = Runtime::new().unwrap();
    let (mut webhook, caller) =
        start(&["--log-level=trace", "--drain-close-after=0s", "--drain-accept-for=0s", "--drain-limit=1s"]);
    let secret = json!({
        "metadata": {"name": "s", "annotations": {"kubernetes.io/service-account.name": "ci"}},
        "type": "kubernetes.io/service-account-token",
        "data": {"token": CANARY},
        "stringData": {"token": CANARY},
    });
    let pod = json!({
        "metadata": {"name": "p", "annotations": {"note": CANARY}},
        "spec": {"containers": [
            {"name": "c", "env": [{"name": "PASSWORD", "value": CANARY}], "args": [CANARY], "command": [CANARY]},
        ]},
    });
    let mut bodies = vec![review("secrets", "team-a", &secret), review("pods", "team-a", &pod)];
    // Broken at the very place.
    let whole = bodies[0].clone();
    let place = whole.find(CANARY).unwrap() + 8;
    bodies.push(whole[..place].to_owned());
    bodies.push(whole.replace(&format!("\"{CANARY}\""), &format!("{{\"{CANARY}\": 1}}")));
    for body in bodies {
        for path in ["/validate/restricted", "/mutate/restricted", "/validate/audit"] {
            let reply = runtime.block_on(caller.post(webhook.address, path, body.clone()));
            assert!(!reply.body.contains(CANARY), "{path}: {}", reply.body);
        }
    }
    let (_, metrics) = get(webhook.admin_address, "/metrics");
    webhook.terminate();
    webhook.wait();
    assert!(webhook.log().contains("TW101"), "the reviews were logged: {}", webhook.log());
    assert!(!webhook.log().contains(CANARY) && !metrics.contains(CANARY), "{}", webhook.log());
}

#[test]
fn a_log_that_nobody_reads_does_not_stop_the_answers() {
    let authority = Authority::generate(1).unwrap();
    let issued = authority.issue(&Names::loopback()).unwrap();
    let volume = MountedVolume::new(&[("tls.crt", &issued.certificate), ("tls.key", &issued.key)]);
    let webhook = Webhook::start(&[&volume.flag("--tls-dir"), "--log-level=trace"]);
    webhook.stop_reading();
    let runtime = Runtime::new().unwrap();
    let caller = Caller::new(authority.certificate_der(), "localhost");
    runtime.block_on(async {
        let mut connection = caller.connect(webhook.address).await.unwrap();
        for _ in 0..3000 {
            let reply = connection.post("/validate/baseline", token_secret());
            timeout(Duration::from_secs(5), reply).await.expect("an answer waits for the log").unwrap();
        }
    });
    assert!(super::webhook::metric(webhook.admin_address, "tokenward_log_lines_dropped_total") > 0.0);
}
