use super::*;
use crate::event::EventId;
use crate::property::cases;
use proptest::prelude::*;
use serde_json::json;
use serde_json::{Map, Value as Json};

fn task(json: Json) -> Task {
    Task::read(json.as_object().unwrap())
}

fn end(due_s: u64) -> HeldEnd {
    HeldEnd {
        id: EventId::new(1, 1),
        ticket: 9,
        accepted_at: 5_000,
        idle_since: 5_000,
        payload: Map::new(),
        due: Duration::from_secs(due_s),
        worked: false,
    }
}

#[test]
fn a_task_within_the_delay_keeps_the_queue_open() {
    let mut tally = Tally::default();
    tally.count(&task(json!({})), 1_000);
    assert!(tally.hold(DEFAULT_QUEUE, end(10)).is_none());
    assert_eq!(tally.next_due(), Some(Duration::from_secs(10)));
    assert!(tally.ended(Duration::from_secs(9)).is_empty());
    assert_eq!(tally.count(&task(json!({})), 2_000).map(|held| held.ticket), Some(9));
    assert!(tally.ended(Duration::from_secs(100)).is_empty());
    tally.hold(DEFAULT_QUEUE, end(110));
    let ended = tally.ended(Duration::from_secs(110));
    assert_eq!(ended.len(), 1);
    assert_eq!(ended[0].1.total, 2);
    assert!(tally.so_far(DEFAULT_QUEUE).is_none(), "a new busy period counts from nothing");
}

#[test]
fn the_count_survives_a_restart() {
    let mut tally = Tally::default();
    tally.count(&task(json!({"queue": "film", "status": "error", "name": "a"})), 1_000);
    tally.hold("film", end(3));
    let changes = tally.changes();
    assert_eq!(changes.len(), 1);
    assert!(tally.changes().is_empty());

    let mut next = Tally::default();
    let kept = changes[0].1.as_deref().unwrap();
    assert!(next.restore("film", kept, Duration::from_secs(50), Duration::from_secs(1)));
    assert_eq!(next.so_far("film").unwrap().failed, 1);
    let ended = next.ended(Duration::from_secs(51));
    assert_eq!((ended[0].2.id, ended[0].2.ticket), (EventId::new(1, 1), 0));
    assert_eq!(next.changes(), vec![("film".to_owned(), None)]);
    assert!(!next.restore("film", b"{broken", Duration::ZERO, Duration::ZERO));
}

#[test]
fn queue_names_from_outside_cannot_grow_the_tally_without_bound() {
    let mut tally = Tally::default();
    for number in 0..MAX_QUEUES + 10 {
        tally.count(&task(json!({"queue": format!("q{number}")})), number as i64);
    }
    assert_eq!(tally.open.len(), MAX_QUEUES);
    assert!(tally.so_far("q0").is_none(), "the quietest went first");
    assert_eq!(tally.forgotten().len(), 10);
}

#[test]
fn a_queue_falls_idle_once_its_tasks_are_done_and_nobody_speaks_of_it() {
    let (second, after) = (Duration::from_secs(1), Duration::from_secs(30));
    let mut tally = Tally { idle_end: Some(after), ..Tally::default() };
    tally.start("announced", 0);
    tally.stir("announced", second);
    assert!(tally.is_idle("film"));
    tally.count(&task(json!({"queue": "film"})), 1_000);
    tally.stir("film", second);
    assert!(!tally.is_idle("film"));
    assert_eq!(tally.next_due(), Some(31 * second));
    tally.stir("film", 20 * second);
    assert!(tally.fallen_idle(49 * second).is_empty());
    let ended = tally.fallen_idle(50 * second);
    assert_eq!((ended.len(), ended[0].0.as_str(), ended[0].1.total), (1, "film", 1));
    assert!(tally.fallen_idle(Duration::MAX).is_empty() && tally.is_idle("film"));
    assert!(tally.changes().contains(&("film".to_owned(), None)));

    tally.count(&task(json!({"queue": "film"})), 2_000);
    tally.hold("film", end(100));
    assert!(tally.fallen_idle(Duration::MAX).is_empty(), "its end is known already");
}

#[test]
fn the_end_that_a_dead_process_told_ends_only_what_nobody_is_at() {
    let mut dead = Tally::default();
    dead.count(&task(json!({"queue": "film"})), 1_000);
    dead.hold("film", end(3));
    let kept = dead.changes().remove(0).1.unwrap();
    let restore = |tally: &mut Tally| tally.restore("film", &kept, Duration::ZERO, Duration::ZERO);

    let mut living = Tally::default();
    living.count(&task(json!({"queue": "film"})), 2_000);
    assert!(restore(&mut living));
    assert!(living.ended(Duration::MAX).is_empty(), "it is at work");
    living.hold("film", end(9));
    let ended = living.ended(Duration::MAX);
    assert_eq!((ended.len(), ended[0].1.total), (1, 2));

    let mut heir = Tally::default();
    assert!(restore(&mut heir) && restore(&mut heir));
    let ended = heir.ended(Duration::MAX);
    assert_eq!((ended.len(), ended[0].1.total, ended[0].2.idle_since), (1, 2, 5_000));
}

/// What two tallies of the same events find by this time, of which one walks all queues each time.
fn assert_same_due(tally: &mut Tally, walking: &mut Tally, now: Duration) {
    walking.forget_times();
    let (due, exact) = (tally.next_due(), walking.next_due());
    assert!(exact.is_none_or(|exact| due.is_some_and(|due| due <= exact)), "{due:?} {exact:?}");
    let held = tally.open.values().filter(|open| open.end.is_some()).count();
    assert_eq!((tally.held(), walking.held()), (held, held));
    let found = |tally: &mut Tally| {
        let ended: Vec<String> = tally.ended(now).into_iter().map(|(name, ..)| name).collect();
        let idle: Vec<String> = tally.fallen_idle(now).into_iter().map(|(name, _)| name).collect();
        let told: Vec<String> = tally.progressed(now).into_iter().map(|(name, _)| name).collect();
        (ended, idle, told)
    };
    assert_eq!(found(tally), found(walking));
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn what_is_due_is_found_as_by_a_walk_over_all_queues(
        steps in prop::collection::vec((0..6_u8, 0..4_u8, 0..20_u64), 1..60),
        idle_end in prop::option::of(5..30_u64),
        progress in prop::option::of(5..30_u64),
    ) {
        let (idle_end, progress) = (idle_end.map(Duration::from_secs), progress.map(Duration::from_secs));
        let mut tally = Tally { idle_end, progress, ..Tally::default() };
        let mut walking = tally.clone();
        let mut now = Duration::ZERO;
        for (step, queue, later) in steps {
            now += Duration::from_secs(later / 2);
            let queue = format!("q{queue}");
            let at = now.as_millis() as i64 + 1;
            for tally in [&mut tally, &mut walking] {
                match step {
                    0 => drop(tally.count(&task(json!({ "queue": queue })), at)),
                    1 => drop(tally.tick(&queue, at)),
                    2 => drop(tally.start(&queue, at)),
                    3 => drop(tally.hold(&queue, end(now.as_secs() + later))),
                    _ => {}
                }
                if step < 5 {
                    tally.stir(&queue, now);
                }
            }
            assert_same_due(&mut tally, &mut walking, now);
        }
    }
}
