use super::super::batches;
use super::*;
use crate::event::EventId;
use crate::spool::tests::{spool, write};
use crate::tally::{EndRequest, Task};
use serde_json::{Value as Json, json};

fn seconds(count: i64) -> i64 {
    count * 1000
}

fn batch_task(task: &Json, at_s: i64) -> BatchTask {
    let task = Task::read(task.as_object().unwrap());
    BatchTask::new(&task, None, seconds(at_s)).unwrap()
}

fn count(spool: &mut Spool, task: &Json, at_s: i64) -> BatchCounts {
    count_all(spool, &[batch_task(task, at_s)], at_s)
}

fn count_all(spool: &mut Spool, tasks: &[BatchTask], at_s: i64) -> BatchCounts {
    write(spool, |batch| batch.count_batches(tasks.iter(), BatchWatch::default(), seconds(at_s)).unwrap())
}

fn stalled(spool: &mut Spool, since_s: i64) -> Vec<ToldBatch> {
    let watch = BatchWatch { stalled_since: Some(seconds(since_s)), ..BatchWatch::default() };
    write(spool, |batch| batch.count_batches([].iter(), watch, 0).unwrap()).stalled
}

fn ends(counts: &BatchCounts) -> Vec<(&str, u64)> {
    counts.ended.iter().map(|ended| (ended.id.as_str(), ended.tally.tally.total)).collect()
}

fn frame(id: u64, total: u64) -> Json {
    json!({"id": id, "queue": "film", "duration_s": 0, "batch": {"id": "b", "total": total}})
}

fn rows(spool: &Spool, table: &str) -> usize {
    let sql = format!("SELECT count(*) FROM {table}");
    spool.conn.query_row(&sql, [], |row| row.get::<_, i64>(0)).unwrap() as usize
}

#[test]
fn the_largest_total_counts_and_a_batch_without_one_never_ends() {
    let mut spool = spool("me");
    for (id, total) in [(1, 2), (2, 4), (3, 1)] {
        assert!(count(&mut spool, &frame(id, total), 1).ended.is_empty());
    }
    assert_eq!(ends(&count(&mut spool, &frame(4, 1), 1)), [("b", 4)]);
    for _ in 0..100 {
        assert!(count(&mut spool, &json!({"batch": {"id": "open"}}), 1).ended.is_empty());
    }
}

#[test]
fn a_batch_that_stands_still_is_told_of_once_until_it_goes_on() {
    let mut spool = spool("me");
    count(&mut spool, &frame(1, 3), 100);
    assert_eq!(spool.stillest_batch().unwrap(), Some(seconds(100)));
    assert!(stalled(&mut spool, 99).is_empty());
    let told = stalled(&mut spool, 100);
    assert_eq!((told[0].id.as_str(), told[0].tally.tally.total, told[0].tally.expected), ("b", 1, 3));
    assert!(stalled(&mut spool, 9_399).is_empty() && spool.stillest_batch().unwrap().is_none());
    count(&mut spool, &frame(1, 3), 10_000);
    assert!(spool.stillest_batch().unwrap().is_none(), "a task that is known already is no progress");
    count(&mut spool, &frame(2, 3), 20_000);
    assert_eq!(stalled(&mut spool, 20_000).len(), 1);
    count(&mut spool, &frame(3, 3), 20_601);
    assert!(spool.stillest_batch().unwrap().is_none(), "it has ended");
}

#[test]
fn a_late_task_does_not_begin_an_ended_batch_and_a_new_run_does() {
    let mut spool = spool("me");
    assert_eq!(ends(&count(&mut spool, &frame(1, 1), 100)), [("b", 1)]);
    let late = json!({"id": 2, "duration_s": 50, "batch": {"id": "b", "total": 1}});
    let late = count(&mut spool, &late, 110);
    assert!(late.ended.is_empty() && late.remarks[0].contains("`b` came after"), "it began before the end");
    assert!(ends(&count(&mut spool, &frame(1, 1), 3_700)).is_empty(), "it is known");
    assert_eq!(
        ends(&count(&mut spool, &frame(1, 1), 3_701)),
        [("b", 1)],
        "an hour later it is another batch"
    );
    let mut later = vec![batch_task(&frame(7, 2), 3_702)];
    assert!(count_all(&mut spool, &later, 3_702).ended.is_empty(), "it began after the end");
    let late = json!({"id": "late", "duration_s": 50, "batch": {"id": "b", "total": 2}});
    later = vec![batch_task(&late, 3_703), batch_task(&frame(7, 1), 3_800)];
    let counts = count_all(&mut spool, &later, 3_800);
    assert_eq!(ends(&counts), [("b", 2)], "one late task does not undo the later batch");
    assert!(counts.remarks.is_empty());
}

