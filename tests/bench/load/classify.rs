//! The classifier on large Secrets: linear, and at most twice the cost of reading the same bytes as JSON.

use std::time::Instant;

use anyhow::Context as _;
use jiff::Timestamp;
use serde::de::IgnoredAny;
use tokenward::policy::{Inventory, Phase, PolicySet};

use super::bodies::opaque_creation;
use super::statistics::median;
use super::table;

const KIB: usize = 1024;
const ROUNDS: usize = 31;

pub(crate) fn measure() -> anyhow::Result<()> {
    println!("## An Opaque Secret at `restricted`, bytes to bytes\n");
    println!("Beside `serde_json` reading the same bytes and keeping nothing; medians of {ROUNDS} rounds, in turn.\n");
    table::head(["data", "decided in", "read in", "ratio", "bar", "", "time, bar", ""]);
    let (policies, nothing) = (PolicySet::builtin(), Inventory::default());
    for size in [64 * KIB, 256 * KIB, 1000 * KIB, 3072 * KIB] {
        let body = opaque_creation(size);
        let (mut decided, mut read) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let begun = Instant::now();
            let answer = policies.answer("restricted", Phase::Validate, &body, &nothing, Timestamp::UNIX_EPOCH);
            decided.push(begun.elapsed().as_secs_f64() * 1e6);
            anyhow::ensure!(answer.context("no review")?.decision.is_allowed(), "an innocent Secret is refused");
            let begun = Instant::now();
            std::hint::black_box(serde_json::from_slice::<IgnoredAny>(std::hint::black_box(&body))?);
            read.push(begun.elapsed().as_secs_f64() * 1e6);
        }
        let ratios: Vec<f64> = decided.iter().zip(&read).map(|(decided, read)| decided / read).collect();
        let (ratio, decided) = (median(&ratios), median(&decided));
        // The bar is for 1 MB; it is linear.
        let bar = size as f64 / 1000.0;
        table::row(&[
            format!("{} KiB", size / KIB),
            format!("{decided:.0} µs"),
            format!("{:.0} µs", median(&read)),
            format!("{ratio:.2}"),
            "≤ 2".to_owned(),
            table::verdict(ratio <= 2.0).to_owned(),
            format!("≤ {bar:.0} µs"),
            table::verdict(decided <= bar).to_owned(),
        ]);
    }
    println!();
    Ok(())
}
