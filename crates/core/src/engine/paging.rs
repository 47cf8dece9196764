//! Reads what waits in the spool from earlier runs. A start reads the first page of each endpoint; the dispatcher reads
//! the next one when its lane has sent most of that, so that neither the time of a start nor memory grows with what waits.

use super::backlog::NotInLanes;
use super::log::Level;
use super::parts::Parts;
use super::takeover::{Words, job_of};
use crate::lanes::Job;
use crate::spool::{Spool, SpoolError, Store, Stretch, WaitingDelivery};
use std::collections::{BTreeMap, HashMap};

/// Deliveries that are read at once for an endpoint; few where tests are to read several pages.
const PAGE: usize = if cfg!(test) { 50 } else { 2000 };

/// A lane with fewer than this that are due gets the next page: as many as it can send until the dispatcher looks again.
const FEW: usize = PAGE / 2;

/// Gives the deliveries of these owners to the lanes, or notes where the rest is. Those that were in flight are due at
/// once. All of it is read before a lane gets any, so that nothing is half done when the spool turns out to be damaged.
///
/// An endpoint that keeps the order gets all: what comes later must not overtake what is not read.
pub fn hand_over(spool: &impl Store, owners: &[i64], parts: &Parts) -> Result<(), SpoolError> {
    let mut found = spool.replaceable(owners)?;
    let (mut left, lanes) = (Vec::new(), parts.lanes.all());
    for mut stretch in spool.stretches(owners)? {
        let is_ordered = lanes.get(&*stretch.endpoint).is_some_and(|lane| lane.endpoint().ordered);
        let most = if is_ordered { usize::MAX } else { PAGE };
        let page = spool.page(&stretch, most)?;
        stretch.after = page.last().map_or(stretch.after, |last| last.seq);
        if page.len() == most {
            left.push((stretch, 0));
        }
        found.extend(page);
    }
    put_into_lanes(found, parts);
    for (stretch, number) in &mut left {
        // The lanes have the first pages by now: damage that is met only here is left to the next page.
        *number = spool.count(stretch).unwrap_or(1);
    }
    left.retain(|(_, number)| *number > 0);
    let mut backlog = parts.backlog.lock();
    if !left.is_empty() && backlog.left.is_empty() {
        // Stands for all that is not read.
        parts.progress.update().adds(0, 1);
    }
    backlog.left.extend(left);
    Ok(())
}

/// Reads the next page for each lane with little that is due; whether there was one. A fault is logged, and the next call
/// tries again.
pub fn refill(spool: &impl Store, parts: &Parts) -> bool {
    let mut backlog = parts.backlog.lock();
    if backlog.left.is_empty() {
        return false;
    }
    let lanes = parts.lanes.all();
    let has_few =
        |stretch: &Stretch| lanes.get(&*stretch.endpoint).is_none_or(|lane| lane.count_due(FEW) < FEW);
    let NotInLanes { left, elsewhere } = &mut *backlog;
    let (mut found, mut has_read) = (Vec::new(), false);
    left.retain_mut(|(stretch, left)| {
        if !has_few(stretch) {
            return true;
        }
        match spool.page(stretch, PAGE) {
            Ok(page) => {
                let is_last = page.len() < PAGE;
                has_read = true;
                stretch.after = page.last().map_or(stretch.after, |last| last.seq);
                *left = left.saturating_sub(page.len() as u64).max(u64::from(!is_last));
                found.extend(page.into_iter().filter(|waiting| !elsewhere.remove(&waiting.seq)));
                !is_last
            }
            Err(error) => {
                let text = format!("the next deliveries cannot be read from the spool yet: {error}");
                parts.log.write(Level::Warn, &text);
                true
            }
        }
    });
    let is_over = left.is_empty();
    drop(backlog);
    put_into_lanes(found, parts);
    if is_over {
        parts.progress.update().ended(0, false);
    }
    has_read
}

/// The spool has another file: reads at once all that is left, since its numbers have changed. `moved` has the new number
/// of each.
pub fn read_from_new_file(spool: &Spool, moved: &HashMap<i64, i64>, parts: &Parts) -> Result<(), SpoolError> {
    let NotInLanes { left, elsewhere } = std::mem::take(&mut *parts.backlog.lock());
    if left.is_empty() {
        return Ok(());
    }
    let former: HashMap<i64, i64> = moved.iter().map(|(former, present)| (*present, *former)).collect();
    let mut found = Vec::new();
    spool.each_waiting(&spool.held()?, |waiting| {
        let seq = former.get(&waiting.seq).copied().unwrap_or(waiting.seq);
        let is_left = left.iter().any(|(stretch, _)| {
            stretch.endpoint == waiting.endpoint && (stretch.after + 1..=stretch.until).contains(&seq)
        });
        let is_replaceable = waiting.thing.is_some() || waiting.live.is_some();
        // A number that meant another delivery is left to the next start.
        if is_left && !is_replaceable && !elsewhere.contains(&seq) && !moved.contains_key(&waiting.seq) {
            found.push(waiting);
        }
    })?;
    put_into_lanes(found, parts);
    parts.progress.update().ended(0, false);
    Ok(())
}

fn put_into_lanes(found: Vec<WaitingDelivery>, parts: &Parts) {
    let (now, mut words) = (parts.clock.now(), Words::default());
    let mut by_endpoint: BTreeMap<String, Vec<Job>> = BTreeMap::new();
    for waiting in found {
        let jobs = by_endpoint.entry(waiting.endpoint.clone()).or_default();
        jobs.push(job_of(waiting, now.monotonic, now.unix_ms, &mut words));
    }
    let lanes = parts.lanes.all();
    for (endpoint, jobs) in by_endpoint {
        parts.counters.recovered.add(jobs.len() as u64);
        let untried = jobs.iter().filter(|job| job.attempts == 0).count() as u32;
        parts.progress.update().adds_tried(0, jobs.len() as u32, untried);
        match lanes.get(&*endpoint) {
            Some(lane) => {
                lane.recover(jobs.len());
                lane.push(jobs);
            }
            None => parts.lanes.drop_unconfigured(&endpoint, jobs),
        }
    }
}
