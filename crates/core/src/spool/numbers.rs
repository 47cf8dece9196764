//! The numbers of deliveries: given once, and never again.
//!
//! An instance reserves a block of them in a transaction and gives them out of it, so that a delivery has its number
//! before it is written, and instances that share a file never meet. What a killed process has not given stays unused.

use super::state_key::{self, StateKey, StateKind};
use rusqlite::{Connection, params};

/// The first block; each further one is larger, up to `LARGEST`.
const SMALLEST: i64 = 64;
const LARGEST: i64 = 16_384;

/// What is left of the reserved block.
#[derive(Debug, Clone, Copy)]
pub(super) struct Numbers {
    next: i64,
    end: i64,
    block: i64,
    /// Numbers below were given from another file.
    floor: i64,
    /// In this transaction: whether nobody has reserved numbers above the block.
    is_highest: bool,
}

impl Default for Numbers {
    fn default() -> Numbers {
        Numbers { next: 0, end: 0, block: SMALLEST, floor: 0, is_highest: false }
    }
}

impl Numbers {
    /// Numbers in a file that takes the place of the one in which these were reserved: each is above them.
    pub(super) fn of_next_file(self) -> Numbers {
        Numbers { floor: self.end.max(self.floor), ..Numbers::default() }
    }

    /// The first of so many numbers of the block; `None` when fewer are left.
    pub(super) fn take(&mut self, count: usize) -> Option<i64> {
        let first = self.next;
        (count <= self.left()).then(|| {
            self.next += count as i64;
            first
        })
    }

    /// How many can be taken.
    fn left(&self) -> usize {
        usize::try_from(self.end - self.next).unwrap_or(0)
    }

    /// The same at the beginning of a transaction.
    pub(super) fn in_transaction(self) -> Numbers {
        Numbers { is_highest: false, ..self }
    }

    /// A number above all that any instance has given or reserved: of two deliveries that are written with one, the later
    /// has the higher, whichever instances they are of.
    pub(super) fn next(&mut self, conn: &Connection) -> rusqlite::Result<i64> {
        let is_highest = self.is_highest || last_reserved(conn)? + 1 == self.end;
        if !is_highest || self.left() == 0 {
            self.reserve(conn)?;
        }
        self.is_highest = true;
        self.next += 1;
        Ok(self.next - 1)
    }

    /// Reserves more while half of the block is used, so that there is always something to take.
    pub(super) fn top_up(&mut self, conn: &Connection) -> rusqlite::Result<()> {
        let is_used = self.end > 0;
        if is_used && self.left() < self.block as usize / 2 { self.reserve(conn) } else { Ok(()) }
    }

    /// Adds to the block where nobody has reserved one since, and begins another one elsewhere.
    fn reserve(&mut self, conn: &Connection) -> rusqlite::Result<()> {
        let last = last_reserved(conn)?.max(self.floor - 1);
        if last + 1 == self.end {
            self.block = (self.block * 2).min(LARGEST);
        } else {
            self.next = last + 1;
        }
        self.end = last + 1 + self.block;
        write_down(conn, self.end - 1)
    }

    /// At a clean end, what was not given is the next start's, if nobody has reserved a block since.
    pub(super) fn give_back(self, conn: &Connection) -> rusqlite::Result<()> {
        if self.left() == 0 {
            return Ok(());
        }
        let StateKey { kind, owner, name } = key();
        let (before, after) = ((self.end - 1).to_string(), (self.next - 1).to_string());
        conn.prepare_cached(
            "UPDATE state SET value = ?5 WHERE kind = ?1 AND owner = ?2 AND name = ?3 AND value = ?4",
        )?
        .execute(params![kind, owner, name, before.as_bytes(), after.as_bytes()])
        .map(drop)
    }
}

fn key() -> StateKey {
    StateKey::shared(StateKind::LastNumber, "")
}

fn write_down(conn: &Connection, last: i64) -> rusqlite::Result<()> {
    state_key::write(conn, &key(), Some(last.to_string().as_bytes()))
}

/// The highest number that was reserved: that of a delivery, or of one that was there once.
fn last_reserved(conn: &Connection) -> rusqlite::Result<i64> {
    let there: Option<i64> = conn
        .prepare_cached(
            "SELECT max(seq) FROM (SELECT max(seq) AS seq FROM deliveries UNION ALL SELECT max(seq) FROM arrivals)",
        )?
        .query_row([], |row| row.get(0))?;
    let kept = state_key::read(conn, &key())?.and_then(|kept| str::from_utf8(&kept).ok()?.parse().ok());
    // A number that no spool reaches was not written here, and leaves none above it.
    Ok(there.max(kept).filter(|last| (0..i64::MAX / 2).contains(last)).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{place, ring, spool_at, write};

    #[test]
    fn of_two_deliveries_of_any_instances_the_later_has_the_higher_number() {
        let (_folder, path) = place();
        let mut spools = [spool_at(&path, "a"), spool_at(&path, "b")];
        let mut last = 0;
        for event in 0..9 {
            // Two in a row by one of them, too.
            let spool = &mut spools[event as usize / 2 % 2];
            let [number] = write(spool, |batch| ring(batch, event, &["ci"]))[..] else { panic!("one") };
            assert!(number > last, "{number} after {last}");
            let early = spool.take_numbers(1).unwrap();
            assert!(early > number, "{early} after {number}");
            last = early;
        }
        let given: Vec<i64> = spools.iter_mut().map(|spool| spool.take_numbers(1).unwrap()).collect();
        assert_ne!(given[0], given[1]);
    }

    #[test]
    fn what_a_clean_end_has_not_given_is_given_by_the_next_start() {
        let (_folder, path) = place();
        let mut first = spool_at(&path, "a");
        let [number] = write(&mut first, |batch| ring(batch, 1, &["ci"]))[..] else { panic!("one") };
        assert_eq!(first.take_numbers(1), Some(number + 1));
        first.release().unwrap();
        let next = write(&mut spool_at(&path, "b"), |batch| ring(batch, 2, &["ci"]));
        assert_eq!(next, [number + 2]);
    }
}
