use super::*;
use crate::property::cases;
use proptest::prelude::*;

const MIB: usize = 1024 * 1024;

fn head() -> NodeHead {
    NodeHead {
        node: "render-07".into(),
        host: "render-07.studio".into(),
        version: "1".into(),
        ..Default::default()
    }
}

fn post(events: &[ForwardedEvent]) -> Vec<u8> {
    let mut writer = PostWriter::new(&head());
    for event in events {
        assert!(writer.add(event.id, &event.kind, event.accepted_at, &event.data));
    }
    assert_eq!(writer.events(), events.len());
    writer.into_body()
}

fn event(number: u128, data: &str) -> ForwardedEvent {
    ForwardedEvent {
        id: EventId::new(1_700_000_000_000, number),
        kind: "task.complete".into(),
        accepted_at: 1_700_000_000_000,
        data: data.into(),
    }
}

#[test]
fn a_post_is_a_line_for_the_node_and_one_for_each_event() {
    let body = String::from_utf8(post(&[event(7, r#"{"id":1}"#)])).unwrap();
    let id = EventId::new(1_700_000_000_000, 7);
    let expected = [
        r#"{"node":"render-07","host":"render-07.studio","version":"1","waiting":0}"#.to_owned(),
        format!(r#"{{"id":"{id}","type":"task.complete","accepted_at":1700000000000,"data":{{"id":1}}}}"#),
    ];
    assert_eq!(body.lines().collect::<Vec<_>>(), expected);
    let queue = NodeHead { speaks_for: SpeaksFor::Queue, ..head() };
    let read = EventPost::read(&PostWriter::new(&queue).into_body(), MIB).unwrap();
    assert_eq!(read, EventPost { head: queue, events: Vec::new() });
}

#[test]
fn a_payload_over_several_lines_stays_one_record() {
    let body = post(&[event(1, "{\r\n \"a\": \"x\\ny\",\n\"b\": [1,\n2]\n}"), event(2, "{}")]);
    let read = EventPost::read(&body, MIB).unwrap();
    assert_eq!(read.events[0].data, br#"{"a":"x\ny","b":[1,2]}"#);
    assert_eq!(read.events.len(), 2);
}

#[test]
fn a_full_post_takes_no_more_and_one_event_alone_always_fits() {
    let large = format!("{{\"a\":\"{}\"}}", "x".repeat(3 * MIB));
    let mut writer = PostWriter::new(&head());
    assert!(writer.add(EventId::new(1, 1), "a", 1, large.as_bytes()));
    assert!(!writer.add(EventId::new(1, 2), "a", 1, b"{}"));
    let read = EventPost::read(&writer.into_body(), 4 * MIB).unwrap();
    assert_eq!((read.events.len(), read.events[0].data.len()), (1, large.len()));
    let mut writer = PostWriter::new(&head());
    let taken = (0..600).filter(|number| writer.add(EventId::new(1, *number), "a", 1, b"{}")).count();
    assert_eq!((taken, writer.events()), (MAX_POST_EVENTS, MAX_POST_EVENTS));
    assert!(EventPost::read(&writer.into_body(), MIB).is_ok());
}

#[test]
fn what_is_too_much_for_one_post_is_refused_as_a_whole() {
    let mut body = post(&[]);
    let line = post(&[event(1, "{}")]).split_off(body.len());
    (0..=MAX_POST_EVENTS).for_each(|_| body.extend_from_slice(&line));
    assert_eq!(EventPost::read(&body, MIB), Err(PostFault::TooLarge));
    let long = event(1, &format!("{{\"a\":\"{}\"}}", "x".repeat(700_000)));
    let mut body = post(std::slice::from_ref(&long));
    body.extend(post(&[long]).split_off(post(&[]).len()));
    assert_eq!(EventPost::read(&body, MIB), Err(PostFault::TooLarge));
}

#[test]
fn every_event_that_cannot_be_taken_is_named_with_its_reason() {
    let good = event(1, "{}");
    let mut body = post(&[]);
    let id = good.id;
    let lines = [
        "not json".to_owned(),
        "{}".to_owned(),
        format!(r#"{{"id":"{id}"}}"#),
        format!(r#"{{"id":"{id}","type":"A b","accepted_at":1,"data":{{}}}}"#),
        format!(r#"{{"id":"{id}","type":"a","accepted_at":-1,"data":{{}}}}"#),
        format!(r#"{{"id":"{id}","type":"a","accepted_at":1,"data":[]}}"#),
        format!(r#"{{"id":"{id}","type":"a","accepted_at":1,"data":{{"a":"{}"}}}}"#, "x".repeat(100)),
        format!(r#"{{"id":"{id}","type":"a","accepted_at":1,"data":{{}}}}"#),
    ];
    body.extend(lines.join("\n").bytes());
    let Err(PostFault::Events(refused)) = EventPost::read(&body, 50) else { panic!("it was taken") };
    let places: Vec<_> = refused.iter().map(|one| (one.place, one.id)).collect();
    let some = Some(id);
    assert_eq!(places, [(1, None), (2, None), (3, some), (4, some), (5, some), (6, some), (7, some)]);
    assert!(refused[6].reason.contains("`queue.max_event_bytes` of the relay allows 50"), "{:?}", refused[6]);
    assert_eq!(read_refusals(&write_refusals(&refused)), refused);
    assert_eq!(read_refusals(b"nonsense"), []);
}

#[test]
fn a_first_line_without_a_node_is_no_head() {
    let long = format!(r#"{{"node":"{}"}}"#, "x".repeat(257));
    for line in [
        "",
        "x",
        "[]",
        "{}",
        r#"{"node":""}"#,
        r#"{"node":7}"#,
        r#"{"node":"a\nb"}"#,
        &long,
        r#"{"node":"a","speaks_for":"all"}"#,
    ] {
        assert!(matches!(EventPost::read(line.as_bytes(), MIB), Err(PostFault::Head(_))), "{line}");
    }
    let read = EventPost::read(br#"{"node":"a","later":1}"#, MIB).unwrap();
    assert_eq!((read.head.host.as_str(), read.head.waiting), ("a", 0));
}

fn events() -> impl Strategy<Value = ForwardedEvent> {
    let data = prop::sample::select(vec![
        "{}",
        r#"{"a":1}"#,
        "{\"a\":\n[1,\r\n2]}",
        r#"{"é":"\n\"","b":{"c":null}}"#,
    ]);
    let kind = prop::sample::select(vec!["task.complete", "queue.end", "a_b.c1"]);
    (any::<u128>(), 0..=i64::MAX, data, kind).prop_map(|(number, accepted_at, data, kind)| ForwardedEvent {
        id: EventId::new(accepted_at, number),
        kind: kind.to_owned(),
        accepted_at,
        data: data.into(),
    })
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn what_a_node_writes_the_relay_reads(
        events in prop::collection::vec(events(), 0..20),
        node in "[a-zé \"\\\\]{1,20}",
        waiting in 0..u64::from(u32::MAX),
        sent_at in proptest::option::of(any::<i64>()),
        timeline in proptest::option::of("[0-9]{1,19}/[0-9A-F]{1,8}"),
    ) {
        let head = NodeHead { node: node.clone(), host: node, waiting, sent_at, timeline, ..NodeHead::default() };
        let mut writer = PostWriter::new(&head);
        for event in &events {
            prop_assert!(writer.add(event.id, &event.kind, event.accepted_at, &event.data));
        }
        let read = EventPost::read(&writer.into_body(), MIB);
        let events: Vec<_> = events.into_iter().map(|event| ForwardedEvent {
            data: Payload::read(&event.data).unwrap().text().to_vec(),
            ..event
        }).collect();
        prop_assert_eq!(read, Ok(EventPost { head, events }));
    }

    #[test]
    fn no_body_is_more_than_refused(
        mut body in prop::collection::vec(any::<u8>(), 0..200),
        at in 0_usize..400,
        byte in any::<u8>(),
    ) {
        let _ = EventPost::read(&body, MIB);
        let mut known = post(&[event(1, r#"{"a":[1,2]}"#), event(2, "{}")]);
        let at = at % known.len();
        known[at] = byte;
        let _ = EventPost::read(&known, MIB);
        known.truncate(at);
        known.append(&mut body);
        let _ = EventPost::read(&known, MIB);
        let _ = read_refusals(&known);
    }
}
