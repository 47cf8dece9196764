//! Events whose only delivery arrived before it was written: one row each, written once. Most of a busy spool is these,
//! and each table and index less is a tenth of what a delivery costs.

use super::transaction::{SpoolTransaction, in_place};
use super::{AttemptRow, NewDelivery, NewEvent, SpoolError, counts, read_event_id};
use crate::event::EventId;
use rusqlite::{Connection, OptionalExtension, params};
use std::ops::Range;

const INSERT: &str = "INSERT INTO arrivals (seq, id, type, accepted_at, endpoint, hook, created_at, ended_at, \
    started_at, status, response, resolve_us, connect_us, tls_us, first_byte_us, total_us, \
    content_type, payload, body_start, extras, why, copied_from, copied_bytes, body_end) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24) \
    ON CONFLICT (id) DO NOTHING";

const KNOWN_ELSEWHERE: &str = "SELECT 1 FROM events WHERE id = ?1";

impl SpoolTransaction<'_> {
    /// Inserts an event and its only delivery, which arrived at its first attempt before it was written, with a number that
    /// [`Store::take_numbers`](super::Store::take_numbers) gave. `delivery.event` is not used. `false` when the event is in
    /// the spool already, and nothing is written.
    pub fn arrival(
        &mut self,
        event: &NewEvent<'_>,
        delivery: &NewDelivery<'_>,
        first: &AttemptRow,
        at: i64,
    ) -> Result<bool, SpoolError> {
        // A ring is read once in a run, so what goes to lanes before it is written is new, unless a commit failed.
        let is_unsure = self.unsure.get();
        self.run_kept(|conn, statements| {
            let id = event.id.written();
            if is_unsure && in_place(&mut statements.known_event, conn, KNOWN_ELSEWHERE)?.exists([&id])? {
                return Ok(false);
            }
            let phases = &first.phases;
            let body = StoredBody::of(delivery.body, event.payload);
            let insert = in_place(&mut statements.arrival, conn, INSERT)?;
            // Most rows of a transaction have these in common: each is bound, and copied, when it changes.
            let texts = [
                (3, Some(event.kind)),
                (5, Some(delivery.endpoint)),
                (6, Some(delivery.hook)),
                (17, Some(delivery.content_type)),
                (21, delivery.why),
            ];
            for ((at, text), bound) in texts.into_iter().zip(&mut statements.arrival_texts) {
                if bound.as_deref() != text {
                    insert.raw_bind_parameter(at, text)?;
                    *bound = text.map(str::to_owned);
                }
            }
            insert.raw_bind_parameter(1, first.delivery)?;
            insert.raw_bind_parameter(2, id)?;
            insert.raw_bind_parameter(4, event.accepted_at)?;
            insert.raw_bind_parameter(7, delivery.created_at)?;
            insert.raw_bind_parameter(8, at)?;
            insert.raw_bind_parameter(9, first.started_at)?;
            insert.raw_bind_parameter(10, first.status)?;
            insert.raw_bind_parameter(11, first.response.as_deref())?;
            insert.raw_bind_parameter(12, phases.resolve_us)?;
            insert.raw_bind_parameter(13, phases.connect_us)?;
            insert.raw_bind_parameter(14, phases.tls_us)?;
            insert.raw_bind_parameter(15, phases.first_byte_us)?;
            insert.raw_bind_parameter(16, phases.total_us)?;
            insert.raw_bind_parameter(18, event.payload)?;
            insert.raw_bind_parameter(19, body.start)?;
            insert.raw_bind_parameter(20, delivery.extras)?;
            insert.raw_bind_parameter(22, body.copied.start as i64 + 1)?;
            insert.raw_bind_parameter(23, body.copied.len() as i64)?;
            insert.raw_bind_parameter(24, body.end)?;
            Ok(insert.raw_execute()? > 0)
        })
    }
}

/// How much of the payload a body must have, so that this part is left out of it.
const WORTH_COPYING: usize = 32;

/// How far from its beginning and from its end a body is searched for that: the default body has little before and behind
/// the payload, and a card without it must not cost more for its length.
const SEARCHED: usize = 512;

/// Bytes that are compared at once.
const PIECE: usize = 64;

