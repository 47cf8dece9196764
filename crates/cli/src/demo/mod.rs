//! `taskbell demo`: a small render queue that reports its tasks as any host does, and two receivers in the same
//! process: one verifies the webhooks of a team, one plays a chat that shows cards.

#[cfg(unix)]
mod farm;
mod fixture;
mod frame;
mod page;
#[cfg(test)]
mod picture;
mod progress;
mod summary;

use super::console;
use super::failure::Failure;
use super::fake_platform::FakePlatform;
use super::serve::http::Server;
use super::serve::receiver::{Arrival, Receiver, ReceiverOptions};
use super::terminal::{Style, Terminal};
use fixture::Receivers;
use frame::{FRAMES, QUEUE};
use progress::Progress;
use serde_json::{Value as Json, json};
use std::io::{self, IsTerminal};
use std::path::Path;
#[cfg(unix)]
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};
use summary::Summary;
use taskbell_core::config::Config;
use taskbell_core::engine::Bell;
use taskbell_core::sign::Verifier;

/// The platform whose cards the demo shows.
const CHAT: &str = "discord";

/// How long the last message may take.
const LAST_MESSAGE: Duration = Duration::from_secs(20);

/// How long the folder stays for a person who looks at the page.
const PAGE_PATIENCE: Duration = Duration::from_secs(300);

#[derive(Debug, clap::Args)]
pub struct DemoArgs {
    /// Keep the folder with the images, the page, the configuration and the spool
    #[arg(long)]
    keep: bool,
    /// Open the console while the demo runs, and until Enter
    #[arg(long)]
    page: bool,
    /// A farm instead: four nodes and two relays, of which some are killed, and one message
    #[arg(long, conflicts_with = "page")]
    farm: bool,
    /// Keep the state of the farm in a file, although PostgreSQL is installed
    #[arg(long, requires = "farm")]
    embedded: bool,
    /// Be a node of that farm, with this configuration
    #[cfg(unix)]
    #[arg(long, hide = true, value_name = "CONFIG")]
    farm_node: Option<PathBuf>,
}

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
    Chat(Arrival),
}

pub fn run(arguments: &DemoArgs, terminal: &mut Terminal) -> Result<(), Failure> {
    #[cfg(unix)]
    if let Some(config) = &arguments.farm_node {
        return farm::node::run(config, terminal);
    }
    if arguments.farm {
        return run_farm(arguments, terminal);
    }
    let mut folder = fixture::folder()?;
    folder.disable_cleanup(arguments.keep);
    let secret = fixture::fresh_secret()?;
    let (send, events) = mpsc::channel();
    let receiver = start_receiver(&secret, send.clone())?;
    let (chat, chat_path) = start_chat(send.clone())?;
    let receivers = Receivers { team: receiver.address(), chat: chat.address(), chat_path };
    let config = fixture::write(folder.path(), receivers, &secret)?;
    if !terminal.json() {
        introduce(receivers, &config, terminal)?;
    }
    let next = "follow the message; TMPDIR (on Windows, TEMP) moves the demo to another folder";
    let path = config.to_string_lossy().into_owned();
    let config = Config::load(&path).map_err(|errors| Failure::new(errors.to_string(), next))?;
    let bell = Bell::open(config).map_err(|error| Failure::new(error.to_string(), next))?;
    // It runs until the folder goes.
    let console = arguments.page.then(|| open_console(&path, terminal)).transpose()?;
    let summary = run_queue(&bell, folder.path(), &send, &events, Progress::new(terminal.clone(), FRAMES))?;
    drop((receiver, chat));
    let missing = summary.missing();
    let kept = arguments.keep || !missing.is_empty();
    folder.disable_cleanup(kept);
    let end = match kept {
        true => DemoEnd::Kept,
        false if arguments.page => DemoEnd::RemovedAfterEnter,
        false if terminal.json() || !io::stdin().is_terminal() || !io::stdout().is_terminal() => {
            DemoEnd::Removed
        }
        false => DemoEnd::RemovedAfterEnter,
    };
    finish(&summary, missing, folder.path(), end, terminal)?;
    if end == DemoEnd::RemovedAfterEnter || console.is_some() {
        await_enter()
    }
    Ok(())
}

#[cfg(unix)]
fn run_farm(arguments: &DemoArgs, terminal: &mut Terminal) -> Result<(), Failure> {
    farm::run(arguments.keep, arguments.embedded, terminal)
}

#[cfg(not(unix))]
fn run_farm(_: &DemoArgs, _: &mut Terminal) -> Result<(), Failure> {
    let what = "the demo of a farm kills its processes as Unix does, and is not available here";
    Err(Failure::new(what, "run it on Linux or macOS; `taskbell demo` runs here"))
}

fn open_console(config: &str, terminal: &mut Terminal) -> Result<Server, Failure> {
    let server = console::open_here(config)?;
    let url = format!("http://{}/", server.address);
    if terminal.json() {
        terminal.object(&json!({ "console": url }))?;
    } else {
        let title = terminal.paint(Style::Heading, &url);
        terminal.line(&format!("The console is at {title} until Enter is pressed"))?;
    }
    Ok(server)
}

/// What becomes of the folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DemoEnd {
    Kept,
    /// At once: nobody is there to look at the page.
    Removed,
    RemovedAfterEnter,
}

