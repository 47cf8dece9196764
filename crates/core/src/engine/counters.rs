//! The counters of `taskbell_stats`.

use super::decide::DecisionCounts;
use crate::json::json;
use serde_json::Value as Json;
use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! counters {
    ($($(#[doc = $doc:literal])+ $name:ident,)+) => {
        /// Monotonic counters since the instance was opened.
        #[derive(Debug, Default)]
        pub struct Counters {
            $($(#[doc = $doc])+ pub $name: Counter,)+
        }
    };
}

counters! {
    /// Events that a call accepted.
    accepted,
    /// Calls refused for their arguments or JSON.
    refused_invalid,
    /// Calls refused for the size of the event.
    refused_too_large,
    /// Calls refused because events wait for the spool and there was no room.
    refused_queue_full,
    /// Calls refused because the spool cannot be written and there was no room.
    refused_spool,
    /// Calls refused because the instance was closed.
    refused_closed,
    /// Events that Taskbell made of alerts.
    alert_events,
    /// Events that are in the spool.
    spooled,
    /// Events that no hook matched.
    unheard,
    /// Deliveries made from events.
    deliveries,
    /// Attempts made.
    attempts,
    /// Attempts after which another one is due.
    retries,
    /// Deliveries that the receiver accepted.
    delivered,
    /// Deliveries that are dead letters.
    dead,
    /// Deliveries that a newer one replaced before their first attempt.
    superseded,
    /// Deliveries to fallback endpoints, because another one was dead.
    fallbacks,
    /// Escalations: another delivery did not arrive in time, or an alert still fires.
    escalated,
    /// Matches that a cooldown suppressed.
    silenced,
    /// Matches gathered for a digest or held through quiet hours.
    gathered,
    /// Digests sent.
    digests,
    /// Deliveries taken over from earlier runs.
    recovered,
    /// Malformed `webhook_params` that were ignored.
    params_ignored,
    /// Conditions that could not be evaluated, and therefore matched.
    conditions_broken,
    /// Transactions that failed; they are retried.
    spool_errors,
    /// Times the spool was recreated because its file was lost, replaced or damaged.
    spool_renewed,
    /// Defects of Taskbell that were caught; please report them.
    defects,
    /// Reports dropped because the host does not poll.
    reports_dropped,
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
    /// Adds the counts of decisions.
    pub fn add_decisions(&self, counts: DecisionCounts) {
        self.unheard.add(counts.unheard);
        self.silenced.add(counts.silenced);
        self.gathered.add(counts.gathered);
        self.digests.add(counts.digests);
        self.params_ignored.add(counts.params_ignored);
        self.conditions_broken.add(counts.conditions_broken);
        self.defects.add(counts.defects);
    }

    /// The counters under the names of `taskbell_stats`, and `pending`, which follows from them: every delivery
    /// made or recovered is delivered, dead, superseded or pending.
    pub fn to_json(&self) -> Json {
        let (deliveries, recovered) = (self.deliveries.get(), self.recovered.get());
        let (delivered, dead) = (self.delivered.get(), self.dead.get());
        let superseded = self.superseded.get();
        json!({
            "accepted": self.accepted.get(),
            "refused": {
                "invalid": self.refused_invalid.get(),
                "too_large": self.refused_too_large.get(),
                "queue_full": self.refused_queue_full.get(),
                "spool": self.refused_spool.get(),
                "closed": self.refused_closed.get(),
            },
            "alert_events": self.alert_events.get(),
            "spooled": self.spooled.get(),
            "unheard": self.unheard.get(),
            "deliveries": deliveries,
            "attempts": self.attempts.get(),
            "retries": self.retries.get(),
            "delivered": delivered,
            "dead": dead,
            "superseded": superseded,
            "fallbacks": self.fallbacks.get(),
            "escalated": self.escalated.get(),
            "silenced": self.silenced.get(),
            "gathered": self.gathered.get(),
            "digests": self.digests.get(),
            "recovered": recovered,
            "pending": (deliveries + recovered).saturating_sub(delivered + dead + superseded),
            "params_ignored": self.params_ignored.get(),
            "conditions_broken": self.conditions_broken.get(),
            "spool_errors": self.spool_errors.get(),
            "spool_renewed": self.spool_renewed.get(),
            "defects": self.defects.get(),
            "reports_dropped": self.reports_dropped.get(),
        })
    }
}
