//! Close has one deadline, and what remains is delivered by the next start.

use super::{PATIENCE, Place, Receiver, Reply, emit, eventually, stat};
use crate::spool::{NewEvent, Spool};
use std::time::{Duration, Instant};
#[cfg(target_os = "linux")]
use std::{
    collections::BTreeSet,
    ffi::OsString,
    fs::{self, DirEntry},
};

/// The promise is 250 ms over the limit; the rest is for a crowded test machine.
const SLACK: Duration = Duration::from_millis(250 + 1000);

#[test]
fn close_keeps_its_time_while_another_process_holds_the_spool() {
    let receiver = Receiver::always(Reply::Status(204));
    let place = Place::ringing(&receiver);
    let bell = place.open();
    emit(&bell, 0..1);
    eventually("one", || stat(&bell, "delivered") == 1);
    let path = crate::spool::SpoolPath::File(place.spool());
    let mut other = Spool::open(&path, "other").unwrap();
    let mut held = other.begin().unwrap();
    let event = NewEvent {
        id: crate::event::EventId::new(1, 1),
        kind: "test.event",
        accepted_at: 1,
        node: None,
        payload: b"{}",
    };
    held.event(&event).unwrap();
    bell.emit("test.event", b"{\"n\": 1}").unwrap();
    let start = Instant::now();
    bell.close(Duration::from_millis(300)).unwrap();
    assert!(start.elapsed() < Duration::from_millis(300) + SLACK, "{:?}", start.elapsed());
    drop(held);
    drop(bell);
    // The dispatcher of the closed bell may still write it, or the next start does.
    let next = place.open();
    eventually("the other", || receiver.numbers().len() == 2);
    next.close(PATIENCE).unwrap();
}

/// The dispatchers of this process, by the ids of their threads.
#[cfg(target_os = "linux")]
fn dispatchers() -> BTreeSet<OsString> {
    let tasks = fs::read_dir("/proc/self/task").unwrap().flatten();
    let is_one = |task: &DirEntry| {
        fs::read_to_string(task.path().join("comm")).is_ok_and(|name| name.trim() == "taskbell-events")
    };
    tasks.filter(is_one).map(|task| task.file_name()).collect()
}

#[cfg(target_os = "linux")]
#[test]
fn the_dispatcher_of_a_closed_bell_ends_as_soon_as_its_handle_is_gone() {
    let receiver = Receiver::always(Reply::Status(204));
    let before = dispatchers();
    let bell = Place::ringing(&receiver).open();
    eventually("a dispatcher", || dispatchers().len() > before.len());
    bell.close(PATIENCE).unwrap();
    drop(bell);
    let start = Instant::now();
    eventually("its end", || dispatchers().is_subset(&before));
    // It waits at most ten seconds for a handle that is never dropped.
    assert!(start.elapsed() < Duration::from_secs(8), "{:?}", start.elapsed());
}
