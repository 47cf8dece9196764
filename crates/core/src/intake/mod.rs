//! Intake: copies an event's bytes into a ring and returns. In steady state a call takes no lock and
//! makes no system call.
//!
//! The ring is a mapped file: in a memory file system where there is one, else next to the spool. What a
//! call committed there survives the end of the process by any signal; the next open, by any process,
//! adopts it. The spool covers power cuts.

mod abandoned;
mod adopt;
mod event_id;
mod lock;
mod memory_file;
mod peer_signal;

pub use adopt::AdoptReport;
pub use peer_signal::{PeerSignal, call};
pub use taskbell_ring::{Accepted, InHand, Record, Refusal};

use crate::clock;
use event_id::EventIdSource;
use lock::RingClaim;
use std::io;
use std::path::{Path, PathBuf};
use taskbell_ring::header::{Header, MAX_CAPACITY, MIN_CAPACITY, PAGE_BYTES};
use taskbell_ring::{Region, Ring};

#[derive(Debug, Clone)]
pub enum Home {
    /// In plain memory: what is not spooled yet is lost with the process.
    Memory,
    /// In a file next to this spool, named `<spool>.<instance>.ring`.
    Beside(PathBuf),
    /// In a file in memory, to which a file next to this spool points; where that is impossible, as `Beside`.
    Quickest(PathBuf),
}

/// What the process of a ring has left in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RingContent {
    pub records: Vec<Record>,
    /// What the process worked on when it ended.
    pub in_hand: Option<InHand>,
}

/// The host's side (any thread) and the dispatcher's side (one thread) of the ring.
///
/// Its file is locked while this value lives. Dropping it removes the file when everything was read and
/// released, and leaves it to the next start otherwise. Like `open`, the drop waits for the file system, so
/// neither belongs on a thread that must not block. A forked child must leak it (`std::mem::forget`): ring
/// and lock belong to the parent, and a push would land in the parent's ring.
pub struct Intake {
    // Before the claim: the file must be unmapped when the claim removes it.
    ring: Ring,
    seed: EventIdSource,
    instance: String,
    fallback: Option<String>,
    claim: Option<RingClaim>,
}

impl Intake {
    /// Opens a ring of this many bytes, rounded up to a power of two between 64 KiB and 1 GiB. Falls back to
    /// plain memory when no file can be mapped; `fallback` then has the reason. Writes the whole file once.
    pub fn open(home: &Home, capacity: usize) -> Intake {
        match home {
            Home::Memory => Intake::open_at(None, None, capacity),
            Home::Beside(spool) => Intake::open_at(Some(spool), None, capacity),
            Home::Quickest(spool) => Intake::open_at(Some(spool), memory_file::folder(), capacity),
        }
    }

    /// A ring in plain memory, of the instance that a store without a file knows by this name.
    pub fn named(instance: String, capacity: usize) -> Intake {
        let mut intake = Intake::open_at(None, None, capacity);
        intake.instance = instance;
        intake
    }

    fn open_at(spool: Option<&Path>, folder: Option<PathBuf>, capacity: usize) -> Intake {
        let seed = EventIdSource::draw();
        let capacity = capacity.clamp(MIN_CAPACITY, MAX_CAPACITY).next_power_of_two();
        let bytes = PAGE_BYTES + capacity;
        let mut fallback = None;
        let mut claim = None;
        let mut region = None;
        if let Some(spool) = spool {
            match claim_file(spool, &seed.instance()) {
                Ok(mut created) => {
                    let in_memory = folder.and_then(|folder| {
                        let instance = seed.instance();
                        memory_file::create(&folder, &instance, bytes, seed.key(), &mut created).ok()
                    });
                    match in_memory.map_or_else(|| Region::map(&created.file, bytes), Ok) {
                        Ok(mapped) => region = Some(mapped),
                        Err(error) => fallback = Some(fallback_reason(&created.path, &error)),
                    }
                    claim = Some(created);
                }
                Err(error) => fallback = Some(fallback_reason(spool, &error)),
            }
        }
        if let (None, Some(claim)) = (&region, &claim) {
            // The file remains as a lock: it still shows that this instance lives.
            let _ = claim.file.set_len(0);
        }
        let region = region.unwrap_or_else(|| Region::memory(bytes));
        let ring = Ring::create(region, Header { capacity, key: seed.key() });
        if let Some(RingClaim { ring_lock: Some(file), path, .. }) = &claim {
            // If this fails, the ring is never recognised as abandoned; nothing else depends on it.
            let _ = abandoned::sign(file, path);
        }
        Intake { ring, seed, instance: seed.instance(), fallback, claim }
    }

    /// Removes rings in memory whose process, spool and claim are gone. Reads a few hundred files, so it is for a
    /// moment without events.
    pub fn remove_abandoned(&self) {
        let ring = self.claim.as_ref().and_then(|claim| claim.ring.as_ref());
        if let Some(folder) = ring.and_then(|ring| ring.parent()) {
            abandoned::sweep(folder);
        }
    }

