//! Files that are read again when they change: certificate, policies and inventory, all in the same way.
//!
//! The directory is watched, because the kubelet swaps a link in it and never touches the files; and every few seconds the
//! content is compared, because a watch can go deaf. What cannot be read or makes no sense is counted and logged, and the
//! last good version stays.

use std::collections::BTreeSet;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use notify::event::{AccessKind, AccessMode};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};

use super::fingerprint::Fingerprint;
use crate::certs::CertificateResolver;
use crate::telemetry::{Metrics, Reloaded};

/// Files that belong together are seldom written at one instant.
const SETTLE: Duration = Duration::from_millis(100);
/// How often a certificate that is near its end is spoken of.
const REMIND: Duration = Duration::from_hours(1);

/// Files, and how to take them over.
pub(super) struct Source {
    what: Reloaded,
    paths: Vec<PathBuf>,
    seen: Fingerprint,
    take_over: TakeOver,
    failing: Option<String>,
}

/// Reads the files and publishes what they hold. Says in a few words what that is, or why it cannot be had.
type TakeOver = Box<dyn Fn() -> Result<String, String> + Send>;

impl Source {
    /// Files that were read for the first time after `seen` was taken.
    pub(super) fn new(
        what: Reloaded,
        paths: Vec<PathBuf>,
        seen: Fingerprint,
        take_over: impl Fn() -> Result<String, String> + Send + 'static,
    ) -> Self {
        Self { what, paths, seen, take_over: Box::new(take_over), failing: None }
    }

    /// Takes the files over if they are not what they were.
    ///
    /// What failed is tried again although it has not changed: the fault may have been that of a moment. That is said
    /// and counted only when it comes to something else.
    fn check(&mut self, metrics: &Metrics) {
        let now = Fingerprint::of(&self.paths);
        let changed = now != self.seen;
        if !changed && self.failing.is_none() {
            return;
        }
        self.seen = now;
        let what = self.what.as_str();
        // A panic would end the thread, and the certificate would never be read again.
        let taken_over = catch_unwind(AssertUnwindSafe(&self.take_over));
        match taken_over.unwrap_or_else(|_| Err("a fault of tokenward".to_owned())) {
            Ok(holds) => {
                tracing::info!(what, holds, "reloaded");
                metrics.reloaded(self.what, true);
                self.failing = None;
            }
            Err(reason) => {
                if changed || self.failing.as_ref() != Some(&reason) {
                    tracing::error!(what, reason, "cannot reload; what was good last goes on");
                    metrics.reloaded(self.what, false);
                }
                self.failing = Some(reason);
            }
        }
    }

    /// The directories whose entries matter.
    fn directories(&self) -> impl Iterator<Item = &Path> {
        self.paths.iter().map(|path| {
            if path.is_dir() {
                return path.as_path();
            }
            path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
        })
    }
}

enum Message {
    Changed,
    Stop,
}

/// The thread that watches. Dropping it ends the thread.
pub(super) struct Reloader {
    messages: Sender<Message>,
}

impl Drop for Reloader {
    fn drop(&mut self) {
        // The thread can only be gone already.
        let _ = self.messages.send(Message::Stop);
    }
}

/// What the thread works with.
pub(super) struct Watch {
    pub(super) sources: Vec<Source>,
    pub(super) certificate: Arc<CertificateResolver>,
    pub(super) metrics: Metrics,
    pub(super) poll: Duration,
}

impl Watch {
    /// Starts watching, if there is anything to watch.
    pub(super) fn start(self) -> io::Result<Option<Reloader>> {
        if self.sources.is_empty() {
            return Ok(None);
        }
        let (messages, received) = channel();
        let events = messages.clone();
        thread::Builder::new().name("reload".to_owned()).spawn(move || self.run(events, &received))?;
        Ok(Some(Reloader { messages }))
    }

    fn run(mut self, events: Sender<Message>, received: &Receiver<Message>) {
        let watcher = watcher(&self.sources, events);
        if let Err(error) = &watcher {
            tracing::warn!(%error, "directories cannot be watched; files are only compared from time to time");
        }
        let mut reminded = None;
        loop {
            remind_of_the_end(&self.certificate, &mut reminded);
            match received.recv_timeout(self.poll) {
                Err(RecvTimeoutError::Timeout) => {}
                Ok(Message::Changed) => thread::sleep(SETTLE),
                Ok(Message::Stop) | Err(RecvTimeoutError::Disconnected) => return,
            }
            let begun = Instant::now();
            // Whatever happened until here is seen by the check; what happens during it asks for another one.
            if received.try_iter().any(|message| matches!(message, Message::Stop)) {
                return;
            }
            for source in &mut self.sources {
                source.check(&self.metrics);
            }
            // Files that are large and change all the time must not take a whole processor.
            thread::sleep(begun.elapsed() * 4);
        }
    }
}

fn watcher(sources: &[Source], events: Sender<Message>) -> notify::Result<RecommendedWatcher> {
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        if event.is_ok_and(|event| is_read(event.kind)) {
            return;
        }
        // The thread can only be gone already.
        let _ = events.send(Message::Changed);
    })?;
    let directories: BTreeSet<&Path> = sources.iter().flat_map(Source::directories).collect();
    for directory in directories {
        watcher.watch(directory, RecursiveMode::NonRecursive)?;
    }
    Ok(watcher)
}

/// Our own reading must not ask for more of it.
fn is_read(kind: EventKind) -> bool {
    matches!(kind, EventKind::Access(access) if access != AccessKind::Close(AccessMode::Write))
}

/// Says at once, and then every hour, that the certificate is near its end or beyond it.
fn remind_of_the_end(certificate: &CertificateResolver, reminded: &mut Option<Instant>) {
    if reminded.is_some_and(|last| last.elapsed() < REMIND) {
        return;
    }
    let now = Timestamp::now();
    let pair = certificate.current();
    let leaf = pair.leaf();
    let ends = leaf.not_after.to_string();
    if leaf.has_ended(now) {
        tracing::error!(ends, "the serving certificate has ended; API servers refuse it");
    } else if leaf.is_near_its_end(now) {
        tracing::warn!(ends, hours_left = leaf.seconds_left(now) / 3600, "the serving certificate is near its end");
    } else {
        return;
    }
    *reminded = Some(Instant::now());
}
