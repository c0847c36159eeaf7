//! What the webhook counted.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

/// An answer of the admin port takes no longer.
const PATIENCE: Duration = Duration::from_secs(10);

/// `/metrics` as it was at one moment.
pub(crate) struct Metrics(String);

impl Metrics {
    /// Asks the admin port.
    pub(super) fn read(port: u16) -> io::Result<Self> {
        match get(port, "/metrics")? {
            (200, text) => Ok(Self(text)),
            (code, text) => Err(io::Error::other(format!("/metrics: HTTP {code} {text}"))),
        }
    }

    /// The sum of all samples of `name` that carry these labels; 0 when there is none yet.
    #[track_caller]
    pub(crate) fn sum(&self, name: &str, labels: &[(&str, &str)]) -> u64 {
        let wanted: Vec<String> = labels.iter().map(|(key, value)| format!("{key}=\"{value}\"")).collect();
        let samples = self.0.lines().filter_map(|line| {
            let (series, value) = line.rsplit_once(' ')?;
            let (found, labels) = series.split_once('{').unwrap_or((series, ""));
            (found == name && wanted.iter().all(|label| labels.contains(label))).then_some(value)
        });
        samples.map(|value| value.parse::<u64>().unwrap_or_else(|_| panic!("{name} has the value {value}"))).sum()
    }

    /// All reviews that the webhook answered, whatever came of them.
    #[track_caller]
    pub(crate) fn reviews(&self) -> u64 {
        self.sum("tokenward_admission_total", &[])
    }

    /// The text, for the message of a failed test.
    pub(crate) fn text(&self) -> &str {
        &self.0
    }
}

/// `GET` in plain HTTP on the loopback interface: the status code and the body.
pub(super) fn get(port: u16, path: &str) -> io::Result<(u16, String)> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    // HTTP/1.0, so that the answer is never chunked and ends where the connection ends.
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(|| io::Error::other("the answer is no HTTP"))?;
    let code = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    let code = code.ok_or_else(|| io::Error::other(format!("the answer has no status code: {head}")))?;
    Ok((code, body.to_owned()))
}
