//! Opening the database: where it lies, who may read it, and how it keeps its word.

use super::error::{SpoolError, SpoolErrorKind};
use super::permissions;
use super::schema::{self, FileContent};
use crate::spool::SpoolPath;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long a statement waits for other processes' transactions, each of which takes milliseconds. A caller that
/// gets `Busy` tries again with its next batch.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Between two looks whether the lock is free. SQLite's own handler waits longer each time, up to a tenth of a
/// second, so that a newcomer never gets its turn next to writers that lock again at once.
const BUSY_PAUSE: Duration = Duration::from_millis(1);

/// SQLite's own size of a page.
pub(super) const PAGE_BYTES: u64 = 4096;

/// Statements kept prepared; more than the spool has.
const STATEMENTS: usize = 64;

/// `synchronous = FULL` syncs the log with each commit (and `fullfsync` makes that true on macOS,
/// where a plain sync stops at the drive's cache). The page cache holds what a full transaction
/// changes and is given back at rest, because the library is a guest; the log is copied into the
/// database each 8 MiB and cut back to 8 MiB after a burst.
const PRAGMAS: &str = "
PRAGMA synchronous = FULL;
PRAGMA fullfsync = ON;
PRAGMA checkpoint_fullfsync = ON;
PRAGMA wal_autocheckpoint = 2000;
PRAGMA journal_size_limit = 8388608;
PRAGMA cache_size = -4096;
PRAGMA temp_store = MEMORY;
PRAGMA foreign_keys = ON;
";

/// The writer's connection: created and vetted.
pub(super) fn open_writer(path: &SpoolPath) -> Result<(Connection, PathBuf), SpoolError> {
    let (mut conn, place) = match path {
        SpoolPath::Memory => {
            let place = PathBuf::from(":memory:");
            (Connection::open_in_memory().map_err(SpoolError::at(&place))?, place)
        }
        SpoolPath::File(file) => {
            let place = absolute(file)?;
            create(&place)?;
            // A connection that may write would remove a log that it cannot read when it closes.
            if log_of(&place).exists()
                && let Err(damaged) = open_reader(&place)
                && damaged.kind() == SpoolErrorKind::Corrupt
            {
                return Err(damaged);
            }
            let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
                | OpenFlags::SQLITE_OPEN_CREATE
                | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            (Connection::open_with_flags(&place, flags).map_err(SpoolError::at(&place))?, place)
        }
    };
    let at = SpoolError::at(&place);
    conn.busy_handler(Some(await_lock)).map_err(at)?;
    vet(&conn, &place, true)?;
    if conn.is_readonly("main").map_err(at)? {
        return Err(SpoolError::new(SpoolErrorKind::ReadOnly, &place, "the file is read-only"));
    }
    configure(&conn).map_err(at)?;
    schema::create(&mut conn).map_err(at)?;
    Ok((conn, place))
}

/// A connection that only looks on. It works next to a living writer and on what a killed one left,
/// and never makes or checkpoints a database.
pub(super) fn open_reader(path: &Path) -> Result<(Connection, PathBuf), SpoolError> {
    let place = absolute(path)?;
    match place.metadata() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(SpoolError::new(SpoolErrorKind::Missing, &place, "no such file"));
        }
        Err(error) => return Err(SpoolError::io(&place, &error)),
        Ok(_) => {}
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut conn = Connection::open_with_flags(&place, flags).map_err(SpoolError::at(&place))?;
    let at = SpoolError::at(&place);
    conn.busy_handler(Some(await_lock)).map_err(at)?;
    vet(&conn, &place, false)?;
    conn.execute_batch("PRAGMA cache_size = -1024; PRAGMA temp_store = MEMORY; PRAGMA query_only = ON;")
        .map_err(at)?;
    Ok((conn, place))
}

/// Waits for another process's transaction, as often as SQLite asks. `false` gives up.
fn await_lock(tries: i32) -> bool {
    std::thread::sleep(BUSY_PAUSE);
    Duration::from_millis(u64::try_from(tries).unwrap_or(0)) < BUSY_TIMEOUT
}

/// Makes a new spool unless something is there. It is made ready as a draft, which needs one sync in
/// all; made in place, SQLite would need ten.
fn create(place: &Path) -> Result<(), SpoolError> {
    let refused = |error| SpoolError::io(place, &error);
    permissions::create_parents(place).map_err(refused)?;
    if place.try_exists().map_err(refused)? {
        return Ok(());
    }
    // The log of a database that was deleted: SQLite throws it away when it opens an empty file, and
    // would replay it over the pages of a ready one.
    if log_of(place).try_exists().map_err(refused)? {
        return create_empty(place);
    }
    let draft = permissions::Draft::beside(place).map_err(refused)?;
    let build = |at: &Path| {
        let mut conn = Connection::open(at)?;
        // Nobody sees it before it is done, so it needs neither journal nor syncs on the way.
        conn.execute_batch("PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF;")?;
        reclaim_space(&conn)?;
        schema::create(&mut conn)?;
        enter_wal(&conn)?;
        conn.close().map_err(|(_, error)| error)
    };
    build(draft.path()).map_err(SpoolError::at(place))?;
    // Where there are no hard links, the opening fills an empty file in place.
    draft.publish(place).or_else(|_| create_empty(place))
}

