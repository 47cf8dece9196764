//! A digest window: the matches gathered for one hook and endpoint, and how the spool keeps them.

use super::alert_states::AlertStates;
use super::cooldown::ShapingChange;
use super::digest_item;
use crate::clock;
use crate::event::EventId;
use crate::hooks::Subject;
use crate::json::{Members, json};
use crate::message::{Context, SummaryPart};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;

/// Kept items and bytes; further ones are only counted. The last fifth is reserved for what weighs more than a
/// task, and another for failed tasks.
const MAX_ITEMS: usize = 1000;
const MAX_BYTES: usize = 512 * 1024;
const ORDINARY_PART: (usize, usize) = (3, 5);
const FAILED_PART: (usize, usize) = (4, 5);

/// Event types that are counted one by one.
const MAX_COUNTS: usize = 64;

/// A window is due when the clock was set back by more than this, in milliseconds.
const SET_BACK: i64 = 60_000;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct WindowKey {
    pub hook: String,
    pub endpoint: String,
    /// The window waits for the end of this queue.
    pub queue: Option<String>,
    /// The window has beginnings that the cooldown of this key suppressed, and waits for its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub late: Option<String>,
}

/// A window, open or closed.
#[derive(Debug, Clone)]
pub struct DigestWindow {
    pub(super) key: WindowKey,
    head: WindowHead,
    // As JSON text, which takes less memory than values.
    items: Vec<Box<str>>,
    /// The newest state of each alert, which no number of items displaces.
    alerts: AlertStates,
    saved: usize,
    chunks: Vec<usize>,
    dirty: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct WindowHead {
    id: String,
    kind: String,
    key: WindowKey,
    /// `false` when quiet hours hold the matches of a hook without a `digest`.
    gathers: bool,
    since: i64,
    due: i64,
    count: u64,
    failed: u64,
    bytes: usize,
    /// What happened, by part: also the items that are not kept.
    #[serde(default)]
    counts: BTreeMap<String, u64>,
    /// The matches that are states of alerts.
    #[serde(default)]
    alerts: u64,
}

impl DigestWindow {
    pub(super) fn open(key: WindowKey, gathers: bool, now: i64, due: i64) -> DigestWindow {
        let id = EventId::random(now).to_string();
        let kind = String::new();
        let head = WindowHead {
            id,
            kind,
            key: key.clone(),
            gathers,
            since: now,
            due,
            count: 0,
            failed: 0,
            bytes: 0,
            counts: BTreeMap::new(),
            alerts: 0,
        };
        DigestWindow::with(head, key, Vec::new())
    }

    fn with(head: WindowHead, key: WindowKey, items: Vec<Box<str>>) -> DigestWindow {
        let alerts = AlertStates::default();
        DigestWindow { key, head, items, alerts, saved: 0, chunks: Vec::new(), dirty: true }
    }

    /// Adds a match. Without `room` it is only counted, except the first one, which the message needs. Of an
    /// alert the newest state stays; `told` says whether the receiver knows that it fires.
    pub(super) fn add(&mut self, subject: &Subject, room: bool, told: bool) {
        let part = SummaryPart::of(&subject.kind, &subject.context);
        let failed =
            subject.scale.failed > 0 || matches!(part, SummaryPart::AlertFiring | SummaryPart::BatchStalled);
        self.head.count += 1;
        self.head.failed += u64::from(failed);
        self.count_as(part, &subject.kind);
        self.dirty = true;
        if self.is_late() || matches!(part, SummaryPart::AlertFiring | SummaryPart::AlertResolved) {
            self.head.alerts += 1;
            let item = digest_item::compact(subject.context.json());
            let order = (self.items.len(), self.head.count);
            if self.alerts.put(subject, item, order, told) {
                self.head.kind.clone_from(&subject.kind);
            }
            return;
        }
        let (share, whole) = match part {
            SummaryPart::TaskFailed => FAILED_PART,
            _ if failed || part.is_weighty() => (1, 1),
            _ => ORDINARY_PART,
        };
        let full =
            self.items.len() >= MAX_ITEMS * share / whole || self.head.bytes >= MAX_BYTES * share / whole;
        if full || !room && !self.items.is_empty() {
            return;
        }
        let item = digest_item::compact(subject.context.json());
        self.head.bytes += item.len();
        self.head.kind.clone_from(&subject.kind);
        self.items.push(item.into());
    }

    fn count_as(&mut self, part: SummaryPart, kind: &str) {
        let code = if part == SummaryPart::OtherEvent { kind.to_owned() } else { part.code() };
        let is_known = self.head.counts.contains_key(&code) || self.head.counts.len() < MAX_COUNTS;
        *self.head.counts.entry(if is_known { code } else { part.code() }).or_default() += 1;
    }

