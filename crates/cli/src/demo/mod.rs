//! `taskbell demo`: a small render queue that reports its tasks as any host does, and a receiver in the same process
//! that verifies the webhooks of its team.

mod fixture;
mod frame;
mod progress;
mod summary;

use super::failure::Failure;
use super::serve::receiver::{Arrival, Receiver, ReceiverOptions};
use super::terminal::{Style, Terminal};
use frame::{FRAMES, QUEUE};
use progress::Progress;
use serde_json::{Value as Json, json};
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};
use summary::Summary;
use taskbell_core::config::Config;
use taskbell_core::engine::Bell;
use taskbell_core::sign::Verifier;

/// How long the last message may take.
const LAST_MESSAGE: Duration = Duration::from_secs(20);

#[derive(Debug, clap::Args)]
pub struct DemoArgs {
    /// Keep the folder with the images, the configuration and the spool
    #[arg(long)]
    keep: bool,
}

/// A frame that a worker rendered and reported.
struct RenderedFrame {
    number: u32,
    took: Duration,
    result: io::Result<()>,
    /// The processor time of the call into the library, and its result.
    call: (Duration, Result<(), String>),
}

enum DemoEvent {
    Frame(RenderedFrame),
    Arrival(Arrival),
}

pub fn run(arguments: &DemoArgs, terminal: &mut Terminal) -> Result<(), Failure> {
    let mut folder = fixture::folder()?;
    folder.disable_cleanup(arguments.keep);
    let secret = fixture::fresh_secret()?;
    let (send, events) = mpsc::channel();
    let receiver = start_receiver(&secret, send.clone())?;
    let config = fixture::write(folder.path(), receiver.address(), &secret)?;
    if !terminal.json() {
        introduce(&receiver, &config, terminal)?;
    }
    let next = "follow the message; TMPDIR (on Windows, TEMP) moves the demo to another folder";
    let config =
        Config::load(&config.to_string_lossy()).map_err(|errors| Failure::new(errors.to_string(), next))?;
    let bell = Bell::open(config).map_err(|error| Failure::new(error.to_string(), next))?;
    let summary = run_queue(&bell, folder.path(), &send, &events, Progress::new(terminal.clone(), FRAMES))?;
    drop(receiver);
    let missing = summary.missing();
    let kept = arguments.keep || !missing.is_empty();
    folder.disable_cleanup(kept);
    finish(&summary, missing, folder.path(), kept, terminal)
}

fn start_receiver(secret: &str, send: mpsc::Sender<DemoEvent>) -> Result<Receiver, Failure> {
    let entry = json!({ "scheme": "standard-webhooks", "secrets": [secret] });
    let verifier = Verifier::from_json(&entry)
        .map_err(|fault| Failure::new(fault, "this is a defect of the demo; please report it"))?;
    let options =
        ReceiverOptions { verifier: Some(verifier), fail_first: 1, fail_status: 503, platform: None };
    let listener = move |arrival| send.send(DemoEvent::Arrival(arrival)).unwrap_or_default();
    Receiver::start("127.0.0.1", 0, options, Arc::new(listener)).map_err(|error| {
        let what = format!("the receiver cannot listen on 127.0.0.1: {error}");
        Failure::new(what, "allow this command to listen on the loopback address")
    })
}

fn introduce(receiver: &Receiver, config: &Path, terminal: &mut Terminal) -> io::Result<()> {
    let title = terminal.paint(Style::Heading, "A render queue, and a team that wants to know");
    terminal.line(&format!("{title}\n"))?;
    let address = receiver.address();
    for (name, text) in [
        ("receiver", format!("http://{address}/, verifies signatures, answers its first request with 503")),
        ("hooks", "a frame that fails; the end of a queue of 10 tasks or more".to_owned()),
        ("config", config.display().to_string()),
    ] {
        let name = terminal.paint(Style::Muted, format!("{name:>8}"));
        terminal.line(&format!("  {name}  {text}"))?;
    }
    let title = terminal.paint(Style::Heading, format!("Rendering {FRAMES} frames"));
    terminal.line(&format!("\n{title}\n"))
}

/// Renders all frames, and waits until the last message has arrived.
fn run_queue(
    bell: &Bell,
    folder: &Path,
    send: &mpsc::Sender<DemoEvent>,
    events: &mpsc::Receiver<DemoEvent>,
    mut progress: Progress,
) -> Result<Summary, Failure> {
    let began = Instant::now();
    let mut summary = Summary { tasks: FRAMES as usize, ..Summary::default() };
    let next_frame = AtomicU32::new(1);
    let workers = thread::available_parallelism().map_or(2, usize::from).clamp(1, 8);
    let watched = thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| work(bell, folder, &next_frame, send));
        }
        watch(bell, events, &mut progress, &mut summary)
    });
    summary.took = began.elapsed();
    if let Err(error) = bell.close(Duration::from_secs(5)) {
        summary.errors.push(format!("the library did not close: {error}"));
    }
    progress.clear();
    watched?;
    Ok(summary)
}

