//! What one rendering may use: steps, turns of loops and bytes. Templates are written by users and run in the host's
//! process, so each is bounded. Also knows whether the rendering is a check against sample data.

use super::engine_error::EngineError;
use super::sample::OpenContext;
use super::template_error::{MAX_BODY_BYTES, RenderError};

/// The steps of a whole template; about 10 ms.
pub(super) const STEPS_PER_RENDER: u64 = 500_000;

/// The turns of all `$for` of a template together.
const TURNS_PER_RENDER: usize = 10_000;

pub(super) struct RenderBudget<'a> {
    steps: u64,
    turns: usize,
    /// The bytes of JSON that are left.
    pub room: usize,
    /// Whether punctuation of the event's values is marked, for a platform that reads markup.
    pub marks: bool,
    open: Option<&'a OpenContext>,
    /// The number of enclosing `$for` whose items are unknown.
    guessed_loops: usize,
}

impl<'a> RenderBudget<'a> {
    pub fn new(open: Option<&'a OpenContext>) -> Self {
        RenderBudget {
            steps: STEPS_PER_RENDER,
            turns: TURNS_PER_RENDER,
            room: MAX_BODY_BYTES,
            marks: false,
            open,
            guessed_loops: 0,
        }
    }

    /// The sample, when this is a check.
    pub fn sample(&self) -> Option<&'a OpenContext> {
        self.open
    }

    /// Starts a part of the template: earlier guesses do not excuse its errors.
    pub fn begin(&self) {
        if let Some(open) = self.open {
            open.forget();
        }
    }

    /// Whether this part read a value that the sample had to guess.
    pub fn was_guessed(&self) -> bool {
        self.open.is_some_and(|open| self.guessed_loops > 0 || open.was_guessed())
    }

    /// Whether an error of this part may come from a guess.
    pub fn excuses(&self, error: &EngineError) -> bool {
        self.was_guessed() && !error.is_of_context()
    }

    /// Runs `work` inside a `$for` whose items are unknown.
    pub fn guessing<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> T {
        self.guessed_loops += 1;
        let done = work(self);
        self.guessed_loops -= 1;
        done
    }

    pub fn spend(&mut self, at: &str, steps: u64) -> Result<(), RenderError> {
        self.steps = self.steps.checked_sub(steps).ok_or_else(|| {
            let reason = format!("stopped here after {STEPS_PER_RENDER} steps");
            RenderError::at(at, None, reason)
        })?;
        Ok(())
    }

    pub fn turn(&mut self, at: &str) -> Result<(), RenderError> {
        self.turns = self.turns.checked_sub(1).ok_or_else(|| {
            let reason = format!("stopped here after {TURNS_PER_RENDER} turns of `$for`");
            RenderError::at(at, None, reason)
        })?;
        // An empty turn costs time, too.
        self.spend(at, 10)
    }

    pub fn turns(&self) -> usize {
        self.turns
    }
}
