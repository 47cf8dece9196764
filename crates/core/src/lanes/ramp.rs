//! After an outage a lane sends a little, and twice as much in each further second while its receiver bears it: a
//! receiver that has just come back must not get at once all that has gathered.

use std::time::Duration;

const STEP: Duration = Duration::from_secs(1);

/// Messages in the first step.
const FIRST: u32 = 10;

/// After a step of so many messages nothing is held back any more.
const LAST: u32 = 2560;

/// How many messages may start; any number while there is no step.
#[derive(Debug, Default)]
pub struct Ramp {
    step: Option<Step>,
}

#[derive(Debug, Clone, Copy)]
struct Step {
    from: Duration,
    allowed: u32,
    started: u32,
}

impl Ramp {
    /// The first step begins at this time.
    pub fn begin(&mut self, from: Duration) {
        self.step = Some(Step { from, allowed: FIRST, started: 0 });
    }

    /// How long until a message may start; zero when it may now.
    pub fn wait(&self, now: Duration) -> Duration {
        match self.step {
            Some(step) if step.started >= step.allowed => (step.from + STEP).saturating_sub(now),
            _ => Duration::ZERO,
        }
    }

    pub fn started(&mut self, now: Duration) {
        let Some(step) = &mut self.step else { return };
        if now < step.from + STEP {
            step.started += 1;
        } else if step.allowed >= LAST {
            self.step = None;
        } else {
            *step = Step { from: now, allowed: step.allowed * 2, started: 1 };
        }
    }

    /// An attempt failed: half of it was enough.
    pub fn failed(&mut self) {
        if let Some(step) = &mut self.step {
            step.allowed = (step.allowed / 2).max(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The messages in each of the first seconds, of a backlog without end.
    fn per_second(ramp: &mut Ramp, seconds: usize) -> Vec<u32> {
        let (mut now, mut sent) = (Duration::ZERO, vec![0; seconds]);
        while let Some(second) = sent.get_mut(now.as_secs() as usize) {
            let wait = ramp.wait(now);
            if wait.is_zero() {
                ramp.started(now);
                *second += 1;
                now += Duration::from_micros(100);
            } else {
                now += wait;
            }
        }
        sent
    }

    #[test]
    fn each_second_carries_twice_as_much_until_nothing_is_held_back() {
        let mut ramp = Ramp::default();
        ramp.begin(Duration::ZERO);
        let sent = per_second(&mut ramp, 11);
        assert_eq!(sent[..5], [10, 20, 40, 80, 160]);
        assert!(sent[10] > LAST, "{sent:?}");
    }

    #[test]
    fn a_failure_halves_it_and_without_an_outage_nothing_waits() {
        let mut ramp = Ramp::default();
        assert_eq!(per_second(&mut ramp, 1), [10_000]);
        ramp.begin(Duration::ZERO);
        ramp.failed();
        assert_eq!(per_second(&mut ramp, 2), [5, 10]);
    }
}
