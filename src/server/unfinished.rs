//! Connections that have not come to anything yet: their handshake is not over, or without TLS their first request has not
//! begun.
//!
//! They are bounded by themselves, and where they are too many the oldest gives way to the newest: first of those that have
//! not sent a byte, then of the others. A caller that means it speaks at once and is through within milliseconds; whoever only
//! opens connections, however many, pushes out its own.

use std::collections::BTreeMap;
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use tokio::sync::oneshot;

use super::connections::Place;

/// All of them, the oldest first.
#[derive(Debug)]
pub(super) struct Unfinished {
    queue: Mutex<Queue>,
    limit: usize,
}

#[derive(Debug, Default)]
struct Queue {
    last: u64,
    silent: BTreeMap<u64, Waiting>,
    speaking: BTreeMap<u64, Waiting>,
}

#[derive(Debug)]
struct Waiting {
    place: Place,
    /// Never sent on when the connection comes to something: then it is only dropped.
    push_out: oneshot::Sender<()>,
}

impl Unfinished {
    pub(super) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { queue: Mutex::default(), limit })
    }

    /// Puts a new connection at the end of the queue; when that is full its oldest is pushed out.
    pub(super) fn begin(self: &Arc<Self>, place: Place) -> (Turn, PushedOut) {
        let (push_out, pushed_out) = oneshot::channel();
        let mut queue = self.queue();
        if queue.silent.len() + queue.speaking.len() >= self.limit {
            queue.push_out_oldest();
        }
        queue.last += 1;
        let number = queue.last;
        queue.silent.insert(number, Waiting { place, push_out });
        let turn = Turn { unfinished: Arc::clone(self), number, place: OnceLock::new() };
        (turn, PushedOut(pushed_out))
    }

    /// Pushes the oldest out and gives its place, if there is one.
    pub(super) fn oldest_gives_way(&self) -> Option<Place> {
        self.queue().push_out_oldest()
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    fn push_out_oldest(&mut self) -> Option<Place> {
        let (_, oldest) = self.silent.pop_first().or_else(|| self.speaking.pop_first())?;
        // Its task may have ended on its own at this moment.
        let _ = oldest.push_out.send(());
        Some(oldest.place)
    }

    fn remove(&mut self, number: u64) -> Option<Waiting> {
        self.silent.remove(&number).or_else(|| self.speaking.remove(&number))
    }
}

/// A connection's own hold on its place, first in the queue and then for good. Dropping it gives the place back.
#[derive(Debug)]
pub(super) struct Turn {
    unfinished: Arc<Unfinished>,
    number: u64,
    place: OnceLock<Place>,
}

impl Turn {
    /// Has sent something.
    pub(super) fn speaks(&self) {
        let mut queue = self.unfinished.queue();
        if let Some(waiting) = queue.silent.remove(&self.number) {
            queue.speaking.insert(self.number, waiting);
        }
    }

    /// Leaves the queue, since the connection has come to something; false when it was pushed out before.
    pub(super) fn finish(&self) -> bool {
        if self.place.get().is_some() {
            return true;
        }
        let Some(waiting) = self.unfinished.queue().remove(self.number) else { return false };
        self.place.set(waiting.place).is_ok()
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if self.place.get().is_none() {
            self.unfinished.queue().remove(self.number);
        }
    }
}

/// Tells a connection that its place has gone to another.
pub(super) struct PushedOut(oneshot::Receiver<()>);

impl PushedOut {
    /// Ready when that happens, and never otherwise.
    pub(super) async fn happened(self) {
        if self.0.await.is_err() {
            pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Turn, Unfinished};
    use crate::server::connections::Connections;

    fn begin(connections: &Arc<Connections>, unfinished: &Arc<Unfinished>) -> Turn {
        let place = connections.take_place().or_else(|| unfinished.oldest_gives_way());
        unfinished.begin(place.expect("room")).0
    }

    #[test]
    fn the_oldest_gives_way_to_the_newest() {
        let connections = Connections::new(10);
        let unfinished = Unfinished::new(2);
        let [first, second, third] = [(); 3].map(|()| begin(&connections, &unfinished));
        assert!(!first.finish());
        assert!(second.finish() && second.finish() && third.finish());
        assert_eq!(connections.open(), 2);
    }

    #[test]
    fn whoever_says_nothing_gives_way_before_those_who_speak() {
        let connections = Connections::new(10);
        let unfinished = Unfinished::new(3);
        let [first, second, third] = [(); 3].map(|()| begin(&connections, &unfinished));
        first.speaks();
        third.speaks();
        let [fourth, fifth] = [(); 2].map(|()| begin(&connections, &unfinished));
        assert!(!second.finish() && !fourth.finish(), "the silent ones are gone");
        fifth.speaks();
        let sixth = begin(&connections, &unfinished);
        assert!(!first.finish(), "where all speak, the oldest");
        assert!(third.finish() && fifth.finish() && sixth.finish());
    }

    #[test]
    fn what_has_come_to_something_stays() {
        let connections = Connections::new(2);
        let unfinished = Unfinished::new(2);
        let [first, second] = [(); 2].map(|()| begin(&connections, &unfinished));
        assert!(first.finish());
        let third = begin(&connections, &unfinished);
        assert!(!second.finish() && third.finish());
        assert!(unfinished.oldest_gives_way().is_none());
        assert_eq!(connections.open(), 2);
    }

    #[test]
    fn a_place_comes_back_whenever_the_connection_ends() {
        let connections = Connections::new(2);
        let unfinished = Unfinished::new(2);
        let [unused, used] = [(); 2].map(|()| begin(&connections, &unfinished));
        used.finish();
        drop((unused, used));
        assert_eq!(connections.open(), 0);
        assert!(unfinished.oldest_gives_way().is_none());
    }

    #[tokio::test]
    async fn only_who_is_pushed_out_is_told_so() {
        let connections = Connections::new(2);
        let unfinished = Unfinished::new(1);
        let place = || connections.take_place().unwrap();
        let (_first, first_out) = unfinished.begin(place());
        let (second, second_out) = unfinished.begin(place());
        first_out.happened().await;
        second.finish();
        let waited = tokio::time::timeout(std::time::Duration::from_millis(50), second_out.happened()).await;
        assert!(waited.is_err());
    }
}
