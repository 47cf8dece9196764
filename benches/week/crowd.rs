//! What a thousand queues and a thousand batches at once hold in memory.

use serde_json::json;
use taskbell_core::config::Config;
use taskbell_core::engine::Simulation;

const EACH: usize = 1_000;
const TASKS: usize = 200;
const CONFIG: &str =
    "[endpoints.a]\nurl = 'https://a.example.com/'\n[[hooks]]\non = ['batch.end']\nto = ['a']\n";

pub fn run() {
    println!("{EACH} of each at once, {TASKS} tasks in each, one in ten failed");
    // Each in a process of its own: what one frees would hide what the next one takes.
    for part in ["queues", "batches"] {
        let child =
            std::env::current_exe().and_then(|own| std::process::Command::new(own).arg(part).status());
        if let Err(error) = child {
            println!("  {part}: not measured: {error}");
        }
    }
}

/// A thousand queues.
pub fn queues() {
    hold("queues", EACH, 0);
}

/// A thousand batches.
pub fn batches() {
    hold("batches", 1, EACH);
}

fn hold(title: &str, queues: usize, batches: usize) {
    let mut bell = Simulation::new(Config::load(CONFIG).expect("the configuration is sound"), 0);
    // What a bell holds for the first of anything is not of the crowd.
    report(&mut bell, (EACH, 0), batches > 0, "queue-first");
    bell.commit();
    let before = resident();
    for task in 0..TASKS {
        for number in 0..EACH {
            report(&mut bell, (number, task), batches > 0, &format!("queue-{}", number % queues));
            if number % 50 == 49 {
                bell.commit();
            }
        }
    }
    match (before, resident()) {
        (Some(before), Some(after)) => {
            let megabytes = after.saturating_sub(before) as f64 / 1e6;
            println!("  {EACH} {title:<9} {megabytes:>6.1} MB resident, with their copy for the spool");
        }
        _ => println!("  {EACH} {title:<9} this system does not say how much is resident"),
    }
}

fn report(bell: &mut Simulation, (number, task): (usize, usize), in_batch: bool, queue: &str) {
    let mut payload = json!({
        "id": format!("task-{number}-{task}"), "name": format!("frame {task}"),
        "queue": queue, "user": format!("user-{}", task % 10), "duration_s": 12.5,
    });
    if in_batch {
        payload["batch"] = json!({"id": format!("batch-{number}"), "total": 100_000});
    }
    if task % 10 == 0 {
        payload["error"] = json!({"type": "OutOfMemory", "message": "x".repeat(120)});
    }
    bell.emit("task.complete", payload.to_string().as_bytes());
}

/// Resident bytes of this process, where the system says so.
fn resident() -> Option<usize> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: usize = text.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages * 4096)
}