/// Leaves time to look at the page.
fn await_enter() {
    let (send, entered) = mpsc::channel();
    thread::spawn(move || {
        let _ = io::stdin().read_line(&mut String::new());
        let _ = send.send(());
    });
    let _ = entered.recv_timeout(PAGE_PATIENCE);
}

fn start_receiver(secret: &str, send: mpsc::Sender<DemoEvent>) -> Result<Receiver, Failure> {
    let entry = json!({ "scheme": "standard-webhooks", "secrets": [secret] });
    let verifier = Verifier::from_json(&entry)
        .map_err(|fault| Failure::new(fault, "this is a defect of the demo; please report it"))?;
    let options =
        ReceiverOptions { verifier: Some(verifier), fail_first: 1, fail_status: 503, platform: None };
    let listener = move |arrival| send.send(DemoEvent::Arrival(arrival)).unwrap_or_default();
    listen(options, listener)
}

fn start_chat(send: mpsc::Sender<DemoEvent>) -> Result<(Receiver, &'static str), Failure> {
    let platform = FakePlatform::new(CHAT, None)
        .map_err(|fault| Failure::new(fault, "this is a defect of the demo; please report it"))?;
    let path = platform.example().target;
    let options = ReceiverOptions { platform: Some(platform), ..ReceiverOptions::default() };
    let listener = move |arrival| send.send(DemoEvent::Chat(arrival)).unwrap_or_default();
    Ok((listen(options, listener)?, path))
}

fn listen(
    options: ReceiverOptions,
    listener: impl Fn(Arrival) + Send + Sync + 'static,
) -> Result<Receiver, Failure> {
    Receiver::start("127.0.0.1", 0, options, Arc::new(listener)).map_err(|error| {
        let what = format!("the receiver cannot listen on 127.0.0.1: {error}");
        Failure::new(what, "allow this command to listen on the loopback address")
    })
}

fn introduce(receivers: Receivers, config: &Path, terminal: &mut Terminal) -> io::Result<()> {
    let title = terminal.paint(Style::Heading, "A render queue, and a team that wants to know");
    terminal.line(&format!("{title}\n"))?;
    let Receivers { team, chat, .. } = receivers;
    for (name, text) in [
        ("team", format!("http://{team}/ verifies signatures, answers 503 at first")),
        ("chat", format!("http://{chat}/ answers as Discord does")),
        (
            "hooks",
            "a frame that fails; the last frame; the run as one message; the end of a large queue".to_owned(),
        ),
        ("config", config.display().to_string()),
    ] {
        let name = terminal.paint(Style::Muted, format!("{name:>8}"));
        terminal.line(&format!("  {name}  {text}"))?;
    }
    let title = terminal.paint(Style::Heading, format!("Rendering {FRAMES} frames"));
    terminal.line(&format!("\n{title}\n"))
}

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
        watch(bell, folder, events, &mut progress, &mut summary)
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
        let path = folder.join(frame::file_name(number));
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

fn watch(
    bell: &Bell,
    folder: &Path,
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
            Ok(DemoEvent::Chat(arrival)) => {
                let picture = arrival.form().map(|_| folder.join(frame::file_name(FRAMES)));
                progress.chat(&arrival, picture.as_deref())?;
                summary.add_chat(arrival);
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
    end: DemoEnd,
    terminal: &mut Terminal,
) -> Result<(), Failure> {
    let kept = end == DemoEnd::Kept;
    let picture = frame::file_name(FRAMES);
    let page = page::write(folder, &picture, summary);
    if terminal.json() {
        let mut json = summary.to_json(&missing);
        json["folder"] = json!(kept.then_some(folder));
        json["page"] = json!(page.ok().filter(|_| kept));
        terminal.object(&json)?;
        return if missing.is_empty() { Ok(()) } else { Err(Failure::Reported) };
    }
    terminal.line(&format!("\n{}", summary.cost()))?;
    if !missing.is_empty() {
        let folder = folder.display();
        let next = format!("`taskbell list {folder}/taskbell.toml` shows every attempt; the folder is kept");
        return Err(Failure::new(missing.join("\n       "), next));
    }
    let verdict = terminal.paint(Style::Success, "Everything arrived, verified");
    let messages = summary.messages().len() + summary.chat.len();
    let requests = summary.arrivals.len() + summary.chat.len();
    let (tasks, took) = (summary.tasks, summary.took.as_secs_f64());
    terminal.line(&format!(
        "{verdict}: {tasks} tasks, {messages} messages, {requests} requests in {took:.2} s."
    ))?;
    if let Some(page) = page.ok().filter(|_| end != DemoEnd::Removed) {
        terminal.line("A page with the messages next to the picture:")?;
        terminal.line(&format!("  file://{}", page.display()))?;
    }
    let folder = folder.display();
    match end {
        DemoEnd::Kept => {
            terminal.line(&format!("Images, configuration and spool are in {folder}"))?;
            terminal.line(&format!("`taskbell list {folder}/taskbell.toml` shows every attempt."))?;
        }
        DemoEnd::Removed => {
            terminal.line("The folder is removed; `demo --keep` keeps it, with a page of the messages.")?;
        }
        DemoEnd::RemovedAfterEnter => {
            let minutes = PAGE_PATIENCE.as_secs() / 60;
            terminal.line(&format!(
                "Press Enter to end the demo and remove its folder; it ends by itself after {minutes} minutes."
            ))?;
        }
    }
    Ok(())
}
