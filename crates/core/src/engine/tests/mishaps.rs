//! The file of the spool is deleted, replaced or damaged.

use super::{PATIENCE, Place, Receiver, Reply, emit, eventually, names, stat};
use crate::engine::Level;
use crate::spool::{Reader, SpoolReader};
use std::fs;
use std::sync::{Arc, Mutex};
use std::time::Duration;

#[test]
fn a_file_that_is_no_database_any_more_is_moved_aside_and_the_host_goes_on() {
    let receiver = Receiver::always(Reply::Status(204));
    let place = Place::ringing(&receiver);
    fs::write(place.spool(), "rubbish\n".repeat(1000)).unwrap();
    let bell = place.open();
    emit(&bell, 1..2);
    eventually("it", || stat(&bell, "delivered") == 1);
    let aside =
        names(place.folder.path()).into_iter().find(|name| name.starts_with("bell.db.corrupt-")).unwrap();
    assert!(fs::read_to_string(place.beside(&aside)).unwrap().starts_with("rubbish"), "it is kept as it was");
    let told: Arc<Mutex<Vec<String>>> = Arc::default();
    let sink = Arc::clone(&told);
    bell.set_log(Some(Box::new(move |_: Level, text: &str| sink.lock().unwrap().push(text.to_owned()))))
        .unwrap();
    eventually("the log", || told.lock().unwrap().iter().any(|text| text.contains(&aside)));
    assert_eq!(stat(&bell, "spool_renewed"), 1);
    assert!(stat(&bell, "spool_mishaps")[0].as_str().unwrap().contains(&aside));
}

#[test]
fn whichever_page_is_damaged_a_start_succeeds_and_loses_what_the_page_held_at_most() {
    let receiver = Receiver::always(Reply::Status(503));
    let place = Place::retrying(&receiver, &["1h"]);
    let bell = place.open();
    let filling = "y".repeat(400);
    for number in 0..40 {
        let payload = serde_json::json!({"n": number, "filling": filling}).to_string();
        bell.emit("test.event", payload.as_bytes()).unwrap();
    }
    bell.sync(PATIENCE).unwrap();
    bell.close(Duration::from_millis(200)).unwrap();
    drop(bell);
    eventually("the end", || names(place.folder.path()) == ["bell.db"]);
    let whole = fs::read(place.spool()).unwrap();
    let size = usize::from(u16::from_be_bytes([whole[16], whole[17]]));
    for number in (0..whole.len() / size).step_by(crate::property::one_in() as usize) {
        let mut bytes = whole.clone();
        let page = &mut bytes[number * size..(number + 1) * size];
        page.iter_mut().for_each(|byte| *byte ^= 0xa5);
        // A folder each: the former bell may still be closing.
        let place = Place::retrying(&receiver, &["1h"]);
        fs::write(place.spool(), bytes).unwrap();
        let next = place.open();
        // Each delivery has 400 bytes in at least one place, so that a page holds at most ten.
        let most_lost = size as u64 / 400 + 1;
        let start = std::time::Instant::now();
        loop {
            let waits = stat(&next, "pending").as_u64().unwrap();
            if (40 - most_lost..=40).contains(&waits) && !stat(&next, "spool_failing").as_bool().unwrap() {
                break;
            }
            let mishaps = stat(&next, "spool_mishaps");
            assert!(start.elapsed() < PATIENCE, "page {number}: {waits} wait, {mishaps}");
            std::thread::sleep(Duration::from_millis(5));
        }
        emit(&next, 900..901);
        next.close(Duration::ZERO).unwrap();
    }
}

#[test]
fn a_spool_that_is_deleted_under_a_running_host_is_made_anew_with_all_it_held() {
    let receiver = Receiver::always(Reply::Status(503));
    let place = Place::retrying(&receiver, &["300ms"; 100]);
    let bell = place.open();
    emit(&bell, 0..50);
    for name in names(place.folder.path())
        .iter()
        .filter(|name| name.starts_with("bell.db") && !name.contains(".ring"))
    {
        fs::remove_file(place.beside(name)).unwrap();
    }
    emit(&bell, 50..60);
    assert!(place.spool().exists(), "{:?}", names(place.folder.path()));
    receiver.now_answers(Reply::Status(204));
    eventually("everything", || stat(&bell, "delivered") == 60);
    assert_eq!(receiver.numbers().len(), 60);
    let counts = SpoolReader::open(&place.spool()).unwrap().counts().unwrap();
    eventually("their ends", || stat(&bell, "pending") == 0);
    assert_eq!(counts.dead, 0);
    assert!(stat(&bell, "spool_mishaps")[0].as_str().unwrap().contains("was deleted"));
    bell.close(PATIENCE).unwrap();
    drop(bell);
    eventually("the end", || names(place.folder.path()) == ["bell.db"]);
    let verdict: String = rusqlite::Connection::open(place.spool())
        .unwrap()
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(verdict, "ok");
}

#[test]
fn a_spool_that_is_replaced_by_an_older_copy_goes_on_from_what_is_known() {
    let receiver = Receiver::always(Reply::Status(204));
    let place = Place::retrying(&receiver, &["300ms"; 100]);
    // The copy has other deliveries under the same numbers.
    let other = Place::ringing(&receiver);
    let former = other.open();
    emit(&former, 900..905);
    eventually("five", || stat(&former, "delivered") == 5);
    former.close(PATIENCE).unwrap();
    drop(former);
    eventually("the end", || names(other.folder.path()) == ["bell.db"]);

    receiver.now_answers(Reply::Status(503));
    let bell = place.open();
    emit(&bell, 0..10);
    fs::copy(other.spool(), place.beside("copy")).unwrap();
    for name in ["bell.db-wal", "bell.db-shm"] {
        fs::remove_file(place.beside(name)).unwrap();
    }
    fs::rename(place.beside("copy"), place.spool()).unwrap();
    emit(&bell, 10..12);
    receiver.now_answers(Reply::Status(204));
    eventually("everything", || stat(&bell, "delivered") == 12);
    eventually("each in the file", || {
        SpoolReader::open(&place.spool()).unwrap().counts().unwrap().delivered == 17
    });
    assert!(stat(&bell, "spool_mishaps")[0].as_str().unwrap().contains("was replaced"));
}
