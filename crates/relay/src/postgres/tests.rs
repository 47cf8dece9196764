//! Who of several relays leads, and what becomes of its transactions: on a real PostgreSQL.

mod cluster;
mod replaced;
mod store;
mod store_faults;
mod versions;

use super::fence::{FENCE, LEAVE_MARK, new_mark};
use super::{
    Connector, Database, DatabaseFault, Lease, Term, inspect, leader, prepare, transact, was_committed,
};
use cluster::{Cluster, SilentProxy};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What a call may take. Long: it is only reached where a test means it.
const LIMIT: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_secs(1);
const LEASE: Duration = Duration::from_secs(60);

fn database(url: &str, limit: Duration) -> Database {
    Database::new(url, connector(), limit).unwrap()
}

/// The marks of the secrets of a farm.
fn farm(secrets: &str) -> Vec<String> {
    secrets.split(' ').map(str::to_owned).collect()
}

/// Trusts nobody; the servers of the tests have no certificate.
fn connector() -> Connector {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    Connector::new(Arc::new(config))
}

fn lease(url: &str, time: Duration) -> Lease {
    let mut database = database(url, LIMIT);
    prepare(&mut database, &farm("studio")).unwrap();
    Lease::new(database, "relay", time)
}

/// The term, once the lease is free.
fn await_term(lease: &mut Lease) -> Term {
    let start = Instant::now();
    loop {
        match lease.take() {
            Ok(Some(term)) => return term,
            Ok(None) | Err(DatabaseFault::Away(_)) => std::thread::sleep(Duration::from_millis(20)),
            Err(fault) => panic!("{fault}"),
        }
        assert!(start.elapsed() < LIMIT, "nobody leads");
    }
}

/// Adds a number, in a transaction of the leader.
fn add(database: &mut Database, term: &Term, number: i64) -> Result<(), DatabaseFault> {
    transact(database, term.epoch, async |transaction| {
        transaction.execute("INSERT INTO numbers VALUES ($1)", &[&number]).await?;
        Ok(())
    })
}

fn numbers(database: &mut Database) -> Vec<i64> {
    let read = database.run("question", async |client| {
        let rows = client.query("SELECT n FROM numbers ORDER BY n", &[]).await?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    });
    read.unwrap()
}

fn make_numbers(cluster: &Cluster) -> Database {
    let mut database = database(&cluster.url(), LIMIT);
    let made = database.run("statement", async |client| {
        Ok(client.batch_execute("CREATE TABLE numbers (n bigint PRIMARY KEY)").await?)
    });
    made.unwrap();
    database
}

#[test]
fn one_leads_and_another_takes_over_at_once_when_its_session_is_gone() {
    let Some(cluster) = Cluster::start() else { return };
    let (mut first, mut second) = (lease(&cluster.url(), LEASE), lease(&cluster.url(), LEASE));
    let term = first.take().unwrap().unwrap();
    let led = leader(&mut database(&cluster.url(), LIMIT)).unwrap();
    assert_eq!((led.epoch, led.holder.as_str(), led.is_leading), (term.epoch, "relay", true));
    assert!(term.is_trusted(Instant::now()) && !term.is_trusted(Instant::now() + LEASE));
    assert_eq!(second.take().unwrap(), None);
    let renewed = first.renew(&term).unwrap().unwrap();
    assert_eq!(renewed.epoch, term.epoch);
    let start = Instant::now();
    drop(first);
    let next = await_term(&mut second);
    assert!(
        next.epoch == term.epoch + 1 && start.elapsed() < LEASE / 2,
        "{next:?} after {:?}",
        start.elapsed()
    );
}

#[test]
fn a_leader_that_was_paused_beyond_its_time_writes_nothing_any_more() {
    let Some(cluster) = Cluster::start() else { return };
    let mut writer = make_numbers(&cluster);
    let (mut paused, mut next) = (lease(&cluster.url(), SHORT), lease(&cluster.url(), LEASE));
    let old = paused.take().unwrap().unwrap();
    add(&mut writer, &old, 1).unwrap();
    let new = await_term(&mut next);
    assert!(!old.is_trusted(Instant::now()), "it has not trusted itself for a while");
    assert!(matches!(add(&mut writer, &old, 2), Err(DatabaseFault::Deposed(_))));
    assert_eq!(paused.renew(&old).unwrap(), None);
    add(&mut writer, &new, 3).unwrap();
    assert_eq!(numbers(&mut writer), [1, 3]);
}

