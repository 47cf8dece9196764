//! Hooks: which of them match an event, why, and the message each endpoint gets. Pure: no I/O, no locks.

mod compose;
mod event_source;
mod explanation;
mod hook;
mod hook_table;
mod matching;
mod quiet_hours;
mod reason;
mod subject;
mod task_params;

pub use compose::compose;
pub use explanation::{Explanation, explain, why, why_not};
pub use hook::{Digest, Escalate, Hook, Quiet, Shaping};
pub use hook_table::HookTable;
pub use matching::{Decision, Match, Rules, decide};
pub use quiet_hours::QuietHours;
pub use subject::{Facts, Subject, alert_key};
pub use task_params::{Notify, TaskParams};
