//! Loads what the spool holds for an instance that starts: what it takes over from dead ones, and what waits.

use crate::alerts::Kept;
use crate::config::Config;
use crate::engine::endpoints::resume_rates;
use crate::engine::lane_table::Lanes;
use crate::engine::paging;
use crate::engine::parts::Parts;
use crate::engine::takeover::{dead_instances, queues_of_others, take_over_shaping, take_over_tally};
use crate::engine::{task_lanes, usual_durations};
use crate::shaping::ShapingState;
use crate::spool::{Batch, SpoolError, SpoolPath, SpoolReader, StateKey, StateKind, Store};
use crate::tally::{Tally, WorkingNodes};
use std::collections::HashMap;
use taskbell_ring::failpoint;

/// What the spool held, in memory.
#[derive(Debug, Default)]
pub struct Loaded {
    pub tally: Tally,
    pub shaping: ShapingState,
}

/// Takes over what dead instances left, and hands the deliveries to the lanes last: until then nothing is done that
/// cannot be done again after a recovery of the spool.
pub fn load(spool: &mut impl Store, parts: &Parts, config: &Config) -> Result<Loaded, SpoolError> {
    let own = parts.intake.instance();
    let file = match spool.file() {
        None => None,
        Some(spool) => {
            if let Some(configuration) = &config.spool.configuration {
                spool.claim(configuration)?;
            }
            (config.spool.path != SpoolPath::Memory).then(|| spool.path().to_owned())
        }
    };
    if let Some(file) = &file {
        parts.lanes.reports.replace_reader(Some(Box::new(SpoolReader::open(file)?)), &HashMap::new());
    }
    let mut dead = dead_instances(spool, file.as_deref(), own)?;
    let has_crashed = !dead.is_empty();
    // What was taken over in a file that then turned out to be damaged is taken over again.
    dead.push(own.to_owned());
    spool.take_over(&dead, parts.clock.unix_ms())?;
    failpoint::reach("after-takeover");
    let (mut tally, mut shaping) = (Tally::default(), ShapingState::default());
    if let Some(relay) = &parts.relay {
        let now = parts.clock.monotonic();
        let mut nodes = WorkingNodes::new(relay.node_lost, now);
        for (key, kept) in spool.states(StateKind::FarmQueue)? {
            nodes.restore(&key.name, &kept, now);
        }
        tally.nodes = Some(nodes);
    }
    usual_durations::learn_usual(spool, &mut tally)?;
    let (now, end_delay) = (parts.clock.monotonic(), config.queue.end_delay);
    take_over_tally(spool, &mut tally, own, &dead, now, end_delay)?;
    tally.of_others = queues_of_others(spool, own)?;
    take_over_shaping(spool, &mut shaping, own, &dead)?;
    let mut named = Lanes::new();
    task_lanes::restore(spool, &parts.lanes, config, &mut named)?;
    parts.lanes.lock().extend(named);
    resume_rates(spool, &parts.lanes.all(), has_crashed)?;
    restore_alerts(spool, parts, config, &dead)?;
    paging::hand_over(spool, &spool.held()?, parts)?;
    let ends = tally.held() as u32;
    parts.progress.update().adds_tried(0, ends, ends);
    Ok(Loaded { tally, shaping })
}

/// Takes over alerts that dead instances left firing. An instance without alerts leaves them to others.
fn restore_alerts(
    spool: &mut impl Store,
    parts: &Parts,
    config: &Config,
    dead: &[String],
) -> Result<(), SpoolError> {
    if config.alerts.is_empty() {
        return Ok(());
    }
    let (own, mut moves, mut removed) = (parts.intake.instance(), Vec::new(), Vec::new());
    for (key, kept) in spool.states(StateKind::Alert)? {
        let name = key.name.clone();
        if !key.owner.is_empty() && !dead.contains(&key.owner) {
            continue;
        }
        let state = Kept::from_bytes(&kept);
        let was_told = state.as_ref().is_none_or(|state| state.told.is_some());
        let restored = state.is_some_and(|state| parts.alerts.restore(&name, state));
        if !restored && was_told {
            removed.push(name.clone());
        }
        let kept = restored.then(|| (StateKey::owned(key.kind, own, name), Some(kept)));
        moves.push((key, None));
        moves.extend(kept);
    }
    if !moves.is_empty() {
        let mut batch = spool.begin()?;
        for (key, value) in moves {
            batch.put_state(&key, value.as_deref())?;
        }
        for alert in &removed {
            batch.resolve(alert)?;
        }
        batch.commit()?;
    }
    Ok(())
}
