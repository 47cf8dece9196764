//! The bound of the file: what has ended makes room for what comes.

use super::counts::{CountChange, whole};
use super::prune::{MOST, free_pages, give_back_space, remove_oldest};
use super::{Spool, SpoolError, note_damage};
use rusqlite::{Connection, TransactionBehavior};

/// What became of the bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SizeState {
    /// The file is within it.
    Enough,
    /// So many old deliveries and events went; there may be more to do.
    Made(usize),
    /// The file is beyond it, and holds nothing but what waits.
    None,
}

impl Spool {
    /// Bytes of the database that hold something. Free pages within the file do not count: they are used
    /// before it grows. Costs a few microseconds.
    pub fn used(&self) -> Result<u64, SpoolError> {
        used(&self.conn).map_err(self.at())
    }

    /// Brings the file nearer to `most` bytes: removes a few hundred of the oldest delivered deliveries
    /// and of the events that nobody heard of, and dead letters when there are none. Never what is
    /// pending. Call it again while it says `Made`.
    pub fn make_room(&mut self, most: u64) -> Result<SizeState, SpoolError> {
        let Spool { conn, path, ledger, damaged, .. } = self;
        let mut make = || {
            if used(conn)? <= most {
                // What a burst has left of the file goes back to the disk; a little is used again soon.
                let freed = if pages(conn, "page_count")? > most + most / 16 { free_pages(conn)? } else { 0 };
                return Ok(if freed == 0 { SizeState::Enough } else { SizeState::Made(freed) });
            }
            let transaction = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let mut change = CountChange::default();
            let mut gone = remove_oldest(&transaction, "delivered", MOST)?;
            change.delivered -= gone.deliveries as i64;
            if gone.rows() == 0 {
                gone.events += remove_unheard(&transaction)?;
            }
            if gone.rows() == 0 {
                gone = remove_oldest(&transaction, "dead", MOST)?;
                change.dead -= gone.deliveries as i64;
            }
            transaction.commit()?;
            ledger.add(change);
            if gone.rows() == 0 {
                return Ok(SizeState::None);
            }
            give_back_space(conn)?;
            Ok(SizeState::Made(gone.rows()))
        };
        make().map_err(note_damage(path, damaged))
    }
}

fn used(conn: &Connection) -> rusqlite::Result<u64> {
    Ok(pages(conn, "page_count")?.saturating_sub(pages(conn, "freelist_count")?))
}

/// The bytes of so many pages as this pragma says.
fn pages(conn: &Connection, pragma: &str) -> rusqlite::Result<u64> {
    let value = |name| conn.pragma_query_value(None, name, |row| whole(row, 0));
    Ok(value(pragma)? * value("page_size")?)
}

/// Removes the oldest events that have no deliveries.
fn remove_unheard(conn: &Connection) -> rusqlite::Result<usize> {
    conn.prepare_cached(
        "DELETE FROM events WHERE seq IN ( \
         SELECT e.seq FROM events e INDEXED BY events_by_age \
         WHERE NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.event = e.seq) ORDER BY e.accepted_at LIMIT ?1)",
    )?
    .execute([MOST as i64])
}

#[cfg(test)]
mod tests {
    use super::super::tests::{NONE, delivery, ring, spool_at, waiting};
    use super::super::{DeliveryEnd, NewDelivery, SpoolTransaction};
    use super::*;

    const KIB: usize = 1024;

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
        let full = spool.used().unwrap();
        let pages = |spool: &Spool| -> i64 {
            spool.conn.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap()
        };
        let all_pages = pages(&spool);
        assert!(full > 3 * 60 * 20 * KIB as u64);
        assert_eq!(spool.make_room(full).unwrap(), SizeState::Enough);

        assert!(matches!(spool.make_room(full - 1).unwrap(), SizeState::Made(_)));
        let counts = spool.counts().unwrap();
        assert_eq!((counts.delivered, counts.dead, counts.pending), (0, 60, 60));
        while matches!(spool.make_room(full - 1).unwrap(), SizeState::Made(_)) {}
        assert_eq!(spool.make_room(full - 1).unwrap(), SizeState::Enough);
        let left = spool.used().unwrap();
        assert!(matches!(spool.make_room(left - 1).unwrap(), SizeState::Made(_)));
        assert_eq!(spool.make_room(1).unwrap(), SizeState::None, "what waits stays");
        let counts = spool.counts().unwrap();
        assert_eq!((counts.delivered, counts.dead, counts.pending), (0, 0, 60));
        assert_eq!(waiting(&spool, "ci"), pending);
        assert!(pages(&spool) < all_pages, "the file shrinks");
    }

    #[test]
    fn events_that_nobody_heard_of_make_room_too() {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = spool_at(&folder.path().join("x.db"), "me");
        let mut batch = spool.begin().unwrap();
        (0..100).for_each(|number| drop(ring(&mut batch, number, &[])));
        batch.commit().unwrap();
        assert_eq!(spool.make_room(1).unwrap(), SizeState::Made(100));
        assert_eq!(spool.make_room(1).unwrap(), SizeState::None);
        assert_eq!(waiting(&spool, "ci"), NONE);
    }
}
