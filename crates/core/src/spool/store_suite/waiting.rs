//! What waits, who takes it over, and states.

use super::*;

pub fn what_waits_is_read_page_by_page_and_nothing_is_left_out(place: &impl Place) {
    const MANY: u32 = 300;
    let mut store = place.open("me");
    write(&mut store, |batch| (1..=MANY).for_each(|number| drop(ring(batch, number, &["ci", "team"]))));
    let owners = store.held().unwrap();
    let mut stretches = store.stretches(&owners).unwrap();
    let of: Vec<&str> = stretches.iter().map(|stretch| stretch.endpoint.as_str()).collect();
    assert_eq!(of, ["ci", "team"]);
    write(&mut store, |batch| drop(ring(batch, MANY + 1, &["ci"])));
    let (stretch, mut found) = (&mut stretches[0], Vec::new());
    for size in [7, 100, 500, 500] {
        assert_eq!(store.count(stretch).unwrap(), u64::from(MANY) - found.len() as u64);
        let page = store.page(stretch, size).unwrap();
        stretch.after = page.last().map_or(stretch.after, |last| last.seq);
        found.extend(page);
    }
    let mut all = waiting(&store);
    all.retain(|waiting| waiting.endpoint == "ci" && waiting.seq <= stretch.until);
    assert_eq!(found, all, "without what was made later");
    assert_eq!(
        (found[0].event_id, found[0].kind.as_str(), found[0].hook.as_str()),
        (id(1), "task.complete", "hooks[0]")
    );
}

pub fn what_a_newer_message_may_replace_is_read_at_once(place: &impl Place) {
    let mut store = place.open("me");
    let (plain, thing) = write(&mut store, |batch| {
        let plain = ring(batch, 1, &["ci"])[0];
        let row = batch.put_event(&event(2), true).unwrap().unwrap();
        let new = NewDelivery { thing: Some("frame 7"), expires_at: Some(900), ..delivery(row, "ci", 2) };
        (plain, batch.put_delivery(&new, Early::No).unwrap())
    });
    let owners = store.held().unwrap();
    let replaceable = store.replaceable(&owners).unwrap();
    assert_eq!(numbers(&replaceable), [thing]);
    assert_eq!((replaceable[0].thing.as_deref(), replaceable[0].expires_at), (Some("frame 7"), Some(900)));
    let stretch = &store.stretches(&owners).unwrap()[0];
    assert_eq!(numbers(&store.page(stretch, 9).unwrap()), [plain]);
}

pub fn the_next_instance_takes_over_what_is_due_and_what_waits(place: &impl Place) {
    let mut one = place.open("one");
    let seqs = write(&mut one, |batch| ring(batch, 100, &["ci", "team"]));
    write(&mut one, |batch| batch.put_attempt(seqs[1], None, Next::Due(90_000)).unwrap());
    let key = StateKey::owned(StateKind::QueueCounts, "one", "q");
    one.put_states(&[(key, Some(b"{}".to_vec()))]).unwrap();
    drop(one);
    let mut two = place.open("two");
    let dead: Vec<String> = two.holders().unwrap().into_iter().filter(|holder| holder != "two").collect();
    assert_eq!(dead, ["one"]);
    assert_eq!(two.take_over(&dead, 5_000).unwrap().deliveries, 2);
    assert_eq!(two.take_over(&dead, 6_000).unwrap().deliveries, 0);
    let due: Vec<i64> = waiting(&two).iter().map(|waiting| waiting.due_at).collect();
    assert_eq!(due, [100, 90_000], "what was due stays due, what waits goes on waiting");
    two.release().unwrap();
    assert!(waiting(&two).is_empty() && two.pending().unwrap().is_empty());
    two.close();
    let mut three = place.open("three");
    assert_eq!(three.take_over(&[], 7_000).unwrap().deliveries, 2, "released rows are nobody's");
}

pub fn states_have_the_last_value_of_their_key(place: &impl Place) {
    let mut store = place.open("me");
    let key = StateKey::shared(StateKind::QueueCounts, "q");
    for value in [Some(&b"one"[..]), Some(b"two"), None] {
        write(&mut store, |batch| {
            batch.put_state(&key, Some(b"before")).unwrap();
            batch.put_state(&key, value).unwrap();
            assert_eq!(
                batch.state(&key).unwrap().as_deref(),
                value,
                "a transaction sees what it has written"
            );
        });
        assert_eq!(store.state(&key).unwrap().as_deref(), value);
    }
    let own = |name: &str| StateKey::owned(StateKind::Shaping, "me", name);
    let changes = ["b", "a"].map(|name| (own(name), Some(name.as_bytes().to_vec())));
    store.put_states(&changes).unwrap();
    let expected = ["a", "b"].map(|name| (own(name), name.as_bytes().to_vec()));
    assert_eq!(store.states(StateKind::Shaping).unwrap(), expected);
    assert_eq!(place.reader().states(StateKind::Shaping).unwrap(), expected);
    write(&mut store, |batch| {
        batch.put_state(&own("a"), None).unwrap();
        assert_eq!(batch.states(StateKind::Shaping).unwrap(), expected[1..]);
    });
}
