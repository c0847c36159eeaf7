//! The first moments.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use tokenward::certs::{Authority, Names};
use tokio::runtime::Runtime;
use tokio::time::{sleep, timeout};

use super::{PATIENCE, figure, short_or_full};
use crate::mounted_volume::MountedVolume;
use crate::review_bodies::{pod, token_secret};
use crate::rig::host::free_ports;
use crate::tls_client::Caller;
use crate::webhook::command;

const POLICY: &str = "\
apiVersion: tokenward.dev/v1alpha1
kind: TokenException
metadata: {name: ci-bot}
spec:
  rules: [legacy-token-secret]
  namespace: team-a
  secret: ci-bot-token
  serviceAccount: ci-bot
  reason: a test
  owner: team-a@example.com
  expires: 2099-12-31
";

/// Large enough that reading it takes its time.
fn inventory() -> String {
    let mut text =
        "apiVersion: tokenward.dev/v1alpha1\nkind: TokenInventory\ngeneratedAt: 2026-11-01T00:00:00Z\nsecrets:\n\
                    - {namespace: team-a, name: legacy-ci, serviceAccount: ci}\n"
            .to_owned();
    for number in 0..5000 {
        let _ = writeln!(text, "- {{namespace: team-b, name: legacy-{number}, serviceAccount: ci}}");
    }
    text
}

/// Callers hammer the port from before the process exists. Whichever answer comes first, on whichever connection, must be one
/// that knows both the exception of the policy file and the Secret of the inventory.
#[test]
fn no_review_is_answered_before_policy_and_inventory_are_loaded() {
    let starts = short_or_full(3, 20);
    let authority = Authority::generate(1).unwrap();
    let issued = authority.issue(&Names::loopback()).unwrap();
    let tls = MountedVolume::new(&[("tls.crt", &issued.certificate), ("tls.key", &issued.key)]);
    let policy = MountedVolume::new(&[("policy.yaml", POLICY)]);
    let inventory = MountedVolume::new(&[("inventory.yaml", &inventory())]);
    let caller = Caller::new(authority.certificate_der(), "localhost");
    let runtime = Runtime::new().unwrap();
    let too_early = Arc::new(AtomicU32::new(0));
    for _ in 0..starts {
        let [port, admin_port] = free_ports().unwrap();
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let stop = Arc::new(AtomicBool::new(false));
        let hammering: Vec<_> = (0..4)
            .map(|_| runtime.spawn(first_answers(caller.clone(), address, Arc::clone(&stop), Arc::clone(&too_early))))
            .collect();
        let mut child = std::process::Command::new(command(&[]).get_program())
            .arg("serve")
            .arg(format!("--listen={address}"))
            .arg(format!("--admin-listen=127.0.0.1:{admin_port}"))
            .args([tls.flag("--tls-dir"), policy.flag("--policy"), inventory.flag("--inventory")])
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let outcomes: Vec<_> =
            hammering.into_iter().map(|task| runtime.block_on(async { timeout(PATIENCE, task).await })).collect();
        stop.store(true, Ordering::Relaxed);
        let _ = child.kill();
        let _ = child.wait();
        for outcome in outcomes {
            outcome.expect("no answer").unwrap();
        }
    }
    let too_early = too_early.load(Ordering::Relaxed);
    assert!(too_early > 0, "nobody came too early, so nothing is shown");
    figure(
        "start",
        format_args!("{starts} starts, {too_early} connections came too early, every first answer knew both files"),
    );
}

/// Tries until there is an answer to each of two reviews, and sees to it that both are right.
async fn first_answers(caller: Caller, address: SocketAddr, stop: Arc<AtomicBool>, too_early: Arc<AtomicU32>) {
    let reviews = [("/validate/baseline", token_secret(), true), ("/validate/restricted", pod(), false)];
    while !stop.load(Ordering::Relaxed) {
        let Ok(mut connection) = caller.connect(address).await else {
            too_early.fetch_add(1, Ordering::Relaxed);
            sleep(Duration::from_millis(1)).await;
            continue;
        };
        for (path, body, allowed) in &reviews {
            let reply =
                connection.post(path, body.clone()).await.expect("an early connection that was taken is served");
            let answer = reply.json();
            assert_eq!(answer["response"]["allowed"], *allowed, "{answer}");
        }
        return;
    }
}
