//! The engine: one thread, the `dispatcher`, takes events through five parts: `ingest` reads and parses them,
//! `decide` turns them into messages, `commit` makes both durable, `dispatch` gives the messages to lanes, and
//! `supervise` opens, reloads and closes. Each part owns its data; `parts` holds what several threads use.

mod ask_relays;
mod backlog;
mod bell;
mod check;
mod collect_reports;
mod commit;
mod counters;
mod decide;
mod dispatch;
mod dispatcher;
mod doubts;
mod endpoints;
mod error;
mod fatal_work;
mod guarded_decision;
mod housekeeping;
mod idle;
mod in_flight;
mod ingest;
mod known_hosts;
mod known_nodes;
mod lane_reports;
mod lane_table;
mod live_in_memory;
mod lock;
mod log;
mod open_store;
mod overview;
mod paging;
mod parts;
mod peers;
mod phase;
mod posted;
mod preview;
mod progress;
mod relay;
mod render_again;
mod reports;
mod resend;
mod sending_marks;
mod shared_batches;
#[cfg(test)]
mod simulation;
mod spool_health;
mod spool_recovery;
mod supervise;
mod takeover;
mod task_lanes;
#[cfg(test)]
mod tests;
mod usual_durations;
mod waker;

pub use crate::intake::call as call_hosts;
pub use ask_relays::{RelayState, ask_relays};
pub use bell::Bell;
pub use check::{CheckReport, check};
pub use endpoints::quiet_endpoints;
pub use error::{Error, ErrorKind};
pub use known_nodes::{FarmNode, farm_nodes};
pub use log::{Level, Sink};
pub use open_store::{MaySend, OpenStore};
pub use overview::{
    EndpointState, FiringAlert, OpenWork, endpoint_states, firing_alerts, living_hosts, work_in_progress,
};
pub use preview::{explain, preview};
pub use relay::RelayBounds;
pub use sending_marks::{InFlightDelivery, deliveries_in_flight};
