//! Shaping: a matching hook's message may be suppressed (cooldown), gathered (digest) or held (quiet hours).
//!
//! The state is written to the spool in the transaction of the events that change it, under the instance's
//! own keys, and restored by the next start: a crash neither loses an item of a digest nor repeats it. Pure:
//! no I/O, and the clock is passed in, as Unix milliseconds.

mod alert_states;
mod cooldown;
mod digest_item;
mod digest_window;
mod state;
mod told;

pub use cooldown::CooldownResult;
pub use digest_window::DigestWindow;
pub use state::{ShapingState, hook_of};
pub use told::ThingChange;
