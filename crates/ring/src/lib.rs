//! The ring: memory in which an event survives the process that reported it, at any instruction.
//!
//! Many threads write, one reads, and none locks or waits. It is a crate of its own so that Miri can try it with every
//! order of memory accesses and compiles nothing else; `taskbell-core` finds the file for it, and adopts the rings of
//! processes that died.

#![deny(unsafe_code)]
#![deny(missing_docs)]

pub mod apart;
mod event_id;
pub mod failpoint;
pub mod header;
mod record;
mod region;
mod ring;

pub use event_id::{EventId, stable_hash};
pub use record::{Extent, HEAD_WORDS, RingSlot, Seal};
pub use region::Region;
pub use ring::Ring;

/// An event that the ring took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accepted {
    /// Identifies the event within its instance: above 0, unique, and increasing with acceptance. Tickets
    /// are not consecutive.
    pub ticket: u64,
    /// The id of the event.
    pub id: EventId,
    /// The dispatcher is to read now, and not only when it looks next: the ring is half full, and this event has
    /// begun another sixteenth of it.
    pub crowds: bool,
}

/// Why the ring did not take an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// It has too little room until the reader releases some.
    Full,
    /// The event would not fit into the empty ring.
    TooLarge,
}

/// An event as the reader finds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// As returned to the host.
    pub ticket: u64,
    /// The id of the event.
    pub id: EventId,
    /// Unix milliseconds.
    pub accepted_at: i64,
    /// The type of the event.
    pub kind: String,
    /// As the host gave it.
    pub payload: Vec<u8>,
}

/// What a dispatcher works on, in numbers that are the same in every process.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct InHand {
    /// The event, or whatever else is decided about; 0 for nothing.
    pub subject: u64,
    /// The template or condition that is evaluated for it; 0 for none.
    pub piece: u64,
}

/// Spreads every bit of a word over all of it (the finishing step of SplitMix64).
pub fn mix(word: u64) -> u64 {
    let word = (word ^ word >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ word >> 31
}
