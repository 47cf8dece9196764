//! Who else has written to the spool, and what: cheap questions of a process that shares it.

use super::{Batch, Spool, SpoolError};
use rusqlite::{Connection, OptionalExtension};

impl Spool {
    /// The instances that keep something under keys of this kind, `kind/instance/…`.
    pub fn keepers(&self, kind: &str) -> Result<Vec<String>, SpoolError> {
        keepers(&self.conn, kind).map_err(SpoolError::at(&self.path))
    }
}

impl Batch<'_> {
    /// A number that changes when another process has written to the file, and only then.
    pub fn version(&mut self) -> Result<i64, SpoolError> {
        self.run(|transaction, _| version(transaction))
    }

    /// As [`Spool::keepers`], as of this transaction.
    pub fn keepers(&mut self, kind: &str) -> Result<Vec<String>, SpoolError> {
        self.run(|transaction, _| keepers(transaction, kind))
    }

    /// The value kept under a key, as of this transaction.
    pub fn state(&mut self, key: &str) -> Result<Option<Vec<u8>>, SpoolError> {
        self.run(|transaction, _| state(transaction, key))
    }
}

pub(super) fn version(conn: &Connection) -> rusqlite::Result<i64> {
    conn.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))
}

pub(super) fn state(conn: &Connection, key: &str) -> rusqlite::Result<Option<Vec<u8>>> {
    conn.prepare_cached("SELECT value FROM state WHERE key = ?1")?
        .query_row([key], |row| row.get(0))
        .optional()
}

/// From one instance straight to the next: the keys between are not read.
fn keepers(conn: &Connection, kind: &str) -> rusqlite::Result<Vec<String>> {
    let mut next = conn.prepare_cached("SELECT min(key) FROM state WHERE key >= ?1")?;
    let mut found = Vec::new();
    let mut from = kind.to_owned();
    loop {
        let key: Option<String> = next.query_row([&from], |row| row.get(0))?;
        let Some((instance, _)) =
            key.as_deref().and_then(|key| key.strip_prefix(kind)).and_then(|rest| rest.split_once('/'))
        else {
            return Ok(found);
        };
        // The character after the slash.
        from = format!("{kind}{instance}0");
        found.push(instance.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spool::SpoolPath;

    #[test]
    fn who_keeps_something_is_seen_and_whether_others_have_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = SpoolPath::File(folder.path().join("bell.db"));
        let (mut one, mut two) = (Spool::open(&path, "one").unwrap(), Spool::open(&path, "two").unwrap());
        let put = |spool: &mut Spool, keys: &[&str]| {
            let mut batch = spool.batch().unwrap();
            keys.iter().for_each(|key| batch.put_state(key, Some(b"1")).unwrap());
            batch.commit().unwrap();
        };
        let start = version(&one.conn).unwrap();
        put(&mut one, &["batch/aa/x", "batch/aa/y/z", "batcha", "batch0", "c/dd/e"]);
        assert_eq!(version(&one.conn).unwrap(), start, "its own writing is no news");
        put(&mut two, &["batch/ab/1", "batch/0f/\u{10ffff}", "a/b/c"]);
        assert_ne!(version(&one.conn).unwrap(), start);
        assert_eq!(one.keepers("batch/").unwrap(), ["0f", "aa", "ab"]);
        assert!(one.keepers("taken/").unwrap().is_empty());
        let seen = version(&one.conn).unwrap();
        put(&mut two, &["batch/ab/2"]);
        let mut batch = one.batch().unwrap();
        assert_ne!(batch.version().unwrap(), seen, "inside a transaction too");
        batch.put_state("batch/aa/x", None).unwrap();
        let inside = batch.version().unwrap();
        assert_eq!(batch.keepers("batch/").unwrap(), ["0f", "aa", "ab"]);
        assert_eq!(batch.state("batch/aa/x").unwrap(), None);
        batch.commit().unwrap();
        assert_eq!(version(&one.conn).unwrap(), inside);
        let keys: Vec<String> = one.states("batch/").unwrap().into_iter().map(|(key, _)| key).collect();
        assert_eq!(keys, ["batch/0f/\u{10ffff}", "batch/aa/y/z", "batch/ab/1", "batch/ab/2"]);
    }
}
