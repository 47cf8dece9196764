//! Any order of what a host says, and of what befalls it.

use super::*;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Clone)]
enum Move {
    Task {
        queue: u8,
        batch: Option<u8>,
        failed: bool,
    },
    End(u8),
    /// An end with numbers of the host's own.
    Report(u8),
    Start(u8),
    Tick(u8),
    Pass(u64),
    Commit,
    Crash,
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = prop_oneof![
        6 => (0..3_u8, prop::option::of(0..4_u8), any::<bool>())
            .prop_map(|(queue, batch, failed)| Move::Task { queue, batch, failed }),
        3 => (0..3_u8).prop_map(Move::End),
        1 => (0..3_u8).prop_map(Move::Report),
        1 => (0..3_u8).prop_map(Move::Tick),
        1 => (0..3_u8).prop_map(Move::Start),
        3 => prop_oneof![Just(500), Just(1_500), Just(40_000)].prop_map(Move::Pass),
        3 => Just(Move::Commit),
        1 => Just(Move::Crash),
    ];
    prop::collection::vec(one, 1..120)
}

proptest! {
    #![proptest_config(crate::property::cases(256))]

    /// Whatever happens in whatever order: each task is in exactly one end of its queue, starts and ends take
    /// turns, and each batch ends exactly once. A host that comes back from a crash may tell a start again.
    #[test]
    fn counts_add_up_over_every_interleaving(moves in moves()) {
        const TOTAL: u64 = 5;
        let mut bell = bell("end_delay = '1s'\nidle_end = '30s'", &hook("'queue.start', 'queue.end', 'batch.end'"));
        let (mut made, mut batches) = (BTreeMap::<String, (u64, u64)>::new(), BTreeMap::<u8, u64>::new());
        let (mut messages, mut life) = (Vec::new(), 0);
        for step in moves {
            match step {
                Move::Task { queue, batch, failed } => {
                    let mut payload = json!({"queue": format!("q{queue}"), "status": if failed { "error" } else { "success" }});
                    if let Some(batch) = batch.filter(|batch| batches.get(batch).is_none_or(|done| *done < TOTAL)) {
                        let done = batches.entry(batch).or_default();
                        *done += 1;
                        payload["id"] = json!(format!("{batch}-{done}"));
                        payload["batch"] = json!({"id": batch, "total": TOTAL});
                    }
                    task(&mut bell, payload);
                    let count = made.entry(format!("q{queue}")).or_default();
                    *count = (count.0 + 1, count.1 + u64::from(failed));
                }
                // The host of the last queue counts for itself, too.
                Move::End(2) | Move::Report(_) => say(&mut bell, "queue.end", 2, json!({"failed": 1, "own": true})),
                Move::End(queue) => say(&mut bell, "queue.end", queue, json!({})),
                Move::Start(queue) => say(&mut bell, "queue.start", queue, json!({})),
                Move::Tick(queue) => say(&mut bell, "queue.tick", queue, json!({})),
                Move::Pass(ms) => bell.pass(Duration::from_millis(ms)),
                Move::Commit => messages.extend(bell.commit().into_iter().map(|message| (life, message))),
                Move::Crash => {
                    bell.crash();
                    life += 1;
                }
            }
        }
        // What has only been announced is work too, so that every period ends.
        for queue in 0..3 {
            say(&mut bell, "queue.tick", queue, json!({}));
        }
        bell.pass(seconds(3_600));
        messages.extend(bell.commit().into_iter().map(|message| (life, message)));
        bell.pass(seconds(3_600));
        prop_assert_eq!(bell.commit(), [], "nothing is told twice");

        let mut told = BTreeMap::<String, (u64, u64)>::new();
        let (mut open, mut known) = (BTreeMap::<String, u32>::new(), BTreeSet::<String>::new());
        let mut ended = BTreeMap::<u8, u64>::new();
        for (life, message) in &messages {
            let data = body(message)["data"].clone();
            let name = data["queue"]["name"].as_str().unwrap_or_default().to_owned();
            match message.kind.as_str() {
                "queue.end" => {
                    let count = told.entry(name.clone()).or_default();
                    let of = |key: &str| data["queue"][key].as_u64().unwrap_or_default();
                    let own = of("total") == 0 && data["queue"]["own"] == true;
                    *count = (count.0 + of("total"), count.1 + if own { 0 } else { of("failed") });
                    let has_started = open.remove(&name).is_some();
                    // Without a start it is the end of what the host alone knows.
                    prop_assert!(has_started || of("total") == 0, "tasks without a start");
                    prop_assert!(has_started || own || !known.contains(&name), "{} ends twice", name);
                    if has_started {
                        known.insert(name);
                    }
                }
                "queue.start" => {
                    let before = open.insert(name.clone(), *life);
                    prop_assert!(before.is_none_or(|before| before < *life), "{} starts twice", name);
                }
                _ => {
                    let id = data["batch"]["id"].as_str().unwrap().parse().unwrap();
                    *ended.entry(id).or_default() += 1;
                    prop_assert_eq!(data["batch"]["total"].as_u64(), Some(TOTAL));
                }
            }
        }
        prop_assert_eq!(open, BTreeMap::new(), "a start without an end");
        told.retain(|_, count| count.0 > 0);
        prop_assert_eq!(told, made);
        let complete: BTreeMap<u8, u64> =
            batches.into_iter().filter(|(_, done)| *done == TOTAL).map(|(id, _)| (id, 1)).collect();
        prop_assert_eq!(ended, complete);
    }
    /// Without crashes, too, the edges come when they are due: exactly one end for each busy period, the delay
    /// after the last word of it.
    #[test]
    fn a_queue_ends_exactly_once_per_busy_period(moves in moves()) {
        let mut bell = bell("end_delay = '1s'\nidle_end = '30s'", &hook("'queue.start', 'queue.end'"));
        let mut period = Period::default();
        let mut told = Vec::new();
        for step in moves {
            match step {
                Move::Task { queue: 0, .. } => {
                    task(&mut bell, json!({"queue": "q0"}));
                    period.work();
                }
                Move::Tick(0) => {
                    say(&mut bell, "queue.tick", 0, json!({}));
                    period.work();
                }
                Move::Start(0) => {
                    say(&mut bell, "queue.start", 0, json!({}));
                    period.start();
                }
                Move::End(0) => {
                    say(&mut bell, "queue.end", 0, json!({}));
                    period.end(false);
                }
                Move::Report(0) => {
                    say(&mut bell, "queue.end", 0, json!({"failed": 1}));
                    period.end(true);
                }
                Move::Pass(ms) => {
                    bell.pass(Duration::from_millis(ms));
                    period.pass(ms);
                }
                _ => {}
            }
            told.extend(bell.commit().into_iter().map(|message| message.kind));
            prop_assert_eq!(&told, &period.told);
        }
    }
}