    /// Whether the newest state of this alert waits here, and its beginning was not told before.
    pub(super) fn holds_beginning(&self, thing: &str) -> bool {
        self.alerts.holds_untold(thing)
    }

    /// Takes a beginning back that nobody was told of; `true` when none is left.
    pub(super) fn take_back(&mut self, thing: &str) -> bool {
        if self.alerts.remove(thing) {
            self.head.count -= 1;
            self.head.alerts -= 1;
            self.head.failed = self.head.failed.saturating_sub(1);
            let is_batch = thing.starts_with("batch/");
            let part = if is_batch { SummaryPart::BatchStalled } else { SummaryPart::AlertFiring };
            if let Some(count) = self.head.counts.get_mut(&part.code()) {
                *count = count.saturating_sub(1);
            }
            self.dirty = true;
        }
        self.alerts.things().next().is_none()
    }

    pub(super) fn alerts(&self) -> impl Iterator<Item = &str> {
        self.alerts.things()
    }

    /// Whether it has what a cooldown suppressed.
    pub fn is_late(&self) -> bool {
        self.key.late.is_some()
    }

    /// Drops what waits of this alert: a message that goes at once says more.
    pub(super) fn drop_alert(&mut self, thing: &str) {
        self.dirty |= self.alerts.remove(thing);
    }

    pub(super) fn bring_forward(&mut self, now: i64) {
        self.move_to(self.head.due.min(now));
    }

    pub(super) fn put_off(&mut self, until: i64) {
        self.move_to(self.head.due.max(until));
    }

    fn move_to(&mut self, due: i64) {
        self.dirty |= due != self.head.due;
        self.head.due = due;
    }

    pub(super) fn is_due(&self, now: i64) -> bool {
        now >= self.head.due || now < self.head.since - SET_BACK
    }

    pub(super) fn bytes(&self) -> usize {
        self.head.bytes + self.alerts.bytes()
    }

    pub(super) fn due_at(&self) -> i64 {
        self.head.due
    }

    pub(super) fn since(&self) -> i64 {
        self.head.since
    }

    pub fn hook(&self) -> &str {
        &self.key.hook
    }

    pub fn endpoint(&self) -> &str {
        &self.key.endpoint
    }

    /// The id of the digest, drawn when the window was opened.
    pub fn id(&self) -> EventId {
        EventId::parse(&self.head.id).unwrap_or_else(|| EventId::random(self.head.since))
    }

    /// The type of the digest: that of its newest item.
    pub fn kind(&self) -> &str {
        &self.head.kind
    }

    /// The values for templates: those of the newest item, and `digest`. A single match held through quiet
    /// hours has no `digest`.
    pub fn context(&self, now: i64) -> Context {
        let mut items = self.parsed();
        items.iter_mut().for_each(|item| self.bring_up_to(now, item));
        self.context_of(items, self.head.count, now)
    }

    /// The messages for a receiver that opens something with an alert and closes it with its end: the newest
    /// state of each alert as its event, and the digest of all else. An alert that began and ended within the
    /// window is no message: nobody was told that it fired.
    pub fn states_apart(&self, now: i64) -> Vec<Context> {
        let items: Vec<Json> =
            self.items.iter().filter_map(|item| serde_json::from_slice(item.as_bytes()).ok()).collect();
        let count = self.head.count.saturating_sub(self.head.alerts);
        let rest = (count > 0 && !items.is_empty()).then(|| self.context_of(items, count, now));
        let mut own_id = rest.is_none().then(|| self.id());
        let mut apart: Vec<Context> = Vec::new();
        for item in self.alerts.to_tell() {
            let id = own_id.take().unwrap_or_else(|| EventId::random(self.head.since));
            let mut item = with_id(item, &id);
            self.bring_up_to(now, &mut item);
            apart.push(Context::new(item));
        }
        apart.extend(rest);
        apart
    }

    /// A batch that is told late has stood still for longer than when that was found.
    fn bring_up_to(&self, now: i64, item: &mut Json) {
        let since = item["batch"]["since"].as_str().and_then(clock::parse_rfc3339).filter(|_| self.is_late());
        if let Some(since) = since {
            item["batch"]["idle_s"] = json!((now - since).max(0) as f64 / 1000.0);
        }
    }

    fn context_of(&self, items: Vec<Json>, count: u64, now: i64) -> Context {
        let gathers = self.head.gathers || count > 1;
        let mut context = match items.last().cloned() {
            Some(Json::Object(newest)) => newest,
            _ => Map::new(),
        };
        if let Some(Json::Object(event)) = context.get_mut("event") {
            event.put("id", json!(self.head.id));
            if gathers {
                event.put("timestamp", json!(clock::rfc3339(now)));
            }
        }
        if gathers {
            let mut counts = self.head.counts.clone();
            let mut failed = self.head.failed;
            if count < self.head.count {
                let firing = counts.remove(&SummaryPart::AlertFiring.code()).unwrap_or(0);
                counts.remove(&SummaryPart::AlertResolved.code());
                failed = failed.saturating_sub(firing);
            }
            let digest = json!({
                "items": items,
                "count": count,
                "failed": failed,
                "counts": counts,
                "since": clock::rfc3339(self.head.since),
            });
            context.put("digest", digest);
        }
        Context::new(Json::Object(context))
    }

