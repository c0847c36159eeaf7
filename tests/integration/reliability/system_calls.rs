//! What the server asks of the kernel while it answers.

use std::fs;
use std::process::Command;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::time::sleep;

use super::process::Process;
use super::{PATIENCE, Served, figure, in_full, patient};
use crate::api_server_client::{ApiServerClient, Call};

/// Reads no file of its own accord meanwhile: that is the reload thread's work, and has nothing to do with requests.
const QUIET: &str = "--reload-poll=1h";

/// Calls one after the other, four at a time.
fn call_often(served: &Served, calls: u64) {
    Runtime::new().unwrap().block_on(async {
        let client = ApiServerClient::with(served.caller.clone(), served.webhook.address, patient());
        let tasks: Vec<_> = (0..4)
            .map(|part| {
                let client = client.clone();
                tokio::spawn(async move {
                    for number in (0..calls).filter(|number| number % 4 == part) {
                        client.call(&Call::mixed(number)).await.unwrap();
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        drop(client);
        // The server closes its side of the connections.
        sleep(Duration::from_millis(300)).await;
    });
}

/// The server has no connection to anybody that it opened itself, before, during or after calls, and starts nothing. In a
/// cluster this is why it does not notice when the API server is gone: it never calls it.
#[test]
fn the_server_calls_nobody_and_starts_nothing() {
    let served = Served::start(&[QUIET]);
    let process = Process(served.webhook.id());
    let sockets = || process.descriptors().into_iter().filter(|it| it.target.starts_with("socket:")).count();
    super::eventually("only listeners are left", PATIENCE, || process.remote_ports().is_empty());
    let (before, files) = (sockets(), process.descriptors().len());
    let callers_connections = Runtime::new().unwrap().block_on(async {
        let connection: crate::tls_client::Connection = served.caller.connect(served.webhook.address).await.unwrap();
        let remote = process.remote_ports();
        drop(connection);
        remote.len()
    });
    assert_eq!(callers_connections, 1, "a connection that was accepted shows, so one that was opened would");
    call_often(&served, 400);
    super::eventually("every connection was a caller's", PATIENCE, || process.remote_ports().is_empty());
    assert_eq!(process.children(), [""; 0]);
    super::eventually("no file is left open", PATIENCE, || process.descriptors().len() <= files && sockets() <= before);
}

/// What strace runs. It goes on without strace, unless it is ended by itself.
struct Traced(Vec<String>);

impl Drop for Traced {
    fn drop(&mut self) {
        for pid in self.0.iter().filter_map(|pid| rustix::process::Pid::from_raw(pid.parse().ok()?)) {
            // One that has ended is as good.
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
    }
}

/// Under strace: from the moment it is ready, no file is opened, nobody is called, nothing is started and no name is looked
/// up, which would be both an open and a connection.
///
/// Only in the full form: it needs strace and the right to trace. The short form looks into `/proc`, in the test above.
#[test]
fn ten_thousand_reviews_open_no_file_and_call_nobody_under_strace() {
    if !in_full() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let trace = directory.path().join("trace");
    let served = Served::start_by(&[QUIET], |command| {
        let mut traced = Command::new("strace");
        // Who does nothing that is looked for is not stopped at all.
        traced.args([
            "-f",
            "--seccomp-bpf",
            "-ttt",
            "-e",
            "trace=%file,connect,bind,socket,execve,execveat,fork,vfork,io_uring_setup",
            "-o",
        ]);
        traced.arg(&trace).arg(command.get_program()).args(command.get_args());
        traced
            .stdin(std::process::Stdio::null())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::piped());
        traced
    });
    let _traced = Traced(Process(served.webhook.id()).children());
    // What is done once, such as setting up the watch on the directories, may end after the first answers.
    call_often(&served, 4);
    std::thread::sleep(Duration::from_secs(1));
    let ready = jiff::Timestamp::now().as_duration().as_secs_f64();
    call_often(&served, 10_000);
    let text = fs::read_to_string(&trace).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let before = lines.iter().filter(|line| line.contains("openat(") && line.contains("tls.crt")).count();
    assert!(before > 0, "the trace does not even have the certificate");
    let writing = lines.iter().filter(|line| ["O_WRONLY", "O_RDWR", "O_CREAT"].iter().any(|flag| line.contains(flag)));
    let writing: Vec<_> = writing.filter(|line| !line.contains("/dev/") && !line.contains("ENOENT")).collect();
    assert!(writing.is_empty(), "a file is opened for writing: {writing:#?}");
    let at = |line: &str| line.split_whitespace().nth(1).and_then(|time| time.parse::<f64>().ok());
    let during: Vec<_> = lines.iter().filter(|line| at(line).is_some_and(|time| time > ready)).collect();
    let during: Vec<_> =
        during.into_iter().filter(|line| !line.contains("+++ exited") && !line.contains("--- SIG")).collect();
    assert!(during.is_empty(), "while it answered: {during:#?}");
    figure(
        "S1",
        format_args!(
            "10 000 mixed reviews under strace: {} calls of these kinds at the start, none after",
            lines.len()
        ),
    );
}
