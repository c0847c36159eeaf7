//! The whole webhook under load: what a call costs beside a handler that ignores it, what it holds in memory, how long it
//! lasts. `make bench` and `make soak` run it; the output is Markdown.
//!
//! Ratios come from one run: the two servers take turns, second by second, so that whatever else the machine does meets
//! both.
#![allow(clippy::print_stdout, reason = "the tables are the output")]
#![allow(clippy::cast_precision_loss, reason = "counts and sizes become figures for people")]

mod bodies;
mod caller;
mod calls;
mod classify;
mod connections;
mod handshakes;
mod large;
mod null;
mod process;
mod quota;
mod scale;
mod soak;
mod start;
mod statistics;
mod table;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};

/// The allocator of the `tokenward` command, so that the handler that ignores the body has the same.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Measure = fn() -> anyhow::Result<()>;

/// What there is to measure, by the word on the command line.
const PARTS: [(&str, Measure); 8] = [
    ("calls", calls::measure),
    ("handshakes", handshakes::measure),
    ("large", large::measure),
    ("classify", classify::measure),
    ("start", start::measure),
    ("connections", connections::measure),
    ("scale", scale::measure),
    ("quota", quota::measure),
];

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    // The webhook itself, so that both servers are one program.
    if words.first().is_some_and(|word| word == "serve") {
        return tokenward::cli::run();
    }
    match run(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(words: &[String]) -> anyhow::Result<()> {
    match words {
        [word, directory] if word == null::WORD => null::serve(directory.as_ref()),
        [word, seconds, rate] if word == "soak" => {
            let seconds = seconds.parse().context("the first number is that of seconds")?;
            soak::run(Duration::from_secs(seconds), rate.parse().context("the second is that of calls in a second")?)
        }
        words => {
            table::heading();
            for (name, measure) in PARTS {
                if words.is_empty() || words.iter().any(|word| word == name) {
                    measure()?;
                }
            }
            match words.iter().find(|word| PARTS.iter().all(|(name, _)| name != word)) {
                Some(unknown) => bail!("there is nothing to measure by the name of {unknown}"),
                None => Ok(()),
            }
        }
    }
}
