//! What every store promises, as tests that are run on each: `store_suite!` makes them for a [`Place`].

use super::{
    AttemptRow, Batch, BatchCounts, BatchNews, BatchWatch, Called, DeliveryEnd, DeliverySelection,
    DeliveryState, Early, Filter, LiveResult, LiveRole, LiveState, NewDelivery, NewEvent, NewFallback, Next,
    Operator, PendingDelivery, Reader, Replayed, StateKey, StateKind, Store, WaitingDelivery, operator_mark,
};
use crate::event::EventId;
use crate::tally::{BatchTask, Task};
use crate::transport::Phases;
use serde_json::json;

mod batches;
mod fallbacks;
mod operator;
mod rows;
mod waiting;

pub use batches::*;
pub use fallbacks::*;
pub use operator::*;
pub use rows::*;
pub use waiting::*;

/// An empty place for stores: several may be opened in it, one after the other.
pub trait Place {
    /// The store.
    type Store: Store;

    /// A store of this instance, which is the only one that writes from then on.
    fn open(&self, instance: &str) -> Self::Store;
    /// Reads what stores at this place keep.
    fn reader(&self) -> Box<dyn Reader>;
    /// Changes it.
    fn operator(&self) -> Box<dyn Operator>;
}

/// The promises: a test of each, at a new place, or a list of them with their names.
#[macro_export]
macro_rules! store_suite {
    (tests at $place:ty) => {
        $crate::store_suite! { @all tests $place }
    };
    (promises at $place:ty) => {
        $crate::store_suite! { @all promises $place }
    };
    (@tests $place:ty: $($promise:ident),*) => {
        $(
            #[test]
            fn $promise() {
                $crate::spool::store_suite::$promise(&<$place>::new());
            }
        )*
    };
    (@promises $place:ty: $($promise:ident),*) => {
        [$((stringify!($promise), |place: &$place| $crate::spool::store_suite::$promise(place))),*]
            as [(&'static str, fn(&$place)); _]
    };
    (@all $then:ident $place:ty) => {
        $crate::store_suite! {
            @$then $place:
            an_event_is_kept_once,
            an_event_has_one_delivery_to_an_endpoint,
            numbers_are_taken_before_rows_are_written_and_never_again,
            the_node_of_an_event_is_kept_and_shown,
            what_arrived_before_it_was_written_is_delivered_and_shown,
            attempts_are_logged_and_a_delivery_ends_once,
            a_delivery_that_was_dropped_meanwhile_is_not_due_again,
            a_transaction_that_is_not_committed_leaves_nothing,
            what_waits_is_read_page_by_page_and_nothing_is_left_out,
            what_a_newer_message_may_replace_is_read_at_once,
            the_next_instance_takes_over_what_is_due_and_what_waits,
            states_have_the_last_value_of_their_key,
            the_dead_fall_back_along_the_chain_and_the_last_one_is_told_to_others,
            what_has_arrived_calls_nobody,
            an_alert_that_is_resolved_is_not_told_again,
            a_living_message_is_begun_edited_and_closed,
            a_task_is_counted_once_and_a_batch_ends_once,
            a_batch_is_told_of_once_until_it_goes_on,
            pruning_takes_what_ended_long_ago_and_nothing_else,
            dead_letters_are_replayed_with_id_body_and_count,
            a_replayed_letter_without_a_message_is_rendered_from_its_context,
            what_is_dropped_ends_or_is_removed,
            a_reader_lists_by_every_condition
        }
    };
}

pub fn id(number: u32) -> EventId {
    EventId::new(1_700_000_000_000 + i64::from(number), u128::from(number))
}

fn event(number: u32) -> NewEvent<'static> {
    NewEvent {
        id: id(number),
        kind: "task.complete",
        accepted_at: i64::from(number),
        node: None,
        payload: b"{\"n\":1}",
    }
}

/// A delivery that is due when it is made.
fn delivery(event: i64, endpoint: &str, at: i64) -> NewDelivery<'_> {
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
        why: Some("it matched"),
        expires_at: None,
        thing: None,
        live: None,
    }
}

fn attempt(delivery: i64, number: u32) -> AttemptRow {
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

fn success(delivery: i64, number: u32) -> AttemptRow {
    AttemptRow {
        status: Some(200),
        outcome: "delivered",
        error: None,
        next_at: None,
        ..attempt(delivery, number)
    }
}

fn dead() -> DeliveryEnd {
    DeliveryEnd::Dead("no".into())
}

/// One transaction.
fn write<S: Store, T>(store: &mut S, work: impl FnOnce(&mut S::Batch<'_>) -> T) -> T {
    let mut batch = store.begin().unwrap();
    let done = work(&mut batch);
    batch.commit().unwrap();
    done
}

/// An event that was accepted at `number` and rings at these endpoints; the deliveries' numbers.
fn ring(batch: &mut impl Batch, number: u32, endpoints: &[&str]) -> Vec<i64> {
    let row = batch.put_event(&event(number), !endpoints.is_empty()).unwrap().unwrap();
    let put =
        |endpoint: &&str| batch.put_delivery(&delivery(row, endpoint, i64::from(number)), Early::No).unwrap();
    endpoints.iter().map(put).collect()
}

fn end(batch: &mut impl Batch, delivery: i64, end: &DeliveryEnd, at: i64) -> bool {
    batch.put_attempt(delivery, None, Next::End(end, at)).unwrap()
}

/// Everything that a start reads, in the order of the numbers.
fn waiting(store: &impl Store) -> Vec<WaitingDelivery> {
    let owners = store.held().unwrap();
    let mut found = store.replaceable(&owners).unwrap();
    for stretch in store.stretches(&owners).unwrap() {
        found.extend(store.page(&stretch, usize::MAX).unwrap());
    }
    found.sort_by_key(|waiting| waiting.seq);
    found
}

fn numbers(waiting: &[WaitingDelivery]) -> Vec<i64> {
    waiting.iter().map(|waiting| waiting.seq).collect()
}

fn counts(place: &impl Place) -> (u64, u64, u64) {
    let counts = place.reader().counts().unwrap();
    (counts.pending, counts.delivered, counts.dead)
}
