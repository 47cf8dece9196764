//! Shaping under a virtual clock, with crashes at any step.

use super::*;
use crate::config::Config;
use crate::event::{EventId, Payload};
use crate::hooks::{Facts, TaskParams};
use crate::tally::Task;
use proptest::prelude::*;
use serde_json::json;
use std::sync::Arc;

const MINUTE: i64 = 60_000;

/// Noon in UTC.
const NOON: i64 = 1_767_268_800_000;

fn config(hook: &str) -> Config {
    let text = format!(
        "[endpoints.a]\nurl = 'http://127.0.0.1:1/a'\n\
         [[hooks]]\nname = 'h'\non = ['task.complete']\nto = ['a']\n{hook}"
    );
    Config::load(&text).unwrap_or_else(|errors| panic!("{errors}\n{text}"))
}

fn task(config: &Config, number: u64, payload: Json) -> Subject {
    let payload: Arc<Payload> = Arc::new(payload.as_object().unwrap().clone().into());
    let id = EventId::new(NOON, u128::from(number) << 16);
    let facts = Facts::new(id, "task.complete", NOON, &payload, &config.host);
    Subject::of_task(&facts, TaskParams::default(), &Task::read(payload.tree()), None)
}

/// The state of one instance in the spool.
#[derive(Default)]
struct StoredState(BTreeMap<String, Vec<u8>>);

impl StoredState {
    fn commit(&mut self, shape: &mut ShapingState) {
        for (key, value) in shape.changes() {
            match value {
                Some(value) => self.0.insert(key, value),
                None => self.0.remove(&key),
            };
        }
    }

    /// The next start: everything is taken back, and kept under the new instance's name.
    fn restart(&mut self) -> ShapingState {
        let mut shape = ShapingState::default();
        let entries: Vec<(&str, &[u8])> =
            self.0.iter().map(|(key, value)| (key.as_str(), value.as_slice())).collect();
        shape.restore(&entries);
        self.0.clear();
        self.commit(&mut shape);
        shape
    }
}

fn count(window: &DigestWindow) -> u64 {
    serde_json::from_slice::<Json>(&window.payload()).unwrap()["digest"]["count"].as_u64().unwrap()
}

