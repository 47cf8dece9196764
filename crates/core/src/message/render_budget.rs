//! What one rendering may use: steps, turns of loops and bytes. Templates are written by users and run in the host's
//! process, so each is bounded. Also knows whether the rendering is a check against sample data.

use super::expr::EngineError;
use super::sample::OpenContext;
use super::template_error::{MAX_BODY_BYTES, RenderError};

/// The steps a whole template may take; about 10 ms.
const STEPS_PER_RENDER: u64 = 500_000;

/// The turns all `$for` of a template may take together.
const TURNS_PER_RENDER: usize = 10_000;

/// What one rendering may still spend, and whether it is a check.
pub(super) struct RenderBudget<'a> {
    steps: u64,
    turns: usize,
    /// Bytes of JSON that may still be made.
    pub room: usize,
    open: Option<&'a OpenContext>,
    /// The `$for` around it that run over nothing known.
    guessed_loops: usize,
}

impl<'a> RenderBudget<'a> {
    pub fn new(open: Option<&'a OpenContext>) -> Self {
        RenderBudget {
            steps: STEPS_PER_RENDER,
            turns: TURNS_PER_RENDER,
            room: MAX_BODY_BYTES,
            open,
            guessed_loops: 0,
        }
    }

    /// The sample, when this is a check.
    pub fn sample(&self) -> Option<&'a OpenContext> {
        self.open
    }

    /// Starts a piece: what was guessed before it does not excuse it.
    pub fn begin(&self) {
        if let Some(open) = self.open {
            open.forget();
        }
    }

    /// Whether this piece read a value that the sample had to guess.
    pub fn was_guessed(&self) -> bool {
        self.open.is_some_and(|open| self.guessed_loops > 0 || open.was_guessed())
    }

    /// Whether a failure of this piece may come from a guess.
    pub fn excuses(&self, fault: &EngineError) -> bool {
        self.was_guessed() && !fault.is_of_context()
    }

    /// Does something inside a `$for` whose items are guessed.
    pub fn guessing<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> T {
        self.guessed_loops += 1;
        let done = work(self);
        self.guessed_loops -= 1;
        done
    }

    /// Spends steps.
    pub fn spend(&mut self, at: &str, steps: u64) -> Result<(), RenderError> {
        self.steps = self.steps.checked_sub(steps).ok_or_else(|| {
            let reason = format!("the template took more than {STEPS_PER_RENDER} steps and was stopped here");
            RenderError::at(at, None, reason)
        })?;
        Ok(())
    }

    /// Spends a turn of a `$for`.
    pub fn turn(&mut self, at: &str) -> Result<(), RenderError> {
        self.turns = self.turns.checked_sub(1).ok_or_else(|| {
            let reason = format!(
                "the template took more than {TURNS_PER_RENDER} turns of `$for` and was stopped here"
            );
            RenderError::at(at, None, reason)
        })?;
        // A turn that does nothing is still work.
        self.spend(at, 10)
    }

    /// The turns left.
    pub fn turns(&self) -> usize {
        self.turns
    }
}
