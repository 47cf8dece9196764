//! The life of rows: kept, attempted, ended, handed over, looked at.

use super::super::{
    Counts, DeliveryEnd, DeliveryState, Filter, MessageReader, NewDelivery, NewEvent, Reader, SpoolErrorKind,
    SpoolReader,
};
use super::{
    NONE, adopt, attempt, counts, delivery, event_id, pending, place, ring, spool, spool_at, state_key,
    waiting, write,
};

#[test]
fn what_was_committed_is_there_after_a_reopen_byte_for_byte() {
    let (_dir, path) = place();
    let mut first = spool_at(&path, "me");
    let mut batch = first.begin().unwrap();
    let event = NewEvent {
        id: event_id(7),
        kind: "queue.end",
        accepted_at: 70,
        node: None,
        payload: b"{\"a\":\"\xc3\xa4\"}",
    };
    let event = batch.event(&event).unwrap().unwrap();
    let body: Vec<u8> = (0..=255).cycle().take(70_000).collect();
    let seq = batch.delivery(&NewDelivery { body: &body, due_at: 99, ..delivery(event, "ci", 71) }).unwrap();
    batch.attempt(&attempt(seq, 1)).unwrap();
    batch.postpone(seq, 9000).unwrap();
    batch.commit().unwrap();
    drop(first);

    let again = spool_at(&path, "me");
    let [kept] = &pending(&again, "ci")[..] else { panic!("one is pending") };
    assert_eq!((kept.seq, kept.event_id, kept.kind.as_str()), (seq, event_id(7), "queue.end"));
    assert_eq!((kept.created_at, kept.due_at, kept.attempts), (71, 9000, 1));
    let reader = SpoolReader::open(&path).unwrap();
    assert_eq!(reader.show(&seq.to_string()).unwrap().unwrap().accepted_at, 70);
    let message = reader.message(seq).unwrap().unwrap();
    assert_eq!((message.content_type.as_str(), message.body), ("application/json", body));
}

#[test]
fn a_batch_that_is_dropped_leaves_nothing() {
    let mut spool = spool("me");
    let mut batch = spool.begin().unwrap();
    ring(&mut batch, 1, &["ci"]);
    batch.put_state(&state_key(), Some(b"x")).unwrap();
    drop(batch);
    assert_eq!(waiting(&spool, "ci"), NONE);
    assert_eq!(spool.state(&state_key()).unwrap(), None);
    let mut batch = spool.begin().unwrap();
    ring(&mut batch, 1, &["ci"]);
    batch.commit().unwrap();
    assert_eq!(waiting(&spool, "ci").len(), 1);
}

#[test]
fn an_event_that_is_told_twice_is_kept_once() {
    let mut spool = spool("me");
    let mut batch = spool.begin().unwrap();
    ring(&mut batch, 1, &["ci"]);
    let again =
        NewEvent { id: event_id(1), kind: "task.complete", accepted_at: 1, node: None, payload: b"{}" };
    assert_eq!(batch.event(&again).unwrap(), None);
    batch.commit().unwrap();
    write(&mut spool, |batch| assert_eq!(batch.event(&again).unwrap(), None));
    assert_eq!(waiting(&spool, "ci").len(), 1);
}

#[test]
fn an_event_rings_once_at_an_endpoint() {
    let mut spool = spool("me");
    let mut batch = spool.begin().unwrap();
    let first = ring(&mut batch, 1, &["ci", "team"]);
    let again = batch.delivery(&delivery(1, "ci", 1)).unwrap();
    batch.commit().unwrap();
    assert_eq!(again, first[0]);
    assert_eq!(waiting(&spool, "ci"), [first[0]]);
    assert_eq!(counts(&spool).pending, 2);
}

