//! When to try again: the schedule, additive jitter, and the age at which to give up.

use crate::endpoint::RetryPolicy;
use crate::platform::Outcome;
use std::time::Duration;

/// Jitter adds at most this part of the wait, so that many deliveries that failed together do not come
/// back together. It only ever adds: no attempt is early.
const JITTER_PART: f64 = 0.1;

/// The most that jitter adds.
const MAX_JITTER: Duration = Duration::from_secs(15 * 60);

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RetryDecision {
    Delivered,
    /// Again after this wait.
    Again(Duration),
    Dead(String),
}

/// The requested waits of one delivery that are kept as requested. Each further one is longer, so that a
/// receiver that requests short waits without end is not flooded.
const KEPT_AS_REQUESTED: u32 = 10;

/// The longest that too many requested waits become.
const LONGEST_FLOOR: Duration = Duration::from_secs(3600);

/// The attempts of a delivery so far, the last one included.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct DeliveryHistory {
    /// Failed attempts without a requested wait.
    pub failures: usize,
    /// Attempts after which the receiver requested a wait.
    pub requested_waits: u32,
    /// Since the delivery was made.
    pub age: Duration,
}

/// What follows the outcome of an attempt. `jitter` is from 0 to 1.
pub fn next(policy: &RetryPolicy, outcome: &Outcome, history: DeliveryHistory, jitter: f64) -> RetryDecision {
    let DeliveryHistory { failures, requested_waits, age } = history;
    let (wait, reason) = match outcome {
        Outcome::Delivered => return RetryDecision::Delivered,
        Outcome::Final(reason)
        | Outcome::Gone(reason)
        | Outcome::Degrade(_, reason)
        | Outcome::Moved(_, reason) => {
            return RetryDecision::Dead(reason.clone());
        }
        Outcome::RetryAfter(wait, reason) if !wait.is_zero() => ((*wait).max(floor(requested_waits)), reason),
        Outcome::RetryAfter(_, reason) | Outcome::Retry(reason) => {
            let Some(wait) = failures.checked_sub(1).and_then(|index| policy.schedule.get(index)) else {
                return RetryDecision::Dead(format!(
                    "gave up after the last attempt of the schedule: {reason}"
                ));
            };
            (jittered(*wait, jitter), reason)
        }
    };
    if age + wait > policy.max_age {
        return RetryDecision::Dead(format!(
            "gave up: the next attempt would come after `retry.max_age` of {}: {reason}",
            in_words(policy.max_age)
        ));
    }
    RetryDecision::Again(wait)
}

fn floor(requested_waits: u32) -> Duration {
    match requested_waits.checked_sub(KEPT_AS_REQUESTED) {
        None | Some(0) => Duration::ZERO,
        Some(beyond) => Duration::from_secs(1 << beyond.min(12)).min(LONGEST_FLOOR),
    }
}

fn jittered(wait: Duration, jitter: f64) -> Duration {
    wait + wait.mul_f64(JITTER_PART * jitter.clamp(0.0, 1.0)).min(MAX_JITTER)
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

    fn failed(failures: usize, age: Duration) -> DeliveryHistory {
        DeliveryHistory { failures, requested_waits: 0, age }
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
        for (failures, base) in [(1, 5.0), (2, 300.0), (3, 1800.0)] {
            for jitter in [0.0, 0.5, 1.0] {
                let RetryDecision::Again(wait) =
                    next(&policy(), &retry, failed(failures, Duration::ZERO), jitter)
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
        let RetryDecision::Dead(reason) =
            next(&policy(), &Outcome::Retry("HTTP 503".into()), failed(4, Duration::ZERO), 0.0)
        else {
            panic!("not dead")
        };
        assert!(reason.contains("HTTP 503"), "{reason}");
        let empty = RetryPolicy { schedule: vec![], ..policy() };
        assert!(matches!(
            next(&empty, &Outcome::Retry(String::new()), failed(1, Duration::ZERO), 0.0),
            RetryDecision::Dead(_)
        ));
    }

    #[test]
    fn a_requested_wait_is_kept_up_to_the_maximum_age() {
        let day = Duration::from_secs(86_400);
        let requested =
            |wait, age| next(&policy(), &Outcome::RetryAfter(wait, "429".into()), failed(99, age), 1.0);
        assert_eq!(requested(day, Duration::ZERO), RetryDecision::Again(day));
        let RetryDecision::Dead(reason) = requested(day, day * 4) else { panic!("not dead") };
        assert!(reason.contains("`retry.max_age` of 4d"), "{reason}");
    }

    #[test]
    fn short_waits_requested_without_end_grow() {
        let waits = |requested_waits| {
            let outcome = Outcome::RetryAfter(Duration::from_secs(1), "429".into());
            next(&policy(), &outcome, DeliveryHistory { requested_waits, ..DeliveryHistory::default() }, 0.0)
        };
        assert_eq!(waits(10), RetryDecision::Again(Duration::from_secs(1)));
        assert_eq!(waits(14), RetryDecision::Again(Duration::from_secs(16)));
        assert_eq!(waits(1000), RetryDecision::Again(LONGEST_FLOOR));
    }
}
