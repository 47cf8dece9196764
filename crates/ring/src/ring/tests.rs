use super::*;
use crate::header::{MIN_CAPACITY, PAGE_BYTES};
use proptest::prelude::*;
use std::collections::{HashMap, VecDeque};
use std::thread;
use std::time::{Duration, Instant};

/// Where threads meet, a ring that goes round often. Miri is slow: there it is small, with short payloads.
const CROWDED: usize = if cfg!(miri) { 4096 } else { MIN_CAPACITY };
const LONGEST: u64 = if cfg!(miri) { 50 } else { 700 };

fn ring() -> Ring {
    ring_of(MIN_CAPACITY)
}

fn ring_of(capacity: usize) -> Ring {
    Ring::create(Region::memory(PAGE_BYTES + capacity), Header { capacity, key: 7 })
}

fn push(ring: &Ring, payload: &[u8]) -> Result<Accepted, Refusal> {
    ring.push("task.complete", payload, 5, |ticket| EventId::new(1, u128::from(ticket)))
}

fn read(ring: &Ring) -> Vec<Record> {
    let mut records = Vec::new();
    ring.read(usize::MAX, &mut records);
    records
}

/// A payload that can be told whole from its first 12 bytes.
fn payload(producer: u32, number: u64, length: usize) -> Vec<u8> {
    let mut bytes = [&producer.to_le_bytes()[..], &number.to_le_bytes()].concat();
    bytes.extend((0..length).map(|index| (index as u64 ^ number ^ u64::from(producer)) as u8));
    bytes
}

#[test]
fn what_many_threads_push_is_read_once_whole_and_in_each_threads_order() {
    const PRODUCERS: u32 = 4;
    const EACH: u64 = if cfg!(miri) { 40 } else { 3000 };
    let ring = ring_of(CROWDED);
    let mut records = Vec::new();
    // Miri is slow, and its clock counts its own steps.
    let deadline = Instant::now() + Duration::from_secs(if cfg!(miri) { 3600 } else { 30 });
    thread::scope(|scope| {
        for producer in 0..PRODUCERS {
            let ring = &ring;
            scope.spawn(move || {
                let mut last = 0;
                for number in 0..EACH {
                    let bytes = payload(producer, number, (number * 37 % LONGEST) as usize);
                    let accepted = loop {
                        match push(ring, &bytes) {
                            Ok(accepted) => break accepted,
                            Err(refusal) => assert_eq!(refusal, Refusal::Full),
                        }
                        assert!(Instant::now() < deadline, "no room came");
                        thread::yield_now();
                    };
                    assert!(accepted.ticket > last, "tickets rise");
                    last = accepted.ticket;
                }
            });
        }
        while records.len() < (u64::from(PRODUCERS) * EACH) as usize {
            assert!(Instant::now() < deadline, "only {} records came", records.len());
            ring.read(20_000, &mut records);
            ring.release();
        }
    });
    let laps = if cfg!(miri) { 2 } else { 20 };
    assert!(ring.head() > laps * ring.capacity(), "the ring went round many times");

    let (mut next, mut last) = (HashMap::new(), 0);
    for record in &records {
        let producer = u32::from_le_bytes(record.payload[..4].try_into().unwrap());
        let number = u64::from_le_bytes(record.payload[4..12].try_into().unwrap());
        let expected = next.entry(producer).or_insert(0);
        assert_eq!(number, *expected);
        *expected += 1;
        assert_eq!(record.payload, payload(producer, number, (number * 37 % LONGEST) as usize));
        assert!(record.ticket > last, "in the order of tickets");
        assert_eq!(record.id, EventId::new(1, u128::from(record.ticket)));
        last = record.ticket;
    }
    assert_eq!((ring.used(), ring.corrupt()), (0, 0));
}

#[test]
fn a_full_ring_refuses_and_takes_again_after_a_release() {
    let ring = ring();
    let mut taken = 0;
    while push(&ring, &[b'x'; 1000]).is_ok() {
        taken += 1;
    }
    assert_eq!(push(&ring, &[b'x'; 1000]), Err(Refusal::Full));
    assert_eq!(taken, MIN_CAPACITY / 1056);
    assert_eq!(read(&ring).len(), taken);
    assert_eq!(push(&ring, &[b'x'; 1000]), Err(Refusal::Full), "read is not yet released");
    ring.release();
    assert_eq!(ring.used(), 0);
    push(&ring, &[b'x'; 1000]).unwrap();
}

