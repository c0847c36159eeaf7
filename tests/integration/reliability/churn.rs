//! Connections come and go, and leave nothing behind.

use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use tokio::time::sleep;

use super::process::Process;
use super::{PATIENCE, Served, eventually, figure, patient, short_or_full};
use crate::api_server_client::load::Load;
use crate::api_server_client::{ApiServerClient, Call, Habits};

/// Half an hour of it is another matter; what leaks a connection's worth of anything shows here.
#[test]
fn memory_and_descriptors_stay_flat_while_connections_come_and_go() {
    let lasting = short_or_full(Duration::from_secs(3), Duration::from_mins(2));
    let served = Served::start(&[]);
    let (address, process) = (served.webhook.address, Process(served.webhook.id()));
    let runtime = Runtime::new().unwrap();
    let load = |lasting| {
        runtime.block_on(async {
            let fickle = Habits { idle_connections: 0, ..patient() };
            let steady = ApiServerClient::with(served.caller.clone(), address, patient());
            let churning = ApiServerClient::with(served.caller.clone(), address, fickle);
            let loads = [Load::start(&steady, 40, Call::mixed), Load::start(&churning, 20, Call::mixed)];
            sleep(lasting).await;
            for load in loads {
                load.stop().await.assert_all_answered();
            }
            churning.connections_opened()
        })
    };
    let rests = || eventually("every connection is gone", PATIENCE, || process.remote_ports().is_empty());
    load(Duration::from_secs(2));
    rests();
    let (files, memory, begun) = (process.descriptors().len(), process.resident_mib(), Instant::now());
    let connections = load(lasting);
    rests();
    eventually("no descriptor is left", PATIENCE, || process.descriptors().len() <= files);
    let grown = process.resident_mib().saturating_sub(memory);
    figure(
        "R17",
        format_args!(
            "{connections} connections in {:.0} s: {files} descriptors before and after, {memory} MiB resident before, {grown} MiB more after",
            begun.elapsed().as_secs_f64()
        ),
    );
    assert!(grown <= 4, "{grown} MiB more");
}
