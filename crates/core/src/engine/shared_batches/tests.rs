//! Several dispatchers on one spool, without their threads: every step of each is a move of the test.

use super::*;
use crate::clock::{Clock, SystemClock};
use crate::config::Config;
use crate::engine::decide::Decider;
use crate::engine::dispatcher::Dispatcher;
use crate::engine::parts::Parts;
use crate::engine::phase::Phase;
use crate::engine::progress::WaitError;
use crate::engine::supervise::open::new_dispatcher;
use crate::engine::tests::clocks::Moved;
use crate::intake::{Home, Intake};
use crate::shaping::ShapingState;
use crate::spool::{Spool, SpoolReader};
use crate::tally::Tally;
use rusqlite::Connection;
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use tempfile::TempDir;

struct Farm {
    folder: TempDir,
    clock: Arc<Moved>,
    /// What its hook has in addition to the ends and standstills it listens to.
    shaping: Json,
    /// Whether another hook tells those that ask for it.
    asked: bool,
}

/// A farm that tells those that ask, too.
fn asking() -> Farm {
    Farm { asked: true, ..Farm::new() }
}

impl Farm {
    fn new() -> Farm {
        Farm { folder: tempfile::tempdir().unwrap(), clock: Arc::default(), shaping: json!({}), asked: false }
    }

    fn pass(&self, time: Duration) {
        self.clock.suspend(time);
    }

    fn config(&self) -> Config {
        let spool = self.folder.path().join("bell.db");
        let mut hook = self.shaping.clone();
        hook["on"] = json!(["batch.end", "batch.stalled"]);
        hook["to"] = json!(["a"]);
        let mut hooks = vec![hook];
        if self.asked {
            let template = json!({"text": "{{ event.type }} {{ task.id }}"});
            let on = ["task.complete"];
            hooks.push(json!({"on": on, "to": ["b"], "manual": true, "template": template}));
        }
        let config = json!({
            "spool": {"path": spool},
            "queue": {"batch_stall": "1h", "end_delay": "0s"},
            "endpoints": {"a": {"url": "http://127.0.0.1:9/"}, "b": {"url": "http://127.0.0.1:9/"}},
            "hooks": hooks,
        });
        Config::load(&config.to_string()).unwrap()
    }

    /// Another instance, which takes over what the dead have left.
    fn start(&self) -> Dispatcher {
        let config = self.config();
        let path = self.folder.path().join("bell.db");
        let intake = Intake::open(&Home::Beside(path.clone()), 0);
        let mut spool = Spool::open(&config.spool.path, intake.instance()).unwrap();
        let own = intake.instance().to_owned();
        let mut tally = Tally::default();
        let dead = crate::engine::takeover::dead_instances(&spool, Some(&path), &own).unwrap();
        let (now, delay) = (self.clock.monotonic(), Duration::ZERO);
        crate::engine::takeover::take_over_tally(&mut spool, &mut tally, &own, &dead, now, delay).unwrap();
        let reader = Some(Box::new(SpoolReader::open(&path).unwrap()) as Box<_>);
        let clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
        let parts = Arc::new(Parts::new(intake, None, &config, clock, reader));
        let decider = Decider::new(Arc::new(config), tally, ShapingState::default());
        let mut dispatcher = new_dispatcher(&parts, spool, decider);
        dispatcher.adopt_orphans(&path);
        dispatcher
    }

    /// The summaries of this kind of event that the hook would have sent, by batch.
    fn told(&self, kind: &str) -> BTreeMap<String, Vec<Json>> {
        let spool = Connection::open(self.folder.path().join("bell.db")).unwrap();
        let mut rows = spool
            .prepare(
                "SELECT d.body FROM all_deliveries d JOIN all_events e ON e.seq = d.event WHERE e.type = ?1",
            )
            .unwrap();
        let mut told = BTreeMap::<String, Vec<Json>>::new();
        for body in rows.query_map([kind], |row| row.get::<_, Vec<u8>>(0)).unwrap() {
            let body: Json = serde_json::from_slice(&body.unwrap()).unwrap();
            let batch = body["data"]["batch"].clone();
            told.entry(batch["id"].as_str().unwrap().to_owned()).or_default().push(batch);
        }
        told
    }

