//! From the start of the process to readiness, and what it holds then.

use std::time::Duration;

use super::process::{Certificates, Process};
use super::statistics::median;
use super::table;

const STARTS: usize = 21;

pub(crate) fn measure() -> anyhow::Result<()> {
    let certificates = Certificates::make()?;
    let (mut times, mut sizes) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        let process = Process::free_webhook(&certificates, &[])?;
        times.push(process.ready_after.as_secs_f64() * 1e3);
        // What is done just after the start belongs to it.
        std::thread::sleep(Duration::from_millis(100));
        sizes.push(process.size("VmRSS")? as f64 / 1024.0);
    }
    let (ready, idle) = (median(&times), median(&sizes));
    let longest = times.iter().copied().fold(0.0, f64::max);
    println!("## Start\n");
    println!("`fork` to the line that says `ready`, seen from outside; medians of {STARTS} starts.\n");
    table::figures();
    table::figure("start to ready", format!("{ready:.1} ms (longest {longest:.1})"), "≤ 30 ms", ready <= 30.0);
    table::figure("resident when idle", format!("{idle:.1} MiB"), "≤ 10 MiB", idle <= 10.0);
    println!();
    Ok(())
}
