//! How many connections are open.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

/// A bounded count of open connections.
#[derive(Debug)]
pub(super) struct Connections {
    open: AtomicUsize,
    limit: usize,
    none_left: Notify,
}

/// A connection that counts; dropping it makes room.
#[derive(Debug)]
pub(super) struct Place(Arc<Connections>);

impl Connections {
    pub(super) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { open: AtomicUsize::new(0), limit, none_left: Notify::new() })
    }

    /// Counts one more; `None` when there is no room.
    pub(super) fn take_place(self: &Arc<Self>) -> Option<Place> {
        let more = |open| (open < self.limit).then_some(open + 1);
        self.open.fetch_update(Ordering::AcqRel, Ordering::Acquire, more).ok().map(|_| Place(Arc::clone(self)))
    }

    pub(super) fn open(&self) -> usize {
        self.open.load(Ordering::Acquire)
    }

    /// Whether more than three quarters of the places are taken.
    pub(super) fn are_crowded(&self) -> bool {
        self.open() > self.limit / 4 * 3
    }

    /// Waits until none is open.
    pub(super) async fn none_left(&self) {
        loop {
            let notified = self.none_left.notified();
            if self.open() == 0 {
                return;
            }
            notified.await;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.0.open.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.none_left.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Connections;

    #[test]
    fn there_is_room_for_as_many_as_the_limit_says() {
        let connections = Connections::new(2);
        let first = connections.take_place();
        let second = connections.take_place();
        assert!(first.is_some() && second.is_some());
        assert!(connections.take_place().is_none());
        drop(first);
        assert!(connections.take_place().is_some());
    }
}
