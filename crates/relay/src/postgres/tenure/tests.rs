//! Relays, nodes and a database on a virtual clock, in every order of their steps that a case happens on: whoever is paused,
//! cut off or killed, and whatever clocks say, one leads, and nothing is lost or counted twice.

mod database;
mod relay;

use super::{Renewal, Tenure, Term};
use database::{BATCH, SimulatedDatabase};
use proptest::prelude::*;
use proptest::test_runner::{TestCaseError, TestError, TestRng, TestRunner};
use relay::SimulatedRelay;
use std::collections::{BTreeMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

const LEASE_MS: i64 = 1000;
const NODES: usize = 2;
const RELAYS: usize = 3;

/// What is taken out, for those who want to see that it is needed.
#[derive(Debug, Clone, Copy)]
struct Rules {
    is_fenced: bool,
    sees_sessions: bool,
    looks_twice: bool,
    /// Of what a lease holds for, in tenths of what is right.
    trust_tenths: u32,
}

impl Rules {
    const ALL: Rules = Rules { is_fenced: true, sees_sessions: true, looks_twice: true, trust_tenths: 10 };

    fn term(&self, epoch: i64, asked: Instant) -> Term {
        Term::new(epoch, asked, Duration::from_millis(LEASE_MS as u64) * self.trust_tenths / 10)
    }
}

#[derive(Debug, Clone)]
enum Step {
    Pass(u64),
    Keep(usize),
    Dispatch(usize),
    Attempt(usize),
    Emit(usize),
    Post(usize, usize),
    Crash(usize),
    Pause(usize),
    Resume(usize),
    Cut(usize),
    Join(usize),
    LoseAnswer(usize),
    /// The server ends the sessions of everybody.
    RestartDatabase,
    /// The clock of the database is set, by so many milliseconds.
    SetClock(i64),
}

impl Step {
    /// What a random number means: common steps have many of them.
    fn of(number: u32) -> Step {
        let (kind, size) = (number % 147, number / 147);
        let (relay, node) = (size as usize % RELAYS, size as usize % NODES);
        match kind {
            0..20 => Step::Pass(1 + u64::from(size) % 150),
            20..22 | 143..147 => Step::Pass(300 + u64::from(size) % 1200),
            22..62 => Step::Keep(relay),
            62..92 => Step::Dispatch(relay),
            92..104 => Step::Attempt(relay),
            104..112 => Step::Emit(node),
            112..127 => Step::Post(node, size as usize / NODES % RELAYS),
            127 => Step::Crash(relay),
            128..130 => Step::Pause(relay),
            130..134 => Step::Resume(relay),
            134..136 => Step::Cut(relay),
            136..140 => Step::Join(relay),
            140 => Step::LoseAnswer(relay),
            141 => Step::RestartDatabase,
            _ => Step::SetClock(i64::from(size) % 240_000 - 120_000),
        }
    }
}

fn speeds() -> impl Strategy<Value = [u64; RELAYS]> {
    [820..1200_u64, 820..1200_u64, 820..1200_u64]
}

#[derive(Default)]
struct SimulatedNode {
    outbox: VecDeque<u64>,
    /// How many of them the relay of this number has.
    posted: Option<(usize, usize)>,
}

struct Farm {
    rules: Rules,
    true_ms: u64,
    /// A clock that is set ahead ends a lease early: two may send, and still one writes.
    was_set: bool,
    database: SimulatedDatabase,
    relays: [SimulatedRelay; RELAYS],
    nodes: [SimulatedNode; NODES],
    emitted: u64,
    received: BTreeMap<u64, u32>,
}

impl Farm {
    fn new(speeds: [u64; RELAYS], rules: Rules) -> Farm {
        Farm {
            rules,
            true_ms: 0,
            was_set: false,
            database: SimulatedDatabase::new(rules.is_fenced, rules.looks_twice),
            relays: speeds.map(SimulatedRelay::new),
            nodes: Default::default(),
            emitted: 0,
            received: BTreeMap::new(),
        }
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Pass(time) => {
                self.true_ms += time;
                self.database.now += time as i64;
            }
            Step::Keep(relay) => self.relays[relay].keep(&mut self.database, self.true_ms, &self.rules),
            Step::Dispatch(relay) => self.dispatch(relay),
            Step::Attempt(relay) => self.attempt(relay),
            Step::Emit(node) => {
                self.nodes[node].outbox.push_back(self.emitted);
                self.emitted += 1;
            }
            Step::Post(node, relay) => self.post(node, relay),
            Step::Crash(relay) => self.relays[relay].crash(&mut self.database),
            Step::Pause(relay) => self.relays[relay].is_paused = true,
            Step::Resume(relay) => self.relays[relay].is_paused = false,
            Step::Cut(relay) => self.relays[relay].is_cut = true,
            Step::Join(relay) => self.relays[relay].is_cut = false,
            Step::LoseAnswer(relay) => self.relays[relay].loses_answer = true,
            Step::RestartDatabase => self.database.disconnect_all(),
            Step::SetClock(by) => {
                self.was_set = true;
                self.database.now += by;
            }
        }
    }

    fn dispatch(&mut self, relay: usize) {
        for (node, events) in self.relays[relay].dispatch(&mut self.database) {
            let taken = events.iter().all(|event| self.database.events.contains(event));
            assert!(taken, "{events:?} are answered and not there");
            let node = &mut self.nodes[node];
            // It may have given this answer up, and then gets the next one for the same events.
            if node.posted.take() == Some((relay, events.len())) {
                node.outbox.drain(..events.len());
            }
        }
    }

    fn attempt(&mut self, relay: usize) {
        let Some((event, epoch)) = self.relays[relay].attempt(self.true_ms) else { return };
        *self.received.entry(event).or_default() += 1;
        // A session that ended is seen with the next look at it.
        let is_excused = self.database.gone.contains(&epoch) && !self.relays[relay].could_see;
        let leads = self.database.epoch == epoch;
        assert!(leads || is_excused || self.was_set, "relay {relay} sends after its time");
    }

    fn post(&mut self, number: usize, relay: usize) {
        let node = &mut self.nodes[number];
        if node.posted.is_some_and(|(to, _)| self.relays[to].is_posted_by(number)) {
            return;
        }
        let events: Vec<u64> = node.outbox.iter().take(3).copied().collect();
        let takes = !events.is_empty() && self.relays[relay].post(number, &events, self.true_ms);
        node.posted = takes.then_some((relay, events.len()));
    }

    /// Everything works, and goes on until nothing is left to do.
    fn settle(&mut self) {
        self.database.disconnect_all();
        for relay in &mut self.relays {
            (relay.is_paused, relay.is_cut) = (false, false);
            relay.crash(&mut self.database);
        }
        for turn in 0..10_000 {
            let relay = turn % RELAYS;
            let done = self.nodes.iter().all(|node| node.outbox.is_empty());
            if done && self.database.pending.is_empty() {
                return;
            }
            let mut steps =
                vec![Step::Pass(5), Step::Keep(relay), Step::Dispatch(relay), Step::Attempt(relay)];
            steps.extend((0..NODES).map(|node| Step::Post(node, relay)));
            steps.iter().for_each(|step| self.step(step));
        }
        panic!("it comes to no end: {:?} and {:?}", self.relays, self.database);
    }

    fn check(&self) {
        assert!(self.database.events.iter().copied().eq(0..self.emitted), "each event is there");
        assert!(self.received.keys().copied().eq(0..self.emitted), "each event was sent");
        let whole = self.emitted / BATCH;
        assert!(self.database.ended_batches.iter().copied().eq(0..whole), "each whole batch ended");
    }
}

