//! The bound of the spool.

use super::{Place, Receiver, Reply, emit, eventually, stat};
use crate::engine::ErrorKind;
use crate::spool::{Reader, SpoolReader};
use serde_json::json;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

const MIB: u64 = 1 << 20;

fn emit_large(bell: &crate::engine::Bell, from: u64, wait: bool) -> u64 {
    let filling = "x".repeat(100 * 1024);
    for number in from..from + 100 {
        let payload = json!({"n": number, "filling": filling}).to_string();
        match bell.emit("test.event", payload.as_bytes()) {
            Ok(accepted) if wait => bell.wait(accepted.ticket, super::PATIENCE).unwrap(),
            Ok(_) => drop(bell.sync(Duration::from_millis(500))),
            Err(refused) => {
                assert_eq!(refused.kind, ErrorKind::Spool, "{refused}");
                assert!(refused.message.contains("spool.max_bytes"), "{refused}");
                return number - from;
            }
        }
    }
    100
}

#[test]
fn what_was_delivered_makes_room_for_what_comes() {
    let receiver = Receiver::always(Reply::Status(204));
    let mut place = Place::ringing(&receiver);
    place.config["spool"]["max_bytes"] = json!("2MiB");
    let bell = place.open();
    assert_eq!(emit_large(&bell, 0, true), 100);
    eventually("everything", || stat(&bell, "delivered") == 100);
    let spool = SpoolReader::open(&place.spool()).unwrap();
    eventually("room", || spool.counts().unwrap().delivered < 40);
    assert_eq!(stat(&bell, "dead"), 0);
}

#[test]
fn what_waits_is_never_dropped_and_new_events_are_refused_until_there_is_room() {
    let receiver = Receiver::always(Reply::Status(503));
    let mut place = Place::ringing(&receiver);
    place.config["spool"]["max_bytes"] = json!("2MiB");
    place.config["endpoints"]["e0"]["retry"]["schedule"] = json!(vec!["200ms"; 100]);
    let bell = place.open();
    let taken = emit_large(&bell, 0, false);
    assert!((5..60).contains(&taken), "{taken}");
    assert_eq!(stat(&bell, "spool_full"), true);
    assert!(stat(&bell, "refused")["spool"].as_u64().unwrap() > 0);
    assert!(place.spool().metadata().unwrap().len() < 6 * MIB, "beyond the bound by a transaction at most");

    receiver.now_answers(Reply::Status(204));
    eventually("everything that was accepted", || stat(&bell, "delivered") == taken);
    eventually("room", || stat(&bell, "spool_full") == false);
    emit(&bell, 1000..1001);
    eventually("the next", || receiver.numbers().contains(&1000));
    assert_eq!(stat(&bell, "dead"), 0);
    assert_eq!(receiver.numbers().len() as u64, taken + 1);
}

#[test]
fn the_spool_and_its_log_keep_to_the_bound_while_threads_report_far_beyond_it() {
    for answer in [204, 503] {
        let receiver = Receiver::always(Reply::Status(answer));
        let mut place = Place::ringing(&receiver);
        place.config["spool"]["max_bytes"] = json!("16MiB");
        let bell = place.open();
        let size = || {
            let of = |name: &str| place.beside(name).metadata().map_or(0, |about| about.len());
            of("bell.db") + of("bell.db-wal")
        };
        let payload = json!({"n": 0, "filling": "y".repeat(3000)}).to_string();
        let (taken, refused) = (AtomicU64::new(0), AtomicU64::new(0));
        // Each event is twice in the spool: as it was told, and as it is sent.
        let enough =
            || taken.load(Ordering::Relaxed) * 6000 > 64 * MIB || refused.load(Ordering::Relaxed) > 2000;
        let most = std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    while !enough() {
                        let told = bell.emit("test.event", payload.as_bytes());
                        let is_full = told.as_ref().is_err_and(|error| error.kind == ErrorKind::Spool);
                        taken.fetch_add(u64::from(told.is_ok()), Ordering::Relaxed);
                        refused.fetch_add(u64::from(is_full), Ordering::Relaxed);
                        if told.is_err() {
                            std::thread::sleep(Duration::from_millis(1));
                        }
                    }
                });
            }
            let mut most = 0;
            while !enough() {
                most = size().max(most);
                std::thread::sleep(Duration::from_millis(2));
            }
            most
        });
        assert!((8 * MIB..=16 * MIB).contains(&most), "{answer}: {most}");
    }
}
