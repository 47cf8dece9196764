//! A full disk, a forbidden folder, a damaged or foreign file.

use super::super::{DeliveryEnd, NewDelivery, Spool, SpoolErrorKind, SpoolReader};
use super::{NONE, counts, delivery, place, ring, spool_at, state_key, waiting, write};
use crate::spool::SpoolPath;
use rusqlite::Connection;
use std::path::Path;
use std::time::Duration;

fn refusal(path: &Path) -> SpoolErrorKind {
    let fault = Spool::open(&SpoolPath::File(path.to_owned()), "me").map(drop).unwrap_err();
    assert!(fault.to_string().contains(&*path.to_string_lossy()), "{fault}");
    fault.kind()
}

#[test]
fn a_full_disk_voids_the_batch_and_nothing_before_or_after_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut spool = spool_at(&dir.path().join("x.db"), "me");
    let kept = write(&mut spool, |batch| ring(batch, 1, &["ci"]));
    let pages: i64 = spool.conn.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
    spool.conn.query_row(&format!("PRAGMA max_page_count = {}", pages + 10), [], |_| Ok(())).unwrap();

    let mut batch = spool.begin().unwrap();
    batch.end(kept[0], &DeliveryEnd::Delivered, 5).unwrap();
    let body = vec![b'x'; 1 << 20];
    let large = NewDelivery { body: &body, ..delivery(1, "team", 2) };
    assert_eq!(batch.delivery(&large).unwrap_err().kind(), SpoolErrorKind::Full);
    assert_eq!(batch.put_state(&state_key(), Some(b"v")).unwrap_err().kind(), SpoolErrorKind::Full);
    assert_eq!(batch.commit().unwrap_err().kind(), SpoolErrorKind::Full);
    assert_eq!(waiting(&spool, "ci"), kept, "the end that stood in the void batch is void");
    assert_eq!(spool.state(&state_key()).unwrap(), None);

    let mut batch = spool.begin().unwrap();
    batch.end(kept[0], &DeliveryEnd::Delivered, 6).unwrap();
    batch.commit().unwrap();
    assert_eq!(waiting(&spool, "ci"), NONE);
    assert_eq!(counts(&spool).delivered, 1);
}

#[test]
fn a_spool_of_another_version_is_refused_and_left_as_it_is() {
    let (_dir, path) = place();
    drop(spool_at(&path, "me"));
    for (version, kind) in
        [(99, SpoolErrorKind::Newer), (0, SpoolErrorKind::Older), (5, SpoolErrorKind::Older)]
    {
        let conn = Connection::open(&path).unwrap();
        conn.pragma_update(None, "user_version", version).unwrap();
        drop(conn);
        let before = std::fs::read(&path).unwrap();
        assert_eq!(refusal(&path), kind);
        assert_eq!(SpoolReader::open(&path).unwrap_err().kind(), kind);
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }
}

#[test]
fn another_programs_database_is_refused_and_left_as_it_is() {
    let (_dir, path) = place();
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE theirs (x)").unwrap();
    let before = std::fs::read(&path).unwrap();
    assert_eq!(refusal(&path), SpoolErrorKind::Foreign);
    assert_eq!(SpoolReader::open(&path).unwrap_err().kind(), SpoolErrorKind::Foreign);
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn a_damaged_file_is_named_so() {
    let dir = tempfile::tempdir().unwrap();
    let garbage = dir.path().join("garbage.db");
    std::fs::write(&garbage, "this is no database, and long enough to be sure of it\n".repeat(100)).unwrap();
    assert_eq!(refusal(&garbage), SpoolErrorKind::Corrupt);
    assert_eq!(SpoolReader::open(&garbage).unwrap_err().kind(), SpoolErrorKind::Corrupt);

    let torn = dir.path().join("torn.db");
    drop(spool_at(&torn, "me"));
    let mut bytes = std::fs::read(&torn).unwrap();
    bytes[100..4096].fill(0x5a);
    std::fs::write(&torn, bytes).unwrap();
    assert_eq!(refusal(&torn), SpoolErrorKind::Corrupt);
}

#[test]
fn the_log_of_a_deleted_database_is_not_played_into_a_new_one() {
    let dir = tempfile::tempdir().unwrap();
    let (path, log) = (dir.path().join("x.db"), dir.path().join("x.db-wal"));
    let mut old = spool_at(&path, "me");
    write(&mut old, |batch| (0..100).for_each(|number| drop(ring(batch, number, &["ci"]))));
    let left = std::fs::read(&log).unwrap();
    drop(old);
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&log, left).unwrap();

    let new = spool_at(&path, "me");
    assert_eq!(counts(&new).pending, 0);
    let verdict: String = new.conn.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(verdict, "ok");
    let vacuum: i64 = new.conn.pragma_query_value(None, "auto_vacuum", |row| row.get(0)).unwrap();
    assert_eq!(vacuum, 2, "a spool made in place is like any other");
}

