//! Counters of what happened. Each is a monotonic counter; gauges are read where they stand.

use serde_json::{Value as Json, json};
use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! counters {
    ($($(#[doc = $doc:literal])+ $name:ident,)+) => {
        /// Monotonic counters since the bell was opened.
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
    /// Calls refused because the bell was closed.
    refused_closed,
    /// Events that Taskbell made of alerts.
    alert_events,
    /// Events that are in the spool.
    spooled,
    /// Events for which no hook fired.
    unheard,
    /// Deliveries made from events.
    deliveries,
    /// Attempts made.
    attempts,
    /// Attempts after which another one is due.
    retries,
    /// Deliveries that arrived.
    delivered,
    /// Deliveries that are dead letters.
    dead,
    /// Deliveries that gave way to a newer one before they were tried.
    superseded,
    /// Deliveries made because another one was dead.
    fallbacks,
    /// Deliveries made because another one did not arrive in time, or an alert is still on.
    escalated,
    /// Firings that a cooldown silenced.
    silenced,
    /// Firings that were gathered for a digest or held through quiet hours.
    gathered,
    /// Digests made.
    digests,
    /// Deliveries taken over from earlier runs.
    recovered,
    /// `webhook_params` that were malformed, and ignored.
    params_ignored,
    /// Conditions that could not be evaluated, and fired.
    conditions_broken,
    /// Transactions that the spool did not take; they are tried again.
    spool_errors,
    /// How often the spool was made anew because its file was lost, replaced or damaged.
    spool_renewed,
    /// Defects of Taskbell that were caught; please report them.
    defects,
    /// Reports dropped because the host does not poll.
    reports_dropped,
}

/// A counter.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// One more.
    pub fn one(&self) {
        self.add(1);
    }

    /// So many more.
    pub fn add(&self, many: u64) {
        self.0.fetch_add(many, Ordering::Relaxed);
    }

    /// The count.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Counters {
    /// The counters as `taskbell_stats` names them, and what follows from them: every delivery made or
    /// recovered is delivered, dead, superseded or pending.
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
