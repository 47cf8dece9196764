//! What an operator and time do with what is kept, and what a reader sees of it.

use super::*;

pub fn pruning_takes_what_ended_long_ago_and_nothing_else(place: &impl Place) {
    let mut store = place.open("me");
    let seqs = write(&mut store, |batch| {
        let seqs: Vec<i64> = (1..=4).map(|number| ring(batch, number, &["ci"])[0]).collect();
        ring(batch, 5, &[]);
        for (seq, at) in [(seqs[0], 100), (seqs[1], 900)] {
            batch.put_attempt(seq, Some(&success(seq, 1)), Next::End(&DeliveryEnd::Delivered, at)).unwrap();
        }
        end(batch, seqs[2], &dead(), 100);
        seqs
    });
    while store.prune(500).unwrap() > 0 {}
    assert_eq!(numbers(&waiting(&store)), [seqs[3]]);
    assert_eq!(counts(place), (1, 1, 0));
}

pub fn dead_letters_are_replayed_with_id_body_and_count(place: &impl Place) {
    let mut store = place.open("me");
    let gone = StateKey::shared(StateKind::GoneEndpoint, "ci");
    let seqs = write(&mut store, |batch| {
        let seqs = ring(batch, 0x1000_0001, &["ci", "team", "ops"]);
        batch.put_attempt(seqs[0], Some(&attempt(seqs[0], 1)), Next::End(&dead(), 50)).unwrap();
        end(batch, seqs[1], &DeliveryEnd::Delivered, 60);
        batch.put_attempt(seqs[2], None, Next::Due(90_000)).unwrap();
        batch.put_state(&gone, Some(b"{}")).unwrap();
        seqs
    });
    let before = store.state(&operator_mark()).unwrap();
    let choice =
        DeliverySelection { id: Some(id(0x1000_0001).to_string()[..14].to_owned()), ..Default::default() };
    let done = place.operator().replay(&choice, 5_000).unwrap();
    assert_eq!(done, Replayed { due: 1, hurried: 1, delivered: 1, ..Replayed::default() });
    assert_ne!(store.state(&operator_mark()).unwrap(), before, "hosts see that something was done");
    assert_eq!(numbers(&waiting(&store)), [seqs[2]], "it is nobody's yet");
    assert_eq!(store.pending().unwrap()[&seqs[2]].due_at, 5_000);
    assert_eq!(store.take_over(&[], 5_000).unwrap().deliveries, 1);
    let replayed = &waiting(&store)[0];
    assert_eq!((replayed.seq, replayed.attempts, replayed.failures, replayed.due_at), (seqs[0], 1, 0, 5_000));
    assert_eq!(replayed.event_id, id(0x1000_0001));
    assert_eq!(place.reader().message(seqs[0]).unwrap().unwrap().body, b"{\"text\":\"done\"}");
    assert_eq!(store.state(&gone).unwrap(), None, "the endpoint is tried again");
}

pub fn a_replayed_letter_without_a_message_is_rendered_from_its_context(place: &impl Place) {
    let mut store = place.open("me");
    let seq = write(&mut store, |batch| {
        let row = batch.put_event(&event(1), true).unwrap().unwrap();
        let broken =
            NewDelivery { content_type: "", body: b"{}", dead: Some("line 3"), ..delivery(row, "ci", 5) };
        batch.put_delivery(&broken, Early::No).unwrap()
    });
    assert_eq!(place.operator().replay(&DeliverySelection::default(), 9).unwrap().due, 1);
    assert_eq!(store.take_over(&[], 9).unwrap().deliveries, 1);
    assert!(waiting(&store).is_empty(), "it is rendered first");
    let unrendered = store.unrendered().unwrap();
    assert_eq!((unrendered[0].seq, store.contexts(&unrendered).unwrap()), (seq, vec![b"{}".to_vec()]));
    write(&mut store, |batch| batch.put_message(seq, "text/plain", b"done", None).unwrap());
    assert_eq!(numbers(&waiting(&store)), [seq]);
    assert_eq!(place.reader().message(seq).unwrap().unwrap().body, b"done");
}

