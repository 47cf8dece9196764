//! Lanes: one per endpoint, with its own order, concurrency, rate and breaker, and its share of the senders, so that
//! an endpoint that hangs never delays another.

mod attachment;
mod attachment_fit;
mod attempt;
mod attempt_loop;
mod body;
mod breaker;
mod coalesce;
mod drawing;
mod dry_run;
mod endpoint_health;
mod exchange;
mod follow_up;
mod job;
mod lane;
mod pace;
mod parked;
mod picture;
mod post;
mod queue;
mod ramp;
mod relay_cycle;
mod report;
mod request;
mod schedule;
mod senders;

pub use body::Body;
pub use dry_run::headers;
pub(crate) use dry_run::{DryRun, DryRunRequest, dry_run};
pub(crate) use endpoint_health::{EndpointHealth, Pause};
pub use job::Job;
pub(crate) use job::LiveJob;
pub(crate) use lane::{Failing, Lane, SendingAttempt, SentTimes};
pub(crate) use post::{ask_relay, shown as shown_relay};
pub(crate) use relay_cycle::{Forgotten, KEPT_BY_NODE};
pub(crate) use report::{Disposition, LaneReport, LaneSink};
pub(crate) use senders::Senders;
