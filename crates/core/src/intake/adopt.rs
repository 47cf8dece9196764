//! What dead processes left: their rings, read with distrust.

use super::Record;
use super::header::{Ends, Fault, Header, PAGE_BYTES};
use super::lock::{self, Beside, Claim, Found};
use super::memory_file::{self, Pointer};
use super::record::{Seal, Slot};
use crate::failpoint;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// What an adoption did.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct AdoptReport {
    /// The instances whose rings were taken over and removed.
    pub instances: Vec<String>,
    /// Records handed over and taken.
    pub records: usize,
    /// Stretches that were reserved and never committed, or damaged. No call had returned for the
    /// former.
    pub torn: usize,
    /// What went wrong, one sentence each, with the path. The files it speaks of are kept.
    pub troubles: Vec<String>,
}

/// The bytes of a ring file, as far as they are there.
struct Image {
    header: Header,
    ends: Ends,
    words: Vec<u64>,
}

/// See [`Intake::adopt_orphans`](super::Intake::adopt_orphans).
pub(super) fn adopt_orphans(spool: &Path, take: &mut dyn FnMut(&str, Vec<Record>) -> bool) -> AdoptReport {
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

fn adopt(file: &Beside, take: &mut dyn FnMut(&str, Vec<Record>) -> bool, report: &mut AdoptReport) {
    let path = file.path.display();
    let mut claim = match lock::claim(&file.path) {
        Ok(Found::Orphan(claim)) => claim,
        Ok(Found::Living | Found::Gone) => return,
        Err(error) => return report.troubles.push(format!("the ring {path} cannot be opened: {error}")),
    };
    if file.unlocked {
        return remove(claim, report);
    }
    let image = match Place::of(&mut claim) {
        Err(error) => Err(error),
        Ok(Place::Here) => Image::load(&claim.file),
        Ok(Place::Elsewhere(ring, key)) => {
            Image::load(&ring).map(|image| image.and_then(|image| image.with_key(key)))
        }
        Ok(Place::Gone(ring)) => {
            report.troubles.push(format!(
                "the ring {ring} of a process that ended without closing is gone, as after a restart of the \
                 machine or in another container; what that process accepted in its last moments may be lost",
                ring = ring.display()
            ));
            return remove(claim, report);
        }
        Ok(Place::Unreadable(why)) => Ok(Err(Fault::Damaged(why))),
    };
    match image {
        Err(error) => report.troubles.push(format!("the ring {path} cannot be read: {error}")),
        Ok(Err(Fault::Unfinished)) => {
            claim.ring = claim.ring.take().or_else(|| memory_file::unnamed(&file.instance));
            remove(claim, report);
        }
        Ok(Err(Fault::Version(version))) => report.troubles.push(format!(
            "the ring {path} has format {version}, which this version of Taskbell does not read; start \
             the version that made it once, or delete it"
        )),
        Ok(Err(Fault::Damaged(why))) => put_aside(&claim, why, report),
        Ok(Ok(image)) => {
            let (records, torn) = image.salvage();
            let count = records.len();
            if count > 0 && !take(&file.instance, records) {
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

fn remove(claim: Claim, report: &mut AdoptReport) {
    let path = claim.path.clone();
    if let Err(error) = claim.remove() {
        report.troubles.push(format!("the emptied ring {} cannot be removed: {error}", path.display()));
    }
}

fn put_aside(claim: &Claim, why: &str, report: &mut AdoptReport) {
    let path = claim.path.display();
    let mut name = claim.path.as_os_str().to_owned();
    name.push(".bad");
    let aside = PathBuf::from(name);
    report.troubles.push(match fs::rename(&claim.path, &aside) {
        Ok(()) => format!("the ring {path} cannot be used: {why}; it is kept as {}", aside.display()),
        Err(error) => format!("the ring {path} cannot be used: {why}; and it cannot be renamed: {error}"),
    });
}

/// Where the ring of a claim is.
enum Place {
    /// In the claim itself.
    Here,
    /// In this file, with this key.
    Elsewhere(File, u64),
    /// It was in this file, which is gone.
    Gone(PathBuf),
    /// The claim does not say it any more.
    Unreadable(&'static str),
}

impl Place {
    /// Also notes in the claim which file goes with it.
    fn of(claim: &mut Claim) -> io::Result<Place> {
        let mut first = Vec::new();
        (&claim.file).seek(SeekFrom::Start(0))?;
        (&claim.file).take(PAGE_BYTES as u64).read_to_end(&mut first)?;
        let pointer = match Pointer::read(&first) {
            None => return Ok(Place::Here),
            Some(Err(why)) => return Ok(Place::Unreadable(why)),
            Some(Ok(pointer)) => pointer,
        };
        Ok(match pointer.open(&claim.file)? {
            None => Place::Gone(pointer.path),
            Some(ring) => {
                claim.ring = Some(pointer.path);
                Place::Elsewhere(ring, pointer.key)
            }
        })
    }
}

impl Image {
    fn with_key(self, key: u64) -> Result<Image, Fault> {
        if self.header.key == key {
            Ok(self)
        } else {
            Err(Fault::Damaged("it has another key than it should"))
        }
    }

    fn load(mut file: &File) -> io::Result<Result<Image, Fault>> {
        file.seek(SeekFrom::Start(0))?;
        Image::read(file)
    }

    /// Reads at most as much as the checked header says, and never asks for memory before the bytes
    /// are there.
    fn read(mut reader: impl Read) -> io::Result<Result<Image, Fault>> {
        let page = words(&mut reader, PAGE_BYTES as u64)?;
        let (header, ends) = match Header::read(&page) {
            Ok(read) => read,
            Err(fault) => return Ok(Err(fault)),
        };
        let words = words(&mut reader, header.capacity as u64)?;
        Ok(Ok(Image { header, ends, words }))
    }

    /// Every committed record in order, and how many stretches before or between them are none.
    fn salvage(&self) -> (Vec<Record>, usize) {
        let seal = Seal::new(self.header.key);
        let mask = self.header.capacity as u64 - 1;
        let word = |at: u64| self.words.get((at & mask) as usize / 8).copied().unwrap_or(0);
        let Ends { from: mut at, to } = self.ends;
        let (mut records, mut torn) = (Vec::new(), 0);
        // Empty words are torn only if something follows them; rubbish is in any case.
        let (mut empty, mut rubbish) = (false, false);
        while at < to {
            match seal.inspect(at, to - at, word) {
                Slot::Committed(span, record) => {
                    torn += usize::from(empty || rubbish);
                    (empty, rubbish) = (false, false);
                    records.push(record);
                    at += span;
                }
                Slot::Reserved(span) => {
                    torn += usize::from(empty || rubbish) + 1;
                    (empty, rubbish) = (false, false);
                    at += span;
                }
                Slot::Empty => {
                    empty = true;
                    at += 8;
                }
                Slot::Damaged => {
                    rubbish = true;
                    at += 8;
                }
            }
        }
        (records, torn + usize::from(rubbish))
    }
}

/// At most so many bytes, as words; a last incomplete word is filled up with zeros.
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
#[path = "adopt_tests.rs"]
mod tests;
