//! The breaker of a lane: when everything fails, one probe at a time, so that an endpoint that is down
//! does not use up the attempts of everything that waits for it.

use std::collections::HashSet;
use std::time::Duration;

/// The different deliveries that must fail, with none delivered between, before the breaker opens: one
/// message that its receiver cannot process says nothing about the others.
const OPENS_AFTER: usize = 5;

const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permit {
    Go,
    /// Not before this monotonic time.
    NotBefore(Duration),
    /// Not before the probe that is in flight has ended.
    Probing,
}

/// Closed, or open with the time of the next probe.
#[derive(Debug, Default)]
pub struct Breaker {
    failed: HashSet<i64>,
    open: Option<OpenState>,
}

#[derive(Debug, Clone, Copy)]
struct OpenState {
    probe_at: Duration,
    pause: Duration,
    probing: bool,
}

impl Breaker {
    pub fn permit(&self, now: Duration) -> Permit {
        match self.open {
            None => Permit::Go,
            Some(open) if open.probing => Permit::Probing,
            Some(open) if now < open.probe_at => Permit::NotBefore(open.probe_at),
            Some(_) => Permit::Go,
        }
    }

    pub fn started(&mut self) {
        if let Some(open) = &mut self.open {
            open.probing = true;
        }
    }

    /// An attempt got an answer that shows the endpoint alive.
    pub fn succeeded(&mut self) {
        *self = Breaker::default();
    }

    pub fn failed(&mut self, delivery: i64, now: Duration) {
        match &mut self.open {
            Some(open) if open.probing => {
                let pause = (open.pause * 2).min(LONGEST_PAUSE);
                *open = OpenState { probe_at: now + pause, pause, probing: false };
            }
            Some(_) => {}
            None => {
                self.failed.insert(delivery);
                if self.failed.len() >= OPENS_AFTER {
                    let open = OpenState { probe_at: now + FIRST_PAUSE, pause: FIRST_PAUSE, probing: false };
                    self.open = Some(open);
                }
            }
        }
    }

    /// An attempt ended without saying anything about the endpoint.
    pub fn abandoned(&mut self) {
        if let Some(open) = &mut self.open {
            open.probing = false;
        }
    }

    /// Opens it as it was in an earlier run.
    pub fn resume(&mut self, probe_at: Duration, pause: Duration) {
        let pause = pause.clamp(FIRST_PAUSE, LONGEST_PAUSE);
        self.open = Some(OpenState { probe_at, pause, probing: false });
    }

    pub fn next_probe(&self) -> Option<Duration> {
        self.open.map(|open| open.probe_at)
    }

    pub fn is_open(&self) -> bool {
        self.open.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_bad_message_does_not_open_it_and_five_different_ones_do() {
        let mut breaker = Breaker::default();
        for _ in 0..100 {
            breaker.failed(1, Duration::ZERO);
        }
        assert!(!breaker.is_open());
        for delivery in 2..=5 {
            breaker.failed(delivery, Duration::ZERO);
        }
        assert_eq!(breaker.permit(Duration::ZERO), Permit::NotBefore(FIRST_PAUSE));
    }

    #[test]
    fn an_open_one_lets_one_probe_through_and_a_success_closes_it() {
        let mut breaker = Breaker::default();
        (1..=5).for_each(|delivery| breaker.failed(delivery, Duration::ZERO));
        let mut now = FIRST_PAUSE;
        for doubled in [2, 4, 8, 16, 32, 60, 60] {
            assert_eq!(breaker.permit(now), Permit::Go);
            breaker.started();
            assert_eq!(breaker.permit(now), Permit::Probing);
            breaker.failed(9, now);
            now += Duration::from_secs(doubled);
            assert_eq!(breaker.permit(now - Duration::from_millis(1)), Permit::NotBefore(now));
        }
        breaker.started();
        breaker.succeeded();
        assert_eq!(breaker.permit(now), Permit::Go);
        breaker.failed(1, now);
        assert!(!breaker.is_open());
    }
}
