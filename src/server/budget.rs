//! Memory for request bodies, shared by all connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The bytes that all bodies in flight may take together.
#[derive(Debug)]
pub(super) struct Budget {
    left: AtomicUsize,
}

/// A body's share of the budget; dropping it gives it back.
#[derive(Debug)]
pub(super) struct Share {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Budget {
    pub(super) fn new(bytes: usize) -> Arc<Self> {
        Arc::new(Self { left: AtomicUsize::new(bytes) })
    }

    /// A share of nothing, to grow as bytes arrive.
    pub(super) fn share(self: &Arc<Self>) -> Share {
        Share { budget: Arc::clone(self), bytes: 0 }
    }
}

impl Share {
    /// Makes it `bytes` large, or leaves it as it is where it is larger; false, and nothing taken, when so many are not left.
    pub(super) fn grow_to(&mut self, bytes: usize) -> bool {
        let more = bytes.saturating_sub(self.bytes);
        let taken =
            self.budget.left.fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| left.checked_sub(more)).is_ok();
        if taken {
            self.bytes += more;
        }
        taken
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.budget.left.fetch_add(self.bytes, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::Budget;

    #[test]
    fn shares_never_exceed_the_budget_and_come_back() {
        let budget = Budget::new(10);
        let mut one = budget.share();
        let mut other = budget.share();
        assert!(one.grow_to(6));
        assert!(!other.grow_to(5));
        assert!(other.grow_to(4));
        assert!(other.grow_to(3));
        drop(one);
        assert!(other.grow_to(10));
        assert!(!other.grow_to(11));
    }
}
