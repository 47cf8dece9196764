//! The counters of `taskbell_stats`.

use super::decide::DecisionCounts;
use crate::json::json;
use serde_json::Value as Json;
use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! counters {
    ($($name:ident)+) => {
        /// Monotonic counters since the instance was opened; `docs/stats.md` says what each counts.
        #[derive(Debug, Default)]
        pub struct Counters {
            $(pub $name: Counter,)+
        }

        impl Counters {
            fn values(&self) -> impl Iterator<Item = (&'static str, u64)> {
                [$((stringify!($name), self.$name.get())),+].into_iter()
            }
        }
    };
}

counters! {
    refused_invalid refused_too_large refused_queue_full refused_spool refused_closed
    alert_events spooled unheard late deliveries attempts retries delivered dead superseded
    fallbacks escalated silenced gathered digests recovered
    params_ignored conditions_broken spool_errors spool_renewed defects reports_dropped
}

#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    pub fn one(&self) {
        self.add(1);
    }

    pub fn add(&self, many: u64) {
        self.0.fetch_add(many, Ordering::Relaxed);
    }

    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Counters {
    pub fn add_decisions(&self, counts: DecisionCounts) {
        self.unheard.add(counts.unheard);
        self.late.add(counts.late);
        self.silenced.add(counts.silenced);
        self.gathered.add(counts.gathered);
        self.digests.add(counts.digests);
        self.params_ignored.add(counts.params_ignored);
        self.conditions_broken.add(counts.conditions_broken);
        self.defects.add(counts.defects);
    }

    /// The counters under the names of `taskbell_stats`, and `pending`, which follows from them: every delivery
    /// made or recovered is delivered, dead, superseded or pending. `backlog` are those that are not in a lane yet.
    pub fn to_json(&self, accepted: u64, backlog: u64) -> Json {
        let begun = self.deliveries.get() + self.recovered.get() + backlog;
        let ended = self.delivered.get() + self.dead.get() + self.superseded.get();
        let mut all = json!({"accepted": accepted});
        for (name, value) in self.values() {
            match name.strip_prefix("refused_") {
                Some(reason) => all["refused"][reason] = value.into(),
                None if name == "recovered" => {
                    all[name] = (value + backlog).into();
                    all["pending"] = begun.saturating_sub(ended).into();
                }
                None => all[name] = value.into(),
            }
        }
        all
    }
}
