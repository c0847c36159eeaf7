//! The output: Markdown.

use std::fs;

/// What was measured on, and when: figures mean nothing without it.
pub(crate) fn heading() {
    let model = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = model.lines().find_map(|line| line.strip_prefix("model name")?.split(": ").nth(1)).unwrap_or("unknown");
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or_default();
    println!(
        "{} {}, {cores} cores ({model}), Linux {}, load before {load}\n",
        env!("CARGO_PKG_NAME"),
        env!("CARGO_PKG_VERSION"),
        kernel.trim()
    );
}

/// The head of a table.
pub(crate) fn head<const N: usize>(columns: [&str; N]) {
    println!("| {} |", columns.join(" | "));
    println!("|{}", "---|".repeat(N));
}

/// A row of it.
pub(crate) fn row<const N: usize>(cells: &[String; N]) {
    println!("| {} |", cells.join(" | "));
}

/// Whether a figure keeps to its bar.
pub(crate) const fn verdict(holds: bool) -> &'static str {
    if holds { "met" } else { "**not met**" }
}

/// A row of a figure, its bar and whether it is met.
pub(crate) fn figure(what: &str, measured: String, bar: &str, holds: bool) {
    row(&[what.to_owned(), measured, bar.to_owned(), verdict(holds).to_owned()]);
}

/// The head for [`figure`].
pub(crate) fn figures() {
    head(["measure", "figure", "bar", ""]);
}
