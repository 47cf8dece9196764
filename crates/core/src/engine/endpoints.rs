//! The lanes of a configuration, and the state of endpoints in the spool.

use super::error::{Error, ErrorKind};
use super::lane_table::{LaneTable, Lanes};
use super::log::{Level, Log};
use super::parts::Parts;
use crate::clock;
use crate::config::Config;
use crate::endpoint::Endpoint;
use crate::lanes::{EndpointHealth, Lane, LaneReport, Pause, SentTimes};
use crate::spool::{Reader, SpoolError, SpoolPath, StateChange, StateKey, StateKind, Store};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

/// From this length a quiet is a warning in the log.
const LONG_QUIET: Duration = Duration::from_secs(60);

/// An endpoint whose receiver refuses all further requests.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Gone {
    // A fingerprint, since neither URL nor keys are stored.
    url: String,
    pub reason: String,
}

/// An endpoint that fails, or asked for a pause.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct StoredHealth {
    url: String,
    pub health: EndpointHealth,
}

/// When messages were sent to an endpoint.
#[derive(Debug, Serialize, Deserialize)]
struct StoredTimes {
    url: String,
    #[serde(flatten)]
    times: SentTimes,
}

/// A lane for each endpoint of a configuration. `spool` has the endpoints' state of earlier runs.
pub fn build_lanes(config: &Config, table: &LaneTable, spool: Option<&impl Store>) -> Result<Lanes, Error> {
    let keeps_bodies = config.spool.path == SpoolPath::Memory;
    let mut lanes = Lanes::new();
    for endpoint in config.endpoints.iter().chain(config.relays()) {
        let gone = spool.and_then(|spool| gone_reason(spool, endpoint));
        let lane = table.new_lane(endpoint, keeps_bodies, gone).map_err(|fault| {
            let table = if endpoint.relays.is_some() { "" } else { "endpoints." };
            Error::new(ErrorKind::Config, format!("{table}{}: {fault}", endpoint.name))
        })?;
        if let Some(health) = spool.and_then(|spool| stored_health(spool, endpoint)) {
            lane.resume(health);
        }
        if let Some(timeline) = spool.filter(|_| endpoint.relays.is_some()).and_then(known_timeline) {
            lane.resume_timeline(timeline);
        }
        lanes.insert(endpoint.name.clone(), lane);
    }
    Ok(lanes)
}

/// The history of the relays' database, which all processes of the node know.
pub fn timeline_key() -> StateKey {
    StateKey::shared(StateKind::RelayTimeline, "")
}

/// The history of the relays' database that an answer has named, to be kept with what was posted on it.
pub fn changed_timeline(config: &Config, parts: &Parts) -> Option<StateChange> {
    let lane = parts.lanes.lock().get(&config.relays()?.name).cloned()?;
    Some((timeline_key(), Some(lane.changed_timeline()?.into_bytes())))
}

/// The history of the relays' database that this node knows.
fn known_timeline(spool: &impl Store) -> Option<String> {
    String::from_utf8(spool.state(&timeline_key()).ok()??).ok()
}

pub fn gone_key(endpoint: &str) -> StateKey {
    StateKey::shared(StateKind::GoneEndpoint, endpoint)
}

/// The changed states of the endpoints that these reports come from. Logs a quiet that a receiver has asked for.
pub fn changed_states(config: &Config, parts: &Parts, reports: &[LaneReport]) -> Vec<StateChange> {
    let unix_ms = parts.clock.unix_ms();
    let mut states = Vec::new();
    let mut tried: Vec<&str> = Vec::new();
    for report in reports {
        match report {
            LaneReport::Attempt { endpoint, .. } | LaneReport::FollowUp { endpoint, .. }
                if tried.last() != Some(&&**endpoint) =>
            {
                tried.push(endpoint);
            }
            LaneReport::Gone { endpoint, reason } => states.extend(gone_state(config, endpoint, reason)),
            _ => {}
        }
    }
    tried.sort_unstable();
    tried.dedup();
    let lanes = parts.lanes.lock();
    states.extend(tried.iter().filter_map(|name| sent_state(lanes.get(*name)?, false)));
    let health = |name: &str| {
        let (health, new_quiet) = lanes.get(name)?.changed_health()?;
        if let Some(quiet) = new_quiet {
            log_quiet(&parts.log, name, quiet, unix_ms);
        }
        let url = config.endpoint(name)?.fingerprint();
        let stored = (!health.is_good(unix_ms)).then_some(StoredHealth { url, health });
        Some((health_key(name), stored.and_then(|stored| serde_json::to_vec(&stored).ok())))
    };
    states.extend(tried.into_iter().filter_map(health));
    states
}

