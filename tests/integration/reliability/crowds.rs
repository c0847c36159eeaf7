//! More connections than there is room for.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::Full;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::{sleep, timeout};

use super::process::{Process, after, open_many_files};
use super::{PATIENCE, Served, figure, patient, short_or_full};
use crate::api_server_client::load::Load;
use crate::api_server_client::{ApiServerClient, Call, Habits};
use crate::review_bodies::token_secret;
use crate::tls_client::{Caller, Connection};
use crate::webhook::metric;

/// Plain connections that say nothing.
async fn connect_all(address: SocketAddr, count: usize) -> Vec<TcpStream> {
    let mut streams = Vec::with_capacity(count);
    for _ in 0..count {
        streams.push(TcpStream::connect(address).await.unwrap());
    }
    streams
}

/// How many of them the server has not closed.
async fn still_open(streams: &mut [TcpStream]) -> usize {
    let mut open = 0;
    for stream in streams {
        let ended = timeout(Duration::from_millis(1), stream.read(&mut [0])).await;
        open += usize::from(ended.is_err());
    }
    open
}

async fn one_call(caller: &Caller, address: SocketAddr) -> bool {
    let Ok(mut connection) = caller.connect(address).await else { return false };
    connection.post("/validate/baseline", token_secret()).await.is_ok_and(|reply| reply.status == 200)
}

/// The server uses as many descriptors as it may, and leaves some for itself.
#[test]
fn five_hundred_connections_where_64_files_may_be_open_do_no_harm() {
    open_many_files();
    let served = Served::start_by(&[], |command| {
        let mut limited = after("ulimit -n 64", &command);
        limited
            .stdin(std::process::Stdio::null())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::piped());
        limited
    });
    served.webhook.wait_for_log(&["WARN", "file descriptors"]);
    crowd_and_recover("R10", &served, 500);
}

/// The limit is lowered below what the server has counted on, so that it has no descriptor left to accept with. The one it
/// keeps in reserve serves to close what it cannot take.
#[test]
fn without_a_descriptor_left_connections_are_closed_and_nothing_spins() {
    open_many_files();
    let served = Served::start(&[]);
    let process = Process(served.webhook.id());
    process.limit_descriptors(process.descriptors().len() as u64 + 12);
    crowd_and_recover("R10", &served, 300);
}

fn crowd_and_recover(promise: &str, served: &Served, count: usize) {
    let address = served.webhook.address;
    let process = Process(served.webhook.id());
    let runtime = Runtime::new().unwrap();
    runtime.block_on(async {
        let mut kept = served.caller.connect(address).await.unwrap();
        assert_eq!(kept.post("/validate/baseline", token_secret()).await.unwrap().status, 200);
        let mut crowd = connect_all(address, count).await;
        // What came too late is closed rather than left to wait.
        let settled = async {
            while still_open(&mut crowd).await > 64 {
                sleep(Duration::from_millis(50)).await;
            }
        };
        timeout(PATIENCE, settled).await.expect("the crowd is left to wait");
        let (used, begun) = (process.processor_time(), Instant::now());
        sleep(Duration::from_millis(1500)).await;
        let share = process.processor_time().saturating_sub(used).as_secs_f64() / begun.elapsed().as_secs_f64();
        assert!(share < 0.5, "the server is busy with nothing: {share:.2} of a processor");
        assert_eq!(
            kept.post("/validate/baseline", token_secret()).await.unwrap().status,
            200,
            "whoever was there goes on"
        );

        drop(crowd);
        let begun = Instant::now();
        while !one_call(&served.caller, address).await {
            assert!(begun.elapsed() < PATIENCE, "it does not recover");
            sleep(Duration::from_millis(20)).await;
        }
        let recovered = begun.elapsed();
        figure(
            promise,
            format_args!(
                "{count} connections: {share:.2} of a processor used, a new caller served {recovered:.1?} after"
            ),
        );
        assert!(recovered < Duration::from_secs(5), "{recovered:?}");
    });
}

#[test]
fn no_more_connections_are_held_than_the_bound_and_an_ordinary_caller_goes_on() {
    let (bound, attempts) = short_or_full((100_u32, 600), (2048, 10_000));
    open_many_files();
    let served = Served::start(&[&format!("--connections={bound}")]);
    let (address, admin_address) = (served.webhook.address, served.webhook.admin_address);
    Runtime::new().unwrap().block_on(async {
        let client = ApiServerClient::with(served.caller.clone(), address, patient());
        // An API server has several connections, opened when several calls came at once.
        let mut first = JoinSet::new();
        for number in 0..20 {
            let client = client.clone();
            first.spawn(async move { client.call(&Call::mixed(number)).await.unwrap() });
        }
        while let Some(call) = first.join_next().await {
            call.unwrap();
        }
        let load = Load::start(&client, 20, Call::mixed);
        let mut connected = Vec::new();
        let mut connecting = JoinSet::new();
        for attempt in 0..attempts {
            let caller = served.caller.clone();
            connecting.spawn(async move { caller.connect::<Full<Bytes>>(address).await });
            if connecting.len() >= 16 || attempt + 1 == attempts {
                while let Some(attempted) = connecting.join_next().await {
                    connected.extend(attempted.unwrap().ok());
                    if connecting.len() < 16 && attempt + 1 < attempts {
                        break;
                    }
                }
            }
        }
        let counted = spawn_blocking(move || metric(admin_address, "tokenward_connections")).await.unwrap();
        // By TLS 1.3 a client is done with its handshake before the server is, and learns a little later that it is turned away.
        let open = connected.iter().filter(|connection: &&Connection<_>| !connection.is_closed()).count();
        let report = load.stop().await;
        figure(
            "R11",
            format_args!("{attempts} connections attempted: {open} held, the others turned away; beside it {report}"),
        );
        report.assert_all_answered();
        assert!(open <= bound as usize && counted <= f64::from(bound), "{open} open, {counted} counted");
        assert!(open * 10 >= bound as usize, "{open}: it makes room for hardly anybody");
    });
}

/// Every call of the ordinary caller needs a connection of its own here, so a new handshake, while the crowd keeps the
/// queue of unfinished ones full.
#[test]
fn half_open_handshakes_are_closed_within_their_time_and_others_get_through() {
    let count = short_or_full(1500, 5000);
    open_many_files();
    let served = Served::start(&[]);
    let address = served.webhook.address;
    Runtime::new().unwrap().block_on(async {
        let habits = Habits { idle_connections: 0, ..patient() };
        let client = ApiServerClient::with(served.caller.clone(), address, habits);
        let load = Load::start(&client, short_or_full(10, 20), Call::mixed);
        let begun = Instant::now();
        let crowd = connect_all(address, count).await;
        let opened = begun.elapsed();
        let mut closing = JoinSet::new();
        for mut stream in crowd {
            closing.spawn(async move { timeout(PATIENCE, stream.read(&mut [0])).await.is_ok() });
        }
        while let Some(closed) = closing.join_next().await {
            assert!(closed.unwrap(), "a handshake that was never begun is waited for");
        }
        let closed = begun.elapsed();
        let report = load.stop().await;
        figure(
            "R12",
            format_args!("{count} half-open handshakes: opened in {opened:.1?}, all closed after {closed:.1?}; beside it {report}"),
        );
        report.assert_all_answered();
        assert!(closed < opened + Duration::from_secs(5 + 10), "{closed:?}");
    });
}
