//! The lanes of a configuration, and what the spool keeps of an endpoint.

use super::error::{Error, ErrorKind};
use super::shared::Shared;
use crate::config::Config;
use crate::endpoint::{Endpoint, is_task_endpoint};
use crate::lanes::{EndpointHealth, Job, Lane, LaneReport, LaneSink};
use crate::spool::SpoolPath;
use crate::spool::{GONE, Spool};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Kept of an endpoint that said it will never take anything again.
#[derive(Debug, Serialize, Deserialize)]
struct Gone {
    /// Tells one receiver from another without holding its URL or its keys.
    url: String,
    reason: String,
}

/// Kept of an endpoint that is in trouble, or asked for quiet.
#[derive(Debug, Serialize, Deserialize)]
struct KeptStanding {
    url: String,
    standing: EndpointHealth,
}

/// One lane for each endpoint of a configuration. `spool` tells which endpoints are gone since an
/// earlier run; without it none is.
///
/// # Errors
/// When the certificates or the proxy of an endpoint cannot be used.
pub fn build_lanes(
    config: &Config,
    shared: &Arc<Shared>,
    spool: Option<&Spool>,
) -> Result<BTreeMap<String, Arc<Lane>>, Error> {
    let keeps_bodies = config.spool.path == SpoolPath::Memory;
    let mut lanes = BTreeMap::new();
    for endpoint in &config.endpoints {
        let gone = spool.and_then(|spool| gone_reason(spool, endpoint));
        let sink: Arc<dyn LaneSink> = Arc::clone(shared) as Arc<dyn LaneSink>;
        let clock = Arc::clone(&shared.clock);
        let lane = Lane::new(Arc::clone(endpoint), clock, sink, keeps_bodies, gone).map_err(|fault| {
            Error::new(ErrorKind::Config, format!("endpoints.{}: {fault}", endpoint.name))
        })?;
        if let Some(standing) = spool.and_then(|spool| kept_standing(spool, endpoint)) {
            lane.resume(standing);
        }
        lanes.insert(endpoint.name.clone(), lane);
    }
    Ok(lanes)
}

/// The key under which the spool keeps that an endpoint is gone.
pub fn state_key(endpoint: &str) -> String {
    format!("{GONE}{endpoint}")
}

/// How we stand with the endpoints these reports come from, where that has changed: for the spool.
pub fn changed_standings(
    config: &Config,
    shared: &Shared,
    reports: &[LaneReport],
) -> Vec<(String, Option<Vec<u8>>)> {
    let tried: BTreeSet<&str> = reports
        .iter()
        .filter_map(|report| match report {
            LaneReport::Attempt { endpoint, .. } | LaneReport::FollowUp { endpoint, .. } => {
                Some(endpoint.as_str())
            }
            _ => None,
        })
        .collect();
    let lanes = shared.lanes();
    let state = |name: &str| {
        let standing = lanes.get(name)?.changed_health()?;
        let url = fingerprint(config.endpoint(name)?);
        let kept = (!standing.is_good(shared.clock.unix_ms())).then_some(KeptStanding { url, standing });
        Some((standing_key(name), kept.and_then(|kept| serde_json::to_vec(&kept).ok())))
    };
    tried.into_iter().filter_map(state).collect()
}

fn standing_key(endpoint: &str) -> String {
    format!("lane/{endpoint}")
}

fn kept_standing(spool: &Spool, endpoint: &Endpoint) -> Option<EndpointHealth> {
    let kept = spool.state(&standing_key(&endpoint.name)).ok()??;
    let kept: KeptStanding = serde_json::from_slice(&kept).ok()?;
    (kept.url == fingerprint(endpoint)).then_some(kept.standing)
}

/// The state of an endpoint that is gone, for the spool.
pub fn gone_state(config: &Config, endpoint: &str, reason: &str) -> Option<(String, Option<Vec<u8>>)> {
    let gone = Gone { url: fingerprint(config.endpoint(endpoint)?), reason: reason.to_owned() };
    Some((state_key(endpoint), serde_json::to_vec(&gone).ok()))
}

/// Deliveries whose endpoint is no longer configured are dead letters: they can be replayed once it is.
pub fn drop_homeless(shared: &Shared, endpoint: &str, jobs: Vec<Job>) {
    for job in jobs {
        let reason = if is_task_endpoint(endpoint) {
            "the address that the task named is no longer allowed, or too many such addresses are in use"
                .into()
        } else {
            format!("endpoint `{endpoint}` is no longer configured")
        };
        shared.report(LaneReport::Dropped { endpoint: endpoint.to_owned(), job, reason });
    }
}

fn gone_reason(spool: &Spool, endpoint: &Endpoint) -> Option<String> {
    let kept = spool.state(&state_key(&endpoint.name)).ok()??;
    let gone: Gone = serde_json::from_slice(&kept).ok()?;
    (gone.url == fingerprint(endpoint)).then_some(gone.reason)
}

fn fingerprint(endpoint: &Endpoint) -> String {
    let mut digest = Sha256::new_with_prefix(endpoint.target.url.expose().as_str());
    // Where one URL serves everybody, the keys tell who is meant.
    for (name, value) in &endpoint.target.options {
        digest.update(format!("\0{name}\0{}", value.expose()));
    }
    let digest = digest.finalize();
    digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