    /// What those that asked were told, in order.
    fn told_asked(&self) -> Vec<String> {
        let spool = Connection::open(self.folder.path().join("bell.db")).unwrap();
        let mut rows = spool.prepare("SELECT body FROM all_deliveries ORDER BY seq").unwrap();
        let bodies = rows.query_map([], |row| row.get::<_, Vec<u8>>(0)).unwrap();
        let text = |body: Vec<u8>| serde_json::from_slice::<Json>(&body).unwrap()["text"].clone();
        bodies.filter_map(|body| text(body.unwrap()).as_str().map(str::to_owned)).collect()
    }
}

fn report(dispatcher: &Dispatcher, task: &Json) {
    dispatcher.parts.intake.push("task.complete", task.to_string().as_bytes()).unwrap();
}

fn frame(batch: &str, number: u64, total: u64) -> Json {
    let status = if number.is_multiple_of(3) { "error" } else { "success" };
    json!({"id": format!("{batch}-{number}"), "status": status, "batch": {"id": batch, "total": total}})
}

/// One round: what the ring holds is counted and kept.
fn round(dispatcher: &mut Dispatcher) {
    dispatcher.collect();
    assert!(dispatcher.commit(Phase::Open));
}

/// Looks for what the dead have left.
fn look(dispatcher: &mut Dispatcher) {
    dispatcher.peers.look_now();
    dispatcher.look_after_peers();
}

/// The process dies after the transaction, before the ring hears of it.
fn die_after_commit(mut dispatcher: Dispatcher) {
    dispatcher.collect();
    let clock = SystemClock;
    if !dispatcher.transaction.is_empty() {
        let Dispatcher { committer, transaction, decider, .. } = &mut dispatcher;
        committer.transact(transaction, decider, clock.now()).unwrap();
    }
}

#[test]
fn a_batch_of_two_living_instances_ends_once_with_the_counts_of_both() {
    let farm = Farm::new();
    let (mut one, mut two) = (farm.start(), farm.start());
    for number in 0..3 {
        report(&one, &frame("b", number, 6));
        report(&two, &frame("b", number + 3, 6));
        round(&mut one);
        assert!(farm.told("batch.end").is_empty());
        round(&mut two);
    }
    for _ in 0..2 {
        round(&mut one);
        round(&mut two);
    }
    let told = farm.told("batch.end");
    assert_eq!(told["b"].len(), 1);
    let summary = &told["b"][0];
    assert_eq!(
        (&summary["total"], &summary["failed"], &summary["expected"]),
        (&json!(6), &json!(2), &json!(6))
    );

    // Both know that it is over, and both know a new one of the same id when they see it.
    for dispatcher in [&mut one, &mut two] {
        report(dispatcher, &frame("b", 1, 6));
        report(dispatcher, &json!({"id": "x", "duration_s": 900, "batch": {"id": "b", "total": 1}}));
        round(dispatcher);
        round(dispatcher);
    }
    assert_eq!(farm.told("batch.end")["b"].len(), 1);
    std::thread::sleep(Duration::from_millis(5));
    report(&one, &json!({"id": "new", "batch": {"id": "b", "total": 2}}));
    round(&mut one);
    report(&two, &json!({"id": "newer", "batch": {"id": "b", "total": 2}}));
    round(&mut two);
    round(&mut two);
    round(&mut one);
    let told = farm.told("batch.end");
    assert_eq!((told["b"].len(), &told["b"][1]["total"]), (2, &json!(2)));
}

