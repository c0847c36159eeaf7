//! A large cluster: 100 000 legacy Secrets in shards, 10 000 exceptions, 100 policies. A decision must not notice.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use jiff::Timestamp;
use tokenward::config;
use tokenward::policy::{Inventory, Phase, PolicySet};

use super::bodies::{Call, legacy_secret, small_pod};
use super::caller::{Caller, Crowd, on_one_thread, shared_request};
use super::process::{Certificates, Process, leave_the_servers_core};
use super::statistics::{median, percentile};
use super::table;

const SECRETS: usize = 100_000;
const SHARDS: usize = 10;
const EXCEPTIONS: usize = 10_000;
const POLICIES: usize = 100;
const NAMESPACES: usize = 2000;
const ROUNDS: usize = 31;
const REPEATS: u32 = 200;

pub(crate) fn measure() -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    let (policy, inventory, yaml) =
        (directory.path().join("policy"), directory.path().join("inventory"), directory.path().join("yaml"));
    for folder in [&policy, &inventory, &yaml] {
        fs::create_dir(folder)?;
    }
    write_policies(&policy)?;
    write_inventory(&inventory, &yaml)?;

    println!("## Scale: {SECRETS} legacy Secrets, {EXCEPTIONS} exceptions, {POLICIES} policies\n");
    table::figures();
    let begun = Instant::now();
    let policies = config::load_policies(std::slice::from_ref(&policy))?;
    loaded("policies and exceptions, YAML", begun.elapsed());
    let begun = Instant::now();
    let secrets = config::load_inventory(std::slice::from_ref(&inventory))?;
    loaded("inventory, JSON", begun.elapsed());
    let begun = Instant::now();
    ensure!(config::load_inventory(std::slice::from_ref(&yaml))? == secrets, "the two inventories differ");
    loaded("inventory, YAML as `tokenward scan` writes it", begun.elapsed());
    decide(&policies, &secrets);
    resident(&policy, &inventory)?;
    println!();
    swap(&policy, &inventory)
}

fn loaded(what: &str, took: Duration) {
    let milliseconds = took.as_secs_f64() * 1e3;
    table::figure(&format!("load: {what}"), format!("{milliseconds:.0} ms"), "≤ 1000 ms", milliseconds <= 1e3);
}

/// Times decisions with all of it and with nothing, in turn.
fn decide(policies: &PolicySet, secrets: &Inventory) {
    let (no_policies, no_secrets) = (PolicySet::builtin(), Inventory::default());
    for (call, phase, policy) in
        [(legacy_secret(), Phase::Validate, "restricted"), (small_pod(), Phase::Validate, "restricted")]
    {
        let time = |policies: &PolicySet, secrets: &Inventory| {
            let begun = Instant::now();
            for _ in 0..REPEATS {
                std::hint::black_box(policies.answer(policy, phase, &call.body, secrets, Timestamp::UNIX_EPOCH)).ok();
            }
            begun.elapsed().as_secs_f64() * 1e6 / f64::from(REPEATS)
        };
        let (mut with, mut without, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let pair = (time(policies, secrets), time(&no_policies, &no_secrets));
            with.push(pair.0);
            without.push(pair.1);
            ratios.push(pair.0 / pair.1);
        }
        let ratio = median(&ratios);
        table::figure(
            &format!("decision on {}", described(&call)),
            format!("{:.1} µs, {:.1} without; ratio {ratio:.2}", median(&with), median(&without)),
            "≤ 1.2",
            ratio <= 1.2,
        );
    }
}

fn described(call: &Call) -> String {
    format!("a {}", call.name.trim_start_matches("patched ").trim_start_matches("denied "))
}

fn resident(policy: &Path, inventory: &Path) -> anyhow::Result<()> {
    let certificates = Certificates::make()?;
    let size = |arguments: &[&str]| {
        let process = Process::free_webhook(&certificates, arguments)?;
        std::thread::sleep(Duration::from_millis(300));
        Ok::<_, anyhow::Error>((
            process.size("VmRSS")? as f64 / 1024.0,
            process.size("VmHWM")? as f64 / 1024.0,
            process.ready_after,
        ))
    };
    let (empty, _, _) = size(&[])?;
    let (policy, inventory) = (text(policy)?, text(inventory)?);
    let (full, most, ready) = size(&["--policy", policy, "--inventory", inventory])?;
    let figure = format!("{full:.1} MiB ({most:.1} while loading), {empty:.1} without");
    table::figure("resident", figure, "≤ 128 MiB", most <= 128.0);
    table::figure(
        "start to ready",
        format!("{:.0} ms", ready.as_secs_f64() * 1e3),
        "≤ 2000 ms",
        ready < Duration::from_secs(2),
    );
    Ok(())
}

fn text(path: &Path) -> anyhow::Result<&str> {
    path.to_str().context("a path that is text")
}

