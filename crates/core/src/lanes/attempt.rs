//! One attempt: the message, what was sent, what the answer means, and what follows.

use super::body::Body;
use super::exchange::Exchange;
use super::job::Job;
use super::lane::Lane;
use super::request::{attached_file, rendered};
use crate::platform::{Answer, Attachment, Degradation, EditAnswer, Outcome};
use crate::spool::{AttemptRow, LiveResult};
use crate::transport::TransportErrorKind;
use std::sync::Arc;
use taskbell_ring::failpoint;

/// A file of this many bytes may be too much for a slow connection or a strict proxy on the way.
const HEAVY: usize = 1024 * 1024;

/// An attempt of one delivery, or of several in a summary.
pub(super) struct Attempt {
    pub(super) jobs: Vec<Job>,
    /// The first of them, for which the request is made.
    pub(super) leader: Job,
    /// The id of its event, written.
    pub(super) event_id: String,
    pub(super) body: Arc<Body>,
    pub(super) started_at: i64,
    pub(super) file: Option<Attachment>,
    /// Why a file that the message names did not go with it.
    file_error: Option<String>,
    /// The bytes of the request that are the file's, at most.
    file_bytes: usize,
    exchange: Option<Exchange>,
    outcome: Option<Outcome>,
    /// The message to edit is no longer there.
    is_lost: bool,
    /// Once the answer is read.
    row: Option<AttemptRow>,
}

pub(super) enum AttemptDecision {
    /// It ends with this outcome; with none when a shutdown cut it off.
    Settle(Option<Outcome>),
    /// The receiver takes the message in another form, or in another chat: at once.
    SendAgain {
        body: Arc<Body>,
        plain: Option<Degradation>,
        chat: Option<i64>,
        /// Whether it is posted in place of the message to edit.
        reposts: bool,
        /// What changes, for the attempt log.
        remark: &'static str,
    },
    /// A panic was caught.
    Defect,
}

impl Attempt {
    /// `None` without a job.
    pub(super) fn new(jobs: Vec<Job>, body: Arc<Body>, started_at: i64) -> Option<Attempt> {
        let leader = Job { body: None, ..jobs.first()?.clone() };
        let (file, file_error, exchange, outcome) = (None, None, None, None);
        Some(Attempt {
            jobs,
            event_id: leader.event_id.written(),
            leader,
            body,
            started_at,
            file,
            file_error,
            file_bytes: 0,
            exchange,
            outcome,
            is_lost: false,
            row: None,
        })
    }

    /// Reads the file, and makes the request.
    pub(super) fn send(&mut self, lane: &Lane) {
        let endpoint = &lane.endpoint;
        match attached_file(endpoint, &self.leader, &self.body) {
            Ok(file) => self.file = file,
            Err(reason) => self.file_error = Some(reason),
        }
        let (event_id, file) = (self.event_id.as_str(), self.file.as_ref());
        let message = rendered(&self.leader, &self.body, event_id, file, self.started_at);
        let request = endpoint.platform.request(&endpoint.target, &message);
        self.file_bytes = self.file.as_ref().map_or(0, |file| file.bytes.len().min(request.body.len()));
        failpoint::reach("before-send");
        let number = self.leader.attempts + 1;
        self.exchange = Some(Exchange::make(lane, &request, event_id, number, self.started_at));
        failpoint::reach("after-send");
    }

    /// What the receiver answered, as far as there is an answer.
    pub(super) fn answer(&self) -> Option<&Answer> {
        self.exchange.as_ref()?.result.as_ref().ok()
    }

