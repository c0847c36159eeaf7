//! The wall clock jumps.
//!
//! That exceptions follow the clock forwards and backwards is shown in `src/server/reviews/tests.rs` with a clock of its own.
//! Here: that nothing else of the server looks at it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::runtime::Runtime;
use tokio::time::{sleep, timeout};

use super::process::Process;
use super::{PATIENCE, Served, eventually, figure, in_full, patient};
use crate::api_server_client::load::Load;
use crate::api_server_client::{ApiServerClient, Call};
use crate::mounted_volume::MountedVolume;
use crate::review_bodies::token_secret;

/// Every source file below a directory.
fn sources(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|it| it == "rs") {
            found.push(path);
        }
    }
    found
}

/// Deadlines are counted by `Instant`, which no change of the wall clock moves. The wall clock is asked for the time of a
/// decision, for the end of the certificate, and nowhere else.
#[test]
fn nothing_in_the_server_but_decisions_and_certificates_looks_at_the_wall_clock() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/server");
    let mut looking: Vec<String> = Vec::new();
    for path in sources(&root) {
        let text = fs::read_to_string(&path).unwrap();
        assert!(!text.contains("SystemTime"), "{}", path.display());
        if text.contains("Timestamp::now") {
            looking.push(path.strip_prefix(&root).unwrap().display().to_string());
        }
    }
    looking.sort();
    // The probe and the reminder are about the certificate.
    assert_eq!(looking, ["admin.rs", "reload.rs", "reviews.rs", "reviews/tests.rs"]);
}

const EXCEPTION: &str = "\
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
";

/// The real binary under libfaketime, which moves its wall clock and leaves the monotonic one alone.
///
/// Only in the full form: the library is a package of the distribution, and not everybody who runs the tests has it.
#[test]
fn the_wall_clock_jumps_by_25_hours_under_load() {
    if !in_full() {
        // What the short form can show is in `nothing_in_the_server_but_…`, and in the unit test of exceptions.
        return;
    }
    let library = [
        "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
        "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1",
    ];
    let library =
        library.iter().find(|path| Path::new(path).exists()).expect("`make reliability` installs libfaketime");
    let now = jiff::Timestamp::now();
    // It holds for less than 25 hours more, and for a minute at least.
    let expires = (now + Duration::from_mins(5)).strftime("%Y-%m-%d");
    let policies = MountedVolume::new(&[("policy.yaml", &format!("{EXCEPTION}  expires: {expires}\n"))]);
    let directory = tempfile::tempdir().unwrap();
    let offset = directory.path().join("offset");
    fs::write(&offset, "+0").unwrap();
    let served = Served::start_by(&[&policies.flag("--policy")], |mut command| {
        command
            .env("LD_PRELOAD", library)
            .env("FAKETIME_TIMESTAMP_FILE", &offset)
            .env("FAKETIME_NO_CACHE", "1")
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        command
    });
    let address = served.webhook.address;
    Runtime::new().unwrap().block_on(async {
        let client = ApiServerClient::with(served.caller.clone(), address, patient());
        // Idle all the while: a clock that jumps by a day must not end it.
        let mut idle = served.caller.connect(address).await.unwrap();
        let load = Load::start(&client, 50, |number| Call::mixed(number * 3 + 1 + number % 2));
        let mut verdicts = Vec::new();
        for (jump, allowed) in
            [("+0", true), ("+25h", false), ("+0", true), ("-25h", true), ("+25h", false), ("+0", true)]
        {
            fs::write(&offset, jump).unwrap();
            sleep(Duration::from_millis(500)).await;
            let answer: Value = served.caller.post(address, "/validate/baseline", token_secret()).await.json();
            assert_eq!(answer["response"]["allowed"], allowed, "{jump}: {answer}");
            verdicts.push(format!("{jump} {}", if allowed { "allowed" } else { "expired" }));

            // The deadline of a review that does not arrive: 900 ms by the monotonic clock, whatever the other one does.
            let begun = Instant::now();
            let status = late_body(&served, &offset, jump).await;
            let took = begun.elapsed();
            assert_eq!(status, 503, "{jump}");
            assert!(took > Duration::from_millis(800) && took < Duration::from_secs(5), "{jump}: {took:?}");
        }
        assert_eq!(idle.post("/validate/audit", token_secret()).await.unwrap().status, 200);
        let report = load.stop().await;
        report.assert_all_answered();
        assert_eq!(client.connections_found_closed(), 0);
        figure("R16", format_args!("{}; deadlines kept; beside it {report}", verdicts.join(", ")));
    });
    eventually("it lives", PATIENCE, || Process(served.webhook.id()).resident_mib() > 0);
}

/// Sends a head and no body, and lets the clock jump by hours meanwhile; gives the status of the answer.
async fn late_body(served: &Served, offset: &Path, jump: &str) -> u16 {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut stream = served.caller.connect_raw(served.webhook.address).await.unwrap();
    let head = "POST /validate/baseline?timeout=1s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    sleep(Duration::from_millis(200)).await;
    fs::write(offset, if jump == "+0" { "-25h" } else { "+0" }).unwrap();
    let mut start = [0; 12];
    timeout(PATIENCE, stream.read_exact(&mut start)).await.expect("the deadline never comes").unwrap();
    std::str::from_utf8(&start).unwrap().rsplit_once(' ').unwrap().1.parse().unwrap()
}
