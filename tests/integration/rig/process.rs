//! Processes that never outlive the tests.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long a process may take to end by itself before it is killed.
const GRACE: Duration = Duration::from_secs(5);

/// A shell that ends every process it was told of, and removes the rig's directory, once this process is gone.
///
/// It notices by the pipe between them, which the kernel closes whatever happened: a normal exit (a `static` is never
/// dropped), a panic, an interrupt from the terminal or a kill. It is in a process group of its own, so that the
/// terminal's interrupt does not reach it.
pub(crate) struct Watchdog {
    shell: Mutex<Child>,
    ledger: Mutex<Option<ChildStdin>>,
}

impl Watchdog {
    /// Watches over `directory`, which is removed in the end unless `TOKENWARD_RIG_KEEP` is set.
    pub(crate) fn over(directory: &Path) -> io::Result<Arc<Self>> {
        let keep = std::env::var_os("TOKENWARD_RIG_KEEP").is_some();
        let mut shell = Command::new("sh")
            .args(["-c", include_str!("watchdog.sh"), "watchdog"])
            .arg(if keep { Path::new("") } else { directory })
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        let ledger = Mutex::new(shell.stdin.take());
        Ok(Arc::new(Self { shell: Mutex::new(shell), ledger }))
    }

    fn note(&self, what: &str, pid: u32) -> io::Result<()> {
        match self.ledger.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            Some(ledger) => writeln!(ledger, "{what} {pid}"),
            None => Ok(()),
        }
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        *self.ledger.lock().unwrap_or_else(PoisonError::into_inner) = None;
        // Its exit status says nothing: what it could not end was gone already.
        let _ = self.shell.lock().unwrap_or_else(PoisonError::into_inner).wait();
    }
}

/// A running program, under the watchdog, with its output in a file. Dropping it ends it.
pub(crate) struct Process {
    name: &'static str,
    child: Child,
    log: PathBuf,
    watchdog: Arc<Watchdog>,
}

impl Process {
    /// Starts `command` in a process group of its own, its output going to `log`.
    pub(crate) fn start(
        name: &'static str,
        mut command: Command,
        log: PathBuf,
        watchdog: &Arc<Watchdog>,
    ) -> io::Result<Self> {
        let output = File::create(&log)?;
        let child = command
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .process_group(0)
            .spawn()
            .map_err(|error| io::Error::new(error.kind(), format!("{name} does not start: {error}")))?;
        let process = Self { name, child, log, watchdog: Arc::clone(watchdog) };
        process.watchdog.note("started", process.child.id())?;
        Ok(process)
    }

    /// An error with the end of its output, when the process is no longer there.
    pub(crate) fn check_alive(&mut self) -> Result<(), String> {
        match self.child.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(status)) => Err(format!("{} ended ({status}). Its last words:\n{}", self.name, self.last_words())),
            Err(error) => Err(format!("{} cannot be watched: {error}", self.name)),
        }
    }

    /// Everything it wrote so far.
    pub(crate) fn output(&self) -> String {
        fs::read(&self.log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }

    /// The last lines it wrote.
    pub(crate) fn last_words(&self) -> String {
        let output = self.output();
        let lines: Vec<&str> = output.lines().collect();
        lines[lines.len().saturating_sub(15)..].join("\n")
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends the polite signal and goes on at once.
    pub(crate) fn terminate(&self) {
        // The standard library only knows the impolite one, and the shell's own `kill` is there without any package.
        let _ = Command::new("sh").args(["-c", r#"kill -TERM "$0""#, &self.child.id().to_string()]).status();
    }

    /// Ends it at once.
    pub(crate) fn kill(&mut self) {
        // One that has ended already is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Waits until it ends by itself, at most for `patience`.
    pub(crate) fn wait(&mut self, patience: Duration) -> Option<ExitStatus> {
        let end = Instant::now() + patience;
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) => return Some(status),
                Ok(None) if Instant::now() < end => sleep(Duration::from_millis(20)),
                Ok(None) | Err(_) => return None,
            }
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            self.terminate();
            if self.wait(GRACE).is_none() {
                self.kill();
            }
        }
        let _ = self.watchdog.note("ended", self.child.id());
    }
}
