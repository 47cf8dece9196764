//! Events, deliveries and attempts.

use super::*;

pub fn an_event_is_kept_once(place: &impl Place) {
    let mut store = place.open("me");
    let first = write(&mut store, |batch| batch.put_event(&event(1), false).unwrap());
    assert!(first.is_some());
    write(&mut store, |batch| {
        assert_eq!(batch.put_event(&event(1), true).unwrap(), None, "it is there already");
        assert!(batch.put_event(&event(2), false).unwrap().is_some());
        assert_eq!(batch.put_event(&event(2), false).unwrap(), None, "it is in this transaction already");
        assert_eq!(batch.row_of(id(1)).unwrap(), first);
        assert_eq!(batch.row_of(id(3)).unwrap(), None);
    });
    assert!(store.knows(id(1)).unwrap() && store.knows(id(2)).unwrap() && !store.knows(id(3)).unwrap());
}

pub fn an_event_has_one_delivery_to_an_endpoint(place: &impl Place) {
    let mut store = place.open("me");
    let (first, again) = write(&mut store, |batch| {
        let first = ring(batch, 1, &["ci", "team"]);
        let row = batch.row_of(id(1)).unwrap().unwrap();
        (first, batch.put_delivery(&delivery(row, "ci", 1), Early::No).unwrap())
    });
    assert_eq!(again, first[0]);
    assert_eq!(counts(place), (2, 0, 0));
}

pub fn numbers_are_taken_before_rows_are_written_and_never_again(place: &impl Place) {
    let mut store = place.open("me");
    let first = write(&mut store, |batch| ring(batch, 1, &["ci"])[0]);
    let taken = store.take_numbers(2).unwrap();
    assert!(taken > first);
    let kept = write(&mut store, |batch| {
        let row = batch.put_event(&event(2), true).unwrap().unwrap();
        batch.put_delivery(&delivery(row, "ci", 2), Early::Sent(taken)).unwrap()
    });
    assert_eq!(kept, taken);
    let next = write(&mut store, |batch| ring(batch, 3, &["ci"])[0]);
    assert!(next > taken + 1, "{next} after {taken} and one that was taken and not used");
    assert_eq!(numbers(&waiting(&store)), [first, taken, next]);
}

pub fn the_node_of_an_event_is_kept_and_shown(place: &impl Place) {
    let mut store = place.open("me");
    let posted = |number| NewEvent { node: Some("render-07"), ..event(number) };
    write(&mut store, |batch| ring(batch, 1, &["ci"]));
    let taken = store.take_numbers(1).unwrap();
    let waits = write(&mut store, |batch| {
        let row = batch.put_event(&posted(2), true).unwrap().unwrap();
        assert!(batch.put_arrival(&posted(3), &delivery(0, "ci", 3), &success(taken, 1), 70).unwrap());
        batch.put_delivery(&delivery(row, "ci", 2), Early::No).unwrap()
    });
    let reader = place.reader();
    for (number, node) in [(1, None), (2, Some("render-07")), (3, Some("render-07"))] {
        let shown = reader.show(&id(number).to_string()).unwrap().unwrap();
        assert_eq!(shown.node.as_deref(), node);
    }
    let of_node = Filter { node: Some("render-07".into()), limit: 9, ..Filter::default() };
    let listed = reader.list(&of_node).unwrap();
    assert!(listed.iter().all(|row| row.node.as_deref() == Some("render-07")));
    let mut numbers: Vec<i64> = listed.iter().map(|row| row.delivery).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, [waits.min(taken), waits.max(taken)]);
}

pub fn what_arrived_before_it_was_written_is_delivered_and_shown(place: &impl Place) {
    let mut store = place.open("me");
    write(&mut store, |batch| ring(batch, 1, &["ci"]));
    let taken = store.take_numbers(2).unwrap();
    write(&mut store, |batch| {
        let new = batch.put_arrival(&event(2), &delivery(0, "ci", 2), &success(taken, 1), 70).unwrap();
        let again = batch.put_arrival(&event(2), &delivery(0, "ci", 2), &success(taken, 1), 70).unwrap();
        assert!(new && !again);
        let row = batch.put_event(&event(3), true).unwrap().unwrap();
        let one = success(taken + 1, 1);
        assert_eq!(batch.put_delivery(&delivery(row, "ci", 3), Early::Arrived(&one, 71)).unwrap(), taken + 1);
        batch.put_delivery(&delivery(row, "team", 3), Early::No).unwrap();
    });
    assert_eq!(counts(place), (2, 2, 0));
    assert!(store.knows(id(2)).unwrap());
    for (number, ended_at) in [(taken, 70), (taken + 1, 71)] {
        let shown = place.reader().show(&number.to_string()).unwrap().unwrap();
        assert_eq!(shown.payload, "{\"n\":1}");
        let one = shown.deliveries.iter().find(|delivery| delivery.delivery == number).unwrap();
        assert_eq!(
            (one.state, one.ended_at, one.endpoint.as_str()),
            (DeliveryState::Delivered, Some(ended_at), "ci")
        );
        assert_eq!((one.attempts.len(), one.attempts[0].status), (1, Some(200)));
        assert_eq!(one.attempts[0].phases.first_byte_us, 40);
        assert_eq!(one.body, "{\"text\":\"done\"}");
    }
}

