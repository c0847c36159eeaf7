//! What must hold under load, faults and attack, each promise shown by a test that would fail.
//!
//! `make test` runs a short form of everything here, `make reliability` the full one, which takes minutes. What the full form
//! measured is printed, for `docs/reliability.md`, whose table names the test of each promise.

mod certificates;
mod churn;
mod client_certificates;
mod clocks;
mod crowds;
mod dependencies;
mod log;
mod memory;
mod pauses;
mod policies;
mod process;
mod record;
mod replicas;
mod restarts;
mod retry_after;
mod rolling_restart;
mod service;
mod slow_clients;
mod start;
mod system_calls;
mod wrong_reviews;

use std::env;
use std::fmt::Display;
use std::process::Command;
use std::time::{Duration, Instant};

use tokenward::certs::{Authority, Names};

use super::api_server_client::Habits;
use super::mounted_volume::MountedVolume;
use super::tls_client::Caller;
use super::webhook::{Webhook, command};

/// Far longer than anything takes that is not about time, on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// Whether the full form is wanted.
fn in_full() -> bool {
    env::var_os("TOKENWARD_RELIABILITY").is_some_and(|form| form == "full")
}

/// What the short form takes, or the full one.
fn short_or_full<T>(short: T, full: T) -> T {
    if in_full() { full } else { short }
}

/// Says what was measured for a promise.
#[allow(clippy::print_stdout, reason = "whoever asks for the full form wants to read it")]
fn figure(promise: &str, measured: impl Display) {
    println!("{promise}: {measured}");
}

/// A webhook with a certificate of its own, and a caller that trusts it.
struct Served {
    webhook: Webhook,
    caller: Caller,
    authority: Authority,
    volume: MountedVolume,
}

impl Served {
    fn start(arguments: &[&str]) -> Self {
        Self::start_by(arguments, |command| command)
    }

    /// The same by a command that is changed before it is run.
    fn start_by(arguments: &[&str], change: impl FnOnce(Command) -> Command) -> Self {
        let authority = Authority::generate(1).unwrap();
        let issued = authority.issue(&Names::loopback()).unwrap();
        let volume = MountedVolume::new(&[("tls.crt", &issued.certificate), ("tls.key", &issued.key)]);
        let tls = volume.flag("--tls-dir");
        let arguments = [&[&*tls], arguments].concat();
        let webhook = Webhook::run(change(command(&arguments)));
        let caller = Caller::new(authority.certificate_der(), "localhost");
        Self { webhook, caller, authority, volume }
    }
}

/// The habits of an API server, but with the patience that a machine needs which is busy with other things: what was lost,
/// refused or answered wrongly shows all the same, and how long it took is measured apart.
fn patient() -> Habits {
    Habits { time_allowed: Duration::from_secs(30), ..Habits::default() }
}

/// Waits until something holds that comes about by itself.
#[track_caller]
fn eventually(what: &str, patience: Duration, mut holds: impl FnMut() -> bool) -> Duration {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < patience, "not within {patience:?}: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
    begun.elapsed()
}
