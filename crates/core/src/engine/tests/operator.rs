//! An operator replays and drops while the host runs and sleeps.

use super::{PATIENCE, Place, Receiver, Reply, emit, eventually, stat};
use crate::intake;
use crate::spool::{DeliverySelection, DeliveryState, Operator, Reader, SpoolOperator, SpoolReader};
use std::time::Duration;

#[test]
fn what_is_replayed_while_no_host_runs_is_due_at_the_next_start() {
    let receiver = Receiver::always(Reply::Status(410));
    let place = Place::ringing(&receiver);
    let bell = place.open();
    emit(&bell, 7..8);
    eventually("its end", || stat(&bell, "dead") == 1);
    bell.close(PATIENCE).unwrap();
    let mut hand = SpoolOperator::open(&place.spool()).unwrap();
    assert_eq!(hand.replay(&DeliverySelection::default(), crate::clock::unix_ms()).unwrap().due, 1);
    assert_eq!(intake::call(&place.spool(), None), 0);
    receiver.now_answers(Reply::Status(204));
    let next = place.open();
    eventually("it", || stat(&next, "delivered") == 1);
}

#[test]
fn what_could_not_be_rendered_is_rendered_anew_when_it_is_replayed() {
    let receiver = Receiver::always(Reply::Status(204));
    let mut place = Place::ringing(&receiver);
    let broken = serde_json::json!({"data": "{{ event.data | first | tojson }}{{ 1 + event.data.n.x.y }}"});
    let whole = serde_json::json!({"data": {"n": "{{ event.data.n }}"}});
    place.config["hooks"][0]["template"] = broken;
    let replay = || {
        let mut hand = SpoolOperator::open(&place.spool()).unwrap();
        let done = hand.replay(&DeliverySelection::default(), crate::clock::unix_ms()).unwrap();
        intake::call(&place.spool(), None);
        done.due
    };
    let bell = place.open();
    emit(&bell, 7..8);
    eventually("its end", || stat(&bell, "dead") == 1);
    assert_eq!(replay(), 1);
    eventually("it fails again", || stat(&bell, "dead") == 2);
    assert!(receiver.requests().is_empty());

    let mut mended = place.config.clone();
    mended["hooks"][0]["template"] = whole.clone();
    bell.reload(crate::config::Config::load(&mended.to_string()).unwrap()).unwrap();
    assert_eq!(replay(), 1);
    receiver.wait_for(1);
    eventually("its end", || stat(&bell, "delivered") == 1 && stat(&bell, "pending") == 0);
    bell.close(PATIENCE).unwrap();

    let bell = place.open();
    emit(&bell, 8..9);
    eventually("its end", || stat(&bell, "dead") == 1);
    bell.close(PATIENCE).unwrap();
    assert_eq!(replay(), 1);
    place.config["hooks"][0]["template"] = whole;
    let next = place.open();
    let requests = receiver.wait_for(2);
    eventually("its end", || stat(&next, "delivered") == 1 && stat(&next, "pending") == 0);
    let numbers: Vec<u64> = requests.iter().map(super::receiver::Request::number).collect();
    assert_eq!(numbers, [7, 8]);
}

#[test]
fn what_waits_in_a_running_host_is_sent_now_when_it_is_replayed() {
    let receiver = Receiver::always(Reply::Status(503));
    let place = Place::retrying(&receiver, &["1h", "1h"]);
    let bell = place.open();
    emit(&bell, 7..9);
    receiver.wait_for(2);
    let reader = || SpoolReader::open(&place.spool()).unwrap();
    let first = || reader().show("1").unwrap().unwrap().deliveries.remove(0);
    eventually("its attempt is written", || first().attempts.len() == 1);
    receiver.now_answers(Reply::Status(204));
    let choice = DeliverySelection { id: Some("1".into()), ..DeliverySelection::default() };
    let done = SpoolOperator::open(&place.spool()).unwrap().replay(&choice, crate::clock::unix_ms()).unwrap();
    assert_eq!((done.due, done.hurried, done.delivered), (0, 1, 0));
    assert_eq!(intake::call(&place.spool(), None), 1);
    eventually("it", || stat(&bell, "delivered") == 1);
    assert_eq!((receiver.requests().len(), stat(&bell, "pending")), (3, 1.into()), "the other one waits");
    assert_eq!(first().attempts.len(), 2);
}

#[test]
fn what_is_dropped_while_it_waits_in_a_running_host_is_not_sent() {
    let receiver = Receiver::always(Reply::Status(503));
    let place = Place::retrying(&receiver, &["1s", "1s"]);
    let bell = place.open();
    let ticket = bell.emit("test.event", b"{\"n\": 1}").unwrap().ticket;
    bell.flush(PATIENCE).unwrap();
    assert_eq!(receiver.requests().len(), 1);
    let pending = DeliverySelection { state: Some(DeliveryState::Pending), ..DeliverySelection::default() };
    assert_eq!(
        SpoolOperator::open(&place.spool())
            .unwrap()
            .drop_deliveries(&pending, crate::clock::unix_ms())
            .unwrap(),
        (1, 0)
    );
    intake::call(&place.spool(), None);
    bell.wait(ticket, PATIENCE).unwrap();
    assert_eq!((stat(&bell, "dead"), stat(&bell, "pending")), (1.into(), 0.into()));
    std::thread::sleep(Duration::from_millis(1300));
    assert_eq!(receiver.requests().len(), 1);
}

#[test]
fn what_is_dropped_in_flight_is_not_tried_again() {
    let receiver = Receiver::always(Reply::Hang);
    let mut place = Place::ringing(&receiver);
    place.config["endpoints"]["e0"]["timeout"] = "500ms".into();
    place.config["endpoints"]["e0"]["connect_timeout"] = "500ms".into();
    let bell = place.open();
    let ticket = bell.emit("test.event", b"{\"n\": 1}").unwrap().ticket;
    receiver.wait_for(1);
    SpoolOperator::open(&place.spool())
        .unwrap()
        .drop_deliveries(&DeliverySelection::default(), crate::clock::unix_ms())
        .unwrap();
    bell.wait(ticket, PATIENCE).unwrap();
    assert_eq!(receiver.requests().len(), 1);
    assert_eq!((stat(&bell, "dead"), stat(&bell, "pending")), (1.into(), 0.into()));
}
