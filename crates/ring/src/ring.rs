//! The ring: many producers, one consumer, no lock.
//!
//! A producer moves the head to reserve space, stores the reserved length in the record's first word,
//! copies, and commits with one release store of that same word. The consumer reads committed records in
//! order, and frees space only after clearing it, so that a producer always finds zeros.
//!
//! Positions count bytes since the ring was created and never wrap; a record lies at its position
//! modulo the capacity. A record's ticket is the position of its end: unique, and in the order of
//! reservation without a second counter.
//!
//! The order of the stores also matters after a kill: what a thread stored before it died is a prefix of
//! its program order, so bytes never exist without their reservation. The head is not in the file; the
//! adopter finds records by their checks. No host thread writes to the first page, which the system may be
//! writing to disk at that moment.

use crate::header::{Header, PAGE_WORDS, PIECE, RELEASED, SUBJECT, TAIL};
use crate::record::{Extent, HEAD_WORDS, RingSlot, RingWords, Seal};
use crate::region::Region;
use crate::{Accepted, EventId, InHand, Record, Refusal, apart::Apart, failpoint};
use std::sync::atomic::{AtomicU64, Ordering, fence};

/// Not a position: positions are multiples of 8.
const NOWHERE: u64 = u64::MAX;
/// More bytes than a ring carries in its lifetime.
const POSITIONS: u64 = u64::MAX / 2;

/// How far ahead of the head `warm` keeps pages writable: what 25 MB/s of events fill in 10 ms.
const AHEAD: u64 = 256 * 1024;

/// How many parts of the ring there are for [`Accepted::crowds`].
const PARTS: u64 = 16;

/// A ring over a region. Every method may be called from any thread; `read` and `release` from one
/// at a time.
pub struct Ring {
    region: Region,
    capacity: u64,
    seal: Seal,
    /// The end of the reserved space.
    head: Apart<AtomicU64>,
    /// The end of the freed space; the file has a copy.
    tail: Apart<AtomicU64>,
    consumer: Apart<Consumer>,
}

/// What only the consumer writes.
#[derive(Default)]
struct Consumer {
    cursor: AtomicU64,
    corrupt: AtomicU64,
    /// Where it last met damage, and where the head was then.
    suspect: AtomicU64,
    suspect_head: AtomicU64,
}

impl Ring {
    /// An empty ring over a zeroed region of one page and `header.capacity` bytes.
    pub fn create(region: Region, header: Header) -> Ring {
        for (word, value) in region.words().iter().zip(header.words()) {
            word.store(value, Ordering::Relaxed);
        }
        Ring {
            region,
            capacity: header.capacity as u64,
            seal: Seal::new(header.key),
            head: Apart::default(),
            tail: Apart::default(),
            consumer: Apart(Consumer { suspect: AtomicU64::new(NOWHERE), ..Consumer::default() }),
        }
    }

    /// Adds a record; `id` derives its id from its ticket.
    pub fn push(
        &self,
        kind: &str,
        payload: &[u8],
        accepted_at: i64,
        id: impl FnOnce(u64) -> EventId,
    ) -> Result<Accepted, Refusal> {
        let shape = Extent::of(kind.len(), payload.len()).ok_or(Refusal::TooLarge)?;
        if shape.span() > self.capacity {
            return Err(Refusal::TooLarge);
        }
        let (at, used) = self.reserve(shape.span())?;
        let state = self.word(at);
        state.store(self.seal.reserved(at, shape), Ordering::Relaxed);
        // The bytes below must not become visible before the reservation above.
        fence(Ordering::Release);
        let ticket = at + shape.span();
        let id = id(ticket);
        let head = self.seal.head(at, shape, accepted_at, id);
        for (index, word) in (1..).zip(head) {
            self.word(at + index * 8).store(word, Ordering::Relaxed);
        }
        let kind_at = at + HEAD_WORDS as u64 * 8;
        self.copy(kind_at, kind.as_bytes());
        self.copy(kind_at + (kind.len() as u64).next_multiple_of(8), payload);
        let committed = self.seal.committed(at, shape, &head, kind.as_bytes(), payload);
        failpoint::reach("before-ring-commit");
        state.store(committed, Ordering::Release);
        failpoint::reach("after-ring-commit");
        let part = self.capacity / PARTS;
        Ok(Accepted { ticket, id, crowds: used > self.capacity / 2 && at / part != ticket / part })
    }

