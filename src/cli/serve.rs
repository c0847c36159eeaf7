//! `tokenward serve`: the webhook.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{SignalKind, signal};

use super::{Exit, Failure};
use crate::certs::{Authority, Names};
use crate::server::{
    CertificateSource, Clients, Drain, Limits, ListenAddress, PolicySource, Server, Settings, StartError,
    parse_go_duration,
};
use crate::telemetry::{LogFormat, LogLevel, Logging};

/// Threads that answer reviews. One review takes some ten microseconds, so more would only cost memory on large nodes.
const MOST_THREADS: usize = 4;
/// Threads for large bodies.
const BLOCKING_THREADS: usize = 8;
const DEV_DAYS: u32 = 1;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Policy file or directory, added to the built-in policies; may be given more than once.
    #[arg(long, value_name = "PATH", env = "TOKENWARD_POLICY", value_delimiter = ',')]
    policy: Vec<PathBuf>,
    /// Inventory of legacy token Secrets, a file or a directory of shards; may be given more than once.
    #[arg(long, value_name = "PATH", env = "TOKENWARD_INVENTORY", value_delimiter = ',')]
    inventory: Vec<PathBuf>,
    /// Directory with tls.crt and tls.key, read again when they change.
    #[arg(long, value_name = "DIR", env = "TOKENWARD_TLS_DIR", required_unless_present = "dev")]
    tls_dir: Option<PathBuf>,
    /// Let in only callers with a certificate of this authority, a PEM file that is read again when it changes.
    #[arg(long, value_name = "FILE", env = "TOKENWARD_CLIENT_CA")]
    client_ca: Option<PathBuf>,
    /// Common name or DNS name that a caller's certificate must have; may be given more than once [default: any].
    #[arg(long, value_name = "NAME", env = "TOKENWARD_CLIENT_NAME", value_delimiter = ',', requires = "client_ca")]
    client_name: Vec<String>,
    /// Make a certificate in memory, listen on the loopback interface, and print a command that posts an example.
    #[arg(long, env = "TOKENWARD_DEV", conflicts_with = "tls_dir")]
    dev: bool,
    /// Where API servers call: an address and a port, or :PORT for every interface [default: :8443, with --dev
    /// 127.0.0.1:8443].
    #[arg(long, value_name = "ADDR:PORT", env = "TOKENWARD_LISTEN")]
    listen: Option<ListenAddress>,
    /// Where probes and metrics are answered in plain HTTP [default: :8080, with --dev 127.0.0.1:8080].
    #[arg(long, value_name = "ADDR:PORT", env = "TOKENWARD_ADMIN_LISTEN")]
    admin_listen: Option<ListenAddress>,
    /// How log lines look [default: human on a terminal, otherwise json].
    #[arg(long, value_enum, env = "TOKENWARD_LOG_FORMAT")]
    log_format: Option<LogFormat>,
    /// What is logged.
    #[arg(long, value_enum, default_value = "info", env = "TOKENWARD_LOG_LEVEL")]
    log_level: LogLevel,
    #[command(flatten)]
    limits: LimitArguments,
    #[command(flatten)]
    drain: DrainArguments,
    /// How often files are compared by content, beside being watched.
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = interval, env = "TOKENWARD_RELOAD_POLL")]
    reload_poll: Duration,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Limits")]
struct LimitArguments {
    /// Largest request body.
    #[arg(long, value_name = "BYTES", default_value = "16Mi", value_parser = bytes, env = "TOKENWARD_BODY_LIMIT")]
    body_limit: usize,
    /// All request bodies in flight together; a review that does not fit is answered 429.
    #[arg(long, value_name = "BYTES", default_value = "64Mi", value_parser = bytes, env = "TOKENWARD_BYTES_IN_FLIGHT")]
    bytes_in_flight: usize,
    /// Reviews in flight; one more is answered 429.
    #[arg(long, value_name = "COUNT", default_value_t = 1024, env = "TOKENWARD_REVIEWS_IN_FLIGHT")]
    reviews_in_flight: usize,
    /// Open connections; for one more the oldest that has not come to a call gives way, or else it is closed at once.
    #[arg(long, value_name = "COUNT", default_value_t = 2048, env = "TOKENWARD_CONNECTIONS")]
    connections: usize,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "End, counted from the first SIGTERM")]
struct DrainArguments {
    /// When answers begin to ask callers to reconnect [default: 5s, with --dev 0s].
    #[arg(long, value_name = "DURATION", value_parser = duration, env = "TOKENWARD_DRAIN_CLOSE_AFTER")]
    drain_close_after: Option<Duration>,
    /// New connections are accepted at least until then [default: 15s, with --dev 0s].
    #[arg(long, value_name = "DURATION", value_parser = duration, env = "TOKENWARD_DRAIN_ACCEPT_FOR")]
    drain_accept_for: Option<Duration>,
    /// Latest end, though connections are still open; API servers keep idle ones for 90s [default: 95s, with --dev 1s].
    #[arg(long, value_name = "DURATION", value_parser = duration, env = "TOKENWARD_DRAIN_LIMIT")]
    drain_limit: Option<Duration>,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let begun = Instant::now();
    let _logging = Logging::start(arguments.log_format, arguments.log_level)?;
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "tokenward starts");
    let settings = settings(arguments)?;
    let runtime = runtime()?;
    let outcome = runtime.block_on(serve(settings, arguments.dev, begun));
    // Nothing that still runs is worth waiting for.
    runtime.shutdown_background();
    outcome
}

