//! Waiting for what happens by itself.

use std::fmt::Display;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Asks again and again until `attempt` succeeds, and gives its value; after `patience` the last error ends the test.
#[track_caller]
pub(crate) fn eventually<T, E: Display>(patience: Duration, attempt: impl FnMut() -> Result<T, E>) -> T {
    match try_eventually(patience, attempt) {
        Ok(value) => value,
        Err(error) => panic!("not after {patience:?}: {error}"),
    }
}

/// Like [`eventually`], for where the last error is not the end.
pub(crate) fn try_eventually<T, E>(patience: Duration, mut attempt: impl FnMut() -> Result<T, E>) -> Result<T, E> {
    let end = Instant::now() + patience;
    let mut pause = Duration::from_millis(10);
    loop {
        match attempt() {
            Err(_) if Instant::now() < end => sleep(pause),
            outcome => return outcome,
        }
        pause = (pause * 2).min(Duration::from_millis(200));
    }
}
