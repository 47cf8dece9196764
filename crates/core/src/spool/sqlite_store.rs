//! The spool as a store: each call of the boundary, by what the spool has for it.

use super::{
    AttemptRow, Batch, BatchCounts, BatchNews, BatchWatch, Called, Early, NewDelivery, NewEvent, NewFallback,
    Next, PendingDelivery, Spool, SpoolError, SpoolTransaction, StateKey, StateKind, Store, Stretch,
    Takeover, WaitingDelivery,
};
use crate::event::EventId;
use crate::tally::BatchTask;
use std::collections::HashMap;

impl Store for Spool {
    type Batch<'a> = SpoolTransaction<'a>;

    fn file(&mut self) -> Option<&mut Spool> {
        Some(self)
    }

    fn begin(&mut self) -> Result<SpoolTransaction<'_>, SpoolError> {
        Spool::begin(self)
    }

    fn take_numbers(&mut self, count: usize) -> Option<i64> {
        Spool::take_numbers(self, count)
    }

    fn state(&self, key: &StateKey) -> Result<Option<Vec<u8>>, SpoolError> {
        Spool::state(self, key)
    }

    fn states(&self, kind: StateKind) -> Result<Vec<(StateKey, Vec<u8>)>, SpoolError> {
        Spool::states(self, kind)
    }

    fn holders(&self) -> Result<Vec<String>, SpoolError> {
        Spool::holders(self)
    }

    fn take_over(&mut self, dead: &[String], now_ms: i64) -> Result<Takeover, SpoolError> {
        Spool::take_over(self, dead, now_ms)
    }

    fn held(&self) -> Result<Vec<i64>, SpoolError> {
        Spool::held(self)
    }

    fn release(&mut self) -> Result<(), SpoolError> {
        Spool::release(self)
    }

    fn close(self) {
        Spool::close(self);
    }

    fn stretches(&self, owners: &[i64]) -> Result<Vec<Stretch>, SpoolError> {
        Spool::stretches(self, owners)
    }

    fn count(&self, of: &Stretch) -> Result<u64, SpoolError> {
        Spool::count(self, of)
    }

    fn page(&self, of: &Stretch, most: usize) -> Result<Vec<WaitingDelivery>, SpoolError> {
        Spool::page(self, of, most)
    }

    fn replaceable(&self, owners: &[i64]) -> Result<Vec<WaitingDelivery>, SpoolError> {
        Spool::replaceable(self, owners)
    }

    fn unrendered(&self) -> Result<Vec<WaitingDelivery>, SpoolError> {
        Spool::unrendered(self)
    }

    fn contexts(&self, of: &[WaitingDelivery]) -> Result<Vec<Vec<u8>>, SpoolError> {
        Spool::contexts(self, of)
    }

    fn pending(&self) -> Result<HashMap<i64, PendingDelivery>, SpoolError> {
        Spool::pending(self)
    }

    fn batch_waits_since(&self, what: BatchNews) -> Result<Option<i64>, SpoolError> {
        match what {
            BatchNews::Standstill => self.stillest_batch(),
            BatchNews::Progress => self.longest_untold_batch(),
        }
    }

    fn batch_went_on(&self, id: &str) -> Result<bool, SpoolError> {
        Spool::batch_went_on(self, id)
    }

    fn batch_has_told(&self, id: &str, key: &str) -> Result<bool, SpoolError> {
        Spool::batch_has_told(self, id, key)
    }

    fn waiting_fallbacks(&self) -> Result<(bool, Option<i64>), SpoolError> {
        Spool::waiting_fallbacks(self)
    }

    fn knows(&self, id: EventId) -> Result<bool, SpoolError> {
        Spool::knows(self, id)
    }

    fn rest(&self) {
        Spool::rest(self);
    }

    fn prune(&mut self, ended_before_ms: i64) -> Result<usize, SpoolError> {
        Spool::prune(self, ended_before_ms)
    }
}

