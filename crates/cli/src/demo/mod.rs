//! `taskbell demo`: the whole way once, on real work. A render queue loads the shared library as any host
//! does, and a receiver in the same process hears what its team would hear.

mod picture;
mod queue;
mod scene;
mod setting;
mod stage;
mod tale;

use super::failure::Failure;
use super::serve::receiver::{Arrival, Manner, Receiver};
use super::terminal::{Ink, Terminal};
use queue::{Done, Workshop};
use serde_json::{Value as Json, json};
use setting::Folder;
use stage::{Stage, seconds};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};
use tale::Tale;
use taskbell_core::config::Config;
use taskbell_core::engine::Bell;
use taskbell_core::sign::Verifier;

/// How many frames the queue has.
const FRAMES: usize = 24;

/// Pixels of a frame; a build without optimisation is some ten times slower.
const SIZE: (usize, usize) = if cfg!(debug_assertions) { (192, 108) } else { (640, 360) };

/// How long the last message may take.
const LAST_MESSAGE: Duration = Duration::from_secs(20);

/// How often the progress line is drawn.
const DRAW: Duration = Duration::from_millis(100);

/// Arguments of `demo`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Keep the folder with the images, the configuration and the spool
    #[arg(long)]
    keep: bool,
}

/// Something that happens while the queue runs.
enum Happening {
    Task(Done),
    Arrival(Arrival),
    /// All tasks are done.
    Idle,
}

/// Runs it.
pub fn run(arguments: &Arguments, mut terminal: Terminal) -> Result<(), Failure> {
    let mut folder = Folder::create()?;
    folder.keep = arguments.keep;
    let secret = setting::fresh_secret()?;
    let (send, happenings) = mpsc::channel();
    let receiver = start_receiver(&secret, send.clone())?;
    let config = setting::write(&folder, receiver.address(), &secret)?;
    if !terminal.json() {
        introduce(&receiver, &config, &mut terminal)?;
    }
    let next = "the message names the cause; TMPDIR (on Windows, TEMP) moves the demo to another folder";
    let read =
        Config::load(&config.to_string_lossy()).map_err(|errors| Failure::new(errors.to_string(), next))?;
    let bell = Bell::open(read).map_err(|error| Failure::new(error.to_string(), next))?;
    let tale = perform(&bell, &folder, send, &happenings, &mut terminal)?;
    drop(receiver);
    finish(&tale, &mut folder, &mut terminal)
}

fn start_receiver(secret: &str, send: mpsc::Sender<Happening>) -> Result<Receiver, Failure> {
    let entry = json!({ "scheme": "standard-webhooks", "secrets": [secret] });
    let defect = |fault: String| Failure::new(fault, "this is a defect of the demo; please report it");
    let verifier = Verifier::from_json(&entry).map_err(defect)?;
    let manner = Manner { verifier: Some(verifier), failures: 1, failure_status: 503, fake: None };
    let send = Mutex::new(send);
    let listener = move |arrival: &Arrival| {
        let send = send.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = send.send(Happening::Arrival(arrival.clone()));
    };
    Receiver::start("127.0.0.1", 0, manner, Box::new(listener)).map_err(|error| {
        let what = format!("the receiver cannot listen on 127.0.0.1: {error}");
        Failure::new(what, "allow this command to listen on the loopback address")
    })
}

fn introduce(receiver: &Receiver, config: &Path, terminal: &mut Terminal) -> Result<(), Failure> {
    let title = terminal.paint(Ink::Strong, "A render queue, and a team that wants to hear of it");
    terminal.line(&format!("{title}\n"))?;
    let address = format!("http://{}/", receiver.address());
    let rows = [
        ("receiver", format!("{address}, checks signatures, answers its first request with 503")),
        ("rings for", "a frame that fails; the end of a queue of 10 tasks or more".to_owned()),
        ("config", config.display().to_string()),
    ];
    for (name, text) in rows {
        let name = terminal.paint(Ink::Quiet, format!("{name:>9}"));
        terminal.line(&format!("  {name}  {text}"))?;
    }
    Ok(())
}

/// Runs the queue, and waits until its last message has arrived.
fn perform(
    bell: &Bell,
    folder: &Folder,
    send: mpsc::Sender<Happening>,
    happenings: &mpsc::Receiver<Happening>,
    terminal: &mut Terminal,
) -> Result<Tale, Failure> {
    let workers = thread::available_parallelism().map_or(2, usize::from).clamp(1, 8);
    if !terminal.json() {
        let title = terminal.paint(Ink::Strong, format!("Rendering {FRAMES} frames with {workers} workers"));
        terminal.line(&format!("\n{title}\n"))?;
    }
    let thumbnails = terminal.colour() && shows_every_colour();
    let mut stage = Stage::new(terminal.clone(), FRAMES);
    let mut tale = Tale { tasks: FRAMES, ..Tale::default() };
    let frames = scene::frames(FRAMES, SIZE);
    let stopped = AtomicBool::new(false);
    let workshop = Workshop { bell, folder: folder.path(), thumbnails, stopped: &stopped };
    let watched = thread::scope(|scope| {
        let (tell, done) = mpsc::channel();
        let idle = send.clone();
        scope.spawn(move || {
            for task in done {
                if send.send(Happening::Task(task)).is_err() {
                    return;
                }
            }
        });
        scope.spawn(move || {
            queue::render(frames, workers, workshop, &tell);
            let _ = idle.send(Happening::Idle);
        });
        let watched = watch(bell, happenings, &mut stage, &mut tale);
        stopped.store(true, Ordering::Relaxed);
        watched
    });
    tale.took = stage.elapsed();
    if let Err(error) = bell.close(Duration::from_secs(5)) {
        tale.faults.push(format!("taskbell_shutdown: {error}"));
    }
    watched?;
    stage.clear()?;
    Ok(tale)
}

