//! A spool whose file was lost, replaced or damaged: what can still be read moves into a fresh one, row by
//! row.

use super::copy_rows::RowCopy;
use super::{Spool, SpoolError, SpoolErrorKind, connection};
use crate::spool::SpoolPath;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use std::collections::HashMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use taskbell_ring::failpoint;

/// Events younger than this move along even if nothing of them is left to do: a ring may still hold them,
/// and they must not be told twice.
const RECENT_MS: i64 = 3_600_000;

/// What happened to the file of a spool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileFault {
    Lost,
    /// Another file has its name now.
    Replaced,
    Damaged,
}

/// What the name of a damaged file ends with until it was read, and then.
const UNREAD: &str = ".repairing-";
const READ: &str = ".corrupt-";

/// A damaged file that was moved aside and not read yet; nothing when another process did so.
pub struct DamagedFile(Option<PathBuf>);

/// The outcome of a recovery.
pub struct RecoveryReport {
    pub cause: FileFault,
    pub path: PathBuf,
    /// Where the damaged file lies now.
    pub aside: Option<PathBuf>,
    /// Deliveries that moved, pending ones and dead letters.
    pub deliveries: usize,
    pub events: usize,
    /// Deliveries whose event cannot be read any more, and stretches of a table that cannot.
    pub lost: usize,
    /// Deliveries that have another number now.
    pub moved: HashMap<i64, i64>,
}

impl fmt::Display for RecoveryReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match (self.cause, &self.aside) {
            (FileFault::Lost, _) => {
                write!(f, "the spool {path} was deleted while it was in use; a new one was made")?
            }
            (FileFault::Replaced, _) => {
                write!(f, "the spool {path} was replaced by another file while it was in use")?;
            }
            (FileFault::Damaged, Some(aside)) => {
                write!(
                    f,
                    "the spool {path} is damaged; it is kept as {}, and a new one was made",
                    aside.display()
                )?;
            }
            (FileFault::Damaged, None) => {
                write!(f, "the spool {path} was damaged, and another process made a new one")?
            }
        }
        let RecoveryReport { deliveries, events, lost, .. } = self;
        write!(f, "; moved into the new one: {events} events, {deliveries} pending or dead deliveries")?;
        if *lost > 0 {
            write!(f, "; unreadable places: {lost}")?;
        }
        Ok(())
    }
}

impl Spool {
    /// What happened to the file, if it is no longer the one that was opened, or was met damaged. Costs one look at the file
    /// system.
    pub fn file_fault(&self) -> Option<FileFault> {
        let opened = self.identity?;
        match connection::identity(&self.path) {
            Some(named) if named == opened => self.damaged.get().then_some(FileFault::Damaged),
            Some(_) => Some(FileFault::Replaced),
            None if self.path.try_exists().unwrap_or(true) => None,
            None => Some(FileFault::Lost),
        }
    }

    /// Another connection has met damage in the file.
    pub fn note_damage(&self) {
        self.damaged.set(true);
    }

    /// Whether damage was met since it was opened.
    pub fn is_damaged(&self) -> bool {
        self.damaged.get()
    }

    /// Opens the spool again after a fault of its file, and copies what the former file holds. What has
    /// to be delivered keeps its owner.
    pub fn renew(&mut self, cause: FileFault, now_ms: i64) -> Result<RecoveryReport, SpoolError> {
        let path = SpoolPath::File(self.path.clone());
        let mut aside = None;
        let mut fresh = match cause {
            FileFault::Damaged => {
                aside = set_aside(&self.path, self.identity, now_ms)?;
                Spool::open(&path, &self.owner)?
            }
            FileFault::Lost | FileFault::Replaced => match Spool::open(&path, &self.owner) {
                Err(fault) if fault.kind() == SpoolErrorKind::Corrupt => {
                    set_aside(&self.path, connection::identity(&self.path), now_ms)?;
                    Spool::open(&path, &self.owner)?
                }
                opened => opened?,
            },
        };
        // A damaged file is read through a connection that knows nothing from before.
        let reopened = aside.as_deref().and_then(open_aside);
        let source = reopened.as_ref().unwrap_or(&self.conn);
        let taken = fresh.take_along(source, cause, aside.clone(), now_ms);
        drop(reopened);
        fresh.numbers = self.numbers.of_next_file();
        *self = fresh;
        Ok(settled(taken))
    }

    /// Makes a new spool in place of a damaged one, which is moved aside. [`Spool::salvage`] reads what it holds.
    pub fn open_damaged(
        path: &SpoolPath,
        owner: &str,
        now_ms: i64,
    ) -> Result<(Spool, DamagedFile), SpoolError> {
        let aside = match path {
            SpoolPath::Memory => None,
            SpoolPath::File(file) => {
                let place = connection::absolute(file)?;
                set_aside(&place, connection::identity(&place), now_ms)?
            }
        };
        Ok((Spool::open(path, owner)?, DamagedFile(aside)))
    }

