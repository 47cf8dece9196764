//! Shaping in a whole bell, whose clock the test moves: days pass in milliseconds.

use super::receiver::{Receiver, Reply};
use super::{PATIENCE, eventually};
use crate::clock::Clock;
use crate::config::Config;
use crate::engine::Bell;
use serde_json::{Value as Json, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tempfile::TempDir;

/// Noon in UTC.
pub const NOON: i64 = 1_767_268_800_000;

pub const HOUR: i64 = 3_600_000;

/// Stands still until it is moved.
#[derive(Debug)]
pub struct Moved(AtomicI64);

impl Moved {
    pub fn new() -> Arc<Moved> {
        Arc::new(Moved(AtomicI64::new(NOON)))
    }

    pub fn pass(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for Moved {
    fn unix_ms(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }

    fn monotonic(&self) -> Duration {
        Duration::from_millis((self.unix_ms() - NOON) as u64)
    }
}

/// A bell with one hook that rings at `url`, and a further endpoint `ops`.
fn open_with(folder: &TempDir, url: &str, ops: &str, hook: &str, clock: &Arc<Moved>) -> Bell {
    let path = folder.path().join("bell.db").display().to_string();
    let text = format!(
        "spool.path = '{path}'\n[endpoints.a]\nurl = '{url}'\nretry.schedule = ['10h', '10h', '10h']\n\
         [endpoints.ops]\nurl = '{ops}'\n\
         [[hooks]]\non = ['test.event']\nto = ['a']\n{hook}\n"
    );
    let config = Config::load(&text).unwrap_or_else(|errors| panic!("{errors}\n{text}"));
    Bell::open_with_clock(config, Arc::clone(clock) as Arc<dyn Clock>).unwrap()
}

fn open(folder: &TempDir, url: &str, hook: &str, clock: &Arc<Moved>) -> Bell {
    open_with(folder, url, url, hook, clock)
}

fn emit(bell: &Bell, number: u64) {
    bell.emit("test.event", json!({ "number": number }).to_string().as_bytes()).unwrap();
    bell.sync(PATIENCE).unwrap();
}

/// Waits for a number of the statistics; the dispatcher is woken to look at the clock.
pub fn until(bell: &Bell, key: &str, expected: u64) {
    eventually(&format!("{key} is {expected}"), || {
        bell.sync(PATIENCE).unwrap();
        bell.stats()[key] == json!(expected)
    });
}

fn items(body: &Json) -> Vec<u64> {
    let items = body["data"]["digest"]["items"].as_array().unwrap();
    items.iter().map(|item| item["event"]["data"]["number"].as_u64().unwrap()).collect()
}

#[test]
fn a_week_of_nights_is_seven_digests() {
    let (folder, receiver) = (TempDir::new().unwrap(), Receiver::always(Reply::Status(204)));
    let clock = Moved::new();
    let hook = "quiet_hours = '22:00-07:00'\nquiet_zone = '+00:00'";
    let bell = open(&folder, &receiver.url(), hook, &clock);
    for night in 0..7 {
        clock.pass(11 * HOUR);
        emit(&bell, night);
        emit(&bell, night + 100);
        assert_eq!(bell.stats()["digests"], json!(night));
        clock.pass(13 * HOUR);
        until(&bell, "delivered", night + 1);
    }
    let digests: Vec<Vec<u64>> = receiver.wait_for(7).iter().map(|request| items(&request.body)).collect();
    assert_eq!(digests, (0..7).map(|night| vec![night, night + 100]).collect::<Vec<_>>());
}

/// Reports the end of a queue with so many tasks, and lets its debounce pass.
fn finish(bell: &Bell, clock: &Moved, name: &str, tasks: u64, status: &str) {
    for id in 0..tasks {
        let task = json!({"id": id, "queue": name, "status": status});
        bell.emit("task.complete", task.to_string().as_bytes()).unwrap();
    }
    bell.emit("queue.end", json!({ "name": name }).to_string().as_bytes()).unwrap();
    bell.sync(PATIENCE).unwrap();
    clock.pass(2_000);
    // Whoever is durable after the delay was decided with the end, or after it.
    emit(bell, 0);
}

#[test]
fn what_the_recipe_for_the_night_held_comes_in_the_morning_in_one_message() {
    let (folder, receiver) = (TempDir::new().unwrap(), Receiver::always(Reply::Status(204)));
    let guide = include_str!("../../../../../docs/triggers.md");
    let recipe = guide.split_once("```toml night\n").unwrap().1.split_once("```").unwrap().0;
    let text = recipe.replace("env:TEAM_URL", &receiver.url());
    let path = folder.path().join("bell.db").display().to_string();
    let config = Config::load(&format!("spool.path = '{path}'\n{text}")).unwrap();
    let clock = Moved::new();
    let bell = Bell::open_with_clock(config, Arc::clone(&clock) as Arc<dyn Clock>).unwrap();

    // Noon in UTC is 13:00 in Berlin in January.
    finish(&bell, &clock, "by day", 12, "success");
    until(&bell, "delivered", 1);
    clock.pass(10 * HOUR);
    finish(&bell, &clock, "at night", 12, "success");
    finish(&bell, &clock, "later", 3, "error");
    finish(&bell, &clock, "too small", 3, "success");
    finish(&bell, &clock, "on fire", 21, "error");
    until(&bell, "delivered", 2);
    clock.pass(7 * HOUR);
    emit(&bell, 0);
    assert_eq!(bell.stats()["delivered"], json!(2), "it is not seven yet");
    clock.pass(HOUR);
    until(&bell, "delivered", 3);

    let bodies: Vec<Json> = receiver.wait_for(3).into_iter().map(|request| request.body).collect();
    assert_eq!(bodies[0]["data"]["queue"]["name"], "by day");
    assert_eq!(bodies[1]["data"]["queue"]["name"], "on fire", "what the exception names comes at once");
    let digest = &bodies[2]["data"]["digest"];
    let items: Vec<(&Json, &Json)> = digest["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| (&item["queue"]["name"], &item["queue"]["total"]))
        .collect();
    assert_eq!(digest["count"], 2);
    assert_eq!(items, [(&json!("at night"), &json!(12)), (&json!("later"), &json!(3))]);
}

#[test]
fn a_digest_whose_time_passed_while_the_host_was_down_goes_out_at_the_start() {
    let (folder, receiver) = (TempDir::new().unwrap(), Receiver::always(Reply::Status(204)));
    let clock = Moved::new();
    let bell = open(&folder, &receiver.url(), "digest = '12h'", &clock);
    emit(&bell, 1);
    emit(&bell, 2);
    assert_eq!(bell.close(PATIENCE).unwrap(), 0);
    clock.pass(48 * HOUR);
    let bell = open(&folder, &receiver.url(), "digest = '12h'", &clock);
    until(&bell, "delivered", 1);
    assert_eq!(items(&receiver.wait_for(1)[0].body), [1, 2]);
}

#[test]
fn an_escalation_that_waits_survives_a_restart() {
    let folder = TempDir::new().unwrap();
    let (failing, ops) = (Receiver::always(Reply::Status(503)), Receiver::always(Reply::Status(204)));
    let clock = Moved::new();
    let hook = "escalate = { after = '2h', to = ['ops'] }";
    let bell = open_with(&folder, &failing.url(), &ops.url(), hook, &clock);
    emit(&bell, 1);
    until(&bell, "retries", 1);
    clock.pass(HOUR);
    bell.close(Duration::ZERO).unwrap();
    let bell = open_with(&folder, &failing.url(), &ops.url(), hook, &clock);
    emit(&bell, 2);
    until(&bell, "retries", 1);
    assert_eq!(bell.stats()["escalated"], json!(0));
    clock.pass(HOUR);
    until(&bell, "escalated", 1);
    until(&bell, "delivered", 1);
    let (tried, told) = (failing.wait_for(1), ops.wait_for(1));
    assert_eq!(tried[0].header("webhook-id"), told[0].header("webhook-id"));
}
