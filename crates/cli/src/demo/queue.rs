//! The host of the demo: a queue of frames, a few workers, and two calls into the library.

use super::scene::Frame;
use serde_json::{Value as Json, json};
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use taskbell_core::clock;
use taskbell_core::engine::Bell;

/// The name of the queue.
pub const QUEUE: &str = "spiral-zoom";

/// A task that is done.
#[derive(Debug)]
pub struct Done {
    /// The frame's number.
    pub number: usize,
    /// How long it took.
    pub took: Duration,
    /// Where the picture is, or why there is none.
    pub result: Result<PathBuf, String>,
    /// A small view of it, where it can be shown.
    pub thumbnail: Option<String>,
    /// How long the call into the library took, and what it said.
    pub call: (Duration, Result<(), String>),
}

/// What a worker needs.
#[derive(Debug, Clone, Copy)]
pub struct Workshop<'a> {
    /// Where it reports its tasks.
    pub bell: &'a Bell,
    /// Where pictures go.
    pub folder: &'a Path,
    /// Whether small views are made.
    pub thumbnails: bool,
    /// Set when nobody waits for the rest any more.
    pub stopped: &'a AtomicBool,
}

/// Renders all frames with so many workers, and reports each to the library as a host does. Returns when
/// the last one is done.
pub fn render(frames: Vec<Frame>, workers: usize, workshop: Workshop<'_>, tell: &Sender<Done>) {
    let waiting = Mutex::new(VecDeque::from(frames));
    thread::scope(|scope| {
        for _ in 0..workers {
            let (waiting, tell) = (&waiting, tell.clone());
            scope.spawn(move || {
                while let Some(frame) = next(waiting).filter(|_| !workshop.stopped.load(Ordering::Relaxed)) {
                    if tell.send(work(&frame, workshop)).is_err() {
                        return;
                    }
                }
            });
        }
    });
}

fn next(waiting: &Mutex<VecDeque<Frame>>) -> Option<Frame> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
}

fn work(frame: &Frame, workshop: Workshop<'_>) -> Done {
    let began = Instant::now();
    let path = workshop.folder.join(format!("frame-{:03}.png", frame.number));
    let mut task = describe(frame);
    let mut thumbnail = None;
    let rendered = frame.render().map_err(|error| ("PrecisionExhausted", error.to_string()));
    let result = rendered.and_then(|rendered| {
        rendered.picture.save(&path).map_err(|error| ("OutputError", error.to_string()))?;
        task["metrics"] = json!({ "iterations": rendered.iterations });
        task["outputs"] = json!([{ "path": path, "mime": "image/png", "name": file_name(&path) }]);
        thumbnail = workshop.thumbnails.then(|| rendered.picture.half_blocks(56));
        Ok(path)
    });
    let took = began.elapsed();
    task["duration_s"] = json!(took.as_secs_f64());
    let result = result.map_err(|(kind, message)| {
        task["status"] = json!("error");
        task["error"] = json!({ "type": kind, "message": message });
        message
    });
    // What a host does: one call with what it knows, and on to the next task.
    let task = task.to_string();
    let before = Instant::now();
    let told = workshop.bell.emit("task.complete", task.as_bytes());
    let call = (before.elapsed(), told.map(drop).map_err(|error| error.to_string()));
    Done { number: frame.number, took, result, thumbnail, call }
}

fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// What the host knows of a task before it starts.
fn describe(frame: &Frame) -> Json {
    json!({
        "id": format!("{QUEUE}-{:03}", frame.number),
        "name": format!("Frame {} of the spiral zoom", frame.number),
        "kind": "render",
        "status": "success",
        "started_at": clock::rfc3339(clock::unix_ms()),
        "user": if frame.number.is_multiple_of(3) { "grace" } else { "ada" },
        "queue": QUEUE,
        "params": frame.params(),
    })
}

/// The payload of `on_queue_end`: the name of the queue; the summary is Taskbell's.
pub fn ended() -> String {
    json!({ "queue": QUEUE }).to_string()
}
