//! A window of a digest: what was gathered for one hook and endpoint, and how the spool keeps it.

use super::{Change, compact};
use crate::clock;
use crate::event::EventId;
use crate::hooks::Subject;
use crate::message::Context;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

/// The most items and bytes that are kept; what comes beyond is counted. The last part is kept free for
/// items that tell of a failure.
const MAX_ITEMS: usize = 1000;
const MAX_BYTES: usize = 512 * 1024;
const ORDINARY_PART: (usize, usize) = (4, 5);

/// A clock that was set back by more than this does not keep a window open.
const SET_BACK: i64 = 60_000;

/// Where a window stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Place {
    pub hook: String,
    pub endpoint: String,
    /// The queue whose end it waits for.
    pub queue: Option<String>,
}

/// A window, open or closed.
#[derive(Debug, Clone)]
pub struct Window {
    pub(super) place: Place,
    head: Head,
    /// As JSON texts: a host's memory holds many of them for long.
    items: Vec<Box<str>>,
    saved: usize,
    chunks: Vec<usize>,
    dirty: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Head {
    id: String,
    /// The type of the newest item that is kept.
    kind: String,
    place: Place,
    /// Whether the hook gathers; else it is a night's silence.
    gathers: bool,
    since: i64,
    due: i64,
    count: u64,
    failed: u64,
    bytes: usize,
}

impl Window {
    pub(super) fn open(place: Place, gathers: bool, now: i64, due: i64) -> Window {
        let id = EventId::new(now, random()).to_string();
        let kind = String::new();
        let head =
            Head { id, kind, place: place.clone(), gathers, since: now, due, count: 0, failed: 0, bytes: 0 };
        Window { place, head, items: Vec::new(), saved: 0, chunks: Vec::new(), dirty: true }
    }

    /// Takes an item in. Without room it is counted, but for the first one, which the message needs.
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
        let item = compact::item(subject.context.json());
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

    /// The bytes of the items it keeps.
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
        &self.place.hook
    }

    /// The name of the endpoint.
    pub fn endpoint(&self) -> &str {
        &self.place.endpoint
    }

    /// How many firings it gathered.
    pub fn count(&self) -> u64 {
        self.head.count
    }

    /// The id of the digest: made when the window was opened, and kept.
    pub fn id(&self) -> EventId {
        EventId::parse(&self.head.id).unwrap_or_else(|| EventId::new(self.head.since, random()))
    }

    /// The type of the digest: that of its newest item.
    pub fn kind(&self) -> &str {
        &self.head.kind
    }

    /// What templates see: the newest item as if it had come alone, and `digest` beside it. What was held
    /// alone through the quiet hours is no digest.
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

    /// What the spool keeps as the payload of the event: how many, and which.
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

    pub(super) fn changes(&mut self, changes: &mut Vec<Change>) {
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

    /// The spool has nothing of it any more.
    pub(super) fn touch(&mut self) {
        (self.saved, self.dirty) = (0, true);
        self.chunks.clear();
    }

    pub(super) fn forget(&self, changes: &mut Vec<Change>) {
        changes.push((self.head_key(), None));
        changes.extend(self.chunks.iter().map(|from| (self.chunk_key(*from), None)));
    }

    /// A window of which the spool kept the head under this key; its items are among what else was kept.
    pub(super) fn restore(key: &str, value: &[u8], kept: &[(&str, &[u8])]) -> Option<Window> {
        let id = key.strip_prefix("window/")?;
        let head: Head = serde_json::from_slice(value).ok()?;
        let prefix = format!("items/{id}/");
        let chunks = kept.iter().filter(|(key, _)| key.starts_with(&prefix));
        let items = chunks
            .flat_map(|(_, chunk)| serde_json::from_slice::<Vec<Json>>(chunk).unwrap_or_default())
            .map(|item| item.to_string().into())
            .collect();
        Some(Window { place: head.place.clone(), head, items, saved: 0, chunks: Vec::new(), dirty: true })
    }

    /// Takes in what another instance gathered for the same place.
    pub(super) fn join(&mut self, other: Window) {
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

    /// Keys sort as their numbers do.
    fn chunk_key(&self, from: usize) -> String {
        format!("items/{}/{from:06}", self.head.id)
    }
}

/// Bits that no other event has.
fn random() -> u128 {
    let part = || u128::from(getrandom::u64().unwrap_or_default());
    part() << 64 | part()
}
