//! What the demo prints while the queue runs: a progress bar on a terminal, a line a frame elsewhere, and every
//! request that arrives.

use super::super::serve::headline;
use super::super::serve::receiver::Arrival;
use super::super::terminal::{Style, Terminal, count, one_line};
use super::RenderedFrame;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io;

pub struct Progress {
    terminal: Terminal,
    bar: ProgressBar,
    failed: usize,
}

impl Progress {
    pub fn new(terminal: Terminal, frames: u32) -> Progress {
        let target =
            if terminal.json() { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stdout() };
        let template = "  {bar:28.cyan/dim}  {pos} of {len} frames  {elapsed}  {msg:.red}";
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = ProgressBar::with_draw_target(Some(u64::from(frames)), target);
        bar.set_style(style.progress_chars("█░░"));
        Progress { terminal, bar, failed: 0 }
    }

    pub fn frame(&mut self, frame: &RenderedFrame) -> io::Result<()> {
        self.bar.inc(1);
        let seconds = frame.took.as_secs_f64();
        match &frame.result {
            Ok(()) if self.bar.is_hidden() => {
                self.line(&format!("  frame {:2}  {seconds:.2} s", frame.number))
            }
            Ok(()) => Ok(()),
            Err(error) => {
                self.failed += 1;
                self.bar.set_message(count(self.failed, "failure", "failures"));
                let failed = self.terminal.paint(Style::Error, "failed");
                let reason = one_line(&error.to_string());
                self.line(&format!("  frame {:2}  {failed}: {reason}", frame.number))
            }
        }
    }

    pub fn arrival(&mut self, arrival: &Arrival) -> io::Result<()> {
        let webhook = self.terminal.paint(Style::Name, "webhook");
        let headline = headline(arrival, &self.terminal);
        self.line(&format!("  {webhook}   {headline}"))
    }

    /// Draws the elapsed time.
    pub fn tick(&self) {
        self.bar.tick();
    }

    /// Prints a line above the bar.
    pub fn line(&mut self, line: &str) -> io::Result<()> {
        if self.terminal.json() {
            return Ok(());
        }
        let terminal = &mut self.terminal;
        self.bar.suspend(|| terminal.line(line))
    }

    pub fn clear(&self) {
        self.bar.finish_and_clear();
    }
}
