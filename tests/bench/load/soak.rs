//! Load for a long time, with connections that come and go and files that change: nothing may grow.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use memchr::memmem;
use tokio::time::{Instant, sleep_until};

use super::bodies::{Call, judged_pod, large_pod, legacy_secret, small_pod};
use super::caller::{Caller, request};
use super::process::{Certificates, Process};
use super::statistics::percentile;
use super::table;

const CALLERS: u32 = 20;
/// How many calls a connection lives for, at most.
const LONGEST_LIFE: u64 = 60;
/// The most that memory may grow.
const SLOPE: f64 = 1.0;

/// What the server holds at one moment.
#[derive(Clone, Copy, Debug)]
struct Sample {
    hours: f64,
    resident: f64,
    file_descriptors: usize,
    threads: usize,
}

pub(crate) fn run(lasts: Duration, rate: u32) -> anyhow::Result<()> {
    table::heading();
    let certificates = Certificates::make()?;
    let policies = tempfile::tempdir()?;
    write_policy(policies.path(), 0)?;
    let policy = policies.path().to_str().context("a path that is text")?;
    let mut process = Process::free_webhook(&certificates, &["--policy", policy])?;
    let caller = Caller::new(process.address, &certificates.authority)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let counted = Arc::new(Counted::default());
    let (samples, mut times) = runtime.block_on(async {
        let begun = Instant::now();
        let callers: Vec<_> = (0..CALLERS)
            .map(|index| {
                let interval = Duration::from_secs(1) * CALLERS / rate;
                let first = begun + interval * index / CALLERS;
                tokio::spawn(call_for(
                    caller.clone(),
                    u64::from(index),
                    first,
                    interval,
                    begun + lasts,
                    Arc::clone(&counted),
                ))
            })
            .collect();
        let samples = watch(&process, policies.path(), begun, lasts).await?;
        let mut times = Vec::new();
        for caller in callers {
            times.extend(caller.await??);
        }
        Ok::<_, anyhow::Error>((samples, times))
    })?;
    times.sort_unstable();
    // Connections are gone once the server has seen their end.
    std::thread::sleep(Duration::from_secs(2));
    ensure!(process.is_alive()?, "the server is gone");
    report(&process, lasts, rate, &samples, &times, &counted)
}

/// Takes a sample now and then, and changes the policy file in between.
async fn watch(process: &Process, policies: &Path, begun: Instant, lasts: Duration) -> anyhow::Result<Vec<Sample>> {
    let every = (lasts / 200).clamp(Duration::from_millis(500), Duration::from_secs(10));
    let mut samples = Vec::new();
    for round in 1_u32.. {
        let next = begun + every * round;
        if next > begun + lasts {
            break;
        }
        sleep_until(next).await;
        samples.push(Sample {
            hours: begun.elapsed().as_secs_f64() / 3600.0,
            resident: process.size("VmRSS")? as f64 / 1024.0,
            file_descriptors: process.file_descriptors()?,
            threads: process.threads()?,
        });
        if round % 3 == 0 {
            write_policy(policies, round)?;
        }
    }
    Ok(samples)
}

/// Calls at fixed instants, whatever the answers do. Times count from the instant at which a call was due.
async fn call_for(
    caller: Caller,
    index: u64,
    first: Instant,
    interval: Duration,
    end: Instant,
    counted: Arc<Counted>,
) -> anyhow::Result<Vec<Duration>> {
    let calls: Vec<(Call, Vec<u8>)> = [small_pod(), judged_pod(), legacy_secret(), large_pod()]
        .into_iter()
        .map(|call| (call.clone(), request(call.path, &call.body)))
        .collect();
    let mut times = Vec::new();
    let (mut connection, mut left) = (None, 0);
    let mut due = first;
    for number in 0_u64.. {
        if due >= end {
            break;
        }
        sleep_until(due).await;
        if left == 0 {
            connection = Some(caller.connect().await?);
            counted.connections.fetch_add(1, Ordering::Relaxed);
            // Uneven lives, so that not all end at once.
            left = 1 + (number * 31 + index * 17) % LONGEST_LIFE;
        }
        // One in fifty is large.
        let (call, request) =
            if number % 50 == 49 { &calls[3] } else { &calls[usize::try_from((number + index) % 3)?] };
        let answer = connection.as_mut().context("connected")?.ask(request).await?;
        if answer.status() != "200" || memmem::find(answer.body, call.expected.as_bytes()).is_none() {
            counted.failed.fetch_add(1, Ordering::Relaxed);
        }
        times.push(due.elapsed());
        left -= 1;
        due += interval;
    }
    Ok(times)
}

