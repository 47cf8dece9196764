//! Why the spool cannot be used, in words that say what to do.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What kind of fault it is; a caller decides by it whether to try again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpoolErrorKind {
    /// The disk, or the quota, is full. Passes when there is room again.
    Full,
    /// The file or its folder may not be written to.
    ReadOnly,
    /// The file is damaged, or no database at all.
    Corrupt,
    /// Another process held the write lock for longer than the busy timeout. Passes.
    Busy,
    /// A newer Taskbell wrote the file.
    Newer,
    /// An older Taskbell wrote the file.
    Older,
    /// The database belongs to another program.
    Foreign,
    /// It is the default spool of another configuration.
    Claimed,
    /// There is no file (only readers say so; a writer makes one).
    Missing,
    /// Several events fit the prefix that was asked for.
    Ambiguous,
    /// The system refused to open, read, write or sync; a database on a server did not answer.
    Io,
    /// Another relay writes the store since then: nothing more of this one is kept.
    Deposed,
    /// Anything else that SQLite may say.
    Other,
}

/// A fault of the spool, or of another store: its kind, the path it speaks of, and a sentence. Holds no row content. As large as a pointer,
/// since nearly every function of the spool returns it.
#[derive(Debug, Clone)]
pub struct SpoolError(Arc<Fault>);

#[derive(Debug)]
struct Fault {
    kind: SpoolErrorKind,
    path: PathBuf,
    /// A database on a server, whose name the path is.
    is_served: bool,
    detail: String,
}

impl SpoolError {
    /// The kind of fault.
    pub fn kind(&self) -> SpoolErrorKind {
        self.0.kind
    }

    /// A fault of a database on a server, by the name that people know it by; without a password.
    pub fn of_database(name: &str, kind: SpoolErrorKind, detail: impl Into<String>) -> SpoolError {
        let path = PathBuf::from(name);
        SpoolError(Arc::new(Fault { kind, path, is_served: true, detail: detail.into() }))
    }

    /// The database it speaks of; `:memory:` for one that has no file.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// Whether the same call may well succeed later without anybody's help, or after some space was
    /// freed.
    pub fn is_transient(&self) -> bool {
        matches!(self.kind(), SpoolErrorKind::Full | SpoolErrorKind::Busy | SpoolErrorKind::Io)
    }

    pub(super) fn new(kind: SpoolErrorKind, path: &Path, detail: impl Into<String>) -> Self {
        Self::boxed(kind, path, detail.into())
    }

    #[cold]
    fn boxed(kind: SpoolErrorKind, path: &Path, detail: String) -> Self {
        SpoolError(Arc::new(Fault { kind, path: path.to_owned(), is_served: false, detail }))
    }

    #[cold]
    pub(super) fn io(path: &Path, error: &io::Error) -> Self {
        let kind = match error.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => SpoolErrorKind::ReadOnly,
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => SpoolErrorKind::Full,
            _ => SpoolErrorKind::Io,
        };
        Self::new(kind, path, error.to_string())
    }

    #[cold]
    pub(super) fn sqlite(path: &Path, error: rusqlite::Error) -> Self {
        use rusqlite::{Error, ErrorCode};
        let kind = match &error {
            Error::SqliteFailure(failure, _) => match failure.code {
                ErrorCode::DiskFull => SpoolErrorKind::Full,
                ErrorCode::ReadOnly | ErrorCode::PermissionDenied => SpoolErrorKind::ReadOnly,
                ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::TooBig => {
                    SpoolErrorKind::Corrupt
                }
                ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => SpoolErrorKind::Busy,
                ErrorCode::CannotOpen | ErrorCode::SystemIoFailure => SpoolErrorKind::Io,
                _ => SpoolErrorKind::Other,
            },
            // The tables are strict and checked: a value of a wrong form was put there by damage.
            Error::FromSqlConversionFailure(..)
            | Error::IntegralValueOutOfRange(..)
            | Error::InvalidColumnType(..)
            | Error::Utf8Error(..) => SpoolErrorKind::Corrupt,
            _ => SpoolErrorKind::Other,
        };
        Self::new(kind, path, error.to_string())
    }

    /// For `map_err`: the path is what SQLite's own message lacks.
    pub(super) fn at(path: &Path) -> impl Fn(rusqlite::Error) -> SpoolError + Copy {
        move |error| Self::sqlite(path, error)
    }
}

