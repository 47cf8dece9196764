//! Rows that nothing leads to any more, because an inner page of their table or the list of tables is damaged. The
//! pages of the file are read one by one, and those laid out as rows of the spool's tables are copied into a
//! database for the moment.

use super::connection::{PAGE_BYTES, log_of};
use super::schema;
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};
use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

const PAGE: usize = PAGE_BYTES as usize;

/// First bytes of the pages of trees: inner and last of an index, inner and last of a table.
const TREE: [u8; 4] = [2, 5, 10, ROWS];

/// The first byte of a page with rows of a table.
const ROWS: u8 = 13;

/// Each page of the map tells of the pages that follow it, with five bytes each.
const MAPPED: u32 = PAGE_BYTES as u32 / 5 + 1;

/// What the map says of a page: free, or the rest of a long row. What free pages hold was removed.
const NO_ROWS: std::ops::RangeInclusive<u8> = 2..=4;

/// The tables by their number of columns, which are all different. The first column is the row's number.
const TABLES: [(&str, usize); 6] =
    [("events", 7), ("deliveries", 23), ("arrivals", 24), ("terms", 4), ("fallbacks", 10), ("batches", 8)];

/// The rows of a damaged file, and how many pages are unreadable. `None` when there is no file, or nowhere to
/// put them: the database is a file of the system's folder for such, gone with the connection.
pub(super) fn scan(place: &Path) -> Option<(Connection, usize)> {
    let mut pages = Pages::open(place)?;
    let mut found = Connection::open("").ok()?;
    found
        .execute_batch("PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF; PRAGMA cache_size = -2048;")
        .ok()?;
    schema::create(&mut found).ok()?;
    found.execute_batch("PRAGMA foreign_keys = OFF; BEGIN").ok()?;
    let mut unreadable = 0;
    let mut map = Vec::new();
    for number in 2..=pages.count {
        let Some(page) = pages.read(number) else { continue };
        let place = (number - 2) % MAPPED;
        if place == 0 {
            map = page;
            continue;
        }
        let is_tree = map.get((place as usize - 1) * 5).is_none_or(|kind| !NO_ROWS.contains(kind));
        if is_tree && page[0] == ROWS {
            pages.rows(&page, |row| keep(&found, row));
        } else if is_tree && !TREE.contains(&page[0]) {
            unreadable += 1;
        }
    }
    found.execute_batch("COMMIT").ok()?;
    Some((found, unreadable))
}

/// Keeps a row of one of the tables; their own checks refuse what is none.
fn keep(found: &Connection, row: &[Value]) {
    let Some((table, columns)) = TABLES.iter().find(|(_, columns)| *columns == row.len()) else { return };
    // Most of a spool, and done.
    if *table == "deliveries" && row[4] == Value::Text("delivered".to_owned()) {
        return;
    }
    let sql = format!("INSERT OR IGNORE INTO {table} VALUES (?{})", ", ?".repeat(columns - 1));
    let _ = found.prepare_cached(&sql).and_then(|mut insert| insert.execute(params_from_iter(row)));
}

/// The pages of a database, with what its log holds newer.
struct Pages {
    file: File,
    log: Option<File>,
    /// Where a page stands in the log.
    newer: HashMap<u32, u64>,
    count: u32,
}

impl Pages {
    fn open(place: &Path) -> Option<Pages> {
        let file = File::open(place).ok()?;
        let count = u32::try_from(file.metadata().ok()?.len() / PAGE_BYTES).ok()?;
        let mut pages = Pages { file, log: File::open(log_of(place)).ok(), newer: HashMap::new(), count };
        pages.read_log();
        Some(pages)
    }

    /// Finds the newest committed version of each page. Frames of before the log began again have other salts.
    fn read_log(&mut self) -> Option<()> {
        let log = self.log.as_mut()?;
        let mut head = [0; 32];
        log.read_exact(&mut head).ok()?;
        let mut frame = [0; 24];
        let (mut at, mut open) = (32, Vec::new());
        while log.read_exact(&mut frame).is_ok() && frame[8..16] == head[16..24] {
            open.push((word(&frame, 0)?, at + 24));
            let committed = word(&frame, 4)?;
            if committed > 0 {
                self.count = committed;
                self.newer.extend(open.drain(..));
            }
            at = log.seek(SeekFrom::Current(PAGE as i64)).ok()?;
        }
        Some(())
    }