#[derive(Default)]
struct Counted {
    connections: AtomicU64,
    failed: AtomicU64,
}

/// A policy file with a comment of its own in each version, swapped as a whole.
fn write_policy(directory: &Path, version: u32) -> anyhow::Result<()> {
    let beside = directory.join(".next");
    let policy = "apiVersion: tokenward.dev/v1alpha1\nkind: TokenPolicy\nmetadata: {name: payments}\nspec: {extends: restricted}\n";
    fs::write(&beside, format!("# version {version}\n{policy}"))?;
    Ok(fs::rename(&beside, directory.join("policy.yaml"))?)
}

fn report(
    process: &Process,
    lasts: Duration,
    rate: u32,
    samples: &[Sample],
    times: &[Duration],
    counted: &Counted,
) -> anyhow::Result<()> {
    // The first quarter is for pools and buffers to find their size.
    let settled = &samples[samples.len() / 4..];
    let slope = slope(settled);
    let (first, last) = (settled.first().context("a sample")?, settled.last().context("a sample")?);
    let failed = counted.failed.load(Ordering::Relaxed);
    let range = |values: BTreeSet<usize>| (values.first().copied().unwrap_or(0), values.last().copied().unwrap_or(0));
    let files = range(settled.iter().map(|sample| sample.file_descriptors).collect());
    let threads = range(settled.iter().map(|sample| sample.threads).collect());
    let at_the_end = process.file_descriptors()?;
    let metrics = process.metrics()?;
    let open = metrics.lines().find_map(|line| line.strip_prefix("tokenward_connections ")).unwrap_or("?");

    println!("## Soak: {} s at {rate} calls/s, {CALLERS} callers\n", lasts.as_secs());
    table::figures();
    table::figure("calls", times.len().to_string(), "all that were due", true);
    table::figure("wrong or missing answers", failed.to_string(), "0", failed == 0);
    table::figure("connections made", counted.connections.load(Ordering::Relaxed).to_string(), "-", true);
    let tail = [0.5, 0.99, 0.999, 1.0].map(|share| format!("{:.2}", percentile(times, share) / 1e3)).join(", ");
    table::figure("p50, p99, p99.9, longest, from the due instant, in ms", tail, "-", true);
    table::figure(
        "resident, after a quarter and at the end",
        format!("{:.1}, {:.1} MiB", first.resident, last.resident),
        "-",
        true,
    );
    table::figure("slope of the resident size", format!("{slope:+.2} MiB/h"), "≤ 1 MiB/h", slope <= SLOPE);
    table::figure(
        "file descriptors while running, and after",
        format!("{} to {}, {at_the_end}", files.0, files.1),
        "flat",
        files.1 - files.0 <= CALLERS as usize,
    );
    table::figure("threads", format!("{} to {}", threads.0, threads.1), "flat", threads.1 - threads.0 <= 1);
    table::figure("connections open after the callers left (each is a task)", open.to_owned(), "0", open == "0");
    println!();
    ensure!(failed == 0, "{failed} answers were wrong");
    ensure!(open == "0", "{open} connections are still open");
    Ok(())
}

/// The slope of the resident size by least squares, in MiB an hour.
fn slope(samples: &[Sample]) -> f64 {
    let count = samples.len() as f64;
    let mean = |of: fn(&Sample) -> f64| samples.iter().map(of).sum::<f64>() / count;
    let (hours, resident) = (mean(|sample| sample.hours), mean(|sample| sample.resident));
    let together: f64 = samples.iter().map(|sample| (sample.hours - hours) * (sample.resident - resident)).sum();
    let spread: f64 = samples.iter().map(|sample| (sample.hours - hours).powi(2)).sum();
    together / spread
}