/// A body as it is stored: what it has of the payload is not written a second time. The default body has nearly all.
struct StoredBody<'a> {
    start: &'a [u8],
    /// Of the payload.
    copied: Range<usize>,
    end: &'a [u8],
}

impl<'a> StoredBody<'a> {
    fn of(body: &'a [u8], payload: &[u8]) -> StoredBody<'a> {
        let (place, copied) = shared_part(body, payload);
        let (start, rest) = body.split_at(place);
        StoredBody { start, end: &rest[copied.len()..], copied }
    }
}

/// The beginning or the end of the payload, whichever the body has more of: where it stands there, and which part it is.
fn shared_part(body: &[u8], payload: &[u8]) -> (usize, Range<usize>) {
    let none = (body.len(), 0..0);
    // Fields of Taskbell's own may follow the last one of the payload, before its closing brace.
    let until = payload.len().saturating_sub(1);
    if until < WORTH_COPYING || body.len() < WORTH_COPYING {
        return none;
    }
    let most = body.len() - WORTH_COPYING;
    // The first byte rules most places out, without a call.
    let has = |place: &usize, part: &[u8]| body[*place] == part[0] && body[*place..].starts_with(part);
    let first = (0..=most.min(SEARCHED)).find(|place| has(place, &payload[..WORTH_COPYING]));
    let beginning = first.map(|place| (place, alike_from_start(&body[place..], payload)));
    if let Some((place, length)) = beginning.filter(|(_, length)| length * 2 >= payload.len()) {
        return (place, 0..length);
    }
    let last = (most.saturating_sub(SEARCHED)..=most)
        .rev()
        .find(|place| has(place, &payload[until - WORTH_COPYING..until]));
    let end = last.map(|place| {
        let ends = place + WORTH_COPYING;
        (ends, alike_from_end(&body[..ends], &payload[..until]))
    });
    match (beginning, end) {
        (Some((place, length)), None) => (place, 0..length),
        (Some((place, length)), Some((_, of_end))) if length >= of_end => (place, 0..length),
        (_, Some((ends, length))) => (ends - length, until - length..until),
        (None, None) => none,
    }
}

/// How many bytes both have in common from their beginning, compared a piece at a time.
fn alike_from_start(one: &[u8], other: &[u8]) -> usize {
    let pieces =
        one.chunks_exact(PIECE).zip(other.chunks_exact(PIECE)).take_while(|(one, other)| one == other);
    let known = pieces.count() * PIECE;
    known + one[known..].iter().zip(&other[known..]).take_while(|(one, other)| one == other).count()
}

/// The same from their end.
fn alike_from_end(one: &[u8], other: &[u8]) -> usize {
    let pieces =
        one.rchunks_exact(PIECE).zip(other.rchunks_exact(PIECE)).take_while(|(one, other)| one == other);
    let known = pieces.count() * PIECE;
    let (one, other) = (&one[..one.len() - known], &other[..other.len() - known]);
    known + one.iter().rev().zip(other.iter().rev()).take_while(|(one, other)| one == other).count()
}

/// The id before all of events that were accepted at this time or later, as it is written.
pub(super) fn first_id(unix_ms: i64) -> String {
    EventId::new(unix_ms, 0).written()
}

/// The first that was accepted at this time or later.
pub(super) fn first_since(conn: &Connection, unix_ms: i64) -> rusqlite::Result<Option<EventId>> {
    conn.prepare_cached("SELECT id FROM arrivals WHERE id >= ?1 ORDER BY id LIMIT 1")?
        .query_row([first_id(unix_ms)], |row| read_event_id(row, 0))
        .optional()
}

/// How many were accepted from the one time to the other, counted in the index.
pub(super) fn count(conn: &Connection, from_ms: i64, until_ms: i64) -> rusqlite::Result<u64> {
    conn.prepare_cached("SELECT count(*) FROM arrivals WHERE id >= ?1 AND id < ?2")?
        .query_row([first_id(from_ms), first_id(until_ms)], |row| counts::whole(row, 0))
}

/// Removes the oldest that ended before this time; how many.
pub(super) fn remove_ended(conn: &Connection, before: i64, most: usize) -> rusqlite::Result<usize> {
    conn.prepare_cached(
        "DELETE FROM arrivals WHERE seq IN (SELECT seq FROM arrivals \
         WHERE id < ?1 AND ended_at < ?2 ORDER BY id LIMIT ?3)",
    )?
    .execute(params![first_id(before), before, most as i64])
}

/// Removes the oldest; how many.
pub(super) fn remove_oldest(conn: &Connection, most: usize) -> rusqlite::Result<usize> {
    conn.prepare_cached("DELETE FROM arrivals WHERE seq IN (SELECT seq FROM arrivals ORDER BY id LIMIT ?1)")?
        .execute([most as i64])
}

/// Removes the oldest to this endpoint that ended before this time; how many.
pub(super) fn remove_delivered(
    conn: &Connection,
    endpoint: &str,
    before: i64,
    most: usize,
) -> rusqlite::Result<usize> {
    conn.prepare_cached(
        "DELETE FROM arrivals WHERE seq IN (SELECT seq FROM arrivals \
         WHERE id < ?1 AND ended_at < ?2 AND endpoint = ?3 ORDER BY id LIMIT ?4)",
    )?
    .execute(params![first_id(before), before, endpoint, most as i64])
}

/// When the oldest ended.
pub(super) fn oldest_end(conn: &Connection) -> rusqlite::Result<Option<i64>> {
    conn.prepare_cached("SELECT ended_at FROM arrivals ORDER BY id LIMIT 1")?
        .query_row([], |row| row.get(0))
        .optional()
}

#[cfg(test)]
mod tests {
    use super::super::recovery::FileFault;
    use super::super::tests::{
        attempt, counts, delivery, event_id, place, ring, spool, spool_at, waiting, write,
    };
    use super::super::{
        AttemptRow, DeliverySelection, DeliveryState, Filter, MessageReader, NewDelivery, NewEvent, Operator,
        Reader, SpoolOperator, SpoolReader, SpoolTransaction,
    };
    use super::StoredBody;
    use crate::property::cases;
    use proptest::prelude::*;