/// A worker of the host: it renders a frame, reports it with one call, and goes on to the next one.
fn work(bell: &Bell, folder: &Path, next_frame: &AtomicU32, send: &mpsc::Sender<DemoEvent>) {
    loop {
        let number = next_frame.fetch_add(1, Ordering::Relaxed);
        if number > FRAMES {
            return;
        }
        let path = folder.join(format!("frame-{number:03}.png"));
        let began = Instant::now();
        let result = frame::render(number, &path);
        let took = began.elapsed();
        let task = frame::task(number, &path, took, &result).to_string();
        let before = thread_time();
        let reported = bell.emit("task.complete", task.as_bytes());
        let call =
            (thread_time().saturating_sub(before), reported.map(drop).map_err(|error| error.to_string()));
        if send.send(DemoEvent::Frame(RenderedFrame { number, took, result, call })).is_err() {
            return;
        }
    }
}

/// The processor time of this thread. By the clock on the wall, a call would last as long as other threads keep
/// the processor from it: here the workers use every one.
#[cfg(unix)]
fn thread_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

/// The clock on the wall, where the processor time of a thread is not precise enough.
#[cfg(not(unix))]
fn thread_time() -> Duration {
    static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    START.get_or_init(Instant::now).elapsed()
}

/// Follows the queue until every message has arrived and the library has reported every delivery.
fn watch(
    bell: &Bell,
    events: &mpsc::Receiver<DemoEvent>,
    progress: &mut Progress,
    summary: &mut Summary,
) -> Result<(), Failure> {
    let mut deadline: Option<Instant> = None;
    loop {
        match events.recv_timeout(Duration::from_millis(100)) {
            Ok(DemoEvent::Frame(frame)) => {
                progress.frame(&frame)?;
                summary.add(&frame);
            }
            Ok(DemoEvent::Arrival(arrival)) => {
                progress.arrival(&arrival)?;
                summary.arrivals.push(arrival);
            }
            Err(_) => progress.tick(),
        }
        if deadline.is_none() && summary.calls.len() == summary.tasks {
            deadline = Some(Instant::now() + LAST_MESSAGE);
            if let Err(error) = bell.emit("queue.end", json!({ "queue": QUEUE }).to_string().as_bytes()) {
                summary.errors.push(format!("queue.end: {error}"));
            }
            progress.line("  the queue is empty; waiting for its summary")?;
        }
        let mut add = |report: &str| {
            summary.reports.push(serde_json::from_str(report).unwrap_or(Json::Null));
            true
        };
        while bell.poll(&mut add) == Some(true) {}
        if deadline.is_some_and(|deadline| summary.is_complete() || Instant::now() > deadline) {
            return Ok(());
        }
    }
}

fn finish(
    summary: &Summary,
    missing: Vec<String>,
    folder: &Path,
    kept: bool,
    terminal: &mut Terminal,
) -> Result<(), Failure> {
    if terminal.json() {
        let mut json = summary.to_json(&missing);
        json["folder"] = json!(kept.then_some(folder));
        terminal.object(&json)?;
        return if missing.is_empty() { Ok(()) } else { Err(Failure::Reported) };
    }
    terminal.line(&format!("\n{}", summary.cost()))?;
    let folder = folder.display();
    if !missing.is_empty() {
        let next = format!("`taskbell list {folder}/taskbell.toml` shows every attempt; the folder is kept");
        return Err(Failure::new(missing.join("\n       "), next));
    }
    let verdict = terminal.paint(Style::Success, "Everything arrived, verified");
    let (tasks, messages, requests) = (summary.tasks, summary.messages().len(), summary.arrivals.len());
    let took = summary.took.as_secs_f64();
    terminal.line(&format!(
        "{verdict}: {tasks} tasks, {messages} messages, {requests} requests in {took:.2} s."
    ))?;
    if kept {
        terminal.line(&format!("Images, configuration and spool are in {folder}"))?;
        terminal.line(&format!("`taskbell list {folder}/taskbell.toml` shows every attempt."))?;
    } else {
        terminal.line("The images and the spool are removed; `demo --keep` keeps them.")?;
    }
    Ok(())
}
