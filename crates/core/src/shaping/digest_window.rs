//! A digest window: the matches gathered for one hook and endpoint, and how the spool keeps them.

use super::cooldown::ShapingChange;
use super::digest_item;
use crate::clock;
use crate::event::EventId;
use crate::hooks::Subject;
use crate::message::Context;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

/// Kept items and bytes; further ones are only counted. The last fifth is reserved for failures.
const MAX_ITEMS: usize = 1000;
const MAX_BYTES: usize = 512 * 1024;
const ORDINARY_PART: (usize, usize) = (4, 5);

/// A window is due when the clock was set back by more than this, in milliseconds.
const SET_BACK: i64 = 60_000;

/// What a window gathers for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct WindowKey {
    pub hook: String,
    pub endpoint: String,
    /// The window waits for the end of this queue.
    pub queue: Option<String>,
}

/// A window, open or closed.
#[derive(Debug, Clone)]
pub struct DigestWindow {
    pub(super) key: WindowKey,
    head: WindowHead,
    // As JSON text, which takes less memory than values.
    items: Vec<Box<str>>,
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
}

impl DigestWindow {
    pub(super) fn open(key: WindowKey, gathers: bool, now: i64, due: i64) -> DigestWindow {
        let id = EventId::new(now, random()).to_string();
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
        };
        DigestWindow { key, head, items: Vec::new(), saved: 0, chunks: Vec::new(), dirty: true }
    }

    /// Adds a match. Without `room` it is only counted, except the first one, which the message needs.
    pub(super) fn add(&mut self, subject: &Subject, room: bool) {
        let failed =
            subject.scale.failed > 0 || matches!(subject.kind.as_str(), "alert.firing" | "batch.stalled");
        self.head.count += 1;
        self.head.failed += u64::from(failed);
        self.dirty = true;
        let (part, whole) = if failed { (1, 1) } else { ORDINARY_PART };
        let full =
            self.items.len() >= MAX_ITEMS * part / whole || self.head.bytes >= MAX_BYTES * part / whole;
        if full || !room && !self.items.is_empty() {
            return;
        }
        let item = digest_item::compact(subject.context.json());
        self.head.bytes += item.len();
        self.head.kind.clone_from(&subject.kind);
        self.items.push(item.into());
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
        self.head.bytes
    }

    pub(super) fn due_at(&self) -> i64 {
        self.head.due
    }

    pub(super) fn since(&self) -> i64 {
        self.head.since
    }

    /// The name of the hook.
    pub fn hook(&self) -> &str {
        &self.key.hook
    }

    /// The name of the endpoint.
    pub fn endpoint(&self) -> &str {
        &self.key.endpoint
    }

    /// The number of gathered matches.
    pub fn count(&self) -> u64 {
        self.head.count
    }

    /// The id of the digest, drawn when the window was opened.
    pub fn id(&self) -> EventId {
        EventId::parse(&self.head.id).unwrap_or_else(|| EventId::new(self.head.since, random()))
    }

    /// The type of the digest: that of its newest item.
    pub fn kind(&self) -> &str {
        &self.head.kind
    }

    /// The values for templates: those of the newest item, and `digest`. A single match held through quiet
    /// hours has no `digest`.
    pub fn context(&self, now: i64) -> Context {
        let mut context: Map<String, Json> =
            self.items.last().and_then(|item| serde_json::from_str(item).ok()).unwrap_or_default();
        if let Some(Json::Object(event)) = context.get_mut("event") {
            event.insert("id".into(), json!(self.head.id));
            if self.head.gathers || self.head.count > 1 {
                event.insert("timestamp".into(), json!(clock::rfc3339(now)));
            }
        }
        if self.head.gathers || self.head.count > 1 {
            context.insert("digest".into(), self.digest());
        }
        Context::new(Json::Object(context))
    }

    /// The payload of the digest event: how many matches, and of which events.
    pub fn payload(&self) -> Vec<u8> {
        let ids: Vec<Json> = self.parsed().map(|item| item["event"]["id"].clone()).collect();
        let since = clock::rfc3339(self.head.since);
        let digest =
            json!({"count": self.head.count, "failed": self.head.failed, "since": since, "events": ids});
        json!({ "digest": digest }).to_string().into_bytes()
    }

    fn parsed(&self) -> impl Iterator<Item = Json> {
        self.items.iter().filter_map(|item| serde_json::from_str(item).ok())
    }

    fn digest(&self) -> Json {
        json!({
            "items": self.parsed().collect::<Vec<Json>>(),
            "count": self.head.count,
            "failed": self.head.failed,
            "since": clock::rfc3339(self.head.since),
        })
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
        changes.push((self.head_key(), serde_json::to_vec(&self.head).ok()));
    }

    /// Marks everything as changed, for a new spool.
    pub(super) fn touch(&mut self) {
        (self.saved, self.dirty) = (0, true);
        self.chunks.clear();
    }

    pub(super) fn forget(&self, changes: &mut Vec<ShapingChange>) {
        changes.push((self.head_key(), None));
        changes.extend(self.chunks.iter().map(|from| (self.chunk_key(*from), None)));
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
        Some(DigestWindow { key: head.key.clone(), head, items, saved: 0, chunks: Vec::new(), dirty: true })
    }

    /// Adds the matches that another instance gathered for the same key.
    pub(super) fn join(&mut self, other: DigestWindow) {
        if other.head.since < self.head.since {
            self.head.since = other.head.since;
        }
        self.head.due = self.head.due.min(other.head.due);
        self.head.gathers |= other.head.gathers;
        self.head.count += other.head.count;
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

fn random() -> u128 {
    let part = || u128::from(getrandom::u64().unwrap_or_default());
    part() << 64 | part()
}