    /// The position of the reserved space, and how much of the ring is used then.
    fn reserve(&self, span: u64) -> Result<(u64, u64), Refusal> {
        let head = &self.head;
        let mut seen = head.load(Ordering::Relaxed);
        loop {
            // Acquire: the space before this tail was cleared before the tail moved.
            let tail = self.tail.load(Ordering::Acquire);
            let used = seen.wrapping_sub(tail);
            if used > self.capacity || seen > POSITIONS {
                // The tail overtook a head that was read too early. If the head has not moved since, other
                // code overwrote it: such a ring accepts nothing.
                let now = head.load(Ordering::Relaxed);
                if now == seen {
                    return Err(Refusal::Full);
                }
                seen = now;
                continue;
            }
            if span > self.capacity - used {
                return Err(Refusal::Full);
            }
            match head.compare_exchange_weak(seen, seen + span, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(at) => return Ok((at, used + span)),
                Err(now) => seen = now,
            }
        }
    }

    /// Reads committed records after those read before, until `max_bytes` of the ring are read or the
    /// next record is not committed.
    pub fn read(&self, max_bytes: usize, into: &mut Vec<Record>) {
        let head = self.head();
        let start = self.consumer.cursor.load(Ordering::Relaxed);
        let mut at = start;
        while at != head && at - start < max_bytes as u64 {
            let Some(limit) = head.checked_sub(at).filter(|limit| *limit <= self.capacity) else { break };
            match self.inspect(at, limit) {
                RingSlot::Empty | RingSlot::Reserved(_) => break,
                RingSlot::Committed(span, record) => {
                    into.push(record);
                    at += span;
                }
                RingSlot::Damaged => match self.pass_damage(at, head) {
                    Some(next) => at = next,
                    None => break,
                },
            }
        }
        self.consumer.cursor.store(at, Ordering::Relaxed);
    }

    /// Where to continue after damage. The first time: nowhere, because a producer may still be writing
    /// behind it and needs time to commit. The second time: at the first record or reservation behind it, or
    /// where the head was the first time.
    fn pass_damage(&self, at: u64, head: u64) -> Option<u64> {
        if self.consumer.suspect.swap(at, Ordering::Relaxed) != at {
            self.consumer.suspect_head.store(head, Ordering::Relaxed);
            return None;
        }
        let until = self.consumer.suspect_head.load(Ordering::Relaxed);
        self.consumer.corrupt.fetch_add(1, Ordering::Relaxed);
        let mut next = at + 8;
        while next < until {
            match self.inspect(next, until - next) {
                RingSlot::Committed(..) | RingSlot::Reserved(_) => return Some(next),
                RingSlot::Empty | RingSlot::Damaged => next += 8,
            }
        }
        Some(until)
    }

    fn inspect(&self, at: u64, limit: u64) -> RingSlot {
        self.seal.inspect(at, limit, self)
    }

    /// Clears and frees the space of what was read.
    pub fn release(&self) {
        let tail = self.tail.load(Ordering::Relaxed);
        let cursor = self.consumer.cursor.load(Ordering::Relaxed);
        let bytes = cursor.wrapping_sub(tail);
        if bytes == 0 || bytes > self.capacity {
            return;
        }
        // Mark it as spooled first: a process killed while clearing must not leave half a record that
        // looks damaged.
        self.region.words()[RELEASED].store(cursor, Ordering::Relaxed);
        fence(Ordering::Release);
        let (first, second) = self.stretch(tail, bytes as usize / 8);
        for word in first.iter().chain(second) {
            word.store(0, Ordering::Relaxed);
        }
        self.region.words()[TAIL].store(cursor, Ordering::Release);
        self.tail.store(cursor, Ordering::Release);
    }

