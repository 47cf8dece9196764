//! A bell in front of real receivers: order, reload, close, and what the next start takes over.

use super::receiver::{Receiver, Reply, Request};
use super::{PATIENCE, eventually};
use crate::config::Config;
use crate::engine::Bell;
use serde_json::{Value as Json, json};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// What a busy machine may add to a promised time.
const NOISE: Duration = Duration::from_secs(1);

/// A configuration with the endpoint `team`, to which all events of the type `test.event` and all tasks
/// go; `more` holds further keys of the endpoint.
fn config(folder: &Path, url: &str, more: &str) -> Config {
    load(&format!(
        "spool.path = '{}'\n\
         [endpoints.team]\n\
         url = '{url}'\n\
         {more}\n\
         [[hooks]]\n\
         on = ['test.event', 'task.complete']\n\
         to = ['team']\n",
        spool(folder)
    ))
}

fn load(text: &str) -> Config {
    Config::load(text).unwrap_or_else(|errors| panic!("{errors}\n{text}"))
}

fn spool(folder: &Path) -> String {
    folder.join("bell.db").display().to_string()
}

fn emit(bell: &Bell, payload: Json) -> (u64, String) {
    let accepted = bell.emit("test.event", payload.to_string().as_bytes()).unwrap();
    (accepted.ticket, accepted.id.to_string())
}

fn names(requests: &[Request]) -> Vec<&str> {
    requests.iter().map(|request| request.body["data"]["name"].as_str().unwrap_or("?")).collect()
}