#[test]
fn a_takeover_waits_for_the_transaction_of_the_former_leader() {
    let Some(cluster) = Cluster::start() else { return };
    let mut writer = make_numbers(&cluster);
    let mut paused = lease(&cluster.url(), SHORT);
    let old = paused.take().unwrap().unwrap();
    let url = cluster.url();
    let (began, begins) = std::sync::mpsc::channel();
    let next = std::thread::spawn(move || {
        begins.recv().unwrap();
        let term = await_term(&mut lease(&url, LEASE));
        (term, Instant::now())
    });
    let kept = transact(&mut writer, old.epoch, async |transaction| {
        transaction.execute("INSERT INTO numbers VALUES (1)", &[]).await?;
        began.send(()).unwrap();
        // Beyond the time of the lease, with the transaction open.
        tokio::time::sleep(SHORT * 2).await;
        Ok(())
    });
    kept.unwrap();
    let ended = Instant::now();
    let (term, taken) = next.join().unwrap();
    assert!(term.epoch > old.epoch && taken + Duration::from_millis(100) > ended, "not before it ended");
    assert_eq!(numbers(&mut writer), [1]);
}

#[test]
fn a_lost_answer_to_a_commit_is_neither_doubled_nor_dropped() {
    let Some(cluster) = Cluster::start() else { return };
    let mut direct = make_numbers(&cluster);
    let proxy = SilentProxy::before(&cluster);
    let mut writer = database(&proxy.url(), LIMIT);
    let term = lease(&cluster.url(), LEASE).take().unwrap().unwrap();
    for number in 0..20 {
        proxy.swallow_commit();
        let Err(DatabaseFault::InDoubt(mark)) = add(&mut writer, &term, number) else {
            panic!("its answer came")
        };
        assert!(was_committed(&mut writer, term.epoch, &mark).unwrap());
    }
    assert_eq!(numbers(&mut direct), (0..20).collect::<Vec<i64>>());
    let refused = transact(&mut writer, term.epoch, async |transaction| {
        transaction.execute("INSERT INTO numbers VALUES (100), (0)", &[]).await?;
        Ok(())
    });
    assert!(matches!(refused, Err(DatabaseFault::Refused(_))), "{refused:?}");
    assert_eq!(numbers(&mut direct).len(), 20, "nothing of it is kept");
}

#[test]
fn a_silent_server_ends_each_call_by_its_deadline_and_is_used_again_when_it_answers() {
    let Some(cluster) = Cluster::start() else { return };
    let mut direct = make_numbers(&cluster);
    let term = lease(&cluster.url(), LEASE).take().unwrap().unwrap();
    let proxy = SilentProxy::before(&cluster);
    let mut writer = database(&proxy.url(), SHORT);
    add(&mut writer, &term, 1).unwrap();
    proxy.fall_silent();
    // With its connection, and then without one.
    for what in ["transaction", "connect"] {
        let start = Instant::now();
        let fault = add(&mut writer, &term, 2).unwrap_err();
        assert!(start.elapsed() < SHORT * 4, "{:?}", start.elapsed());
        assert!(matches!(fault, DatabaseFault::Silent(found, _) if found == what), "{fault}");
    }
    proxy.open();
    add(&mut writer, &term, 3).unwrap();
    assert_eq!(numbers(&mut direct), [1, 3]);
}

