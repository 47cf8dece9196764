//! A farm on this machine: nodes that post to a relay, on a spool or on PostgreSQL, against one host that delivers itself.
//! `taskbell-bench farm [store=postgres://…] [events=N]`; the database is an empty one, and is filled.

use crate::load::{Load, SECRET};
use crate::measure;
use crate::sink::{Mode, Sink};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

const NODES: u64 = 4;
/// Events a second of all nodes together, where latency is measured.
const PACE: u64 = 1000;
const LIMIT: Duration = Duration::from_secs(600);

/// How fast, and how soon: deliveries a second flat out, and p50 and p99 at [`PACE`] in milliseconds.
struct Figures {
    rate: f64,
    p50_ms: f64,
    p99_ms: f64,
}

pub fn run(words: &[String]) -> Result<(), String> {
    let load = Load::new(words);
    let events = load.number("events", 20_000)?;
    let alone = measure_farm(None, events)?;
    show("one host, its own spool", &alone, &alone);
    show("4 nodes, a relay on a spool", &measure_farm(Some(""), events)?, &alone);
    if let Some(store) = load.text("store") {
        let line = format!("store = '{store}'\n");
        show("4 nodes, a relay on PostgreSQL", &measure_farm(Some(&line), events)?, &alone);
    }
    Ok(())
}

fn show(what: &str, figures: &Figures, alone: &Figures) {
    let Figures { rate, p50_ms, p99_ms } = figures;
    let ratio = rate / alone.rate;
    println!(
        "{what}: {rate:.0} delivered a second ({ratio:.2}); at {PACE}/s p50 {p50_ms:.1} ms, p99 {p99_ms:.1} ms"
    );
}

/// Without a `store` nobody relays; an empty one is the spool.
fn measure_farm(store: Option<&str>, events: u64) -> Result<Figures, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let sink = Sink::start(Mode::Accept)?;
    let relay = store.map(|store| Relay::start(folder.path(), &sink.url(), store)).transpose()?;
    let target =
        relay.as_ref().map_or(format!("url={}", sink.url()), |relay| format!("relays={}", relay.url));
    let nodes = if relay.is_some() { NODES } else { 1 };
    let all = |client: &str, events: u64| -> Result<(), String> {
        let each = events / nodes;
        let words = |node: u64| format!("{client} {target} node=n{node} disk=1 in_flight=16 events={each}");
        let before = sink.requests();
        thread::scope(|scope| {
            let started: Vec<_> = (0..nodes)
                .map(|node| scope.spawn(move || measure::client(&crate::setting::words(&words(node)))))
                .collect();
            started.into_iter().try_for_each(|one| one.join().map_err(|_| "a node failed")?.map(drop))
        })?;
        await_requests(&sink, before + each * nodes)
    };
    all("deliver", events / 10)?;
    let (before, start) = (sink.requests(), Instant::now());
    all("deliver", events)?;
    let rate = (sink.requests() - before) as f64 / start.elapsed().as_secs_f64();
    sink.set(Mode::Time);
    let gap_us = 1_000_000 * nodes / PACE;
    all(&format!("latency flush=1 gap_us={gap_us}"), PACE * 10)?;
    let ages: Vec<f64> = sink.take_ages().iter().map(|age| age.as_secs_f64() * 1000.0).collect();
    Ok(Figures { rate, p50_ms: measure::at(&ages, 0.5), p99_ms: measure::at(&ages, 0.99) })
}

fn await_requests(sink: &Sink, count: u64) -> Result<(), String> {
    let start = Instant::now();
    while sink.requests() < count {
        if start.elapsed() > LIMIT {
            return Err(format!("{} of {count} requests arrived", sink.requests()));
        }
        thread::sleep(Duration::from_millis(2));
    }
    Ok(())
}

/// `taskbell relay`, until it is dropped.
struct Relay {
    process: Child,
    url: String,
}

impl Relay {
    fn start(folder: &Path, sink: &str, store: &str) -> Result<Relay, String> {
        let path = folder.join("relay.toml");
        let spool = folder.join("relay.db");
        let text = format!(
            "[spool]\npath = '{}'\n[farm]\nlisten = '127.0.0.1:0'\nsecrets = ['{SECRET}']\n{store}\
             [[hooks]]\non = ['task.complete']\nto = ['e0']\n\
             [endpoints.e0]\nplatform = 'json'\nurl = '{sink}'\nconcurrency = 16\n",
            spool.display()
        );
        std::fs::write(&path, text).map_err(|error| error.to_string())?;
        let command = measure::program()?.with_file_name("taskbell");
        let mut process = Command::new(&command)
            .args(["--json", "relay"])
            .arg(&path)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{}: {error}", command.display()))?;
        let mut said = String::new();
        if let Some(output) = process.stdout.take() {
            BufReader::new(output).read_line(&mut said).map_err(|error| error.to_string())?;
        }
        let url = serde_json::from_str::<serde_json::Value>(&said).ok();
        let url = url.and_then(|said| said["listening"].as_str().map(str::to_owned));
        let relay = Relay { process, url: url.clone().unwrap_or_default() };
        url.map(|_| relay).ok_or_else(|| "the relay does not start".to_owned())
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
