//! What waits in the spool from earlier runs and is not in a lane yet; [`super::paging`] reads it.

use super::lock::lock;
use crate::spool::Stretch;
use std::collections::{BTreeMap, HashSet};
use std::sync::{Mutex, MutexGuard};

/// Written by the dispatcher, read by host threads.
#[derive(Default)]
pub struct Backlog(Mutex<NotInLanes>);

/// Stretches of the spool, each with the number of its deliveries.
#[derive(Default)]
pub struct NotInLanes {
    pub left: Vec<(Stretch, u64)>,
    /// Deliveries inside of stretches that are in a lane already.
    pub elsewhere: HashSet<i64>,
}

impl Backlog {
    pub fn lock(&self) -> MutexGuard<'_, NotInLanes> {
        lock(&self.0)
    }

    /// How many deliveries are in no lane yet.
    pub fn left(&self) -> u64 {
        self.lock().left.iter().map(|(_, left)| left).sum()
    }

    /// As [`Backlog::left`], by endpoint.
    pub fn left_by_endpoint(&self) -> BTreeMap<String, u64> {
        let mut by_endpoint = BTreeMap::new();
        for (stretch, left) in &self.lock().left {
            *by_endpoint.entry(stretch.endpoint.clone()).or_default() += left;
        }
        by_endpoint
    }

    /// These deliveries are in a lane, whatever stretch they are in.
    pub fn leave_out(&self, seqs: impl IntoIterator<Item = i64>) {
        let mut state = self.lock();
        if !state.left.is_empty() {
            state.elsewhere.extend(seqs);
        }
    }
}