#[test]
fn a_server_that_is_stopped_and_started_keeps_what_was_committed_and_who_led_leads_again() {
    let Some(cluster) = Cluster::start() else { return };
    let mut writer = make_numbers(&cluster);
    let mut held = lease(&cluster.url(), LEASE);
    let term = held.take().unwrap().unwrap();
    add(&mut writer, &term, 1).unwrap();
    cluster.down();
    assert!(add(&mut writer, &term, 2).unwrap_err().is_transient());
    assert!(held.renew(&term).unwrap_err().is_transient());
    cluster.up();
    let renewed = held.renew(&term).unwrap().unwrap();
    add(&mut writer, &renewed, 3).unwrap();
    assert_eq!(numbers(&mut writer), [1, 3]);
}

#[test]
fn what_a_crashed_server_forgot_is_not_taken_for_kept_though_another_transaction_has_its_number() {
    let Some(cluster) = Cluster::start() else { return };
    let mut writer = make_numbers(&cluster);
    let term = lease(&cluster.url(), LEASE).take().unwrap().unwrap();
    let mark = new_mark(term.epoch);
    let mut number = String::new();
    let begun = writer.run("transaction", async |client| {
        client.batch_execute("BEGIN").await?;
        client.query(FENCE, &[&term.epoch]).await?;
        client.batch_execute("INSERT INTO numbers VALUES (1)").await?;
        client.execute(LEAVE_MARK, &[&mark]).await?;
        number = client.query_one("SELECT pg_current_xact_id()::text", &[]).await?.get(0);
        Ok(())
    });
    begun.unwrap();
    cluster.down();
    cluster.up();
    writer.forget();
    add(&mut writer, &term, 2).unwrap();
    assert!(!was_committed(&mut writer, term.epoch, &mark).unwrap(), "transaction {number}");
    assert_eq!(numbers(&mut writer), [2]);
}

#[test]
fn what_cannot_be_used_is_refused_in_a_sentence() {
    let Some(cluster) = Cluster::start() else { return };
    let database_of = |secrets: &str| prepare(&mut database(&cluster.url(), LIMIT), &farm(secrets));
    let look_of = |secrets: &str| inspect(&mut database(&cluster.url(), LIMIT), &farm(secrets));
    assert!(!look_of("studio").unwrap(), "nobody has used it");
    // Its secret is changed in three steps.
    for secrets in ["studio", "studio", "studio new", "new"] {
        database_of(secrets).unwrap();
        assert!(look_of(secrets).unwrap());
    }
    for other in [database_of("lab").unwrap_err(), look_of("studio").unwrap_err()] {
        assert!(other.to_string().contains("belongs to another farm"), "{other}");
    }
    let newer = database(&cluster.url(), LIMIT).run("statement", async |client| {
        Ok(client.batch_execute("UPDATE taskbell.meta SET version = 99").await?)
    });
    newer.unwrap();
    let newer = database_of("new").unwrap_err().to_string();
    assert!(newer.contains("have version 99, this relay knows 2"), "{newer}");
    let url = format!("postgres://u:hunter2@127.0.0.1:{}", cluster.port);
    let unnamed = Database::new(&url, connector(), LIMIT).err().unwrap().to_string();
    assert!(unnamed.contains("names no database") && !unnamed.contains("hunter2"), "{unnamed}");
}

#[test]
fn a_server_without_tls_gets_no_password_unless_it_is_on_this_machine() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let reader = std::thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        let mut request = [0; 8];
        client.read_exact(&mut request).unwrap();
        // It has no TLS, and the client may go on in plain text.
        client.write_all(b"N").unwrap();
        let mut rest = Vec::new();
        client.read_to_end(&mut rest).unwrap();
        (request, rest)
    });
    // An address that leads here, and does not show it.
    let url = format!("postgres://taskbell:hunter2@0.0.0.0:{port}/taskbell?sslmode=disable");
    let refused = prepare(&mut database(&url, LIMIT), &farm("studio")).unwrap_err();
    assert!(matches!(refused, DatabaseFault::Unfit(_)), "{refused}");
    let refused = refused.to_string();
    assert!(refused.contains("needs TLS") && !refused.contains("hunter2"), "{refused}");
    let (request, rest) = reader.join().unwrap();
    assert_eq!(request[4..], 80_877_103_u32.to_be_bytes(), "it asks for TLS, whatever the URL says");
    assert!(rest.is_empty(), "and says nothing without it");
}