#[test]
fn what_has_ended_stays_as_it_ended() {
    let mut spool = spool("me");
    let mut batch = spool.begin().unwrap();
    let seqs = ring(&mut batch, 1, &["ci", "team"]);
    batch.end(seqs[0], &DeliveryEnd::Delivered, 50).unwrap();
    batch.end(seqs[0], &DeliveryEnd::Dead("late".into()), 60).unwrap();
    batch.postpone(seqs[0], 70).unwrap();
    batch.attempt(&attempt(404, 1)).unwrap();
    batch.commit().unwrap();
    assert_eq!(waiting(&spool, "ci"), NONE);
    let ended = |column: &str| -> String {
        let sql = format!("SELECT CAST({column} AS TEXT) FROM deliveries WHERE seq = ?1");
        spool.conn.query_row(&sql, [seqs[0]], |row| row.get(0)).unwrap()
    };
    assert_eq!(
        (ended("state"), ended("ended_at"), ended("due_at")),
        ("delivered".into(), "50".into(), "1".into())
    );
    let Counts { pending, delivered, dead, .. } = counts(&spool);
    assert_eq!((pending, delivered, dead), (1, 1, 0));
}

#[test]
fn the_state_keeps_the_last_value_of_a_key() {
    let mut spool = spool("me");
    for value in [Some(&b"one"[..]), Some(b"two"), None] {
        write(&mut spool, |batch| batch.put_state(&state_key(), value).unwrap());
        assert_eq!(spool.state(&state_key()).unwrap().as_deref(), value);
    }
}

#[test]
fn only_the_dead_are_inherited_and_each_row_by_one() {
    let (_dir, path) = place();
    let (mut one, mut two) = (spool_at(&path, "one"), spool_at(&path, "two"));
    for (spool, number) in [(&mut one, 100), (&mut two, 200)] {
        let mut batch = spool.begin().unwrap();
        ring(&mut batch, number, &["ci"]);
        let later = ring(&mut batch, number + 1, &["ci"])[0];
        batch.postpone(later, 90_000).unwrap();
        batch.commit().unwrap();
    }
    assert_eq!((waiting(&one, "ci").len(), waiting(&two, "ci").len()), (2, 2), "each sees its own");
    let live = ["one", "two"];
    assert_eq!(adopt(&mut two, &live, 5000), 0, "the living keep what is theirs");

    drop(one);
    assert_eq!(adopt(&mut two, &live[1..], 5000), 2);
    assert_eq!(adopt(&mut two, &live[1..], 6000), 0);
    let due: Vec<i64> = pending(&two, "ci").iter().map(|pending| pending.due_at).collect();
    assert_eq!(due, [100, 90_000, 200, 90_000], "what was due stays due, what waits goes on waiting");

    two.release().unwrap();
    assert_eq!(waiting(&two, "ci"), NONE);
    let mut three = spool_at(&path, "three");
    assert_eq!(adopt(&mut three, &["two"], 7000), 4, "released rows are nobody's");
}

#[test]
fn a_clock_that_was_set_back_holds_nothing_up() {
    let mut spool = spool("one");
    write(&mut spool, |batch| ring(batch, 86_400_000, &["ci"]));
    spool.release().unwrap();
    adopt(&mut spool, &[], 1000);
    assert_eq!(pending(&spool, "ci")[0].due_at, 1000);
}

#[test]
fn a_great_backlog_changes_hands_whole() {
    let mut spool = spool("one");
    let mut batch = spool.begin().unwrap();
    for number in 0..11_000 {
        ring(&mut batch, number, &["ci"]);
    }
    batch.commit().unwrap();
    spool.release().unwrap();
    assert!(spool.pending().unwrap().is_empty());
    assert_eq!(adopt(&mut spool, &[], 0), 11_000);
    let taken = pending(&spool, "ci");
    assert_eq!((taken.len(), taken[10_999].due_at), (11_000, 0), "made in the future of a set-back clock");
}

