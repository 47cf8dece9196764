//! The start of a bell: ring, spool, what earlier runs left, lanes, clerk.

use super::clerk::Clerk;
use super::endpoints::{build_lanes, drop_homeless};
use super::error::{Error, ErrorKind};
use super::shared::Shared;
use super::task_lanes;
use super::work::{ALERT, SHAPE, TALLY, alert_key, shape_key};
use crate::alerts::Kept;
use crate::clock::Clock;
use crate::config::{Config, SpoolPath};
use crate::failpoint;
use crate::intake::{Home, Intake};
use crate::lanes::{Job, Lane};
use crate::os;
use crate::shape::Shape;
use crate::spool::{Reader, Spool, SpoolError, Waiting};
use crate::tally::Tally;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Opens everything and starts the clerk's thread.
pub fn open(config: Config, clock: Arc<dyn Clock>) -> Result<Arc<Shared>, Error> {
    os::watch_forks();
    os::stay_mapped();
    let home = match &config.spool.path {
        SpoolPath::Memory => Home::Memory,
        SpoolPath::File(path) if config.queue.ring_beside_spool => Home::Beside(path.clone()),
        SpoolPath::File(path) => Home::Quickest(path.clone()),
    };
    let intake = Intake::open(&home, config.queue.max_bytes);
    let mut spool = Spool::open(&config.spool.path, intake.instance()).map_err(spool_error)?;
    let live = live_instances(&config.spool.path, &intake)?;
    spool.adopt(&live, clock.unix_ms()).map_err(spool_error)?;
    failpoint::reach("after-takeover");
    let reader = match &config.spool.path {
        SpoolPath::Memory => None,
        SpoolPath::File(path) => Some(Reader::open(path).map_err(spool_error)?),
    };
    let config = Arc::new(config);
    let shared = Arc::new(Shared::new(intake, &config, clock, reader));
    let mut lanes = build_lanes(&config, &shared, Some(&spool))?;
    task_lanes::restore(&mut spool, &shared, &config, &mut lanes).map_err(spool_error)?;
    *shared.lanes() = lanes.clone();
    let mut tally = restore_tally(&mut spool, &shared, &config, &live).map_err(spool_error)?;
    super::recall::take_back(&mut spool, &shared, &live, &mut tally).map_err(spool_error)?;
    let shape = restore_shape(&mut spool, &shared, &live).map_err(spool_error)?;
    restore_alerts(&mut spool, &shared, &config, &live).map_err(spool_error)?;
    let waiting = spool.waiting().map_err(spool_error)?;
    let ring_beside = match &config.spool.path {
        SpoolPath::Memory => None,
        SpoolPath::File(path) => Some(path.clone()),
    };
    let no_thread = |error| Error::new(ErrorKind::Spool, format!("no thread can be started: {error}"));
    let (alerts, held) = (config.alerts.clone(), tally.held() as u32);
    let clerk = Clerk::new(Arc::clone(&shared), spool, config, tally, shape);
    shared.counters.recovered.add(waiting.len() as u64);
    let untried = waiting.iter().filter(|delivery| delivery.attempts == 0).count() as u32;
    shared.progress.update().owes_of_which(0, waiting.len() as u32 + held, untried + held);
    os::spawn("taskbell-clerk", move || clerk.run(ring_beside.as_deref())).map_err(no_thread)?;
    if let Err(error) = shared.watchman.rounds.put_in_force(&alerts, &shared) {
        // The clerk runs already and holds what is shared: it must end.
        super::close::close(&shared, std::time::Duration::ZERO);
        return Err(no_thread(error));
    }
    hand_over(waiting, &lanes, &shared);
    Ok(shared)
}

fn live_instances(path: &SpoolPath, intake: &Intake) -> Result<Vec<String>, Error> {
    match path {
        SpoolPath::Memory => Ok(vec![intake.instance().to_owned()]),
        SpoolPath::File(path) => Intake::live_instances(path).map_err(|error| {
            let message = format!("the folder of the spool {} cannot be read: {error}", path.display());
            Error::new(ErrorKind::Spool, message)
        }),
    }
}

