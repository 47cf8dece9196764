//! A relay on a store that has no file for the engine: a spool that says so.

use super::{PATIENCE, Place, Receiver, Reply, emit, eventually, stat};
use crate::engine::{Bell, OpenStore, RelayBounds};
use crate::event::EventId;
use crate::spool::{
    BatchNews, DeliverySelection, Operator, PendingDelivery, Reader, Spool, SpoolError, SpoolErrorKind,
    SpoolOperator, SpoolPath, SpoolReader, SpoolTransaction, StateKey, StateKind, Store, Stretch, Takeover,
    WaitingDelivery,
};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

const BOUNDS: RelayBounds = RelayBounds { node_lost: Duration::from_secs(60), max_waiting: 1 << 20 };

struct WithoutFile(Spool, Arc<Silence>);

/// Has the store answer no question about a state.
#[derive(Default)]
struct Silence {
    lasts: AtomicBool,
    refused: AtomicUsize,
}

impl Store for WithoutFile {
    type Batch<'a> = SpoolTransaction<'a>;

    fn file(&mut self) -> Option<&mut Spool> {
        None
    }
    fn begin(&mut self) -> Result<SpoolTransaction<'_>, SpoolError> {
        Store::begin(&mut self.0)
    }
    fn take_numbers(&mut self, count: usize) -> Option<i64> {
        Store::take_numbers(&mut self.0, count)
    }
    fn state(&self, key: &StateKey) -> Result<Option<Vec<u8>>, SpoolError> {
        if self.1.lasts.load(Ordering::SeqCst) {
            self.1.refused.fetch_add(1, Ordering::SeqCst);
            return Err(SpoolError::of_database("db", SpoolErrorKind::Io, "it does not answer"));
        }
        Store::state(&self.0, key)
    }
    fn states(&self, kind: StateKind) -> Result<Vec<(StateKey, Vec<u8>)>, SpoolError> {
        Store::states(&self.0, kind)
    }
    fn holders(&self) -> Result<Vec<String>, SpoolError> {
        Store::holders(&self.0)
    }
    fn take_over(&mut self, dead: &[String], now_ms: i64) -> Result<Takeover, SpoolError> {
        Store::take_over(&mut self.0, dead, now_ms)
    }
    fn held(&self) -> Result<Vec<i64>, SpoolError> {
        Store::held(&self.0)
    }
    fn release(&mut self) -> Result<(), SpoolError> {
        Store::release(&mut self.0)
    }
    fn stretches(&self, owners: &[i64]) -> Result<Vec<Stretch>, SpoolError> {
        Store::stretches(&self.0, owners)
    }
    fn count(&self, of: &Stretch) -> Result<u64, SpoolError> {
        Store::count(&self.0, of)
    }
    fn page(&self, of: &Stretch, most: usize) -> Result<Vec<WaitingDelivery>, SpoolError> {
        Store::page(&self.0, of, most)
    }
    fn replaceable(&self, owners: &[i64]) -> Result<Vec<WaitingDelivery>, SpoolError> {
        Store::replaceable(&self.0, owners)
    }
    fn unrendered(&self) -> Result<Vec<WaitingDelivery>, SpoolError> {
        Store::unrendered(&self.0)
    }
    fn contexts(&self, of: &[WaitingDelivery]) -> Result<Vec<Vec<u8>>, SpoolError> {
        Store::contexts(&self.0, of)
    }
    fn pending(&self) -> Result<HashMap<i64, PendingDelivery>, SpoolError> {
        Store::pending(&self.0)
    }
    fn batch_waits_since(&self, what: BatchNews) -> Result<Option<i64>, SpoolError> {
        Store::batch_waits_since(&self.0, what)
    }
    fn batch_went_on(&self, id: &str) -> Result<bool, SpoolError> {
        Store::batch_went_on(&self.0, id)
    }
    fn batch_has_told(&self, id: &str, key: &str) -> Result<bool, SpoolError> {
        Store::batch_has_told(&self.0, id, key)
    }
    fn waiting_fallbacks(&self) -> Result<(bool, Option<i64>), SpoolError> {
        Store::waiting_fallbacks(&self.0)
    }
    fn knows(&self, id: EventId) -> Result<bool, SpoolError> {
        Store::knows(&self.0, id)
    }
    fn prune(&mut self, ended_before_ms: i64) -> Result<usize, SpoolError> {
        Store::prune(&mut self.0, ended_before_ms)
    }
}

