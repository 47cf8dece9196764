//! What only a store behind a network has to keep: a leader that is deposed, answers that are lost, a server that is silent.

use super::cluster::{Cluster, SilentProxy};
use super::store::{OwnDatabase, statement};
use super::{LIMIT, SHORT, database};
use crate::postgres::{Database, PostgresOperator, PostgresReader, PostgresStore};
use std::thread;
use std::time::Instant;
use taskbell_core::event::EventId;
use taskbell_core::spool::store_suite::Place;
use taskbell_core::spool::{
    AttemptRow, Batch, DeliveryEnd, DeliverySelection, Early, Filter, NewDelivery, NewEvent, Next, Operator,
    Reader, SpoolError, SpoolErrorKind, StateKey, StateKind, Store,
};
use taskbell_core::transport::Phases;

fn id(number: u32) -> EventId {
    EventId::new(1_700_000_000_000 + i64::from(number), u128::from(number))
}

fn event(number: u32) -> NewEvent<'static> {
    let (accepted_at, payload) = (i64::from(number), &b"{\"secret\":\"of a host\"}"[..]);
    NewEvent { id: id(number), kind: "task.complete", accepted_at, node: Some("render-07"), payload }
}

fn delivery(event: i64) -> NewDelivery<'static> {
    NewDelivery {
        event,
        endpoint: "ci",
        hook: "hooks[0]",
        content_type: "application/json",
        body: b"{\"text\":\"secret\"}",
        extras: None,
        created_at: 1,
        due_at: 1,
        dead: None,
        why: None,
        expires_at: None,
        thing: None,
        live: None,
    }
}

fn attempt(delivery: i64) -> AttemptRow {
    AttemptRow {
        delivery,
        number: 1,
        started_at: 5,
        phases: Phases::default(),
        status: Some(200),
        outcome: "delivered",
        error: None,
        response: Some("a secret answer".to_owned()),
        next_at: None,
    }
}

/// Writes an event with its delivery; the delivery's number, if the event is new.
fn write(store: &mut PostgresStore, number: u32) -> Result<Option<i64>, SpoolError> {
    let mut batch = store.begin()?;
    let Some(row) = batch.put_event(&event(number), true)? else { return Ok(None) };
    let seq = batch.put_delivery(&delivery(row), Early::No)?;
    batch.commit().map(|()| Some(seq))
}

fn pending(own: &OwnDatabase) -> u64 {
    own.reader().counts().unwrap().pending
}

/// A store whose connection goes through a proxy.
fn behind(proxy: &SilentProxy, own: &OwnDatabase, limit: std::time::Duration) -> (PostgresStore, String) {
    let url = own.url.replace(&format!(":{}/", own.port), &format!(":{}/", proxy.port));
    (own.lead(database(&url, limit), "me"), url)
}

#[test]
fn a_lost_answer_to_a_commit_neither_doubles_nor_drops_what_was_written() {
    let Some(cluster) = Cluster::start() else { return };
    let (own, proxy) = (OwnDatabase::in_cluster(&cluster, "lost"), SilentProxy::before(&cluster));
    let (mut store, _) = behind(&proxy, &own, LIMIT);
    let mut seqs = Vec::new();
    for number in 1..=10 {
        proxy.swallow_commit();
        seqs.push(write(&mut store, number).unwrap().unwrap());
        assert_eq!(write(&mut store, number).unwrap(), None, "it is there");
    }
    assert_eq!(pending(&own), 10);
    // One that only reads before its end, and one that ends what is there.
    proxy.swallow_commit();
    let mut batch = store.begin().unwrap();
    batch.look_ahead([].into_iter(), seqs.iter().copied()).unwrap();
    for seq in &seqs {
        assert!(
            batch.put_attempt(*seq, Some(&attempt(*seq)), Next::End(&DeliveryEnd::Delivered, 9)).unwrap()
        );
    }
    batch.commit().unwrap();
    assert_eq!(pending(&own), 0);
}