    /// When the event with number 0 is accepted, as its id says.
    const START: i64 = 1_700_000_000_000;

    /// An event with this number, accepted so many milliseconds after the start, whose delivery, of the same number, has arrived; whether it is new.
    fn arrive(batch: &mut SpoolTransaction<'_>, number: u32) -> bool {
        let (seq, at) = (i64::from(number), START + i64::from(number));
        let new = NewEvent {
            id: event_id(number),
            kind: "task.complete",
            accepted_at: at,
            node: None,
            payload: b"{\"n\":1}",
        };
        let first = AttemptRow {
            outcome: "delivered",
            error: None,
            next_at: None,
            status: Some(200),
            ..attempt(seq, 1)
        };
        batch.arrival(&new, &delivery(0, "ci", at), &first, at).unwrap()
    }

    #[test]
    fn what_arrived_at_once_is_listed_shown_and_counted_as_any_other() {
        let (_folder, path) = place();
        let mut spool = spool_at(&path, "me");
        let mut batch = spool.begin().unwrap();
        let waits = ring(&mut batch, 1, &["ci"])[0];
        assert!(arrive(&mut batch, 0x1000_0002) && arrive(&mut batch, 0x1000_0003));
        batch.commit().unwrap();
        assert_eq!((counts(&spool).delivered, counts(&spool).pending), (2, 1));
        assert_eq!(waiting(&spool, "ci"), [waits]);

        let reader = SpoolReader::open(&path).unwrap();
        let list = |filter: Filter| -> Vec<i64> {
            reader.list(&filter).unwrap().iter().map(|row| row.delivery).collect()
        };
        let all = Filter { limit: 9, ..Filter::default() };
        assert_eq!(list(all.clone()), [0x1000_0003, 0x1000_0002, waits]);
        assert_eq!(list(Filter { limit: 2, ..all.clone() }), [0x1000_0003, 0x1000_0002]);
        let of = |state| Filter { state: Some(state), ..all.clone() };
        assert_eq!(list(of(DeliveryState::Delivered)), [0x1000_0003, 0x1000_0002]);
        assert_eq!(list(of(DeliveryState::Pending)), [waits]);
        assert_eq!(list(Filter { kind: Some("x".into()), ..all.clone() }), [0; 0]);
        assert_eq!(list(Filter { endpoint: Some("ci".into()), ..all }).len(), 3);

        let id = event_id(0x1000_0002).to_string();
        for name in [id.as_str(), "268435458"] {
            let shown = reader.show(name).unwrap().unwrap();
            assert_eq!((shown.id.as_str(), shown.payload.as_str()), (id.as_str(), "{\"n\":1}"));
            let [one] = &shown.deliveries[..] else { panic!("one") };
            assert_eq!((one.delivery, one.state), (0x1000_0002, DeliveryState::Delivered));
            assert_eq!((one.body.as_str(), one.attempts[0].status), ("{\"text\":\"done\"}", Some(200)));
        }
        assert_eq!(reader.message(0x1000_0002).unwrap().unwrap().body, b"{\"text\":\"done\"}");
        let logged = "SELECT count(*) FROM log WHERE outcome = 'delivered' AND event = ?1 AND attempt = 1";
        assert_eq!(spool.conn.query_row(logged, [&id], |row| row.get(0)), Ok(1));

        let meant = DeliverySelection { id: Some(id), ..DeliverySelection::default() };
        let replayed = SpoolOperator::open(&path).unwrap().replay(&meant, 9).unwrap();
        assert_eq!((replayed.due, replayed.delivered), (0, 1));
    }

