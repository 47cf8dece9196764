//! Lanes of the addresses that tasks name. Their number is bounded, and the spool keeps each address with the
//! deliveries that need it, so that they survive a restart.

use super::lane_table::{LaneTable, Lanes};
use crate::config::Config;
use crate::endpoint::{Endpoint, EndpointDirectory, parse_task_url};
use crate::lanes::Lane;
use crate::spool::{SpoolError, SpoolPath, StateKey, StateKind, Store};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Lanes of this kind at once. Deliveries for one more are dead letters.
pub const MAX_LANES: usize = 64;

/// An address is kept for this time after the last message for it, in milliseconds: longer than a message
/// waits in any process.
const KEEP_MS: i64 = 5 * 86_400_000;

#[derive(Debug, Serialize, Deserialize)]
struct StoredAddress {
    url: String,
    seen: i64,
}

/// The state that keeps an address, for the transaction that writes a delivery to it.
pub fn kept_state(endpoint: &Endpoint, unix_ms: i64) -> (StateKey, Vec<u8>) {
    let kept = StoredAddress { url: endpoint.target.url.expose().as_str().to_owned(), seen: unix_ms };
    (StateKey::shared(StateKind::TaskAddress, &*endpoint.name), serde_json::to_vec(&kept).unwrap_or_default())
}

/// Opens the lane of an address unless it exists. When there are too many, it replaces an idle one.
pub fn open_lane(table: &LaneTable, config: &Config, endpoint: &Arc<Endpoint>) {
    let mut lanes = table.lock();
    if lanes.contains_key(&endpoint.name) {
        return;
    }
    let of_tasks = || lanes.iter().filter(|(_, lane)| lane.endpoint().is_of_task());
    if of_tasks().count() >= MAX_LANES {
        let idle = of_tasks().find(|(_, lane)| {
            let state = lane.state();
            state.waiting == 0 && state.in_flight == 0
        });
        let Some(idle) = idle.map(|(name, _)| name.clone()) else { return };
        if let Some(lane) = lanes.remove(&idle) {
            lane.stop();
        }
    }
    if let Some(lane) = new_lane(table, config, endpoint) {
        lanes.insert(endpoint.name.clone(), lane);
    }
}

fn new_lane(table: &LaneTable, config: &Config, endpoint: &Arc<Endpoint>) -> Option<Arc<Lane>> {
    table.new_lane(endpoint, config.spool.path == SpoolPath::Memory, None).ok()
}

/// Adds the lanes of stored addresses with waiting deliveries that are still allowed. Forgets addresses without
/// deliveries for a long time.
pub fn restore(
    spool: &mut impl Store,
    table: &LaneTable,
    config: &Config,
    lanes: &mut Lanes,
) -> Result<(), SpoolError> {
    let now = table.clock.unix_ms();
    let addresses = spool.states(StateKind::TaskAddress)?;
    if addresses.is_empty() {
        return Ok(());
    }
    let needed = spool.stretches(&spool.held()?)?;
    let mut forgotten = Vec::new();
    for (key, value) in addresses {
        let kept = serde_json::from_slice::<StoredAddress>(&value).ok();
        let Some(kept) = kept.filter(|kept| kept.seen > now - KEEP_MS) else {
            forgotten.push((key, None));
            continue;
        };
        if !needed.iter().any(|stretch| stretch.endpoint == key.name) {
            continue;
        }
        let url = parse_task_url(&kept.url);
        if let Some(endpoint) = url.and_then(|url| config.task_endpoint(&url))
            && let Some(lane) = new_lane(table, config, &endpoint)
        {
            lanes.insert(endpoint.name.clone(), lane);
        }
    }
    spool.put_states(&forgotten)
}
