//! The bound of the file: what has ended makes room for what comes.

use super::connection::PAGE_BYTES;
use super::counts::whole;
use super::prune::{MOST, free_pages, remove_oldest, remove_oldest_arrived};
use super::{Spool, SpoolError, connection, note_damage};
use rusqlite::{Connection, TransactionBehavior};

/// The part of the bound that is for the write-ahead log, and that of the rest which is for the next transaction.
const LOG_PART: u64 = 16;

/// The least and the most bytes of the log: with less, each transaction would be copied at once.
const LOG_BYTES: (u64, u64) = (256 * 1024, 8 * 1024 * 1024);

/// The part of the bound that one transaction brings at most, by the bytes of what it writes.
const TRANSACTION_PART: u64 = 128;

/// The least and the most bytes of that.
const TRANSACTION_BYTES: (u64, u64) = (16 * 1024, 8 * 1024 * 1024);

/// The bytes that one step removes at most: what waits for the disk meanwhile waits a few hundredths of a second.
const STEP_BYTES: u64 = 1024 * 1024;

/// The bytes that one transaction should write at most into a spool of this bound.
pub fn transaction_bytes(most: u64) -> u64 {
    (most / TRANSACTION_PART).clamp(TRANSACTION_BYTES.0, TRANSACTION_BYTES.1)
}

/// What the report of an attempt takes, with the head of a long answer.
pub(crate) const REPORT_BYTES: u64 = 2048;

/// How many reports of attempts one transaction should write at most into a spool of this bound.
pub fn transaction_reports(most: u64) -> usize {
    (transaction_bytes(most) / REPORT_BYTES) as usize
}

/// Rows that are removed between two looks at the size.
const PORTION: usize = 20;

/// What became of the bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SizeState {
    /// The file and its log are within it.
    Enough,
    /// So many old deliveries and events went; there may be more to do.
    Made(usize),
    /// The file is beyond it, and holds nothing but what waits.
    None,
}

impl Spool {
    /// Brings the file and its log nearer to `most` bytes: removes some of the oldest delivered deliveries and of the
    /// events that nobody heard of, and dead letters when there are none. Never what is pending. Call it again while
    /// it says `Made`.
    pub fn make_room(&mut self, most: u64) -> Result<SizeState, SpoolError> {
        let Spool { conn, path, damaged, log_limit, .. } = self;
        let log_bytes = (most / LOG_PART).clamp(LOG_BYTES.0, LOG_BYTES.1);
        // The log exceeds its part by a transaction.
        let of_file = most.saturating_sub(log_bytes * 3 / 2);
        let mut make = || {
            if *log_limit != log_bytes {
                connection::bound_log(conn, log_bytes)?;
                *log_limit = log_bytes;
            }
            if connection::log_of(path).metadata().is_ok_and(|log| log.len() > log_bytes) {
                connection::cut_log(conn)?;
            }
            let step = transaction_bytes(most).min(STEP_BYTES);
            // What a burst has left of the file goes back to the disk.
            let shrunk = |conn: &Connection, otherwise: SizeState| -> rusqlite::Result<SizeState> {
                let freed =
                    if bytes_of(conn, "PRAGMA page_count")? > of_file { free_pages(conn, step)? } else { 0 };
                Ok(if freed == 0 { otherwise } else { SizeState::Made(freed) })
            };
            if used(conn)? <= of_file - of_file / LOG_PART {
                return shrunk(conn, SizeState::Enough);
            }
            let transaction = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let (mut rows, before) = (0, used(&transaction)?);
            while rows < MOST && used(&transaction)? + step > before {
                let mut gone = remove_oldest_arrived(&transaction, PORTION)?;
                if gone == 0 {
                    gone = remove_unheard(&transaction)?;
                }
                if gone == 0 {
                    gone = remove_oldest(&transaction, "dead", PORTION)?;
                }
                if gone == 0 {
                    break;
                }
                rows += gone;
            }
            transaction.commit()?;
            if rows > 0 { Ok(SizeState::Made(rows)) } else { shrunk(conn, SizeState::None) }
        };
        make().map_err(note_damage(path, damaged))
    }
}

/// Bytes of the database that hold something. Free pages within the file do not count: they are used before it
/// grows.
fn used(conn: &Connection) -> rusqlite::Result<u64> {
    let (all, free) = (bytes_of(conn, "PRAGMA page_count")?, bytes_of(conn, "PRAGMA freelist_count")?);
    Ok(all.saturating_sub(free))
}

/// The bytes of so many pages as this pragma says. It is asked after each transaction, so its statement is kept.
fn bytes_of(conn: &Connection, pragma: &str) -> rusqlite::Result<u64> {
    Ok(conn.prepare_cached(pragma)?.query_row([], |row| whole(row, 0))? * PAGE_BYTES)
}

