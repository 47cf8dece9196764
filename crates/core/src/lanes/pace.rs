//! The rates of an endpoint: no window of time carries more messages than they allow.

use crate::platform::Rate;
use std::collections::VecDeque;
use std::time::Duration;

const MAX_TIMES: u32 = 1000;

/// Added to the monotonic clock, which may have begun later than an earlier process sent: the longest period of a rate.
const BEFORE: Duration = Duration::from_secs(7 * 86_400);

/// The part of a rate that may be sent and not recorded.
const UNRECORDED_PART: u32 = 8;

/// Several rates that all hold, and when messages were sent.
pub struct Pace {
    rates: Vec<Rate>,
    /// The latest, the oldest first; as many as the largest count. `BEFORE` is added to each.
    sent: VecDeque<Duration>,
}

impl Pace {
    pub fn new(rates: &[Rate]) -> Pace {
        Pace { rates: rates.iter().map(bounded).collect(), sent: VecDeque::new() }
    }

    /// How long until a message may be sent; zero when it may now.
    pub fn wait(&self, now: Duration) -> Duration {
        let wait = |rate: &Rate| {
            let first = self.sent.len().checked_sub(rate.count as usize)?;
            Some((*self.sent.get(first)? + rate.per).saturating_sub(now + BEFORE))
        };
        self.rates.iter().filter_map(wait).max().unwrap_or_default()
    }

    pub fn take(&mut self, now: Duration) {
        let most = self.rates.iter().map(|rate| rate.count as usize).max().unwrap_or_default();
        self.sent.push_back(now + BEFORE);
        self.sent.drain(..self.sent.len().saturating_sub(most));
    }

    /// The message that was taken last is not sent.
    pub fn give_back(&mut self) {
        self.sent.pop_back();
    }

    /// Whether there is any rate.
    pub fn is_bound(&self) -> bool {
        !self.rates.is_empty()
    }

    /// How many attempts may be reported and not recorded before the next one starts.
    pub fn most_unrecorded(&self) -> usize {
        let part = |rate: &Rate| (rate.count / UNRECORDED_PART).max(1) as usize;
        self.rates.iter().map(part).min().unwrap_or(usize::MAX)
    }

    /// How long ago messages were sent that still count; the oldest first.
    pub fn ages(&self, now: Duration) -> Vec<Duration> {
        let longest = self.rates.iter().map(|rate| rate.per).max().unwrap_or_default();
        let ages = self.sent.iter().map(|sent| (now + BEFORE).saturating_sub(*sent));
        ages.filter(|age| *age < longest).collect()
    }

    /// Goes on after messages that were sent so long ago, the oldest first.
    pub fn restore(&mut self, ages: impl Iterator<Item = Duration>, now: Duration) {
        self.sent.clear();
        let mut ages: Vec<Duration> = ages.filter(|age| *age < BEFORE).collect();
        ages.sort_unstable_by_key(|age| std::cmp::Reverse(*age));
        for age in ages {
            self.take(now);
            if let Some(sent) = self.sent.back_mut() {
                *sent -= age;
            }
        }
    }

    /// What an earlier lane of the same endpoint sent counts.
    pub fn resume(&mut self, earlier: &Pace) {
        self.sent.clone_from(&earlier.sent);
    }
}