fn names(window: &DigestWindow) -> Vec<String> {
    let digest = window.context(NOON);
    let items = digest.at(&["digest", "items"]).and_then(Json::as_array).unwrap();
    items.iter().map(|item| item["task"]["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_digest_is_one_message_per_window_with_every_item() {
    let config = config("digest = '15m'");
    let hook = &config.hooks[0];
    let mut shape = ShapingState::default();
    for number in 0..3 {
        let item = task(&config, number, json!({"name": format!("t{number}"), "status": "error"}));
        assert!(shape.hold(hook, ("a", false), &item, NOON + number as i64 * MINUTE).0.is_some());
    }
    assert_eq!(shape.next_due(), Some(NOON + 15 * MINUTE));
    assert!(shape.due(&config.hooks, NOON + 15 * MINUTE - 1, false).is_empty());
    let closed = shape.due(&config.hooks, NOON + 15 * MINUTE, false);
    assert_eq!(closed.len(), 1);
    assert_eq!(names(&closed[0]), ["t0", "t1", "t2"]);
    let context = closed[0].context(NOON + 15 * MINUTE);
    assert_eq!(context.at(&["digest", "failed"]), Some(&json!(3)));
    assert_eq!(context.text_at(&["event", "id"]), Some(closed[0].id().to_string().as_str()));
    assert_eq!(context.text_at(&["task", "name"]), Some("t2"), "a template for one event works too");
    assert!(shape.due(&config.hooks, NOON + 99 * MINUTE, false).is_empty());
}

#[test]
fn a_digest_of_a_queue_waits_for_the_end_of_that_queue() {
    let config = config("digest = 'queue'");
    let hook = &config.hooks[0];
    let mut shape = ShapingState::default();
    for queue in ["film", "stills"] {
        shape.hold(hook, ("a", false), &task(&config, 1, json!({"name": queue, "queue": queue})), NOON);
    }
    shape.end_queue("film", NOON + MINUTE);
    let closed = shape.due(&config.hooks, NOON + MINUTE, false);
    assert_eq!((closed.len(), names(&closed[0])), (1, vec!["film".to_owned()]));
    assert_eq!(
        shape.due(&config.hooks, NOON + MAX_QUEUE_DIGEST_MS, false).len(),
        1,
        "one that never ends goes out too"
    );
}

#[test]
fn an_alert_waits_for_no_queue_and_an_event_is_not_of_the_queue_of_its_own_name() {
    let config = config("digest = 'queue'");
    let of = |kind: &'static str, payload: Json| {
        let payload = Arc::new(payload.as_object().unwrap().clone().into());
        Subject::of_other(&Facts::new(EventId::new(NOON, 1), kind, NOON, &payload, &config.host))
    };
    let mut shape = ShapingState::default();
    for kind in ["alert.firing", "alert.resolved", "server.start"] {
        let alert = of(kind, json!({"name": "film", "queue": "film"}));
        assert_eq!(shape.hold(&config.hooks[0], ("a", false), &alert, NOON), (None, None), "{kind}");
    }
    let own = of("render.stage", json!({"name": "film", "queue": "stills"}));
    assert!(shape.hold(&config.hooks[0], ("a", false), &own, NOON).0.is_some());
    shape.end_queue("film", NOON + MINUTE);
    assert!(shape.due(&config.hooks, NOON + MINUTE, false).is_empty());
    shape.end_queue("stills", NOON + MINUTE);
    assert_eq!(shape.due(&config.hooks, NOON + MINUTE, false).len(), 1);
}

#[test]
fn quiet_hours_hold_matches_until_they_end_and_let_exceptions_through() {
    let config = config(
        "quiet_hours = '22:00-07:00'\nquiet_zone = '+00:00'\nquiet_except = 'task.status == \"error\"'",
    );
    let hook = &config.hooks[0];
    let mut shape = ShapingState::default();
    let (good, bad) = (task(&config, 1, json!({"name": "g"})), task(&config, 2, json!({"status": "error"})));
    let night = NOON + 11 * 60 * MINUTE;
    assert!(shape.hold(hook, ("a", false), &good, NOON).0.is_none());
    assert!(shape.hold(hook, ("a", false), &bad, night).0.is_none());
    assert!(shape.hold(hook, ("a", false), &good, night).0.is_some());
    let morning = NOON + 19 * 60 * MINUTE;
    assert_eq!(shape.next_due(), Some(morning));
    assert!(shape.due(&config.hooks, morning - 1, false).is_empty());
    let alone = &shape.due(&config.hooks, morning, false)[0];
    assert!(alone.context(morning).at(&["digest"]).is_none(), "one is no digest");
    assert!(
        shape.hold(hook, ("a", false), &good, night).0.is_some()
            && shape.hold(hook, ("a", false), &good, night).0.is_some()
    );
    assert_eq!(names(&shape.due(&config.hooks, morning, false)[0]).len(), 2);
}

#[test]
fn a_digest_that_is_due_in_quiet_hours_waits_for_their_end() {
    let config = config("digest = '1h'\nquiet_hours = '12:30-14:00'\nquiet_zone = '+00:00'");
    let mut shape = ShapingState::default();
    shape.hold(&config.hooks[0], ("a", false), &task(&config, 1, json!({"name": "x"})), NOON);
    assert!(shape.due(&config.hooks, NOON + 60 * MINUTE, false).is_empty());
    assert_eq!(shape.next_due(), Some(NOON + 120 * MINUTE));
    assert_eq!(shape.due(&config.hooks, NOON + 120 * MINUTE, false).len(), 1);
}

#[test]
fn a_window_is_bounded_counts_what_it_does_not_keep_and_has_room_for_failures() {
    let config = config("digest = '1d'");
    let hook = &config.hooks[0];
    let mut shape = ShapingState::default();
    let mut kept = StoredState::default();
    for number in 0..5_000 {
        let status = if number >= 4_900 { "error" } else { "success" };
        let item = task(&config, number, json!({"name": format!("t{number}"), "status": status}));
        shape.hold(hook, ("a", false), &item, NOON);
        if number % 700 == 0 {
            kept.commit(&mut shape);
        }
    }
    kept.commit(&mut shape);
    let bytes: usize = kept.0.values().map(Vec::len).sum();
    assert!(bytes < 600 * 1024, "{bytes}");
    let mut shape = kept.restart();
    let window = shape.due(&config.hooks, NOON + 86_400_000, false).remove(0);
    assert_eq!(count(&window), 5_000);
    let names = names(&window);
    assert!(names.len() <= 1_000 && names.contains(&"t4999".to_owned()), "{}", names.len());
    kept.commit(&mut shape);
    assert!(kept.0.is_empty(), "nothing of a closed window stays in the spool");
}

#[test]
fn matches_held_through_quiet_hours_are_bounded_and_counted() {
    let config = config("digest = 'queue'\nquiet_hours = '22:00-07:00'\nquiet_zone = '+00:00'");
    let mut shape = ShapingState::default();
    let (night, mut accepted) = (NOON + 11 * 60 * MINUTE, 0);
    let large = "x".repeat(3_000);
    for queue in 0..40 {
        let item = task(&config, 1, json!({"name": "x", "queue": format!("q{queue}"), "text": large}));
        for _ in 0..150 {
            shape.hold(&config.hooks[0], ("a", false), &item, night);
            accepted += 1;
        }
        assert!(shape.due(&config.hooks, night, false).is_empty());
    }
    assert!(shape.bytes < MAX_BYTES + 512 * 1024, "{}", shape.bytes);
    let sent = shape.due(&config.hooks, night + MAX_QUEUE_DIGEST_MS, true);
    assert_eq!(sent.iter().map(count).sum::<u64>(), accepted);
    assert!(sent.iter().all(|window| !names(window).is_empty()));
}

#[test]
fn names_of_queues_cannot_open_windows_without_bound() {
    let config = config("digest = 'queue'");
    let mut shape = ShapingState::default();
    let mut sent = 0;
    for number in 0..MAX_WINDOWS as u64 * 2 {
        let item = task(&config, number, json!({"name": "x", "queue": format!("q{number}")}));
        shape.hold(&config.hooks[0], ("a", false), &item, NOON + number as i64);
        sent += shape.due(&config.hooks, NOON + number as i64, false).len();
    }
    assert!(shape.windows.len() <= MAX_WINDOWS);
    assert_eq!(sent + shape.windows.len(), MAX_WINDOWS * 2, "the windows that made room were sent, not lost");
}

#[test]
fn a_cooldown_survives_a_restart_and_is_kept_per_key() {
    let config = config("cooldown = '10m'\ncooldown_by = 'task.name'");
    let hook = &config.hooks[0];
    let mut kept = StoredState::default();
    let mut shape = ShapingState::default();
    let (a, b) = (task(&config, 1, json!({"name": "a"})), task(&config, 2, json!({"name": "b"})));
    assert_eq!(shape.cool(hook, &a, NOON).0, CooldownResult::Pass(0));
    assert_eq!(shape.cool(hook, &a, NOON + 1).0, CooldownResult::Suppressed);
    kept.commit(&mut shape);
    let mut shape = kept.restart();
    assert_eq!(shape.cool(hook, &b, NOON + 2).0, CooldownResult::Pass(0));
    assert_eq!(shape.cool(hook, &a, NOON + 9 * MINUTE).0, CooldownResult::Suppressed);
    assert_eq!(shape.cool(hook, &a, NOON + 10 * MINUTE).0, CooldownResult::Pass(2));
}

#[test]
fn a_key_that_cannot_be_evaluated_lets_matches_pass() {
    let config = config("cooldown = '10m'\ncooldown_by = 'task.params'");
    let subject = task(&config, 1, json!({"params": {"a": 1}}));
    let mut shape = ShapingState::default();
    for _ in 0..2 {
        let (cooled, fault) = shape.cool(&config.hooks[0], &subject, NOON);
        assert_eq!(cooled, CooldownResult::Pass(0));
        assert!(fault.unwrap().contains("task.params"));
    }
}

#[test]
fn damaged_state_in_the_spool_is_skipped() {
    let mut shape = ShapingState::default();
    shape.restore(&[
        ("cool/0a", b"{}"),
        ("items/evt_1/000000", b"[1,"),
        ("window/evt_1", b"{broken"),
        ("other", b""),
    ]);
    assert!(shape.next_due().is_none() && shape.changes().is_empty());
}

#[derive(Debug, Clone)]
enum Step {
    Event(u8),
    Wait(i64),
    QueueEnds,
    Commit,
    Crash,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => (0..4_u8).prop_map(Step::Event),
        3 => (1..20 * MINUTE).prop_map(Step::Wait),
        1 => Just(Step::QueueEnds),
        3 => Just(Step::Commit),
        1 => Just(Step::Crash),
    ]
}

