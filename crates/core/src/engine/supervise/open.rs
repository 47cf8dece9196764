//! Opens an instance: ring, spool, the state that earlier runs left, lanes, and the dispatcher's thread.

use super::load::{Loaded, load};
use super::missing_threads::{self, MissingThreads};
use crate::clock::Clock;
use crate::config::Config;
use crate::engine::commit::{Committer, Transaction, WaitingFallbacks};
use crate::engine::decide::Decider;
use crate::engine::dispatch::EarlyDispatch;
use crate::engine::dispatcher::Dispatcher;
use crate::engine::endpoints::build_lanes;
use crate::engine::error::{Error, ErrorKind};
use crate::engine::housekeeping::Housekeeping;
use crate::engine::idle::Idle;
use crate::engine::ingest::Ingest;
use crate::engine::open_store::OpenStore;
use crate::engine::parts::{Parts, RelayParts};
use crate::engine::peers::Peers;
use crate::engine::posted::PostedEvents;
use crate::engine::sending_marks::SendingMarks;
use crate::engine::shared_batches::BatchTimer;
use crate::intake::{self, Home, Intake, PeerSignal};
use crate::os;
use crate::spool::{DamagedFile, Spool, SpoolError, SpoolErrorKind, SpoolPath, StateKind, Store};
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

/// Opens everything on the spool of the configuration, and starts the dispatcher's thread.
///
/// # Errors
/// `Config` when certificates or a proxy cannot be used, `Spool` when the spool or a thread cannot be had.
pub fn open(
    config: Arc<Config>,
    relay: Option<RelayParts>,
    clock: Arc<dyn Clock>,
) -> Result<Arc<Parts>, Error> {
    os::watch_forks();
    os::stay_mapped();
    let home = match &config.spool.path {
        SpoolPath::Memory => Home::Memory,
        SpoolPath::File(path) if config.queue.ring_beside_spool => Home::Beside(path.clone()),
        SpoolPath::File(path) => Home::Quickest(path.clone()),
    };
    let intake = Intake::open(&home, config.queue.max_bytes);
    let parts = Arc::new(Parts::new(intake, relay, &config, clock, None));
    let (spool, loaded, damaged) = open_spool(&parts, &config)?;
    signal_peers(&parts, spool.path(), &config.spool.path);
    let decider = Decider::new(Arc::clone(&config), loaded.tally, loaded.shaping);
    let dispatcher = Dispatcher { damaged, ..new_dispatcher(&parts, spool, decider) };
    start(&parts, &config, dispatcher)?;
    Ok(parts)
}

/// As [`open`], on a store that is open already. The ring is in memory: what a relay answers for is in the store.
///
/// # Errors
/// `Config` when certificates or a proxy cannot be used, `Spool` when the store cannot be read or a thread be had.
pub fn open_on<S: Store + Send + 'static>(
    config: Arc<Config>,
    relay: RelayParts,
    opened: OpenStore<S>,
) -> Result<Arc<Parts>, Error> {
    let OpenStore { mut store, reader, instance, clock, may_send } = opened;
    let intake = Intake::named(instance, config.queue.max_bytes);
    let parts = Arc::new(Parts::new(intake, Some(relay), &config, clock, Some(reader)));
    parts.lanes.reports.send_only_if(may_send);
    *parts.lanes.lock() = build_lanes(&config, &parts.lanes, Some(&store))?;
    let loaded = load(&mut store, &parts, &config).map_err(spool_error)?;
    let decider = Decider::new(Arc::clone(&config), loaded.tally, loaded.shaping);
    start(&parts, &config, new_dispatcher(&parts, store, decider))?;
    Ok(parts)
}

fn start<S: Store + Send + 'static>(
    parts: &Arc<Parts>,
    config: &Config,
    dispatcher: Dispatcher<S>,
) -> Result<(), Error> {
    let no_thread = |error| Error::new(ErrorKind::Spool, format!("no thread can be started: {error}"));
    os::spawn_to_render("taskbell-events", move || dispatcher.run()).map_err(no_thread)?;
    missing_threads::measure(parts, config).map_err(|error| {
        // The dispatcher runs already, and has to end.
        super::close::close(parts, std::time::Duration::ZERO);
        no_thread(error)
    })
}

/// A dispatcher with its parts, not yet running.
pub fn new_dispatcher<S: Store>(parts: &Arc<Parts>, mut spool: S, decider: Decider) -> Dispatcher<S> {
    let now = parts.clock.monotonic();
    let is_kept = !decider.is_in_memory();
    let spool_file = spool.file().map(|spool| spool.path().to_owned()).filter(|_| is_kept);
    // If this cannot be read, it is read again after the next transaction.
    let unknown = WaitingFallbacks { any: true, next_due: None };
    let waiting_fallbacks = WaitingFallbacks::read(&spool).unwrap_or(unknown);
    let mut posted = PostedEvents::default();
    if parts.relay.is_some() {
        let kept = spool.states(StateKind::FarmNode).unwrap_or_default();
        kept.iter().for_each(|(key, kept)| posted.nodes.restore(&key.name, kept));
    }
    Dispatcher {
        ingest: Ingest::new(Arc::clone(&parts.intake)),
        decider,
        transaction: Transaction::default(),
        early: EarlyDispatch::new(),
        committer: Committer {
            spool,
            stalls: BatchTimer::new(parts.clock.now()),
            batch_progress: BatchTimer::new(parts.clock.now()),
            has_file: spool_file.is_some(),
            parts: Arc::clone(parts),
            waiting_fallbacks,
            retry_at: None,
        },
        peers: if spool_file.is_none() && is_kept { Peers::of_store(now) } else { Peers::new(spool_file) },
        housekeeping: Housekeeping::new(now),
        idle: Idle::new(now),
        missing_threads: MissingThreads::default(),
        sending_marks: SendingMarks::default(),
        posted,
        damaged: None,
        parts: Arc::clone(parts),
    }
}

/// Opens the spool, builds the lanes, and loads what waits. Wherever that meets damage, the file is moved aside and
/// a new one made. What the damaged one holds is read by the dispatcher, because that may take seconds.
fn open_spool(parts: &Parts, config: &Config) -> Result<(Spool, Loaded, Option<DamagedFile>), Error> {
    let (path, own) = (&config.spool.path, parts.intake.instance());
    let build = |spool: &Spool| -> Result<(), Error> {
        *parts.lanes.lock() = build_lanes(config, &parts.lanes, Some(spool))?;
        Ok(())
    };
    let loaded = match Spool::open(path, own) {
        Err(fault) => Err(fault),
        Ok(mut spool) => {
            build(&spool)?;
            match spool.unread_damage() {
                // What waits is loaded when that has been read.
                Some(unread) => Ok((spool, Loaded::default(), Some(unread))),
                None => load(&mut spool, parts, config).map(|loaded| (spool, loaded, None)),
            }
        }
    };
    match loaded {
        Err(fault) if fault.kind() == SpoolErrorKind::Corrupt => {}
        loaded => return loaded.map_err(spool_error),
    }
    parts.lanes.reports.replace_reader(None, &HashMap::new());
    let (fresh, damaged) = Spool::open_damaged(path, own, parts.clock.unix_ms()).map_err(spool_error)?;
    build(&fresh)?;
    parts.counters.spool_renewed.one();
    Ok((fresh, Loaded::default(), Some(damaged)))
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
