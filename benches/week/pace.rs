//! What deciding costs: events a second through tally, hooks and messages, with 20 hooks that each have a
//! `when`.

use std::fmt::Write;
use std::thread;
use std::time::{Duration, Instant};
use taskbell_core::config::Config;
use taskbell_core::engine::{Bell, Simulation};

const EVENTS: usize = 200_000;
const HOOKS: usize = 20;

pub fn run() {
    println!("{EVENTS} tasks past {HOOKS} hooks, each with a `when`");
    for (title, on, rate) in [
        ("every hook listens, none fires", "task.complete", 0),
        ("every hook listens, one task in 100 rings", "task.complete", 100),
        ("the hooks listen to the end of the queue", "queue.end", 0),
    ] {
        let pace = pace(on, rate);
        println!("  {title:<44} {pace:>9.0}/s   {:.1} us each", 1e6 / pace);
    }
    println!("  the same with ring and spool, by the dispatcher's own time");
    for (title, path) in [("spool in memory", None), ("spool on disk", Some("pace.db"))] {
        let pace = whole(path);
        println!("  {title:<44} {pace:>9.0}/s   {:.1} us each", 1e6 / pace);
    }
    println!();
}

fn hooks(on: &str) -> String {
    let mut text = "[endpoints.a]\nurl = 'https://a.example.com/'\n".to_owned();
    for number in 0..HOOKS {
        let _ = write!(
            text,
            "[[hooks]]\non = ['{on}']\nto = ['a']\n\
             when = \"task.status == 'error' and task.kind == 'kind-{number}' or task.duration_s > {}\"\n",
            1_000 + number
        );
    }
    text
}

fn payloads(one_in: usize) -> Vec<String> {
    (0..1_000)
        .map(|number| {
            let failed = one_in > 0 && number % one_in == 0;
            format!(
                r#"{{"id":"{number}","name":"frame {number}","kind":"kind-{}","status":"{}","duration_s":{},"user":"mira","queue":"node-{}","params":{{"prompt":"a portrait of an astronaut","seed":{number},"steps":30,"model":"sdxl-base-1.0"}}}}"#,
                if failed { 7 } else { 99 },
                if failed { "error" } else { "success" },
                20 + number % 30,
                number % 8
            )
        })
        .collect()
}

fn pace(on: &str, one_in: usize) -> f64 {
    let mut bell = Simulation::new(Config::load(&hooks(on)).expect("the configuration is sound"), 0);
    let payloads = payloads(one_in);
    let (start, ran) = (Instant::now(), on_cpu());
    for number in 0..EVENTS {
        bell.emit("task.complete", payloads[number % payloads.len()].as_bytes());
        if number % 1_000 == 999 {
            bell.commit();
        }
    }
    // What others do on the machine is no part of the cost.
    let seconds = match (ran, on_cpu()) {
        (Some(before), Some(after)) => after - before,
        _ => start.elapsed().as_secs_f64(),
    };
    EVENTS as f64 / seconds
}

/// Through a bell, where each event is also read from the ring and kept in the spool.
fn whole(spool: Option<&str>) -> f64 {
    let folder = tempfile::tempdir().expect("a folder for the spool");
    let path = spool.map_or(":memory:".into(), |name| folder.path().join(name).display().to_string());
    let text = format!("[spool]\npath = '{path}'\n[queue]\nmax_bytes = '16MiB'\n{}", hooks("task.complete"));
    let bell = Bell::open(Config::load(&text).expect("the configuration is sound")).expect("the bell opens");
    let payloads = payloads(0);
    let before = loop {
        // The thread has its name a moment after it was started.
        match dispatcher_on_cpu() {
            Some(seconds) => break seconds,
            None => thread::yield_now(),
        }
    };
    for number in 0..EVENTS {
        while bell.emit("task.complete", payloads[number % payloads.len()].as_bytes()).is_err() {
            thread::sleep(Duration::from_micros(500));
        }
    }
    bell.sync(Duration::from_secs(600)).expect("every event gets into the spool");
    let seconds = dispatcher_on_cpu().expect("the dispatcher lives") - before;
    drop(bell);
    // The next one is not to be taken for it.
    while dispatcher_on_cpu().is_some() {
        thread::yield_now();
    }
    EVENTS as f64 / seconds
}

/// Seconds that the dispatcher has had a processor.
fn dispatcher_on_cpu() -> Option<f64> {
    let threads = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let dispatcher = threads.map(|entry| entry.path()).find(|path| {
        std::fs::read_to_string(path.join("comm")).is_ok_and(|name| name.trim() == "taskbell-events")
    });
    let text = std::fs::read_to_string(dispatcher?.join("schedstat")).ok()?;
    text.split_whitespace().next()?.parse::<f64>().ok().map(|nanoseconds| nanoseconds / 1e9)
}

fn on_cpu() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split_whitespace().next()?.parse::<f64>().ok().map(|nanoseconds| nanoseconds / 1e9)
}