    /// An event with this payload, whose delivery with this body arrived: the body as it is read, and the stored bytes of it.
    fn stored(payload: &[u8], body: &[u8]) -> (Vec<u8>, i64) {
        let (_folder, path) = place();
        let mut spool = spool_at(&path, "me");
        let new = NewEvent { id: event_id(1), kind: "x", accepted_at: START, node: None, payload };
        let to = NewDelivery { body, ..delivery(0, "ci", START) };
        let first = AttemptRow { outcome: "delivered", error: None, next_at: None, ..attempt(1, 1) };
        write(&mut spool, |batch| assert!(batch.arrival(&new, &to, &first, START).unwrap()));
        let bytes = "SELECT length(body_start) + length(body_end) FROM arrivals";
        let bytes = spool.conn.query_row(bytes, [], |row| row.get(0)).unwrap();
        let read = SpoolReader::open(&path).unwrap().message(1).unwrap().unwrap().body;
        // As it is sent again.
        assert_eq!(spool.send_again("ci", 0, START).unwrap(), 1);
        assert_eq!(SpoolReader::open(&path).unwrap().message(1).unwrap().unwrap().body, read);
        (read, bytes)
    }

    #[test]
    fn what_a_body_has_of_the_payload_is_stored_once() {
        let payload = format!("{{\"status\":\"ok\",\"prompt\":\"{}ü\"}}", "a lighthouse ".repeat(30));
        let inner = &payload[1..payload.len() - 1];
        let ended = inner.replace("\"ok\"", "\"success\"");
        let bodies = [
            (format!("{{\"data\":{payload}}}"), 11),
            (format!("{{\"data\":{{{inner},\"queue\":\"q\"}},\"host\":{{}}}}"), 40),
            (format!("{{\"data\":{{{ended},\"queue\":\"q\"}},\"host\":{{}}}}"), 70),
        ];
        for (body, most) in bodies {
            let (read, bytes) = stored(payload.as_bytes(), body.as_bytes());
            assert_eq!(String::from_utf8(read).unwrap(), body);
            assert!(bytes <= most, "{bytes} bytes of {body}");
        }
    }

    #[test]
    fn a_body_without_the_payload_is_stored_as_it_is() {
        let bytes: Vec<u8> = (0..=255).collect();
        for (payload, body) in [
            (&b"{}"[..], &b"{}"[..]),
            (b"{}", b""),
            (b"{\"n\":1}", b"{\"text\":\"done\"}"),
            (b"", &bytes),
            (&bytes, &bytes[1..]),
            (&bytes, &bytes[..40]),
            (&bytes[..31], &bytes),
        ] {
            assert_eq!(stored(payload, body).0, body);
        }
    }

    proptest! {
        #![proptest_config(cases(2_000))]
        #[test]
        fn start_copy_and_end_make_the_body(payload in "[ab]{0,300}", before in "[ab]{0,40}", cut in 0..300_usize, after in "[ab]{0,40}") {
            let cut = cut.min(payload.len());
            for part in [&payload[cut..], &payload[..cut]] {
                let body = format!("{before}{part}{after}");
                let StoredBody { start, copied, end } = StoredBody::of(body.as_bytes(), payload.as_bytes());
                prop_assert_eq!([start, &payload.as_bytes()[copied], end].concat(), body.as_bytes());
            }
        }
    }

