//! On Windows: an output to the console is left alone, since there a process that writes to anything else prints in
//! another way; Ctrl-C is the command's, and the console sends it to both.

use super::super::output::Printed;
use super::End;
use std::ffi::{OsStr, OsString};
use std::io::{self, IsTerminal, Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;
use taskbell_core::os::console::{is_interrupted_within, keep_interrupts, peak_memory, processor_time};

/// The number of the signal that an interrupt is elsewhere.
const SIGINT: i32 = 2;

/// How much later than the command this process may learn of the Ctrl-C that ended it.
const LATE_INTERRUPT: Duration = Duration::from_millis(500);

/// A command that is not started yet. Ctrl-C does not end this process any more.
pub struct PreparedProcess {
    command: Command,
    copies: bool,
}

/// A command that runs.
pub struct StartedProcess {
    child: Child,
    copiers: Vec<JoinHandle<()>>,
}

impl PreparedProcess {
    /// `copies`: whether the output is looked at.
    pub fn new(program: &OsStr, words: &[OsString], copies: bool) -> PreparedProcess {
        let mut command = Command::new(program);
        command.args(words);
        keep_interrupts();
        PreparedProcess { command, copies }
    }

    /// Starts it.
    ///
    /// # Errors
    /// When the program cannot be run.
    pub fn start(mut self, printed: &Arc<Printed>) -> io::Result<StartedProcess> {
        if self.copies && !io::stdout().is_terminal() {
            self.command.stdout(Stdio::piped());
        }
        if self.copies && !io::stderr().is_terminal() {
            self.command.stderr(Stdio::piped());
        }
        let mut child = self.command.spawn()?;
        let mut copiers = Vec::new();
        if let Some(from) = child.stdout.take() {
            copiers.push(copy(from, io::stdout(), Arc::clone(printed), false));
        }
        if let Some(from) = child.stderr.take() {
            copiers.push(copy(from, io::stderr(), Arc::clone(printed), true));
        }
        Ok(StartedProcess { child, copiers })
    }
}

fn copy(
    mut from: impl Read + Send + 'static,
    mut to: impl Write + Send + 'static,
    printed: Arc<Printed>,
    is_error: bool,
) -> JoinHandle<()> {
    thread::spawn(move || {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            printed.add(&buffer[..length], is_error);
            if to.write_all(&buffer[..length]).and_then(|()| to.flush()).is_err() {
                return;
            }
        }
    })
}

impl StartedProcess {
    /// Waits until it has ended, and until what it has printed is copied.
    pub fn wait(mut self) -> End {
        let status = self.child.wait().unwrap_or_default();
        self.copiers.into_iter().for_each(|copier| drop(copier.join()));
        let late = if status.success() { Duration::ZERO } else { LATE_INTERRUPT };
        let caught = if is_interrupted_within(late) { vec![SIGINT] } else { Vec::new() };
        let cpu_s = processor_time(&self.child).as_secs_f64();
        End { status, caught, peak_bytes: peak_memory(&self.child), cpu_s }
    }
}
