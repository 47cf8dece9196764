//! A farm on this machine: nodes that post to a relay, on a spool or on PostgreSQL, against one host that delivers itself.
//! `taskbell-bench farm [store=postgres://…] [events=N] [pending=N]`; the database is an empty one, and is filled.

use crate::load::{Load, SECRET};
use crate::measure;
use crate::sink::{Mode, Sink};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How many nodes a farm has, one after the other.
const FARMS: [u64; 3] = [1, 4, 16];
/// Events a second of all nodes together, where latency is measured.
const PACE: u64 = 1000;
/// The same, for those who publish their figures at so little.
const SLOW_PACE: u64 = 50;
const LIMIT: Duration = Duration::from_secs(1200);

/// How fast, and how soon: deliveries a second flat out, and milliseconds from the event to the receiver.
struct Figures {
    rate: f64,
    p50_ms: f64,
    p99_ms: f64,
    slow_p95_ms: f64,
    database: Option<DatabaseFigures>,
}

/// What the database of a farm did.
struct DatabaseFigures {
    /// For an event, flat out and at [`PACE`].
    flat_out: Counts,
    paced: Counts,
    connections: f64,
}

/// Transactions and statements; these are counted by `pg_stat_statements`, where the database has it.
#[derive(Clone, Copy)]
struct Counts {
    transactions: f64,
    statements: Option<f64>,
}

impl Counts {
    /// Those since `before`, for each of these events.
    fn since(self, before: Counts, events: u64) -> Counts {
        let each = |now: f64, before: f64| (now - before) / events as f64;
        let statements = self.statements.zip(before.statements);
        Counts {
            transactions: each(self.transactions, before.transactions),
            statements: statements.map(|(now, before)| each(now, before)),
        }
    }

    fn shown(self) -> String {
        let statements = self.statements.map_or("-".to_owned(), |statements| format!("{statements:.3}"));
        format!("{:.3}, {statements}", self.transactions)
    }
}

pub fn run(words: &[String]) -> Result<(), String> {
    let load = Load::new(words);
    let events = load.number("events", 20_000)?;
    let store = load.text("store");
    println!(
        "| what | delivered a second | at {PACE}/s p50, p99 | at {SLOW_PACE}/s p95 | transactions, statements an event | at {PACE}/s | connections |"
    );
    println!("|---|---|---|---|---|---|---|");
    let alone = Farm { nodes: 1, relay: None }.measure(events)?;
    show("one host, its own spool", &alone, &alone);
    for nodes in FARMS {
        let farm = Farm { nodes, relay: Some(None) };
        show(&format!("{nodes} nodes, a relay on a spool"), &farm.measure(events)?, &alone);
    }
    let Some(store) = store else { return Ok(()) };
    for nodes in FARMS {
        let farm = Farm { nodes, relay: Some(Some(store)) };
        show(&format!("{nodes} nodes, a relay on PostgreSQL"), &farm.measure(events)?, &alone);
    }
    let pending = load.number("pending", 0)?;
    if pending > 0 { measure_start(store, pending) } else { Ok(()) }
}

fn show(what: &str, figures: &Figures, alone: &Figures) {
    let Figures { rate, p50_ms, p99_ms, slow_p95_ms, database } = figures;
    let ratio = rate / alone.rate;
    let [flat_out, paced, connections] = match database {
        None => [const { String::new() }; 3],
        Some(figures) => {
            [figures.flat_out.shown(), figures.paced.shown(), format!("{}", figures.connections)]
        }
    };
    println!(
        "| {what} | {rate:.0} ({ratio:.2}) | {p50_ms:.1} ms, {p99_ms:.1} ms | {slow_p95_ms:.1} ms | {flat_out} | {paced} | {connections} |"
    );
}

/// Nodes, and where their relay keeps what it has. Without one, a host delivers itself.
struct Farm<'a> {
    nodes: u64,
    /// The database; `None` for a spool.
    relay: Option<Option<&'a str>>,
}

