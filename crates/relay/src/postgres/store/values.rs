//! Values as the tables have them.

use std::borrow::Cow;
use taskbell_core::event::EventId;
use taskbell_core::hash::sha256_hex;
use taskbell_core::spool::{DeliveryState, StateKey};
use tokio_postgres::Row;

/// `state` of a delivery that waits.
pub const PENDING: i16 = 0;

/// Names of states up to so many bytes are their own key: a row of an index holds no more than 2,700 bytes.
const LONGEST_KEY: usize = 400;

/// A text that may come from anywhere. PostgreSQL has no text with a zero byte.
pub fn text(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { Cow::Owned(text.replace('\0', "\u{fffd}")) } else { Cow::Borrowed(text) }
}

/// The same of one that may be missing.
pub fn maybe(part: Option<&str>) -> Option<String> {
    part.map(|part| text(part).into_owned())
}

/// A number that a table has as `bigint`, and that is never negative.
pub fn whole(row: &Row, column: usize) -> u64 {
    row.get::<_, i64>(column).unsigned_abs()
}

/// The same of one that is small.
pub fn small(row: &Row, column: usize) -> u32 {
    u32::try_from(row.get::<_, i64>(column)).unwrap_or(u32::MAX)
}

/// An HTTP status.
pub fn status(row: &Row, column: usize) -> Option<u16> {
    row.get::<_, Option<i32>>(column).and_then(|status| u16::try_from(status).ok())
}

/// The id of an event.
pub fn event_id(row: &Row, column: usize) -> EventId {
    EventId::from_bytes(row.get::<_, &[u8]>(column).try_into().unwrap_or_default())
}

/// The state of a delivery.
pub fn state(row: &Row, column: usize) -> DeliveryState {
    match row.get::<_, i16>(column) {
        PENDING => DeliveryState::Pending,
        1 => DeliveryState::Delivered,
        _ => DeliveryState::Dead,
    }
}

/// The number of a state.
pub fn number_of(state: DeliveryState) -> i16 {
    match state {
        DeliveryState::Pending => PENDING,
        DeliveryState::Delivered => 1,
        DeliveryState::Dead => 2,
    }
}

/// A limit of rows.
pub fn limit(most: usize) -> i64 {
    i64::try_from(most).unwrap_or(i64::MAX)
}

/// What the name of a state is found by.
pub fn key_of(key: &StateKey) -> Vec<u8> {
    let name = text(&key.name);
    if name.len() <= LONGEST_KEY { name.as_bytes().to_vec() } else { sha256_hex(&*name, 64).into_bytes() }
}
