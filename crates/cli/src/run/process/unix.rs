//! On Unix.

use super::super::output::Printed;
use super::End;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, IsTerminal, PipeReader, PipeWriter, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use taskbell_core::os::command::{
    copy_size, end_by, hold_signals, next_signal, open_terminal, send_signal, stop_here, usage_of_children,
};

/// How long what others still print is copied when the command has ended.
const AFTERWARDS: Duration = Duration::from_millis(500);

/// The signals that ask a process to end: SIGHUP, SIGINT, SIGQUIT, SIGTERM.
const ENDING: [i32; 4] = [1, 2, 3, 15];

/// A command that is not started yet. Signals do not end this process any more.
pub struct PreparedCommand {
    command: Command,
    copies: bool,
}

/// A command that runs.
pub struct StartedCommand {
    child: Child,
    copiers: Vec<JoinHandle<()>>,
    /// Dropped when the command has ended.
    ended: PipeWriter,
    passed_on: Arc<PassedOn>,
}

/// One stream of the command on its way to where it was to go.
struct Stream {
    from: File,
    to: File,
    /// Whether it is the error output, apart from the other one.
    is_error: bool,
}

/// What the thread that passes signals on shares with the one that waits.
struct PassedOn {
    /// The process; `None` once it has ended, when its number may be another one's.
    process: Mutex<Option<u32>>,
    /// Those that asked it to end.
    caught: Mutex<Vec<i32>>,
    /// The terminals of the output, each with the real one.
    terminals: Vec<(File, File)>,
}

impl PreparedCommand {
    /// To be called before any thread is started. `copies`: whether the output is looked at.
    pub fn new(program: &OsStr, words: &[OsString], copies: bool) -> PreparedCommand {
        let mut command = Command::new(program);
        command.args(words);
        hold_signals(&mut command);
        PreparedCommand { command, copies }
    }

    /// Starts it.
    ///
    /// # Errors
    /// When the program cannot be run.
    pub fn start(mut self, printed: &Arc<Printed>) -> io::Result<StartedCommand> {
        let (streams, terminals) = if self.copies { self.connect() } else { Default::default() };
        let child = self.command.spawn()?;
        // The command has the other ends alone from now on.
        drop(self.command);
        let (until, ended) = io::pipe()?;
        let passed_on =
            Arc::new(PassedOn { process: Mutex::new(Some(child.id())), caught: Mutex::default(), terminals });
        let shared = Arc::clone(&passed_on);
        thread::spawn(move || {
            loop {
                shared.pass_on();
            }
        });
        let copy = |stream: Stream| {
            let (printed, until) = (Arc::clone(printed), until.try_clone()?);
            Ok(thread::spawn(move || stream.copy(&printed, &until)))
        };
        let copiers = streams.into_iter().map(copy).collect::<io::Result<_>>()?;
        Ok(StartedCommand { child, copiers, ended, passed_on })
    }

    /// Puts something between the command and each output. An output for which the system has nothing is left alone.
    fn connect(&mut self) -> (Vec<Stream>, Vec<(File, File)>) {
        let (mut streams, mut terminals) = (Vec::new(), Vec::new());
        let own = |fd: io::Result<OwnedFd>| fd.map(File::from).ok();
        let out = own(io::stdout().as_fd().try_clone_to_owned());
        let err = own(io::stderr().as_fd().try_clone_to_owned());
        let is_same = out.as_ref().zip(err.as_ref()).is_some_and(|(out, err)| is_same(out, err));
        let mut between = |to: Option<File>, is_error: bool| -> Option<OwnedFd> {
            let to = to?;
            let (from, theirs) = if to.is_terminal() {
                let (from, theirs) = open_terminal(&to).ok()?;
                terminals.push((to.try_clone().ok()?, from.try_clone().ok()?));
                (from, theirs)
            } else {
                let (from, theirs) = io::pipe().ok()?;
                (File::from(OwnedFd::from(from)), OwnedFd::from(theirs))
            };
            streams.push(Stream { from, to, is_error });
            Some(theirs)
        };
        let theirs = between(out, false);
        if let Some(theirs) = &theirs
            && let Ok(theirs) = theirs.try_clone()
        {
            self.command.stdout(Stdio::from(theirs));
        }
        // In one stream, or their order would be lost.
        let theirs = if is_same { theirs } else { between(err, true) };
        if let Some(theirs) = theirs {
            self.command.stderr(Stdio::from(theirs));
        }
        (streams, terminals)
    }
}