#[test]
fn the_transaction_that_keeps_the_last_task_tells_the_end_and_whoever_waits_sees_it() {
    let farm = Farm::new();
    let mut one = farm.start();
    (0..3).for_each(|number| report(&one, &frame("b", number, 3)));
    assert_eq!(one.parts.progress.await_spooled(3, Duration::ZERO), Err(WaitError::Timeout));
    round(&mut one);
    assert_eq!(one.parts.progress.await_spooled(3, Duration::ZERO), Ok(()));
    assert_eq!(farm.told("batch.end")["b"].len(), 1);
}

/// Lets two commits fail after they have decided what to tell, and the third succeed.
fn commit_after_failures(farm: &Farm, dispatcher: &mut Dispatcher) {
    dispatcher.collect();
    let other = Connection::open(farm.folder.path().join("bell.db")).unwrap();
    let refuse = "CREATE TRIGGER refuse BEFORE INSERT ON deliveries BEGIN SELECT RAISE(ABORT, 'no'); END";
    other.execute_batch(refuse).unwrap();
    for _ in 0..2 {
        dispatcher.committer.retry_at = None;
        assert!(!dispatcher.commit(Phase::Open));
    }
    other.execute_batch("DROP TRIGGER refuse").unwrap();
    dispatcher.committer.retry_at = None;
    assert!(dispatcher.commit(Phase::Open));
}

#[test]
fn an_end_that_a_failed_transaction_decided_starts_no_cooldown_and_is_told_by_the_next() {
    let farm = Farm { shaping: json!({"cooldown": "1d"}), ..Farm::new() };
    let mut one = farm.start();
    report(&one, &frame("b", 1, 1));
    commit_after_failures(&farm, &mut one);
    assert_eq!(farm.told("batch.end")["b"].len(), 1);
}

#[test]
fn a_wish_that_a_failed_transaction_was_to_tell_is_told_once_by_the_next() {
    let farm = asking();
    let mut one = farm.start();
    let mut task = frame("b", 1, 1);
    task["webhook_params"] = json!({"notify": "manual_at_end"});
    report(&one, &task);
    commit_after_failures(&farm, &mut one);
    one.parts.intake.push("queue.end", b"{}").unwrap();
    (0..3).for_each(|_| round(&mut one));
    assert_eq!(farm.told_asked(), ["batch.end b-1"]);
}

#[test]
fn batches_that_end_in_one_transaction_are_told_in_the_order_in_which_they_ended() {
    let farm = asking();
    let mut one = farm.start();
    for (batch, number) in [("z", 1), ("m", 1), ("a", 1), ("m", 2), ("z", 2), ("a", 2)] {
        let mut task = frame(batch, number, 2);
        task["webhook_params"] = json!({"notify": "manual_at_end"});
        report(&one, &task);
    }
    round(&mut one);
    round(&mut one);
    assert_eq!(farm.told_asked(), ["batch.end m-2", "batch.end z-2", "batch.end a-2"]);
}

#[test]
fn a_later_batch_with_the_same_id_ends_too_although_both_end_in_one_transaction_and_the_host_dies() {
    let farm = Farm::new();
    let one = farm.start();
    (1..=3).for_each(|number| report(&one, &frame("b", number.min(2), 2)));
    // One of the same batch, but too many; and the next batch with the same id, which began after the end.
    report(&one, &json!({"id": "late", "duration_s": 60, "batch": {"id": "b", "total": 2}}));
    std::thread::sleep(Duration::from_millis(5));
    (1..=2).for_each(|number| report(&one, &json!({"id": number, "batch": {"id": "b", "total": 2}})));
    die_after_commit(one);
    let mut two = farm.start();
    (0..3).for_each(|_| round(&mut two));
    let told = farm.told("batch.end");
    let totals: Vec<_> = told["b"].iter().map(|end| end["total"].clone()).collect();
    assert_eq!(totals, [json!(2), json!(2)]);
    drop(two);
    round(&mut farm.start());
    assert_eq!(farm.told("batch.end")["b"].len(), 2);
}

