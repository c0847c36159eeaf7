//! What a full handshake costs: a burst of calls pays one for each connection.

use std::time::{Duration, Instant};

use super::caller::{Caller, on_one_thread};
use super::process::{Certificates, Process, leave_the_servers_core};
use super::table;

const LASTS: Duration = Duration::from_secs(3);
const CALLERS: usize = 8;

pub(crate) fn measure() -> anyhow::Result<()> {
    leave_the_servers_core()?;
    let certificates = Certificates::make()?;
    let process = Process::webhook(&certificates, &[])?;
    let caller = Caller::new(process.address, &certificates.authority)?;
    let before = process.processor_time()?;
    let begun = Instant::now();
    let handshakes = on_one_thread(async {
        let callers: Vec<_> = (0..CALLERS)
            .map(|_| {
                let caller = caller.clone();
                tokio::spawn(async move {
                    let mut handshakes = 0_u32;
                    while begun.elapsed() < LASTS {
                        drop(caller.connect().await?);
                        handshakes += 1;
                    }
                    Ok::<_, std::io::Error>(handshakes)
                })
            })
            .collect();
        let mut total = 0;
        for caller in callers {
            total += caller.await??;
        }
        Ok(total)
    })?;
    let rate = f64::from(handshakes) / begun.elapsed().as_secs_f64();
    let cost = (process.processor_time()? - before) as f64 / 1e3 / f64::from(handshakes);
    println!("## Handshakes\n");
    println!("TLS 1.3, X25519, a P-256 leaf, none resumed; {CALLERS} callers.\n");
    table::head(["handshakes/s", "CPU µs each", "one core would bear"]);
    table::row(&[format!("{rate:.0}"), format!("{cost:.0}"), format!("{:.0}/s", 1e6 / cost)]);
    println!();
    Ok(())
}
