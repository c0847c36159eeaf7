//! What the reader sees: 80 columns, in colour where there is any.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::client::{Answer, Denial};
use super::scene::Scene;
use super::yaml;
use crate::policy::Exception;

const COLUMNS: usize = 80;
const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const RED: Style = AnsiColor::BrightRed.on_default().bold();
const YELLOW: Style = AnsiColor::Yellow.on_default().bold();
const GREEN: Style = AnsiColor::Green.on_default().bold();
const CYAN: Style = AnsiColor::Cyan.on_default();

/// Where the demonstration is shown.
pub(super) struct Screen<W> {
    out: W,
}

impl<W: Write> Screen<W> {
    pub(super) fn new(out: W) -> Self {
        Self { out }
    }

    pub(super) fn opening(&mut self, address: SocketAddr) -> io::Result<()> {
        let version = env!("CARGO_PKG_VERSION");
        writeln!(self.out, "{BOLD}tokenward {version}: the webhook at work, without a cluster{BOLD:#}\n")?;
        let text = format!(
            "It listens on https://{address} with a certificate that was made in memory, and is asked as an API server would \
             ask it: AdmissionReviews over TLS. What follows are its answers."
        );
        self.paragraph(&text, 0)
    }

    pub(super) fn scene(&mut self, number: usize, scene: &Scene) -> io::Result<()> {
        let Scene { title, policy, namespace, .. } = scene;
        writeln!(self.out, "\n{BOLD}{number}. {title}{BOLD:#}")?;
        writeln!(self.out, "   {DIM}namespace {namespace}, labelled tokenward.dev/policy: {policy}{DIM:#}")?;
        if scene.is_new {
            for line in scene.manifest.lines() {
                writeln!(self.out, "   {DIM}│{DIM:#} {CYAN}{line}{CYAN:#}")?;
            }
        }
        Ok(())
    }

    pub(super) fn exception(&mut self, exception: &Exception, now: Timestamp) -> io::Result<()> {
        let Exception { name, owner, expires, .. } = exception;
        let ends = if exception.is_expired(now) { "ended on" } else { "ends on" };
        writeln!(self.out, "   {DIM}│{DIM:#} {CYAN}exception {name} of {owner} {ends} {expires}{CYAN:#}")
    }

    pub(super) fn verdict(&mut self, answer: &Answer, is_changed: bool) -> io::Result<()> {
        match &answer.denial {
            Some(Denial { code, message }) => {
                writeln!(self.out, "   {RED}✗ refused{RED:#} {DIM}with HTTP {code}{DIM:#}")?;
                self.paragraph(message, 5)?;
            }
            None if is_changed => writeln!(self.out, "   {GREEN}✓ allowed, and changed{GREEN:#}")?,
            None => match &answer.exceptions {
                Some(names) => writeln!(
                    self.out,
                    "   {GREEN}✓ allowed{GREEN:#} {DIM}by exception {names}, which the audit log notes{DIM:#}"
                )?,
                None => writeln!(self.out, "   {GREEN}✓ allowed{GREEN:#}")?,
            },
        }
        for warning in &answer.warnings {
            writeln!(self.out, "   {YELLOW}! warning{YELLOW:#}")?;
            self.paragraph(warning, 5)?;
        }
        Ok(())
    }

    /// Shows a JSON Patch to `before`.
    pub(super) fn change(&mut self, patch: &[u8], before: &Value) -> io::Result<()> {
        for Operation { op, path, value } in serde_json::from_slice::<Vec<Operation>>(patch)? {
            let field = field_path(&path);
            match before.pointer(&path) {
                Some(old) if op == "replace" => {
                    self.line(YELLOW, '~', &field)?;
                    self.line(YELLOW, ' ', &format!("  {} becomes {}", yaml::flow(old), yaml::flow(&value)))?;
                }
                _ => self.addition(&field, &value)?,
            }
        }
        Ok(())
    }

    fn addition(&mut self, field: &str, value: &Value) -> io::Result<()> {
        let short = format!("{field}: {}", yaml::flow(value));
        if short.len() <= COLUMNS - 5 {
            return self.line(GREEN, '+', &short);
        }
        self.line(GREEN, '+', &format!("{field}:"))?;
        for line in yaml::lines(value, COLUMNS - 7) {
            self.line(GREEN, '+', &format!("  {line}"))?;
        }
        Ok(())
    }

    fn line(&mut self, style: Style, sign: char, text: &str) -> io::Result<()> {
        writeln!(self.out, "   {style}{sign} {text}{style:#}")
    }

    pub(super) fn remark(&mut self, text: &str) -> io::Result<()> {
        self.paragraph(text, 5)
    }

    pub(super) fn closing(&mut self, times: &[Duration], whole: Duration) -> io::Result<()> {
        let slowest = times.iter().max().copied().unwrap_or_default();
        let text = format!(
            "{} answers, the slowest in {:.1} ms; {} ms in all.",
            times.len(),
            slowest.as_secs_f64() * 1000.0,
            whole.as_millis()
        );
        writeln!(self.out, "\n{DIM}{text}{DIM:#}\n\n{BOLD}What next{BOLD:#}")?;
        for (command, what) in NEXT {
            writeln!(self.out, "   {GREEN}{command:<28}{GREEN:#} {what}")?;
        }
        self.out.flush()
    }

    /// Text in lines that fit, `indent` columns from the left.
    fn paragraph(&mut self, text: &str, indent: usize) -> io::Result<()> {
        let mut line = String::new();
        for word in text.split_whitespace() {
            if !line.is_empty() && indent + line.chars().count() + 1 + word.chars().count() > COLUMNS {
                writeln!(self.out, "{:indent$}{line}", "")?;
                line.clear();
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        writeln!(self.out, "{:indent$}{line}", "")
    }
}

const NEXT: [(&str, &str); 5] = [
    ("tokenward review FILE...", "the same verdicts on your own manifests"),
    ("tokenward explain TW101", "why a rule is there, and what to do instead"),
    ("tokenward scan", "the legacy tokens of your cluster"),
    ("tokenward serve --dev", "this webhook, to post reviews to"),
    ("make playground", "a real API server with the webhook installed"),
];

#[derive(Deserialize)]
struct Operation {
    op: String,
    path: String,
    #[serde(default)]
    value: Value,
}

/// A JSON Pointer as Kubernetes writes field paths: `spec.containers[0].volumeMounts`.
fn field_path(pointer: &str) -> String {
    let mut path = String::new();
    for token in pointer.split('/').skip(1) {
        let token = token.replace("~1", "/").replace("~0", "~");
        if token == "-" || token.parse::<usize>().is_ok() {
            let _ = write!(path, "[{}]", token.trim_start_matches('-'));
        } else if token.contains(['.', '/']) {
            let _ = write!(path, "[{token}]");
        } else {
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(&token);
        }
    }
    path
}
