//! Whether a relay certainly leads at this moment.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Of a relay whose lead nobody can take while it lives.
const FOR_EVER: u64 = u64::MAX;

/// Shared by the one who keeps the lead, the front and all lanes.
#[derive(Debug, Clone)]
pub struct Trust(Arc<TrustedUntil>);

#[derive(Debug)]
struct TrustedUntil {
    start: Instant,
    // Nanoseconds after `start`, by the monotonic clock: it goes on while the process is paused.
    nanos: AtomicU64,
}

impl Trust {
    /// It leads as long as it lives.
    pub fn for_ever() -> Trust {
        Trust::with(FOR_EVER)
    }

    /// Nobody knows yet.
    pub fn suspended() -> Trust {
        Trust::with(0)
    }

    fn with(nanos: u64) -> Trust {
        Trust(Arc::new(TrustedUntil { start: Instant::now(), nanos: AtomicU64::new(nanos) }))
    }

    /// It leads until then, from now on.
    pub fn set(&self, end: Instant) {
        let nanos = end.saturating_duration_since(self.0.start).as_nanos();
        self.0.nanos.store(u64::try_from(nanos).unwrap_or(FOR_EVER - 1), Ordering::Release);
    }

    /// Nobody knows at present.
    pub fn suspend(&self) {
        self.0.nanos.store(0, Ordering::Release);
    }

    /// Whether it leads now.
    pub fn leads(&self) -> bool {
        let until = self.0.nanos.load(Ordering::Acquire);
        until == FOR_EVER || self.0.start.elapsed().as_nanos() < u128::from(until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_leader_is_trusted_until_its_time_is_over_or_nobody_knows() {
        let hour = Duration::from_secs(3600);
        let trust = Trust::suspended();
        trust.set(Instant::now() + hour);
        let other = trust.clone();
        assert!(trust.leads());
        other.suspend();
        assert!(!trust.leads());
        other.set(Instant::now() + hour);
        assert!(trust.leads());
        trust.set(Instant::now());
        assert!(!other.leads());
        assert!(Trust::for_ever().leads());
    }
}