#[test]
fn the_last_tasks_of_a_batch_are_known_and_their_rows_are_bounded() {
    let mut spool = spool("me");
    let task = |id: u64| batch_task(&json!({"id": id, "batch": {"id": "b"}}), 1);
    let most = 3 * KNOWN_TASKS;
    let tasks: Vec<BatchTask> = (0..most).map(task).collect();
    count_all(&mut spool, &tasks, 1);
    assert!(rows(&spool, "batch_tasks") <= (KNOWN_TASKS + KNOWN_PORTION) as usize);
    let repeated: Vec<BatchTask> = (most - KNOWN_TASKS..most).map(task).collect();
    count_all(&mut spool, &repeated, 1);
    assert_eq!(stalled(&mut spool, 1)[0].tally.tally.total, most);
    count_all(&mut spool, &[task(0)], 1);
    assert_eq!(stalled(&mut spool, 1)[0].tally.tally.total, most + 1, "the first ones are forgotten");
}

#[test]
fn ids_from_outside_cannot_grow_it_without_bound() {
    let mut spool = spool("me");
    let of = |id: usize, total: u64| json!({"batch": {"id": format!("b{id}"), "total": total}});
    count(&mut spool, &of(0, 9), 1);
    count(&mut spool, &of(1, 1), 2);
    let open: Vec<BatchTask> = (2..MAX_BATCHES + 1).map(|id| batch_task(&of(id, 9), 3)).collect();
    assert!(count_all(&mut spool, &open, 3).remarks.is_empty(), "one that has ended goes first");
    assert_eq!(rows(&spool, "batches"), MAX_BATCHES);
    let given_up = count(&mut spool, &of(9_999, 9), 4).remarks.remove(0);
    assert!(given_up.starts_with("batch `b0` is given up at 1 of 9 tasks"), "{given_up}");
    assert_eq!(rows(&spool, "batches"), MAX_BATCHES);
}

#[test]
fn none_that_ends_in_a_transaction_is_given_up_however_many_there_are() {
    let mut spool = spool("me");
    let of =
        |id: usize, total: u64| batch_task(&json!({"batch": {"id": format!("b{id}"), "total": total}}), 1);
    count_all(&mut spool, &[of(9_999, 9)], 1);
    let tasks: Vec<BatchTask> = (0..MAX_BATCHES + 500).map(|id| of(id, 1)).collect();
    let counts = count_all(&mut spool, &tasks, 2);
    assert_eq!((counts.ended.len(), counts.remarks.len()), (MAX_BATCHES + 500, 0));
    count_all(&mut spool, &[of(10_000, 9)], 3);
    assert!(rows(&spool, "batches") <= MAX_BATCHES);
    assert_eq!(stalled(&mut spool, 3).len(), 2, "those that are open are still there");
}

#[test]
fn wishes_are_known_by_the_task_or_its_event_until_the_end_tells_them() {
    let mut spool = spool("me");
    let task = |id: Json| json!({"id": id, "batch": {"id": "b", "total": 2}});
    let wishing = |task: &Json, number: u32| {
        let fields = task.as_object().unwrap();
        let asked = EndRequest::by(EventId::new(1, number.into()), fields, &[], &serde_json::Map::new());
        BatchTask::new(&Task::read(fields), Some(asked), 1).unwrap()
    };
    let (first, second) = (wishing(&task(json!("a")), 1), wishing(&task(Json::Null), 2));
    count_all(&mut spool, &[first], 1);
    assert!(!spool.batch_has_told("b", "a").unwrap());
    let late = wishing(&task(json!("c")), 3);
    let ended = count_all(&mut spool, &[second.clone(), late], 1).ended.remove(0);
    assert_eq!(ended.tally.tally.asked.iter().count(), 1, "the last one of those with the same endpoints");
    let key = second.key.unwrap();
    for (key, told) in [("a", true), (key.as_str(), true), ("c", false)] {
        assert_eq!((ended.has_counted(key), spool.batch_has_told("b", key).unwrap()), (told, told), "{key}");
    }
}

#[test]
fn ended_batches_are_pruned_in_portions_and_open_ones_stay() {
    let mut spool = spool("me");
    let of = |id: usize, total: u64| {
        batch_task(&json!({"id": 1, "batch": {"id": format!("b{id}"), "total": total}}), 1)
    };
    let tasks: Vec<BatchTask> = (0..20).map(|id| of(id, 1)).chain([of(99, 2)]).collect();
    count_all(&mut spool, &tasks, 1);
    assert_eq!(batches::prune(&spool.conn, seconds(1)).unwrap(), 0);
    assert_eq!(spool.prune(i64::MAX).unwrap(), MOST_PRUNED as usize);
    assert_eq!(spool.prune(i64::MAX).unwrap(), 4);
    assert_eq!(
        (spool.prune(i64::MAX).unwrap(), rows(&spool, "batches"), rows(&spool, "batch_tasks")),
        (0, 1, 1)
    );
}

#[test]
fn the_hash_is_the_published_one() {
    let published = [0xcbf2_9ce4_8422_2325_u64, 0xaf63_dc4c_8601_ec8c];
    assert_eq!([task_hash(""), task_hash("a")], published.map(u64::cast_signed));
}