    /// Reads what the answer means, and writes the row of the attempt log.
    pub(super) fn interpret(&mut self, lane: &Lane) {
        let Some(exchange) = &self.exchange else { return };
        let scrubber = lane.scrubber();
        self.outcome = exchange.outcome(lane);
        if let (Some(live), Ok(answer)) =
            (self.jobs.first_mut().and_then(|job| job.live.as_mut()), &exchange.result)
        {
            let platform = lane.endpoint.platform;
            match platform.edit_answer(answer).filter(|_| live.message.is_some()) {
                Some(EditAnswer::Unchanged) => self.outcome = Some(Outcome::Delivered),
                Some(EditAnswer::Lost) => self.is_lost = true,
                None => {}
            }
            live.result = (self.outcome == Some(Outcome::Delivered)).then(|| match live.message {
                Some(_) => LiveResult::Edited,
                None => LiveResult::Posted(platform.message_id(answer, &live.first)),
            });
        }
        let mut row = exchange.row(self.leader.seq, self.outcome.as_ref(), &scrubber);
        let broke_off = exchange.result.as_ref().is_err_and(|error| {
            matches!(error.kind, TransportErrorKind::Timeout | TransportErrorKind::Broken)
        });
        if broke_off && self.file_bytes >= HEAVY {
            self.jobs.iter_mut().for_each(|job| job.without_file = true);
            add(&mut row, "the file may be too large, so the next attempt goes without it");
        }
        if let Some(reason) = &self.file_error {
            add(&mut row, &scrubber.scrub(reason));
        }
        self.row = Some(row);
    }

    /// The row of the attempt log.
    pub(super) fn take_row(&mut self) -> AttemptRow {
        let defect = || AttemptRow::defect(self.leader.seq, self.leader.attempts + 1, self.started_at);
        self.row.take().unwrap_or_else(defect)
    }

    fn note_in_row(&mut self, outcome: &'static str) {
        self.row.iter_mut().for_each(|row| row.outcome = outcome);
    }

    /// Whether the receiver gets the message once more at once, each time in a plainer form.
    pub(super) fn decide(&mut self, lane: &Lane) -> AttemptDecision {
        match self.outcome.take() {
            _ if self.is_lost => {
                self.note_in_row("retry");
                let (body, plain) = (Arc::clone(&self.body), self.leader.plain);
                let remark = "the message to edit is no longer there; posted again at once";
                AttemptDecision::SendAgain { body, plain, chat: None, reposts: true, remark }
            }
            Some(Outcome::Degrade(how, reason)) => {
                self.plainer(lane, how).unwrap_or_else(|| self.refuse(reason))
            }
            Some(Outcome::Moved(chat, reason)) => match self.body.to_chat(chat) {
                Some(body) => {
                    let remark = "sent again at once to the new number";
                    let (body, plain) = (Arc::new(body), self.leader.plain);
                    AttemptDecision::SendAgain { body, plain, chat: Some(chat), reposts: false, remark }
                }
                None => self.refuse(reason),
            },
            // The rules of the platform may still find what it refuses.
            Some(Outcome::Final(reason)) => {
                let pruned = self.plainer(lane, Degradation::Pruned);
                pruned.unwrap_or(AttemptDecision::Settle(Some(Outcome::Final(reason))))
            }
            outcome => AttemptDecision::Settle(outcome),
        }
    }

    fn plainer(&mut self, lane: &Lane, how: Degradation) -> Option<AttemptDecision> {
        let (endpoint, tried) = (&lane.endpoint, self.leader.plain);
        let (plain, body) = self.body.plainer(endpoint, how, tried, self.file.is_some())?;
        self.note_in_row("retry");
        let (body, remark) = (Arc::new(body), plain.remedy());
        Some(AttemptDecision::SendAgain { body, plain: Some(plain), chat: None, reposts: false, remark })
    }

    fn refuse(&mut self, reason: String) -> AttemptDecision {
        self.note_in_row("final");
        AttemptDecision::Settle(Some(Outcome::Final(reason)))
    }
}

fn add(row: &mut AttemptRow, remark: &str) {
    row.error = Some(match row.error.take() {
        Some(error) => format!("{error}; {remark}"),
        None => remark.to_owned(),
    });
}