#[test]
fn a_recovered_spool_goes_on_with_its_batches() {
    let farm = Farm::new();
    let mut one = farm.start();
    report(&one, &frame("b", 1, 2));
    round(&mut one);
    std::fs::remove_file(farm.folder.path().join("bell.db")).unwrap();
    (0..2).for_each(|_| report(&one, &frame("b", 1, 2)));
    round(&mut one);
    assert!(farm.told("batch.end").is_empty(), "the first task is known");
    report(&one, &frame("b", 2, 2));
    round(&mut one);
    assert_eq!(farm.told("batch.end")["b"][0]["total"], json!(2));
}

#[test]
fn a_batch_of_several_stands_still_once_and_with_the_counts_of_all() {
    let farm = Farm::new();
    let mut dispatchers: Vec<Dispatcher> = (0..3).map(|_| farm.start()).collect();
    for (number, dispatcher) in dispatchers.iter_mut().enumerate() {
        report(dispatcher, &frame("b", number as u64, 9));
        round(dispatcher);
    }
    farm.pass(Duration::from_secs(3_000));
    dispatchers.iter_mut().for_each(round);
    assert!(farm.told("batch.stalled").is_empty());
    for _ in 0..3 {
        farm.pass(Duration::from_secs(3_000));
        dispatchers.iter_mut().for_each(round);
    }
    let told = farm.told("batch.stalled");
    assert_eq!((told["b"].len(), &told["b"][0]["total"]), (1, &json!(3)));

    // The one that told of it dies: its heir knows that it was told.
    drop(dispatchers.pop());
    let mut heir = farm.start();
    round(&mut heir);
    dispatchers.push(heir);
    farm.pass(Duration::from_secs(9_000));
    dispatchers.iter_mut().for_each(round);
    assert_eq!(farm.told("batch.stalled")["b"].len(), 1);

    report(&dispatchers[0], &frame("b", 7, 9));
    round(&mut dispatchers[0]);
    farm.pass(Duration::from_secs(9_000));
    dispatchers.iter_mut().for_each(round);
    let told = farm.told("batch.stalled");
    assert_eq!((told["b"].len(), &told["b"][1]["total"]), (2, &json!(4)), "it had gone on");
}

#[test]
fn one_that_believes_to_be_alone_tells_of_no_standstill_while_a_newcomer_goes_on() {
    let farm = Farm::new();
    let mut one = farm.start();
    report(&one, &frame("b", 1, 9));
    round(&mut one);
    farm.pass(Duration::from_secs(3_000));
    let mut two = farm.start();
    report(&two, &frame("b", 2, 9));
    round(&mut two);
    farm.pass(Duration::from_secs(1_000));
    for _ in 0..3 {
        round(&mut one);
        round(&mut two);
    }
    assert!(farm.told("batch.stalled").is_empty(), "one has stood still for more than an hour, two has not");
    for _ in 0..3 {
        farm.pass(Duration::from_secs(3_000));
        round(&mut one);
        round(&mut two);
    }
    let told = farm.told("batch.stalled");
    assert_eq!((told["b"].len(), &told["b"][0]["total"]), (1, &json!(2)));
}

#[test]
fn the_end_of_a_queue_that_a_dead_instance_told_is_waited_for_by_its_heir() {
    let farm = Farm::new();
    let (mut one, mut two) = (farm.start(), farm.start());
    two.parts.intake.push("queue.end", b"{}").unwrap();
    round(&mut two);
    assert_eq!(two.decider.tally.held(), 1);
    drop(two);
    let is_done = |one: &Dispatcher| one.parts.progress.await_ended(0, Duration::ZERO).is_ok();
    assert!(is_done(&one));
    look(&mut one);
    assert!(one.decider.tally.held() == 1 && !is_done(&one));
    farm.pass(Duration::from_secs(5));
    round(&mut one);
    assert!(one.decider.tally.held() == 0 && is_done(&one));
}

mod end_requests;
mod moves;
mod usual_durations;
