//! What the library weighs: its file, its start, its memory and its wake-ups when nothing happens. Each
//! run is a process of its own, the bare one next to it.

use super::guest::{Guest, library};
use std::fs;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

const ROLE: &str = "TASKBELL_BENCH_ROLE";
const IDLE: Duration = Duration::from_secs(5);

pub fn run() {
    match std::env::var(ROLE).as_deref() {
        Ok("bare") => return sit(false),
        Ok("guest") => return sit(true),
        _ => {}
    }
    let library = library();
    let size = fs::metadata(&library).map_or(0, |file| file.len());
    println!("library: {:.2} MiB stripped ({:.2} of the 10 MiB allowed)", mib(size), mib(size) / 10.0);
    let (bare, guest) = (child("bare"), child("guest"));
    println!("start: {:.1} ms from init to the first accepted event", guest[0]);
    println!(
        "memory: {:.1} MiB idle, {:.1} MiB over the bare host's {:.1} (private {:.1} over {:.1})",
        guest[1],
        guest[1] - bare[1],
        bare[1],
        guest[2],
        bare[2]
    );
    println!(
        "wake-ups: {:.2}/s idle in all threads over {} s (bare host {:.2}/s)",
        guest[3],
        IDLE.as_secs(),
        bare[3]
    );
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / 1_048_576.0
}

/// start (ms), resident memory (MiB), private memory (MiB), wake-ups a second.
fn child(role: &str) -> Vec<f64> {
    let program = std::env::current_exe().expect("a program knows its path");
    let output =
        Command::new(program).arg("footprint").env(ROLE, role).output().expect("a child can be started");
    let text = String::from_utf8_lossy(&output.stdout);
    let figures: Vec<f64> = text.split_whitespace().filter_map(|figure| figure.parse().ok()).collect();
    assert_eq!(figures.len(), 4, "{text}{}", String::from_utf8_lossy(&output.stderr));
    figures
}

fn sit(with_guest: bool) {
    let folder = tempfile::tempdir().expect("a folder for the spool");
    let config = format!(
        "[spool]\npath = \"{}\"\n[endpoints.a]\nurl = \"http://127.0.0.1:9/\"\n[[hooks]]\non = [\"queue.end\"]\nto = [\"a\"]\n",
        folder.path().join("bench.db").display()
    );
    let mut start_ms = 0.0;
    let guest = with_guest.then(|| {
        let guest = Guest::load();
        let start = Instant::now();
        guest.init(&config);
        assert!(guest.on_task_complete()(c"{}"));
        start_ms = start.elapsed().as_secs_f64() * 1000.0;
        guest
    });
    thread::sleep(Duration::from_secs(2));
    let before = wake_ups();
    thread::sleep(IDLE);
    // This thread's own sleep is one of them.
    let woken = (wake_ups() - before) as f64 - 1.0;
    println!(
        "{start_ms} {} {} {}",
        memory("VmRSS:"),
        memory("RssAnon:"),
        woken.max(0.0) / IDLE.as_secs_f64()
    );
    if let Some(guest) = guest {
        guest.shutdown(1000);
    }
}

fn memory(field: &str) -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(field)).unwrap_or("0");
    line.trim().trim_end_matches("kB").trim().parse::<f64>().unwrap_or(0.0) / 1024.0
}

fn wake_ups() -> u64 {
    let tasks = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let switches = |status: String| -> u64 {
        let fields = status.lines().filter(|line| line.contains("ctxt_switches"));
        fields.filter_map(|line| line.rsplit('\t').next()?.parse::<u64>().ok()).sum()
    };
    tasks.filter_map(|task| fs::read_to_string(task.path().join("status")).ok()).map(switches).sum()
}
