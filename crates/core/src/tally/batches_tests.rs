use super::*;
use serde_json::{Value as Json, json};

const STALL: Duration = Duration::from_secs(600);

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn count(batches: &mut Batches, task: Json, at_s: u64) -> Step {
    let task = Task::read(task.as_object().unwrap());
    batches.count(task.batch.as_ref().unwrap(), &task, at_s as i64 * 1000, seconds(at_s))
}

fn frame(id: u64, total: u64) -> Json {
    json!({"id": id, "queue": "film", "duration_s": 0, "batch": {"id": "b", "total": total}})
}

#[test]
fn a_batch_ends_once_when_its_total_has_completed_in_any_order() {
    let mut batches = Batches::default();
    let steps: Vec<Step> =
        [3, 1, 3, 2, 1].into_iter().map(|id| count(&mut batches, frame(id, 3), 5)).collect();
    assert_eq!(steps, [Step::Counted, Step::Counted, Step::Repeated, Step::Ended, Step::Repeated]);
    let batch = batches.get("b").unwrap();
    assert_eq!((batch.tally.total, batch.expected, batch.queue.as_str()), (3, 3, "film"));
    assert!(batches.completed().is_empty());
}

#[test]
fn the_largest_total_counts_and_a_batch_without_one_never_ends() {
    let mut batches = Batches::default();
    count(&mut batches, frame(1, 2), 1);
    assert_eq!(count(&mut batches, frame(2, 4), 1), Step::Counted);
    assert_eq!(count(&mut batches, frame(3, 1), 1), Step::Counted);
    assert_eq!(count(&mut batches, frame(4, 1), 1), Step::Ended);
    for _ in 0..100 {
        assert_eq!(count(&mut batches, json!({"batch": {"id": "open"}}), 1), Step::Counted);
    }
}

#[test]
fn the_count_goes_on_after_a_restart_and_two_halves_make_a_whole() {
    let mut kept = Vec::new();
    for ids in [[1, 2], [3, 4]] {
        let mut half = Batches::default();
        for id in ids {
            assert_eq!(count(&mut half, frame(id, 5), 1), Step::Counted);
        }
        kept.extend(half.changes());
    }
    let mut whole = Batches::default();
    for (id, state) in &kept {
        assert!(whole.restore(id, state.as_deref().unwrap(), seconds(9)));
    }
    assert!(whole.completed().is_empty());
    assert_eq!(count(&mut whole, frame(1, 5), 2), Step::Repeated);
    assert!(whole.restore("b", kept[0].1.as_deref().unwrap(), seconds(9)));
    assert!(whole.completed().is_empty(), "what both have counted counts once");
    let mut rest = Batches::default();
    count(&mut rest, frame(5, 5), 3);
    assert!(whole.restore("b", rest.changes()[0].1.as_deref().unwrap(), seconds(9)));
    assert_eq!(whole.completed(), ["b"], "enough was counted elsewhere");
    assert!(whole.completed().is_empty());
    assert!(!whole.restore("b", b"{", seconds(9)));
}

#[test]
fn a_batch_that_stands_still_is_told_of_once_until_it_goes_on() {
    let mut batches = Batches::default();
    count(&mut batches, frame(1, 3), 100);
    assert_eq!(batches.next_stall(STALL), Some(seconds(700)));
    assert!(batches.stalled(seconds(699), STALL).is_empty());
    assert_eq!(batches.stalled(seconds(700), STALL), ["b"]);
    assert!(batches.stalled(seconds(9_999), STALL).is_empty() && batches.next_stall(STALL).is_none());
    count(&mut batches, frame(1, 3), 10_000);
    assert!(batches.next_stall(STALL).is_none(), "a task that is known already is no progress");

    let state = batches.changes().remove(0).1.unwrap();
    let mut batches = Batches::default();
    batches.restore("b", &state, seconds(0));
    assert!(batches.stalled(seconds(9_999), STALL).is_empty(), "nor is a restart");
    count(&mut batches, frame(2, 3), 20_000);
    assert_eq!(batches.stalled(seconds(20_600), STALL), ["b"]);
    count(&mut batches, frame(3, 3), 20_601);
    assert!(batches.next_stall(STALL).is_none(), "it has ended");
}

#[test]
fn a_late_task_does_not_begin_an_ended_batch_and_a_new_run_does() {
    let mut batches = Batches::default();
    assert_eq!(count(&mut batches, frame(1, 1), 100), Step::Ended);
    batches.told("b");
    let late = json!({"id": 2, "duration_s": 50, "batch": {"id": "b", "total": 1}});
    assert_eq!(count(&mut batches, late, 110), Step::Late, "it began before the end");
    assert_eq!(count(&mut batches, frame(1, 1), 3_700), Step::Repeated);
    assert_eq!(count(&mut batches, frame(1, 1), 3_701), Step::Ended, "an hour later it is another batch");
    assert_eq!(count(&mut batches, frame(7, 1), 3_702), Step::Ended, "it began after the end");
}

#[test]
fn ids_from_outside_cannot_grow_it_without_bound() {
    let mut batches = Batches::default();
    let of = |id: usize, total: u64| json!({"batch": {"id": format!("b{id}"), "total": total}});
    count(&mut batches, of(0, 9), 1);
    count(&mut batches, of(1, 1), 2);
    for id in 2..MAX_BATCHES + 1 {
        count(&mut batches, of(id, 9), 3);
    }
    assert!(batches.get("b0").is_some() && batches.get("b1").is_none(), "one that has ended goes first");
    assert!(batches.forgotten().is_empty());
    count(&mut batches, of(9_999, 9), 4);
    assert!(batches.get("b0").is_none() && batches.known.len() == MAX_BATCHES);
    assert!(batches.forgotten()[0].starts_with("batch `b0` is given up at 1 of 9 tasks"));
    assert!(batches.changes().contains(&("b0".to_owned(), None)));
}

#[test]
fn none_that_the_next_transaction_ends_is_given_up_however_many_there_are() {
    let mut batches = Batches::default();
    batches.set_in_company();
    let of = |id: usize, total: u64| json!({"batch": {"id": format!("b{id}"), "total": total}});
    let ids = || (0..MAX_BATCHES + 500).map(|id| format!("b{id}"));
    for id in 0..MAX_BATCHES + 500 {
        assert_eq!(count(&mut batches, of(id, 1), 1), Step::Counted);
    }
    assert!(batches.await_verdict() && batches.known.len() == MAX_BATCHES + 500);
    count(&mut batches, of(9_999, 9), 2);
    assert!(batches.forgotten().is_empty());
    assert_eq!(batches.changes().iter().filter(|(_, kept)| kept.is_some()).count(), MAX_BATCHES + 501);
    for id in ids() {
        let Verdict::Whole(sum) = batches.get(&id).unwrap().judge(&[]) else { panic!("{id} is whole") };
        batches.gather(&id, *sum);
    }
    assert_eq!(batches.take_whole().len(), MAX_BATCHES + 500);
    count(&mut batches, of(10_000, 9), 3);
    assert!(batches.known.len() <= MAX_BATCHES && batches.forgotten().is_empty());
    assert!(batches.get("b9999").is_some() && !batches.await_verdict());
}