#[test]
fn a_record_may_fill_the_ring_and_one_byte_more_is_too_large() {
    let ring = ring();
    let most = MIN_CAPACITY - HEAD_WORDS * 8 - 16;
    assert_eq!(push(&ring, &vec![1; most + 1]), Err(Refusal::TooLarge));
    push(&ring, b"{}").unwrap();
    assert_eq!(push(&ring, &vec![1; most]), Err(Refusal::Full));
    read(&ring);
    ring.release();
    let accepted = push(&ring, &vec![1; most]).unwrap();
    let records = read(&ring);
    assert_eq!((records[0].ticket, records[0].payload.len()), (accepted.ticket, most));
}

#[test]
fn reading_waits_for_a_reservation_that_is_not_committed() {
    for says_how_much in [false, true] {
        let ring = ring();
        push(&ring, b"first").unwrap();
        let shape = Extent::of(13, 100).unwrap();
        let (at, _) = ring.reserve(shape.span()).unwrap();
        if says_how_much {
            ring.word(at).store(ring.seal.reserved(at, shape), Ordering::Relaxed);
        }
        push(&ring, b"third").unwrap();
        for _ in 0..3 {
            ring.release();
            let more = read(&ring);
            assert!(more.iter().all(|record| record.payload == b"first"), "{more:?}");
        }
        assert_eq!((ring.cursor(), ring.corrupt()), (at, 0));
    }
}

#[test]
fn released_room_is_zero() {
    let ring = ring();
    for _ in 0..3 {
        while push(&ring, &[0xff; 333]).is_ok() {}
        read(&ring);
        ring.release();
        assert!(ring.records().iter().all(|word| word.load(Ordering::Relaxed) == 0));
    }
}

#[test]
fn a_damaged_record_is_passed_over_and_counted_and_its_neighbours_live() {
    let ring = ring();
    let ends: Vec<u64> = (0..5).map(|n| push(&ring, &payload(0, n, 200)).unwrap().ticket).collect();
    ring.word(ends[1] + 64).fetch_xor(1, Ordering::Relaxed);
    assert_eq!(read(&ring).len(), 2, "it stops at the first sight of damage");
    let numbers: Vec<_> = read(&ring).iter().map(|record| record.payload[4]).collect();
    assert_eq!(numbers, [3, 4]);
    assert_eq!((ring.corrupt(), ring.cursor()), (1, ring.head()));
    ring.release();
    push(&ring, b"the ring goes on").unwrap();
    assert_eq!(read(&ring).len(), 1);
}

#[test]
fn damage_at_the_very_end_does_not_stop_the_ring() {
    let ring = ring();
    let at = push(&ring, b"first").unwrap().ticket;
    push(&ring, b"second").unwrap();
    ring.word(at).fetch_xor(1 << 40, Ordering::Relaxed);
    assert_eq!(read(&ring).len(), 1);
    push(&ring, b"third").unwrap();
    assert_eq!(read(&ring)[0].payload, b"third");
    ring.word(ring.head() - 8).fetch_xor(1, Ordering::Relaxed);
    push(&ring, b"4").unwrap();
    let state = ring.cursor();
    ring.word(state).store(u64::MAX, Ordering::Relaxed);
    assert!(read(&ring).is_empty());
    assert!(read(&ring).is_empty());
    assert_eq!((ring.corrupt(), ring.cursor()), (2, ring.head()));
}

#[test]
fn overwritten_positions_make_a_ring_refuse_and_nothing_worse() {
    for (of_head, value) in [(true, u64::MAX), (true, 5), (true, 0), (false, u64::MAX), (false, 77)] {
        let ring = ring();
        push(&ring, b"{}").unwrap();
        read(&ring);
        push(&ring, b"{}").unwrap();
        let position = if of_head { &ring.head } else { &ring.tail };
        position.store(value, Ordering::Relaxed);
        for _ in 0..3 {
            let _ = push(&ring, b"{}");
            read(&ring);
            ring.release();
            assert!(ring.used() <= ring.capacity());
        }
    }
}

#[derive(Debug, Clone)]
enum Step {
    Push(usize),
    Read(usize),
    Release,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0_usize..9000).prop_map(Step::Push),
        1 => (60_000_usize..66_000).prop_map(Step::Push),
        2 => (1_usize..40_000).prop_map(Step::Read),
        2 => Just(Step::Release),
    ]
}

fn span(length: usize) -> usize {
    HEAD_WORDS * 8 + 16 + length.next_multiple_of(8)
}