    fn read(&mut self, number: u32) -> Option<Vec<u8>> {
        let (file, at) = match (self.newer.get(&number), &mut self.log) {
            (Some(at), Some(log)) => (log, *at),
            _ => (&mut self.file, u64::from(number.checked_sub(1)?) * PAGE_BYTES),
        };
        let mut page = vec![0; PAGE];
        file.seek(SeekFrom::Start(at)).ok()?;
        file.read_exact(&mut page).ok()?;
        Some(page)
    }

    /// Gives the rows of a page, each with its number in front.
    fn rows(&mut self, page: &[u8], mut take: impl FnMut(&[Value])) {
        let count = usize::from(page[3]) << 8 | usize::from(page[4]);
        for place in page[8..].chunks_exact(2).take(count) {
            let at = usize::from(place[0]) << 8 | usize::from(place[1]);
            if let Some(row) = self.row(page, at) {
                take(&row);
            }
        }
    }

    fn row(&mut self, page: &[u8], mut at: usize) -> Option<Vec<Value>> {
        let length = usize::try_from(varint(page, &mut at)?).ok()?;
        let number = varint(page, &mut at)? as i64;
        if length as u64 > u64::from(self.count) * PAGE_BYTES {
            return None;
        }
        let here = bytes_here(length);
        let mut content = page.get(at..at + here)?.to_vec();
        let mut next = if here < length { word(page, at + here)? } else { 0 };
        while content.len() < length {
            let more = self.read(next)?;
            next = word(&more, 0)?;
            let rest = (length - content.len()).min(PAGE - 4);
            content.extend_from_slice(&more[4..4 + rest]);
        }
        let mut row = values(&content)?;
        // A row's number stands outside of it.
        match row.first_mut()? {
            first @ Value::Null => *first = number.into(),
            _ => return None,
        }
        Some(row)
    }
}

/// How much of a row's content is on its page; the rest is on pages of its own.
fn bytes_here(length: usize) -> usize {
    let (most, least) = (PAGE - 35, (PAGE - 12) * 32 / 255 - 23);
    if length <= most {
        return length;
    }
    let even = least + (length - least) % (PAGE - 4);
    if even <= most { even } else { least }
}

/// The columns of a row: a head with the kind of each, then their bytes.
fn values(content: &[u8]) -> Option<Vec<Value>> {
    let mut at = 0;
    let mut body = usize::try_from(varint(content, &mut at)?).ok()?;
    let head = content.get(..body)?;
    let mut row = Vec::new();
    while at < head.len() {
        let kind = usize::try_from(varint(head, &mut at)?).ok()?;
        let length = match kind {
            0 | 8 | 9 => 0,
            1..=4 => kind,
            5 => 6,
            6 => 8,
            // No column holds one with a point.
            7 | 10 | 11 => return None,
            _ => (kind - 12) / 2,
        };
        let bytes = content.get(body..body.checked_add(length)?)?;
        body += length;
        row.push(match kind {
            0 => Value::Null,
            1..=6 => whole(bytes).into(),
            8 | 9 => (kind as i64 - 8).into(),
            _ if kind % 2 == 0 => bytes.to_vec().into(),
            _ => String::from_utf8(bytes.to_vec()).ok()?.into(),
        });
    }
    Some(row)
}

