//! A target, and a bound on what a small input may cost.

#[path = "../targets/mod.rs"]
mod targets;

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use targets::TARGETS;

/// Nothing up to this size may take longer than [`LONGEST`].
const SMALL: usize = 64 * 1024;
/// Ten milliseconds in an ordinary build; the fuzzer's counts every branch, and most targets also draw what is wrong for people.
const LONGEST: Duration = Duration::from_millis(50);

/// Runs a target, and panics also when a small input takes too much of the processor, three times in a row: once may be the
/// machine's fault, and what other programs take is not counted at all.
pub(crate) fn run(name: &str, data: &[u8]) {
    let Some((_, target)) = TARGETS.iter().find(|(known, _)| *known == name) else { panic!("no target {name}") };
    let cost = || {
        let begun = processor_time();
        target(data);
        processor_time() - begun
    };
    let is_slow = || data.len() <= SMALL && cost() > LONGEST;
    // What is made only once is made by the first input of all.
    assert!(!(is_slow() && is_slow() && is_slow()), "{} bytes take longer than {LONGEST:?}", data.len());
}

/// What this thread has had of a processor so far.
fn processor_time() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec.unsigned_abs(), now.tv_nsec.unsigned_abs() as u32)
}