fn ids(requests: &[Request]) -> Vec<String> {
    let mut ids: Vec<_> = requests.iter().map(|request| request.header("webhook-id").to_owned()).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

fn report(bell: &Bell) -> Json {
    let mut found = Json::Null;
    eventually("a report", || {
        let take = |text: &str| {
            found = serde_json::from_str(text).unwrap();
            true
        };
        bell.poll(take).is_some()
    });
    found
}

#[test]
fn with_a_concurrency_of_1_a_failing_message_holds_back_those_after_it() {
    let folder = TempDir::new().unwrap();
    let receiver = Receiver::scripted(|_, number| Reply::Status(if number < 2 { 503 } else { 204 }));
    let more = "concurrency = 1\nretry.schedule = ['300ms', '300ms']";
    let bell = Bell::open(config(folder.path(), &receiver.url(), more)).unwrap();
    for name in ["a", "b", "c"] {
        emit(&bell, json!({ "name": name }));
    }
    assert_eq!(names(&receiver.wait_for(5)), ["a", "a", "a", "b", "c"]);
}

#[test]
fn one_in_flight_as_a_platform_has_it_holds_nothing_back() {
    let folder = TempDir::new().unwrap();
    let receiver = Receiver::scripted(|_, number| Reply::Status(if number == 0 { 503 } else { 200 }));
    let more = "platform = 'slack'\nrate = []\nretry.schedule = ['3s']";
    let bell = Bell::open(config(folder.path(), &receiver.url(), more)).unwrap();
    for name in ["first frame", "second frame"] {
        bell.emit("task.complete", json!({ "name": name }).to_string().as_bytes()).unwrap();
    }
    let requests = receiver.wait_for(3);
    let second: Vec<bool> =
        requests.iter().map(|request| request.body.to_string().contains("second frame")).collect();
    assert_eq!(second, [false, true, false]);
}

#[test]
fn an_endpoint_that_is_down_does_not_use_up_the_attempts_of_what_waits() {
    let folder = TempDir::new().unwrap();
    let down = Arc::new(AtomicBool::new(true));
    let is_down = Arc::clone(&down);
    let receiver =
        Receiver::scripted(move |_, _| Reply::Status(if is_down.load(Ordering::SeqCst) { 503 } else { 204 }));
    // Far more deliveries than open the breaker, with two attempts each.
    let bell = Bell::open(config(folder.path(), &receiver.url(), "retry.schedule = ['2s']")).unwrap();
    (0..50).for_each(|number| drop(emit(&bell, json!({ "name": number }))));
    eventually("the breaker", || bell.stats()["lanes"]["team"]["state"] == "breaker");
    down.store(false, Ordering::SeqCst);
    let reports: Vec<Json> = (0..50).map(|_| report(&bell)).collect();
    assert!(reports.iter().all(|report| report["state"] == "delivered"));
    let untouched = reports.iter().filter(|report| report["attempts"] == 1).count();
    assert!(untouched >= 40, "{untouched} arrived at their first attempt");
    assert_eq!(bell.stats()["lanes"]["team"]["state"], "open");
}

#[test]
fn a_reload_sends_what_waits_to_the_new_url() {
    let folder = TempDir::new().unwrap();
    let (down, up) = (Receiver::always(Reply::Status(503)), Receiver::always(Reply::Status(204)));
    let more = format!("retry.schedule = {:?}", ["200ms"; 60]);
    let bell = Bell::open(config(folder.path(), &down.url(), &more)).unwrap();
    // Fewer than open the breaker.
    let mut given: Vec<String> = (0..4).map(|number| emit(&bell, json!({ "name": number })).1).collect();
    eventually("each of them", || ids(&down.wait_for(4)).len() == 4);
    bell.reload(config(folder.path(), &up.url(), &more)).unwrap();
    given.sort_unstable();
    assert_eq!(ids(&up.wait_for(4)), given);
    bell.flush(PATIENCE).unwrap();
    let states: Vec<Json> = (0..4).map(|_| report(&bell)["state"].clone()).collect();
    assert_eq!(states, vec![json!("delivered"); 4]);
    assert_eq!(bell.close(PATIENCE).unwrap(), 0);
}

#[test]
fn what_waits_for_an_endpoint_that_is_no_longer_configured_is_a_dead_letter() {
    let folder = TempDir::new().unwrap();
    let (down, up) = (Receiver::always(Reply::Status(503)), Receiver::always(Reply::Status(204)));
    let bell = Bell::open(config(folder.path(), &down.url(), "retry.schedule = ['1h']")).unwrap();
    let (ticket, id) = emit(&bell, json!({"name": "a"}));
    down.wait_for(1);
    bell.flush(PATIENCE).unwrap();
    let other = load(&format!(
        "spool.path = '{}'\n[endpoints.others]\nurl = '{}'\n[[hooks]]\non = ['test.event']\nto = ['others']\n",
        spool(folder.path()),
        up.url()
    ));
    bell.reload(other).unwrap();
    bell.wait(ticket, PATIENCE).unwrap();
    let dead = report(&bell);
    assert_eq!((&dead["event"], &dead["state"]), (&json!(id), &json!("dead")));
    assert_eq!(dead["reason"], "endpoint `team` is no longer configured");
    emit(&bell, json!({"name": "b"}));
    assert_eq!(names(&up.wait_for(1)), ["b"]);
}

#[test]
fn an_endpoint_that_is_gone_under_its_old_url_is_tried_under_its_new_one() {
    let folder = TempDir::new().unwrap();
    let (answer, gate) = mpsc::channel();
    let gate = Mutex::new(gate);
    let old = Receiver::scripted(move |_, _| gate.lock().unwrap().recv().unwrap());
    let new = Receiver::always(Reply::Status(204));
    let bell = Bell::open(config(folder.path(), &old.url(), "")).unwrap();
    emit(&bell, json!({"name": "a"}));
    old.wait_for(1);
    // The attempt is in flight while the configuration changes.
    bell.reload(config(folder.path(), &new.url(), "")).unwrap();
    answer.send(Reply::Status(410)).unwrap();
    assert_eq!(report(&bell)["state"], "dead");
    assert_eq!(bell.stats()["lanes"]["team"]["state"], "open");
    assert_eq!(bell.close(PATIENCE).unwrap(), 0);

    let next = Bell::open(config(folder.path(), &new.url(), "")).unwrap();
    assert_eq!(next.stats()["lanes"]["team"]["state"], "open");
    emit(&next, json!({"name": "b"}));
    assert_eq!(names(&new.wait_for(1)), ["b"]);
}

#[test]
fn a_bell_that_is_dropped_unclosed_ends_at_once_and_loses_nothing() {
    let folder = TempDir::new().unwrap();
    let (hung, up) = (Receiver::always(Reply::Hang), Receiver::always(Reply::Status(204)));
    let bell = Bell::open(config(folder.path(), &hung.url(), "timeout = '10m'")).unwrap();
    let (_, id) = emit(&bell, json!({"name": "a"}));
    hung.wait_for(1);
    let start = Instant::now();
    drop(bell);
    assert!(start.elapsed() < Duration::from_millis(250) + NOISE, "{:?}", start.elapsed());

    let next = Bell::open(config(folder.path(), &up.url(), "")).unwrap();
    assert_eq!(ids(&up.wait_for(1)), [id]);
    assert_eq!(next.close(PATIENCE).unwrap(), 0);
}