impl fmt::Display for SpoolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Fault { kind, path, is_served, detail } = &*self.0;
        let path = path.display();
        if *is_served {
            return write_of_database(f, *kind, &path, detail);
        }
        match kind {
            SpoolErrorKind::Full => {
                write!(f, "the spool {path} cannot grow because the disk is full; free some space ({detail})")
            }
            SpoolErrorKind::ReadOnly => write!(
                f,
                "the spool {path} cannot be written; give this user write access to the file and its \
                 folder, or set another `[spool] path` ({detail})"
            ),
            SpoolErrorKind::Corrupt => write!(
                f,
                "the spool {path} is damaged or no SQLite database; move it and its `-wal` file aside, \
                 or set another `[spool] path` ({detail})"
            ),
            SpoolErrorKind::Busy => write!(
                f,
                "the spool {path} was locked by other processes for too long; end a program that keeps it open in \
                 a transaction, or give busy programs a spool each ({detail})"
            ),
            SpoolErrorKind::Newer => write!(
                f,
                "the spool {path} was written by a newer Taskbell; update this one, or set another \
                 `[spool] path` ({detail})"
            ),
            SpoolErrorKind::Older => write!(
                f,
                "the spool {path} was written by an older Taskbell, whose tables this one does not read; \
                 move it away, or set another `[spool] path` ({detail})"
            ),
            SpoolErrorKind::Foreign => write!(
                f,
                "the database {path} is not a spool of Taskbell; set another `[spool] path` ({detail})"
            ),
            SpoolErrorKind::Claimed => write!(
                f,
                "the spool {path} belongs to another configuration, {detail}; set `[spool] path` in this one"
            ),
            SpoolErrorKind::Missing => {
                write!(
                    f,
                    "there is no spool at {path}; check `[spool] path`, or start the host first ({detail})"
                )
            }
            SpoolErrorKind::Ambiguous => write!(f, "in the spool {path}, {detail}; give more digits"),
            SpoolErrorKind::Io => write!(
                f,
                "the spool {path} cannot be opened, read or written; check the folder and the disk ({detail})"
            ),
            SpoolErrorKind::Deposed => write!(f, "the spool {path} has another writer: {detail}"),
            SpoolErrorKind::Other => write!(f, "the spool {path} cannot be used: {detail}"),
        }
    }
}

/// The sentence of a database on a server.
fn write_of_database(
    f: &mut fmt::Formatter<'_>,
    kind: SpoolErrorKind,
    name: &impl fmt::Display,
    detail: &str,
) -> fmt::Result {
    match kind {
        SpoolErrorKind::Full => write!(
            f,
            "the database {name} cannot grow because a disk of its server is full; free some space there ({detail})"
        ),
        SpoolErrorKind::ReadOnly => write!(
            f,
            "the role may not do this in the database {name}; give it the rights, or use another role ({detail})"
        ),
        SpoolErrorKind::Busy => {
            write!(f, "the database {name} was locked by another transaction for too long ({detail})")
        }
        SpoolErrorKind::Io => write!(
            f,
            "the database {name} cannot be reached, or does not answer; check its server and the network ({detail})"
        ),
        SpoolErrorKind::Missing => write!(
            f,
            "the database {name} has no tables of a farm; check `[farm] store`, or start the relay first ({detail})"
        ),
        SpoolErrorKind::Ambiguous => write!(f, "in the database {name}, {detail}; give more digits"),
        SpoolErrorKind::Deposed => write!(f, "another relay writes to the database {name}: {detail}"),
        SpoolErrorKind::Corrupt
        | SpoolErrorKind::Newer
        | SpoolErrorKind::Older
        | SpoolErrorKind::Foreign
        | SpoolErrorKind::Claimed
        | SpoolErrorKind::Other => write!(f, "the database {name} cannot be used: {detail}"),
    }
}

impl std::error::Error for SpoolError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_names_the_path_and_the_cause() {
        use SpoolErrorKind::*;
        for kind in [
            Full, ReadOnly, Corrupt, Busy, Newer, Older, Foreign, Claimed, Missing, Ambiguous, Io, Deposed,
            Other,
        ] {
            let text = SpoolError::new(kind, Path::new("/var/x.db"), "the cause").to_string();
            assert!(text.contains("/var/x.db") && text.contains("the cause"), "{text}");
            let text = SpoolError::of_database("db:5432/taskbell", kind, "the cause").to_string();
            assert!(text.contains("db:5432/taskbell") && text.contains("the cause"), "{text}");
        }
    }

    #[test]
    fn a_full_disk_is_told_from_a_forbidden_one() {
        let kind = |error: io::ErrorKind| SpoolError::io(Path::new("x"), &error.into()).kind();
        assert_eq!(kind(io::ErrorKind::StorageFull), SpoolErrorKind::Full);
        assert_eq!(kind(io::ErrorKind::PermissionDenied), SpoolErrorKind::ReadOnly);
        assert_eq!(kind(io::ErrorKind::NotADirectory), SpoolErrorKind::Io);
    }
}