fn say(bell: &mut Simulation, kind: &str, queue: u8, mut payload: Json) {
    payload["name"] = json!(format!("q{queue}"));
    bell.emit(kind, payload.to_string().as_bytes());
}

/// What a queue is to tell, by the rules as they are written down: told in milliseconds since nothing.
#[derive(Default)]
struct Period {
    now: u64,
    /// Whether its start was told, and whether it has worked since.
    started: bool,
    worked: bool,
    /// When it was last heard of, and since when the host says that it is empty.
    heard: u64,
    empty: Option<u64>,
    /// Whether it is known to report its work.
    reports: bool,
    told: Vec<String>,
}

impl Period {
    fn work(&mut self) {
        self.start();
        self.worked = true;
    }

    fn start(&mut self) {
        if !std::mem::replace(&mut self.started, true) {
            self.told.push("queue.start".into());
        }
        (self.heard, self.empty) = (self.now, None);
    }

    fn end(&mut self, tells_of_work: bool) {
        if self.started || self.empty.is_some() || tells_of_work || !self.reports {
            self.empty = self.empty.or(Some(self.now));
        }
    }

    fn pass(&mut self, ms: u64) {
        self.now += ms;
        let silent = self.empty.is_none() && self.worked && self.heard + 30_000 <= self.now;
        if silent || self.empty.is_some_and(|since| since + 1_000 <= self.now) {
            self.told.push("queue.end".into());
            (self.reports, self.started, self.worked, self.empty) =
                (self.reports || self.started, false, false, None);
        }
    }
}
