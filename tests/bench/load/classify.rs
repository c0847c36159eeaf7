//! The classifier on large Secrets: linear, and at most twice the cost of parsing the same bytes as JSON.

use std::hint::black_box;
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
    println!(
        "Beside `serde_json` parsing the same bytes and keeping nothing, where they have been found to be UTF-8, and beside the \
         same without a look at that; medians of {ROUNDS} rounds, in turn.\n"
    );
    table::head(["data", "decided in", "parsed in", "ratio", "bar", "", "beside passing over", "time, bar", ""]);
    let (policies, nothing) = (PolicySet::builtin(), Inventory::default());
    for size in [64 * KIB, 256 * KIB, 1000 * KIB, 3072 * KIB] {
        let body = opaque_creation(size);
        let (mut decided, mut parsed, mut skipped) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let begun = Instant::now();
            let answer = policies.answer("restricted", Phase::Validate, &body, &nothing, Timestamp::UNIX_EPOCH);
            decided.push(begun.elapsed().as_secs_f64() * 1e6);
            anyhow::ensure!(answer.context("no review")?.decision.is_allowed(), "an innocent Secret is refused");
            let begun = Instant::now();
            black_box(serde_json::from_str::<IgnoredAny>(std::str::from_utf8(black_box(&body))?)?);
            parsed.push(begun.elapsed().as_secs_f64() * 1e6);
            let begun = Instant::now();
            black_box(serde_json::from_slice::<IgnoredAny>(black_box(&body))?);
            skipped.push(begun.elapsed().as_secs_f64() * 1e6);
        }
        let beside = |others: &[f64]| {
            median(&decided.iter().zip(others).map(|(decided, other)| decided / other).collect::<Vec<_>>())
        };
        let (ratio, passing, decided) = (beside(&parsed), beside(&skipped), median(&decided));
        // The bar is for 1 MB; it is linear.
        let bar = size as f64 / 1000.0;
        table::row(&[
            format!("{} KiB", size / KIB),
            format!("{decided:.0} µs"),
            format!("{:.0} µs", median(&parsed)),
            format!("{ratio:.2}"),
            "≤ 2".to_owned(),
            table::verdict(ratio <= 2.0).to_owned(),
            format!("{passing:.2}"),
            format!("≤ {bar:.0} µs"),
            table::verdict(decided <= bar).to_owned(),
        ]);
    }
    println!();
    Ok(())
}
