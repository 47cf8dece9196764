//! The rules of alerts, by a clock that is set by hand.

use super::*;
use crate::alerts::watch::Change::{self, Firing, Reminder, Resolved};
use crate::alerts::{Alert, Bound, Metric};
use crate::clock::Moment;
use proptest::prelude::*;
use std::sync::Arc;
use std::time::Duration;

/// Where the wall clock stands when the monotonic one is at 0.
const START: i64 = 1_700_000_000_000;

fn at(seconds: f64) -> Moment {
    let monotonic = Duration::from_secs_f64(seconds);
    Moment { monotonic, unix_ms: START + monotonic.as_millis() as i64 }
}

fn alert(bound: Bound) -> Alert {
    Alert {
        name: "a".into(),
        metric: Metric::Fed("m".into()),
        bound,
        clear: bound.threshold(),
        hold: Duration::ZERO,
        every: None,
        sample: Duration::from_secs(10),
    }
}

fn held(bound: Bound, seconds: u64) -> Alert {
    Alert { hold: Duration::from_secs(seconds), ..alert(bound) }
}

fn watch(alert: Alert) -> Watch {
    Watch::new(&[Arc::new(alert)])
}

impl Watch {
    fn observe(&mut self, metric: &str, value: f64, now: Moment) -> Vec<Transition> {
        self.note(metric, value);
        self.judge(now)
    }
}

fn changes(transitions: Vec<Transition>) -> Vec<Change> {
    transitions.into_iter().map(|transition| transition.change).collect()
}

fn play(watch: &mut Watch, values: &[(u64, f64)]) -> Vec<(u64, Change)> {
    let mut happened = Vec::new();
    for (second, value) in values {
        let now = at(*second as f64);
        happened.extend(changes(watch.observe("m", *value, now)).into_iter().map(|change| (*second, change)));
    }
    happened
}

#[test]
fn it_fires_once_and_is_resolved_once() {
    let mut above = watch(alert(Bound::Above(90.0)));
    let values = [(1, 80.0), (2, 91.0), (3, 99.0), (4, 95.0), (5, 89.0), (6, 50.0), (7, 91.0)];
    assert_eq!(play(&mut above, &values), [(2, Firing), (5, Resolved), (7, Firing)]);
    let mut below = watch(alert(Bound::Below(-5.0)));
    assert_eq!(play(&mut below, &[(1, 0.0), (2, -6.0), (3, -7.0), (4, -5.0)]), [(2, Firing), (4, Resolved)]);
}

#[test]
fn the_threshold_itself_is_on_the_good_side() {
    assert_eq!(play(&mut watch(alert(Bound::Above(90.0))), &[(1, 90.0)]), []);
    assert_eq!(play(&mut watch(alert(Bound::Below(10.0))), &[(1, 10.0)]), []);
}

#[test]
fn other_metrics_and_values_that_are_no_numbers_change_nothing() {
    let mut watch = watch(alert(Bound::Above(90.0)));
    assert_eq!(watch.observe("other", 99.0, at(1.0)), []);
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert_eq!(play(&mut watch, &[(2, value)]), []);
    }
    assert_eq!(play(&mut watch, &[(3, 91.0), (4, f64::NAN), (5, f64::NEG_INFINITY)]), [(3, Firing)]);
}

#[test]
fn for_counts_uninterrupted_time_only() {
    let mut watch = watch(held(Bound::Above(90.0), 60));
    let values = [(0, 95.0), (59, 95.0), (60, 90.0), (61, 95.0), (120, 95.0)];
    assert_eq!(play(&mut watch, &values), [], "the value at 60 begins the count anew");
    assert_eq!(watch.next_due(), Some(Duration::from_secs(121)));
    assert_eq!(play(&mut watch, &[(121, 91.0)]), [(121, Firing)]);
    assert_eq!(watch.next_due(), None);
}

#[test]
fn the_deadline_of_for_needs_no_further_value() {
    let mut watch = watch(held(Bound::Below(10.0), 60));
    assert_eq!(play(&mut watch, &[(5, 9.0)]), []);
    assert_eq!(watch.tick(at(64.9)), []);
    assert_eq!(watch.next_due(), Some(Duration::from_secs(65)));
    let fired = watch.tick(at(65.0));
    assert_eq!(
        (fired.len(), fired[0].change, fired[0].value, fired[0].since),
        (1, Firing, 9.0, START + 5000)
    );
    assert_eq!(watch.tick(at(9999.0)), [], "once");
}

#[test]
fn between_clear_and_threshold_nothing_changes() {
    let mut watch = watch(Alert { clear: 80.0, ..alert(Bound::Above(90.0)) });
    let values = [(1, 85.0), (2, 91.0), (3, 85.0), (4, 91.0), (5, 80.1), (6, 80.0), (7, 85.0), (8, 90.5)];
    assert_eq!(play(&mut watch, &values), [(2, Firing), (6, Resolved), (8, Firing)]);
}