impl Batch for SpoolTransaction<'_> {
    fn put_event(&mut self, event: &NewEvent<'_>, heard: bool) -> Result<Option<i64>, SpoolError> {
        self.insert_event(event, !heard)
    }

    fn row_of(&mut self, id: EventId) -> Result<Option<i64>, SpoolError> {
        SpoolTransaction::row_of(self, id)
    }

    fn put_delivery(&mut self, delivery: &NewDelivery<'_>, early: Early<'_>) -> Result<i64, SpoolError> {
        match early {
            Early::No => self.delivery(delivery),
            Early::Sent(number) => self.numbered_delivery(delivery, number),
            Early::Arrived(first, at) => self.arrived_delivery(delivery, first, at),
        }
    }

    fn put_arrival(
        &mut self,
        event: &NewEvent<'_>,
        delivery: &NewDelivery<'_>,
        first: &AttemptRow,
        at: i64,
    ) -> Result<bool, SpoolError> {
        if event.node.is_some() {
            // The table of arrivals has no nodes: what a node posts is durable before it is sent.
            let Some(event) = self.put_event(event, true)? else { return Ok(false) };
            let delivery = NewDelivery { event, ..*delivery };
            return self.arrived_delivery(&delivery, first, at).map(|_| true);
        }
        self.arrival(event, delivery, first, at)
    }

    fn put_attempt(
        &mut self,
        delivery: i64,
        attempt: Option<&AttemptRow>,
        next: Next<'_>,
    ) -> Result<bool, SpoolError> {
        match (attempt, next) {
            (Some(attempt), Next::End(end, at)) => self.last_attempt(attempt, end, at),
            (Some(attempt), Next::Due(at)) => self.attempt_again(attempt, at),
            (Some(attempt), Next::Same) => self.attempt(attempt).map(|()| true),
            (None, Next::End(end, at)) => self.finish(delivery, end, at, 0),
            (None, Next::Due(at)) => self.postpone(delivery, at),
            (None, Next::Same) => Ok(true),
        }
    }

    fn put_message(
        &mut self,
        delivery: i64,
        content_type: &str,
        body: &[u8],
        extras: Option<&str>,
    ) -> Result<(), SpoolError> {
        SpoolTransaction::put_message(self, delivery, content_type, body, extras)
    }

    fn put_account(&mut self, event: i64, said: &str) -> Result<(), SpoolError> {
        self.account(event, said)
    }

    fn put_fallback(&mut self, fallback: &NewFallback<'_>) -> Result<(), SpoolError> {
        self.add_fallback(fallback)
    }

    fn call_after(&mut self, delivery: i64, is_dead: bool, now: i64) -> Result<Vec<Called>, SpoolError> {
        if is_dead {
            return self.call_after_dead(delivery, now);
        }
        self.stand_down(delivery).map(|()| Vec::new())
    }

    fn call_due(&mut self, now: i64) -> Result<Vec<Called>, SpoolError> {
        SpoolTransaction::call_due(self, now)
    }

    fn resolve(&mut self, alert: &str) -> Result<(), SpoolError> {
        SpoolTransaction::resolve(self, alert)
    }

    fn state(&mut self, key: &StateKey) -> Result<Option<Vec<u8>>, SpoolError> {
        SpoolTransaction::state(self, key)
    }

    fn states(&mut self, kind: StateKind) -> Result<Vec<(StateKey, Vec<u8>)>, SpoolError> {
        SpoolTransaction::states(self, kind)
    }

    fn put_state(&mut self, key: &StateKey, value: Option<&[u8]>) -> Result<(), SpoolError> {
        SpoolTransaction::put_state(self, key, value)
    }

    fn count_batches<'t>(
        &mut self,
        tasks: impl Iterator<Item = &'t BatchTask>,
        watch: BatchWatch,
        now: i64,
    ) -> Result<BatchCounts, SpoolError> {
        SpoolTransaction::count_batches(self, tasks, watch, now)
    }

    fn commit(self) -> Result<(), SpoolError> {
        SpoolTransaction::commit(self)
    }
}
