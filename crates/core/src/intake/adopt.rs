//! Adopts the rings of dead processes; trusts nothing in them.

use super::lock::{self, LockAttempt, RingClaim, RingFile};
use super::memory_file::{self, Pointer};
use super::{InHand, Record, RingContent};
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use taskbell_ring::failpoint;
use taskbell_ring::header::{Ends, Header, HeaderError, PAGE_BYTES, PIECE, SUBJECT};
use taskbell_ring::{RingSlot, Seal};

/// The outcome of an adoption.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct AdoptReport {
    /// The instances whose rings were adopted and removed.
    pub instances: Vec<String>,
    pub records: usize,
    /// Stretches that were reserved and never committed (their call never returned), or damaged.
    pub torn: usize,
    /// Problems, one sentence each, with the path. The files they name are kept.
    pub troubles: Vec<String>,
}

struct RingImage {
    header: Header,
    ends: Ends,
    in_hand: Option<InHand>,
    words: Vec<u64>,
}

pub(super) fn adopt_orphans(spool: &Path, take: &mut dyn FnMut(&str, RingContent) -> bool) -> AdoptReport {
    let mut report = AdoptReport::default();
    match lock::list(spool) {
        Ok(files) => files.iter().for_each(|file| adopt(file, take, &mut report)),
        Err(error) => report.troubles.push(format!(
            "the folder of {} cannot be searched for rings of earlier processes: {error}",
            spool.display()
        )),
    }
    report
}

pub(super) fn left_in_hand(spool: &Path) -> Vec<(String, InHand)> {
    let left = |file: RingFile| -> Option<(String, InHand)> {
        if file.unlocked {
            return None;
        }
        let LockAttempt::Orphan(mut claim) = lock::claim_at_once(&file.path).ok()? else { return None };
        let page = match RingLocation::of(&mut claim).ok()? {
            RingLocation::Here => first_page(&claim.file).ok()?,
            RingLocation::Elsewhere(ring, _) => first_page(&ring).ok()?,
            RingLocation::Gone(_) | RingLocation::Unreadable(_) => return None,
        };
        Header::read(&page).ok()?;
        Some((file.instance, in_hand(&page)?))
    };
    lock::list(spool).into_iter().flatten().filter_map(left).collect()
}

fn first_page(mut file: &File) -> io::Result<Vec<u64>> {
    file.seek(SeekFrom::Start(0))?;
    words(&mut file, PAGE_BYTES as u64)
}

fn in_hand(page: &[u64]) -> Option<InHand> {
    let work = InHand { subject: *page.get(SUBJECT)?, piece: *page.get(PIECE)? };
    (work.subject != 0).then_some(work)
}

fn adopt(file: &RingFile, take: &mut dyn FnMut(&str, RingContent) -> bool, report: &mut AdoptReport) {
    let path = file.path.display();
    let mut claim = match lock::claim(&file.path) {
        Ok(LockAttempt::Orphan(claim)) => claim,
        Ok(LockAttempt::Living | LockAttempt::Gone) => return,
        Err(error) => return report.troubles.push(format!("the ring {path} cannot be opened: {error}")),
    };
    if file.unlocked {
        return remove(claim, report);
    }
    let image = match RingLocation::of(&mut claim) {
        Err(error) => Err(error),
        Ok(RingLocation::Here) => RingImage::load(&claim.file),
        Ok(RingLocation::Elsewhere(ring, key)) => {
            RingImage::load(&ring).map(|image| image.and_then(|image| image.with_key(key)))
        }
        Ok(RingLocation::Gone(ring)) => {
            report.troubles.push(format!(
                "the ring {ring} of a process that ended without closing is gone, as after a restart of the \
                 machine or in another container; what that process accepted in its last moments may be lost",
                ring = ring.display()
            ));
            return remove(claim, report);
        }
        Ok(RingLocation::Unreadable(why)) => Ok(Err(HeaderError::Damaged(why))),
    };
    match image {
        Err(error) => report.troubles.push(format!("the ring {path} cannot be read: {error}")),
        Ok(Err(HeaderError::Unfinished)) => {
            claim.ring = claim.ring.take().or_else(|| memory_file::unnamed(&file.instance));
            remove(claim, report);
        }
        Ok(Err(HeaderError::Version(version))) => report.troubles.push(format!(
            "the ring {path} has format {version}, which this version of Taskbell does not read; start \
             the version that made it once, or delete it"
        )),
        Ok(Err(HeaderError::Damaged(why))) => put_aside(&claim, why, report),
        Ok(Ok(image)) => {
            let (records, torn) = image.records_and_torn();
            let count = records.len();
            let content = RingContent { records, in_hand: image.in_hand };
            if content != RingContent::default() && !take(&file.instance, content) {
                return report.troubles.push(format!(
                    "the {count} events of the ring {path} could not be taken over; the next start tries again"
                ));
            }
            failpoint::reach("before-ring-removal");
            report.instances.push(file.instance.clone());
            report.records += count;
            report.torn += torn;
            remove(claim, report);
        }
    }
}

