//! Alerts that are about to fire when their process ends.

use super::*;

/// What the spool has, as the changes of the watch have made it.
fn keep(watch: &mut Watch, spool: &mut Option<Kept>) {
    if let Some((_, kept)) = watch.take_pending().pop() {
        *spool = kept.map(|kept| Kept::from_bytes(&kept.to_bytes()).unwrap());
    }
}

/// What a process left that saw a bad value for 80 seconds of the 600 that are asked for.
fn about_to_fire() -> Option<Kept> {
    let (mut spool, mut watch) = (None, watch(held(Bound::Above(90.0), 600)));
    watch.observe("m", 95.0, at(0.0));
    watch.tick(at(80.0));
    keep(&mut watch, &mut spool);
    spool
}

/// Another process, at this second of the wall clock and soon after its machine has started.
fn reborn(kept: Option<Kept>, hold: u64, wall: f64) -> (Watch, Moment) {
    let mut watch = watch(held(Bound::Above(90.0), hold));
    let now = Moment { monotonic: Duration::from_secs(3), unix_ms: START + (wall * 1e3) as i64 };
    let restored = kept.is_some_and(|kept| watch.restore("a", kept, now));
    assert!(restored || watch.next_due().is_none());
    (watch, now)
}

fn later(now: Moment, seconds: u64) -> Moment {
    let monotonic = now.monotonic + Duration::from_secs(seconds);
    Moment { monotonic, unix_ms: now.unix_ms + seconds as i64 * 1000 }
}

#[test]
fn the_time_on_the_bad_side_goes_on_over_restarts() {
    let (mut spool, mut wall) = (None, 0.0);
    // Ten minutes are asked for, and the process never lives for more than three.
    for life in 0..3 {
        let (mut watch, now) = reborn(spool.clone(), 600, wall);
        assert_eq!(watch.observe("m", 95.0, now), []);
        for second in (30..=180).step_by(30) {
            assert_eq!(watch.tick(later(now, second)), [], "life {life}");
            keep(&mut watch, &mut spool);
        }
        wall += 190.0;
    }
    let (mut watch, now) = reborn(spool, 600, wall);
    assert_eq!(watch.next_due(), None, "nothing is known of the value yet");
    assert_eq!(watch.tick(later(now, 100)), []);
    assert_eq!(watch.observe("m", 95.0, now), []);
    let fired = watch.tick(later(now, 30));
    assert_eq!((fired.len(), fired[0].change, fired[0].since), (1, Firing, START));
    assert_eq!(fired[0].payload()["duration_s"], 600);
}

#[test]
fn a_good_value_after_the_restart_begins_the_count_anew() {
    let mut spool = about_to_fire();
    let (mut after, now) = reborn(spool.clone(), 600, 500.0);
    assert_eq!(after.observe("m", 90.0, now), []);
    keep(&mut after, &mut spool);
    assert_eq!(spool, None, "the spool forgets it at once");
    assert_eq!(after.observe("m", 95.0, later(now, 1)), []);
    assert_eq!(after.tick(later(now, 600)), []);
    assert_eq!(changes(after.tick(later(now, 601))), [Firing]);
}

#[test]
fn what_began_long_ago_is_no_part_of_what_goes_on_now() {
    let spool = about_to_fire();
    for (wall, fires) in [(900.0, true), (1200.0, true), (1201.0, false), (-5.0, false)] {
        let (mut after, now) = reborn(spool.clone(), 600, wall);
        assert_eq!(changes(after.observe("m", 95.0, now)), [Firing][..usize::from(fires)], "{wall}");
    }
}

#[test]
fn a_value_that_flaps_costs_no_transaction() {
    let mut watch = watch(held(Bound::Above(90.0), 80));
    for second in (0..100).step_by(10) {
        watch.observe("m", 95.0, at(second as f64));
        watch.tick(at(second as f64 + 9.0));
        watch.observe("m", 10.0, at(second as f64 + 9.5));
    }
    assert_eq!(watch.take_pending(), []);
    watch.observe("m", 95.0, at(200.0));
    assert_eq!(watch.next_due(), Some(Duration::from_secs(210)), "an eighth of `for`");
    assert_eq!(watch.tick(at(210.0)), []);
    assert!(matches!(&watch.take_pending()[..], [(name, Some(kept))] if name == "a" && kept.told.is_none()));
    assert_eq!(watch.next_due(), Some(Duration::from_secs(280)));
    watch.observe("m", 10.0, at(220.0));
    assert_eq!(watch.take_pending(), [("a".to_owned(), None)]);
}

#[test]
fn one_that_fires_is_not_pending_and_one_left_at_the_end_is() {
    let mut first = watch(held(Bound::Above(90.0), 80));
    first.observe("m", 95.0, at(0.0));
    first.keep_pending();
    let (name, kept) = first.take_pending().pop().unwrap();
    assert_eq!((name.as_str(), kept.as_ref().unwrap().since), ("a", START));
    let told = first.tick(at(80.0));
    assert_eq!((changes(told), first.take_pending()), (vec![Firing], vec![]));
    assert!(!first.restore("a", kept.unwrap(), at(81.0)), "it fires already");
    assert_eq!(first.firing(), 1);
}
