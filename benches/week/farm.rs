//! The messages of a week: 10 000 tasks a day, in bursts, with queues that flap, nodes that break and
//! films of many frames.

use serde_json::json;
use std::collections::BTreeMap;
use std::time::Duration;
use taskbell_core::config::Config;
use taskbell_core::engine::Simulation;

const DAYS: u64 = 7;
const TASKS_A_DAY: u64 = 10_000;
const MONDAY: i64 = 1_767_571_200_000;

/// Every event is a message, and an end is believed at once.
const EVERYTHING: &str = "
[queue]
end_delay = '0s'
[endpoints.person]
url = 'https://chat.example.com/hook'
[[hooks]]
name = 'everything'
on = ['task.complete', 'queue.start', 'queue.end']
to = ['person']
";

/// What an operator of such a farm writes.
const DECIDED: &str = "
[queue]
end_delay = '2m'
batch_stall = '3h'
[endpoints.person]
url = 'https://chat.example.com/hook'
[[hooks]]
name = 'film done'
on = ['batch.end', 'batch.stalled']
to = ['person']
quiet_hours = '22:00-07:00'
quiet_zone = '+00:00'
[[hooks]]
name = 'large queue'
on = ['queue.end']
to = ['person']
min_tasks = 100
[[hooks]]
name = 'much failed'
on = ['queue.end']
to = ['person']
when = 'queue.failed >= 10 and queue.failed * 10 >= queue.total'
cooldown = '2h'
[[hooks]]
name = 'longer than usual'
on = ['task.complete']
to = ['person']
min_duration = '20m'
relative = 3
digest = '12h'
";

pub fn run() {
    println!("A week of a render farm, {TASKS_A_DAY} tasks a day");
    let before = week(EVERYTHING);
    let after = week(DECIDED);
    show("every event a message", &before);
    show("as Taskbell decides", &after);
    let (before, after) = (total(&before), total(&after));
    println!("{before} messages before, {after} after: {} a day\n", after / DAYS);
}

fn show(title: &str, hooks: &BTreeMap<String, u64>) {
    println!("  {title}: {}", total(hooks));
    for (hook, count) in hooks {
        println!("    {hook:<24} {count:>7}");
    }
}

fn total(hooks: &BTreeMap<String, u64>) -> u64 {
    hooks.values().sum()
}

fn week(config: &str) -> BTreeMap<String, u64> {
    let config = Config::load(config).expect("the configuration is sound");
    let mut bell = Simulation::new(config, MONDAY);
    let mut dice = Dice(7);
    let mut messages = BTreeMap::new();
    for day in 0..DAYS {
        let mut tasks = 0;
        while tasks < TASKS_A_DAY {
            let burst = dice.below(290) + 10;
            let film = dice.below(4) == 0;
            let broken = dice.below(12) == 0;
            let queue = format!("node-{}", dice.below(8));
            for frame in 0..burst {
                let kind = if film { "frame" } else { "image" };
                let failed = if broken { dice.below(3) == 0 } else { dice.below(200) == 0 };
                let seconds = 20 + dice.below(30) + if dice.below(3_000) == 0 { 3_600 } else { 0 };
                let mut task = json!({
                    "id": format!("{day}-{tasks}"), "kind": kind, "queue": queue, "duration_s": seconds,
                    "status": if failed { "error" } else { "success" }, "user": "mira",
                });
                if film {
                    task["batch"] = json!({"id": format!("film-{day}-{}", tasks - frame), "total": burst});
                }
                bell.emit("task.complete", task.to_string().as_bytes());
                // Most hosts see an empty queue between two requests: it flaps.
                if dice.below(5) == 0 {
                    bell.emit("queue.end", json!({"name": queue}).to_string().as_bytes());
                }
                bell.pass(Duration::from_millis(dice.below(8_000)));
                tasks += 1;
            }
            bell.emit("queue.end", json!({"name": queue}).to_string().as_bytes());
            bell.pass(Duration::from_secs(dice.below(1_200)));
            for message in bell.commit() {
                *messages.entry(message.hook).or_default() += 1;
            }
        }
        let today = u64::try_from(bell.unix_ms() - MONDAY).unwrap_or_default();
        bell.pass(Duration::from_millis(((day + 1) * 86_400_000).saturating_sub(today)));
    }
    bell.pass(Duration::from_secs(86_400));
    for message in bell.commit() {
        *messages.entry(message.hook).or_default() += 1;
    }
    messages
}

/// Chance that is the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }
}