#[test]
fn a_leader_that_was_deposed_writes_nothing_and_learns_of_it() {
    let Some(cluster) = Cluster::start() else { return };
    let own = OwnDatabase::in_cluster(&cluster, "deposed");
    let mut old = own.open("farm-1");
    write(&mut old, 1).unwrap();
    old.look_up(&[id(2)]).unwrap();
    // Nothing of it is on the server before its end.
    let mut open = old.begin().unwrap();
    let row = open.put_event(&event(2), true).unwrap().unwrap();
    open.put_delivery(&delivery(row), Early::No).unwrap();
    let mut new = own.open("farm-2");
    assert_eq!(new.take_over(&["farm-1".to_owned()], 9).unwrap().deliveries, 1);
    assert_eq!(open.commit().unwrap_err().kind(), SpoolErrorKind::Deposed);
    let refusals = [
        write(&mut old, 3).map(drop),
        old.take_over(&[], 9).map(drop),
        old.release(),
        old.prune(i64::MAX).map(drop),
        old.put_states(&[(StateKey::shared(StateKind::QueueCounts, "q"), Some(b"x".to_vec()))]),
    ];
    for refused in refusals {
        let fault = refused.unwrap_err();
        assert_eq!(fault.kind(), SpoolErrorKind::Deposed, "{fault}");
        assert!(fault.to_string().contains("another relay"), "{fault}");
    }
    assert!(!new.knows(id(2)).unwrap() && !new.knows(id(3)).unwrap());
    assert_eq!((pending(&own), write(&mut new, 4).unwrap().is_some()), (1, true));
}

#[test]
fn a_silent_server_ends_every_call_by_its_deadline_and_is_used_again() {
    let Some(cluster) = Cluster::start() else { return };
    let (own, proxy) = (OwnDatabase::in_cluster(&cluster, "silent"), SilentProxy::before(&cluster));
    let (mut store, url) = behind(&proxy, &own, SHORT);
    write(&mut store, 1).unwrap();
    let (mut operator, reader) =
        (PostgresOperator::open(database(&url, SHORT)), PostgresReader::open(database(&url, SHORT)).unwrap());
    type CallOf<'a> = (&'a str, Box<dyn FnMut() -> Result<(), SpoolError> + 'a>);
    let store = std::cell::RefCell::new(&mut store);
    let stretch = store.borrow().stretches(&store.borrow().held().unwrap()).unwrap().remove(0);
    let calls: [CallOf<'_>; 9] = [
        ("state", Box::new(|| store.borrow().states(StateKind::Alert).map(drop))),
        ("page", Box::new(|| store.borrow().page(&stretch, 9).map(drop))),
        ("begin", Box::new(|| write(&mut store.borrow_mut(), 2).map(drop))),
        ("takeover", Box::new(|| store.borrow_mut().take_over(&[], 9).map(drop))),
        ("prune", Box::new(|| store.borrow_mut().prune(0).map(drop))),
        ("list", Box::new(|| reader.list(&Filter { limit: 1, ..Filter::default() }).map(drop))),
        ("show", Box::new(|| reader.show("1").map(drop))),
        ("replay", Box::new(|| operator.replay(&DeliverySelection::default(), 9).map(drop))),
        ("counts", Box::new(|| reader.counts().map(drop))),
    ];
    for (what, mut call) in calls {
        proxy.fall_silent();
        let start = Instant::now();
        let fault = call().unwrap_err();
        assert_eq!(fault.kind(), SpoolErrorKind::Io, "{what}: {fault}");
        assert!(start.elapsed() < SHORT * 4, "{what}: {:?}", start.elapsed());
        proxy.open();
        call().unwrap_or_else(|fault| panic!("{what}: {fault}"));
    }
}

#[test]
fn what_never_reached_the_server_is_known_not_to_be_kept() {
    let Some(cluster) = Cluster::start() else { return };
    let (own, proxy) = (OwnDatabase::in_cluster(&cluster, "unsent"), SilentProxy::before(&cluster));
    let (mut store, _) = behind(&proxy, &own, SHORT);
    let mut batch = store.begin().unwrap();
    let row = batch.put_event(&event(1), true).unwrap().unwrap();
    batch.put_delivery(&delivery(row), Early::No).unwrap();
    thread::scope(|scope| {
        proxy.fall_silent();
        scope.spawn(|| {
            thread::sleep(SHORT * 2);
            proxy.open();
        });
        // The server ends the transaction of a client that says nothing more.
        let fault = batch.commit().unwrap_err();
        assert_eq!(fault.kind(), SpoolErrorKind::Io, "{fault}");
    });
    assert_eq!(pending(&own), 0);
    assert!(write(&mut store, 1).unwrap().is_some(), "it is written again");
    assert_eq!(pending(&own), 1);
}