fn runs_well(speeds: [u64; RELAYS], steps: &[Step], rules: Rules) {
    let mut farm = Farm::new(speeds, rules);
    steps.iter().for_each(|step| farm.step(step));
    farm.settle();
    farm.check();
}

/// How fast the clocks of the relays are, whether that of the database is set, and what happens.
type Case = ([u64; RELAYS], bool, Vec<u32>);

/// Cases that are the same in every run, until one fails.
fn search(rules: Rules) -> Result<(), TestError<Case>> {
    let cases = match (rules_are_whole(&rules), std::env::var_os("TASKBELL_QUICK")) {
        // Until the first one fails.
        (false, _) => 50_000,
        (true, None) => 2_000,
        (true, Some(_)) => 250,
    };
    let max_shrink_iters = if rules_are_whole(&rules) { 4096 } else { 0 };
    let config =
        ProptestConfig { cases, failure_persistence: None, max_shrink_iters, ..ProptestConfig::default() };
    let rng = TestRng::deterministic_rng(config.rng_algorithm);
    let cases = (speeds(), any::<bool>(), prop::collection::vec(any::<u32>(), 20..250));
    TestRunner::new_with_rng(config, rng).run(&cases, |(speeds, sets_clock, numbers)| {
        let steps: Vec<Step> = numbers.into_iter().map(Step::of).collect();
        let steps: Vec<Step> =
            steps.into_iter().filter(|step| sets_clock || !matches!(step, Step::SetClock(_))).collect();
        catch_unwind(AssertUnwindSafe(|| runs_well(speeds, &steps, rules)))
            .map_err(|panic| TestCaseError::fail(format!("{} after {steps:?}", text_of(&*panic))))
    })
}

