//! Tests of the spool as a whole, and their fixtures.

mod crash;
mod faults;
mod life;
mod overview;

use super::{
    AttemptRow, Counts, NewDelivery, NewEvent, Spool, SpoolTransaction, StateKey, StateKind, WaitingDelivery,
};
use crate::event::EventId;
use crate::spool::SpoolPath;
use crate::transport::Phases;
use std::path::{Path, PathBuf};

pub(super) const NONE: [i64; 0] = [];

pub(super) fn spool(owner: &str) -> Spool {
    Spool::open(&SpoolPath::Memory, owner).unwrap()
}

pub(super) fn spool_at(path: &Path, owner: &str) -> Spool {
    Spool::open(&SpoolPath::File(path.to_owned()), owner).unwrap()
}

/// A folder, and a file in it that is not there yet.
pub(super) fn place() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.db");
    (folder, path)
}

pub(super) fn event_id(number: u32) -> EventId {
    EventId::new(1_700_000_000_000 + i64::from(number), u128::from(number))
}

/// One transaction.
pub(super) fn write<T>(spool: &mut Spool, work: impl FnOnce(&mut SpoolTransaction<'_>) -> T) -> T {
    let mut batch = spool.begin().unwrap();
    let done = work(&mut batch);
    batch.commit().unwrap();
    done
}

/// An event that was accepted at `number` and rings at these endpoints; the deliveries' numbers.
pub(super) fn ring(batch: &mut SpoolTransaction<'_>, number: u32, endpoints: &[&str]) -> Vec<i64> {
    let at = i64::from(number);
    let event = NewEvent {
        id: event_id(number),
        kind: "task.complete",
        accepted_at: at,
        node: None,
        payload: b"{\"n\":1}",
    };
    let event = batch.event(&event).unwrap().unwrap();
    endpoints.iter().map(|endpoint| batch.delivery(&delivery(event, endpoint, at)).unwrap()).collect()
}

/// A delivery that is due when it is made.
pub(super) fn delivery(event: i64, endpoint: &str, at: i64) -> NewDelivery<'_> {
    NewDelivery {
        event,
        endpoint,
        hook: "hooks[0]",
        content_type: "application/json",
        body: b"{\"text\":\"done\"}",
        extras: None,
        created_at: at,
        due_at: at,
        dead: None,
        why: None,
        expires_at: None,
        thing: None,
        live: None,
    }
}

pub(super) fn state_key() -> StateKey {
    StateKey::shared(StateKind::QueueCounts, "q")
}

pub(super) fn attempt(delivery: i64, number: u32) -> AttemptRow {
    AttemptRow {
        delivery,
        number,
        started_at: 1000 * i64::from(number),
        phases: Phases { resolve_us: 1, connect_us: 2, tls_us: 3, first_byte_us: 40, total_us: 50 },
        status: Some(503),
        outcome: "retry",
        error: Some("the receiver answered 503".into()),
        response: Some("busy".into()),
        next_at: Some(9000),
    }
}

/// What is pending for this owner at an endpoint.
pub(super) fn pending(spool: &Spool, endpoint: &str) -> Vec<WaitingDelivery> {
    let mut waiting = spool.waiting().unwrap();
    waiting.retain(|delivery| delivery.endpoint == endpoint);
    waiting
}

/// The numbers of what is pending for this owner at an endpoint.
pub(super) fn waiting(spool: &Spool, endpoint: &str) -> Vec<i64> {
    pending(spool, endpoint).iter().map(|delivery| delivery.seq).collect()
}

/// Takes over the deliveries of owners that are not in `live`; how many.
pub(super) fn adopt(spool: &mut Spool, live: &[&str], now_ms: i64) -> usize {
    let mut dead = spool.holders().unwrap();
    dead.retain(|holder| *holder != spool.owner && !live.contains(&holder.as_str()));
    spool.take_over(&dead, now_ms).unwrap().deliveries
}

pub(super) fn counts(spool: &Spool) -> Counts {
    super::counts::count(&spool.conn).unwrap()
}

/// The promises of every store, kept by a file.
mod as_store {
    use super::super::store_suite::Place;
    use super::super::{Operator, Reader, SpoolOperator, SpoolReader};
    use super::*;

    struct File {
        path: PathBuf,
        _folder: tempfile::TempDir,
    }

    impl File {
        fn new() -> File {
            let (folder, path) = place();
            File { path, _folder: folder }
        }
    }

    impl Place for File {
        type Store = Spool;

        fn open(&self, instance: &str) -> Spool {
            spool_at(&self.path, instance)
        }

        fn reader(&self) -> Box<dyn Reader> {
            Box::new(SpoolReader::open(&self.path).unwrap())
        }

        fn operator(&self) -> Box<dyn Operator> {
            Box::new(SpoolOperator::open(&self.path).unwrap())
        }
    }

    crate::store_suite!(tests at File);
}
