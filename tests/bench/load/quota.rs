//! A Pod with a tenth of a core and 30 MiB: ordinary load stays fast, too much of it is turned away, and nothing is killed.
//! Needs control groups and the right to make one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use super::bodies::{large_pod, small_pod};
use super::caller::{Caller, Connection, on_one_thread, shared_request};
use super::process::{Certificates, Process, webhook_command};
use super::statistics::percentile;
use super::table;

const MEMORY: usize = 30 << 20;
const RATE: u32 = 50;
const STEADY: Duration = Duration::from_secs(20);
const OVERLOAD: Duration = Duration::from_secs(10);
const CROWD: usize = 150;

/// Control groups that end with the value.
struct Group {
    directories: Vec<PathBuf>,
}

impl Group {
    fn make() -> anyhow::Result<Self> {
        let root = Path::new("/sys/fs/cgroup");
        let name = format!("tokenward-bench-{}", std::process::id());
        let memory = MEMORY.to_string();
        // Version 2 has one tree, version 1 one for each controller.
        let settings: Vec<(PathBuf, &str, &str)> = if root.join("cgroup.controllers").exists() {
            vec![(root.join(&name), "cpu.max", "10000 100000"), (root.join(&name), "memory.max", &memory)]
        } else {
            vec![
                (root.join("cpu").join(&name), "cpu.cfs_quota_us", "10000"),
                (root.join("memory").join(&name), "memory.limit_in_bytes", &memory),
            ]
        };
        let mut group = Self { directories: Vec::new() };
        for (directory, file, value) in settings {
            if !directory.exists() {
                fs::create_dir(&directory).with_context(|| format!("cannot make {}", directory.display()))?;
                group.directories.push(directory.clone());
            }
            fs::write(directory.join(file), value).with_context(|| format!("cannot set {file}"))?;
        }
        Ok(group)
    }

    /// A command that enters the group before it becomes `words`.
    fn command(&self, words: &[String]) -> Command {
        let enter = |to: &PathBuf| format!("echo $$ > {}/cgroup.procs; ", to.display());
        let enter = self.directories.iter().map(enter).collect::<Vec<_>>().concat();
        let mut command = Command::new("sh");
        command.args(["-c", &format!("{enter}exec \"$@\""), "sh"]).args(words);
        command
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        for directory in &self.directories {
            let _ = fs::remove_dir(directory);
        }
    }
}

pub(crate) fn measure() -> anyhow::Result<()> {
    println!("## Inside a quota of a tenth of a core and 30 MiB\n");
    let group = match Group::make() {
        Ok(group) => group,
        Err(error) => {
            println!("Not measured: {error:#}.\n");
            return Ok(());
        }
    };
    let certificates = Certificates::make()?;
    let mut process = Process::start(group.command(&webhook_command(&certificates, &[])?))?;
    let caller = Caller::new(process.address, &certificates.authority)?;
    table::figures();
    table::figure("start to ready", format!("{:.0} ms", process.ready_after.as_secs_f64() * 1e3), "-", true);

    let times = on_one_thread(steady(&caller))?;
    let [p50, p99, most] = [0.5, 0.99, 1.0].map(|share| percentile(&times, share) / 1e3);
    let what = format!("{RATE} calls/s of 6 KB Pods, p50, p99, longest");
    table::figure(&what, format!("{p50:.2}, {p99:.2}, {most:.2} ms"), "p99 ≤ 10 ms", p99 <= 10.0);

    let outcome = on_one_thread(overload(&caller))?;
    let alive = process.is_alive()?;
    let resident = if alive { process.size("VmHWM")? as f64 / 1024.0 } else { 0.0 };
    let what = format!("{CROWD} callers with 64 KB Pods for {} s", OVERLOAD.as_secs());
    let figure = format!(
        "{} answered, {} told 429 with `Retry-After`, {} told 503 with it, {} otherwise; most resident {resident:.1} MiB",
        outcome.answered, outcome.too_many, outcome.too_late, outcome.other
    );
    table::figure(&what, figure, "not killed, 429", alive && outcome.too_many > 0);
    println!();
    drop(process);
    Ok(())
}

/// Calls at fixed instants over a few connections, one after the other.
async fn steady(caller: &Caller) -> anyhow::Result<Vec<Duration>> {
    let request = shared_request(&small_pod());
    let mut connections = Vec::new();
    for _ in 0..4 {
        connections.push(caller.connect().await?);
        // Handshakes are what costs; as a cluster wakes up, not all at once.
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let interval = Duration::from_secs(1) / RATE;
    let begun = tokio::time::Instant::now();
    let mut times = Vec::new();
    for number in 0_u32.. {
        let due = begun + interval * number;
        if due > begun + STEADY {
            break;
        }
        tokio::time::sleep_until(due).await;
        let connection = &mut connections[number as usize % 4];
        if connection.ask(&request).await?.status() != "200" {
            bail!("an ordinary call is refused");
        }
        times.push(due.elapsed());
    }
    times.sort_unstable();
    Ok(times)
}

/// How calls ended.
#[derive(Default)]
struct Outcome {
    answered: u64,
    too_many: u64,
    too_late: u64,
    other: u64,
}

/// Many callers, each with a large Pod at once, again and again; who is told to come back does so after a second, as the
/// API server does.
async fn overload(caller: &Caller) -> anyhow::Result<Outcome> {
    let request = shared_request(&large_pod());
    let begun = Instant::now();
    let callers: Vec<_> = (0..CROWD)
        .map(|_| {
            let (caller, request) = (caller.clone(), Arc::clone(&request));
            tokio::spawn(async move {
                let mut outcome = Outcome::default();
                let mut connection: Option<Connection> = None;
                while begun.elapsed() < OVERLOAD {
                    if connection.is_none() {
                        connection = caller.connect().await.ok();
                    }
                    let Some(open) = connection.as_mut() else {
                        outcome.other += 1;
                        tokio::time::sleep(Duration::from_millis(200)).await;
                        continue;
                    };
                    let (status, again, closes) = match open.ask(&request).await {
                        Ok(answer) => (answer.status().to_owned(), answer.has_header("retry-after"), answer.closes()),
                        Err(_) => (String::new(), false, true),
                    };
                    match (status.as_str(), again) {
                        ("200", _) => outcome.answered += 1,
                        ("429", true) => outcome.too_many += 1,
                        ("503", true) => outcome.too_late += 1,
                        _ => outcome.other += 1,
                    }
                    if closes {
                        connection = None;
                    }
                    if again {
                        tokio::time::sleep(Duration::from_secs(1)).await;
                    }
                }
                outcome
            })
        })
        .collect();
    let mut total = Outcome::default();
    for caller in callers {
        let its = caller.await?;
        total.answered += its.answered;
        total.too_many += its.too_many;
        total.too_late += its.too_late;
        total.other += its.other;
    }
    Ok(total)
}