impl Farm<'_> {
    fn measure(&self, events: u64) -> Result<Figures, String> {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let sink = Sink::start(Mode::Accept)?;
        let relay = self.relay.map(|store| Relay::start(folder.path(), &sink.url(), store)).transpose()?;
        let store = self.relay.flatten();
        let target =
            relay.as_ref().map_or(format!("url={}", sink.url()), |relay| format!("relays={}", relay.url));
        let all = |client: &str, events: u64| self.send(&sink, &target, client, events);
        all("deliver", events / 10)?;
        let (before, start) = (counts(store)?, Instant::now());
        all("deliver", events)?;
        let rate = events as f64 / start.elapsed().as_secs_f64();
        let after = counts(store)?;
        sink.set(Mode::Time);
        let paced = |pace: u64, seconds: u64| {
            let gap_us = 1_000_000 * self.nodes / pace;
            all(&format!("latency flush=1 gap_us={gap_us}"), pace * seconds)?;
            Ok::<_, String>(sink.take_ages().iter().map(|age| age.as_secs_f64() * 1000.0).collect::<Vec<_>>())
        };
        let ages = paced(PACE, 10)?;
        let last = counts(store)?;
        let slow = paced(SLOW_PACE, 20)?;
        let database = store.map(|store| {
            let connections =
                ask(store, "SELECT count(*) - 1 FROM pg_stat_activity WHERE datname = current_database()")?;
            let (flat_out, paced) = (after.since(before, events), last.since(after, PACE * 10));
            Ok::<_, String>(DatabaseFigures { flat_out, paced, connections })
        });
        Ok(Figures {
            rate,
            p50_ms: measure::at(&ages, 0.5),
            p99_ms: measure::at(&ages, 0.99),
            slow_p95_ms: measure::at(&slow, 0.95),
            database: database.transpose()?,
        })
    }

    /// Has the nodes send as many events together, and waits until they have arrived.
    fn send(&self, sink: &Sink, target: &str, client: &str, events: u64) -> Result<(), String> {
        let each = events / self.nodes;
        let words = |node: u64| format!("{client} {target} node=n{node} disk=1 in_flight=16 events={each}");
        let before = sink.requests();
        self.have_sent(words)?;
        await_requests(sink, before + each * self.nodes)
    }

    fn have_sent(&self, words: impl Fn(u64) -> String + Sync) -> Result<(), String> {
        let words = &words;
        thread::scope(|scope| {
            let started: Vec<_> = (0..self.nodes)
                .map(|node| scope.spawn(move || measure::client(&crate::setting::words(&words(node)))))
                .collect();
            started.into_iter().try_for_each(|one| one.join().map_err(|_| "a node failed")?.map(drop))
        })
    }
}

/// A relay that finds so many deliveries waiting: how long until it delivers the first one.
fn measure_start(store: &str, pending: u64) -> Result<(), String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let sink = Sink::start(Mode::Hang)?;
    let relay = Relay::start(folder.path(), &sink.url(), Some(store))?;
    let farm = Farm { nodes: 4, relay: Some(Some(store)) };
    let began = Instant::now();
    farm.have_sent(|node| {
        format!("deliver relays={} node=n{node} disk=1 events={}", relay.url, pending / 4)
    })?;
    let took = began.elapsed().as_secs_f64();
    drop(relay);
    sink.set(Mode::Accept);
    let (before, start) = (sink.requests(), Instant::now());
    let _relay = Relay::start(folder.path(), &sink.url(), Some(store))?;
    await_requests(&sink, before + 1)?;
    let first = start.elapsed().as_secs_f64();
    println!(
        "{pending} pending, accepted in {took:.0} s: the first delivery {first:.2} s after the start of a relay"
    );
    Ok(())
}

/// What the database has done so far, once it is counted: sessions say so each second.
fn counts(store: Option<&str>) -> Result<Counts, String> {
    let Some(store) = store else { return Ok(Counts { transactions: 0.0, statements: None }) };
    thread::sleep(Duration::from_millis(1200));
    let transactions =
        ask(store, "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()")?;
    let is_counted = ask(store, "SELECT count(*) FROM pg_extension WHERE extname = 'pg_stat_statements'")?;
    let statements = (is_counted > 0.0).then(|| ask(store, "SELECT sum(calls) FROM pg_stat_statements"));
    Ok(Counts { transactions, statements: statements.transpose()? })
}

fn ask(store: &str, question: &str) -> Result<f64, String> {
    let figures = measure::figures(Command::new("psql").args(["-XAtc", question, store]))?;
    figures.first().copied().ok_or_else(|| "the database has no answer".to_owned())
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
    fn start(folder: &Path, sink: &str, store: Option<&str>) -> Result<Relay, String> {
        let store = store.map_or_else(String::new, |store| format!("store = '{store}'\n"));
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