pub fn attempts_are_logged_and_a_delivery_ends_once(place: &impl Place) {
    let mut store = place.open("me");
    let seqs = write(&mut store, |batch| ring(batch, 1, &["ci", "team", "ops"]));
    write(&mut store, |batch| {
        assert!(batch.put_attempt(seqs[0], Some(&attempt(seqs[0], 1)), Next::Due(9_000)).unwrap());
        assert!(
            batch
                .put_attempt(seqs[1], Some(&success(seqs[1], 1)), Next::End(&DeliveryEnd::Delivered, 50))
                .unwrap()
        );
        assert!(end(batch, seqs[2], &dead(), 60));
    });
    let pending = store.pending().unwrap();
    assert_eq!(pending.len(), 1);
    assert_eq!(pending[&seqs[0]], PendingDelivery { due_at: 9_000, attempts: 1 });
    let one = &waiting(&store)[0];
    assert_eq!((one.attempts, one.failures, one.asked, one.tried_at), (1, 1, 0, Some(1_000)));
    write(&mut store, |batch| {
        assert!(!end(batch, seqs[1], &dead(), 80), "it has arrived");
        let late = attempt(seqs[1], 2);
        assert!(!batch.put_attempt(seqs[1], Some(&late), Next::End(&dead(), 80)).unwrap());
        batch
            .put_attempt(seqs[0], Some(&success(seqs[0], 2)), Next::End(&DeliveryEnd::Delivered, 90))
            .unwrap();
        batch.put_attempt(seqs[0], Some(&success(seqs[0], 3)), Next::Same).unwrap();
        batch.put_attempt(404, Some(&attempt(404, 1)), Next::Same).unwrap();
    });
    assert_eq!(counts(place), (0, 2, 1));
    let shown = place.reader().show(&id(1).to_string()).unwrap().unwrap();
    let of = |endpoint: &str| shown.deliveries.iter().find(|delivery| delivery.endpoint == endpoint).unwrap();
    assert_eq!((of("team").state, of("team").ended_at), (DeliveryState::Delivered, Some(50)));
    let logged =
        |endpoint: &str| -> Vec<u32> { of(endpoint).attempts.iter().map(|attempt| attempt.number).collect() };
    assert_eq!((logged("ci"), logged("team"), logged("ops")), (vec![1, 2, 3], vec![1, 2], vec![]));
    assert_eq!(of("ci").attempts[0].error.as_deref(), Some("the receiver answered 503"));
    assert_eq!((of("ops").state, of("ops").reason.as_deref()), (DeliveryState::Dead, Some("no")));
}

pub fn a_delivery_that_was_dropped_meanwhile_is_not_due_again(place: &impl Place) {
    let mut store = place.open("me");
    let seq = write(&mut store, |batch| ring(batch, 1, &["ci"])[0]);
    place.operator().drop_deliveries(&DeliverySelection::default(), 20).unwrap();
    let was_pending =
        write(&mut store, |batch| batch.put_attempt(seq, Some(&attempt(seq, 1)), Next::Due(9_000)).unwrap());
    assert!(!was_pending);
    assert_eq!(counts(place), (0, 0, 1));
}

pub fn a_transaction_that_is_not_committed_leaves_nothing(place: &impl Place) {
    let mut store = place.open("me");
    let key = StateKey::shared(StateKind::QueueCounts, "q");
    let mut batch = store.begin().unwrap();
    ring(&mut batch, 1, &["ci"]);
    batch.put_state(&key, Some(b"one")).unwrap();
    drop(batch);
    assert!(!store.knows(id(1)).unwrap() && waiting(&store).is_empty());
    assert_eq!(store.state(&key).unwrap(), None);
    assert_eq!(
        write(&mut store, |batch| ring(batch, 1, &["ci"])).len(),
        1,
        "the next one is as if it were the first"
    );
}
