//! The relay of a farm: one queue over several nodes, with nodes and the relay dying, and posts that come late.

use super::*;
use crate::farm::SpeaksFor::{Node, Queue};
use crate::property::cases;
use proptest::prelude::*;
use std::collections::VecDeque;

const NODE_LOST: u64 = 60;

fn relay(queue: &str, hooks: &str) -> Simulation {
    let text = format!("[queue]\n{queue}\n[endpoints.a]\nurl = 'https://a.example.com/'\n{hooks}");
    let config = Config::load(&text).unwrap_or_else(|errors| panic!("{errors}"));
    Simulation::relay(config, START, seconds(NODE_LOST))
}

/// A post of one event, which the node accepted so many seconds after the start.
fn post(relay: &mut Simulation, node: &str, at: u64, kind: &str) {
    relay.post(node, Node, &[(START + at as i64 * 1000, kind, "{}".to_owned())]);
}

fn ends(messages: &[SimulatedMessage]) -> Vec<Json> {
    let ends = messages.iter().filter(|message| message.kind == "queue.end");
    ends.map(|message| body(message)["data"]["queue"].clone()).collect()
}

#[test]
fn a_queue_ends_once_when_its_last_node_has_ended_it() {
    let mut relay = relay("end_delay = '5s'", &hook("'queue.start', 'queue.end'"));
    for node in ["a", "b"] {
        post(&mut relay, node, 0, "queue.start");
        post(&mut relay, node, 0, "task.complete");
    }
    assert_eq!(kinds(&relay.commit()), ["queue.start"]);
    post(&mut relay, "a", 0, "queue.end");
    relay.crash();
    relay.pass(seconds(30));
    assert_eq!(relay.commit(), [], "the relay forgot what was not durable, and b works");
    post(&mut relay, "a", 30, "queue.end");
    relay.commit();
    relay.crash();
    post(&mut relay, "b", 30, "task.complete");
    post(&mut relay, "b", 30, "queue.end");
    relay.pass(seconds(4));
    assert_eq!(relay.commit(), []);
    relay.crash();
    relay.pass(seconds(5));
    let queue = ends(&relay.commit());
    assert_eq!((queue.len(), &queue[0]["total"], queue[0].get("interrupted")), (1, &json!(3), None));
    relay.pass(seconds(600));
    post(&mut relay, "b", 34, "queue.end");
    relay.pass(seconds(600));
    assert_eq!(relay.commit(), [], "it has ended");
}

#[test]
fn a_node_that_is_lost_holds_up_no_end_and_is_named_in_it() {
    let mut relay = relay("end_delay = '5s'", &hook("'queue.end'"));
    ["a", "b"].into_iter().for_each(|node| post(&mut relay, node, 0, "task.complete"));
    relay.pass(seconds(30));
    post(&mut relay, "b", 30, "queue.end");
    relay.pass(seconds(34));
    assert_eq!(relay.commit(), [], "lost after 60 s, and then there is `end_delay`");
    relay.pass(seconds(1));
    let queue = ends(&relay.commit());
    assert_eq!(queue.len(), 1);
    assert_eq!((&queue[0]["interrupted"], &queue[0]["lost_nodes"]), (&json!(true), &json!(["a"])));
    post(&mut relay, "a", 20, "task.complete");
    post(&mut relay, "a", 25, "queue.end");
    relay.pass(seconds(600));
    assert_eq!(
        (relay.commit(), relay.late()),
        (Vec::new(), 1),
        "it comes back with what it did before the end"
    );
    post(&mut relay, "a", 800, "task.complete");
    post(&mut relay, "a", 800, "queue.end");
    relay.pass(seconds(5));
    assert_eq!(ends(&relay.commit())[0]["total"], 1, "what it does now is another busy period");
}

#[test]
fn a_lost_node_that_comes_back_before_the_end_works_again() {
    for only_a_sign_of_life in [true, false] {
        let mut relay = relay("end_delay = '5s'", &hook("'queue.end'"));
        post(&mut relay, "a", 0, "task.complete");
        relay.pass(seconds(62));
        if only_a_sign_of_life {
            relay.post("a", Node, &[])
        } else {
            post(&mut relay, "a", 61, "task.complete")
        }
        relay.pass(seconds(40));
        relay.post("a", Node, &[]);
        relay.pass(seconds(40));
        assert_eq!(relay.commit(), []);
        post(&mut relay, "a", 140, "queue.end");
        relay.pass(seconds(5));
        let queue = ends(&relay.commit());
        assert_eq!((queue.len(), queue[0].get("interrupted")), (1, None), "{only_a_sign_of_life}");
    }
}

