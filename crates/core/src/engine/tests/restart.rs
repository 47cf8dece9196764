//! What a restart after a crash finds as it was.

use super::receiver::Request;
use super::{PATIENCE, Place, Receiver, Reply, crash, emit, eventually, lane_state, stat};
use crate::engine::Bell;
use crate::event::EventId;
use crate::spool::{NewDelivery, NewEvent, Spool, StateKey, StateKind};
use serde_json::{Value as Json, json};
use std::time::Duration;

#[test]
fn a_breaker_stays_open_over_a_crash_and_lets_one_probe_through() {
    let receiver = Receiver::always(Reply::Status(503));
    let place = Place::retrying(&receiver, &["1ms"; 50]);
    let bell = place.open();
    emit(&bell, 0..20);
    eventually("the breaker", || lane_state(&bell) == "breaker");
    // The probes come at growing intervals; the third is recorded with a pause of four seconds after it.
    let probes = || receiver.requests().len();
    let opened = probes();
    eventually("two probes", || probes() >= opened + 2);
    bell.sync(PATIENCE).unwrap();
    let kept = |place: &Place| {
        let spool = Spool::open(&bell_path(place), "look").unwrap();
        let key = StateKey::shared(StateKind::EndpointHealth, "e0");
        spool.state(&key).unwrap().map(|kept| String::from_utf8(kept).unwrap())
    };
    eventually("its record", || kept(&place).is_some_and(|kept| kept.contains("\"whole_ms\":4000")));
    let left = crash(&place);
    bell.close(Duration::ZERO).unwrap();
    let before = probes();
    let next = left.open();
    assert_eq!(lane_state(&next), "breaker");
    emit(&next, 20..40);
    assert!(probes() - before <= 1, "an endpoint that is down is not hammered: {}", probes() - before);
    receiver.now_answers(Reply::Status(204));
    eventually("everything", || stat(&next, "delivered") == 40);
    assert_eq!(lane_state(&next), "open");
    eventually("the record goes", || kept(&left).is_none());
}

fn bell_path(place: &Place) -> crate::spool::SpoolPath {
    crate::spool::SpoolPath::File(place.spool())
}

#[test]
fn quiet_that_was_asked_for_is_kept_over_a_crash() {
    let receiver = Receiver::always(Reply::Headed(429, "retry-after: 3\r\n"));
    let place = Place::ringing(&receiver);
    let bell = place.open();
    emit(&bell, 0..1);
    let asked = receiver.wait_for(1)[0].at;
    eventually("its record", || stat(&bell, "attempts") == 1);
    let left = crash(&place);
    bell.close(Duration::ZERO).unwrap();
    receiver.now_answers(Reply::Status(204));
    let next = left.open();
    emit(&next, 1..3);
    eventually("everything", || stat(&next, "delivered") == 3);
    let early = receiver
        .requests()
        .iter()
        .skip(1)
        .filter(|request| request.at - asked < Duration::from_millis(2900))
        .count();
    assert_eq!(early, 0, "new deliveries keep the quiet too");
}

#[test]
fn an_endpoint_that_is_gone_stays_gone_over_a_crash() {
    let receiver = Receiver::always(Reply::Status(410));
    let place = Place::ringing(&receiver);
    let bell = place.open();
    emit(&bell, 0..1);
    eventually("its end", || lane_state(&bell) == "gone");
    // It is reported behind what the lane says of itself, so that this is in the spool by then.
    emit(&bell, 1..2);
    eventually("the next one's end", || stat(&bell, "dead") == 2);
    let left = crash(&place);
    bell.close(Duration::ZERO).unwrap();
    let next = left.open();
    assert_eq!(lane_state(&next), "gone");
    emit(&next, 2..3);
    eventually("a dead letter without an attempt", || stat(&next, "dead") == 1);
    assert_eq!(receiver.requests().len(), 1);
}

#[test]
fn a_wait_asked_for_is_no_failure_after_a_restart() {
    let receiver = Receiver::always(Reply::Headed(429, "retry-after: 1\r\n"));
    let place = Place::ringing(&receiver);
    let bell = place.open();
    emit(&bell, 0..1);
    eventually("its record", || stat(&bell, "attempts") == 1);
    bell.close(Duration::ZERO).unwrap();
    let spool = Spool::open(&bell_path(&place), "look").unwrap();
    let mut seen = Vec::new();
    let owners: Vec<i64> = (0..10).collect();
    spool
        .each_waiting(&owners, |waiting| seen.push((waiting.attempts, waiting.failures, waiting.asked)))
        .unwrap();
    assert_eq!(seen, [(1, 0, 1)]);
}

fn report(bell: &Bell, events: &[(&str, Json)]) {
    for (kind, payload) in events {
        bell.emit(kind, payload.to_string().as_bytes()).unwrap();
    }
    bell.sync(PATIENCE).unwrap();
}

fn frame() -> (&'static str, Json) {
    ("task.complete", json!({"queue": "film"}))
}

/// What each message says of its queue: its type, whether it was interrupted, and how many tasks it had.
fn told(receiver: &Receiver, count: usize) -> Vec<(String, bool, u64)> {
    receiver
        .wait_for(count)
        .iter()
        .map(|request| {
            let body = &request.body;
            let queue = &body["data"]["queue"];
            let kind = body["type"].as_str().unwrap().to_owned();
            (kind, queue["interrupted"] == true, queue["total"].as_u64().unwrap())
        })
        .collect()
}

fn place_of_queues(receiver: &Receiver) -> Place {
    let mut place = Place::ringing(receiver);
    place.config["endpoints"]["e0"]["concurrency"] = json!(1);
    place.config["hooks"] = json!([
        {"on": ["queue.start"], "to": ["e0"]},
        {"on": ["queue.end"], "to": ["e0"], "only_failures": true},
        {"on": ["queue.end"], "to": ["e0"], "when": "queue.name == 'film'"},
    ]);
    place
}

