//! The processes of the demo's farm. Each is a `taskbell` of its own, so that it can be killed as a machine dies.

use crate::failure::Failure;
use serde_json::Value as Json;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::Sender;
use std::thread;

/// What a process says.
#[derive(Debug)]
pub enum Said {
    /// A line of its output, as JSON.
    Output(Json),
    /// A line of its log.
    Log(String),
    /// Its output has ended.
    End,
}

/// A running process, which is killed when this is dropped.
pub struct Process {
    child: Child,
    input: Option<ChildStdin>,
}

impl Process {
    /// Starts `taskbell --json` with these arguments and the path of a configuration. What it says goes to `hear`.
    pub fn start<E: Send + 'static>(
        arguments: &[&str],
        config: &Path,
        events: Sender<E>,
        hear: impl Fn(Said) -> E + Clone + Send + 'static,
    ) -> Result<Process, Failure> {
        let cannot = |error| {
            Failure::new(format!("cannot start a process of the farm: {error}"), "end some other processes")
        };
        let program = std::env::current_exe().map_err(cannot)?;
        let mut command = Command::new(program);
        command.arg("--json").args(arguments).arg(config);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(cannot)?;
        let input = child.stdin.take();
        if let Some(log) = child.stderr.take() {
            let (events, hear) = (events.clone(), hear.clone());
            thread::spawn(move || pass_on(log, &events, |line| hear(Said::Log(line))));
        }
        if let Some(output) = child.stdout.take() {
            thread::spawn(move || {
                let read = |line: String| serde_json::from_str(&line).unwrap_or_default();
                pass_on(output, &events, |line| hear(Said::Output(read(line))));
                // Nobody hears it once the demo has ended.
                let _ = events.send(hear(Said::End));
            });
        }
        Ok(Process { child, input })
    }

    /// Writes a line to it. A process that has died hears nothing, which its end shows.
    pub fn say(&mut self, line: &str) {
        if let Some(input) = &mut self.input {
            let _ = writeln!(input, "{line}").and_then(|()| input.flush());
        }
    }

    /// Ends its input, which asks it to end.
    pub fn ask_to_end(&mut self) {
        self.input = None;
    }

    /// Kills it at once, as `kill -9` does, and waits until it is gone.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Whether it ended with success, once its output has ended.
    pub fn succeeded(&mut self) -> bool {
        self.child.wait().is_ok_and(|status| status.success())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

fn pass_on<E>(from: impl Read, events: &Sender<E>, hear: impl Fn(String) -> E) {
    for line in BufReader::new(from).lines() {
        let Ok(line) = line else { return };
        if events.send(hear(line)).is_err() {
            return;
        }
    }
}
