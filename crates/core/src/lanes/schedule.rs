//! When to try again: the schedule, additive jitter, and the age at which to give up.

use crate::endpoint::RetryPolicy;
use crate::platform::Outcome;
use std::time::Duration;

/// Jitter adds at most this part of the wait, so that many deliveries that failed together do not come
/// back together. It only ever adds: no attempt is early.
const JITTER_PART: f64 = 0.1;

/// The most that jitter adds.
const MAX_JITTER: Duration = Duration::from_secs(15 * 60);

/// What follows an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// The receiver has it.
    Delivered,
    /// Again after this wait.
    Again(Duration),
    /// It is dead, with the reason.
    Dead(String),
}

/// So often a receiver may ask for a wait and get just that. One that goes on asking gets a longer one
/// each time, so that a short wait asked for without end is not an attack of ours.
const ASKED_IN_FULL: u32 = 10;

/// The longest wait that comes of asking too often.
const LONGEST_FLOOR: Duration = Duration::from_secs(3600);

/// How a delivery has fared so far.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Record {
    /// Attempts that failed without a wait asked for, this one included.
    pub strikes: usize,
    /// Attempts after which the receiver asked for a wait, this one included.
    pub asked: u32,
    /// How old the delivery is.
    pub age: Duration,
    /// A number from 0 to 1 for the jitter.
    pub chance: f64,
}

/// What follows the outcome of an attempt.
pub fn next(policy: &RetryPolicy, outcome: &Outcome, record: Record) -> Next {
    let Record { strikes, asked, age, chance } = record;
    let (wait, reason) = match outcome {
        Outcome::Delivered => return Next::Delivered,
        Outcome::Final(reason)
        | Outcome::Gone(reason)
        | Outcome::Degrade(_, reason)
        | Outcome::Moved(_, reason) => {
            return Next::Dead(reason.clone());
        }
        Outcome::RetryAfter(wait, reason) if !wait.is_zero() => ((*wait).max(floor(asked)), reason),
        Outcome::RetryAfter(_, reason) | Outcome::Retry(reason) => {
            let Some(wait) = strikes.checked_sub(1).and_then(|index| policy.schedule.get(index)) else {
                return Next::Dead(format!("gave up after the last attempt of the schedule: {reason}"));
            };
            (jittered(*wait, chance), reason)
        }
    };
    if age + wait > policy.max_age {
        return Next::Dead(format!(
            "gave up: the next attempt would come after `retry.max_age` of {}: {reason}",
            in_words(policy.max_age)
        ));
    }
    Next::Again(wait)
}

fn floor(asked: u32) -> Duration {
    match asked.checked_sub(ASKED_IN_FULL) {
        None | Some(0) => Duration::ZERO,
        Some(beyond) => Duration::from_secs(1 << beyond.min(12)).min(LONGEST_FLOOR),
    }
}

fn jittered(wait: Duration, chance: f64) -> Duration {
    wait + wait.mul_f64(JITTER_PART * chance.clamp(0.0, 1.0)).min(MAX_JITTER)
}

/// A duration as the configuration writes it, in its largest whole unit.
pub(super) fn in_words(duration: Duration) -> String {
    let millis = duration.as_millis();
    for (unit, size) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)] {
        if millis >= size && millis.is_multiple_of(size) {
            return format!("{}{unit}", millis / size);
        }
    }
    format!("{millis}ms")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(strikes: usize, age: Duration, chance: f64) -> Record {
        Record { strikes, asked: 0, age, chance }
    }

    fn policy() -> RetryPolicy {
        let seconds = [5, 300, 1800];
        RetryPolicy {
            schedule: seconds.map(Duration::from_secs).to_vec(),
            max_age: Duration::from_secs(4 * 86_400),
        }
    }

    #[test]
    fn jitter_is_never_early_and_at_most_a_tenth_late() {
        let retry = Outcome::Retry("503".into());
        for (strikes, base) in [(1, 5.0), (2, 300.0), (3, 1800.0)] {
            for chance in [0.0, 0.5, 1.0] {
                let Next::Again(wait) = next(&policy(), &retry, record(strikes, Duration::ZERO, chance))
                else {
                    panic!("no wait")
                };
                let seconds = wait.as_secs_f64();
                assert!(seconds >= base && seconds <= base * 1.1 + 1e-6, "{seconds} for {base}");
            }
        }
    }

    #[test]
    fn the_schedule_ends_in_a_dead_letter_with_the_last_reason() {
        let Next::Dead(reason) =
            next(&policy(), &Outcome::Retry("HTTP 503".into()), record(4, Duration::ZERO, 0.0))
        else {
            panic!("not dead")
        };
        assert!(reason.contains("HTTP 503"), "{reason}");
        let empty = RetryPolicy { schedule: vec![], ..policy() };
        assert!(matches!(
            next(&empty, &Outcome::Retry(String::new()), record(1, Duration::ZERO, 0.0)),
            Next::Dead(_)
        ));
    }

    #[test]
    fn a_wait_asked_for_is_kept_in_full_up_to_the_age() {
        let day = Duration::from_secs(86_400);
        let asked =
            |wait, age| next(&policy(), &Outcome::RetryAfter(wait, "429".into()), record(99, age, 1.0));
        assert_eq!(asked(day, Duration::ZERO), Next::Again(day));
        let Next::Dead(reason) = asked(day, day * 4) else { panic!("not dead") };
        assert!(reason.contains("`retry.max_age` of 4d"), "{reason}");
    }

    #[test]
    fn a_short_wait_asked_for_without_end_grows() {
        let waits = |asked| {
            let outcome = Outcome::RetryAfter(Duration::from_secs(1), "429".into());
            next(&policy(), &outcome, Record { asked, ..record(0, Duration::ZERO, 0.0) })
        };
        assert_eq!(waits(10), Next::Again(Duration::from_secs(1)));
        assert_eq!(waits(14), Next::Again(Duration::from_secs(16)));
        assert_eq!(waits(1000), Next::Again(LONGEST_FLOOR));
    }
}
