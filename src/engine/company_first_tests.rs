//! The end of a batch that an instance tells while it finds that it is not alone: its hook is silent for a day
//! afterwards, so what is taken back is never said.

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
    round(&mut one);
    assert_eq!(farm.told("batch.end")["b"].len(), 1);
    for _ in 0..3 {
        round(&mut one);
        round(&mut two);
    }
    assert!(one.tally.batches.in_company());
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
    assert!(!farm.keys().iter().any(|key| key.starts_with("taken/")), "{:?}", farm.keys());
}

#[test]
fn it_is_told_once_when_two_are_about_to_tell_it() {
    let farm = silent_farm();
    let (mut one, mut two) = (farm.start(), farm.start());
    for clerk in [&mut one, &mut two] {
        report(clerk, &frame("b", 1, 1));
        clerk.collect();
    }
    for _ in 0..3 {
        assert!(one.commit(Phase::Open) && two.commit(Phase::Open));
        one.collect();
        two.collect();
    }
    assert_eq!(farm.told("batch.end")["b"].len(), 1);
}