    /// Notes in the file what the consumer works on.
    pub fn note(&self, work: InHand) {
        let words = self.region.words();
        // At no instruction the piece of one subject is next to another subject.
        words[PIECE].store(0, Ordering::Relaxed);
        fence(Ordering::Release);
        words[SUBJECT].store(work.subject, Ordering::Relaxed);
        fence(Ordering::Release);
        words[PIECE].store(work.piece, Ordering::Relaxed);
    }

    /// Keeps the pages that producers fill next writable.
    ///
    /// After writing a page to disk the system makes it read-only, and the next store waits in the file
    /// system, for milliseconds on a busy disk. This moves that wait to the consumer's thread: it changes no
    /// byte, but counts as a store.
    pub fn warm(&self) {
        if !self.region.is_written_out() {
            return;
        }
        let (first, second) = self.stretch(self.head(), AHEAD.min(self.capacity) as usize / 8);
        for page in first.chunks(PAGE_WORDS).chain(second.chunks(PAGE_WORDS)) {
            page[0].fetch_or(0, Ordering::Relaxed);
        }
    }

    /// The end of the newest reservation.
    pub fn head(&self) -> u64 {
        self.head.load(Ordering::Acquire)
    }

    /// How far the consumer has read.
    pub fn cursor(&self) -> u64 {
        self.consumer.cursor.load(Ordering::Relaxed)
    }

    /// Bytes between the tail and the head.
    pub fn used(&self) -> u64 {
        let tail = self.tail.load(Ordering::Acquire);
        self.head().saturating_sub(tail).min(self.capacity)
    }

    /// Bytes for records.
    pub fn capacity(&self) -> u64 {
        self.capacity
    }

    /// How many damaged stretches were passed over.
    pub fn corrupt(&self) -> u64 {
        self.consumer.corrupt.load(Ordering::Relaxed)
    }

    fn copy(&self, at: u64, bytes: &[u8]) {
        let (first, second) = self.stretch(at, bytes.len().div_ceil(8));
        let (before, after) = bytes.split_at(bytes.len().min(first.len() * 8));
        store(first, before);
        store(second, after);
    }

    fn records(&self) -> &[AtomicU64] {
        &self.region.words()[PAGE_WORDS..]
    }

    fn index(&self, at: u64) -> usize {
        (at & (self.capacity - 1)) as usize / 8
    }

    fn word(&self, at: u64) -> &AtomicU64 {
        &self.records()[self.index(at)]
    }

    /// `words` words from a position on, at most a whole round: up to the end of the region, and the rest
    /// from its beginning.
    fn stretch(&self, at: u64, words: usize) -> (&[AtomicU64], &[AtomicU64]) {
        let (before, after) = self.records().split_at(self.index(at));
        let first = words.min(after.len());
        let second = (words - first).min(before.len());
        (&after[..first], &before[..second])
    }

    #[cfg(test)]
    fn region(&self) -> &Region {
        &self.region
    }
}

impl RingWords for Ring {
    fn word(&self, at: u64) -> u64 {
        Ring::word(self, at).load(Ordering::Acquire)
    }

    fn words(&self, at: u64, count: usize) -> Vec<[u8; 8]> {
        let (first, second) = self.stretch(at, count);
        first.iter().chain(second).map(|word| word.load(Ordering::Acquire).to_le_bytes()).collect()
    }
}

fn store(words: &[AtomicU64], bytes: &[u8]) {
    let (whole, rest) = bytes.as_chunks::<8>();
    for (word, chunk) in words.iter().zip(whole) {
        word.store(u64::from_le_bytes(*chunk), Ordering::Relaxed);
    }
    if let (false, Some(word)) = (rest.is_empty(), words.get(whole.len())) {
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        word.store(u64::from_le_bytes(last), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