    /// The id of this instance, 16 hexadecimal digits. The ring file's name contains it, and its lock shows
    /// that the instance lives.
    pub fn instance(&self) -> &str {
        &self.instance
    }

    /// Why the ring is in memory although a file was asked for.
    pub fn fallback(&self) -> Option<&str> {
        self.fallback.as_deref()
    }

    /// Accepts an event. Never waits; any thread may call it.
    pub fn push(&self, kind: &str, payload: &[u8]) -> Result<Accepted, Refusal> {
        let now = clock::unix_ms();
        self.ring.push(kind, payload, now, |ticket| self.seed.id(now, ticket))
    }

    /// Dispatcher only: reads the next committed records, without releasing them, until `max_bytes` are
    /// reached (the last record may exceed it) or the next one is not committed yet. Also keeps the pages
    /// that are written next writable, so it is worth a call even when no event is expected. May wait for
    /// the file system.
    pub fn read(&self, max_bytes: usize, into: &mut Vec<Record>) {
        self.ring.read(max_bytes, into);
        self.ring.warm();
    }

    /// Dispatcher only: notes what it works on, so that the next start knows if that ends the process. Costs three stores.
    pub fn note(&self, work: InHand) {
        self.ring.note(work);
    }

    /// Dispatcher only: frees the space of everything read so far.
    pub fn release(&self) {
        self.ring.release();
    }

    /// The ticket of the newest event, accepted or about to be; 0 before the first.
    pub fn newest_ticket(&self) -> u64 {
        self.ring.head()
    }

    /// Every event with a ticket up to this one has been read, or was damaged and counted by
    /// `corrupt`. A barrier compares with this rather than with the last record's ticket.
    pub fn read_ticket(&self) -> u64 {
        self.ring.cursor()
    }

    pub fn is_drained(&self) -> bool {
        self.ring.cursor() == self.ring.head()
    }

    /// Bytes between acceptance and release.
    pub fn used(&self) -> usize {
        self.ring.used() as usize
    }

    pub fn capacity(&self) -> usize {
        self.ring.capacity() as usize
    }

    /// Damaged stretches of the ring that `read` skipped: other code in the process overwrote them.
    pub fn corrupt(&self) -> u64 {
        self.ring.corrupt()
    }

    /// Dispatcher only, and its last call, once no thread is in a push and none will be: the instance then
    /// counts as ended, even while this value lives. Removes the instance's files, or leaves their content to
    /// be adopted. May wait for the file system.
    pub fn leave(&self) {
        match &self.claim {
            Some(claim) if self.nothing_left() => claim.leave(),
            Some(claim) => claim.hand_over(),
            None => {}
        }
    }

    fn nothing_left(&self) -> bool {
        self.fallback.is_some() || self.ring.used() == 0
    }

    /// Adopts the rings that dead processes left next to this spool. For each ring, `take` receives the
    /// instance and what it left; the ring is removed only after `take` returned true, so
    /// records that are handed over again after a crash keep their ids. Leaves the rings of living processes
    /// alone, and rings this version cannot read. Reads and writes files; not for a host's thread.
    pub fn adopt_orphans(spool: &Path, mut take: impl FnMut(&str, RingContent) -> bool) -> AdoptReport {
        match std::path::absolute(spool) {
            Ok(spool) => adopt::adopt_orphans(&spool, &mut take),
            Err(error) => AdoptReport {
                troubles: vec![format!("the spool path {} cannot be resolved: {error}", spool.display())],
                ..AdoptReport::default()
            },
        }
    }

    /// What dead processes worked on when they ended, by instance, as far as it was not adopted. Reads files; not for a
    /// host's thread.
    pub fn left_in_hand(spool: &Path) -> Vec<(String, InHand)> {
        std::path::absolute(spool).map(|spool| adopt::left_in_hand(&spool)).unwrap_or_default()
    }

    /// Removes what dead processes left of their signals next to this spool.
    pub fn sweep(spool: &Path) {
        if let Ok(spool) = std::path::absolute(spool) {
            peer_signal::sweep(&spool);
        }
    }

    /// The instances on this spool whose process lives, this one included. One that cannot be checked counts
    /// as living.
    pub fn live_instances(spool: &Path) -> io::Result<Vec<String>> {
        let mut files = lock::list(&std::path::absolute(spool)?)?;
        files.retain(|file| !file.unlocked && lock::is_living(&file.path));
        Ok(files.into_iter().map(|file| file.instance).collect())
    }
}

impl Drop for Intake {
    fn drop(&mut self) {
        if let (true, Some(claim)) = (self.nothing_left(), &mut self.claim) {
            claim.discard();
        }
    }
}

/// Makes the path absolute once: the host may change its working directory later.
fn claim_file(spool: &Path, instance: &str) -> io::Result<RingClaim> {
    lock::create(&std::path::absolute(spool)?, instance)
}

fn fallback_reason(path: &Path, error: &io::Error) -> String {
    format!(
        "the ring file {} cannot be created ({error}); events wait in plain memory instead, and those not \
         yet spooled are lost if the process is killed",
        path.display()
    )
}

#[cfg(test)]
mod tests;
