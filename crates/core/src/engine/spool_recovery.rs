//! Recreates the spool when its file was deleted, replaced or damaged under a running host, and moves
//! everything that is known into the new one.

use super::log::Level;
use super::paging;
use super::parts::Parts;
use crate::lanes::Job;
use crate::spool::{FileFault, NewDelivery, NewEvent, Spool, SpoolError, SpoolReader};
use std::collections::HashMap;
use std::sync::Arc;

/// Recreates the spool from the former file, and from the deliveries that wait in the lanes.
pub fn recreate(spool: &mut Spool, cause: FileFault, parts: &Parts) -> Result<(), SpoolError> {
    let Parts { lanes, log, spool_health, clock, .. } = parts;
    let incident = spool.renew(cause, clock.unix_ms())?;
    let rows = &lanes.reports;
    let reader = SpoolReader::open(spool.path()).ok();
    rows.replace_reader(reader.map(|reader| Box::new(reader) as Box<_>), &incident.moved);
    spool_health.add_incident(&incident.to_string());
    let all = lanes.all();
    let waiting: Vec<(Arc<str>, Job)> = all
        .iter()
        .flat_map(|(name, lane)| lane.waiting().into_iter().map(move |job| (name.clone(), job)))
        // These are in the transaction that is about to be written.
        .filter(|(_, job)| !rows.is_unspooled(job.seq))
        .collect();
    let moved = put_back(spool, &waiting, |seq| rows.present_row(seq))?;
    rows.renumber(&moved);
    paging::read_from_new_file(spool, &incident.moved, parts)?;
    let there = spool.pending()?;
    let mut lost = 0;
    for (name, lane) in all {
        let is_lost = |seq| !rows.is_unspooled(seq) && !there.contains_key(&rows.present_row(seq));
        let forgotten = lane.forget(&is_lost);
        lost += forgotten.len();
        lanes.report_dropped(&name, forgotten, "it ended, or was lost, with the former spool");
    }
    if lost > 0 {
        log.write(
            Level::Error,
            &format!("{lost} deliveries ended in the present spool, or were lost with the former one"),
        );
    }
    Ok(())
}

/// Writes deliveries whose message is in memory where they are missing. Returns the rows that changed.
fn put_back(
    spool: &mut Spool,
    waiting: &[(Arc<str>, Job)],
    present_row: impl Fn(i64) -> i64,
) -> Result<HashMap<i64, i64>, SpoolError> {
    let there = spool.pending()?;
    let mut moved = HashMap::new();
    let mut batch = spool.begin()?;
    for (endpoint, job) in waiting {
        let Some(body) = job.body.as_ref().filter(|_| !there.contains_key(&present_row(job.seq))) else {
            continue;
        };
        // The payload is not in memory any more; the message is what counts.
        let event = NewEvent {
            id: job.event_id,
            kind: &job.kind,
            accepted_at: job.created_at,
            node: None,
            payload: b"{}",
        };
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
            live: job.live.as_ref().map(|live| &*live.first),
        })?;
        if seq != job.seq {
            moved.insert(job.seq, seq);
        }
    }
    batch.commit()?;
    Ok(moved)
}
