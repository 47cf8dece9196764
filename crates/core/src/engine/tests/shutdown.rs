//! Close has one deadline, and what remains is delivered by the next start.

use super::{PATIENCE, Place, Receiver, emit, eventually, stat};
use crate::spool::{NewEvent, Spool};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// The promise is 250 ms over the limit; the rest is for a crowded test machine.
const SLACK: Duration = Duration::from_millis(250 + 1000);

#[test]
fn close_keeps_its_time_while_the_endpoint_hangs() {
    let receiver = Receiver::answering(None);
    let place = Place::ringing(receiver.port);
    let bell = place.open();
    emit(&bell, 0..5);
    receiver.await_requests(2);
    let start = Instant::now();
    let left = bell.close(Duration::from_millis(300)).unwrap();
    assert!(start.elapsed() < Duration::from_millis(300) + SLACK, "{:?}", start.elapsed());
    assert_eq!(left, 5);
    receiver.now_answers(Some((204, "")));
    let next = place.open();
    eventually("all five", || stat(&next, "delivered") == 5);
    assert_eq!(receiver.numbers().len(), 5);
}

#[test]
fn close_keeps_its_time_while_another_process_holds_the_spool() {
    let receiver = Receiver::answering(Some((204, "")));
    let place = Place::ringing(receiver.port);
    let bell = place.open();
    emit(&bell, 0..1);
    eventually("one", || stat(&bell, "delivered") == 1);
    let path = crate::spool::SpoolPath::File(place.spool());
    let mut other = Spool::open(&path, "other").unwrap();
    let mut held = other.begin().unwrap();
    let event =
        NewEvent { id: crate::event::EventId::new(1, 1), kind: "test.event", accepted_at: 1, payload: b"{}" };
    held.event(&event).unwrap();
    bell.emit("test.event", b"{\"n\": 1}").unwrap();
    let start = Instant::now();
    bell.close(Duration::from_millis(300)).unwrap();
    assert!(start.elapsed() < Duration::from_millis(300) + SLACK, "{:?}", start.elapsed());
    drop(held);
    drop(bell);
    // The clerk of the closed bell may still write it, or the next start does.
    let next = place.open();
    eventually("the other", || receiver.numbers().len() == 2);
    next.close(PATIENCE).unwrap();
}

#[test]
fn the_log_says_at_the_end_how_many_messages_did_not_arrive_and_why() {
    let receiver = Receiver::answering(Some((410, "")));
    let place = Place::ringing(receiver.port);
    let bell = place.open();
    let lines: Arc<Mutex<Vec<String>>> = Arc::default();
    let written = Arc::clone(&lines);
    let write = move |_, line: &str| written.lock().unwrap().push(line.to_owned());
    bell.set_log(Some(Box::new(write))).unwrap();
    emit(&bell, 0..3);
    eventually("three dead letters", || stat(&bell, "dead") == 3);
    bell.close(PATIENCE).unwrap();
    let lines = lines.lock().unwrap();
    let said: Vec<_> = lines.iter().filter(|line| line.contains("did not arrive")).collect();
    let [line] = said.as_slice() else { panic!("{lines:?}") };
    assert!(line.starts_with("3 messages did not arrive: "), "{line}");
    assert!(line.ends_with("; see `taskbell list`"), "{line}");
}

#[test]
fn what_waits_behind_an_attempt_that_is_not_answered_is_named_at_the_end() {
    let receiver = Receiver::answering(None);
    let place = Place::ringing(receiver.port);
    let bell = place.open();
    emit(&bell, 0..5);
    receiver.await_requests(2);
    assert_eq!(bell.missing(), None);
    bell.close(Duration::from_millis(1500)).unwrap();
    let said = bell.missing().unwrap();
    assert!(said.starts_with("5 messages did not arrive, and wait for another attempt: "), "{said}");
    assert!(said.contains("did not answer in time"), "{said}");
}
