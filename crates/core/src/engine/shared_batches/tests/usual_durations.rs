//! What is usual belongs to all that work on a spool: none overwrites what others have learnt.

use super::*;
use crate::engine::usual_durations::learn_usual;
use crate::tally::task_key;

fn key() -> String {
    task_key("default", Some("video"))
}

fn run(clerk: &Clerk, seconds: f64) {
    report(clerk, &json!({"kind": "video", "duration_s": seconds}));
}

fn usual(clerk: &Clerk) -> Option<f64> {
    clerk.tally.usuals.seconds(&key())
}

/// The runs of the kind that the spool remembers.
fn kept(farm: &Farm) -> Vec<f64> {
    let spool = Connection::open(farm.folder.path().join("bell.db")).unwrap();
    let key = format!("usual/{}", key());
    let kept =
        spool.query_row("SELECT value FROM state WHERE key = ?1", [key], |row| row.get::<_, Vec<u8>>(0));
    serde_json::from_slice(&kept.unwrap()).unwrap()
}

#[test]
fn runs_that_several_instances_report_make_one_usual_time() {
    let farm = Farm::new();
    let (mut one, mut two) = (farm.start(), farm.start());
    for _ in 0..3 {
        for clerk in [&mut one, &mut two] {
            run(clerk, 10.0);
            round(clerk);
        }
    }
    assert_eq!(kept(&farm), [10.0; 6]);
    let mut newcomer = farm.start();
    learn_usual(&newcomer.spool, &mut newcomer.tally).unwrap();
    assert_eq!(usual(&newcomer), Some(10.0), "five runs are enough, whoever had them");
    for clerk in [&mut one, &mut two] {
        run(clerk, 12.0);
        round(clerk);
        assert_eq!(usual(clerk), Some(10.0));
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
    two.watch.look_now();
    two.look_around();
    assert_eq!(usual(&two), Some(10.0));
    for _ in 0..3 {
        two.watch.look_now();
        two.look_around();
    }
    run(&two, 10.0);
    round(&mut two);
    assert_eq!(kept(&farm).len(), 6);
}

#[test]
fn a_transaction_that_is_made_again_adds_no_run_twice() {
    let farm = Farm::new();
    let (mut one, mut two) = (farm.start(), farm.start());
    for clerk in [&mut one, &mut two] {
        run(clerk, 10.0);
        round(clerk);
    }
    run(&one, 11.0);
    run(&one, 12.0);
    one.collect();
    for _ in 0..3 {
        let mut failing = one.spool.begin().unwrap();
        one.work.join_usuals(&mut failing, &mut one.tally.usuals).unwrap();
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
