//! What is seen while the queue runs: a progress line on a terminal, plain lines elsewhere, and what
//! happens beside it.

use super::super::serve::receiver::{Arrival, Verdict};
use super::super::terminal::{Ink, Terminal, one_line, time_of_day};
use super::queue::Done;
use std::io;
use std::time::{Duration, Instant};

/// Characters of the bar.
const BAR: usize = 28;

/// The stage.
pub struct Stage {
    terminal: Terminal,
    total: usize,
    done: usize,
    failed: usize,
    began: Instant,
    /// Whether a line stands there that the next one takes the place of.
    standing: bool,
}

impl Stage {
    /// Before the first task.
    pub fn new(terminal: Terminal, total: usize) -> Stage {
        Stage { terminal, total, done: 0, failed: 0, began: Instant::now(), standing: false }
    }

    /// A task is done.
    pub fn task(&mut self, task: &Done) -> io::Result<()> {
        self.done += 1;
        let took = seconds(task.took);
        match &task.result {
            Err(reason) => {
                self.failed += 1;
                let mark = self.terminal.paint(Ink::Bad, "failed");
                let reason = one_line(reason);
                self.aside(&format!("  frame {:2}  {mark}: {reason}", task.number))
            }
            Ok(_) if self.terminal.live() => self.progress(),
            Ok(_) => {
                let (done, total) = (self.done, self.total);
                self.aside(&format!("  frame {:2}  {took}  {done} of {total}", task.number))
            }
        }
    }

    /// A request arrived.
    pub fn arrival(&mut self, arrival: &Arrival) -> io::Result<()> {
        let line = told(arrival, &self.terminal);
        self.aside(&line)
    }

    /// Draws the progress line anew.
    pub fn progress(&mut self) -> io::Result<()> {
        if !self.terminal.live() || self.terminal.json() {
            return Ok(());
        }
        let full = BAR * self.done / self.total.max(1);
        let bar = self.terminal.paint(Ink::Name, "█".repeat(full));
        let rest = self.terminal.paint(Ink::Quiet, "░".repeat(BAR - full));
        let failed = match self.failed {
            0 => String::new(),
            failed => self.terminal.paint(Ink::Bad, format!("  {failed} failed")),
        };
        let elapsed = seconds(self.began.elapsed());
        self.standing = true;
        let (done, total) = (self.done, self.total);
        self.terminal.write(&format!("\r\x1b[2K  {bar}{rest}  {done} of {total}{failed}  {elapsed}"))
    }

    /// Writes a line above the progress line.
    pub fn aside(&mut self, line: &str) -> io::Result<()> {
        if self.terminal.json() {
            return Ok(());
        }
        self.clear()?;
        self.terminal.line(line)?;
        if self.done < self.total { self.progress() } else { Ok(()) }
    }

    /// Takes the progress line away.
    pub fn clear(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.standing) { self.terminal.write("\r\x1b[2K") } else { Ok(()) }
    }

    /// How long it has been.
    pub fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }
}

fn told(arrival: &Arrival, terminal: &Terminal) -> String {
    let time = terminal.paint(Ink::Quiet, time_of_day(arrival.at));
    let kind = arrival.kind().unwrap_or_default();
    let kind = terminal.paint(Ink::Strong, one_line(&kind));
    let attempt = arrival.attempt().unwrap_or_default();
    let verdict = match &arrival.verdict {
        Verdict::Verified(_) => terminal.paint(Ink::Good, "signature verified"),
        Verdict::Unchecked => terminal.paint(Ink::Doubt, "not checked"),
        Verdict::Refused(reason) => terminal.paint(Ink::Bad, one_line(reason)),
    };
    let ink = if arrival.status < 300 { Ink::Good } else { Ink::Doubt };
    let status = terminal.paint(ink, arrival.status.to_string());
    let bell = terminal.paint(Ink::Name, "the bell rings");
    format!("  {bell}  {time}  {kind}, attempt {attempt}: {verdict}, answered {status}")
}

/// Seconds for people.
pub fn seconds(duration: Duration) -> String {
    format!("{:.2} s", duration.as_secs_f64())
}