#[test]
fn a_silent_metric_keeps_its_state() {
    let mut watch = watch(alert(Bound::Above(90.0)));
    assert_eq!(play(&mut watch, &[(1, 91.0)]), [(1, Firing)]);
    assert_eq!(watch.tick(at(1e7)), []);
    assert_eq!(watch.firing(), 1);
    assert_eq!(play(&mut watch, &[(20_000_000, 10.0)]), [(20_000_000, Resolved)]);
}

#[test]
fn it_is_told_again_while_it_fires_and_not_after() {
    let mut watch = watch(Alert { every: Some(Duration::from_secs(3600)), ..alert(Bound::Above(90.0)) });
    assert_eq!(play(&mut watch, &[(0, 91.0), (1800, 92.0)]), [(0, Firing)]);
    assert_eq!(watch.next_due(), Some(Duration::from_secs(3600)));
    let told = watch.tick(at(3600.0));
    assert_eq!((told[0].change, told[0].kind()), (Reminder(1), "alert.firing"));
    assert_eq!((told[0].value, told[0].since), (92.0, START));
    assert_eq!(told[0].payload()["reminder"], 1);
    assert_eq!(play(&mut watch, &[(3601, 93.0), (7200, 94.0)]), [(7200, Reminder(2))]);
    // A machine that slept tells once, not once for each hour.
    assert_eq!(changes(watch.tick(at(100_000.0))), [Reminder(3)]);
    assert_eq!(watch.tick(at(100_001.0)), []);
    assert_eq!(play(&mut watch, &[(100_002, 10.0)]), [(100_002, Resolved)]);
    assert_eq!((watch.next_due(), watch.tick(at(1e6))), (None, vec![]));
}

#[test]
fn a_restart_does_not_tell_again_and_resolves_once() {
    let every = Some(Duration::from_secs(3600));
    let mut before = watch(Alert { every, ..alert(Bound::Above(90.0)) });
    play(&mut before, &[(10, 91.0)]);
    let bytes = before.kept("a").unwrap().to_bytes();

    let mut after = watch(Alert { every, ..alert(Bound::Above(90.0)) });
    // Another boot: the monotonic clock begins again, and 40 minutes have passed.
    let now = Moment { monotonic: Duration::from_secs(7), unix_ms: START + 2_410_000 };
    assert!(after.restore("a", Kept::from_bytes(&bytes).unwrap(), now));
    assert_eq!(after.observe("m", 95.0, now), []);
    assert_eq!(after.next_due(), Some(Duration::from_secs(7 + 1200)), "an hour after it was told");
    let resolved = after.observe("m", 90.0, Moment { monotonic: Duration::from_secs(8), ..now });
    assert_eq!((resolved.len(), resolved[0].change, resolved[0].since), (1, Resolved, START + 10_000));
    assert_eq!(resolved[0].payload()["duration_s"], 2400);
    assert!(after.kept("a").is_none());

    let kept = Kept::from_bytes(&bytes).unwrap();
    assert!(!after.restore("b", kept.clone(), now), "no such alert");
    assert!(!after.restore("a", Kept { metric: "x".into(), ..kept }, now), "it watches something else now");
    assert_eq!(Kept::from_bytes(b"{broken"), None);
}

#[test]
fn an_event_that_a_dead_process_left_tells_the_state() {
    let mut watch = watch(alert(Bound::Above(90.0)));
    let fired = watch.observe("m", 91.5, at(10.0)).remove(0);
    let payload = fired.payload();
    let told = Kept::from_event(fired.kind(), payload.as_object().unwrap(), fired.at);
    assert_eq!(told, Some(("a".to_owned(), watch.kept("a"))));
    let resolved = watch.observe("m", 0.0, at(11.0)).remove(0);
    let payload = resolved.payload();
    let told = Kept::from_event(resolved.kind(), payload.as_object().unwrap(), resolved.at);
    assert_eq!(told, Some(("a".to_owned(), None)));
    let foreign = serde_json::json!({"name": "a", "metric": "m"});
    assert_eq!(Kept::from_event("alert.firing", foreign.as_object().unwrap(), 0), None);
}

#[test]
fn a_reload_keeps_the_state_of_the_same_name_and_metric() {
    let other = Alert { name: "b".into(), ..alert(Bound::Above(90.0)) };
    let mut watch = Watch::new(&[Arc::new(alert(Bound::Above(90.0))), Arc::new(other.clone())]);
    assert_eq!(watch.observe("m", 95.0, at(1.0)).len(), 2);
    let stricter = Arc::new(alert(Bound::Above(50.0)));
    let elsewhere = Arc::new(Alert { metric: Metric::Fed("n".into()), ..other });
    assert_eq!(watch.replace(&[stricter, elsewhere], at(2.0)), ["b"]);
    assert!(watch.kept("a").is_some() && watch.kept("b").is_none());
    assert_eq!(play(&mut watch, &[(3, 60.0)]), [], "still on the bad side of the new threshold");
    assert_eq!(play(&mut watch, &[(4, 50.0)]), [(4, Resolved)]);
    assert_eq!(changes(watch.observe("n", 95.0, at(5.0))), [Firing]);
    assert_eq!(watch.replace(&[], at(6.0)), ["b"]);
}