fn rules_are_whole(rules: &Rules) -> bool {
    rules.is_fenced && rules.sees_sessions && rules.looks_twice && rules.trust_tenths == 10
}

fn text_of(panic: &(dyn std::any::Any + Send)) -> String {
    panic.downcast_ref::<String>().cloned().unwrap_or_else(|| "it failed".to_owned())
}

#[test]
fn one_leads_and_nothing_is_lost_or_counted_twice_in_any_order_of_failures() {
    if let Err(failure) = search(Rules::ALL) {
        panic!("{failure}");
    }
}

#[test]
fn the_same_orders_show_what_each_rule_prevents() {
    let rules = [
        (Rules { is_fenced: false, ..Rules::ALL }, "a former leader commits"),
        (Rules { sees_sessions: false, ..Rules::ALL }, "sends after its time"),
        (Rules { looks_twice: false, ..Rules::ALL }, "sends after its time"),
        // Twelve tenths of the lease's time, and not eight.
        (Rules { trust_tenths: 15, ..Rules::ALL }, "sends after its time"),
    ];
    for (rules, wanted) in rules {
        match search(rules) {
            Err(TestError::Fail(reason, _)) => assert!(reason.message().contains(wanted), "{reason}"),
            other => panic!("without {rules:?} nothing goes wrong: {other:?}"),
        }
    }
}

#[test]
fn a_leader_whose_dispatcher_makes_no_step_is_not_renewed_after_the_time_of_its_lease() {
    let (start, time) = (Instant::now(), Duration::from_secs(5));
    let mut tenure = Tenure::new(Term::new(1, start, time), time, start);
    assert!(tenure.may_renew(true, None, start + time * 10), "it has no dispatcher yet");
    assert!(tenure.may_renew(true, Some(7), start + time * 10));
    assert!(tenure.may_renew(true, Some(7), start + time * 11 - Duration::from_millis(1)));
    assert!(!tenure.may_renew(true, Some(7), start + time * 11));
    assert!(tenure.may_renew(true, Some(8), start + time * 12));
}

#[test]
fn a_leader_is_sure_until_eight_tenths_of_its_time_and_not_while_its_session_is_gone() {
    let (start, time) = (Instant::now(), Duration::from_secs(5));
    let mut tenure = Tenure::new(Term::new(1, start, time), time, start);
    assert_eq!(tenure.trusted_until(), Some(start + Duration::from_secs(4)));
    assert!(tenure.may_renew(false, None, start), "another session may hold it");
    assert_eq!(tenure.trusted_until(), None);
    tenure.answer(Renewal::Unanswered);
    assert_eq!(tenure.trusted_until(), None);
    tenure.answer(Renewal::Renewed(Term::new(1, start + time / 5, time)));
    assert_eq!(tenure.trusted_until(), Some(start + time));
    tenure.answer(Renewal::Deposed);
    assert_eq!(tenure.trusted_until(), None);
}