/// Swaps both under load: first without, then with a swap every half second.
fn swap(policy: &Path, inventory: &Path) -> anyhow::Result<()> {
    const LASTS: Duration = Duration::from_secs(5);
    leave_the_servers_core()?;
    let certificates = Certificates::make()?;
    let process = Process::free_webhook(&certificates, &["--policy", text(policy)?, "--inventory", text(inventory)?])?;
    let caller = Caller::new(process.address, &certificates.authority)?;
    let call = legacy_secret();
    let request = shared_request(&call);
    println!("Swapped under load, 25 callers, the reader of the files on the same two cores:\n");
    table::head(["", "calls", "p50 µs", "p99 µs", "p99.9 µs", "longest ms", "reloads"]);
    on_one_thread(async {
        let mut crowd = Crowd::connect(&caller, 25).await?;
        for swapped in [false, true] {
            let stop = Arc::new(std::sync::atomic::AtomicBool::new(!swapped));
            let swapper = {
                let (stop, policy, inventory) = (Arc::clone(&stop), policy.to_owned(), inventory.to_owned());
                std::thread::spawn(move || rewrite_until(&stop, &[policy, inventory]))
            };
            let before = reloads(&process)?;
            let seen = crowd.ask(&request, call.expected, LASTS).await?;
            stop.store(true, std::sync::atomic::Ordering::Relaxed);
            swapper.join().map_err(|_| anyhow::anyhow!("the swapper ended in a panic"))??;
            table::row(&[
                if swapped { "swapped".to_owned() } else { "left alone".to_owned() },
                seen.times.len().to_string(),
                format!("{:.0}", percentile(&seen.times, 0.5)),
                format!("{:.0}", percentile(&seen.times, 0.99)),
                format!("{:.0}", percentile(&seen.times, 0.999)),
                format!("{:.1}", percentile(&seen.times, 1.0) / 1e3),
                (reloads(&process)? - before).to_string(),
            ]);
        }
        Ok(())
    })?;
    println!();
    Ok(())
}

fn reloads(process: &Process) -> anyhow::Result<u64> {
    let metrics = process.metrics()?;
    let counts = metrics.lines().filter(|line| line.starts_with("tokenward_reload_total") && line.contains("\"ok\""));
    counts.map(|line| Ok(line.rsplit(' ').next().unwrap_or_default().parse::<u64>()?)).sum()
}

/// Changes one file of each directory, as a whole, every half second.
fn rewrite_until(stop: &std::sync::atomic::AtomicBool, directories: &[std::path::PathBuf]) -> anyhow::Result<()> {
    let mut round = 0;
    while !stop.load(std::sync::atomic::Ordering::Relaxed) {
        round += 1;
        for directory in directories {
            let first = fs::read_dir(directory)?.next().context("a file")??.path();
            let content = fs::read_to_string(&first)?;
            let beside = directory.with_extension("next");
            fs::write(&beside, format!("{}{}", content.trim_end(), "\n".repeat(1 + round % 2)))?;
            fs::rename(&beside, &first)?;
        }
        std::thread::sleep(Duration::from_millis(500));
    }
    Ok(())
}

fn write_policies(directory: &Path) -> anyhow::Result<()> {
    let mut policies = String::new();
    for index in 0..POLICIES {
        writeln!(
            policies,
            "---\napiVersion: tokenward.dev/v1alpha1\nkind: TokenPolicy\nmetadata: {{name: team-{index}}}\nspec: {{extends: restricted}}"
        )?;
    }
    fs::write(directory.join("policies.yaml"), policies)?;
    // A fifth of them by globs: of the Secret, of the namespace, or of both.
    for (file, range) in (0..EXCEPTIONS).collect::<Vec<_>>().chunks(EXCEPTIONS / 5).enumerate() {
        let mut exceptions = String::new();
        for index in range {
            let namespace = match index % 20 {
                0 => format!("\"team-{}-*\"", index % NAMESPACES),
                1 => "\"*\"".to_owned(),
                _ => format!("team-{}", index % NAMESPACES),
            };
            let secret =
                if index % 10 == 2 || index % 20 == 0 { format!("\"bot-{index}-*\"") } else { format!("bot-{index}") };
            writeln!(
                exceptions,
                "---\napiVersion: tokenward.dev/v1alpha1\nkind: TokenException\nmetadata: {{name: exception-{index}}}\nspec:\n  \
                 rules: [legacy-token-secret, legacy-token-reference]\n  namespace: {namespace}\n  secret: {secret}\n  \
                 serviceAccount: bot-{index}\n  reason: migration in progress\n  owner: team-{index}@example.com\n  expires: 2027-06-30"
            )?;
        }
        fs::write(directory.join(format!("exceptions-{file}.yaml")), exceptions)?;
    }
    Ok(())
}

fn write_inventory(json: &Path, yaml: &Path) -> anyhow::Result<()> {
    let entries: Vec<_> = (0..SECRETS)
        .map(|index| config::InventoryEntry {
            namespace: format!("team-{}", index % NAMESPACES).into(),
            name: format!("bot-{index}-token-x2b9k").into(),
            service_account: format!("bot-{index}").into(),
        })
        .collect();
    for (shard, entries) in entries.chunks(SECRETS / SHARDS).enumerate() {
        let document = config::InventoryDocument::new(Timestamp::UNIX_EPOCH, entries.to_vec());
        fs::write(json.join(format!("shard-{shard}.json")), serde_json::to_vec(&document)?)?;
        fs::write(yaml.join(format!("shard-{shard}.yaml")), document.to_yaml())?;
    }
    Ok(())
}