    #[test]
    fn an_event_is_in_the_spool_once_however_it_came_there() {
        let mut spool = spool("me");
        // A commit that failed may be durable nevertheless.
        let mut failing = spool.begin().unwrap();
        failing.run(|conn| conn.execute_batch("PRAGMA defer_foreign_keys = ON")).unwrap();
        failing.delivery(&delivery(999, "ci", 1)).unwrap();
        failing.commit().unwrap_err();
        let mut batch = spool.begin().unwrap();
        ring(&mut batch, 1, &["ci"]);
        assert!(!arrive(&mut batch, 1), "it waits already");
        assert!(arrive(&mut batch, 0x1000_0002) && !arrive(&mut batch, 0x1000_0002));
        let again =
            NewEvent { id: event_id(0x1000_0002), kind: "x", accepted_at: 1, node: None, payload: b"{}" };
        assert_eq!(batch.event(&again).unwrap(), None);
        batch.commit().unwrap();
        assert!(spool.knows(event_id(0x1000_0002)).unwrap() && !spool.knows(event_id(3)).unwrap());
        let next = write(&mut spool, |batch| ring(batch, 4, &["ci"])[0]);
        assert!(next > 0x1000_0002, "{next} is above every number");
    }

    #[test]
    fn the_oldest_arrivals_are_pruned_and_make_room_before_dead_letters() {
        let (_folder, path) = place();
        let mut spool = spool_at(&path, "me");
        let mut batch = spool.begin().unwrap();
        assert!((100..160).all(|number| arrive(&mut batch, number)));
        let dead = ring(&mut batch, 1, &["ci"])[0];
        batch.end(dead, &super::super::DeliveryEnd::Dead("no".into()), START + 500).unwrap();
        batch.commit().unwrap();
        assert_eq!((spool.prune(START + 110).unwrap(), counts(&spool).delivered), (10, 50));
        while counts(&spool).delivered > 0 {
            assert_eq!(counts(&spool).dead, 1);
            spool.make_room(1).unwrap();
        }
    }

    #[test]
    fn arrivals_are_counted_by_the_hour_and_the_last_ones_are_found() {
        let (_folder, path) = place();
        let mut spool = spool_at(&path, "me");
        let hours = [0, 1, 3_599_999, 3_600_000, 20 * 3_600_000];
        write(&mut spool, |batch| assert!(hours.into_iter().all(|after| arrive(batch, after))));
        let reader = SpoolReader::open(&path).unwrap();
        let counted = |from| -> Vec<(i64, u64)> {
            reader.hours(from).unwrap().iter().map(|hour| (hour.from, hour.delivered)).collect()
        };
        let hour = |number: i64| (START / 3_600_000 + number) * 3_600_000;
        let first = hours.iter().filter(|after| START + i64::from(**after) < hour(1)).count() as u64;
        assert_eq!(counted(0), [(hour(0), first), (hour(1), 4 - first), (hour(20), 1)]);
        assert_eq!(counted(START + 1)[0], (hour(0), first - 1));
        let ended = |from, limit| -> Vec<i64> {
            reader.ended_since(from, limit).unwrap().iter().map(|one| one.ended_at - START).collect()
        };
        assert_eq!(ended(START + 3_599_999, 9), [20 * 3_600_000, 3_600_000, 3_599_999]);
        assert_eq!(ended(0, 2), [20 * 3_600_000, 3_600_000]);
    }

    #[test]
    fn a_recovered_spool_still_knows_what_arrived_lately() {
        let (folder, path) = place();
        let mut spool = spool_at(&path, "me");
        write(&mut spool, |batch| assert!(arrive(batch, 7)));
        for suffix in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(folder.path().join(format!("x.db{suffix}")));
        }
        let report = spool.renew(FileFault::Lost, 50).unwrap();
        assert_eq!((report.events, report.deliveries), (1, 0), "{report}");
        assert!(spool.knows(event_id(7)).unwrap());
        write(&mut spool, |batch| assert!(!arrive(batch, 7), "it is known in another table"));
    }
}
