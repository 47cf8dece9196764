//! Processes that die, and processes that write at the same time. A child is this test program again,
//! told by a variable which file to work on.

use super::super::{Filter, Reader, SpoolReader};
use super::{adopt, place, ring, spool_at, waiting, write};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const VARIABLE: &str = "TASKBELL_TRIAL_SPOOL";

/// The file a child is to work on; `None` in the test run itself.
pub(super) fn given_path() -> Option<PathBuf> {
    std::env::var_os(VARIABLE).map(PathBuf::from)
}

pub(super) struct Child {
    program: PathBuf,
    test: &'static str,
    path: PathBuf,
    nobody: bool,
}

/// A child that runs one test of this program on a file.
pub(super) fn child(test: &'static str, path: &Path) -> Child {
    Child { program: std::env::current_exe().unwrap(), test, path: path.to_owned(), nobody: false }
}

impl Child {
    /// Runs as an ordinary user when this process is the superuser, from a copy which that user can
    /// reach.
    #[cfg(unix)]
    pub(super) fn demoted(mut self, dir: &Path) -> Self {
        use std::os::unix::fs::MetadataExt;
        if dir.metadata().unwrap().uid() == 0 {
            let copy = dir.join("child");
            std::fs::copy(&self.program, &copy).unwrap();
            self.program = copy;
            self.nobody = true;
        }
        self
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(["--exact", self.test, "--nocapture", "--test-threads", "1"]);
        command.env(VARIABLE, &self.path).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        #[cfg(unix)]
        if self.nobody {
            use std::os::unix::process::CommandExt;
            command.gid(65_534).uid(65_534).current_dir("/");
        }
        command
    }

    pub(super) fn output(self) -> std::io::Result<std::process::Output> {
        self.command().output()
    }
}

#[test]
fn a_killed_writer_loses_its_open_batch_and_nothing_that_was_committed() {
    let (_dir, path) = place();
    let mut process = child("spool::tests::crash::write_until_killed", &path).command().spawn().unwrap();
    let lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let mut committed = 0;
    for line in lines.map(Result::unwrap) {
        if let Some(number) = line.strip_prefix("committed ") {
            committed = number.parse().unwrap();
        }
        if line == "in a batch" && committed >= 300 {
            break;
        }
    }
    process.kill().unwrap();
    process.wait().unwrap();
    let log = path.with_file_name("x.db-wal");
    let left = log.metadata().unwrap().len();
    assert!(left > 0, "the log is what was left");

    let reader = SpoolReader::open(&path).unwrap();
    let seen = reader.list(&Filter { limit: usize::MAX, ..Filter::default() }).unwrap().len();
    assert_eq!(seen, committed, "a reader sees through the log that the dead one left");
    drop(reader);
    assert_eq!(log.metadata().unwrap().len(), left, "a reader leaves everything as it is");

    let mut spool = spool_at(&path, "next");
    assert_eq!(adopt(&mut spool, &[], 0), committed);
    assert_eq!(waiting(&spool, "ci").len(), committed);
    let verdict: String = spool.conn.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(verdict, "ok");
}

/// The child of the trial above: commits a hundred rows at a time, then fills a batch until it is
/// larger than the page cache, so that part of it is in the log already.
#[test]
fn write_until_killed() {
    let Some(path) = given_path() else { return };
    let mut spool = spool_at(&path, "victim");
    for round in 0..3 {
        write(&mut spool, |batch| {
            (0..100).for_each(|number| drop(ring(batch, round * 100 + number, &["ci"])))
        });
        println!("committed {}", (round + 1) * 100);
    }
    let mut batch = spool.begin().unwrap();
    (1000..21_000).for_each(|number| drop(ring(&mut batch, number, &["ci"])));
    println!("in a batch");
    loop {
        std::thread::park();
    }
}

#[test]
fn two_processes_write_one_new_spool_at_once() {
    let (_dir, path) = place();
    let mut children: Vec<_> = (0..2)
        .map(|_| child("spool::tests::crash::write_beside_another", &path).command().spawn().unwrap())
        .collect();
    for process in &mut children {
        assert!(process.wait().unwrap().success());
    }
    let reader = SpoolReader::open(&path).unwrap();
    assert_eq!(reader.counts().unwrap().pending, 2 * 50 * 20);
}

/// The child of the trial above.
#[test]
fn write_beside_another() {
    let Some(path) = given_path() else { return };
    let pid = std::process::id();
    let mut spool = spool_at(&path, &format!("writer-{pid}"));
    for round in 0..50 {
        let mut batch = spool.begin().unwrap();
        let first = (pid % 40_000) * 100_000 + round * 20;
        (first..first + 20).for_each(|number| drop(ring(&mut batch, number, &["ci"])));
        batch.commit().unwrap();
    }
    assert_eq!(waiting(&spool, "ci").len(), 50 * 20);
}
