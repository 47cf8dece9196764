//! A node of the demo's farm, in a process of its own: a host that renders the frames it is given and reports each of
//! them to the library.
//!
//! It reads a frame's number a line, and writes the number and the id of the event once the library has accepted it;
//! `end` ends its part of the queue, and the process once the relay has everything.

use super::FRAMES;
use crate::demo::frame::{self, QUEUE};
use crate::failure::Failure;
use crate::terminal::Terminal;
use serde_json::json;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};
use taskbell_core::config::Config;
use taskbell_core::engine::{Bell, Error};

/// The last line that it reads.
pub const END: &str = "end";

/// How long a relay may take to have everything.
const LAST_POST: Duration = Duration::from_secs(60);

const NEXT: &str = "this is a part of `taskbell demo --farm`, which starts it";

pub fn run(config: &Path, terminal: &mut Terminal) -> Result<(), Failure> {
    let folder = config.parent().unwrap_or(Path::new("."));
    let path = config.to_string_lossy();
    let loaded = Config::load(&path).map_err(|errors| Failure::new(errors.to_string(), NEXT))?;
    let failed = |error: Error| Failure::new(error.to_string(), NEXT);
    let bell = Bell::open(loaded).map_err(failed)?;
    for line in io::stdin().lines() {
        let Ok(number) = line.unwrap_or_default().parse::<u32>() else { break };
        let file = folder.join(frame::file_name(number));
        let began = Instant::now();
        let result = frame::render(number, &file);
        let mut task = frame::task(number, &file, began.elapsed(), &result);
        task["batch"] = json!({ "id": QUEUE, "total": FRAMES });
        let accepted = bell.emit("task.complete", task.to_string().as_bytes()).map_err(failed)?;
        terminal.object(&json!({ "frame": number, "id": accepted.id.to_string() }))?;
    }
    bell.emit("queue.end", json!({ "queue": QUEUE }).to_string().as_bytes()).map_err(failed)?;
    bell.flush(LAST_POST).map_err(failed)?;
    bell.close(Duration::from_secs(1)).map_err(failed)?;
    Ok(())
}