#[test]
fn whatever_a_host_says_can_be_kept() {
    let Some(cluster) = Cluster::start() else { return };
    let own = OwnDatabase::in_cluster(&cluster, "hostile");
    let mut store = own.open("me");
    // Neither a zero byte nor what fits into no index.
    let (zero, long) = ("a\0b", "x".repeat(9_000));
    let key = StateKey::shared(StateKind::Shaping, long.as_str());
    let mut batch = store.begin().unwrap();
    let new = NewEvent { kind: zero, node: Some(zero), payload: b"\0\xff", ..event(1) };
    let row = batch.put_event(&new, true).unwrap().unwrap();
    let broken = NewDelivery { why: Some(zero), thing: Some(&long), body: b"\0\xff", ..delivery(row) };
    let seq = batch.put_delivery(&broken, Early::No).unwrap();
    let row = AttemptRow { response: Some(zero.to_owned()), error: Some(zero.to_owned()), ..attempt(seq) };
    let reason = DeliveryEnd::Dead(zero.to_owned());
    batch.put_attempt(seq, Some(&row), Next::End(&reason, 9)).unwrap();
    batch.put_account(1, zero).unwrap();
    batch.put_state(&key, Some(b"kept")).unwrap();
    batch.put_state(&StateKey::shared(StateKind::Shaping, zero), Some(b"too")).unwrap();
    batch.commit().unwrap();
    assert_eq!(store.state(&key).unwrap().as_deref(), Some(&b"kept"[..]));
    assert_eq!(store.states(StateKind::Shaping).unwrap().len(), 2);
    let shown = own.reader().show(&seq.to_string()).unwrap().unwrap();
    assert_eq!(shown.deliveries[0].reason.as_deref(), Some("a\u{fffd}b"));
    for text in [zero, "\u{fffd}", "%"] {
        own.reader().list(&Filter { text: Some(text.to_owned()), limit: 9, ..Filter::default() }).unwrap();
    }
}

#[test]
fn a_role_that_only_watches_reads_no_payload_and_changes_nothing() {
    let Some(cluster) = Cluster::start() else { return };
    let own = OwnDatabase::in_cluster(&cluster, "watched");
    let mut store = own.open("me");
    let seq = write(&mut store, 1).unwrap().unwrap();
    let mut batch = store.begin().unwrap();
    batch.put_attempt(seq, Some(&attempt(seq)), Next::End(&DeliveryEnd::Delivered, 9)).unwrap();
    batch.put_state(&StateKey::shared(StateKind::QueueCounts, "q"), Some(b"secret")).unwrap();
    batch.commit().unwrap();
    statement(&mut own.connect(), &documented_sql("-- a role that only watches"));
    let as_watcher = |own: &OwnDatabase| -> Database {
        database(&own.url.replace("//taskbell@", "//taskbell_watch@"), LIMIT)
    };
    let reader = PostgresReader::open(as_watcher(&own)).unwrap();
    let shown = reader.show(&id(1).to_string()).unwrap().unwrap();
    assert_eq!((shown.node.as_deref(), shown.deliveries.len()), (Some("render-07"), 1));
    assert_eq!(shown.deliveries[0].attempts[0].status, Some(200));
    assert!(!format!("{shown:?}").contains("secret"), "{shown:?}");
    let listed =
        reader.list(&Filter { text: Some("secret".to_owned()), limit: 9, ..Filter::default() }).unwrap();
    assert!(listed.is_empty(), "it is not searched either");
    assert_eq!(reader.list(&Filter { limit: 9, ..Filter::default() }).unwrap().len(), 1);
    assert_eq!(reader.counts().unwrap().delivered, 1);
    assert!(reader.states(StateKind::QueueCounts).unwrap().is_empty());
    for looked in [
        reader.backlogs().map(drop),
        reader.hours(0).map(drop),
        reader.ended_since(0, 9).map(drop),
        reader.unheard_since(0, 9).map(drop),
        reader.open_batches(9).map(drop),
        reader.alert_events(0).map(drop),
        reader.dead_groups(9).map(drop),
    ] {
        looked.unwrap();
    }
    let refused =
        PostgresOperator::open(as_watcher(&own)).replay(&DeliverySelection::default(), 9).unwrap_err();
    assert_eq!(refused.kind(), SpoolErrorKind::ReadOnly, "{refused}");
    for column in
        ["payload FROM taskbell.events", "body FROM taskbell.deliveries", "response FROM taskbell.attempts"]
    {
        let read = as_watcher(&own).run("question", async |session| {
            Ok(session.query(&format!("SELECT {column}"), &[]).await?.len())
        });
        assert_eq!(read.unwrap_err().code(), "42501", "{column}");
    }
}

/// The statements of the documents that begin with this line.
fn documented_sql(first: &str) -> String {
    let text = include_str!("../../../../../docs/farm.md");
    let blocks = text.split("```sql\n").skip(1).filter_map(|block| block.split("```").next());
    blocks.into_iter().find(|block| block.starts_with(first)).unwrap().to_owned()
}