/// Shows what happens, until the library has reported every delivery.
fn watch(
    bell: &Bell,
    happenings: &mpsc::Receiver<Happening>,
    stage: &mut Stage,
    tale: &mut Tale,
) -> Result<(), Failure> {
    let mut thumbnail = None;
    let mut deadline: Option<Instant> = None;
    loop {
        match happenings.recv_timeout(DRAW) {
            Ok(Happening::Task(done)) => {
                stage.task(&done)?;
                thumbnail = done.thumbnail.or(thumbnail);
                tale.failed += usize::from(done.result.is_err());
                tale.work += done.took;
                tale.calls.push(done.call.0);
                tale.faults.extend(done.call.1.err().map(|fault| format!("on_task_complete: {fault}")));
            }
            Ok(Happening::Arrival(arrival)) => {
                stage.arrival(&arrival)?;
                tale.arrivals.push(arrival);
            }
            Ok(Happening::Idle) => deadline = Some(Instant::now() + LAST_MESSAGE),
            Err(_) if deadline.is_none() => stage.progress()?,
            Err(_) => {}
        }
        if deadline.is_some() && tale.calls.len() == tale.tasks && !tale.ended {
            tale.ended = true;
            end_queue(bell, stage, thumbnail.take(), tale)?;
        }
        take_reports(bell, tale);
        let complete = tale.ended && tale.reports.len() > tale.failed;
        if complete && tale.arrivals.iter().filter(|arrival| arrival.status == 200).count() > tale.failed {
            return Ok(());
        }
        if deadline.is_some_and(|deadline| Instant::now() > deadline) {
            return Ok(());
        }
    }
}

fn end_queue(
    bell: &Bell,
    stage: &mut Stage,
    thumbnail: Option<String>,
    tale: &mut Tale,
) -> Result<(), Failure> {
    if let Err(error) = bell.emit("queue.end", queue::ended().as_bytes()) {
        tale.faults.push(format!("queue.end: {error}"));
    }
    if let Some(thumbnail) = thumbnail {
        stage.aside(&format!("\n{thumbnail}"))?;
    }
    let took = seconds(stage.elapsed());
    Ok(stage.aside(&format!("  the queue is empty after {took}"))?)
}

fn take_reports(bell: &Bell, tale: &mut Tale) {
    while bell.poll(|report| {
        tale.reports.push(serde_json::from_str(report).unwrap_or(Json::Null));
        true
    }) == Some(true)
    {}
}

fn finish(tale: &Tale, folder: &mut Folder, terminal: &mut Terminal) -> Result<(), Failure> {
    let missing = tale.missing();
    folder.keep |= !missing.is_empty();
    if terminal.json() {
        let mut json = tale.to_json(&missing);
        json["folder"] = json!(folder.keep.then(|| folder.path()));
        terminal.object(&json)?;
        return if missing.is_empty() { Ok(()) } else { Err(Failure::Told) };
    }
    tale.tell(terminal)?;
    let place = folder.path().display();
    if !missing.is_empty() {
        let next = format!("`taskbell list {place}/taskbell.toml` shows every attempt; the folder is kept");
        return Err(Failure::new(missing.join("\n       "), next));
    }
    let verdict = terminal.paint(Ink::Good, "Everything arrived, verified");
    let (tasks, messages, requests) = (tale.tasks, tale.messages().len(), tale.arrivals.len());
    let took = seconds(tale.took);
    terminal
        .line(&format!("{verdict}: {tasks} tasks, {messages} messages, {requests} requests, in {took}."))?;
    if folder.keep {
        terminal.line(&format!("Images, configuration and spool are in {place}"))?;
        terminal.line(&format!("Every attempt is in the spool: taskbell list {place}/taskbell.toml"))?;
    } else {
        terminal
            .line(&format!("Images and spool were in {place} and are removed; `demo --keep` keeps them."))?;
    }
    Ok(())
}

/// Whether the terminal shows 24-bit colours.
fn shows_every_colour() -> bool {
    std::env::var("COLORTERM").is_ok_and(|value| value == "truecolor" || value == "24bit")
}
