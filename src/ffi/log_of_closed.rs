//! What the log of a closed bell still has for `taskbell_poll_log`: closing writes the lines that matter most, and
//! nobody can ask for them before.

use std::collections::VecDeque;
use std::sync::Mutex;
use taskbell_core::engine::Level;
use taskbell_core::os::ForkSafeLock;

/// Closed bells whose lines are kept; the oldest goes.
const MAX_BELLS: usize = 16;

type LogLines = VecDeque<(Level, String)>;

static USED: ForkSafeLock = ForkSafeLock::new();
static KEPT: Mutex<VecDeque<(usize, LogLines)>> = Mutex::new(VecDeque::new());

/// Keeps the lines that the log of the bell with this handle has left. The default bell has the handle 0.
pub fn keep(handle: usize, lines: Vec<(Level, String)>) {
    let _turn = USED.lock();
    // In a child of fork it may be locked by a thread that does not exist there: then nothing is kept.
    let Ok(mut kept) = KEPT.try_lock() else { return };
    kept.retain(|(of, _)| *of != handle);
    if lines.is_empty() {
        return;
    }
    if kept.len() == MAX_BELLS {
        kept.pop_front();
    }
    kept.push_back((handle, lines.into()));
}

/// Passes the next line to `take`, and removes it if that returns `true`. Whether there was one.
pub fn next(handle: usize, take: impl FnOnce(Level, &str) -> bool) -> bool {
    let _turn = USED.lock();
    let Ok(mut kept) = KEPT.try_lock() else { return false };
    let Some((_, lines)) = kept.iter_mut().find(|(of, _)| *of == handle) else { return false };
    let Some((level, line)) = lines.front() else { return false };
    if take(*level, line) {
        lines.pop_front();
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_kept_until_it_is_taken_and_the_oldest_bell_goes() {
        for handle in 1..=MAX_BELLS + 1 {
            keep(handle << 20, vec![(Level::Warn, handle.to_string())]);
        }
        assert!(!next(1 << 20, |_, _| true), "the oldest is gone");
        assert!(next(2 << 20, |_, line| line != "2"), "refused");
        assert!(next(2 << 20, |level, line| level == Level::Warn && line == "2"));
        assert!(!next(2 << 20, |_, _| true));
    }
}