#[test]
fn a_writer_that_waited_in_vain_says_busy_and_gets_its_turn_later() {
    let (_dir, path) = place();
    let (mut one, mut two) = (spool_at(&path, "one"), spool_at(&path, "two"));
    two.conn.busy_timeout(Duration::from_millis(10)).unwrap();
    let held = one.begin().unwrap();
    let fault = two.begin().err().unwrap();
    assert_eq!((fault.kind(), fault.is_transient()), (SpoolErrorKind::Busy, true));
    drop(held);
    write(&mut two, |batch| ring(batch, 1, &["ci"]));
}

#[test]
fn a_newcomer_gets_its_turn_beside_writers_that_never_pause() {
    let (_dir, path) = place();
    drop(spool_at(&path, "first"));
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        for writer in 0..3u32 {
            let (path, stop) = (&path, &stop);
            scope.spawn(move || {
                let mut spool = spool_at(path, &writer.to_string());
                let mut number = writer * 1_000_000;
                while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                    let mut batch = spool.begin().unwrap();
                    ring(&mut batch, number, &["ci"]);
                    std::thread::sleep(Duration::from_millis(5));
                    batch.commit().unwrap();
                    number += 1;
                }
            });
        }
        for newcomer in 0..20 {
            let opened = Spool::open(&SpoolPath::File(path.clone()), &format!("n{newcomer}"));
            let written = opened.and_then(|mut spool| spool.begin().and_then(|batch| batch.commit()));
            if let Err(fault) = written {
                stop.store(true, std::sync::atomic::Ordering::Relaxed);
                panic!("{fault}");
            }
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    });
}

#[test]
fn a_reader_makes_no_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("none.db");
    let fault = SpoolReader::open(&path).unwrap_err();
    assert_eq!(fault.kind(), SpoolErrorKind::Missing);
    assert!(fault.to_string().contains("no spool at"), "{fault}");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn a_path_that_looks_like_a_uri_is_a_path() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file:x.db?mode=memory");
    if cfg!(windows) {
        return; // such a name cannot exist there
    }
    drop(spool_at(&path, "me"));
    assert!(path.exists());
}

#[cfg(unix)]
mod forbidden {
    use super::super::super::{Spool, SpoolErrorKind};
    use super::super::crash::child;
    use super::super::spool_at;
    use crate::spool::SpoolPath;
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    #[test]
    fn the_file_and_its_log_are_the_owners_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deep/down/x.db");
        let _spool = spool_at(&path, "me");
        for suffix in ["", "-wal", "-shm"] {
            let file = path.with_file_name(format!("x.db{suffix}"));
            assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{}", file.display());
        }
    }

    /// What an ordinary user may not write is refused. The superuser may write anything, so the trial
    /// runs as a child under another user when the tests run as one.
    #[test]
    fn a_place_that_may_not_be_written_is_named_so() {
        let dir = tempfile::tempdir().unwrap();
        let open = |path: &Path, mode| set_permissions(path, Permissions::from_mode(mode)).unwrap();
        open(dir.path(), 0o755);
        let closed = dir.path().join("closed");
        drop(spool_at(&closed.join("there.db"), "me"));
        open(&closed.join("there.db"), 0o444);
        open(&closed, 0o555);
        let output =
            child("spool::tests::faults::forbidden::refuse", &closed).demoted(dir.path()).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        open(&closed, 0o755);
        assert!(output.status.success() && text.contains("refused: 3"), "{output:?}");
    }

    /// The child of the trial above; without its variable it has nothing to do.
    #[test]
    fn refuse() {
        let Some(closed) = super::super::crash::given_path() else { return };
        let kind = |path: &Path| {
            Spool::open(&SpoolPath::File(path.to_owned()), "me").map(drop).map_err(|fault| fault.kind())
        };
        let places = ["new.db", "there.db", "below/new.db"];
        let refused =
            places.iter().filter(|name| kind(&closed.join(name)) == Err(SpoolErrorKind::ReadOnly)).count();
        println!("refused: {refused} {:?}", places.map(|name| kind(&closed.join(name))));
    }
}
