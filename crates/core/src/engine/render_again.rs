//! Renders replayed dead letters that could not be rendered when they were made, from the context that was kept.

use super::dispatcher::Dispatcher;
use super::log::Level;
use super::takeover::{Words, job_of};
use crate::message;
use crate::spool::{Batch, SpoolError, Store, WaitingDelivery};
use std::panic::{self, AssertUnwindSafe};

/// Messages of one transaction.
const PORTION: usize = 100;

impl<S: Store> Dispatcher<S> {
    /// Renders what was replayed, and hands it to the lanes. What fails again is a dead letter again.
    pub(super) fn render_replayed(&mut self) {
        let replayed = self.committer.spool.unrendered();
        let rendered = replayed.and_then(|replayed| {
            replayed.chunks(PORTION).try_for_each(|portion| self.render_portion(portion))
        });
        if let Err(error) = rendered {
            let text = format!("replayed messages cannot be rendered yet: {error}");
            self.parts.log.write(Level::Warn, &text);
        }
    }

    fn render_portion(&mut self, portion: &[WaitingDelivery]) -> Result<(), SpoolError> {
        let (parts, decider, spool) = (&self.parts, &self.decider, &mut self.committer.spool);
        let (now, lanes, mut words) = (parts.clock.now(), parts.lanes.all(), Words::default());
        let (mut jobs, mut failed) = (Vec::new(), Vec::new());
        let contexts = spool.contexts(portion)?;
        let mut batch = spool.begin()?;
        for (waiting, context) in portion.iter().zip(contexts) {
            let _in_hand = message::subject(waiting.event_id.stable_hash());
            let render = || match lanes.get(&*waiting.endpoint) {
                Some(lane) => decider.render_again(&context, &waiting.hook, lane.endpoint()),
                None => Err(format!("endpoint `{}` is no longer configured", waiting.endpoint)),
            };
            let rendered = panic::catch_unwind(AssertUnwindSafe(render))
                .unwrap_or_else(|_| Err("a defect of Taskbell was met while it was rendered".to_owned()));
            let job = job_of(waiting.clone(), now.monotonic, now.unix_ms, &mut words);
            match rendered {
                Ok(body) => {
                    let extras = body.extras.to_text();
                    batch.put_message(waiting.seq, &body.content_type, &body.bytes, extras.as_deref())?;
                    jobs.push((waiting.endpoint.as_str().into(), job));
                }
                Err(reason) => failed.push((&waiting.endpoint, job, reason)),
            }
        }
        batch.commit()?;
        parts.counters.recovered.add(portion.len() as u64);
        parts.progress.update().adds_tried(0, portion.len() as u32, portion.len() as u32);
        parts.backlog.leave_out(jobs.iter().map(|(_, job)| job.seq));
        parts.lanes.push(jobs);
        for (endpoint, job, reason) in failed {
            parts.lanes.report_dropped(endpoint, vec![job], &reason);
        }
        Ok(())
    }
}