/// Whether two outputs are the same file, pipe or terminal.
fn is_same(one: &File, other: &File) -> bool {
    let identity = |file: &File| file.metadata().ok().map(|of| (of.dev(), of.ino(), of.rdev()));
    identity(one).is_some_and(|known| identity(other) == Some(known))
}

impl Stream {
    /// Copies until the end, or until nothing more comes after the command has ended. Once nobody reads any more, the
    /// command learns of it as if it had written there itself.
    fn copy(mut self, printed: &Printed, until: &PipeReader) {
        let mut buffer = vec![0; 64 * 1024];
        let mut ended: Option<Instant> = None;
        loop {
            let limit = ended.map(|_| Timespec { tv_sec: 0, tv_nsec: 0 });
            let (readable, is_over) = {
                let mut waiting = [PollFd::new(&self.from, PollFlags::IN), PollFd::new(until, PollFlags::IN)];
                let waiting = if ended.is_some() { &mut waiting[..1] } else { &mut waiting[..] };
                if poll(waiting, limit.as_ref()).is_err() {
                    continue;
                }
                let happened = |at: usize| waiting.get(at).is_some_and(|one| !one.revents().is_empty());
                (happened(0), happened(1))
            };
            if is_over {
                ended = Some(Instant::now());
            }
            if !readable {
                if ended.is_some() && !is_over {
                    return;
                }
                continue;
            }
            match self.from.read(&mut buffer) {
                Ok(0) => return,
                Ok(length) => {
                    printed.add(&buffer[..length], self.is_error);
                    if self.to.write_all(&buffer[..length]).is_err() {
                        return;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // The end of a terminal.
                Err(_) => return,
            }
            if ended.is_some_and(|at| at.elapsed() > AFTERWARDS) {
                return;
            }
        }
    }
}

impl PassedOn {
    /// Waits for a signal, and does what the command would have it do.
    fn pass_on(&self) {
        let caught = next_signal();
        let Some(process) = *self.process.lock().unwrap_or_else(PoisonError::into_inner) else {
            // The command has ended, and this process only waits for its message: that is in the spool.
            if ENDING.contains(&caught.signal) {
                end_by(caught.signal);
            }
            return;
        };
        // What the terminal sends, and what the command sends to its group, has reached it.
        let is_for_both = caught.sender.is_none_or(|sender| sender == process);
        if ENDING.contains(&caught.signal) {
            self.caught.lock().unwrap_or_else(PoisonError::into_inner).push(caught.signal);
        }
        if caught.is_resize() || caught.is_continue() {
            self.terminals.iter().for_each(|(real, theirs)| copy_size(real, theirs));
        }
        if !is_for_both || caught.is_resize() {
            self.send(caught.signal);
        }
        if caught.is_stop() {
            stop_here();
        }
    }

    fn send(&self, signal: i32) {
        let process = self.process.lock().unwrap_or_else(PoisonError::into_inner);
        process.iter().for_each(|process| send_signal(*process, signal));
    }
}

impl StartedCommand {
    /// Waits until it has ended, and until what it has printed is copied.
    pub fn wait(mut self) -> End {
        // It keeps its number until it is waited for without this option.
        if let Some(process) = Pid::from_raw(self.child.id() as i32) {
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
            while waitid(WaitId::Pid(process), options).is_err_and(|error| error == rustix::io::Errno::INTR) {
            }
        }
        *self.passed_on.process.lock().unwrap_or_else(PoisonError::into_inner) = None;
        let status = self.child.wait().unwrap_or_default();
        drop(self.ended);
        self.copiers.into_iter().for_each(|copier| drop(copier.join()));
        let usage = usage_of_children();
        let caught =
            std::mem::take(&mut *self.passed_on.caught.lock().unwrap_or_else(PoisonError::into_inner));
        End { status, caught, peak_bytes: usage.peak_bytes, cpu_s: usage.cpu_s }
    }
}
