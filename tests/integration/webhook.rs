//! The webhook as a process of its own: the real binary, started, watched and asked to end.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

/// Far longer than anything here takes, on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running `tokenward serve`. Dropping it kills it.
pub(crate) struct Webhook {
    child: Child,
    pub(crate) address: SocketAddr,
    pub(crate) admin_address: SocketAddr,
    log: Log,
    reading: Arc<AtomicBool>,
}

type Log = Arc<Mutex<Vec<String>>>;

impl Webhook {
    /// Starts `tokenward serve` with `arguments` on free ports of the loopback interface, and waits until it is ready.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::run(command(arguments))
    }

    /// The same by a command that was changed, or that is another one which becomes it in the end.
    pub(crate) fn run(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let reading = Arc::new(AtomicBool::new(true));
        let (log, lines) = follow(&mut child, &reading);
        let ready = loop {
            match lines.recv_timeout(PATIENCE) {
                Ok(line) if line["message"] == "ready" => break line,
                Ok(_) => {}
                Err(_) => {
                    let _ = child.kill();
                    panic!("tokenward serve is not ready:\n{}", log.lock().unwrap().join("\n"));
                }
            }
        };
        let address = |field: &str| ready[field].as_str().unwrap().parse().unwrap();
        Self { address: address("address"), admin_address: address("admin_address"), child, log, reading }
    }

    /// Leaves standard error open and unread from now on, as a container runtime does that hangs.
    pub(crate) fn stop_reading(&self) {
        self.reading.store(false, Ordering::Relaxed);
    }

    /// Everything logged so far.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().join("\n")
    }

    /// Waits for a log line that has all of `parts`.
    pub(crate) fn wait_for_log(&self, parts: &[&str]) {
        let found = || self.log.lock().unwrap().iter().any(|line| parts.iter().all(|part| line.contains(part)));
        let end = Instant::now() + PATIENCE;
        while !found() {
            assert!(Instant::now() < end, "no line with {parts:?} in:\n{}", self.log());
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Sends SIGTERM. The standard library only knows the impolite signal.
    pub(crate) fn terminate(&self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("sh").args(["-c", r#"kill -TERM "$0""#, &pid]).status().unwrap().success());
    }

    /// The process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for the process to end by itself.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        self.wait_for(PATIENCE)
    }

    /// The same for a process that may take its time.
    pub(crate) fn wait_for(&mut self, patience: Duration) -> ExitStatus {
        let end = Instant::now() + patience;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < end, "tokenward serve does not end:\n{}", self.log());
            thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Webhook {
    fn drop(&mut self) {
        self.reading.store(true, Ordering::Relaxed);
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `tokenward serve` on free ports, with its log as JSON. `TOKENWARD_SERVER` names another build of the program than the one
/// beside the tests: `make reliability` has the release build serve.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let program = std::env::var_os("TOKENWARD_SERVER").unwrap_or_else(|| env!("CARGO_BIN_EXE_tokenward").into());
    let mut command = Command::new(program);
    command
        .args(["serve", "--listen=127.0.0.1:0", "--admin-listen=127.0.0.1:0", "--log-format=json"])
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    command
}

/// Keeps every line of standard error, and passes on those that are JSON.
fn follow(child: &mut Child, reading: &Arc<AtomicBool>) -> (Log, Receiver<Value>) {
    let reading = Arc::clone(reading);
    let log = Log::default();
    let kept = Arc::clone(&log);
    let (sender, lines) = channel();
    let stderr = BufReader::new(child.stderr.take().unwrap());
    thread::spawn(move || {
        for line in stderr.lines().map_while(Result::ok) {
            let value = serde_json::from_str(&line);
            kept.lock().unwrap().push(line);
            if let Ok(value) = value {
                let _ = sender.send(value);
            }
            while !reading.load(Ordering::Relaxed) {
                thread::park_timeout(PATIENCE);
            }
        }
    });
    (log, lines)
}

/// The body and status code of a GET in plain HTTP.
pub(crate) fn get(address: SocketAddr, path: &str) -> (u16, String) {
    use std::io::{Read as _, Write as _};
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, body.to_owned())
}

/// The value of one series; 0 where it is not there yet.
pub(crate) fn metric(address: SocketAddr, series: &str) -> f64 {
    let (_, text) = get(address, "/metrics");
    let value = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    value.map_or(0.0, |value| value.parse().unwrap())
}