pub fn what_is_dropped_ends_or_is_removed(place: &impl Place) {
    let mut store = place.open("me");
    write(&mut store, |batch| {
        let seqs = ring(batch, 1, &["ci", "team", "ops"]);
        end(batch, seqs[0], &dead(), 50);
        end(batch, seqs[1], &DeliveryEnd::Delivered, 60);
    });
    assert_eq!(place.operator().drop_deliveries(&DeliverySelection::default(), 70).unwrap(), (1, 1));
    assert_eq!(counts(place), (0, 1, 1));
    assert!(waiting(&store).is_empty());
    let pending = DeliverySelection { state: Some(DeliveryState::Pending), ..Default::default() };
    assert_eq!(place.operator().drop_deliveries(&pending, 80).unwrap(), (0, 0));
}

pub fn a_reader_lists_by_every_condition(place: &impl Place) {
    let mut store = place.open("me");
    let first = write(&mut store, |batch| {
        let first = ring(batch, 0x1000_0001, &["ci", "team"]);
        batch.put_attempt(first[0], Some(&attempt(first[0], 1)), Next::Due(9_000)).unwrap();
        let last = attempt(first[0], 2);
        batch
            .put_attempt(first[0], Some(&last), Next::End(&DeliveryEnd::Dead("gave up".into()), 77))
            .unwrap();
        let row = batch.row_of(id(0x1000_0001)).unwrap().unwrap();
        batch.put_account(row, "`x` did not match").unwrap();
        first
    });
    let reader = place.reader();
    let mut open = store.begin().unwrap();
    let unseen = ring(&mut open, 0x2000_0002, &["ci"])[0];
    let all = Filter { limit: 10, ..Filter::default() };
    let listed = |filter: &Filter| -> Vec<i64> {
        reader.list(filter).unwrap().iter().map(|row| row.delivery).collect()
    };
    assert_eq!(listed(&all), [first[1], first[0]], "an open transaction is not seen");
    end(&mut open, first[1], &DeliveryEnd::Delivered, 78);
    open.commit().unwrap();
    assert_eq!(listed(&all), [unseen, first[1], first[0]]);
    let states = [
        (DeliveryState::Pending, unseen),
        (DeliveryState::Delivered, first[1]),
        (DeliveryState::Dead, first[0]),
    ];
    for (state, expected) in states {
        assert_eq!(listed(&Filter { state: Some(state), ..all.clone() }), [expected], "{state:?}");
    }
    let by: [(Filter, &[i64]); 8] = [
        (Filter { limit: 1, ..all.clone() }, &[unseen]),
        (Filter { before: Some(first[1]), ..all.clone() }, &[first[0]]),
        (Filter { from: Some(first[1]), ..all.clone() }, &[unseen, first[1]]),
        (Filter { endpoint: Some("ci".into()), ..all.clone() }, &[unseen, first[0]]),
        (Filter { kind: Some("queue.end".into()), ..all.clone() }, &[]),
        (Filter { hook: Some("hooks[1]".into()), ..all.clone() }, &[]),
        (Filter { text: Some("GAVE".into()), ..all.clone() }, &[first[0]]),
        (Filter { since_ms: Some(0x2000_0000), ..all.clone() }, &[unseen]),
    ];
    for (filter, expected) in by {
        assert_eq!(listed(&filter), expected, "{filter:?}");
    }
    let dead = &reader.list(&Filter { state: Some(DeliveryState::Dead), ..all }).unwrap()[0];
    assert_eq!((dead.attempts, dead.last_status, dead.ended_at, dead.due_at), (2, Some(503), Some(77), None));
    assert_eq!(dead.reason.as_deref(), Some("gave up"));
    let shown = reader.show(&id(0x1000_0001).to_string()).unwrap().unwrap();
    assert_eq!(shown.said.as_deref(), Some("`x` did not match"));
    assert_eq!(shown.deliveries[0].why.as_deref(), Some("it matched"));
    assert!(reader.show("evt_ffffffff").unwrap().is_none());
}
