use super::*;
use std::sync::Arc;

const SENDERS: usize = 16;

/// A lane as the turns see it.
#[derive(Debug, Clone, Default)]
struct Lane(Arc<Seat>);

impl Seated for Lane {
    fn seat(&self) -> &Seat {
        &self.0
    }
}

impl Lane {
    fn is(&self, other: &Lane) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

fn lanes(count: usize) -> Vec<Lane> {
    std::iter::repeat_with(Lane::default).take(count).collect()
}

fn turns() -> Turns<Lane> {
    Turns::new(SENDERS)
}

/// Makes one attempt of this length with each lane.
fn attempt(turns: &mut Turns<Lane>, lanes: &[Lane], from: Instant, length: Duration) {
    for lane in lanes {
        turns.ask(lane.clone());
        let (id, turn) = turns.begin(from).unwrap();
        assert!(turn.is(lane));
        turns.goes_on(id, &turn, from + length);
        turns.end(id, &turn);
    }
}

/// Lets these lanes ask, and gives out turns until none may have one.
fn begin_all(turns: &mut Turns<Lane>, lanes: &[Lane], now: Instant) -> Vec<(WorkId, Lane)> {
    lanes.iter().for_each(|lane| turns.ask(lane.clone()));
    std::iter::from_fn(|| turns.begin(now)).collect()
}

#[test]
fn lanes_have_their_turns_in_the_order_in_which_they_asked_and_each_asks_once() {
    let (mut turns, now) = (turns(), Instant::now());
    let three = lanes(3);
    turns.ask(three[1].clone());
    let begun = begin_all(&mut turns, &three, now);
    let order: Vec<_> = begun.iter().map(|(_, lane)| three.iter().position(|one| one.is(lane))).collect();
    assert_eq!(order, [Some(1), Some(0), Some(2)]);
    assert!(!turns.any_asks());
}

#[test]
fn a_sender_stays_with_its_lane_while_no_other_asks() {
    let (mut turns, now) = (turns(), Instant::now());
    let two = lanes(2);
    turns.ask(two[0].clone());
    let (id, lane) = turns.begin(now).unwrap();
    assert!(turns.goes_on(id, &lane, now));
    turns.ask(two[1].clone());
    assert!(!turns.goes_on(id, &lane, now));
}

#[test]
fn one_lane_that_hangs_holds_at_most_half_of_the_senders_and_the_next_half_of_the_rest() {
    let (mut turns, now) = (turns(), Instant::now());
    let mut held = Vec::new();
    for lane in lanes(3) {
        attempt(&mut turns, std::slice::from_ref(&lane), now, Duration::ZERO);
        let begins = |_: &usize| {
            turns.ask(lane.clone());
            turns.begin(now).is_some()
        };
        held.push((0..SENDERS).take_while(begins).count());
        turns.asking = Default::default();
        lane.seat().asks.store(false, Ordering::SeqCst);
    }
    assert_eq!(held, [8, 4, 2]);
}

#[test]
fn slow_lanes_share_half_of_the_senders_and_unknown_ones_leave_a_quarter_to_prompt_ones() {
    let (mut turns, now) = (turns(), Instant::now());
    let (slow, unknown, prompt) = (lanes(40), lanes(40), lanes(40));
    attempt(&mut turns, &slow, now, SLOW);
    attempt(&mut turns, &prompt, now, Duration::ZERO);
    assert_eq!(begin_all(&mut turns, &slow, now).len(), SENDERS / 2);
    assert_eq!(begin_all(&mut turns, &unknown, now).len(), SENDERS / 4);
    let begun = begin_all(&mut turns, &prompt, now);
    assert_eq!(begun.len(), SENDERS / 4);
    // Each that ends lets the next prompt one begin, however many slow ones asked before.
    for (ended, next) in begun.iter().zip(&prompt[SENDERS / 4..]) {
        turns.end(ended.0, &ended.1);
        assert!(turns.begin(now).unwrap().1.is(next));
    }
}

#[test]
fn an_attempt_that_has_become_slow_counts_as_slow_before_it_ends() {
    let (mut turns, now) = (turns(), Instant::now());
    let (hung, unknown) = (lanes(12), lanes(12));
    attempt(&mut turns, &hung, now, Duration::ZERO);
    assert_eq!(begin_all(&mut turns, &hung, now).len(), 12);
    assert!(begin_all(&mut turns, &unknown, now + SLOW).is_empty());
}

#[test]
fn every_lane_has_its_turn_at_last_although_all_hang() {
    let (mut turns, mut now) = (turns(), Instant::now());
    let all = lanes(100);
    let mut begun = begin_all(&mut turns, &all, now);
    let mut served = begun.len();
    while let Some((id, lane)) = begun.pop() {
        now += SLOW;
        turns.goes_on(id, &lane, now);
        turns.end(id, &lane);
        let next: Vec<_> = std::iter::from_fn(|| turns.begin(now)).collect();
        served += next.len();
        begun.splice(0..0, next);
    }
    assert_eq!(served, 100);
}

#[test]
fn a_lane_asks_by_itself_at_the_earliest_of_its_times() {
    let (mut turns, now) = (turns(), Instant::now());
    let lane = Lane::default();
    let seconds = Duration::from_secs;
    turns.ask_after(&lane, seconds(5), now);
    turns.ask_after(&lane, seconds(9), now);
    assert_eq!(turns.next_alarm(), Some(now + seconds(5)));
    turns.ask_after(&lane, seconds(2), now);
    assert_eq!((turns.next_alarm(), turns.alarms.len()), (Some(now + seconds(2)), 1));
    assert!(turns.begin(now + seconds(1)).is_none());
    assert!(turns.begin(now + seconds(2)).is_some() && turns.next_alarm().is_none());
    turns.ask_after(&lane, seconds(1), now);
    turns.forget(&lane);
    assert_eq!((turns.next_alarm(), turns.any_asks()), (None, false));
}
