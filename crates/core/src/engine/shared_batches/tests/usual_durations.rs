//! What is usual belongs to all that work on a spool: none overwrites what others have learnt.

use super::*;
use crate::engine::usual_durations::learn_usual;
use crate::tally::task_key;

fn key() -> String {
    task_key("default", Some("video"))
}

fn run(dispatcher: &Dispatcher, seconds: f64) {
    report(dispatcher, &json!({"kind": "video", "duration_s": seconds}));
}

fn usual(dispatcher: &Dispatcher) -> Option<f64> {
    dispatcher.decider.tally.usuals.seconds(&key())
}

/// The runs of the kind that the spool remembers.
fn kept(farm: &Farm) -> Vec<f64> {
    let spool = Connection::open(farm.folder.path().join("bell.db")).unwrap();
    let kept = spool.query_row(
        "SELECT value FROM state WHERE kind = 'usual duration' AND name = ?1",
        [key()],
        |row| row.get::<_, Vec<u8>>(0),
    );
    serde_json::from_slice(&kept.unwrap()).unwrap()
}

#[test]
fn runs_that_several_instances_report_make_one_usual_time() {
    let farm = Farm::new();
    let (mut one, mut two) = (farm.start(), farm.start());
    for _ in 0..3 {
        for dispatcher in [&mut one, &mut two] {
            run(dispatcher, 10.0);
            round(dispatcher);
        }
    }
    assert_eq!(kept(&farm), [10.0; 6]);
    let mut newcomer = farm.start();
    learn_usual(&newcomer.committer.spool, &mut newcomer.decider.tally).unwrap();
    assert_eq!(usual(&newcomer), Some(10.0), "five runs are enough, whoever had them");
    for dispatcher in [&mut one, &mut two] {
        run(dispatcher, 12.0);
        round(dispatcher);
        assert_eq!(usual(dispatcher), Some(10.0));
    }
    assert_eq!(kept(&farm), [10.0, 10.0, 10.0, 10.0, 10.0, 10.0, 12.0, 12.0]);
}

#[test]
fn what_others_have_learnt_is_known_before_an_instance_has_a_run_of_its_own() {
    let farm = Farm::new();
    let (mut one, mut two) = (farm.start(), farm.start());
    for _ in 0..5 {
        run(&one, 10.0);
        round(&mut one);
    }
    assert_eq!(usual(&two), None);
    look(&mut two);
    assert_eq!(usual(&two), Some(10.0));
    (0..3).for_each(|_| look(&mut two));
    run(&two, 10.0);
    round(&mut two);
    assert_eq!(kept(&farm).len(), 6);
}

#[test]
fn a_transaction_that_is_made_again_adds_no_run_twice() {
    let farm = Farm::new();
    let (mut one, mut two) = (farm.start(), farm.start());
    for dispatcher in [&mut one, &mut two] {
        run(dispatcher, 10.0);
        round(dispatcher);
    }
    run(&one, 11.0);
    run(&one, 12.0);
    one.collect();
    for _ in 0..3 {
        let mut failing = one.committer.spool.begin().unwrap();
        one.transaction.join_usuals(&mut failing, &mut one.decider.tally.usuals).unwrap();
        drop(failing);
        run(&two, 9.0);
        round(&mut two);
    }
    assert!(one.commit(Phase::Open));
    assert_eq!(kept(&farm), [10.0, 10.0, 9.0, 9.0, 9.0, 11.0, 12.0]);
    run(&one, 13.0);
    round(&mut one);
    assert_eq!(kept(&farm), [10.0, 10.0, 9.0, 9.0, 9.0, 11.0, 12.0, 13.0]);
}

#[test]
fn a_recovered_spool_gets_back_the_usual_durations() {
    let farm = Farm::new();
    let mut one = farm.start();
    for _ in 0..5 {
        run(&one, 10.0);
        round(&mut one);
    }
    std::fs::remove_file(farm.folder.path().join("bell.db")).unwrap();
    run(&one, 11.0);
    round(&mut one);
    round(&mut one);
    assert_eq!(kept(&farm), [10.0, 10.0, 10.0, 10.0, 10.0, 11.0]);
}