    /// The payload of the digest event: how many matches, and of which events.
    pub fn payload(&self) -> Vec<u8> {
        let ids: Vec<Json> = self.parsed().iter().map(|item| item["event"]["id"].clone()).collect();
        let since = clock::rfc3339(self.head.since);
        let digest =
            json!({"count": self.head.count, "failed": self.head.failed, "since": since, "events": ids});
        json!({ "digest": digest }).to_string().into_bytes()
    }

    /// The kept items and states in the order in which they came.
    fn parsed(&self) -> Vec<Json> {
        let mut states = self.alerts.in_order().into_iter().peekable();
        let mut merged = Vec::with_capacity(self.items.len());
        for (index, item) in self.items.iter().enumerate() {
            while let Some((_, state)) = states.next_if(|(before, _)| *before <= index) {
                merged.push(state);
            }
            merged.push(&**item);
        }
        merged.extend(states.map(|(_, state)| state));
        merged.into_iter().filter_map(|item| serde_json::from_slice(item.as_bytes()).ok()).collect()
    }

    pub(super) fn changes(&mut self, changes: &mut Vec<ShapingChange>) {
        if !std::mem::take(&mut self.dirty) {
            return;
        }
        if let Some(new) = self.items.get(self.saved..).filter(|new| !new.is_empty()) {
            let chunk = format!("[{}]", new.join(",")).into_bytes();
            changes.push((self.chunk_key(self.saved), Some(chunk)));
            self.chunks.push(self.saved);
            self.saved = self.items.len();
        }
        self.alerts.changes(&self.head.id, changes);
        changes.push((self.head_key(), serde_json::to_vec(&self.head).ok()));
    }

    pub(super) fn touch(&mut self) {
        (self.saved, self.dirty) = (0, true);
        self.chunks.clear();
        self.alerts.touch();
    }

    pub(super) fn forget(&self, changes: &mut Vec<ShapingChange>) {
        changes.push((self.head_key(), None));
        changes.extend(self.chunks.iter().map(|from| (self.chunk_key(*from), None)));
        self.alerts.forget(&self.head.id, changes);
    }

    /// Restores a window from the head under this key; its items are among `kept`.
    pub(super) fn restore(state_key: &str, value: &[u8], kept: &[(&str, &[u8])]) -> Option<DigestWindow> {
        let id = state_key.strip_prefix("window/")?;
        let head: WindowHead = serde_json::from_slice(value).ok()?;
        let prefix = format!("items/{id}/");
        let chunks = kept.iter().filter(|(key, _)| key.starts_with(&prefix));
        let items = chunks
            .flat_map(|(_, chunk)| serde_json::from_slice::<Vec<Json>>(chunk).unwrap_or_default())
            .map(|item| item.to_string().into())
            .collect();
        let alerts = AlertStates::restore(id, kept);
        Some(DigestWindow { alerts, ..DigestWindow::with(head.clone(), head.key, items) })
    }

    /// Adds the matches that another instance gathered for the same key.
    pub(super) fn join(&mut self, other: DigestWindow) {
        if other.head.since < self.head.since {
            self.head.since = other.head.since;
        }
        self.head.due = self.head.due.min(other.head.due);
        self.head.gathers |= other.head.gathers;
        self.head.count += other.head.count;
        self.head.alerts += other.head.alerts;
        for (code, count) in other.head.counts {
            *self.head.counts.entry(code).or_default() += count;
        }
        self.alerts.join(other.alerts);
        self.head.failed += other.head.failed;
        let room = MAX_ITEMS.saturating_sub(self.items.len());
        if self.head.bytes < MAX_BYTES {
            self.head.bytes += other.head.bytes;
            self.items.extend(other.items.into_iter().take(room));
        }
        self.dirty = true;
    }

    fn head_key(&self) -> String {
        format!("window/{}", self.head.id)
    }

    /// Zero-padded, so that the keys sort like their numbers.
    fn chunk_key(&self, from: usize) -> String {
        format!("items/{}/{from:06}", self.head.id)
    }
}

fn with_id(item: &str, id: &EventId) -> Json {
    let mut item: Json = serde_json::from_slice(item.as_bytes()).unwrap_or_default();
    if let Some(Json::Object(event)) = item.get_mut("event") {
        event.put("id", json!(id.to_string()));
    }
    item
}
