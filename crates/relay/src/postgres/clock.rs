//! The time of the database, which all its relays have in common: what one of them has written down, when a message is due
//! or was sent, means the same to the next one, however wrong the clocks of their machines are.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use taskbell_core::clock::{Clock, SystemClock};

/// What an answer of the database may be late. A clock that is wrong by less is left alone.
const CLOSE_MS: i64 = 250;

/// Read when the lease is taken and renewed; in between it follows the monotonic clock of this machine.
#[derive(Debug)]
pub struct DatabaseClock {
    /// From the monotonic clock to Unix milliseconds.
    ahead_ms: AtomicI64,
}

impl DatabaseClock {
    /// The clock of this machine, until it is set.
    pub fn of_this_machine() -> DatabaseClock {
        let now = SystemClock.now();
        DatabaseClock { ahead_ms: AtomicI64::new(now.unix_ms - millis(now.monotonic)) }
    }

    /// Sets it by an answer of the database: it was asked at this monotonic time, and answers now.
    pub fn set(&self, asked: Duration, unix_ms: i64) {
        let half_way = (millis(asked) + millis(SystemClock.monotonic())) / 2;
        let ahead = unix_ms - half_way;
        if ahead.abs_diff(self.ahead_ms.load(Ordering::Relaxed)) >= CLOSE_MS as u64 {
            self.ahead_ms.store(ahead, Ordering::Relaxed);
        }
    }
}

impl Clock for DatabaseClock {
    fn unix_ms(&self) -> i64 {
        millis(SystemClock.monotonic()) + self.ahead_ms.load(Ordering::Relaxed)
    }

    fn monotonic(&self) -> Duration {
        SystemClock.monotonic()
    }
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_is_that_of_the_database_once_it_has_said_so_and_an_answer_that_is_late_changes_nothing() {
        let clock = DatabaseClock::of_this_machine();
        let own = SystemClock.unix_ms();
        assert!(clock.unix_ms().abs_diff(own) < 5_000);
        let five_minutes = 300_000;
        clock.set(SystemClock.monotonic(), own + five_minutes);
        let set = clock.unix_ms();
        assert!((set - own).abs_diff(five_minutes) < 5_000, "{set}");
        let ahead = clock.ahead_ms.load(Ordering::Relaxed);
        clock.set(SystemClock.monotonic(), clock.unix_ms() + CLOSE_MS / 2);
        assert_eq!(clock.ahead_ms.load(Ordering::Relaxed), ahead);
    }
}
