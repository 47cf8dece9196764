//! Applies a new configuration.

use super::missing_threads::{self, MissingThreads};
use crate::config::Config;
use crate::engine::commit::Transaction;
use crate::engine::endpoints;
use crate::engine::log::Level;
use crate::engine::parts::{Parts, Reload};
use crate::engine::task_lanes;
use crate::spool::{StateKey, StateKind};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Replaces lanes and alerts, and returns the new configuration. The states that end with the former one go
/// into `transaction`.
pub fn apply(
    parts: &Parts,
    transaction: &mut Transaction,
    missing_threads: &mut MissingThreads,
    reload: Reload,
) -> Arc<Config> {
    let Reload { config, lanes } = reload;
    let old = std::mem::replace(&mut *parts.lanes.lock(), lanes);
    parts.max_event_bytes.store(config.queue.max_event_bytes, Ordering::Relaxed);
    parts.lanes.reports.set_scrubber(config.scrubber.clone());
    for (name, earlier) in &old {
        if let Some(lane) = parts.lanes.lock().get(name) {
            lane.follow(earlier);
        }
        transaction.states.push((endpoints::gone_key(name), None));
        transaction.states.push((endpoints::health_key(name), None));
    }
    let removed = parts.alerts.replace(&config.alerts);
    if let Err(error) = missing_threads::measure(parts, &config) {
        let text = format!("built-in metrics are not measured yet: no thread can be started: {error}");
        parts.log.write(Level::Error, &text);
        missing_threads.note_sampler();
    }
    let instance = parts.intake.instance();
    transaction
        .states
        .extend(removed.iter().map(|name| (StateKey::owned(StateKind::Alert, instance, name), None)));
    transaction.removed_alerts.extend(removed);
    config.warnings.iter().for_each(|text| parts.log.write(Level::Warn, text));
    let named = old.values().map(|lane| lane.endpoint()).filter(|endpoint| endpoint.is_of_task());
    for endpoint in named.filter(|endpoint| config.task_urls.allow(endpoint.target.url.expose())) {
        task_lanes::open_lane(&parts.lanes, &config, endpoint);
    }
    let waiting = old
        .into_iter()
        .flat_map(|(name, lane)| lane.retire().into_iter().map(move |job| (name.clone(), job)));
    parts.lanes.push(waiting);
    parts.log.write(Level::Info, &format!("a new configuration is in force: {}", config.summary()));
    config
}
