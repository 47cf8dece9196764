//! Opens an instance: ring, spool, the state that earlier runs left, lanes, and the dispatcher's thread.

use super::missing_threads::MissingThreads;
use super::reload;
use crate::alerts::Kept;
use crate::clock::Clock;
use crate::config::Config;
use crate::engine::commit::{Committer, Transaction, WaitingFallbacks};
use crate::engine::decide::Decider;
use crate::engine::dispatch::Dispatch;
use crate::engine::dispatcher::Dispatcher;
use crate::engine::endpoints::build_lanes;
use crate::engine::error::{Error, ErrorKind};
use crate::engine::housekeeping::Housekeeping;
use crate::engine::idle::Idle;
use crate::engine::ingest::Ingest;
use crate::engine::parts::Parts;
use crate::engine::peers::Peers;
use crate::engine::shared_batches::StallTimer;
use crate::engine::takeover::{dead_instances, hand_over, take_over_shaping, take_over_tally};
use crate::engine::task_lanes;
use crate::engine::usual_durations;
use crate::failpoint;
use crate::intake::{self, Home, Intake, PeerSignal};
use crate::os;
use crate::shaping::ShapingState;
use crate::spool::{Reader, Spool, SpoolError, SpoolErrorKind, SpoolPath, StateKey, StateKind};
use crate::tally::Tally;
use std::path::Path;
use std::sync::Arc;

/// Opens everything and starts the dispatcher's thread.
///
/// # Errors
/// `Config` when certificates or a proxy cannot be used, `Spool` when the spool or a thread cannot be had.
pub fn open(config: Config, clock: Arc<dyn Clock>) -> Result<Arc<Parts>, Error> {
    os::watch_forks();
    os::stay_mapped();
    let home = match &config.spool.path {
        SpoolPath::Memory => Home::Memory,
        SpoolPath::File(path) if config.queue.ring_beside_spool => Home::Beside(path.clone()),
        SpoolPath::File(path) => Home::Quickest(path.clone()),
    };
    let intake = Intake::open(&home, config.queue.max_bytes);
    let now = clock.unix_ms();
    let mut incident = None;
    let mut started = start(&config, &intake, &*clock, None);
    if started.as_ref().is_err_and(|fault| fault.kind() == SpoolErrorKind::Corrupt) {
        let (fresh, what) =
            Spool::open_damaged(&config.spool.path, intake.instance(), now).map_err(spool_error)?;
        incident = Some(what);
        started = start(&config, &intake, &*clock, Some(fresh));
    }
    let Started { mut spool, tally, shaping, held, dead } = started.map_err(spool_error)?;
    let reader = match &config.spool.path {
        SpoolPath::Memory => None,
        SpoolPath::File(path) => Some(Reader::open(path).map_err(spool_error)?),
    };
    let config = Arc::new(config);
    let parts = Arc::new(Parts::new(intake, &config, clock, reader));
    if let Some(incident) = incident {
        parts.counters.spool_renewed.one();
        parts.spool_health.add_incident(&incident.to_string());
    }
    let mut lanes = build_lanes(&config, &parts.lanes, Some(&spool))?;
    task_lanes::restore(&mut spool, &parts.lanes, &config, &mut lanes).map_err(spool_error)?;
    *parts.lanes.lock() = lanes;
    restore_alerts(&mut spool, &parts, &config, &dead).map_err(spool_error)?;
    let ends = tally.held() as u32;
    parts.progress.update().adds_tried(0, ends, ends);
    signal_peers(&parts, spool.path(), &config.spool.path);
    hand_over(&spool, &held, &parts.lanes, &parts.counters, &parts.progress).map_err(spool_error)?;
    let no_thread = |error| Error::new(ErrorKind::Spool, format!("no thread can be started: {error}"));
    let decider = Decider::new(Arc::clone(&config), tally, shaping);
    let dispatcher = new_dispatcher(&parts, spool, decider);
    os::spawn_to_render("taskbell-events", move || dispatcher.run()).map_err(no_thread)?;
    if let Err(error) = reload::measure(&parts, &config) {
        // The dispatcher runs already, and has to end.
        super::close::close(&parts, std::time::Duration::ZERO);
        return Err(no_thread(error));
    }
    Ok(parts)
}

