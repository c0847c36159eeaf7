//! Replicas are replaced under load.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use serde_json::Value;
use tokio::runtime::Runtime;
use tokio::time::sleep;

use super::service::Service;
use super::{PATIENCE, figure, in_full, patient, short_or_full};
use crate::api_server_client::load::Load;
use crate::api_server_client::{ApiServerClient, Call, Habits};
use crate::mounted_volume::MountedVolume;
use crate::tls_client::Caller;
use crate::webhook::Webhook;
use tokenward::certs::{Authority, Names};

/// How it is done: all times of the full form are those of a cluster, the defaults of the server among them.
struct Plan {
    restarts: usize,
    /// Calls a second.
    rate: u32,
    /// From the end of one replica's readiness to that of the next one's.
    pause: Duration,
    /// How long it takes until everybody knows that a replica is not ready.
    news_take: Duration,
    idle_time: Duration,
    drain: &'static [&'static str],
}

impl Plan {
    fn of_this_run() -> Self {
        let short = Self {
            restarts: 3,
            rate: 40,
            pause: Duration::from_millis(300),
            news_take: Duration::from_millis(500),
            idle_time: Duration::from_secs(4),
            drain: &["--drain-close-after=200ms", "--drain-accept-for=4s", "--drain-limit=30s"],
        };
        let full = Self {
            restarts: 20,
            rate: full_rate(),
            pause: Duration::from_secs(8),
            news_take: Duration::from_secs(4),
            idle_time: Duration::from_secs(90),
            drain: &[],
        };
        short_or_full(short, full)
    }
}

/// Calls a second in the full form. A machine that gives less, with a debug build on both sides, can be told so.
fn full_rate() -> u32 {
    std::env::var("TOKENWARD_RELIABILITY_RATE").map_or(1000, |rate| rate.parse().expect("calls a second"))
}

/// Every call is answered once: the client sees to it that each gets an answer of its own, and the log of the replicas that
/// none was judged twice.
#[test]
fn no_call_is_lost_or_answered_twice_while_replicas_are_replaced_under_load() {
    let plan = Plan::of_this_run();
    let authority = Authority::generate(1).unwrap();
    let issued = authority.issue(&Names::loopback()).unwrap();
    let volume = MountedVolume::new(&[("tls.crt", &issued.certificate), ("tls.key", &issued.key)]);
    let tls = volume.flag("--tls-dir");
    let start = || Webhook::start(&[&[&*tls, "--log-level=debug"], plan.drain].concat());

    let runtime = Runtime::new().unwrap();
    runtime.block_on(async {
        let service = Service::start(IpAddr::V4(Ipv4Addr::LOCALHOST), plan.news_take).await;
        let mut serving = Vec::new();
        let mut leaving = Vec::new();
        for _ in 0..2 {
            let replica = start();
            service.add(replica.address, replica.admin_address).await;
            serving.push(replica);
        }
        let habits = Habits { idle_time: plan.idle_time, ..patient() };
        let caller = Caller::new(authority.certificate_der(), "localhost");
        let client = ApiServerClient::with(caller, service.address, habits);
        let load = Load::start(&client, plan.rate, Call::mixed);
        for _ in 0..plan.restarts {
            sleep(plan.pause).await;
            let next = start();
            service.add(next.address, next.admin_address).await;
            serving.push(next);
            let old = serving.remove(0);
            old.terminate();
            service.gone(old.address).await;
            leaving.push(old);
        }
        sleep(plan.pause).await;
        let report = load.stop().await;
        figure("R1", format_args!("{} restarts, {report}; {} connections", plan.restarts, client.connections_opened()));
        report.assert_all_answered();
        assert_eq!(client.connections_found_closed(), 0, "an idle connection was closed by a server");

        // What the client does not use any more it drops in its own time, and only then the replicas end.
        drop(client);
        serving.iter().for_each(Webhook::terminate);
        leaving.append(&mut serving);
        let mut judged = HashSet::new();
        for mut replica in leaving {
            let status = replica.wait_for(PATIENCE * 3);
            assert_eq!(status.code(), Some(0), "{}", replica.log());
            assert!(
                !replica.log().contains("connections still open"),
                "calls could have been lost: {}",
                last(&replica)
            );
            for uid in uids_judged(&replica) {
                assert!(judged.insert(uid.clone()), "{uid} was judged twice");
            }
        }
        let logged = judged.len() as u64;
        // Lines are dropped rather than waited for, and a busy machine may do that.
        assert!(logged * 10 >= report.sent() * 9, "{logged} of {} calls are in the logs", report.sent());
        if in_full() {
            figure("R1", format_args!("{logged} uids in the logs, none twice"));
        }
    });
}

fn uids_judged(replica: &Webhook) -> Vec<String> {
    let log = replica.log();
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter(|line| line["message"] == "review").map(|line| line["uid"].as_str().unwrap().to_owned()).collect()
}

fn last(replica: &Webhook) -> String {
    replica.log().lines().rev().take(3).collect::<Vec<_>>().join("\n")
}
