//! What the demo prints while the queue runs: a progress bar on a terminal, a line a frame elsewhere, and every
//! request that arrives.

use super::CHAT;
use super::RenderedFrame;
use crate::serve::headline;
use crate::serve::receiver::Arrival;
use crate::terminal::{Style, Terminal, count, one_line, time_of_day};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::Value as Json;
use std::io;
use std::path::Path;

pub struct Progress {
    terminal: Terminal,
    bar: ProgressBar,
    /// A line for each frame, where no bar shows them.
    lists_frames: bool,
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
        let lists_frames = bar.is_hidden();
        Progress { terminal, bar, lists_frames, failed: 0 }
    }

    /// As on a terminal, for the picture of the documents.
    #[cfg(test)]
    pub fn without_frames(terminal: Terminal, frames: u32) -> Progress {
        Progress { lists_frames: false, ..Progress::new(terminal, frames) }
    }

    pub fn frame(&mut self, frame: &RenderedFrame) -> io::Result<()> {
        let seconds = frame.took.as_secs_f64();
        match &frame.result {
            Ok(()) => self.step(&format!("  frame {:2}  {seconds:.2} s", frame.number)),
            Err(error) => {
                self.bar.inc(1);
                self.failed += 1;
                self.bar.set_message(count(self.failed, "failure", "failures"));
                let failed = self.terminal.paint(Style::Error, "failed");
                let reason = one_line(&error.to_string());
                self.line(&format!("  frame {:2}  {failed}: {reason}", frame.number))
            }
        }
    }

    /// One more frame: a step of the bar, or this line where there is none.
    pub fn step(&mut self, line: &str) -> io::Result<()> {
        self.bar.inc(1);
        if self.lists_frames { self.line(line) } else { Ok(()) }
    }

    pub fn arrival(&mut self, arrival: &Arrival) -> io::Result<()> {
        let webhook = self.terminal.paint(Style::Name, "webhook");
        let headline = headline(arrival, &self.terminal);
        self.line(&format!("  {webhook}   {headline}"))?;
        if arrival.status >= 300 {
            return Ok(());
        }
        let sentences = arrival.json().map(|body| sentences(&body)).unwrap_or_default();
        sentences.iter().try_for_each(|sentence| self.line(&format!("            {}", one_line(sentence))))
    }

    /// A message to the chat, as its reader sees it, and where its picture is.
    pub fn chat(&mut self, arrival: &Arrival, picture: Option<&Path>) -> io::Result<()> {
        if self.terminal.json() {
            return Ok(());
        }
        let (time, status) = (time_of_day(arrival.at), arrival.status);
        let name = self.terminal.paint(Style::Name, "chat");
        let what = match arrival.edited_message() {
            Some(id) => format!("an edit of message {id}"),
            None => "a card for Discord".to_owned(),
        };
        self.line(&format!("  {name}      {time}  {what}, answered {status}"))?;
        let Some(card) = arrival.card(CHAT) else { return Ok(()) };
        let terminal = &mut self.terminal;
        self.bar.suspend(|| card.draw(4, terminal))?;
        picture.map_or(Ok(()), |path| self.line(&format!("    its picture is {}", path.display())))
    }

    pub fn tick(&self) {
        self.bar.tick();
    }

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

fn sentences(body: &Json) -> Vec<String> {
    if let Some(text) = body["text"].as_str() {
        let (user, done) = (body["asked_by"].as_str().unwrap_or_default(), &body["done_so_far"]);
        return vec![format!("“{text}”"), format!("started by {user}; {done} frames were done by then")];
    }
    let queue = &body["data"]["queue"];
    let number = |value: &Json| value.as_f64().unwrap_or_default();
    let (total, succeeded, failed) = (&queue["total"], &queue["succeeded"], &queue["failed"]);
    let duration = number(&queue["duration_s"]);
    let time = &queue["task_seconds"];
    let (mean, max) = (number(&time["mean"]), number(&time["max"]));
    vec![
        format!("{total} tasks in {duration:.1} s: {succeeded} succeeded, {failed} failed"),
        format!("a task took {mean:.2} s on average, {max:.2} s at most"),
    ]
}
