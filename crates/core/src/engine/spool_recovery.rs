//! The clerk goes on when the file of the spool was deleted, replaced or damaged under a running host: a
//! fresh one is made, and everything that is known moves into it.

use super::clerk::Clerk;
use super::log::Level;
use crate::lanes::{Job, Lane};
use crate::spool::{FileFault, NewDelivery, NewEvent, Reader, Spool, SpoolError};
use std::collections::HashMap;
use std::sync::Arc;

impl Clerk {
    /// Recovers the spool if its file is no longer the one that was opened; a failure is logged, and it is tried
    /// again with the next transaction.
    pub(super) fn recover_spool_if_faulty(&mut self) {
        if let Some(cause) = self.spool.file_fault()
            && let Err(error) = self.recover_spool(cause)
        {
            self.shared.log.write(Level::Error, &format!("the spool cannot be recovered: {error}"));
        }
    }

    /// Makes a new spool, and copies into it what the former file holds and what is in memory.
    pub(super) fn recover_spool(&mut self, cause: FileFault) -> Result<(), SpoolError> {
        let mishap = self.spool.renew(cause, self.shared.clock.unix_ms())?;
        self.shared.replace_reader(Reader::open(self.spool.path()).ok(), &mishap.moved);
        self.shared.note_mishap(&mishap.to_string());
        self.shared.counters.spool_renewed.one();
        let lanes: Vec<(String, Arc<Lane>)> =
            self.shared.lanes().iter().map(|(name, lane)| (name.clone(), Arc::clone(lane))).collect();
        let waiting: Vec<(String, Job)> = lanes
            .iter()
            .flat_map(|(name, lane)| lane.waiting().into_iter().map(move |job| (name.clone(), job)))
            .collect();
        let moved = put_back(&mut self.spool, &waiting, |seq| self.shared.number_now(seq))?;
        self.shared.renumber(&moved);
        let there = self.spool.waiting_numbers()?;
        let mut lost = 0;
        for (name, lane) in lanes {
            let shared = &self.shared;
            let forgotten = lane.forget(|seq| !there.contains(&shared.number_now(seq)));
            lost += forgotten.len();
            self.tell_dropped(&name, forgotten, "it ended, or was lost, with the former spool");
        }
        if lost > 0 {
            self.shared.log.write(
                Level::Error,
                &format!("{lost} delivery(ies) ended in the spool that is there now, or were lost with the former one"),
            );
        }
        self.tally.touch_all();
        self.keep_counts();
        self.shape.touch_all();
        self.keep_shape();
        self.standing_by = self.spool.standing_by()?;
        Ok(())
    }
}

/// Puts deliveries that are in memory with their message back where they are missing; gives the numbers
/// that changed.
fn put_back(
    spool: &mut Spool,
    waiting: &[(String, Job)],
    number_now: impl Fn(i64) -> i64,
) -> Result<HashMap<i64, i64>, SpoolError> {
    let there = spool.waiting_numbers()?;
    let mut moved = HashMap::new();
    let mut batch = spool.begin()?;
    for (endpoint, job) in waiting {
        let Some(body) = job.body.as_ref().filter(|_| !there.contains(&number_now(job.seq))) else {
            continue;
        };
        // The payload is not in memory any more; the message is what counts.
        let event =
            NewEvent { id: job.event_id, kind: &job.kind, accepted_at: job.created_at, payload: b"{}" };
        let row = match batch.event(&event)? {
            Some(row) => Some(row),
            None => batch.row_of(job.event_id)?,
        };
        let Some(row) = row else { continue };
        let extras = body.extras.to_text();
        let seq = batch.delivery(&NewDelivery {
            event: row,
            endpoint,
            hook: &job.hook,
            content_type: &body.content_type,
            body: &body.bytes,
            extras: extras.as_deref(),
            created_at: job.created_at,
            due_at: job.created_at,
            dead: None,
            why: None,
            expires_at: job.expires_at,
            thing: job.thing.as_deref(),
        })?;
        if seq != job.seq {
            moved.insert(job.seq, seq);
        }
    }
    batch.commit()?;
    Ok(moved)
}
