//! Lanes of the addresses that tasks name. Their number is bounded, and the spool keeps each address
//! beside the deliveries that need it, so that they survive a restart.

use super::shared::Shared;
use crate::config::{Config, Endpoint, SpoolPath, parse_task_url};
use crate::lanes::{Lane, LaneSink};
use crate::spool::{Spool, SpoolError};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The most such lanes at once. What is for one more is a dead letter.
pub const MAX_LANES: usize = 64;

/// What the keys of kept addresses start with.
const ADDRESS: &str = "task-url/";

/// How long an address is kept after the last message for it, in milliseconds: longer than a message
/// waits, in whatever process.
const KEEP_MS: i64 = 5 * 86_400_000;

#[derive(Debug, Serialize, Deserialize)]
struct StoredAddress {
    url: String,
    seen: i64,
}

/// The state that keeps an address, for the transaction that writes a delivery to it.
pub fn kept_state(endpoint: &Endpoint, unix_ms: i64) -> (String, Vec<u8>) {
    let kept = StoredAddress { url: endpoint.url.expose().as_str().to_owned(), seen: unix_ms };
    (format!("{ADDRESS}{}", endpoint.name), serde_json::to_vec(&kept).unwrap_or_default())
}

/// Opens the lane of an address, unless there is one, in place of an idle one where there are too many.
pub fn open_lane(shared: &Arc<Shared>, config: &Config, endpoint: &Arc<Endpoint>) {
    let mut lanes = shared.lanes();
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
    if let Some(lane) = new_lane(shared, config, endpoint) {
        lanes.insert(endpoint.name.clone(), lane);
    }
}

fn new_lane(shared: &Arc<Shared>, config: &Config, endpoint: &Arc<Endpoint>) -> Option<Arc<Lane>> {
    let desk: Arc<dyn LaneSink> = Arc::clone(shared) as Arc<dyn LaneSink>;
    let keeps_bodies = config.spool.path == SpoolPath::Memory;
    Lane::new(Arc::clone(endpoint), Arc::clone(&shared.clock), desk, keeps_bodies, None).ok()
}

/// The lanes of kept addresses for which something waits, as far as they are still allowed. Forgets the
/// addresses that nothing has been waiting for in a long time.
pub fn restore(
    spool: &mut Spool,
    shared: &Arc<Shared>,
    config: &Config,
    lanes: &mut BTreeMap<String, Arc<Lane>>,
) -> Result<(), SpoolError> {
    let now = shared.clock.unix_ms();
    let mut forgotten = Vec::new();
    for (key, value) in spool.states(ADDRESS)? {
        let kept = serde_json::from_slice::<StoredAddress>(&value).ok();
        let Some(kept) = kept.filter(|kept| kept.seen > now - KEEP_MS) else {
            forgotten.push(key);
            continue;
        };
        if spool.pending(key.get(ADDRESS.len()..).unwrap_or_default(), 0, 1)?.is_empty() {
            continue;
        }
        let url = parse_task_url(&kept.url).filter(|url| config.task_urls.allow(url));
        if let Some(endpoint) = url.and_then(|url| Endpoint::of_task(&url))
            && let Some(lane) = new_lane(shared, config, &endpoint)
        {
            lanes.insert(endpoint.name.clone(), lane);
        }
    }
    if !forgotten.is_empty() {
        let mut batch = spool.begin()?;
        for key in forgotten {
            batch.put_state(&key, None)?;
        }
        batch.commit()?;
    }
    Ok(())
}
