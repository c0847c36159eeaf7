//! File descriptors: as many as the system grants, and one kept in reserve.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What connections must leave: two listeners, the log, the watch and the files that it reads, the runtime's own, the
/// admin port's connections, and those that are being closed at this moment.
const RESERVED: usize = 40;

/// Raises the limit of this process as far as it may by itself, and gives it; `None` when there is none.
///
/// Container runtimes often leave the soft limit at 1024, for the sake of old programs that use `select`, and the hard one
/// far above it. Go's runtime does the same.
pub(super) fn raise_limit() -> Option<usize> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: maximum, maximum };
    let limit = if current == maximum || setrlimit(Resource::Nofile, raised).is_ok() { maximum } else { current };
    limit.and_then(|limit| limit.try_into().ok())
}

/// How many of `wanted` connections fit into the limit.
pub(super) fn connections_within(limit: Option<usize>, wanted: usize) -> usize {
    limit.map_or(wanted, |limit| wanted.min(limit.saturating_sub(RESERVED).max(1)))
}

/// A descriptor that is given up when there is no other, to accept a connection and close it.
///
/// A connection that nobody accepts waits in the kernel: its caller would not learn before its time-out that it is not
/// wanted, and the listener would be ready, and fail, again and again.
#[derive(Debug)]
pub(super) struct Spare(Option<OwnedFd>);

impl Spare {
    pub(super) const fn none() -> Self {
        Self(None)
    }

    /// Takes one, if there is one to be had: any will do, so it is `source` once more.
    pub(super) fn keep(&mut self, source: impl AsFd) {
        if self.0.is_none() {
            self.0 = source.as_fd().try_clone_to_owned().ok();
        }
    }

    /// Gives it up; false when there was none.
    pub(super) fn give_up(&mut self) -> bool {
        self.0.take().is_some()
    }
}

/// Whether the process, or the whole system, has no descriptors left.
pub(super) fn are_exhausted(error: &io::Error) -> bool {
    [Errno::MFILE, Errno::NFILE].iter().any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::net::TcpListener;

    use rustix::io::Errno;

    use super::{RESERVED, Spare, are_exhausted, connections_within};

    #[test]
    fn connections_leave_descriptors_for_everything_else() {
        assert_eq!(connections_within(None, 2048), 2048);
        assert_eq!(connections_within(Some(1_048_576), 2048), 2048);
        assert_eq!(connections_within(Some(1024), 2048), 1024 - RESERVED);
        assert_eq!(connections_within(Some(64), 2048), 64 - RESERVED);
        assert_eq!(connections_within(Some(10), 2048), 1);
    }

    #[test]
    fn a_spare_is_given_up_once_and_can_be_had_again() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut spare = Spare::none();
        assert!(!spare.give_up());
        spare.keep(&listener);
        assert!(spare.give_up());
        assert!(!spare.give_up());
        spare.keep(&listener);
        assert!(spare.give_up());
    }

    #[test]
    fn tells_a_lack_of_descriptors_from_other_faults() {
        assert!(are_exhausted(&Errno::MFILE.into()) && are_exhausted(&Errno::NFILE.into()));
        assert!(!are_exhausted(&Errno::NOMEM.into()));
        assert!(!are_exhausted(&io::Error::other("something else")));
    }
}
