//! Dispatchers that are left alone on a spool, after they have counted a batch together with others.

use super::*;

fn look(dispatcher: &mut Dispatcher) {
    dispatcher.peers.look_now();
    dispatcher.look_after_peers();
}

/// Two that have counted two of four and one of four. One knows that it is not alone, and two has written last:
/// so one looks again who else is there.
fn two_of_whom_one_knows(farm: &Farm) -> (Dispatcher, Dispatcher) {
    let (mut one, mut two) = (farm.start(), farm.start());
    report(&one, &frame("b", 1, 4));
    round(&mut one);
    report(&two, &frame("b", 2, 4));
    round(&mut two);
    report(&one, &frame("b", 3, 4));
    round(&mut one);
    report(&two, &frame("other", 1, 4));
    round(&mut two);
    (one, two)
}

#[test]
fn a_batch_ends_although_all_others_that_counted_it_have_left() {
    let farm = Farm::new();
    let (mut one, two) = two_of_whom_one_knows(&farm);
    drop(two);
    look(&mut one);
    report(&one, &frame("b", 4, 4));
    round(&mut one);
    round(&mut one);
    let told = farm.told("batch.end");
    assert_eq!((told["b"].len(), &told["b"][0]["total"]), (1, &json!(4)));
    look(&mut one);
    round(&mut one);
    assert_eq!(farm.told("batch.end")["b"].len(), 1);
}

#[test]
fn a_batch_ends_when_what_the_last_other_left_makes_it_whole() {
    let farm = Farm::new();
    let (mut one, two) = two_of_whom_one_knows(&farm);
    // It dies with the last task in its ring, and nothing else is reported afterwards.
    report(&two, &frame("b", 4, 4));
    drop(two);
    look(&mut one);
    round(&mut one);
    round(&mut one);
    let told = farm.told("batch.end");
    assert_eq!((told["b"].len(), &told["b"][0]["total"]), (1, &json!(4)));
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
