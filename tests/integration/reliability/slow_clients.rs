//! Clients that send or read as slowly as they can.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokenward::certs::{Authority, Names};
use tokenward::server::{Limits, Server, Settings};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, split};
use tokio::net::TcpSocket;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::process::open_many_files;
use super::{PATIENCE, figure, in_full, patient, short_or_full};
use crate::api_server_client::load::Load;
use crate::api_server_client::{ApiServerClient, Call};
use crate::tls_client::Caller;

/// What they are slow at.
#[derive(Clone, Copy, Debug)]
enum Slow {
    Head,
    Body,
    /// Asks and asks, and reads nothing.
    Reading,
}

/// Slow, and yet not so busy that a thousand of them are a load of their own.
fn between_bytes() -> Duration {
    short_or_full(Duration::from_millis(300), Duration::from_secs(2))
}

/// How long after its first byte, or after the last that it could send, the server ended the connection of such a client.
async fn bear(caller: Caller, address: SocketAddr, slow: Slow) -> Duration {
    let socket = TcpSocket::new_v4().unwrap();
    // So that little is enough to fill what lies between the two.
    socket.set_recv_buffer_size(4096).unwrap();
    let stream = socket.connect(address).await.unwrap();
    let stream = timeout(PATIENCE, caller.handshake(stream)).await.expect("a handshake").unwrap();
    let (mut reading, mut writing) = split(stream);
    let mut begun = Instant::now();
    let send = async {
        let head = "POST /validate/baseline?timeout=30s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";
        match slow {
            Slow::Head => {
                for byte in head.as_bytes().iter().cycle() {
                    writing.write_all(&[*byte]).await?;
                    sleep(between_bytes()).await;
                }
            }
            Slow::Body => {
                writing.write_all(format!("{head}Content-Length: 100000\r\n\r\n{{").as_bytes()).await?;
                loop {
                    writing.write_all(b" ").await?;
                    sleep(between_bytes()).await;
                }
            }
            Slow::Reading => {
                let many = "GET / HTTP/1.1\r\nHost: x\r\n\r\n".repeat(100);
                loop {
                    writing.write_all(many.as_bytes()).await?;
                    // Until all that lies between the two is full it has not been slow.
                    begun = Instant::now();
                }
            }
        }
        #[allow(unreachable_code, reason = "gives the block its type; the loops end by an error alone")]
        std::io::Result::Ok(())
    };
    match slow {
        // It notices by its writing alone.
        Slow::Reading => assert!(send.await.is_err()),
        Slow::Head | Slow::Body => {
            let mut answer = Vec::new();
            tokio::select! {
                _ = reading.read_to_end(&mut answer) => {}
                outcome = send => assert!(outcome.is_err()),
            }
        }
    }
    begun.elapsed()
}

/// The deadline is the real one in the full form. Their number is that of one kind; the kinds come one after the other.
#[test]
fn slow_clients_are_cut_off_in_time_and_others_are_not_harmed() {
    let (count, deadline) = short_or_full((20, Duration::from_secs(1)), (1000, Duration::from_secs(10)));
    open_many_files();
    let runtime = Runtime::new().unwrap();
    let _guard = runtime.enter();
    let authority = Authority::generate(1).unwrap();
    let pair = authority.issue(&Names::loopback()).unwrap().pair().unwrap();
    let limits = Limits { slow: deadline, ..Limits::default() };
    let server = Server::start(Settings { limits, ..Settings::in_memory(pair) }).unwrap();
    let caller = Caller::new(authority.certificate_der(), "localhost");
    let address = server.address();
    runtime.block_on(async {
        let client = ApiServerClient::with(caller.clone(), address, patient());
        for slow in [Slow::Head, Slow::Body, Slow::Reading] {
            let load = Load::start(&client, 20, Call::mixed);
            let mut clients = JoinSet::new();
            for _ in 0..count {
                clients.spawn(timeout(deadline + PATIENCE, bear(caller.clone(), address, slow)));
                if in_full() {
                    // All handshakes at once would only measure those.
                    sleep(Duration::from_millis(3)).await;
                }
            }
            let mut slowest = Duration::ZERO;
            while let Some(ended) = clients.join_next().await {
                let ended = ended.unwrap().unwrap_or_else(|_| panic!("{slow:?}: a slow client is borne for ever"));
                slowest = slowest.max(ended);
            }
            let report = load.stop().await;
            figure(
                "R12",
                format_args!("{count} × {slow:?}: the last was cut off after {slowest:.1?}; beside it {report}"),
            );
            report.assert_all_answered();
            // The deadline, and the time in which a refused caller may read its answer.
            let allowed =
                deadline + Duration::from_secs(2) + short_or_full(Duration::from_secs(10), Duration::from_secs(5));
            assert!(slowest < allowed, "{slow:?}: {slowest:?}");
        }
    });
}
