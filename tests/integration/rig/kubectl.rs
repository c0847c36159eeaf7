//! `kubectl`, as a person would run it.

use std::env;
use std::fmt;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::thread;

use serde_json::Value;

/// A `kubectl` command that is still to be run.
pub(crate) struct Kubectl {
    command: Command,
    arguments: Vec<String>,
    stdin: Option<String>,
}

impl Kubectl {
    /// `home` receives kubectl's caches. Nothing of the caller's environment is passed on but `PATH`, where `kubectl diff`
    /// looks for `diff`.
    pub(crate) fn new(program: &Path, home: &Path, kubeconfig: &Path) -> Self {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", env::var_os("PATH").unwrap_or_default())
            .env("HOME", home)
            .env("KUBECONFIG", kubeconfig);
        Self { command, arguments: Vec::new(), stdin: None }
    }

    /// Adds arguments.
    pub(crate) fn args<S: AsRef<str>>(mut self, arguments: impl IntoIterator<Item = S>) -> Self {
        self.arguments.extend(arguments.into_iter().map(|it| it.as_ref().to_owned()));
        self
    }

    /// What `-f -` reads.
    pub(crate) fn stdin(mut self, text: impl Into<String>) -> Self {
        self.stdin = Some(text.into());
        self
    }

    /// Runs it to its end.
    pub(crate) fn run(mut self) -> Output {
        self.command.args(&self.arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = self.command.spawn().unwrap_or_else(|error| {
            panic!("{} does not start: {error}", Path::new(self.command.get_program()).display());
        });
        let stdin = child.stdin.take();
        let text = self.stdin.clone().unwrap_or_default();
        // In a thread of its own: a long text would block us while kubectl blocks on its output.
        let writer = thread::spawn(move || stdin.map(|mut stdin| stdin.write_all(text.as_bytes())));
        let output = child.wait_with_output().unwrap_or_else(|error| panic!("kubectl cannot be waited for: {error}"));
        // A kubectl that did not read its input says why itself.
        let _ = writer.join();
        Output {
            command: format!("kubectl {}", self.arguments.join(" ")),
            stdin: self.stdin,
            status: output.status,
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Runs it and expects success.
    #[track_caller]
    pub(crate) fn ok(self) -> Output {
        self.run().expect_success()
    }

    /// Runs it and expects a failure.
    #[track_caller]
    pub(crate) fn refused(self) -> Output {
        self.run().expect_failure()
    }

    /// Runs it with `-o json` and gives the object.
    #[track_caller]
    pub(crate) fn json(self) -> Value {
        let output = self.args(["-o", "json"]).ok();
        serde_json::from_str(&output.stdout).unwrap_or_else(|error| panic!("no JSON ({error}) from {output}"))
    }
}

/// What `kubectl` said and how it ended. Its `Display` is the whole story, for the message of a failed test.
#[derive(Clone, Debug)]
pub(crate) struct Output {
    command: String,
    stdin: Option<String>,
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Output {
    #[track_caller]
    pub(crate) fn expect_success(self) -> Self {
        assert!(self.status.success(), "should have succeeded: {self}");
        self
    }

    #[track_caller]
    pub(crate) fn expect_failure(self) -> Self {
        assert!(!self.status.success(), "should have been refused: {self}");
        self
    }

    /// The warnings of the API server that kubectl printed, without its own mark.
    pub(crate) fn warnings(&self) -> Vec<&str> {
        self.stderr.lines().filter_map(|line| line.strip_prefix("Warning: ")).collect()
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "$ {} ({})", self.command, self.status)?;
        for (what, text) in
            [("stdin", self.stdin.as_deref().unwrap_or_default()), ("stdout", &self.stdout), ("stderr", &self.stderr)]
        {
            if !text.is_empty() {
                writeln!(f, "--- {what}\n{}", text.trim_end())?;
            }
        }
        Ok(())
    }
}
