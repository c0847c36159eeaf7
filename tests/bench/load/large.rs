//! Large Secrets over the wire, one at a time and eight at once: right answers in bounded memory.

use std::time::Instant;

use anyhow::bail;

use super::bodies::{opaque_creation, opaque_update};
use super::caller::{Caller, on_one_thread, request};
use super::process::{Certificates, Process};
use super::table;

const MIB: usize = 1 << 20;
/// The most that the server may hold while it takes eight updates of 3 MiB each, in KiB.
const BAR: u64 = 128 * 1024;
const PATH: &str = "/validate/restricted?timeout=10s";

pub(crate) fn measure() -> anyhow::Result<()> {
    let certificates = Certificates::make()?;
    println!("## Large Secrets\n");
    table::head(["request", "body", "answered in", "most resident", "bar", ""]);
    for (name, body, at_once) in [
        ("CREATE of 3 MiB", opaque_creation(3 * MIB), 1),
        ("UPDATE of 3 + 3 MiB", opaque_update(3 * MIB), 1),
        ("UPDATE of 3 + 3 MiB, 8 at once", opaque_update(3 * MIB), 8),
    ] {
        let process = Process::free_webhook(&certificates, &[])?;
        let caller = Caller::new(process.address, &certificates.authority)?;
        let request: std::sync::Arc<[u8]> = request(PATH, &body).into();
        let longest = on_one_thread(async {
            let callers: Vec<_> = (0..at_once)
                .map(|_| {
                    let (caller, request) = (caller.clone(), std::sync::Arc::clone(&request));
                    tokio::spawn(async move {
                        let mut connection = caller.connect().await?;
                        let begun = Instant::now();
                        let answer = connection.ask(&request).await?;
                        if answer.status() != "200"
                            || !String::from_utf8_lossy(answer.body).contains("\"allowed\":true")
                        {
                            bail!("{} {}", answer.status(), String::from_utf8_lossy(answer.body));
                        }
                        Ok(begun.elapsed())
                    })
                })
                .collect();
            let mut longest = std::time::Duration::ZERO;
            for caller in callers {
                longest = longest.max(caller.await??);
            }
            Ok(longest)
        })?;
        let resident = process.size("VmHWM")?;
        table::row(&[
            name.to_owned(),
            format!("{:.1} MiB", body.len() as f64 / MIB as f64),
            format!("{:.1} ms", longest.as_secs_f64() * 1e3),
            format!("{:.1} MiB", resident as f64 / 1024.0),
            "≤ 128 MiB".to_owned(),
            table::verdict(resident <= BAR).to_owned(),
        ]);
    }
    println!();
    Ok(())
}