    /// A damaged file that an earlier process moved aside, and did not live to read.
    pub fn unread_damage(&self) -> Option<DamagedFile> {
        let name = self.path.file_name()?.to_str()?;
        let files = fs::read_dir(self.path.parent()?).ok()?.flatten();
        let mut unread = files.filter(|file| {
            let rest = file
                .file_name()
                .to_str()
                .and_then(|file| file.strip_prefix(name)?.strip_prefix(UNREAD).map(str::to_owned));
            rest.is_some_and(|number| number.bytes().all(|digit| digit.is_ascii_digit()))
        });
        unread.next().map(|file| DamagedFile(Some(file.path())))
    }

    /// Copies what can be read of a damaged file.
    pub fn salvage(&mut self, damaged: DamagedFile, now_ms: i64) -> Result<RecoveryReport, SpoolError> {
        let source = damaged.0.as_deref().and_then(open_aside);
        let empty = Connection::open_in_memory().map_err(self.at())?;
        let taken = self.take_along(source.as_ref().unwrap_or(&empty), FileFault::Damaged, damaged.0, now_ms);
        drop(source);
        Ok(settled(taken))
    }

    /// The error is a report, too: nothing could be written.
    fn take_along(
        &mut self,
        source: &Connection,
        cause: FileFault,
        aside: Option<PathBuf>,
        now_ms: i64,
    ) -> Result<RecoveryReport, Box<RecoveryReport>> {
        self.unsure.set(true);
        let mishap = RecoveryReport {
            cause,
            path: self.path.clone(),
            aside,
            deliveries: 0,
            events: 0,
            lost: 0,
            moved: HashMap::new(),
        };
        let mut move_all = |mishap: RecoveryReport| -> rusqlite::Result<RecoveryReport> {
            let target = self.conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let mishap = RowCopy::new(source, &target, mishap).move_all(&self.owner, now_ms - RECENT_MS)?;
            failpoint::reach("before-repair");
            target.commit()?;
            failpoint::reach("after-repair");
            Ok(mishap)
        };
        let nothing = RecoveryReport {
            aside: mishap.aside.clone(),
            path: mishap.path.clone(),
            moved: HashMap::new(),
            ..mishap
        };
        // The fresh spool is what counts: what cannot be written into it stays in the file that is aside.
        move_all(mishap).map_err(|_| Box::new(RecoveryReport { lost: 1, ..nothing }))
    }
}

/// Moves the database and what belongs to it aside; `None` when another process has done so already.
fn set_aside(
    place: &Path,
    opened: Option<connection::Identity>,
    now_ms: i64,
) -> Result<Option<PathBuf>, SpoolError> {
    if opened.is_none() || connection::identity(place) != opened {
        return Ok(None);
    }
    let seconds = now_ms.div_euclid(1000);
    let named = |kind: &str, turn: i64| with(place, &format!("{kind}{}", seconds + turn));
    let turn = (0..).find(|turn| !named(UNREAD, *turn).exists() && !named(READ, *turn).exists());
    let aside = named(UNREAD, turn.unwrap_or_default());
    // The log first: it belongs to this database, and must not meet another one of its name.
    for suffix in ["-wal", "-shm"] {
        let _ = fs::rename(with(place, suffix), with(&aside, suffix));
    }
    fs::rename(place, &aside).map_err(|error| SpoolError::io(place, &error))?;
    failpoint::reach("before-repair-file");
    Ok(Some(aside))
}

fn with(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn settled(taken: Result<RecoveryReport, Box<RecoveryReport>>) -> RecoveryReport {
    match taken {
        Ok(report) => RecoveryReport { aside: report.aside.map(settle), ..report },
        Err(report) => *report,
    }
}

/// Gives a damaged file that was read its last name.
fn settle(aside: PathBuf) -> PathBuf {
    let Some((place, number)) = aside.to_str().and_then(|name| name.rsplit_once(UNREAD)) else {
        return aside;
    };
    let read = PathBuf::from(format!("{place}{READ}{number}"));
    for suffix in ["-wal", "-shm"] {
        let _ = fs::rename(with(&aside, suffix), with(&read, suffix));
    }
    match fs::rename(&aside, &read) {
        Ok(()) => read,
        // It is read again by the next start, which finds nothing new in it.
        Err(_) => aside,
    }
}

/// Only to read: SQLite would remove a log that it cannot read when it closes.
fn open_aside(path: &Path) -> Option<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags).ok()?;
    conn.execute_batch("PRAGMA cache_size = -1024; PRAGMA temp_store = MEMORY; PRAGMA cell_size_check = ON;")
        .ok()?;
    Some(conn)
}