/// The counts that runs which are no longer alive left in the spool, under this instance's name.
fn restore_tally(
    spool: &mut Spool,
    shared: &Shared,
    config: &Config,
    live: &[String],
) -> Result<Tally, SpoolError> {
    let mut tally = Tally::default();
    let now = shared.clock.monotonic();
    let mut taken = Vec::new();
    for (key, kept) in spool.states(TALLY)? {
        let Some((instance, queue)) = key[TALLY.len()..].split_once('/') else { continue };
        if live.iter().any(|alive| alive == instance) {
            continue;
        }
        tally.restore(queue, &kept, now, config.queue.end_delay);
        taken.push(key);
    }
    if !taken.is_empty() {
        let own = shared.intake.instance();
        let mut batch = spool.batch()?;
        for key in taken {
            batch.put_state(&key, None)?;
        }
        for (queue, state) in tally.changes() {
            batch.put_state(&super::work::tally_key(own, &queue), state.as_deref())?;
        }
        batch.commit()?;
    }
    Ok(tally)
}

/// What shaping remembered in runs that are no longer alive, under this instance's name.
fn restore_shape(spool: &mut Spool, shared: &Shared, live: &[String]) -> Result<Shape, SpoolError> {
    let mut shape = Shape::default();
    let kept = spool.states(SHAPE)?;
    let mut by_instance: BTreeMap<&str, Vec<(&str, &[u8])>> = BTreeMap::new();
    for (key, value) in &kept {
        let Some((instance, rest)) = key[SHAPE.len()..].split_once('/') else { continue };
        if !live.iter().any(|alive| alive == instance) {
            by_instance.entry(instance).or_default().push((rest, value));
        }
    }
    if by_instance.is_empty() {
        return Ok(shape);
    }
    let own = shared.intake.instance();
    let mut batch = spool.batch()?;
    for (instance, entries) in by_instance {
        shape.restore(&entries);
        for (rest, _) in entries {
            batch.put_state(&shape_key(instance, rest), None)?;
        }
    }
    for (rest, value) in shape.changes() {
        batch.put_state(&shape_key(own, &rest), value.as_deref())?;
    }
    batch.commit()?;
    Ok(shape)
}

/// The alerts that runs which are no longer alive left firing, under this instance's name. A bell without
/// alerts leaves them for one that has some.
fn restore_alerts(
    spool: &mut Spool,
    shared: &Shared,
    config: &Config,
    live: &[String],
) -> Result<(), SpoolError> {
    if config.alerts.is_empty() {
        return Ok(());
    }
    let (own, mut moves) = (shared.intake.instance(), Vec::new());
    for (key, kept) in spool.states(ALERT)? {
        let Some((instance, name)) = key[ALERT.len()..].split_once('/') else { continue };
        if live.iter().any(|alive| alive == instance) {
            continue;
        }
        let restored =
            Kept::from_bytes(&kept).is_some_and(|kept| shared.watchman.restore(shared, name, kept));
        moves.extend(restored.then(|| (alert_key(own, name), Some(kept))));
        moves.push((key, None));
    }
    if !moves.is_empty() {
        let mut batch = spool.batch()?;
        for (key, value) in moves {
            batch.put_state(&key, value.as_deref())?;
        }
        batch.commit()?;
    }
    Ok(())
}

/// Gives the lanes what waits in the spool. What had been in flight is due at once.
fn hand_over(waiting: Vec<Waiting>, lanes: &BTreeMap<String, Arc<Lane>>, shared: &Shared) {
    let (now, unix_ms) = (shared.clock.monotonic(), shared.clock.unix_ms());
    let mut by_endpoint: BTreeMap<String, Vec<Job>> = BTreeMap::new();
    for delivery in waiting {
        let wait = (delivery.due_at - unix_ms).max(0) as u64;
        let job = Job {
            seq: delivery.seq,
            ticket: 0,
            event_id: delivery.event_id,
            kind: delivery.kind,
            hook: delivery.hook,
            created_at: delivery.created_at,
            attempts: delivery.attempts,
            strikes: (delivery.attempts as usize).min(most_strikes(lanes, &delivery.endpoint)),
            asked: 0,
            expires_at: delivery.expires_at,
            thing: delivery.thing,
            due: now + std::time::Duration::from_millis(wait),
            body: None,
        };
        by_endpoint.entry(delivery.endpoint).or_default().push(job);
    }
    for (endpoint, jobs) in by_endpoint {
        match lanes.get(&endpoint) {
            Some(lane) => lane.push(jobs),
            None => drop_homeless(shared, &endpoint, jobs),
        }
    }
}

/// Waits that a receiver asked for are attempts but no strikes, and the spool counts only attempts: the
/// last place of the schedule is what is left at least.
fn most_strikes(lanes: &BTreeMap<String, Arc<Lane>>, endpoint: &str) -> usize {
    lanes.get(endpoint).map_or(0, |lane| lane.endpoint().retry.schedule.len().saturating_sub(1))
}

fn spool_error(error: SpoolError) -> Error {
    Error::new(ErrorKind::Spool, error.to_string())
}
