//! How many connections this process may have open for Taskbell, whatever the number of its endpoints: the file
//! descriptors are the host's.

use crate::os;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

/// The part of the process's descriptors that connections may take.
const PART: u64 = 4;

/// Never fewer than this, so that a host with few descriptors is served one after the other.
const FEWEST: u64 = 4;

/// Never more than this.
const MOST: u64 = 2048;

/// Descriptors that are left to the host where it uses many itself.
const SPARE: u64 = 64;

/// Between two looks for a free slot; a request waits for another's end.
const PAUSE: Duration = Duration::from_millis(50);

/// The process (as `os::forks` counts it) in the upper half, the open connections in the lower one: a child of
/// `fork` has none of its parent's.
static OPEN: AtomicU64 = AtomicU64::new(0);

#[derive(Debug)]
pub(super) struct ConnectionSlot {
    forks: u32,
}

impl ConnectionSlot {
    /// Waits for a slot; `None` when `is_cancelled` says so meanwhile.
    pub(super) fn take(is_cancelled: impl Fn() -> bool) -> Option<ConnectionSlot> {
        loop {
            if is_cancelled() {
                return None;
            }
            if let Some(slot) = ConnectionSlot::try_take(limit(os::descriptor_limit())) {
                return Some(slot);
            }
            thread::sleep(PAUSE);
        }
    }

    fn try_take(limit: u64) -> Option<ConnectionSlot> {
        let forks = os::forks();
        let next = |now: u64| {
            let open = if now >> 32 == u64::from(forks) { now & u64::from(u32::MAX) } else { 0 };
            (open < limit).then_some(u64::from(forks) << 32 | (open + 1))
        };
        OPEN.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).ok()?;
        Some(ConnectionSlot { forks })
    }

    /// Whether more than half of all slots are taken, so that one without use is better given back.
    pub(super) fn is_wanted(&self) -> bool {
        (OPEN.load(Ordering::Relaxed) & u64::from(u32::MAX)) * 2 > limit(os::descriptor_limit())
    }
}

impl Drop for ConnectionSlot {
    fn drop(&mut self) {
        let forks = u64::from(self.forks);
        let less = |now: u64| (now >> 32 == forks && now as u32 > 0).then(|| now - 1);
        let _ = OPEN.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }
}

/// The most connections of a process that may have so many descriptors.
fn limit(descriptors: u64) -> u64 {
    (descriptors / PART).clamp(FEWEST, MOST)
}

/// Whether a new descriptor of this number leaves the host too few: the system gives the lowest that is free, so
/// that all below it are in use.
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
    fn no_more_slots_are_given_than_the_limit_and_each_comes_back() {
        let open = || OPEN.load(Ordering::Relaxed) & u64::from(u32::MAX);
        let slot = ConnectionSlot::try_take(u64::from(u32::MAX)).unwrap();
        assert!(open() >= 1);
        assert!(ConnectionSlot::try_take(0).is_none());
        assert!(ConnectionSlot::take(|| true).is_none());
        drop(slot);
    }
}