/// A dispatcher with its parts, not yet running.
pub fn new_dispatcher(parts: &Arc<Parts>, spool: Spool, decider: Decider) -> Dispatcher {
    let now = parts.clock.monotonic();
    let spool_file = (!decider.is_in_memory()).then(|| spool.path().to_owned());
    // If this cannot be read, it is read again after the next transaction.
    let unknown = WaitingFallbacks { any: true, next_due: None };
    let waiting_fallbacks = WaitingFallbacks::read(&spool).unwrap_or(unknown);
    Dispatcher {
        ingest: Ingest::new(Arc::clone(&parts.intake)),
        decider,
        transaction: Transaction::default(),
        committer: Committer {
            spool,
            stalls: StallTimer::new(parts.clock.now()),
            has_file: spool_file.is_some(),
            instance: parts.intake.instance().to_owned(),
            lanes: Arc::clone(&parts.lanes),
            health: Arc::clone(&parts.spool_health),
            counters: Arc::clone(&parts.counters),
            log: Arc::clone(&parts.log),
            waiting_fallbacks,
            retry_at: None,
        },
        dispatch: Dispatch {
            lanes: Arc::clone(&parts.lanes),
            progress: Arc::clone(&parts.progress),
            reports: Arc::clone(&parts.reports),
            counters: Arc::clone(&parts.counters),
            log: Arc::clone(&parts.log),
        },
        peers: Peers::new(spool_file),
        housekeeping: Housekeeping::new(now),
        idle: Idle::new(now),
        missing_threads: MissingThreads::default(),
        parts: Arc::clone(parts),
    }
}

/// A spool, with the state that this instance takes over from dead ones.
struct Started {
    spool: Spool,
    tally: Tally,
    shaping: ShapingState,
    // The numbers of owners that are this instance now.
    held: Vec<i64>,
    dead: Vec<String>,
}

fn start(
    config: &Config,
    intake: &Intake,
    clock: &dyn Clock,
    fresh: Option<Spool>,
) -> Result<Started, SpoolError> {
    let path = &config.spool.path;
    let own = intake.instance();
    let mut spool = match fresh {
        Some(spool) => spool,
        None => Spool::open(path, own)?,
    };
    if let Some(configuration) = &config.spool.configuration {
        spool.claim(configuration)?;
    }
    let file = match path {
        SpoolPath::Memory => None,
        SpoolPath::File(_) => Some(spool.path().to_owned()),
    };
    let dead = dead_instances(&spool, file.as_deref(), own)?;
    spool.take_over(&dead, clock.unix_ms())?;
    failpoint::reach("after-takeover");
    let mut tally = Tally::default();
    usual_durations::learn_usual(&spool, &mut tally)?;
    let end_delay = config.queue.end_delay;
    take_over_tally(&mut spool, &mut tally, own, &dead, clock.monotonic(), end_delay)?;
    let mut shaping = ShapingState::default();
    take_over_shaping(&mut spool, &mut shaping, own, &dead)?;
    let held = spool.held()?;
    Ok(Started { spool, tally, shaping, held, dead })
}

/// Takes over alerts that dead instances left firing. An instance without alerts leaves them to others.
fn restore_alerts(
    spool: &mut Spool,
    parts: &Parts,
    config: &Config,
    dead: &[String],
) -> Result<(), SpoolError> {
    if config.alerts.is_empty() {
        return Ok(());
    }
    let (own, mut moves, mut removed) = (parts.intake.instance(), Vec::new(), Vec::new());
    for (key, kept) in spool.states(StateKind::Alert)? {
        let name = key.name.as_str();
        if !key.owner.is_empty() && !dead.contains(&key.owner) {
            continue;
        }
        let state = Kept::from_bytes(&kept);
        let was_told = state.as_ref().is_none_or(|state| state.told.is_some());
        let restored = state.is_some_and(|state| parts.alerts.restore(name, state));
        if !restored && was_told {
            removed.push(name.to_owned());
        }
        moves.extend(restored.then(|| (StateKey::owned(key.kind, own, name), Some(kept))));
        moves.push((key, None));
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

/// Listens to peers on this spool where there are named pipes, and signals them before the first event is
/// accepted, so that they look after what this instance leaves if it dies.
fn signal_peers(parts: &Parts, file: &Path, path: &SpoolPath) {
    if *path == SpoolPath::Memory {
        return;
    }
    let own = parts.intake.instance();
    if let Ok(signal) = PeerSignal::open(file, own) {
        parts.waker.listen(signal);
    }
    intake::call(file, Some(own));
}

fn spool_error(error: SpoolError) -> Error {
    Error::new(ErrorKind::Spool, error.to_string())
}