#[test]
fn words_overwritten_while_threads_push_give_no_wrong_record_and_no_panic() {
    const PRODUCERS: u32 = 3;
    const ATTEMPTS: u64 = if cfg!(miri) { 60 } else { 4000 };
    let ring = ring_of(CROWDED);
    let finished = AtomicU64::new(0);
    let (pushed, records) = thread::scope(|scope| {
        let producers: Vec<_> = (0..PRODUCERS)
            .map(|producer| {
                let (ring, finished) = (&ring, &finished);
                scope.spawn(move || {
                    let mut pushed = Vec::new();
                    for number in 0..ATTEMPTS {
                        let bytes = payload(producer, number, (number * 53 % LONGEST) as usize);
                        match push(ring, &bytes) {
                            Ok(accepted) => pushed.push((accepted.ticket, bytes)),
                            Err(_) => thread::yield_now(),
                        }
                    }
                    finished.fetch_add(1, Ordering::Release);
                    pushed
                })
            })
            .collect();
        let (ring, finished) = (&ring, &finished);
        let all_done = move || finished.load(Ordering::Acquire) == u64::from(PRODUCERS);
        scope.spawn(move || {
            let mut random = 0x5eed_u64;
            while !all_done() {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let word = &ring.records()[(random >> 33) as usize % (CROWDED / 8)];
                match random >> 62 {
                    0 => word.store(random, Ordering::Relaxed),
                    1 => drop(word.fetch_xor(1 << (random >> 40 & 63), Ordering::Relaxed)),
                    _ => drop(word.fetch_or(1 << 31, Ordering::Relaxed)),
                }
                thread::yield_now();
            }
        });
        let mut records = Vec::new();
        while !all_done() {
            ring.read(10_000, &mut records);
            ring.release();
            thread::yield_now();
        }
        ring.read(usize::MAX, &mut records);
        let pushed: HashMap<_, _> = producers.into_iter().flat_map(|one| one.join().unwrap()).collect();
        (pushed, records)
    });
    for record in records {
        assert_eq!(Some(&record.payload), pushed.get(&record.ticket));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: if cfg!(miri) { 2 } else { 300 }, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn it_does_what_a_queue_with_so_many_bytes_does(steps in prop::collection::vec(step(), 1..120)) {
        let ring = ring();
        let (mut waiting, mut unreleased) = (VecDeque::new(), 0);
        let (mut used, mut number) = (0, 0);
        for step in steps {
            match step {
                Step::Push(length) => {
                    let bytes = payload(0, number, length);
                    let span = span(bytes.len());
                    let pushed = push(&ring, &bytes);
                    if span > MIN_CAPACITY {
                        prop_assert_eq!(pushed, Err(Refusal::TooLarge));
                    } else if span > MIN_CAPACITY - used {
                        prop_assert_eq!(pushed, Err(Refusal::Full));
                    } else {
                        waiting.push_back((pushed.unwrap().ticket, bytes));
                        used += span;
                        number += 1;
                    }
                }
                Step::Read(limit) => {
                    let mut records = Vec::new();
                    ring.read(limit, &mut records);
                    let mut taken = 0;
                    for record in records {
                        prop_assert!(taken < limit, "it stops at the limit");
                        taken += span(record.payload.len());
                        prop_assert_eq!(waiting.pop_front(), Some((record.ticket, record.payload)));
                    }
                    prop_assert!(taken >= limit || waiting.is_empty());
                    unreleased += taken;
                }
                Step::Release => {
                    ring.release();
                    used -= std::mem::take(&mut unreleased);
                }
            }
            prop_assert_eq!(ring.used() as usize, used);
        }
        prop_assert_eq!(ring.corrupt(), 0);
    }

    #[test]
    fn whatever_is_overwritten_no_wrong_record_is_read(
        lengths in prop::collection::vec(0_usize..900, 1..60),
        writes in prop::collection::vec((0_usize..PAGE_BYTES / 8 + 6000, any::<u64>(), 0_u8..3), 1..8),
        start in 0_usize..60_000,
    ) {
        let ring = ring();
        push(&ring, &vec![0; start]).unwrap();
        read(&ring);
        ring.release();
        let pushed: HashMap<u64, Vec<u8>> = lengths
            .iter()
            .zip(0..)
            .filter_map(|(length, number)| {
                let bytes = payload(1, number, *length);
                push(&ring, &bytes).ok().map(|accepted| (accepted.ticket, bytes))
            })
            .collect();
        for (index, value, how) in writes {
            let word = &ring.region().words()[index];
            match how {
                0 => word.store(value, Ordering::Relaxed),
                1 => word.store(0, Ordering::Relaxed),
                _ => { word.fetch_xor(1 << (value % 64), Ordering::Relaxed); }
            }
        }
        let mut last = 0;
        for _ in 0..6 {
            for record in read(&ring) {
                prop_assert_eq!(Some(&record.payload), pushed.get(&record.ticket));
                prop_assert!(record.ticket > last);
                last = record.ticket;
            }
        }
    }
}
