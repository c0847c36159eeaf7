//! Many connections in use, and many namespaces: memory and metrics stay within bounds.

use anyhow::ensure;

use super::bodies::{pod, small_pod};
use super::caller::{Caller, on_one_thread, request, shared_request};
use super::process::{Certificates, Process};
use super::table;

const CONNECTIONS: usize = 2000;
const NAMESPACES: usize = 10_000;

pub(crate) fn measure() -> anyhow::Result<()> {
    let certificates = Certificates::make()?;
    println!("## Connections and namespaces\n");
    table::figures();

    let process = Process::free_webhook(&certificates, &[])?;
    let caller = Caller::new(process.address, &certificates.authority)?;
    let call = small_pod();
    let resident = on_one_thread(async {
        let mut connections = Vec::new();
        for _ in 0..CONNECTIONS {
            connections.push(caller.connect().await?);
        }
        let request = shared_request(&call);
        for _ in 0..3 {
            for connection in &mut connections {
                ensure!(connection.ask(&request).await?.status() == "200", "a call fails");
            }
        }
        process.size("VmHWM")
    })? as f64
        / 1024.0;
    let what = format!("most resident with {CONNECTIONS} connections in use");
    table::figure(&what, format!("{resident:.1} MiB"), "≤ 64 MiB", resident <= 64.0);

    let process = Process::free_webhook(&certificates, &[])?;
    let caller = Caller::new(process.address, &certificates.authority)?;
    on_one_thread(async {
        let mut connection = caller.connect().await?;
        for index in 0..NAMESPACES {
            let body = pod(1, 1024, &format!("team-{index}"));
            for path in ["/mutate/baseline?timeout=3s", "/validate/baseline?timeout=3s"] {
                ensure!(connection.ask(&request(path, &body)).await?.status() == "200", "a call fails");
            }
        }
        Ok(())
    })?;
    let series = process.metrics()?.lines().filter(|line| !line.starts_with('#')).count();
    let what = format!("series at /metrics after {NAMESPACES} namespaces");
    table::figure(&what, series.to_string(), "≤ 300", series <= 300);
    println!();
    Ok(())
}
