//! What a whole call costs: TLS, HTTP, parsing, deciding, encoding, logging and counting, beside a handler that reads the
//! body and ignores it. One core for the server, 25 callers on the other.

use std::sync::Arc;
use std::time::Duration;

use super::bodies::{Call, judged_pod, large_pod, legacy_secret, small_pod};
use super::caller::{Caller, Crowd, on_one_thread, shared_request};
use super::process::{Certificates, Process, leave_the_servers_core};
use super::statistics::{median, percentile};
use super::table;

/// As many idle connections as an API server keeps.
const CALLERS: usize = 25;
/// Rounds of either server; medians are taken over them.
const ROUNDS: usize = 11;
const ROUND: Duration = Duration::from_millis(700);

/// What is measured, and the most that it may cost, as a multiple of the handler that ignores it.
fn rows() -> [(Call, f64); 4] {
    [(small_pod(), 1.5), (judged_pod(), 1.5), (legacy_secret(), 1.5), (large_pod(), 1.4)]
}

/// One round.
#[derive(Clone, Copy, Default)]
struct Round {
    /// Microseconds of processor for each call.
    cost: f64,
    /// Calls in a second.
    rate: f64,
    p50: f64,
    p99: f64,
    p999: f64,
}

/// A server and those who call it.
struct Side {
    process: Process,
    crowd: Crowd,
}

impl Side {
    async fn new(process: Process, certificates: &Certificates) -> anyhow::Result<Self> {
        let caller = Caller::new(process.address, &certificates.authority)?;
        Ok(Self { crowd: Crowd::connect(&caller, CALLERS).await?, process })
    }

    async fn round(&mut self, request: &Arc<[u8]>, expected: &'static str) -> anyhow::Result<Round> {
        let before = self.process.processor_time()?;
        let seen = self.crowd.ask(request, expected, ROUND).await?;
        let spent = self.process.processor_time()? - before;
        let calls = seen.times.len() as f64;
        Ok(Round {
            cost: spent as f64 / 1e3 / calls,
            rate: calls / seen.took.as_secs_f64(),
            p50: percentile(&seen.times, 0.5),
            p99: percentile(&seen.times, 0.99),
            p999: percentile(&seen.times, 0.999),
        })
    }
}

pub(crate) fn measure() -> anyhow::Result<()> {
    leave_the_servers_core()?;
    let certificates = Certificates::make()?;
    println!("## A whole call, beside a handler that ignores the body\n");
    println!(
        "{CALLERS} callers, connections kept, one core for the server; medians of {ROUNDS} rounds of {} ms, the two servers in \
         turn. `null` is the handler that ignores the body; a ratio is the median over the rounds.\n",
        ROUND.as_millis()
    );
    on_one_thread(async {
        let mut ours = Side::new(Process::webhook(&certificates, &[])?, &certificates).await?;
        let mut null = Side::new(Process::null(&certificates)?, &certificates).await?;
        table::head([
            "call",
            "CPU µs, null",
            "ratio",
            "bar",
            "",
            "calls/s, null",
            "ratio",
            "bar",
            "",
            "p50, p99, p99.9 µs",
            "null",
            "p99.9 ratio",
            "bar",
            "",
        ]);
        for (call, bar) in rows() {
            let request = shared_request(&call);
            let mut rounds: Vec<(Round, Round)> = Vec::new();
            // The first of each is for warming up.
            for round in 0..=ROUNDS {
                let pair = if round % 2 == 0 {
                    let first = ours.round(&request, call.expected).await?;
                    (first, null.round(&request, "\"allowed\":true").await?)
                } else {
                    let first = null.round(&request, "\"allowed\":true").await?;
                    (ours.round(&request, call.expected).await?, first)
                };
                rounds.push(pair);
            }
            show(&call, bar, &rounds[1..]);
        }
        println!();
        Ok(())
    })
}

fn show(call: &Call, bar: f64, rounds: &[(Round, Round)]) {
    let ours = |of: fn(&Round) -> f64| median(&rounds.iter().map(|(ours, _)| of(ours)).collect::<Vec<_>>());
    let null = |of: fn(&Round) -> f64| median(&rounds.iter().map(|(_, null)| of(null)).collect::<Vec<_>>());
    let ratio =
        |of: fn(&Round) -> f64| median(&rounds.iter().map(|(ours, null)| of(ours) / of(null)).collect::<Vec<_>>());
    let (cost, rate, tail) = (ratio(|round| round.cost), ratio(|round| round.rate), ratio(|round| round.p999));
    let times = |side: &dyn Fn(fn(&Round) -> f64) -> f64| {
        format!("{:.0}, {:.0}, {:.0}", side(|round| round.p50), side(|round| round.p99), side(|round| round.p999))
    };
    table::row(&[
        call.name.to_owned(),
        format!("{:.1}, {:.1}", ours(|round| round.cost), null(|round| round.cost)),
        format!("{cost:.2}"),
        format!("≤ {bar}"),
        table::verdict(cost <= bar).to_owned(),
        format!("{:.0}, {:.0}", ours(|round| round.rate), null(|round| round.rate)),
        format!("{rate:.2}"),
        "≥ 0.8".to_owned(),
        table::verdict(rate >= 0.8).to_owned(),
        times(&ours),
        times(&null),
        format!("{tail:.2}"),
        "≤ 2".to_owned(),
        table::verdict(tail <= 2.0).to_owned(),
    ]);
}