/// A short one is how a rate limit works, and nothing to look at.
fn log_quiet(log: &Log, endpoint: &str, quiet: Pause, unix_ms: i64) {
    let level = if quiet.left(unix_ms) < LONG_QUIET { Level::Info } else { Level::Warn };
    let until = clock::rfc3339(quiet.until_ms());
    let text = format!(
        "endpoint {endpoint} is quiet until {until}, asked for by the receiver; `taskbell replay --endpoint \
         {endpoint}` or a reload lifts it"
    );
    log.write(level, &text);
}

/// The endpoints of a spool whose receivers asked for quiet, and until when, in Unix milliseconds.
///
/// # Errors
/// When the spool cannot be read.
pub fn quiet_endpoints(reader: &dyn Reader, unix_ms: i64) -> Result<BTreeMap<String, i64>, SpoolError> {
    let states = reader.states(StateKind::EndpointHealth)?;
    let quiet = states.into_iter().filter_map(|(key, value)| {
        let stored: StoredHealth = serde_json::from_slice(&value).ok()?;
        let quiet = stored.health.quiet.filter(|quiet| !quiet.left(unix_ms).is_zero())?;
        Some((key.name, quiet.until_ms()))
    });
    Ok(quiet.collect())
}

pub fn health_key(endpoint: &str) -> StateKey {
    StateKey::shared(StateKind::EndpointHealth, endpoint)
}

fn stored_health(spool: &impl Store, endpoint: &Endpoint) -> Option<EndpointHealth> {
    let kept = spool.state(&health_key(&endpoint.name)).ok()??;
    let kept: StoredHealth = serde_json::from_slice(&kept).ok()?;
    (kept.url == endpoint.fingerprint()).then_some(kept.health)
}

/// Counts for the rate of each lane what earlier processes sent; `has_crashed` when one of them died.
pub fn resume_rates(spool: &impl Store, lanes: &Lanes, has_crashed: bool) -> Result<(), SpoolError> {
    let kept: HashMap<String, StoredTimes> = spool
        .states(StateKind::SentTimes)?
        .into_iter()
        .filter_map(|(key, value)| Some((key.name, serde_json::from_slice(&value).ok()?)))
        .collect();
    for (name, lane) in lanes {
        let stored = kept.get(&**name).filter(|stored| stored.url == lane.endpoint().fingerprint());
        let times = stored.map(|stored| stored.times.clone()).unwrap_or_default();
        lane.resume_rate(&times, has_crashed);
    }
    Ok(())
}

/// What the spool keeps of the messages that a lane has sent.
pub fn sent_state(lane: &Lane, is_whole: bool) -> Option<StateChange> {
    let (endpoint, times) = (lane.endpoint(), lane.sent_times(is_whole)?);
    if times.sent.is_empty() {
        return None;
    }
    let stored = StoredTimes { url: endpoint.fingerprint(), times };
    Some((StateKey::shared(StateKind::SentTimes, &*endpoint.name), serde_json::to_vec(&stored).ok()))
}

fn gone_state(config: &Config, endpoint: &str, reason: &str) -> Option<StateChange> {
    let gone = Gone { url: config.endpoint(endpoint)?.fingerprint(), reason: reason.to_owned() };
    Some((gone_key(endpoint), serde_json::to_vec(&gone).ok()))
}

fn gone_reason(spool: &impl Store, endpoint: &Endpoint) -> Option<String> {
    let kept = spool.state(&gone_key(&endpoint.name)).ok()??;
    let gone: Gone = serde_json::from_slice(&kept).ok()?;
    (gone.url == endpoint.fingerprint()).then_some(gone.reason)
}

/// A node with open queues lives, as its relay must hear also while nothing happens. What opened them goes first.
pub fn note_open_queues(config: &Config, parts: &Parts, is_at_work: bool) {
    if let Some(relays) = config.relays()
        && let Some(lane) = parts.lanes.lock().get(&relays.name)
    {
        lane.set_at_work(is_at_work);
    }
}