#[test]
fn a_reader_lists_and_shows_beside_a_live_writer() {
    let (_dir, path) = place();
    let mut spool = spool_at(&path, "me");
    let mut batch = spool.begin().unwrap();
    let first = ring(&mut batch, 0x1000_0001, &["ci", "team"]);
    batch.attempt(&attempt(first[0], 1)).unwrap();
    batch.attempt(&attempt(first[0], 2)).unwrap();
    batch.end(first[0], &DeliveryEnd::Dead("gave up".into()), 77).unwrap();
    batch.commit().unwrap();

    let reader = SpoolReader::open(&path).unwrap();
    let mut open = spool.begin().unwrap();
    let unseen = ring(&mut open, 0x2000_0002, &["ci"]);
    let all = Filter { limit: 10, ..Filter::default() };
    let numbers = |filter: &Filter| -> Vec<i64> {
        reader.list(filter).unwrap().iter().map(|row| row.delivery).collect()
    };
    assert_eq!(numbers(&all), [first[1], first[0]], "an open batch is not seen and holds nobody up");
    open.end(first[1], &DeliveryEnd::Delivered, 78).unwrap();
    open.commit().unwrap();
    assert_eq!(numbers(&all), [unseen[0], first[1], first[0]]);
    assert_eq!(numbers(&Filter { limit: 1, ..all.clone() }), [unseen[0]]);
    for (state, expected) in [
        (DeliveryState::Pending, unseen[0]),
        (DeliveryState::Delivered, first[1]),
        (DeliveryState::Dead, first[0]),
    ] {
        assert_eq!(numbers(&Filter { state: Some(state), ..all.clone() }), [expected], "{state:?}");
    }
    assert_eq!(numbers(&Filter { endpoint: Some("ci".into()), ..all.clone() }), [unseen[0], first[0]]);
    assert_eq!(numbers(&Filter { kind: Some("queue.end".into()), ..all.clone() }), NONE);
    let dead = &reader.list(&Filter { state: Some(DeliveryState::Dead), ..all }).unwrap()[0];
    assert_eq!((dead.attempts, dead.last_status, dead.ended_at, dead.due_at), (2, Some(503), Some(77), None));
    assert_eq!(dead.reason.as_deref(), Some("gave up"));
    assert_eq!((reader.counts().unwrap().pending, reader.counts().unwrap().dead), (1, 1));

    let id = event_id(0x1000_0001).to_string();
    let detail = reader.show(&id).unwrap().unwrap();
    assert_eq!(Some(&detail), reader.show(&first[1].to_string()).unwrap().as_ref());
    assert_eq!(
        Some(&detail),
        reader.show(&id[..16].to_uppercase().replace("EVT_", "evt_")).unwrap().as_ref()
    );
    assert_eq!(
        (detail.id.as_str(), detail.payload.as_str(), detail.deliveries.len()),
        (&*id, "{\"n\":1}", 2)
    );
    let numbers: Vec<u32> = detail.deliveries[0].attempts.iter().map(|attempt| attempt.number).collect();
    assert_eq!(numbers, [1, 2]);
    assert_eq!(detail.deliveries[0].attempts[0].phases.first_byte_us, 40);
    assert_eq!(detail.deliveries[0].body, "{\"text\":\"done\"}");
    let json = serde_json::to_value(&detail).unwrap();
    assert_eq!(json["deliveries"][0]["state"], "dead");
    assert_eq!(json["type"], "task.complete");

    for unknown in ["999", "evt_0", "evt_ffffffffffff", "nonsense", ""] {
        assert_eq!(reader.show(unknown).unwrap(), None, "{unknown}");
    }
}

#[test]
fn a_beginning_that_fits_two_events_is_not_guessed() {
    let (_dir, path) = place();
    let mut spool = spool_at(&path, "me");
    let mut batch = spool.begin().unwrap();
    ring(&mut batch, 1, &["ci"]);
    ring(&mut batch, 2, &["ci"]);
    batch.commit().unwrap();
    let fault = SpoolReader::open(&path).unwrap().show(&event_id(1).to_string()[..12]).unwrap_err();
    assert_eq!(fault.kind(), SpoolErrorKind::Ambiguous);
}
