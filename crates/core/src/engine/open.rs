//! The start of a bell: ring, spool, what earlier runs left, lanes, clerk.

use super::clerk::Clerk;
use super::endpoints::build_lanes;
use super::error::{Error, ErrorKind};
use super::shared::Shared;
use super::takeover::{dead_instances, hand_over, inherit_shape, inherit_tally};
use super::task_lanes;
use super::work::{ALERT, NOBODY, alert_key};
use crate::alerts::Kept;
use crate::clock::Clock;
use crate::config::{Config, SpoolPath};
use crate::failpoint;
use crate::intake::{self, Home, Intake, PeerSignal};
use crate::os;
use crate::shape::Shape;
use crate::spool::{Reader, Spool, SpoolError, SpoolErrorKind};
use crate::tally::Tally;
use std::path::Path;
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
    let now = clock.unix_ms();
    let mut mishap = None;
    let mut started = start(&config, &intake, &*clock, None);
    if started.as_ref().is_err_and(|fault| fault.kind() == SpoolErrorKind::Corrupt) {
        let (fresh, what) =
            Spool::open_damaged(&config.spool.path, intake.instance(), now).map_err(spool_error)?;
        mishap = Some(what);
        started = start(&config, &intake, &*clock, Some(fresh));
    }
    let Started { mut spool, tally, shape, held, dead } = started.map_err(spool_error)?;
    let reader = match &config.spool.path {
        SpoolPath::Memory => None,
        SpoolPath::File(path) => Some(Reader::open(path).map_err(spool_error)?),
    };
    let config = Arc::new(config);
    let shared = Arc::new(Shared::new(intake, &config, clock, reader));
    if let Some(mishap) = mishap {
        shared.counters.spool_renewed.one();
        shared.note_mishap(&mishap.to_string());
    }
    let mut lanes = build_lanes(&config, &shared, Some(&spool))?;
    task_lanes::restore(&mut spool, &shared, &config, &mut lanes).map_err(spool_error)?;
    *shared.lanes() = lanes;
    restore_alerts(&mut spool, &shared, &config, &dead).map_err(spool_error)?;
    let ends = tally.held() as u32;
    shared.progress.update().owes_of_which(0, ends, ends);
    greet(&shared, spool.path(), &config.spool.path);
    hand_over(&spool, &held, &shared).map_err(spool_error)?;
    let no_thread = |error| Error::new(ErrorKind::Spool, format!("no thread can be started: {error}"));
    let alerts = config.alerts.clone();
    let clerk = Clerk::new(Arc::clone(&shared), spool, config, tally, shape);
    os::spawn("taskbell-clerk", move || clerk.run()).map_err(no_thread)?;
    if let Err(error) = shared.watchman.rounds.put_in_force(&alerts, &shared) {
        // The clerk runs already and holds what is shared: it must end.
        super::close::close(&shared, std::time::Duration::ZERO);
        return Err(no_thread(error));
    }
    Ok(shared)
}

/// A spool with what this instance takes over from those that are dead.
struct Started {
    spool: Spool,
    tally: Tally,
    shape: Shape,
    /// The owners' numbers that are this instance's.
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
    let file = match path {
        SpoolPath::Memory => None,
        SpoolPath::File(_) => Some(spool.path().to_owned()),
    };
    let dead = dead_instances(&spool, file.as_deref(), own)?;
    spool.inherit(&dead, clock.unix_ms())?;
    failpoint::reach("after-takeover");
    let mut tally = Tally::default();
    super::usual_durations::learn_usual(&spool, &mut tally)?;
    let end_delay = config.queue.end_delay;
    inherit_tally(&mut spool, &mut tally, own, &dead, clock.monotonic(), end_delay)?;
    let mut shape = Shape::default();
    inherit_shape(&mut spool, &mut shape, own, &dead)?;
    let held = spool.held()?;
    Ok(Started { spool, tally, shape, held, dead })
}

/// The alerts that runs which are no longer alive left firing, under this instance's name. A bell without
/// alerts leaves them for one that has some.
fn restore_alerts(
    spool: &mut Spool,
    shared: &Shared,
    config: &Config,
    dead: &[String],
) -> Result<(), SpoolError> {
    if config.alerts.is_empty() {
        return Ok(());
    }
    let (own, mut moves, mut unwatched) = (shared.intake.instance(), Vec::new(), Vec::new());
    for (key, kept) in spool.states(ALERT)? {
        let Some((instance, name)) = key[ALERT.len()..].split_once('/') else { continue };
        if instance != NOBODY && !dead.iter().any(|gone| gone == instance) {
            continue;
        }
        let state = Kept::from_bytes(&kept);
        let was_told = state.as_ref().is_none_or(|state| state.told.is_some());
        let restored = state.is_some_and(|state| shared.watchman.restore(shared, name, state));
        if !restored && was_told {
            unwatched.push(name.to_owned());
        }
        moves.extend(restored.then(|| (alert_key(own, name), Some(kept))));
        moves.push((key, None));
    }
    if !moves.is_empty() {
        let mut batch = spool.begin()?;
        for (key, value) in moves {
            batch.put_state(&key, value.as_deref())?;
        }
        for alert in &unwatched {
            batch.resolve(alert)?;
        }
        batch.commit()?;
    }
    Ok(())
}

/// Makes the acquaintance of the others on this spool: hears their calls, where there are named pipes, and
/// calls them, so that they look after what this instance leaves if it dies. Before the first event is
/// taken.
fn greet(shared: &Shared, file: &Path, path: &SpoolPath) {
    if *path == SpoolPath::Memory {
        return;
    }
    let own = shared.intake.instance();
    if let Ok(ear) = PeerSignal::open(file, own) {
        shared.bed.listen(ear);
    }
    intake::call(file, Some(own));
}

fn spool_error(error: SpoolError) -> Error {
    Error::new(ErrorKind::Spool, error.to_string())
}