/// A signed number of so many bytes.
fn whole(bytes: &[u8]) -> i64 {
    let sign = if bytes.first().is_some_and(|first| *first >= 0x80) { -1 } else { 0 };
    bytes.iter().fold(sign, |number, byte| number << 8 | i64::from(*byte))
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

/// A number of one to nine bytes; moves `at` behind it.
fn varint(bytes: &[u8], at: &mut usize) -> Option<u64> {
    let mut number = 0;
    for length in 1..=9 {
        let byte = *bytes.get(*at)?;
        *at += 1;
        if length == 9 {
            return Some(number << 8 | u64::from(byte));
        }
        number = number << 7 | u64::from(byte & 0x7f);
        if byte < 0x80 {
            break;
        }
    }
    Some(number)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{delivery, event_id, spool_at};
    use super::super::{DeliveryEnd, NewDelivery, NewEvent, Spool, SpoolErrorKind, SpoolPath};
    use super::*;
    use crate::property::one_in;
    use rusqlite::OpenFlags;
    use std::fs;

    const COUNT: u32 = 60;

    /// A spool with short and long messages that wait, and pages that are free again.
    fn fill(place: &Path) -> Spool {
        let mut spool = spool_at(place, "me");
        let mut batch = spool.begin().unwrap();
        for number in 0..3 * COUNT {
            let size = [40, 300, 900, 5_000, 30_000][number as usize % 5];
            let payload = "p".repeat(size).into_bytes();
            let new = NewEvent {
                id: event_id(number),
                kind: "test.event",
                accepted_at: 9,
                node: None,
                payload: &payload,
            };
            let event = batch.event(&new).unwrap().unwrap();
            let message = NewDelivery { body: &payload, thing: Some("x"), ..delivery(event, "ci", 9) };
            let seq = batch.delivery(&message).unwrap();
            if number % 3 > 0 {
                batch.end(seq, &DeliveryEnd::Delivered, 10).unwrap();
            }
        }
        batch.commit().unwrap();
        while spool.prune(COUNT.into()).unwrap() > 0 {}
        spool
    }

    /// How many wait in a file that is moved aside and read.
    fn salvaged(place: &Path) -> usize {
        let (mut fresh, damaged) =
            Spool::open_damaged(&SpoolPath::File(place.to_owned()), "me", 99_000).unwrap();
        let report = fresh.salvage(damaged, 99_000_000).unwrap();
        let waiting = fresh.waiting().unwrap();
        assert!(waiting.iter().all(|one| one.kind == "test.event"), "{report}");
        waiting.len()
    }

    #[test]
    fn whichever_page_is_damaged_only_the_rows_on_it_are_lost() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("x.db");
        fill(&place).close();
        let whole = fs::read(&place).unwrap();
        let look = Connection::open_with_flags(&place, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        let rows_on = |number: usize| -> i64 {
            let sql = "SELECT iif(pagetype = 'leaf', ncell, 1) FROM dbstat WHERE pageno = ?1 \
                       AND name IN ('events', 'deliveries') AND pagetype <> 'internal'";
            look.query_row(sql, [number as i64], |row| row.get(0)).unwrap_or(0)
        };
        let inner = whole.chunks(PAGE).filter(|page| page[0] == 5).count();
        assert!(inner >= 2, "{inner}: each of the two tables has an inner page");
        for number in (1..=whole.len() / PAGE).step_by(one_in() as usize) {
            let mut bytes = whole.clone();
            let page = &mut bytes[(number - 1) * PAGE..number * PAGE];
            page.iter_mut().for_each(|byte| *byte ^= 0xa5);
            let folder = tempfile::tempdir().unwrap();
            let place = folder.path().join("y.db");
            fs::write(&place, bytes).unwrap();
            let (left, least) = (salvaged(&place) as i64, i64::from(COUNT) - rows_on(number));
            assert!((least..=COUNT.into()).contains(&left), "page {number}: {left} of at least {least}");
        }
    }

    #[test]
    fn what_only_the_log_holds_is_found_though_the_list_of_tables_is_damaged() {
        let folder = tempfile::tempdir().unwrap();
        let (place, copy) = (folder.path().join("x.db"), folder.path().join("y.db"));
        let spool = fill(&place);
        let (mut bytes, mut log) = (fs::read(&place).unwrap(), fs::read(log_of(&place)).unwrap());
        drop(spool);
        bytes[..PAGE].fill(0x5a);
        for frame in log[32..].chunks_exact_mut(24 + PAGE).filter(|frame| frame[..4] == [0, 0, 0, 1]) {
            frame[24..].fill(0x5a);
        }
        fs::write(&copy, bytes).unwrap();
        fs::write(log_of(&copy), log).unwrap();
        let refused = Spool::open(&SpoolPath::File(copy.clone()), "me").err().unwrap();
        assert_eq!(refused.kind(), SpoolErrorKind::Corrupt);
        assert_eq!(salvaged(&copy), COUNT as usize);
    }
}