/// Removes the oldest events that have no deliveries.
fn remove_unheard(conn: &Connection) -> rusqlite::Result<usize> {
    conn.prepare_cached(
        "DELETE FROM events WHERE seq IN ( \
         SELECT e.seq FROM events e INDEXED BY events_unheard \
         WHERE e.unheard = 1 AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.event = e.seq) ORDER BY e.accepted_at LIMIT ?1)",
    )?
    .execute([PORTION as i64])
}

#[cfg(test)]
mod tests {
    use super::super::tests::{NONE, counts, delivery, ring, spool_at, waiting, write};
    use super::super::{DeliveryEnd, NewDelivery, SpoolTransaction};
    use super::*;

    const KIB: usize = 1024;

    /// The least bound that leaves so many bytes alone.
    fn bound_for(used: u64) -> u64 {
        let of_file = used / 15 * 16 + 16;
        of_file + (of_file / 9).max(LOG_BYTES.0 * 3 / 2)
    }

    /// What it says when it has done all it can.
    fn made(spool: &mut Spool, most: u64) -> SizeState {
        loop {
            match spool.make_room(most).unwrap() {
                SizeState::Made(_) => {}
                end => return end,
            }
        }
    }

    /// Events with a delivery of 20 KiB each.
    fn fill(batch: &mut SpoolTransaction<'_>, numbers: std::ops::Range<u32>) -> Vec<i64> {
        let body = vec![b'x'; 20 * KIB];
        let ring_large = |number: u32| {
            ring(batch, number, &[]);
            let event = batch.row_of(super::super::tests::event_id(number)).unwrap().unwrap();
            batch.delivery(&NewDelivery { body: &body, ..delivery(event, "ci", number.into()) }).unwrap()
        };
        numbers.map(ring_large).collect()
    }

    #[test]
    fn the_oldest_delivered_go_first_then_the_oldest_dead_and_what_waits_never() {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = spool_at(&folder.path().join("x.db"), "me");
        let mut batch = spool.begin().unwrap();
        let delivered = fill(&mut batch, 0..60);
        let dead = fill(&mut batch, 100..160);
        let pending = fill(&mut batch, 200..260);
        delivered.iter().for_each(|seq| batch.end(*seq, &DeliveryEnd::Delivered, 1000 + *seq).unwrap());
        dead.iter().for_each(|seq| batch.end(*seq, &DeliveryEnd::Dead("no".into()), 10).unwrap());
        batch.commit().unwrap();
        let full = used(&spool.conn).unwrap();
        let pages = |spool: &Spool| -> i64 {
            spool.conn.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap()
        };
        let all_pages = pages(&spool);
        assert!(full > 3 * 60 * 20 * KIB as u64);
        assert_eq!(spool.make_room(bound_for(full)).unwrap(), SizeState::Enough);

        let less = bound_for(full - 32 * KIB as u64);
        assert!(matches!(spool.make_room(less).unwrap(), SizeState::Made(_)));
        let left = counts(&spool);
        assert!(left.delivered < 60 && (left.dead, left.pending) == (60, 60), "{left:?}");
        assert_eq!(made(&mut spool, less), SizeState::Enough);
        let left = used(&spool.conn).unwrap();
        assert!(matches!(spool.make_room(left).unwrap(), SizeState::Made(_)));
        while counts(&spool).dead == 60 {
            assert!(matches!(spool.make_room(1).unwrap(), SizeState::Made(_)));
        }
        assert_eq!(counts(&spool).delivered, 0, "the dead go after the delivered");
        assert_eq!(made(&mut spool, 1), SizeState::None, "what waits stays");
        let left = counts(&spool);
        assert_eq!((left.delivered, left.dead, left.pending), (0, 0, 60));
        assert_eq!(waiting(&spool, "ci"), pending);
        assert!(pages(&spool) < all_pages, "the file shrinks");
    }

    #[test]
    fn events_that_nobody_heard_of_make_room_too() {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = spool_at(&folder.path().join("x.db"), "me");
        write(&mut spool, |batch| (0..100).for_each(|number| drop(ring(batch, number, &[]))));
        assert!(matches!(spool.make_room(1).unwrap(), SizeState::Made(_)));
        assert_eq!(made(&mut spool, 1), SizeState::None);
        assert_eq!(waiting(&spool, "ci"), NONE);
        let events = spool.conn.query_row("SELECT count(*) FROM events", [], |row| row.get::<_, i64>(0));
        assert_eq!(events, Ok(0));
    }
}