async fn serve(settings: Settings, dev: bool, begun: Instant) -> Result<Exit, Failure> {
    let mut terminated = signal(SignalKind::terminate())?;
    let mut interrupted = signal(SignalKind::interrupt())?;
    let mut server = Server::start(settings).map_err(|error| match error {
        // Bare, so that the lines of the file are shown that it is about.
        StartError::Config(error) => anyhow::Error::from(error),
        other => other.into(),
    })?;
    let (address, admin_address) = (server.address(), server.admin_address());
    tracing::info!(%address, %admin_address, milliseconds = begun.elapsed().as_secs_f64() * 1000.0, "ready");
    if dev {
        let example = example(&server);
        // Whether anybody reads it is no concern of whoever calls.
        tokio::task::spawn_blocking(move || drop(anstream::stdout().write_all(example.as_bytes())));
    }
    tokio::select! {
        _ = terminated.recv() => {}
        _ = interrupted.recv() => {}
    }
    server.drain();
    tokio::select! {
        () = server.ended() => return Ok(Exit::Clean),
        _ = terminated.recv() => {}
        _ = interrupted.recv() => {}
    }
    server.stop();
    server.ended().await;
    Ok(Exit::Clean)
}

fn runtime() -> io::Result<Runtime> {
    // This heeds the processor quota of a container.
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    Builder::new_multi_thread()
        .worker_threads(processors.min(MOST_THREADS))
        .max_blocking_threads(BLOCKING_THREADS)
        .thread_name("serve")
        .enable_all()
        .build()
}

fn settings(arguments: &Arguments) -> Result<Settings, Failure> {
    let dev = arguments.dev;
    let certificate = match &arguments.tls_dir {
        Some(directory) => CertificateSource::Directory(directory.clone()),
        None => CertificateSource::Memory(Box::new(Authority::generate(DEV_DAYS)?.issue(&Names::loopback())?.pair()?)),
    };
    let everywhere = |port| if dev { ListenAddress::loopback(port) } else { ListenAddress::Everywhere(port) };
    let usual = if dev { Drain::at_once() } else { Drain::default() };
    let limits = &arguments.limits;
    let drain = &arguments.drain;
    Ok(Settings {
        listen: arguments.listen.unwrap_or(everywhere(8443)),
        admin_listen: arguments.admin_listen.unwrap_or(everywhere(8080)),
        certificate,
        clients: arguments
            .client_ca
            .clone()
            .map(|authority| Clients { authority, names: arguments.client_name.clone() }),
        policies: PolicySource::Files(arguments.policy.clone()),
        inventories: arguments.inventory.clone(),
        limits: Limits {
            body: limits.body_limit,
            bodies: limits.bytes_in_flight,
            reviews: limits.reviews_in_flight,
            connections: limits.connections,
            ..Limits::default()
        },
        drain: Drain {
            close_after: drain.drain_close_after.unwrap_or(usual.close_after),
            accept_for: drain.drain_accept_for.unwrap_or(usual.accept_for),
            limit: drain.drain_limit.unwrap_or(usual.limit),
        },
        poll: arguments.reload_poll,
    })
}

const EXAMPLE: &str = r#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"3f2c6c3e-0d5b-4a57-9d6e-5a3e9c1d7b10","resource":{"group":"","version":"v1","resource":"secrets"},"name":"ci-bot-token","namespace":"team-a","operation":"CREATE","object":{"apiVersion":"v1","kind":"Secret","metadata":{"name":"ci-bot-token","namespace":"team-a","annotations":{"kubernetes.io/service-account.name":"ci-bot"}},"type":"kubernetes.io/service-account-token"}}}"#;

/// `--insecure`, because the authority of this run is known to nobody.
fn example(server: &Server) -> String {
    let (address, admin_address) = (server.address(), server.admin_address());
    format!(
        "tokenward answers reviews on https://{address}, probes and metrics on http://{admin_address}.\n\
         Its certificate was made for this run. Ask about a token Secret, as an API server would:\n\n\
         curl --insecure --header 'Content-Type: application/json' https://{address}/validate/baseline \\\n  \
         --data '{EXAMPLE}'\n\n"
    )
}

fn duration(text: &str) -> Result<Duration, &'static str> {
    parse_go_duration(text).ok_or("expected a duration such as 15s, 500ms or 1m30s")
}

/// A duration that something can be done after again and again.
fn interval(text: &str) -> Result<Duration, &'static str> {
    duration(text)
        .and_then(|length| if length.is_zero() { Err("expected more than nothing, such as 5s") } else { Ok(length) })
}

fn bytes(text: &str) -> Result<usize, &'static str> {
    let (number, unit) = match text.find(|character: char| !character.is_ascii_digit()) {
        Some(end) => text.split_at(end),
        None => (text, ""),
    };
    let unit: usize = match unit {
        "" => 1,
        "Ki" => 1 << 10,
        "Mi" => 1 << 20,
        "Gi" => 1 << 30,
        _ => return Err("expected a number of bytes such as 16777216, 16384Ki or 16Mi"),
    };
    number.parse::<usize>().ok().and_then(|number| number.checked_mul(unit)).ok_or("expected a number of bytes")
}

#[cfg(test)]
mod tests {
    use super::{EXAMPLE, bytes};
    use crate::admission::Request;

    #[test]
    fn reads_bytes_with_binary_units() {
        assert_eq!(bytes("512"), Ok(512));
        assert_eq!(bytes("16Mi"), Ok(16 * 1024 * 1024));
        assert!(bytes("16MB").is_err() && bytes("").is_err() && bytes("99999999999Gi").is_err());
    }

    #[test]
    fn the_example_is_a_review() {
        assert_eq!(Request::parse(EXAMPLE.as_bytes()).unwrap().name, "ci-bot-token");
    }
}