#[test]
fn a_queue_that_a_dead_host_left_open_is_ended_as_interrupted_and_the_next_begins_at_zero() {
    let receiver = Receiver::always(Reply::Status(204));
    let place = place_of_queues(&receiver);
    let bell = place.open();
    report(&bell, &[("queue.start", json!({"name": "film"})), frame(), frame()]);
    eventually("the start is told", || stat(&bell, "delivered") == 1);
    let left = crash(&place);
    bell.close(Duration::ZERO).unwrap();
    let next = left.open();
    let ends = told(&receiver, 2);
    assert_eq!(ends[1], ("queue.end".to_owned(), true, 2));
    report(
        &next,
        &[("queue.start", json!({"name": "film"})), frame(), ("queue.end", json!({"name": "film"}))],
    );
    let after = told(&receiver, 4);
    assert_eq!(after[2..], [("queue.start".to_owned(), false, 0), ("queue.end".to_owned(), false, 1)]);
    next.close(PATIENCE).unwrap();
    let last = left.open();
    last.close(PATIENCE).unwrap();
    assert_eq!(receiver.requests().len(), 4, "it is told once");
}

#[test]
fn an_end_that_a_dead_host_told_counts_at_the_start_and_is_no_interruption() {
    let receiver = Receiver::always(Reply::Status(204));
    let mut place = place_of_queues(&receiver);
    place.config["queue"]["end_delay"] = json!("60s");
    let bell = place.open();
    report(&bell, &[frame(), ("queue.end", json!({"name": "film"}))]);
    let next = crash(&place).open();
    report(&next, &[frame()]);
    assert_eq!(told(&receiver, 1)[0], ("queue.end".to_owned(), false, 1));
}

#[test]
fn a_queue_that_was_open_when_its_host_closed_goes_on_until_it_is_started_again() {
    let receiver = Receiver::always(Reply::Status(204));
    let place = place_of_queues(&receiver);
    for _ in 0..2 {
        let bell = place.open();
        report(&bell, &[frame()]);
        bell.close(PATIENCE).unwrap();
    }
    let bell = place.open();
    report(
        &bell,
        &[("queue.start", json!({"name": "film"})), frame(), ("queue.end", json!({"name": "film"}))],
    );
    let told = told(&receiver, 3);
    assert_eq!(told[..2], [("queue.end".to_owned(), true, 2), ("queue.start".to_owned(), false, 0)]);
    assert_eq!(told[2], ("queue.end".to_owned(), false, 1));
}

#[test]
fn a_host_that_says_that_it_stops_ends_its_open_queues() {
    let receiver = Receiver::always(Reply::Status(204));
    let place = place_of_queues(&receiver);
    let bell = place.open();
    report(
        &bell,
        &[frame(), ("queue.end", json!({"name": "film"})), ("task.complete", json!({"queue": "other"}))],
    );
    report(&bell, &[("server.stop", json!({}))]);
    bell.close(PATIENCE).unwrap();
    let mut told = told(&receiver, 2);
    told.sort();
    assert_eq!(told, [("queue.end".to_owned(), false, 1), ("queue.end".to_owned(), true, 1)]);
}

/// Leaves deliveries of another instance in the spool: the first ones due in an hour, the others now.
fn leave_deliveries(place: &Place, later: u32, now: u32) {
    let unix_ms = crate::clock::unix_ms();
    let mut spool = Spool::open(&bell_path(place), "earlier").unwrap();
    let mut batch = spool.begin().unwrap();
    for number in 0..later + now {
        let (id, payload) =
            (EventId::new(unix_ms, u128::from(number)), json!({"data": {"n": number}}).to_string());
        let event = NewEvent {
            id,
            kind: "test.event",
            accepted_at: unix_ms,
            node: None,
            payload: payload.as_bytes(),
        };
        let event = batch.event(&event).unwrap().unwrap();
        let delivery = NewDelivery {
            event,
            endpoint: "e0",
            hook: "hooks[0]",
            content_type: "application/json",
            body: payload.as_bytes(),
            extras: None,
            created_at: unix_ms,
            due_at: unix_ms + if number < later { 3_600_000 } else { 0 },
            dead: None,
            why: None,
            expires_at: None,
            thing: None,
            live: None,
        };
        batch.delivery(&delivery).unwrap();
    }
    batch.commit().unwrap();
    spool.close();
}

#[test]
fn what_a_start_does_not_read_at_once_is_counted_and_sent_once_however_late_the_first_ones_are_due() {
    let (later, now) = (120, 330);
    let receiver = Receiver::always(Reply::Status(503));
    let place = Place::ringing(&receiver);
    leave_deliveries(&place, later, now);
    let bell = place.open();
    assert_eq!(stat(&bell, "pending"), later + now);
    assert_eq!(stat(&bell, "recovered"), later + now);
    receiver.now_answers(Reply::Status(204));
    eventually("all that is due", || stat(&bell, "delivered") == now);
    emit(&bell, 1000..1001);
    eventually("what came later", || stat(&bell, "delivered") == now + 1);
    assert_eq!(stat(&bell, "pending"), later);
    let mut numbers: Vec<u64> = receiver.requests().iter().map(Request::number).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let sent: Vec<u64> = (later.into()..u64::from(later + now)).chain([1000]).collect();
    assert_eq!(numbers, sent);
    assert_eq!(stat(&bell, "lanes")["e0"]["waiting"], later);
    assert_eq!(bell.close(Duration::ZERO).unwrap(), u64::from(later));
}
