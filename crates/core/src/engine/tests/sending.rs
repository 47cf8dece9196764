//! What an operator sees of attempts in flight.

use super::{PATIENCE, Place, Receiver, Reply, crash, emit, eventually, stat};
use crate::engine::deliveries_in_flight;
use crate::spool::{Reader, Spool, SpoolPath, SpoolReader, StateKind};
use std::thread;
use std::time::{Duration, Instant};

fn marks(place: &Place) -> usize {
    SpoolReader::open(&place.spool()).unwrap().states(StateKind::InFlight).unwrap().len()
}

#[test]
fn an_attempt_that_lasts_is_marked_until_its_end_and_only_while_its_host_lives() {
    let receiver = Receiver::always(Reply::Status(503));
    let place = Place::ringing(&receiver);
    let bell = place.open();
    let before = crate::clock::unix_ms();
    emit(&bell, 1..2);
    receiver.wait_for(1);
    // A retry starts while the dispatcher sleeps, and hangs.
    receiver.now_answers(Reply::Hang);
    let in_flight = || deliveries_in_flight(&SpoolReader::open(&place.spool()).unwrap()).unwrap();
    eventually("the mark", || !in_flight().is_empty());
    let (_, seen) = in_flight().into_iter().next().unwrap();
    assert!(seen.attempt >= 2 && (before..=crate::clock::unix_ms()).contains(&seen.since), "{seen:?}");
    assert!(bell.stats()["lanes"]["e0"]["in_flight_since"].is_string());
    let dead = crash(&place);
    assert_eq!(marks(&dead), 1);
    let left = deliveries_in_flight(&SpoolReader::open(&dead.spool()).unwrap()).unwrap();
    assert!(left.is_empty(), "its host does not live: {left:?}");
    bell.close(Duration::ZERO).unwrap();
    eventually("the end of the mark", || marks(&place) == 0);
    // The next host takes over the delivery of the dead one, and forgets the mark.
    receiver.now_answers(Reply::Status(204));
    let next = dead.open();
    eventually("the delivery", || stat(&next, "delivered") == 1);
    assert_eq!(marks(&dead), 0);
}

#[test]
fn the_end_of_a_long_attempt_removes_its_mark_and_short_ones_leave_none() {
    let receiver = Receiver::always(Reply::Hang);
    let mut place = Place::ringing(&receiver);
    place.config["endpoints"]["e0"]["timeout"] = "3s".into();
    place.config["endpoints"]["e0"]["connect_timeout"] = "3s".into();
    let bell = place.open();
    let ticket = bell.emit("test.event", b"{\"n\": 1}").unwrap().ticket;
    eventually("the mark", || marks(&place) == 1);
    receiver.now_answers(Reply::Status(204));
    bell.wait(ticket, PATIENCE).unwrap();
    assert_eq!(marks(&place), 0, "it goes with the record of the attempt");
    emit(&bell, 2..30);
    eventually("the others", || stat(&bell, "delivered") == 29);
    assert_eq!(marks(&place), 0);
}

#[test]
fn no_attempt_starts_while_a_result_cannot_be_written() {
    const MANY: u64 = 400;
    let receiver = Receiver::scripted(|_, _| {
        // A receiver that takes its time: all of them take far longer than a result may wait.
        thread::sleep(Duration::from_millis(20));
        Reply::Status(204)
    });
    let place = Place::ringing(&receiver);
    let bell = place.open();
    emit(&bell, 0..MANY);
    let mut other = Spool::open(&SpoolPath::File(place.spool()), "other").unwrap();
    let held = other.begin().unwrap();
    let (mut sent, mut since) = (0, Instant::now());
    eventually("silence", || {
        let now = receiver.requests().len();
        if now != sent {
            (sent, since) = (now, Instant::now());
        }
        since.elapsed() > Duration::from_millis(400)
    });
    assert!(sent < MANY as usize, "all {sent} were sent, and few of them are written");
    drop(held);
    eventually("the others", || stat(&bell, "delivered") == MANY);
    assert_eq!(receiver.requests().len(), MANY as usize, "each was sent once");
}
