//! Idle connections.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::Connection;

/// Connections that wait for the next call, the last one used at the end.
pub(super) struct Pool {
    idle: Mutex<Vec<(Instant, Connection)>>,
    limit: usize,
    opened: AtomicU64,
    found_closed: AtomicU64,
}

impl Pool {
    pub(super) fn new(limit: usize, idle_time: Duration) -> Arc<Self> {
        let pool = Arc::new(Self {
            idle: Mutex::default(),
            limit,
            opened: AtomicU64::new(0),
            found_closed: AtomicU64::new(0),
        });
        let watched = Arc::downgrade(&pool);
        tokio::spawn(async move {
            while let Some(pool) = watched.upgrade() {
                pool.idle.lock().unwrap().retain(|(since, _)| since.elapsed() < idle_time);
                drop(pool);
                sleep(idle_time / 100).await;
            }
        });
        pool
    }

    /// The connection that was used last. Those that the server has closed meanwhile are passed over, and counted.
    pub(super) fn take(&self) -> Option<Connection> {
        let mut idle = self.idle.lock().unwrap();
        while let Some((_, connection)) = idle.pop() {
            if !connection.is_closed() {
                return Some(connection);
            }
            self.count_found_closed();
        }
        None
    }

    /// Keeps a connection for later; one too many is closed.
    pub(super) fn put(&self, connection: Connection) {
        let mut idle = self.idle.lock().unwrap();
        if idle.len() < self.limit {
            idle.push((Instant::now(), connection));
        }
    }

    pub(super) fn count_opened(&self) {
        self.opened.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn opened(&self) -> u64 {
        self.opened.load(Ordering::Relaxed)
    }

    pub(super) fn count_found_closed(&self) {
        self.found_closed.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn found_closed(&self) -> u64 {
        self.found_closed.load(Ordering::Relaxed)
    }
}
