//! Log lines: for people on a terminal, JSON otherwise.

use std::io::{self, IsTerminal as _};
use std::panic;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use super::LogWriter;

/// How a log line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    Human,
    /// One JSON object a line.
    Json,
}

/// What is worth a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum LogLevel {
    /// What needs somebody.
    Error,
    /// What will need somebody.
    Warn,
    /// Also refusals, reloads, start and end.
    Info,
    /// Also every review that was allowed, and connections that failed.
    Debug,
    /// Everything.
    Trace,
}

impl LogLevel {
    const fn filter(self) -> LevelFilter {
        match self {
            Self::Error => LevelFilter::ERROR,
            Self::Warn => LevelFilter::WARN,
            Self::Info => LevelFilter::INFO,
            Self::Debug => LevelFilter::DEBUG,
            Self::Trace => LevelFilter::TRACE,
        }
    }
}

/// The log of this process. Dropping it writes what still waits.
#[derive(Debug)]
pub struct Logging {
    writer: LogWriter,
}

impl Logging {
    /// Sends log lines of this program to standard error, and of its libraries only warnings: what they would say in
    /// detail may repeat what a connection carries.
    ///
    /// # Errors
    /// When no thread can be started, or the process has a log already.
    pub fn start(format: Option<LogFormat>, level: LogLevel) -> io::Result<Self> {
        let terminal = io::stderr().is_terminal();
        let format = format.unwrap_or(if terminal { LogFormat::Human } else { LogFormat::Json });
        let writer = LogWriter::start(io::stderr())?;
        let wanted = level.filter();
        let targets =
            Targets::new().with_target(env!("CARGO_CRATE_NAME"), wanted).with_default(wanted.min(LevelFilter::WARN));
        let layer = tracing_subscriber::fmt::layer().with_writer(writer.clone());
        let layer = match format {
            LogFormat::Human => {
                let colour = terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
                layer.with_ansi(colour).with_target(false).boxed()
            }
            // There are no spans to look for.
            LogFormat::Json => layer
                .json()
                .flatten_event(true)
                .with_target(false)
                .with_current_span(false)
                .with_span_list(false)
                .boxed(),
        };
        tracing_subscriber::registry().with(targets).with(layer).try_init().map_err(io::Error::other)?;
        report_panics_by_place();
        Ok(Self { writer })
    }
}

impl Drop for Logging {
    fn drop(&mut self) {
        self.writer.flush();
    }
}

/// A panic's own message can repeat the text that it tripped over, which may be a Secret's. The place is enough.
fn report_panics_by_place() {
    panic::set_hook(Box::new(|info| {
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "a panic; this is a fault of tokenward");
    }));
}
