//! What an operator looks at over all deliveries.

use super::super::{
    DeliveryEnd, DeliverySelection, Filter, HourCount, Operator, Reader, SpoolOperator, SpoolReader,
};
use super::{attempt, place, ring, spool_at, write};

const HOUR: i64 = 3_600_000;

#[test]
fn dead_letters_are_grouped_by_their_reason_and_replayed_as_a_group() {
    let (_dir, path) = place();
    let mut spool = spool_at(&path, "me");
    let dead = |reason: &str| DeliveryEnd::Dead(reason.to_owned());
    write(&mut spool, |batch| {
        let numbers = ring(batch, 1, &["a", "b", "c"]);
        batch.end(numbers[0], &dead("answered 500"), 10).unwrap();
        batch.end(numbers[1], &dead("answered 500"), 20).unwrap();
        batch.end(numbers[2], &dead("gone"), 15).unwrap();
    });
    let groups = SpoolReader::open(&path).unwrap().dead_groups(10).unwrap();
    let seen: Vec<_> = groups
        .iter()
        .map(|group| (group.reason.as_str(), group.count(), group.first_at, group.last_at))
        .collect();
    assert_eq!(seen, [("answered 500", 2, 10, 20), ("gone", 1, 15, 15)]);
    assert_eq!(groups[0].endpoints.keys().collect::<Vec<_>>(), ["a", "b"]);
    let group = DeliverySelection { reason: Some("answered 500".into()), ..DeliverySelection::default() };
    assert_eq!(SpoolOperator::open(&path).unwrap().replay(&group, 30).unwrap().due, 2);
    let left = SpoolReader::open(&path).unwrap().dead_groups(10).unwrap();
    assert_eq!(left.iter().map(|group| group.reason.as_str()).collect::<Vec<_>>(), ["gone"]);
}

#[test]
fn the_backlog_of_an_endpoint_has_its_last_answer_whichever_attempt_it_was() {
    let (_dir, path) = place();
    let mut spool = spool_at(&path, "me");
    write(&mut spool, |batch| {
        let numbers = ring(batch, 1, &["a", "b"]);
        batch.attempt(&attempt(numbers[0], 1)).unwrap();
        batch.attempt(&attempt(numbers[0], 2)).unwrap();
        let mut plain = attempt(numbers[1], 1);
        (plain.outcome, plain.error, plain.next_at, plain.status) = ("delivered", None, None, Some(200));
        batch.attempt(&plain).unwrap();
        batch.end(numbers[1], &DeliveryEnd::Delivered, 1001).unwrap();
    });
    let backlogs = SpoolReader::open(&path).unwrap().backlogs().unwrap();
    let last = |name: &str| backlogs[name].last.clone().unwrap();
    assert_eq!((backlogs["a"].pending, last("a").at, last("a").status), (1, 2000, Some(503)));
    assert_eq!((backlogs["b"].pending, last("b").at, last("b").outcome.as_str()), (0, 1000, "delivered"));
}

#[test]
fn ended_deliveries_are_counted_by_the_hour() {
    let (_dir, path) = place();
    let mut spool = spool_at(&path, "me");
    write(&mut spool, |batch| {
        let numbers = ring(batch, 1, &["a", "b", "c"]);
        batch.end(numbers[0], &DeliveryEnd::Delivered, HOUR + 1).unwrap();
        batch.end(numbers[1], &DeliveryEnd::Dead("gone".into()), 2 * HOUR - 1).unwrap();
        batch.end(numbers[2], &DeliveryEnd::Delivered, 5 * HOUR).unwrap();
    });
    let reader = SpoolReader::open(&path).unwrap();
    let hours = reader.hours(0).unwrap();
    let first = HourCount { from: HOUR, delivered: 1, dead: 1 };
    assert_eq!(hours, [first, HourCount { from: 5 * HOUR, delivered: 1, dead: 0 }]);
    assert_eq!(reader.hours(3 * HOUR).unwrap().len(), 1);
    assert_eq!(reader.ended_since(0, 10).unwrap().len(), 3);
}

#[test]
fn a_page_begins_where_the_one_before_ended_and_a_text_is_no_pattern() {
    let (_dir, path) = place();
    let mut spool = spool_at(&path, "me");
    write(&mut spool, |batch| (1..=5).for_each(|number| drop(ring(batch, number, &["a"]))));
    let reader = SpoolReader::open(&path).unwrap();
    let numbers = |filter: Filter| -> Vec<i64> {
        reader.list(&filter).unwrap().iter().map(|row| row.delivery).collect()
    };
    let two = Filter { limit: 2, ..Filter::default() };
    let first = numbers(two.clone());
    let second = numbers(Filter { before: Some(first[1]), ..two.clone() });
    assert_eq!((first[1] - 1, second.len()), (second[0], 2));
    let all = Filter { limit: 10, ..Filter::default() };
    assert_eq!(numbers(Filter { from: Some(first[1]), ..all.clone() }), first);
    assert_eq!(numbers(Filter { since_ms: Some(4), ..all.clone() }).len(), 2);
    assert_eq!(numbers(Filter { hook: Some("hooks[0]".into()), ..all.clone() }).len(), 5);
    for (text, found) in [("\"N\":1", 5), ("DONE", 5), ("d%e", 0), ("d_ne", 0), ("\\", 0)] {
        assert_eq!(numbers(Filter { text: Some(text.into()), ..all.clone() }).len(), found, "{text}");
    }
}
