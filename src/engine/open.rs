//! The start of a bell: ring, spool, what earlier runs left, lanes, clerk.

use super::clerk::Clerk;
use super::endpoints::build_lanes;
use super::error::{Error, ErrorKind};
use super::inherit::{dead_instances, hand_over, inherit_tally};
use super::shared::Shared;
use crate::clock::Clock;
use crate::config::{Config, SpoolPath};
use crate::intake::{self, Ear, Home, Intake};
use crate::os;
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
        SpoolPath::File(path) => Home::Beside(path.clone()),
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
    let Started { spool, tally, held } = started.map_err(spool_error)?;
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
    *shared.lanes() = build_lanes(&config, &shared, Some(&spool))?;
    let ends = tally.held() as u32;
    shared.progress.update().owes_of_which(0, ends, ends);
    hand_over(&spool, &held, &shared).map_err(spool_error)?;
    greet(&shared, spool.path(), &config.spool.path);
    let clerk = Clerk::new(Arc::clone(&shared), spool, config, tally);
    os::spawn("taskbell-clerk", move || clerk.run())
        .map_err(|error| Error::new(ErrorKind::Spool, format!("no thread can be started: {error}")))?;
    Ok(shared)
}

/// A spool with what this instance takes over from those that are dead.
struct Started {
    spool: Spool,
    tally: Tally,
    /// The owners' numbers that are this instance's.
    held: Vec<i64>,
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
    let mut tally = Tally::default();
    let end_delay = config.queue.end_delay;
    inherit_tally(&mut spool, &mut tally, own, &dead, clock.monotonic(), end_delay)?;
    let held = spool.held()?;
    Ok(Started { spool, tally, held })
}

/// Makes the acquaintance of the others on this spool: hears their calls, where there are named pipes, and
/// calls them, so that they look after what this instance leaves if it dies. Before the first event is
/// taken.
fn greet(shared: &Shared, file: &Path, path: &SpoolPath) {
    if *path == SpoolPath::Memory {
        return;
    }
    let own = shared.intake.instance();
    if let Ok(ear) = Ear::open(file, own) {
        shared.bed.listen(ear);
    }
    intake::call(file, Some(own));
}

fn spool_error(error: SpoolError) -> Error {
    Error::new(ErrorKind::Spool, error.to_string())
}
