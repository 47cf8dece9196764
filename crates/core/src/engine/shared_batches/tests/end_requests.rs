//! Tasks that ask to be told of at the end, of batches that several instances count: each is told of once.

use super::*;

fn wishing(number: u64, total: u64) -> Json {
    let mut task = frame("b", number, total);
    task["webhook_params"] = json!({"notify": "manual_at_end"});
    task
}

fn end_queue(dispatcher: &mut Dispatcher) {
    dispatcher.parts.intake.push("queue.end", b"{}").unwrap();
    (0..3).for_each(|_| round(dispatcher));
}

#[test]
fn the_end_of_a_batch_is_told_before_that_of_its_queue_and_tells_its_wishes() {
    let farm = asking();
    let mut one = farm.start();
    report(&one, &wishing(1, 1));
    end_queue(&mut one);
    assert_eq!(farm.told_asked(), ["batch.end b-1"]);
}

#[test]
fn a_wish_that_another_instance_told_with_the_end_of_the_batch_is_not_told_at_the_end_of_the_queue() {
    let farm = asking();
    let (mut one, mut two) = (farm.start(), farm.start());
    report(&one, &wishing(1, 2));
    round(&mut one);
    report(&two, &frame("b", 2, 2));
    round(&mut two);
    round(&mut two);
    assert_eq!(farm.told_asked(), ["batch.end b-1"]);
    // The word that `two` left is read with the next count.
    report(&one, &frame("c", 1, 2));
    round(&mut one);
    end_queue(&mut one);
    assert_eq!(farm.told_asked(), ["batch.end b-1"]);
}

#[test]
fn a_wish_that_came_too_late_for_its_batch_is_told_at_the_end_of_the_queue() {
    let farm = asking();
    let (mut one, mut two) = (farm.start(), farm.start());
    report(&one, &frame("b", 1, 2));
    round(&mut one);
    report(&one, &wishing(3, 2));
    one.collect();
    report(&two, &frame("b", 2, 2));
    round(&mut two);
    round(&mut two);
    round(&mut one);
    end_queue(&mut one);
    assert_eq!(farm.told_asked(), ["queue.end b-3"]);
}