/// A bell of this name on the spool of the place, which sends while it is trusted.
fn open(place: &Place, instance: &str, is_trusted: &Arc<AtomicBool>) -> Bell {
    open_with(place, instance, is_trusted, &Arc::default())
}

fn open_with(place: &Place, instance: &str, is_trusted: &Arc<AtomicBool>, silence: &Arc<Silence>) -> Bell {
    let (path, trusted) = (SpoolPath::File(place.spool()), Arc::clone(is_trusted));
    let store = OpenStore {
        store: WithoutFile(Spool::open(&path, instance).unwrap(), Arc::clone(silence)),
        reader: Box::new(SpoolReader::open(&place.spool()).unwrap()),
        instance: instance.to_owned(),
        clock: Arc::new(crate::clock::SystemClock),
        may_send: Arc::new(move || trusted.load(Ordering::SeqCst)),
    };
    Bell::open_relay_on(Arc::new(place.read()), BOUNDS, store).unwrap()
}

#[test]
fn no_attempt_starts_while_the_relay_is_not_sure_that_it_leads() {
    let receiver = Receiver::always(Reply::Status(204));
    let (place, trust) = (Place::ringing(&receiver), Arc::new(AtomicBool::new(false)));
    let bell = open(&place, "farm-1", &trust);
    emit(&bell, 1..4);
    let steps = bell.steps();
    eventually("the dispatcher does its turns", || bell.steps() > steps + 20);
    assert!(receiver.requests().is_empty());
    trust.store(true, Ordering::SeqCst);
    eventually("the deliveries", || stat(&bell, "delivered") == 3);
}

#[test]
fn the_next_leader_sends_what_waits_and_sees_what_an_operator_does() {
    let receiver = Receiver::always(Reply::Status(503));
    let place = Place::retrying(&receiver, &["1h"]);
    let trust = Arc::new(AtomicBool::new(true));
    let first = open(&place, "farm-1", &trust);
    emit(&first, 7..9);
    receiver.wait_for(2);
    let reader = || SpoolReader::open(&place.spool()).unwrap();
    let attempts = |number: &str| reader().show(number).unwrap().unwrap().deliveries[0].attempts.len();
    eventually("their attempts are written", || attempts("1") + attempts("2") == 2);
    first.close(Duration::ZERO).unwrap();
    receiver.now_answers(Reply::Status(204));
    let next = open(&place, "farm-2", &trust);
    let operator = || SpoolOperator::open(&place.spool()).unwrap();
    let one = DeliverySelection { id: Some("1".into()), ..DeliverySelection::default() };
    // Nobody calls the relay: it looks for itself.
    let now = crate::clock::unix_ms();
    let done = operator().replay(&one, now).unwrap();
    assert_eq!(done.due + done.hurried, 1, "{done:?}");
    eventually("it", || stat(&next, "delivered") == 1);
    let (dropped, _) = operator().drop_deliveries(&DeliverySelection::default(), now).unwrap();
    assert_eq!(dropped, 1);
    eventually("the other one is forgotten", || stat(&next, "pending") == 0);
    next.flush(PATIENCE).unwrap();
    assert_eq!(receiver.requests().len(), 3);
}

#[test]
fn a_store_that_does_not_answer_for_a_while_is_used_again() {
    let receiver = Receiver::always(Reply::Status(204));
    let (place, silence) = (Place::ringing(&receiver), Arc::new(Silence::default()));
    let bell = open_with(&place, "farm-1", &Arc::new(AtomicBool::new(true)), &silence);
    silence.lasts.store(true, Ordering::SeqCst);
    // With nothing to write, questions alone meet the silence.
    eventually("a question without an answer", || silence.refused.load(Ordering::SeqCst) > 0);
    silence.lasts.store(false, Ordering::SeqCst);
    emit(&bell, 1..4);
    eventually("the deliveries", || stat(&bell, "delivered") == 3);
}
