//! Servers as processes of their own: started on one core, and watched through `/proc`.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow, bail};
use rustls::pki_types::CertificateDer;
use tempfile::TempDir;
use tokenward::certs::{Authority, Names};

use super::null;

/// Far longer than a start takes.
const PATIENCE: Duration = Duration::from_secs(30);
/// The core of the server; the callers are on the other one.
const SERVER_CORE: &str = "0";
const CALLER_CORE: &str = "1";

/// A certificate directory that is gone with the value.
pub(crate) struct Certificates {
    directory: TempDir,
    pub(crate) authority: CertificateDer<'static>,
}

impl Certificates {
    /// A P-256 leaf for `localhost`, as the API server would be shown.
    pub(crate) fn make() -> anyhow::Result<Self> {
        let authority = Authority::generate(1)?;
        let issued = authority.issue(&Names::loopback())?;
        let directory = tempfile::tempdir()?;
        fs::write(directory.path().join("tls.crt"), issued.certificate)?;
        fs::write(directory.path().join("tls.key"), issued.key)?;
        Ok(Self { directory, authority: authority.certificate_der() })
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }
}

/// A server that is ready. Dropping it kills it.
pub(crate) struct Process {
    child: Child,
    pub(crate) address: SocketAddr,
    pub(crate) admin_address: SocketAddr,
    /// From the start of the process until it said that it is ready.
    pub(crate) ready_after: Duration,
}

impl Process {
    /// `tokenward serve` with `arguments`, on the server's core.
    pub(crate) fn webhook(certificates: &Certificates, arguments: &[&str]) -> anyhow::Result<Self> {
        Self::start(pinned(&webhook_command(certificates, arguments)?))
    }

    /// `tokenward serve` on whatever cores there are.
    pub(crate) fn free_webhook(certificates: &Certificates, arguments: &[&str]) -> anyhow::Result<Self> {
        let words = webhook_command(certificates, arguments)?;
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]);
        Self::start(command)
    }

    /// The server that ignores what it is sent, on the server's core.
    pub(crate) fn null(certificates: &Certificates) -> anyhow::Result<Self> {
        let directory = certificates.path().display().to_string();
        Self::start(pinned(&[program()?, null::WORD.to_owned(), directory]))
    }

    /// Starts a command and waits until it says that it is ready.
    pub(crate) fn start(mut command: Command) -> anyhow::Result<Self> {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let begun = Instant::now();
        let mut child = command.spawn().with_context(|| format!("cannot start {command:?}"))?;
        let lines = follow(&mut child)?;
        let mut seen = Vec::new();
        let ready = loop {
            let Ok(line) = lines.recv_timeout(PATIENCE) else {
                let _ = child.kill();
                bail!("{command:?} is not ready: {}", seen.join("\n"));
            };
            match serde_json::from_str::<serde_json::Value>(&line) {
                Ok(line) if line["message"] == "ready" => break line,
                _ => seen.push(line),
            }
        };
        let ready_after = begun.elapsed();
        let address = |field: &str| {
            let text = ready[field].as_str().ok_or_else(|| anyhow!("ready, but where? {ready}"))?;
            Ok::<SocketAddr, anyhow::Error>(text.parse()?)
        };
        Ok(Self { address: address("address")?, admin_address: address("admin_address")?, child, ready_after })
    }

    pub(crate) fn is_alive(&mut self) -> anyhow::Result<bool> {
        Ok(self.child.try_wait()?.is_none())
    }

    fn proc(&self) -> PathBuf {
        PathBuf::from(format!("/proc/{}", self.child.id()))
    }

    /// The processor time of all its threads so far, in nanoseconds, as the scheduler counts it.
    pub(crate) fn processor_time(&self) -> anyhow::Result<u64> {
        let mut total = 0;
        for task in fs::read_dir(self.proc().join("task"))? {
            // A thread may have ended meanwhile.
            let Ok(line) = fs::read_to_string(task?.path().join("schedstat")) else { continue };
            total += line.split(' ').next().unwrap_or_default().parse::<u64>()?;
        }
        Ok(total)
    }

    /// A size of `/proc/…/status`, such as `VmRSS` or `VmHWM`, in KiB.
    pub(crate) fn size(&self, field: &str) -> anyhow::Result<u64> {
        let status = fs::read_to_string(self.proc().join("status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        let number = line.and_then(|line| line.trim().split(' ').next());
        number.with_context(|| format!("no {field}"))?.parse().context("not a size")
    }

    pub(crate) fn file_descriptors(&self) -> anyhow::Result<usize> {
        Ok(fs::read_dir(self.proc().join("fd"))?.count())
    }

    pub(crate) fn threads(&self) -> anyhow::Result<usize> {
        Ok(fs::read_dir(self.proc().join("task"))?.count())
    }

    /// Everything at `/metrics`.
    pub(crate) fn metrics(&self) -> anyhow::Result<String> {
        let mut stream = TcpStream::connect(self.admin_address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        write!(stream, "GET /metrics HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.admin_address)?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (_, body) = answer.split_once("\r\n\r\n").context("no answer from the admin port")?;
        Ok(body.to_owned())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The words that start `tokenward serve` on free ports.
pub(crate) fn webhook_command(certificates: &Certificates, arguments: &[&str]) -> anyhow::Result<Vec<String>> {
    let directory = certificates.path().display().to_string();
    let fixed = ["serve", "--listen=127.0.0.1:0", "--admin-listen=127.0.0.1:0", "--log-format=json", "--tls-dir"];
    // As in the reliability suite: another build, such as the static one of the image.
    let program = std::env::var("TOKENWARD_SERVER").or_else(|_| program())?;
    let fixed = fixed.into_iter().map(str::to_owned).chain([directory]);
    Ok([program].into_iter().chain(fixed).chain(arguments.iter().map(|&word| word.to_owned())).collect())
}

/// This program: with the word `serve` it is `tokenward`.
fn program() -> anyhow::Result<String> {
    Ok(std::env::current_exe()?.display().to_string())
}

fn pinned(words: &[String]) -> Command {
    let mut command = Command::new("taskset");
    command.args(["--cpu-list", SERVER_CORE]).args(words);
    command
}

/// Puts this process on the other core. Threads that are started later follow.
pub(crate) fn leave_the_servers_core() -> anyhow::Result<()> {
    let own = std::process::id().to_string();
    let status =
        Command::new("taskset").args(["--pid", "--cpu-list", CALLER_CORE, &own]).stdout(Stdio::null()).status();
    if !status.context("taskset is needed (Debian: util-linux)")?.success() {
        bail!("taskset cannot choose a core: two are needed");
    }
    Ok(())
}

/// Passes on the lines of standard error, and goes on reading when nobody listens any more.
fn follow(child: &mut Child) -> anyhow::Result<Receiver<String>> {
    let stderr = BufReader::new(child.stderr.take().context("standard error is a pipe")?);
    let (sender, lines) = channel();
    thread::spawn(move || {
        for line in stderr.lines().map_while(Result::ok) {
            let _ = sender.send(line);
        }
    });
    Ok(lines)
}
