//! What a whole process has of something, counted without a lock.

use crate::os;
use std::sync::atomic::{AtomicU64, Ordering};

/// The process (as `os::forks` counts it) in the upper half, the count in the lower one: a child of `fork` has
/// none of its parent's.
#[derive(Debug)]
pub(super) struct ProcessCount(AtomicU64);

/// One of those counted, until it is dropped.
#[derive(Debug)]
pub(super) struct Counted {
    all: &'static ProcessCount,
    forks: u32,
}

impl ProcessCount {
    pub(super) const fn new() -> ProcessCount {
        ProcessCount(AtomicU64::new(0))
    }

    /// One more, unless so many are counted already.
    pub(super) fn add(&'static self, limit: u64) -> Option<Counted> {
        let forks = os::forks();
        let next = |now: u64| {
            let count = if now >> 32 == u64::from(forks) { now & u64::from(u32::MAX) } else { 0 };
            (count < limit).then_some(u64::from(forks) << 32 | (count + 1))
        };
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).ok()?;
        Some(Counted { all: self, forks })
    }

    pub(super) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed) & u64::from(u32::MAX)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let forks = u64::from(self.forks);
        let less = |now: u64| (now >> 32 == forks && now as u32 > 0).then(|| now - 1);
        let _ = self.all.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_are_counted_than_the_limit_and_each_comes_back() {
        static ALL: ProcessCount = ProcessCount::new();
        let one = ALL.add(2).unwrap();
        let two = ALL.add(2).unwrap();
        assert!(ALL.add(2).is_none());
        drop(one);
        assert_eq!(ALL.get(), 1);
        drop(two);
        assert_eq!(ALL.get(), 0);
    }
}