/// The keys that passed and when; counts and items of the digests; accepted events.
struct Outcome {
    fired: Vec<(u8, i64)>,
    sent: Vec<(u64, usize)>,
    accepted: u64,
}

/// Events that were accepted and are not committed come again after a crash, as from the ring; what was
/// sent counts once it is committed.
fn play(hook: &str, steps: &[Step]) -> Outcome {
    let config = config(hook);
    let hook = &config.hooks[0];
    let (mut shape, mut kept, mut now) = (ShapingState::default(), StoredState::default(), NOON);
    let (mut ring, mut sent, mut fired) = (Vec::new(), Vec::new(), Vec::new());
    let (mut sent_now, mut fired_now, mut accepted) = (Vec::new(), Vec::new(), 0);
    let mut all = steps.to_vec();
    all.extend([Step::Wait(MAX_QUEUE_DIGEST_MS), Step::Commit]);
    for step in all {
        let mut events = Vec::new();
        match step {
            Step::Event(key) => {
                accepted += 1;
                ring.push((accepted, key));
                events.push((accepted, key));
            }
            Step::Wait(time) => now += time,
            Step::QueueEnds => shape.end_queue(DEFAULT_QUEUE, now),
            Step::Commit => {
                kept.commit(&mut shape);
                ring.clear();
                sent.append(&mut sent_now);
                fired.append(&mut fired_now);
            }
            Step::Crash => {
                (sent_now, fired_now) = (Vec::new(), Vec::new());
                shape = kept.restart();
                events.clone_from(&ring);
            }
        }
        for (number, key) in events {
            let subject = task(&config, number, json!({"name": format!("k{key}")}));
            if shape.cool(hook, &subject, now).0 != CooldownResult::Suppressed {
                fired_now.push((key, now));
                shape.hold(hook, ("a", false), &subject, now);
            }
        }
        for window in shape.due(&config.hooks, now, false) {
            sent_now.push((count(&window), names(&window).len()));
        }
    }
    Outcome { fired, sent, accepted }
}

proptest! {
    #![proptest_config(crate::property::cases(150))]

    #[test]
    fn a_digest_loses_no_item_and_repeats_none(
        steps in proptest::collection::vec(step(), 0..80),
        queue in any::<bool>(),
    ) {
        let digest = if queue { "digest = 'queue'" } else { "digest = '15m'" };
        let Outcome { sent, accepted, .. } = play(digest, &steps);
        prop_assert_eq!(sent.iter().map(|(count, _)| count).sum::<u64>(), accepted);
        prop_assert_eq!(sent.iter().map(|(_, items)| *items as u64).sum::<u64>(), accepted);
    }

    #[test]
    fn a_cooldown_lets_one_match_pass_per_key_and_time(
        steps in proptest::collection::vec(step(), 0..80),
    ) {
        let Outcome { fired, .. } = play("cooldown = '10m'\ncooldown_by = 'task.name'\ndigest = '1s'", &steps);
        for key in 0..4 {
            let times: Vec<i64> = fired.iter().filter(|(of, _)| *of == key).map(|(_, at)| *at).collect();
            for pair in times.windows(2) {
                prop_assert!(pair[1] - pair[0] >= 10 * MINUTE, "{:?}", times);
            }
        }
    }
}