/// A rate whose count fits into memory: a rate that each part of a window keeps is kept by the whole.
fn bounded(rate: &Rate) -> Rate {
    let parts = rate.count.div_ceil(MAX_TIMES).max(1);
    Rate { count: rate.count / parts, per: rate.per / parts }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::by_name;

    fn seconds(s: f64) -> Duration {
        Duration::from_secs_f64(s)
    }

    /// When messages are sent that arrive once in each `gap`, for `length`.
    fn sent(rates: &[Rate], gap: f64, length: f64) -> Vec<Duration> {
        let mut pace = Pace::new(rates);
        let (mut now, mut sent) = (Duration::ZERO, Vec::new());
        while now < seconds(length) {
            let wait = pace.wait(now);
            if wait.is_zero() {
                pace.take(now);
                sent.push(now);
                now = now.max(seconds(gap * sent.len() as f64));
            } else {
                now += wait;
            }
        }
        sent
    }

    fn most_in_a_window(sent: &[Duration], length: Duration) -> usize {
        let within = |from: &Duration| sent.iter().filter(|at| (*from..*from + length).contains(*at)).count();
        sent.iter().map(within).max().unwrap_or_default()
    }

    #[test]
    fn no_window_carries_more_than_its_rate() {
        for name in ["wecom", "discord", "feishu", "telegram", "gitlab", "teams", "slack", "ntfy"] {
            let rates = by_name(name).unwrap().description().rates;
            for gap in [0.0, 0.7, 1.0, 2.9] {
                let sent = sent(rates, gap, 700.0);
                for rate in rates {
                    let most = most_in_a_window(&sent, rate.per);
                    assert!(most <= rate.count as usize, "{name}: {most} in {:?}", rate.per);
                }
            }
        }
    }

    #[test]
    fn a_group_of_wecom_gets_twenty_messages_in_any_minute() {
        let sent = sent(by_name("wecom").unwrap().description().rates, 1.0, 600.0);
        assert_eq!(most_in_a_window(&sent, seconds(60.0)), 20);
        assert_eq!(sent.len(), 200, "the rate is used");
    }

    #[test]
    fn a_burst_goes_at_once_when_the_window_holds_it() {
        let rates = [Rate { count: 5, per: seconds(2.0) }, Rate { count: 30, per: seconds(60.0) }];
        let sent = sent(&rates, 0.0, 120.0);
        assert_eq!(sent[..6], [0.0, 0.0, 0.0, 0.0, 0.0, 2.0].map(seconds));
        assert_eq!(sent.len(), 60, "the slower rate rules in the long run");
    }

    #[test]
    fn a_large_count_is_kept_in_little_memory() {
        let rates = [Rate { count: 2500, per: seconds(60.0) }];
        let mut pace = Pace::new(&rates);
        let mut now = Duration::ZERO;
        let mut sent = Vec::new();
        while now < seconds(130.0) {
            now += pace.wait(now);
            pace.take(now);
            sent.push(now);
            assert!(pace.sent.len() <= MAX_TIMES as usize);
        }
        assert!(sent.iter().filter(|at| **at < seconds(60.0)).count() <= 2500);
        assert!(sent.len() >= 2 * 2499, "{}", sent.len());
    }

    #[test]
    fn a_new_pace_continues_the_earlier_one() {
        let rates = [Rate { count: 1, per: seconds(9.0) }];
        let mut earlier = Pace::new(&rates);
        earlier.take(seconds(1.0));
        let mut pace = Pace::new(&rates);
        pace.resume(&earlier);
        assert_eq!(pace.wait(seconds(3.0)), seconds(7.0));
    }

    #[test]
    fn what_an_earlier_process_sent_counts_although_its_clock_had_another_beginning() {
        let rates = [Rate { count: 2, per: seconds(60.0) }];
        let mut earlier = Pace::new(&rates);
        [1.0, 900.0, 930.0].iter().for_each(|at| earlier.take(seconds(*at)));
        let ages = earlier.ages(seconds(940.0));
        assert_eq!(ages, [40.0, 10.0].map(seconds), "the first one is too old to count");
        let mut pace = Pace::new(&rates);
        pace.restore(ages.into_iter(), seconds(3.0));
        assert_eq!(pace.wait(seconds(3.0)), seconds(20.0));
        pace.take(seconds(23.0));
        assert_eq!(pace.wait(seconds(23.0)), seconds(30.0));
        assert!(pace.ages(seconds(90.0)).is_empty());
    }

    #[test]
    fn without_a_rate_nothing_waits_and_no_time_is_kept() {
        let mut pace = Pace::new(&[]);
        pace.take(Duration::ZERO);
        assert_eq!((pace.wait(Duration::ZERO), pace.sent.len()), (Duration::ZERO, 0));
    }
}
