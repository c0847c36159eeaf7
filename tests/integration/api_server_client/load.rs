//! Many calls, each at the time that was meant for it.
//!
//! A caller that waits for one answer before it sends the next call slows down with the server, and then measures little of
//! what real callers, who do not wait for each other, would have felt. So each call is sent at its intended time whatever
//! became of those before it, and its time is counted from there. Only when a great many wait for their answers does the next one
//! wait too, with its time running: a machine that cannot keep up would do nothing but connect otherwise.

#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts of calls are far below what a float holds exactly, and shares lie between 0 and 1"
)]

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep_until};

use super::{Answered, ApiServerClient, Call, Failure};

/// Calls that may wait for their answers at the same time.
const UNANSWERED: usize = 64;

/// Calls that go on in the background until they are stopped.
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    task: JoinHandle<Report>,
}

impl Load {
    /// Begins to make `rate` calls a second. Must be called within a runtime.
    pub(crate) fn start(client: &ApiServerClient, rate: u32, make: fn(u64) -> Call) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let task = tokio::spawn(call_until(Arc::clone(&stop), client.clone(), rate, make));
        Self { stop, task }
    }

    /// Sends no more calls, and waits for the answers to those that were sent.
    pub(crate) async fn stop(self) -> Report {
        self.stop.store(true, Ordering::Relaxed);
        self.task.await.unwrap()
    }
}

async fn call_until(stop: Arc<AtomicBool>, client: ApiServerClient, rate: u32, make: fn(u64) -> Call) -> Report {
    let begun = Instant::now();
    let mut calls = JoinSet::new();
    let unanswered = Arc::new(Semaphore::new(UNANSWERED));
    let mut report = Report::default();
    for number in 0_u64.. {
        let intended = begun + Duration::from_secs(1).mul_f64(number as f64 / f64::from(rate));
        sleep_until(intended).await;
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let client = client.clone();
        let place = Arc::clone(&unanswered).acquire_owned().await.unwrap();
        calls.spawn(async move {
            let _place = place;
            let call = make(number);
            let outcome = client.call(&call).await;
            (call.uid, outcome, intended.elapsed())
        });
        while let Some(done) = calls.try_join_next() {
            report.add(done.unwrap());
        }
    }
    report.took = begun.elapsed();
    while let Some(done) = calls.join_next().await {
        report.add(done.unwrap());
    }
    report
}

/// What came of many calls.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// Calls that got a good answer.
    pub(crate) answered: u64,
    /// Those of them that had to be sent more than once.
    pub(crate) retried: u64,
    /// The others, by uid.
    pub(crate) failed: Vec<(String, Failure)>,
    times: Vec<Duration>,
    took: Duration,
}

impl Report {
    fn add(&mut self, (uid, outcome, time): (String, Result<Answered, Failure>, Duration)) {
        self.times.push(time);
        match outcome {
            Ok(answered) => {
                self.answered += 1;
                self.retried += u64::from(answered.tries > 1);
            }
            Err(failure) => self.failed.push((uid, failure)),
        }
    }

    /// All calls that were sent.
    pub(crate) fn sent(&self) -> u64 {
        self.answered + self.failed.len() as u64
    }

    /// The time from the intended start within which `share` of all calls were answered or had failed.
    pub(crate) fn time_of(&self, share: f64) -> Duration {
        let mut times = self.times.clone();
        times.sort_unstable();
        let index = (times.len() as f64 * share) as usize;
        times.get(index.min(times.len().saturating_sub(1))).copied().unwrap_or_default()
    }

    /// Fails with the whole story when a call was lost, refused, late or answered wrongly.
    #[track_caller]
    pub(crate) fn assert_all_answered(&self) {
        assert!(self.answered > 0, "no call was made");
        let shown: Vec<_> = self.failed.iter().take(5).collect();
        assert!(self.failed.is_empty(), "{self}; the first that failed: {shown:#?}");
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let milliseconds = |share| self.time_of(share).as_secs_f64() * 1000.0;
        write!(
            formatter,
            "{} calls in {:.0} s ({:.0}/s): {} answered, {} of them tried again, {} failed; from the intended start p50 {:.1} ms, \
             p99 {:.1} ms, p99.9 {:.1} ms",
            self.sent(),
            self.took.as_secs_f64(),
            self.sent() as f64 / self.took.as_secs_f64(),
            self.answered,
            self.retried,
            self.failed.len(),
            milliseconds(0.5),
            milliseconds(0.99),
            milliseconds(0.999),
        )
    }
}