/// Bounds the write-ahead log to about this many bytes, from its next beginning on.
pub(super) fn bound_log(conn: &Connection, bytes: u64) -> rusqlite::Result<()> {
    // One transaction more fits between the copying and the bound.
    let pages = (bytes / 4 * 3 / PAGE_BYTES).max(1);
    conn.execute_batch(&format!("PRAGMA journal_size_limit = {bytes}; PRAGMA wal_autocheckpoint = {pages}"))
}

/// Copies the log into the database and cuts it off, if nobody reads or writes just now.
pub(super) fn cut_log(conn: &mut Connection) -> rusqlite::Result<()> {
    conn.busy_timeout(Duration::ZERO)?;
    let cut = conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    conn.busy_handler(Some(await_lock))?;
    match cut {
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => Ok(()),
        cut => cut,
    }
}

fn create_empty(place: &Path) -> Result<(), SpoolError> {
    match permissions::create_file(place) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(SpoolError::io(place, &error)),
        _ => Ok(()),
    }
}

/// The write-ahead log that belongs to a database.
pub(super) fn log_of(place: &Path) -> PathBuf {
    let mut name = place.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}

/// Which file it is, whatever its name.
pub(super) type Identity = (u64, u64);

/// The identity of the file of this name; `None` when there is none, and where the system cannot tell.
pub(super) fn identity(place: &Path) -> Option<Identity> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        place.metadata().ok().map(|about| (about.dev(), about.ino()))
    }
    // An open database cannot be deleted or replaced there.
    #[cfg(not(unix))]
    {
        place.exists().then_some((0, 0))
    }
}

/// Whole, because SQLite reads a name that starts with `file:` as a URI, and because the host may
/// change its working directory.
pub(super) fn absolute(path: &Path) -> Result<PathBuf, SpoolError> {
    std::path::absolute(path).map_err(|error| SpoolError::io(path, &error))
}

/// Refuses what is not ours to change, before anything is changed.
fn vet(conn: &Connection, place: &Path, writer: bool) -> Result<(), SpoolError> {
    let ours = schema::VERSION;
    let (kind, detail) = match schema::inspect(conn).map_err(SpoolError::at(place))? {
        FileContent::Spool(version) if version > ours => {
            (SpoolErrorKind::Newer, format!("its version is {version}, this Taskbell knows {ours}"))
        }
        FileContent::Spool(version) if version < ours => {
            (SpoolErrorKind::Older, format!("its version is {version}, this Taskbell knows {ours}"))
        }
        FileContent::Foreign => (SpoolErrorKind::Foreign, "it holds another program's tables".to_owned()),
        FileContent::Empty if !writer => (SpoolErrorKind::Missing, "the file is empty".to_owned()),
        FileContent::Spool(_) | FileContent::Empty => return Ok(()),
    };
    Err(SpoolError::new(kind, place, detail))
}

fn configure(conn: &Connection) -> rusqlite::Result<()> {
    reclaim_space(conn)?;
    enter_wal(conn)?;
    conn.execute_batch(PRAGMAS)?;
    conn.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(())
}

/// Lets pruned space go back to the disk. Only a file that is still empty hears this; any other would
/// be written to for nothing.
fn reclaim_space(conn: &Connection) -> rusqlite::Result<()> {
    let pages: i64 = conn.pragma_query_value(None, "page_count", |row| row.get(0))?;
    if pages > 0 {
        return Ok(());
    }
    conn.execute_batch("PRAGMA auto_vacuum = INCREMENTAL")
}

/// Switches to the write-ahead log. SQLite does not wait by itself when two processes switch at the
/// same time.
fn enter_wal(conn: &Connection) -> rusqlite::Result<()> {
    let deadline = Instant::now() + BUSY_TIMEOUT;
    loop {
        match conn.query_row("PRAGMA journal_mode = WAL", [], |row| row.get::<_, String>(0)) {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {
                if Instant::now() > deadline {
                    return Err(error);
                }
                std::thread::sleep(Duration::from_millis(5));
            }
            // `memory` for ":memory:"; a file system without shared memory keeps `delete`, which is
            // slower and just as safe.
            other => return other.map(drop),
        }
    }
}
