//! Another server takes the place of the database.

use super::cluster::Cluster;
use super::{LEASE, LIMIT, add, await_term, lease, make_numbers, numbers};
use crate::postgres::DatabaseFault;
use std::time::{Duration, Instant};

/// What a call gives once the server that was replaced is noticed.
fn once_noticed<T>(mut call: impl FnMut() -> Result<T, DatabaseFault>) -> Result<T, DatabaseFault> {
    let start = Instant::now();
    loop {
        match call() {
            Err(fault) if fault.is_transient() => {
                assert!(start.elapsed() < LIMIT, "{fault}");
                std::thread::sleep(Duration::from_millis(20));
            }
            done => return done,
        }
    }
}

#[test]
fn a_server_that_took_the_place_of_another_takes_nothing_of_the_former_leader() {
    let Some(cluster) = Cluster::start() else { return };
    let mut writer = make_numbers(&cluster);
    let mut led = lease(&cluster.url(), LEASE);
    let old = await_term(&mut led);
    let timeline = led.timeline().unwrap().clone();
    assert_eq!(timeline.lacks(Instant::now()), Duration::ZERO);
    writer.follow(Some(timeline.name.clone()));
    add(&mut writer, &old, 1).unwrap();

    cluster.begin_another_timeline();
    // It has the same epoch, and would take it.
    let refused = once_noticed(|| add(&mut writer, &old, 2));
    assert!(matches!(refused, Err(DatabaseFault::Replaced)), "{refused:?}");
    let renewed = once_noticed(|| led.renew(&old));
    assert!(matches!(renewed, Err(DatabaseFault::Replaced)), "{renewed:?}");

    let mut next = lease(&cluster.url(), LEASE);
    let new = await_term(&mut next);
    assert_eq!(new.epoch, old.epoch + 1);
    let present = next.timeline().unwrap().clone();
    assert_ne!(present.name, timeline.name);
    // From before the last renewal on, with two minutes for clocks that differ.
    let lacks = present.lacks(Instant::now());
    assert!(lacks >= Duration::from_secs(120) && lacks < Duration::from_secs(120) + LIMIT, "{lacks:?}");
    writer.follow(Some(present.name.clone()));
    add(&mut writer, &new, 3).unwrap();
    assert_eq!(numbers(&mut writer), [1, 3]);
    drop(next);

    // Whoever leads next says so, too: a node may not have heard of it.
    let mut last = lease(&cluster.url(), LEASE);
    await_term(&mut last);
    assert_eq!(last.timeline().unwrap().name, present.name);
    assert!(last.timeline().unwrap().lacks(Instant::now()) >= lacks);
}
