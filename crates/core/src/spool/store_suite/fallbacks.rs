//! Fallbacks, escalations and living messages.

use super::*;

fn ready(batch: &mut impl Batch, via: &str, endpoint: &str, due_at: Option<i64>, alert: Option<&str>) {
    let event = batch.row_of(id(1)).unwrap().unwrap();
    let (hook, content_type, body) = ("h", "application/json", endpoint.as_bytes());
    let extras = Some(endpoint);
    let new = NewFallback { event, via, endpoint, hook, due_at, alert, content_type, body, extras };
    batch.put_fallback(&new).unwrap();
}

fn names(called: &[Called]) -> Vec<&str> {
    called.iter().map(|called| called.endpoint.as_str()).collect()
}

fn die(batch: &mut impl Batch, seq: i64) -> Vec<Called> {
    end(batch, seq, &dead(), 10);
    batch.call_after(seq, true, 10).unwrap()
}

pub fn the_dead_fall_back_along_the_chain_and_the_last_one_is_told_to_others(place: &impl Place) {
    let mut store = place.open("me");
    let a = write(&mut store, |batch| {
        let a = ring(batch, 1, &["a"])[0];
        ready(batch, "a", "b", None, None);
        ready(batch, "b", "c", None, None);
        ready(batch, "a", "ops", Some(900), None);
        a
    });
    assert_eq!(store.waiting_fallbacks().unwrap(), (true, Some(900)));
    let b = write(&mut store, |batch| {
        let b = die(batch, a);
        assert!(batch.call_due(899).unwrap().is_empty());
        b
    });
    assert_eq!((names(&b), b[0].message.body.as_slice(), b[0].event_id), (vec!["b"], &b"b"[..], id(1)));
    assert_eq!(b[0].message.extras.as_deref(), Some("b"), "what goes with a message goes with it here too");
    assert!(!b[0].escalated);
    assert_eq!(numbers(&waiting(&store)), [b[0].seq], "it is a delivery");
    write(&mut store, |batch| {
        let c = die(batch, b[0].seq);
        assert_eq!(names(&c), ["c"]);
        let told = die(batch, c[0].seq);
        assert_eq!(
            (names(&told), told[0].escalated),
            (vec!["ops"], true),
            "nobody is left, so it does not wait"
        );
    });
    assert_eq!(store.waiting_fallbacks().unwrap(), (false, None));
}

pub fn what_has_arrived_calls_nobody(place: &impl Place) {
    let mut store = place.open("me");
    let both = write(&mut store, |batch| {
        let both = ring(batch, 1, &["a", "b"]);
        for via in ["a", "b"] {
            ready(batch, via, "ops", Some(900), None);
        }
        ready(batch, "a", "b", None, None);
        both
    });
    write(&mut store, |batch| {
        end(batch, both[0], &DeliveryEnd::Delivered, 5);
        assert!(batch.call_after(both[0], false, 5).unwrap().is_empty());
        assert_eq!(names(&batch.call_due(900).unwrap()), ["ops"], "the other one has not arrived");
        assert!(batch.call_due(901).unwrap().is_empty());
        assert!(die(batch, both[1]).is_empty(), "it was called already");
    });
    assert_eq!(store.waiting_fallbacks().unwrap(), (false, None));
}

pub fn an_alert_that_is_resolved_is_not_told_again(place: &impl Place) {
    let mut store = place.open("me");
    for (resolved, told) in [(false, vec!["ops"]), (true, vec![])] {
        let mut batch = store.begin().unwrap();
        let a = ring(&mut batch, 1, &["a"])[0];
        ready(&mut batch, "a", "ops", Some(900), Some("disk"));
        end(&mut batch, a, &DeliveryEnd::Delivered, 5);
        assert!(batch.call_after(a, false, 5).unwrap().is_empty());
        if resolved {
            batch.resolve("disk").unwrap();
        }
        assert_eq!(names(&batch.call_due(1000).unwrap()), told);
    }
}

pub fn a_living_message_is_begun_edited_and_closed(place: &impl Place) {
    let mut store = place.open("me");
    let state = |closes| LiveState { endpoint: "team", hook: "h", key: "film", closes, edits: true };
    write(&mut store, |batch| {
        assert_eq!(batch.join_live(&state(true), id(1), 5).unwrap(), LiveRole::Alone, "it has no beginning");
        assert_eq!(batch.join_live(&state(false), id(2), 5).unwrap(), LiveRole::StateOf(id(2)));
    });
    write(&mut store, |batch| {
        assert_eq!(batch.join_live(&state(false), id(3), 6).unwrap(), LiveRole::StateOf(id(2)));
        let plain = LiveState { edits: false, ..state(false) };
        assert_eq!(batch.join_live(&plain, id(4), 6).unwrap(), LiveRole::LeftOut);
        let row = batch.put_event(&event(2), true).unwrap().unwrap();
        let first = id(2).to_string();
        let new = NewDelivery { live: Some(&first), ..delivery(row, "team", 6) };
        let seq = batch.put_delivery(&new, Early::No).unwrap();
        batch.note_live(&first, "team", &LiveResult::Posted(Some("17".to_owned())), 9).unwrap();
        batch.note_live(&first, "team", &LiveResult::Edited, 9).unwrap();
        end(batch, seq, &DeliveryEnd::Delivered, 9);
        assert_eq!(
            batch.join_live(&state(true), id(5), 9).unwrap(),
            LiveRole::StateOf(id(2)),
            "the last state"
        );
        assert_eq!(
            batch.join_live(&state(false), id(6), 9).unwrap(),
            LiveRole::StateOf(id(6)),
            "another message"
        );
    });
    let shown = place.reader().show(&id(2).to_string()).unwrap().unwrap();
    let live = shown.deliveries[0].live.as_ref().unwrap();
    assert_eq!((live.message.as_deref(), live.edits, live.closed_at), (Some("17"), 1, Some(9)));
}
