//! How many connections this process may have open for Taskbell, whatever the number of its endpoints: the file
//! descriptors are the host's.

use super::process_count::{Counted, ProcessCount};
use crate::os;
use std::thread;
use std::time::Duration;

/// The part of the process's descriptors that connections may take.
const PART: u64 = 4;

/// Never fewer than this, so that a host with few descriptors is served one after the other.
const FEWEST: u64 = 4;

/// Never more than this.
const MOST: u64 = 2048;

/// Never more threads of a bell than this send at once.
const MOST_SENDERS: u64 = 256;

/// Descriptors that are left to the host where it uses many itself.
#[cfg(any(unix, test))]
const SPARE: u64 = 64;

/// Between two looks for a free slot; a request waits for another's end.
const PAUSE: Duration = Duration::from_millis(50);

static OPEN: ProcessCount = ProcessCount::new();

#[derive(Debug)]
pub(super) struct ConnectionSlot {
    _counted: Counted,
    /// All slots, when it was taken.
    all: u64,
}

impl ConnectionSlot {
    /// Waits for a slot; `None` when `is_cancelled` says so meanwhile.
    pub(super) fn take(is_cancelled: impl Fn() -> bool) -> Option<ConnectionSlot> {
        loop {
            if is_cancelled() {
                return None;
            }
            let all = limit(os::descriptor_limit());
            if let Some(_counted) = OPEN.add(all) {
                return Some(ConnectionSlot { _counted, all });
            }
            thread::sleep(PAUSE);
        }
    }

    /// Whether more than half of all slots are taken, so that one without use is better given back.
    pub(super) fn is_wanted(&self) -> bool {
        OPEN.get() * 2 > self.all
    }
}

/// How many threads of a bell may send at once: each has a connection, and as many may be open without use.
pub fn most_senders() -> usize {
    ((limit(os::descriptor_limit()) / 2).clamp(FEWEST, MOST_SENDERS)) as usize
}

/// The most connections of a process that may have so many descriptors.
fn limit(descriptors: u64) -> u64 {
    (descriptors / PART).clamp(FEWEST, MOST)
}

/// Whether a new descriptor of this number leaves the host too few: the system gives the lowest that is free, so
/// that all below it are in use. Windows has no such numbers.
#[cfg(any(unix, test))]
pub(super) fn is_too_high(number: u64) -> bool {
    let limit = os::descriptor_limit();
    number >= limit - (limit / 8).min(SPARE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_take_a_part_of_the_descriptors() {
        assert_eq!([16, 1024, 1 << 20].map(limit), [FEWEST, 256, MOST]);
        assert!(limit(u64::MAX) == MOST);
    }

    #[test]
    fn a_cancelled_request_takes_no_slot() {
        assert!(ConnectionSlot::take(|| true).is_none());
    }
}
