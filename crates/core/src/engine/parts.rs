//! The parts of an instance that several threads use. Each part owns its data and its locks.

use super::backlog::Backlog;
use super::counters::Counters;
use super::fatal_work::FatalWork;
use super::in_flight::InFlight;
use super::lane_reports::LaneReports;
use super::lane_table::{LaneTable, Lanes};
use super::lock::lock;
use super::log::Log;
use super::phase::{Phase, PhaseCell};
use super::progress::Progress;
use super::reports::DeliveryReports;
use super::spool_health::SpoolHealth;
use super::supervise::alert_source::AlertSource;
use super::supervise::sampler::Sampler;
use super::waker::Waker;
use crate::clock::Clock;
use crate::config::Config;
use crate::farm::PostQueue;
use crate::intake::Intake;
use crate::spool::MessageReader;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;
use taskbell_ring::apart::Apart;

/// Made by `open`, and held by the host's handle and the dispatcher.
pub struct Parts {
    pub clock: Arc<dyn Clock>,
    pub log: Arc<Log>,
    pub counters: Arc<Counters>,
    pub phase: Arc<PhaseCell>,
    pub waker: Arc<Waker>,
    pub intake: Arc<Intake>,
    /// In the relay of a farm: the posts of nodes.
    pub relay: Option<RelayParts>,
    pub fatal_work: Arc<FatalWork>,
    pub in_flight: InFlight,
    /// `queue.max_event_bytes`.
    pub max_event_bytes: Apart<AtomicUsize>,
    pub spool_health: Apart<SpoolHealth>,
    pub lanes: LaneTable,
    pub backlog: Backlog,
    pub progress: Progress,
    pub reports: DeliveryReports,
    pub alerts: Arc<AlertSource>,
    pub sampler: Arc<Sampler>,
    pub reload: ReloadSlot,
    /// Whether a draining instance has given everything accepted to the lanes.
    pub drained: AtomicBool,
    /// The deliveries that closing left; unknown before it has ended.
    pub undelivered: OnceLock<u64>,
    /// The messages that did not arrive, in words; unknown before closing has ended.
    pub missing: OnceLock<String>,
    /// Closing has ended, except for a call of the host's log function.
    pub log_runs_on: AtomicBool,
}

/// What a relay has besides.
pub struct RelayParts {
    pub posts: PostQueue,
    /// After this time without a post a node is lost.
    pub node_lost: Duration,
    /// How often the dispatcher has done its turn, or decided about an event.
    pub steps: AtomicU64,
    /// The store says that another relay leads.
    pub is_deposed: AtomicBool,
}

/// A new configuration, with a lane for each of its endpoints.
pub struct Reload {
    pub config: Arc<Config>,
    pub lanes: Lanes,
}

/// The configuration that waits for the dispatcher.
#[derive(Default)]
pub struct ReloadSlot(Mutex<Option<Reload>>);

impl ReloadSlot {
    pub fn put(&self, reload: Reload) {
        *lock(&self.0) = Some(reload);
    }

    pub fn take(&self) -> Option<Reload> {
        lock(&self.0).take()
    }

    pub fn is_empty(&self) -> bool {
        lock(&self.0).is_none()
    }
}

impl Parts {
    pub fn new(
        intake: Intake,
        relay: Option<RelayParts>,
        config: &Config,
        clock: Arc<dyn Clock>,
        reader: Option<Box<dyn MessageReader + Send>>,
    ) -> Parts {
        let (log, counters): (Arc<Log>, Arc<Counters>) = Default::default();
        let (phase, waker): (Arc<PhaseCell>, Arc<Waker>) = Default::default();
        let intake = Arc::new(intake);
        let reports =
            LaneReports::new(Arc::clone(&phase), Arc::clone(&waker), reader, config.scrubber.clone());
        let lanes = LaneTable::new(Arc::new(reports), Arc::clone(&clock), Arc::clone(&phase));
        let alerts = AlertSource::new(
            &config.alerts,
            Arc::clone(&intake),
            Arc::clone(&clock),
            Arc::clone(&waker),
            Arc::clone(&counters),
            Arc::clone(&log),
        );
        Parts {
            fatal_work: Arc::new(FatalWork::new(Arc::clone(&intake), Arc::clone(&counters))),
            in_flight: InFlight::default(),
            max_event_bytes: Apart(AtomicUsize::new(config.queue.max_event_bytes)),
            spool_health: Apart(SpoolHealth::new(Arc::clone(&log))),
            lanes,
            backlog: Backlog::default(),
            progress: Progress::default(),
            reports: DeliveryReports::default(),
            alerts: Arc::new(alerts),
            sampler: Arc::default(),
            reload: ReloadSlot::default(),
            drained: AtomicBool::new(false),
            undelivered: OnceLock::new(),
            missing: OnceLock::new(),
            log_runs_on: AtomicBool::new(false),
            clock,
            log,
            counters,
            phase,
            waker,
            intake,
            relay,
        }
    }

    /// Whether the dispatcher has read every event that was accepted or posted.
    pub fn is_drained(&self) -> bool {
        self.intake.is_drained() && self.relay.as_ref().is_none_or(|relay| relay.posts.is_drained())
    }

    /// Moves to a later phase, and wakes everybody who waits for one.
    pub fn advance(&self, phase: Phase) {
        self.phase.advance(phase);
        self.lanes.reports.wake_lanes();
        self.waker.wake();
    }

    /// In a relay: the dispatcher does not hang.
    pub fn note_step(&self) {
        if let Some(relay) = &self.relay {
            relay.steps.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Whether the dispatcher has something to do apart from what the clock brings.
    pub fn has_work(&self) -> bool {
        !self.is_drained()
            || self.lanes.reports.waiting() > 0
            || self.lanes.reports.has_new_attempt()
            || !self.reload.is_empty()
            || self.alerts.is_early()
            || self.phase.get() != Phase::Open
    }
}
