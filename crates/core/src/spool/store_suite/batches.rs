//! Batches.

use super::*;
use serde_json::Value as Json;

fn task(id: &str, total: u64, at: i64) -> BatchTask {
    let task: Json =
        json!({"id": id, "queue": "film", "duration_s": 0, "batch": {"id": "b", "total": total}});
    BatchTask::new(&Task::read(task.as_object().unwrap()), None, at).unwrap()
}

fn count(store: &mut impl Store, tasks: &[BatchTask], at: i64) -> BatchCounts {
    write(store, |batch| batch.count_batches(tasks.iter(), BatchWatch::default(), at).unwrap())
}

fn ends(counts: &BatchCounts) -> Vec<(&str, u64)> {
    counts.ended.iter().map(|ended| (ended.id.as_str(), ended.tally.tally.total)).collect()
}

pub fn a_task_is_counted_once_and_a_batch_ends_once(place: &impl Place) {
    let mut store = place.open("me");
    assert!(ends(&count(&mut store, &[task("a", 3, 1), task("b", 3, 1), task("a", 3, 1)], 1)).is_empty());
    let mut batch = store.begin().unwrap();
    let undone = batch.count_batches([task("c", 3, 2)].iter(), BatchWatch::default(), 2).unwrap();
    assert_eq!(ends(&undone), [("b", 3)]);
    drop(batch);
    assert!(!store.batch_has_told("b", "c").unwrap());
    assert!(ends(&count(&mut store, &[task("a", 3, 3), task("b", 3, 3)], 3)).is_empty(), "they are known");
    drop(store);
    let mut store = place.open("next");
    let last = count(&mut store, &[task("c", 3, 4), task("c", 3, 4)], 4);
    assert_eq!(ends(&last), [("b", 3)], "what was not committed is counted again, and once");
    assert!(ends(&count(&mut store, &[task("c", 3, 4), task("a", 3, 4)], 5)).is_empty());
    assert!(store.batch_went_on("b").unwrap(), "it has ended");
    for (key, told) in [("a", true), ("c", true), ("d", false)] {
        assert_eq!(store.batch_has_told("b", key).unwrap(), told, "{key}");
    }
}

pub fn a_batch_is_told_of_once_until_it_goes_on(place: &impl Place) {
    let mut store = place.open("me");
    let look = |store: &mut _, watch| write(store, |batch: &mut _| watched(batch, watch));
    let stalled = |since| BatchWatch { stalled_since: Some(since), ..BatchWatch::default() };
    let untold = |since| BatchWatch { untold_since: Some(since), ..BatchWatch::default() };
    count(&mut store, &[task("a", 3, 100)], 100);
    assert_eq!(store.batch_waits_since(BatchNews::Standstill).unwrap(), Some(100));
    assert_eq!(look(&mut store, stalled(99)), [0, 0]);
    assert_eq!(look(&mut store, stalled(100)), [1, 0]);
    assert_eq!(look(&mut store, stalled(999)), [0, 0]);
    assert_eq!(store.batch_waits_since(BatchNews::Standstill).unwrap(), None);
    assert!(!store.batch_went_on("b").unwrap());
    assert!(store.batch_waits_since(BatchNews::Progress).unwrap().is_some());
    assert_eq!(look(&mut store, untold(999)), [0, 1]);
    assert_eq!(look(&mut store, untold(9_999)), [0, 0]);
    assert_eq!(store.batch_waits_since(BatchNews::Progress).unwrap(), None);
    count(&mut store, &[task("b", 3, 20_000)], 20_000);
    assert!(store.batch_went_on("b").unwrap());
    assert_eq!(look(&mut store, untold(19_999)), [0, 1]);
    assert_eq!(look(&mut store, stalled(20_000)), [1, 0]);
}

/// How many batches stall and how many are told of their progress.
fn watched(batch: &mut impl Batch, watch: BatchWatch) -> [usize; 2] {
    let counts = batch.count_batches([].iter(), watch, 10_000).unwrap();
    [counts.stalled.len(), counts.progressed.len()]
}
