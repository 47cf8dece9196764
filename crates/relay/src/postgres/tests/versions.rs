//! Relays of two versions on one database.

use super::cluster::Cluster;
use super::{LEASE, LIMIT, await_term, database, farm, lease};
use crate::postgres::{Database, DatabaseFault, Lease, inspect, prepare};

/// The tables as version 1 made them.
const VERSION_1: &str = "ALTER TABLE taskbell.leader DROP COLUMN timeline, DROP COLUMN lacks_since; \
    UPDATE taskbell.meta SET version = 1";

fn run(database: &mut Database, sql: &'static str) {
    database.run("statement", async |client| Ok(client.batch_execute(sql).await?)).unwrap();
}

fn version(database: &mut Database) -> i32 {
    let read = database.run("question", async |client| {
        Ok(client.query_one("SELECT version FROM taskbell.meta", &[]).await?.get(0))
    });
    read.unwrap()
}

#[test]
fn a_later_version_leaves_the_tables_alone_until_it_leads_and_brings_them_up_to_date_then() {
    let Some(cluster) = Cluster::start() else { return };
    let mut earlier = lease(&cluster.url(), LEASE);
    let old = await_term(&mut earlier);
    let mut look = database(&cluster.url(), LIMIT);
    let present = version(&mut look);
    // A relay of version 1 leads.
    run(&mut look, VERSION_1);
    let mut later = lease(&cluster.url(), LEASE);
    assert_eq!(later.take().unwrap(), None, "it waits");
    assert!(inspect(&mut look, &farm("studio")).unwrap());
    assert_eq!(version(&mut look), 1);
    assert!(earlier.renew(&old).unwrap().is_some(), "and the earlier one goes on");
    drop(earlier);
    let new = await_term(&mut later);
    assert_eq!((new.epoch, version(&mut look)), (old.epoch + 1, present));
    assert!(later.timeline().is_some_and(|timeline| !timeline.name.is_empty()));
}

#[test]
fn an_earlier_version_that_waits_is_refused_once_a_later_one_has_led() {
    let Some(cluster) = Cluster::start() else { return };
    let mut leads = lease(&cluster.url(), LEASE);
    await_term(&mut leads);
    let mut waits = lease(&cluster.url(), LEASE);
    assert_eq!(waits.take().unwrap(), None);
    let mut look = database(&cluster.url(), LIMIT);
    run(&mut look, "UPDATE taskbell.meta SET version = 99");
    assert_eq!(waits.take().unwrap(), None, "while the later one leads it only waits");
    drop(leads);
    let refused = loop {
        match waits.take() {
            Ok(None) => std::thread::sleep(std::time::Duration::from_millis(20)),
            taken => break taken,
        }
    };
    assert!(is_unfit(&refused), "{refused:?}");
    let mut comes = database(&cluster.url(), LIMIT);
    assert!(is_unfit(&prepare(&mut comes, &farm("studio"))));
    let mut again = Lease::new(comes, "relay", LEASE);
    assert!(is_unfit(&again.take()), "nothing was changed");
}

fn is_unfit<T>(result: &Result<T, DatabaseFault>) -> bool {
    matches!(result, Err(DatabaseFault::Unfit(why)) if why.contains("have version 99"))
}
