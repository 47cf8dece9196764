//! The lanes by endpoint name, and the way of jobs into them.

use super::lane_reports::LaneReports;
use super::lock::lock;
use super::phase::{Phase, PhaseCell};
use crate::clock::Clock;
use crate::endpoint::{Endpoint, is_task_endpoint};
use crate::lanes::{Job, Lane, LaneReport, LaneSink, Senders};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

/// Lanes by the name of their endpoint.
pub type Lanes = BTreeMap<Arc<str>, Arc<Lane>>;

pub struct LaneTable {
    pub reports: Arc<LaneReports>,
    pub clock: Arc<dyn Clock>,
    pub senders: Arc<Senders>,
    phase: Arc<PhaseCell>,
    lanes: Mutex<Lanes>,
}

impl LaneTable {
    pub fn new(reports: Arc<LaneReports>, clock: Arc<dyn Clock>, phase: Arc<PhaseCell>) -> LaneTable {
        let senders = Senders::new(Arc::clone(&reports) as Arc<dyn LaneSink>);
        LaneTable { reports, clock, senders, phase, lanes: Mutex::default() }
    }

    pub fn lock(&self) -> MutexGuard<'_, Lanes> {
        lock(&self.lanes)
    }

    /// A copy of the table, to call lanes without its lock.
    pub fn all(&self) -> Lanes {
        self.lock().clone()
    }

    /// A lane for an endpoint, outside of the table.
    pub fn new_lane(
        &self,
        endpoint: &Arc<Endpoint>,
        keeps_bodies: bool,
        gone: Option<String>,
    ) -> Result<Arc<Lane>, String> {
        let sink: Arc<dyn LaneSink> = Arc::clone(&self.reports) as Arc<dyn LaneSink>;
        let senders = Arc::clone(&self.senders);
        Lane::new(Arc::clone(endpoint), Arc::clone(&self.clock), sink, senders, keeps_bodies, gone)
            .map_err(|error| error.to_string())
    }

    /// Hands deliveries to the lanes of the endpoints named with them.
    pub fn push(&self, jobs: impl IntoIterator<Item = (Arc<str>, Job)>) {
        let mut by_endpoint: BTreeMap<Arc<str>, Vec<Job>> = BTreeMap::new();
        for (endpoint, job) in jobs {
            by_endpoint.entry(endpoint).or_default().push(job);
        }
        for (endpoint, jobs) in by_endpoint {
            // Called without the lock of the table.
            let lane = self.lock().get(&endpoint).cloned();
            match lane {
                Some(lane) => lane.push(jobs),
                // The lanes are closed: the next start delivers what comes too late for them.
                None if self.phase.get() >= Phase::Stopping => {}
                None => self.drop_unconfigured(&endpoint, jobs),
            }
        }
    }

    /// Makes deliveries dead letters because their endpoint is not configured; they can be replayed once it is.
    pub fn drop_unconfigured(&self, endpoint: &str, jobs: Vec<Job>) {
        let reason = if is_task_endpoint(endpoint) {
            "the address that the task named is no longer allowed, or too many such addresses are in use"
                .into()
        } else {
            format!("endpoint `{endpoint}` is no longer configured")
        };
        self.report_dropped(endpoint, jobs, &reason);
    }

    pub fn report_dropped(&self, endpoint: &str, jobs: Vec<Job>, reason: &str) {
        for job in jobs {
            let (endpoint, reason) = (endpoint.into(), reason.to_owned());
            self.reports.report(LaneReport::Dropped { endpoint, job, reason });
        }
    }
}