#[test]
fn a_node_whose_host_stops_or_dies_is_out_of_its_queues() {
    ["its stop", "its death"].into_iter().for_each(out_of_its_queues);
}

fn out_of_its_queues(by: &str) {
    let mut relay = relay("end_delay = '5s'", &hook("'queue.end'"));
    ["a", "b"].into_iter().for_each(|node| post(&mut relay, node, 0, "task.complete"));
    let interrupted = r#"{"name": "default", "derived": true, "interrupted": true}"#;
    match by {
        "its stop" => post(&mut relay, "a", 0, "server.stop"),
        _ => relay.post("a", Node, &[(START, "queue.end", interrupted.to_owned())]),
    }
    relay.pass(seconds(10));
    relay.post("a", Node, &[]);
    post(&mut relay, "b", 10, "queue.end");
    relay.pass(seconds(5));
    assert_eq!(ends(&relay.commit())[0]["lost_nodes"], json!(["a"]), "{by}");
}

#[test]
fn a_dispatcher_ends_a_queue_alone_and_tasks_from_before_count() {
    let mut relay = relay("end_delay = '5s'", &hook("'queue.end'"));
    relay.post("dispatcher", Queue, &[(START, "queue.start", "{}".to_owned())]);
    ["a", "b"].into_iter().for_each(|node| post(&mut relay, node, 0, "task.complete"));
    relay.pass(seconds(10));
    post(&mut relay, "a", 10, "queue.end");
    relay.pass(seconds(10));
    assert_eq!(relay.commit(), []);
    relay.post("dispatcher", Queue, &[(START + 20_000, "queue.end", "{}".to_owned())]);
    relay.pass(seconds(1));
    post(&mut relay, "b", 19, "task.complete");
    relay.commit();
    relay.crash();
    relay.pass(seconds(5));
    let queue = ends(&relay.commit());
    assert_eq!((queue.len(), &queue[0]["total"]), (1, &json!(3)));
    post(&mut relay, "b", 20, "task.complete");
    relay.pass(seconds(600));
    assert_eq!((relay.commit(), relay.late()), (Vec::new(), 1));
}

#[test]
fn a_relay_that_did_not_run_loses_no_node_for_that() {
    let mut relay = relay("end_delay = '5s'", &hook("'queue.end'"));
    post(&mut relay, "a", 0, "task.complete");
    relay.commit();
    // Stopped and continued: no time is told in between.
    relay.now += seconds(600);
    relay.end_due();
    relay.pass(seconds(59));
    assert_eq!(relay.commit(), []);
    relay.pass(seconds(6));
    assert_eq!(ends(&relay.commit()).len(), 1);
}

