use super::*;
use crate::tally::{BatchRef, Step, Task};
use serde_json::{Value as Json, json};

const STALL: Duration = Duration::from_secs(600);

/// A process that knows that it is not alone.
fn one_of_many() -> Batches {
    let mut batches = Batches::default();
    batches.set_in_company();
    batches
}

fn count(batches: &mut Batches, task: Json, at_s: u64) -> Step {
    let task = Task::read(task.as_object().unwrap());
    let of = BatchRef { id: "b".into(), total: task.batch.as_ref().and_then(|of| of.total) };
    batches.count(&of, &task, at_s as i64 * 1000, Duration::from_secs(at_s))
}

fn frame(id: &str, status: &str) -> Json {
    json!({"id": id, "status": status, "duration_s": 1, "user": id, "batch": {"id": "b", "total": 4}})
}

fn part(owner: &str, batches: &Batches) -> Part {
    (owner.into(), batches.get("b").unwrap().clone())
}

fn sum(verdict: Verdict) -> BatchTally {
    match verdict {
        Verdict::Whole(sum) => *sum,
        other => panic!("{other:?}"),
    }
}

#[test]
fn parts_are_whole_together_and_a_task_in_two_of_them_counts_once() {
    let (mut one, mut two) = (one_of_many(), one_of_many());
    for id in ["1", "2"] {
        assert_eq!(count(&mut one, frame(id, "error"), 10), Step::Counted);
    }
    for id in ["2", "3"] {
        assert_eq!(count(&mut two, frame(id, "success"), 20), Step::Counted);
    }
    assert_eq!(two.get("b").unwrap().judge(&[part("one", &one)]), Verdict::Open, "three of four");
    assert_eq!(count(&mut two, frame("4", "cancelled"), 21), Step::Counted);
    let sum = sum(two.get("b").unwrap().judge(&[part("one", &one)]));
    let tally = &sum.tally;
    assert_eq!((tally.total, tally.succeeded, tally.failed, tally.cancelled), (4, 2, 1, 1));
    assert_eq!((tally.started_at, sum.over_at()), (9_000, Some(21_000)), "from the first to the last");
    let summary = tally.summary("film", 21_000, &serde_json::Map::new());
    assert_eq!(summary["users"].as_array().unwrap().len(), 4);
    assert_eq!(summary["failures"].as_array().unwrap().len(), 2);
}

#[test]
fn one_that_counts_alone_to_the_total_waits_for_the_verdict_when_it_is_not_alone() {
    let mut one = one_of_many();
    let steps: Vec<Step> =
        ["1", "2", "3", "4"].into_iter().map(|id| count(&mut one, frame(id, "success"), 1)).collect();
    assert_eq!(steps, [Step::Counted; 4]);
    let whole = sum(one.get("b").unwrap().judge(&[]));
    one.gather("b", whole);
    assert_eq!(count(&mut one, frame("2", "success"), 2), Step::Repeated);
    let told = one.take_whole();
    assert_eq!((told.len(), told[0].1.tally.total, one.take_whole().len()), (1, 4, 0));
    assert_eq!(one.told_whole(), ["b"]);
}

#[test]
fn a_part_that_begins_too_late_is_over_and_a_later_batch_of_the_same_id_is_not() {
    let mut one = one_of_many();
    for id in ["1", "2", "3", "4"] {
        count(&mut one, frame(id, "success"), 100);
    }
    let whole = sum(one.get("b").unwrap().judge(&[]));
    one.gather("b", whole);
    let ended = [part("one", &one)];

    let verdict = |task: Json, at_s: u64| {
        let mut two = one_of_many();
        count(&mut two, task, at_s);
        two.get("b").unwrap().judge(&ended)
    };
    let over = |verdict: Verdict| matches!(verdict, Verdict::Over(_));
    assert!(over(verdict(frame("9", "success"), 101)), "it began before the end");
    assert!(over(verdict(frame("3", "success"), 300)), "it was counted before");
    assert!(!over(verdict(frame("9", "success"), 102)));
    assert!(!over(verdict(frame("3", "success"), 3_701)), "an hour later it is another batch");

    let mut two = one_of_many();
    count(&mut two, frame("9", "success"), 102);
    two.settle("b");
    count(&mut two, json!({"id": "late", "duration_s": 50, "batch": {"id": "b", "total": 4}}), 103);
    assert!(!over(two.get("b").unwrap().judge(&ended)), "one late task does not undo the later batch");
}

#[test]
fn only_whoever_counted_last_tells_of_a_standstill_and_of_all_parts() {
    let (mut one, mut two) = (one_of_many(), one_of_many());
    count(&mut one, frame("1", "success"), 100);
    count(&mut two, frame("2", "success"), 400);
    let now = |at_s: u64| (Duration::from_secs(at_s), at_s as i64 * 1000);
    let at = now(700);
    assert_eq!(one.about_to_stall(at.0, STALL), ["b"]);
    one.hear("b", "one", &[part("two", &two)], STALL, at);
    assert!(one.stalled(at.0, STALL).is_empty(), "it goes on elsewhere");
    assert_eq!(one.next_stall(STALL), Some(Duration::from_secs(1000)));
    let at = now(1000);
    one.hear("b", "one", &[part("two", &two)], STALL, at);
    assert!(one.stalled(at.0, STALL).is_empty() && one.next_stall(STALL).is_none());
    two.hear("b", "two", &[part("one", &one)], STALL, at);
    assert_eq!(two.stalled(at.0, STALL), ["b"]);
    assert_eq!(two.with_elsewhere("b").unwrap().tally.total, 2);

    count(&mut one, frame("3", "success"), 2_000);
    let at = now(2_600);
    one.hear("b", "one", &[part("two", &two)], STALL, at);
    assert_eq!(one.stalled(at.0, STALL), ["b"], "it had gone on");
    assert_eq!(one.with_elsewhere("b").unwrap().tally.total, 3);
}

#[test]
fn a_standstill_nobody_told_of_is_told_by_the_heir() {
    let (mut one, mut two) = (one_of_many(), one_of_many());
    count(&mut one, frame("1", "success"), 100);
    count(&mut two, frame("2", "success"), 400);
    let at = (Duration::from_secs(1_000), 1_000_000);
    one.hear("b", "one", &[part("two", &two)], STALL, at);
    assert!(one.stalled(at.0, STALL).is_empty());
    one.restore("b", &two.get("b").unwrap().to_bytes(), at.0);
    assert_eq!(one.stalled(at.0, STALL), ["b"]);
}
