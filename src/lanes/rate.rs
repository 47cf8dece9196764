//! Token buckets: how many messages an endpoint takes in a time.

use crate::config::Rate;
use std::time::Duration;

/// A bucket that starts full, holds `rate.count` tokens and gains as many in each `rate.per`.
#[derive(Debug)]
struct Bucket {
    rate: Rate,
    tokens: f64,
    filled_at: Duration,
}

/// Several buckets that all must have a token.
#[derive(Debug)]
pub struct Pace {
    buckets: Vec<Bucket>,
}

impl Pace {
    /// Full buckets, as of this monotonic time.
    pub fn new(rates: &[Rate], now: Duration) -> Pace {
        let full = |rate: &Rate| Bucket { rate: *rate, tokens: f64::from(rate.count), filled_at: now };
        Pace { buckets: rates.iter().map(full).collect() }
    }

    /// How long until every bucket has a token; zero when they have.
    pub fn wait(&mut self, now: Duration) -> Duration {
        self.buckets.iter_mut().map(|bucket| bucket.wait(now)).max().unwrap_or_default()
    }

    /// Takes a token from every bucket.
    pub fn take(&mut self) {
        for bucket in &mut self.buckets {
            bucket.tokens -= 1.0;
        }
    }
}

impl Bucket {
    fn wait(&mut self, now: Duration) -> Duration {
        let per_second = f64::from(self.rate.count) / self.rate.per.as_secs_f64();
        let gained = now.saturating_sub(self.filled_at).as_secs_f64() * per_second;
        self.tokens = (self.tokens + gained).min(f64::from(self.rate.count));
        self.filled_at = now;
        if self.tokens >= 1.0 {
            Duration::ZERO
        } else {
            // A microsecond more, so that rounding never leaves a hair's breadth to wait for.
            Duration::from_secs_f64((1.0 - self.tokens) / per_second) + Duration::from_micros(1)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(s: f64) -> Duration {
        Duration::from_secs_f64(s)
    }

    #[test]
    fn no_window_carries_more_than_a_burst_and_the_rate() {
        let rates = [Rate { count: 5, per: seconds(2.0) }, Rate { count: 30, per: seconds(60.0) }];
        let mut pace = Pace::new(&rates, Duration::ZERO);
        let (mut now, mut sent) = (Duration::ZERO, Vec::new());
        while now < seconds(120.0) {
            let wait = pace.wait(now);
            if wait.is_zero() {
                pace.take();
                sent.push(now);
            } else {
                now += wait;
            }
        }
        let in_window = |from: f64, length: f64| {
            sent.iter().filter(|at| (from..from + length).contains(&at.as_secs_f64())).count()
        };
        assert_eq!(in_window(0.0, 0.1), 5, "a burst goes at once");
        assert!(in_window(0.0, 2.0) <= 10);
        assert!(in_window(60.0, 60.0) <= 31, "the slower bucket rules in the long run");
        assert!(sent.len() >= 85, "the rate is used: {}", sent.len());
    }

    #[test]
    fn without_a_rate_nothing_waits() {
        assert_eq!(Pace::new(&[], Duration::ZERO).wait(Duration::ZERO), Duration::ZERO);
    }
}