#[test]
fn what_was_noted_is_judged_by_its_last_value() {
    let mut watch = watch(alert(Bound::Above(90.0)));
    watch.note("m", 99.0);
    watch.note("m", 10.0);
    assert_eq!(watch.judge(at(1.0)), []);
    watch.note("m", 99.0);
    assert_eq!(changes(watch.judge(at(2.0))), [Firing]);
    assert_eq!(watch.judge(at(3.0)), []);
}

#[test]
fn the_payload_is_that_of_the_contract() {
    let mut watch = watch(held(Bound::Above(90.0), 60));
    watch.observe("m", 93.25, at(0.0));
    let payload = watch.tick(at(60.5)).remove(0).payload();
    let expected = serde_json::json!({
        "name": "a", "metric": "m", "value": 93.25, "threshold": 90, "direction": "above",
        "since": "2023-11-14T22:13:20.000Z", "duration_s": 60.5, "reminder": 0,
    });
    assert_eq!(payload, expected);
}

#[test]
fn the_log_says_what_happened_in_a_sentence() {
    let alert = Alert { clear: 20.0, every: Some(Duration::from_secs(1)), ..alert(Bound::Below(10.0)) };
    let mut watch = watch(alert);
    let mut found = watch.observe("m", 8.5, at(0.0));
    found.extend(watch.tick(at(1.0)));
    found.extend(watch.observe("m", 20.0, at(1.5)));
    assert_eq!(
        found.iter().map(ToString::to_string).collect::<Vec<_>>(),
        [
            "alert `a` fires: m is 8.5, below 10",
            "alert `a` still fires: m is 8.5, below 10",
            "alert `a` is resolved: m is 20, and clear is 20",
        ]
    );
}

#[test]
fn the_guide_has_configurations_that_load() {
    const GUIDE: &str = include_str!("../../../../docs/alerts.md");
    let mut examples = 0;
    for block in GUIDE.split("```toml\n").skip(1) {
        let text = block.split("```").next().unwrap();
        let (config, warnings, _) = crate::config::Config::load_with_spans(text).unwrap_or_else(|errors| {
            panic!("{errors}\n{text}");
        });
        assert!(!config.alerts.is_empty(), "{text}");
        let silent = warnings.iter().find(|warning| warning.key.starts_with("alerts"));
        assert_eq!(silent, None, "{text}");
        examples += 1;
    }
    assert!(examples >= 3, "the guide has its examples");
    for name in gauges::BUILT_IN {
        assert!(GUIDE.contains(&format!("`{name}`")), "{name}");
    }
}

/// Mostly near the threshold, now and then anything at all.
fn a_value() -> impl Strategy<Value = f64> {
    prop_oneof![4 => -2.0..12.0_f64, 1 => prop::num::f64::ANY]
}

proptest! {
    #[test]
    fn firing_and_resolved_strictly_alternate(
        values in prop::collection::vec((a_value(), 0.0..40.0_f64, any::<bool>()), 0..80),
        hold in 0..30_u64,
        below in any::<bool>(),
        hysteresis in 0.0..3.0_f64,
        every in prop::option::of(1..50_u64),
    ) {
        let bound = if below { Bound::Below(5.0) } else { Bound::Above(5.0) };
        let clear = if below { 5.0 + hysteresis } else { 5.0 - hysteresis };
        let mut watch = watch(Alert { clear, every: every.map(Duration::from_secs), ..held(bound, hold) });
        let (mut clock, mut firing, mut bad_since) = (0.0, false, None);
        for (value, pause, restart) in values {
            clock += pause;
            let now = at(clock);
            let mut found = watch.tick(now);
            found.extend(watch.observe("m", value, now));
            if value.is_finite() {
                let bad = if below { value < 5.0 } else { value > 5.0 };
                bad_since = if bad { bad_since.or(Some(clock)) } else { None };
            }
            for transition in found {
                match transition.change {
                    Firing => {
                        prop_assert!(!firing);
                        firing = true;
                    }
                    Reminder(_) => prop_assert!(firing && every.is_some()),
                    Resolved => {
                        prop_assert!(firing && value.is_finite());
                        let cleared = if below { value >= clear } else { value <= clear };
                        prop_assert!(cleared);
                        firing = false;
                    }
                }
                prop_assert!(transition.value.is_finite());
            }
            let long = bad_since.is_some_and(|since| clock - since >= hold as f64 + 0.001);
            prop_assert!(firing || !long, "bad for {hold} s and silent");
            prop_assert_eq!(watch.kept("a").is_some_and(|kept| kept.told.is_some()), firing);
            if restart && firing {
                let kept = Kept::from_bytes(&watch.kept("a").unwrap().to_bytes()).unwrap();
                watch.restore_quiet("a");
                prop_assert!(watch.restore("a", kept, now));
            }
        }
    }
}

mod restart;