fn remove(claim: RingClaim, report: &mut AdoptReport) {
    let path = claim.path.clone();
    if let Err(error) = claim.remove() {
        report.troubles.push(format!("the emptied ring {} cannot be removed: {error}", path.display()));
    }
}

fn put_aside(claim: &RingClaim, why: &str, report: &mut AdoptReport) {
    let path = claim.path.display();
    let mut name = claim.path.as_os_str().to_owned();
    name.push(".bad");
    let aside = PathBuf::from(name);
    report.troubles.push(match fs::rename(&claim.path, &aside) {
        Ok(()) => format!("the ring {path} cannot be used: {why}; it is kept as {}", aside.display()),
        Err(error) => format!("the ring {path} cannot be used: {why}; and it cannot be renamed: {error}"),
    });
}

/// Where a claim says its ring is.
enum RingLocation {
    Here,
    /// In this file, with this key.
    Elsewhere(File, u64),
    /// In this file, which no longer exists.
    Gone(PathBuf),
    Unreadable(&'static str),
}

impl RingLocation {
    /// Also records the ring's file in the claim.
    fn of(claim: &mut RingClaim) -> io::Result<RingLocation> {
        let mut first = Vec::new();
        (&claim.file).seek(SeekFrom::Start(0))?;
        (&claim.file).take(PAGE_BYTES as u64).read_to_end(&mut first)?;
        let pointer = match Pointer::read(&first) {
            None => return Ok(RingLocation::Here),
            Some(Err(why)) => return Ok(RingLocation::Unreadable(why)),
            Some(Ok(pointer)) => pointer,
        };
        Ok(match pointer.open(&claim.file)? {
            None => RingLocation::Gone(pointer.path),
            Some(ring) => {
                claim.ring = Some(pointer.path);
                RingLocation::Elsewhere(ring, pointer.key)
            }
        })
    }
}

impl RingImage {
    fn with_key(self, key: u64) -> Result<RingImage, HeaderError> {
        if self.header.key == key {
            Ok(self)
        } else {
            Err(HeaderError::Damaged("it has another key than it should"))
        }
    }

    fn load(mut file: &File) -> io::Result<Result<RingImage, HeaderError>> {
        file.seek(SeekFrom::Start(0))?;
        RingImage::read(file)
    }

    /// Reads at most what the checked header announces, and allocates only for bytes that exist.
    fn read(mut reader: impl Read) -> io::Result<Result<RingImage, HeaderError>> {
        let page = words(&mut reader, PAGE_BYTES as u64)?;
        let (header, ends) = match Header::read(&page) {
            Ok(read) => read,
            Err(fault) => return Ok(Err(fault)),
        };
        let words = words(&mut reader, header.capacity as u64)?;
        Ok(Ok(RingImage { header, ends, in_hand: in_hand(&page), words }))
    }

    /// Every committed record in order, and the number of torn or damaged stretches.
    fn records_and_torn(&self) -> (Vec<Record>, usize) {
        let seal = Seal::new(self.header.key);
        let mask = self.header.capacity as u64 - 1;
        let word = |at: u64| self.words.get((at & mask) as usize / 8).copied().unwrap_or(0);
        let Ends { from: mut at, to } = self.ends;
        let (mut records, mut torn) = (Vec::new(), 0);
        // Empty words count as torn only if a record follows; damage always counts.
        let (mut empty, mut damaged) = (false, false);
        while at < to {
            match seal.inspect(at, to - at, &word) {
                RingSlot::Committed(span, record) => {
                    torn += usize::from(empty || damaged);
                    (empty, damaged) = (false, false);
                    records.push(record);
                    at += span;
                }
                RingSlot::Reserved(span) => {
                    torn += usize::from(empty || damaged) + 1;
                    (empty, damaged) = (false, false);
                    at += span;
                }
                RingSlot::Empty => {
                    empty = true;
                    at += 8;
                }
                RingSlot::Damaged => {
                    damaged = true;
                    at += 8;
                }
            }
        }
        (records, torn + usize::from(damaged))
    }
}

/// At most `limit` bytes as words; zeros fill an incomplete last word.
fn words(reader: &mut impl Read, limit: u64) -> io::Result<Vec<u64>> {
    let mut bytes = Vec::new();
    reader.take(limit).read_to_end(&mut bytes)?;
    let words = bytes.chunks(8).map(|chunk| {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        u64::from_le_bytes(word)
    });
    Ok(words.collect())
}

#[cfg(test)]
mod tests;