#[test]
fn the_same_alert_of_two_nodes_is_two_alerts() {
    let mut relay = relay("", &(hook("'alert.firing', 'alert.resolved'") + "cooldown = '1h'\n"));
    let mut told = |node: &str, kind: &str| {
        relay.post(node, Node, &[(START, kind, r#"{"name": "disk", "metric": "m"}"#.to_owned())]);
        let messages = relay.commit();
        messages.iter().map(|one| body(one)["data"]["alert"]["node"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(told("a", "alert.firing"), ["a"]);
    assert_eq!(told("b", "alert.firing"), [] as [&str; 0], "the hook has its cooldown");
    assert_eq!(told("b", "alert.resolved"), [] as [&str; 0], "nobody knows that it fired on b");
    assert_eq!(told("a", "alert.resolved"), ["a"]);
}

#[test]
fn a_message_about_a_task_names_the_host_of_its_node() {
    let mut relay = relay("", &hook("'task.complete'"));
    ["a", "b"].into_iter().for_each(|node| post(&mut relay, node, 0, "task.complete"));
    let hosts: Vec<Json> =
        relay.commit().iter().map(|message| body(message)["data"]["host"]["name"].clone()).collect();
    assert_eq!(hosts, ["a.farm", "b.farm"]);
}

#[derive(Debug, Clone)]
enum Step {
    Task(usize),
    End(usize),
    /// The node posts this many of what it has.
    Post(usize, usize),
    Pass(u64),
    Commit,
    /// The relay dies and starts again.
    Crash,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let node = 0..3_usize;
    let step = prop_oneof![
        6 => node.clone().prop_map(Step::Task),
        2 => node.clone().prop_map(Step::End),
        6 => (node, 0..5_usize).prop_map(|(node, events)| Step::Post(node, events)),
        3 => (1..30_u64).prop_map(Step::Pass),
        1 => (60..200_u64).prop_map(Step::Pass),
        3 => Just(Step::Commit),
        1 => Just(Step::Crash),
    ];
    prop::collection::vec(step, 1..80)
}

#[derive(Default)]
struct SimulatedNode {
    outbox: VecDeque<(i64, &'static str, String)>,
    /// Posted, and not durable.
    unanswered: VecDeque<(i64, &'static str, String)>,
}

struct SimulatedFarm {
    relay: Simulation,
    nodes: [SimulatedNode; 3],
    now: u64,
    tasks: u64,
    counted: u64,
    ends: usize,
}

impl SimulatedFarm {
    fn step(&mut self, step: &Step) {
        let at = START + self.now as i64 * 1000;
        match step {
            Step::Task(node) => {
                self.tasks += 1;
                self.nodes[*node].outbox.push_back((at, "task.complete", "{}".to_owned()));
            }
            Step::End(node) => self.nodes[*node].outbox.push_back((at, "queue.end", "{}".to_owned())),
            Step::Post(node, events) => self.post(*node, *events),
            Step::Pass(time) => {
                // A relay looks at its nodes all the time.
                self.now += time;
                self.relay.pass(seconds(*time));
            }
            Step::Commit => self.commit(),
            Step::Crash => {
                self.relay.crash();
                for node in &mut self.nodes {
                    while let Some(event) = node.unanswered.pop_back() {
                        node.outbox.push_front(event);
                    }
                }
            }
        }
    }

    fn post(&mut self, node: usize, events: usize) {
        let name = ["a", "b", "c"][node];
        let node = &mut self.nodes[node];
        let posted: Vec<_> = (0..events).map_while(|_| node.outbox.pop_front()).collect();
        self.relay.post(name, Node, &posted);
        node.unanswered.extend(posted);
    }

    fn commit(&mut self) {
        for end in ends(&self.relay.commit()) {
            self.counted += end["total"].as_u64().unwrap();
            self.ends += 1;
        }
        self.nodes.iter_mut().for_each(|node| node.unanswered.clear());
    }

    /// Every node posts all it has and ends the queue.
    fn finish(&mut self) {
        for node in 0..3 {
            self.step(&Step::End(node));
            self.post(node, usize::MAX);
        }
        self.step(&Step::Pass(10));
        self.commit();
    }
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn every_task_is_counted_once_and_a_busy_period_ends_once_however_nodes_and_relay_die(steps in steps()) {
        let relay = relay("end_delay = '5s'", &hook("'queue.end'"));
        let nodes = Default::default();
        let mut farm = SimulatedFarm { relay, nodes, now: 0, tasks: 0, counted: 0, ends: 0 };
        farm.step(&Step::Task(0));
        for step in &steps {
            farm.step(step);
        }
        farm.finish();
        let accounted = farm.counted + farm.relay.late() as u64;
        prop_assert_eq!(accounted, farm.tasks, "counted and late");
        let before = farm.ends;
        prop_assert!(before >= 1);
        farm.finish();
        farm.step(&Step::Pass(1000));
        farm.commit();
        prop_assert_eq!(farm.ends, before, "nothing was done since");
    }

    #[test]
    fn no_queue_ends_while_a_node_that_posts_works_on_it(steps in steps()) {
        let relay = relay("end_delay = '5s'", &hook("'queue.end'"));
        let nodes = Default::default();
        let mut farm = SimulatedFarm { relay, nodes, now: 0, tasks: 0, counted: 0, ends: 0 };
        farm.step(&Step::Task(0));
        farm.post(0, 1);
        farm.commit();
        for step in steps.iter().filter(|step| !matches!(step, Step::End(0))) {
            if let Step::Pass(time) = step {
                // It posts every 20 s at least.
                (0..time / 20).for_each(|_| {
                    farm.step(&Step::Pass(20));
                    farm.post(0, 1);
                });
                farm.step(&Step::Pass(time % 20));
                farm.post(0, 1);
            } else {
                farm.step(step);
            }
        }
        farm.commit();
        prop_assert_eq!(farm.ends, 0);
    }
}
