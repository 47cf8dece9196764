//! Memory that threads write without getting in each other's way: a cache line that two processors write moves between
//! them with each write, which costs more than the rest of a call.

use std::cell::Cell;
use std::ops::Deref;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// More threads than report events at the same instant, on most machines.
const STRIPES: usize = 8;

/// A value in cache lines of its own. Processors fetch them in pairs of 64 bytes.
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct Apart<T>(pub T);

impl<T> Deref for Apart<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// A counter in several parts, of which each thread changes the same one each time.
#[derive(Debug, Default)]
pub struct Striped([Apart<AtomicU64>; STRIPES]);

impl Striped {
    /// All parts at 0.
    pub const fn new() -> Striped {
        Striped([const { Apart(AtomicU64::new(0)) }; STRIPES])
    }

    /// The part of the calling thread; others may use it, too.
    pub fn mine(&self) -> &AtomicU64 {
        &self.0[number_of_this_thread() % STRIPES]
    }

    /// All parts.
    pub fn all(&self) -> impl Iterator<Item = &AtomicU64> {
        self.0.iter().map(|part| &**part)
    }
}

fn number_of_this_thread() -> usize {
    const NONE: usize = usize::MAX;
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static NUMBER: Cell<usize> = const { Cell::new(NONE) };
    }
    NUMBER.with(|number| {
        if number.get() == NONE {
            number.set(NEXT.fetch_add(1, Ordering::Relaxed) % STRIPES);
        }
        number.get()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;
    use std::thread;

    #[test]
    fn each_thread_keeps_its_part_and_the_first_few_share_none() {
        let (striped, seen) = (Striped::new(), Mutex::new(Vec::new()));
        thread::scope(|scope| {
            for _ in 0..STRIPES {
                scope.spawn(|| {
                    let mine = std::ptr::from_ref(striped.mine()).addr();
                    assert_eq!(mine, std::ptr::from_ref(striped.mine()).addr());
                    seen.lock().unwrap().push(mine);
                });
            }
        });
        let mut seen = seen.into_inner().unwrap();
        seen.sort_unstable();
        seen.dedup();
        // Threads of other tests may have taken numbers in between.
        assert!(seen.len() > STRIPES / 2, "{seen:?}");
        assert!(seen.windows(2).all(|pair| pair[1] - pair[0] >= 128));
    }
}
