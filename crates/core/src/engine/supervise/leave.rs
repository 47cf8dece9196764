//! The end of the dispatcher: leaves the spool so that the next start takes over at once.

use crate::engine::endpoints::sent_state;
use crate::engine::log::Level;
use crate::engine::parts::Parts;
use crate::engine::phase::Phase;
use crate::intake;
use crate::spool::{SpoolError, StateChange, StateKey, StateKind, Store};
use crate::tally::TallyChange;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// How long the thread waits for the host to drop its handle.
const HANDLE_PATIENCE: Duration = Duration::from_secs(10);

/// Runs on the dispatcher's thread, and drops the ring there: that waits for the file system, which no host
/// thread should.
///
/// `counts` are those of the queues that it leaves open.
pub fn leave(parts: Arc<Parts>, mut spool: impl Store, spool_file: Option<&Path>, counts: Vec<TallyChange>) {
    let instance = parts.intake.instance();
    if let Err(error) = leave_states(&mut spool, &parts, counts).and_then(|()| spool.release()) {
        let text = format!("the spool could not be left in order; the next start repairs it: {error}");
        parts.log.write(Level::Warn, &text);
    }
    // Before the writer: the last connection tidies up the file, and a reader must not.
    parts.lanes.reports.replace_reader(None, &HashMap::new());
    parts.waker.stop_listening();
    if let Some(file) = spool_file {
        intake::call(file, Some(instance));
    }
    spool.close();
    if let Some(relay) = &parts.relay {
        relay.posts.end();
    }
    // A call in flight may still add an event: then the ring stays this instance's until that call has ended.
    if parts.in_flight.is_empty() {
        parts.intake.leave();
    }
    parts.progress.update().closed();
    parts.advance(Phase::Ended);
    let patience = parts.clock.monotonic() + HANDLE_PATIENCE;
    while Arc::strong_count(&parts) > 1 && parts.clock.monotonic() < patience {
        thread::sleep(Duration::from_millis(5));
    }
}

/// Leaves firing alerts to the next start, which may come before this instance counts as dead, and the counts of open
/// queues, which go on there. Nothing is in flight any more, and its host is no peer.
fn leave_states(spool: &mut impl Store, parts: &Parts, counts: Vec<TallyChange>) -> Result<(), SpoolError> {
    let instance = parts.intake.instance();
    let mut states = spool.states(StateKind::Alert)?;
    states.extend(spool.states(StateKind::InFlight)?);
    states.extend(spool.states(StateKind::HostName)?);
    states.retain(|(key, _)| key.owner == instance);
    let of_queue = |(queue, count)| (StateKey::owned(StateKind::QueueCounts, instance, queue), count);
    let mut changes: Vec<StateChange> = counts.into_iter().map(of_queue).collect();
    changes.extend(parts.lanes.all().values().filter_map(|lane| sent_state(lane, true)));
    for (key, kept) in states {
        if key.kind == StateKind::Alert {
            changes.push((StateKey::shared(key.kind, &key.name), Some(kept)));
        }
        changes.push((key, None));
    }
    spool.put_states(&changes)
}
