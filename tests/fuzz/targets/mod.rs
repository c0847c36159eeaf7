//! What the fuzz targets do with an input. Each ends with a panic when something is not as it must be.
//!
//! The fuzzer calls [`run_in_time`]; the ordinary tests call [`TARGETS`] for every file of the corpus.

mod http;
mod inventory;
mod manifests;
mod pem;
mod policy;
mod review;

use std::time::{Duration, Instant};

use jiff::Timestamp;

/// Takes an input, and panics when something is not as it must be.
pub(crate) type Target = fn(&[u8]);

/// The targets by name.
pub(crate) const TARGETS: [(&str, Target); 6] = [
    ("review", review::judge),
    ("policy", policy::read),
    ("inventory", inventory::read),
    ("manifests", manifests::judge),
    ("pem", pem::read),
    ("http", http::speak),
];

/// Nothing up to this size may take longer than [`LONGEST`].
const SMALL: usize = 64 * 1024;
const LONGEST: Duration = Duration::from_millis(10);

/// Runs a target, and panics also when a small input takes too long, three times in a row: once may be the machine's fault.
#[allow(dead_code, reason = "the ordinary tests measure no time")]
pub(crate) fn run_in_time(name: &str, data: &[u8]) {
    let Some((_, target)) = TARGETS.iter().find(|(known, _)| *known == name) else { panic!("no target {name}") };
    let time = || {
        let begun = Instant::now();
        target(data);
        begun.elapsed()
    };
    let is_slow = || data.len() <= SMALL && time() > LONGEST;
    // What is made only once is made by the first input of all.
    assert!(!(is_slow() && is_slow() && is_slow()), "{} bytes take longer than {LONGEST:?}", data.len());
}

/// The instant of every decision, so that an input always means the same.
fn now() -> Timestamp {
    Timestamp::from_second(1_790_000_000).unwrap()
}
