//! What an instance does with the end of a batch while it does not know yet that it is not alone. Its hook is
//! silent for a day after each ring, so whatever rings without being told would silence the true end.

use super::*;

fn silent_farm() -> Farm {
    Farm { shaping: json!({"cooldown": "1d"}), ..Farm::new() }
}

#[test]
fn it_is_told_when_the_others_count_other_batches() {
    let farm = silent_farm();
    let (mut one, mut two) = (farm.start(), farm.start());
    report(&two, &frame("x", 1, 4));
    round(&mut two);
    report(&one, &frame("b", 1, 1));
    for _ in 0..3 {
        round(&mut one);
        round(&mut two);
    }
    assert_eq!(farm.told("batch.end")["b"].len(), 1);
}

#[test]
fn it_is_told_for_all_when_the_others_have_parts_of_the_batch() {
    let farm = silent_farm();
    let (mut one, mut two) = (farm.start(), farm.start());
    report(&two, &frame("b", 2, 3));
    round(&mut two);
    (1..=3).for_each(|number| report(&one, &frame("b", number, 3)));
    round(&mut one);
    round(&mut one);
    let told = farm.told("batch.end");
    assert_eq!((told["b"].len(), &told["b"][0]["total"]), (1, &json!(3)));
    for number in 1..=3 {
        report(&two, &frame("b", number, 3));
        round(&mut two);
        round(&mut one);
    }
    drop((one, two));
    round(&mut farm.start());
    assert_eq!(farm.told("batch.end")["b"].len(), 1);
}

#[test]
fn it_is_told_once_when_two_are_about_to_tell_it() {
    let farm = silent_farm();
    let (mut one, mut two) = (farm.start(), farm.start());
    for dispatcher in [&mut one, &mut two] {
        report(dispatcher, &frame("b", 1, 1));
        dispatcher.collect();
    }
    for _ in 0..3 {
        assert!(one.commit(Phase::Open) && two.commit(Phase::Open));
        one.collect();
        two.collect();
    }
    assert_eq!(farm.told("batch.end")["b"].len(), 1);
}

#[test]
fn a_batch_that_another_instance_ended_sends_nothing_twice() {
    let farm = silent_farm();
    let (mut one, mut two) = (farm.start(), farm.start());
    for (dispatcher, total) in [(&mut one, 1), (&mut two, 2)] {
        report(dispatcher, &frame("b", 1, total));
        dispatcher.collect();
    }
    // By its own count it is whole for `one`; by the larger number of the other it is not.
    assert!(two.commit(Phase::Open) && one.commit(Phase::Open));
    for dispatcher in [&mut two, &mut one] {
        round(dispatcher);
    }
    assert!(farm.told("batch.end").is_empty());
    report(&one, &frame("b", 2, 2));
    for _ in 0..2 {
        round(&mut one);
        round(&mut two);
    }
    let told = farm.told("batch.end");
    assert_eq!((told["b"].len(), &told["b"][0]["total"]), (1, &json!(2)), "no cooldown of a wrong end runs");
}
