use super::*;
use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < deadline, "{what}");
        thread::sleep(Duration::from_millis(1));
    }
}

fn rings(folder: &Path) -> usize {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    names.filter(|name| name.to_string_lossy().contains(".ring")).count()
}

#[test]
fn a_ring_beside_the_spool_takes_events_and_leaves_no_file_when_all_is_released() {
    let folder = tempfile::tempdir().unwrap();
    let intake = Intake::open(&Home::Beside(folder.path().join("bell.db")), 100_000);
    assert_eq!(intake.fallback(), None);
    assert_eq!(intake.capacity(), 131_072);
    assert_eq!((intake.newest_ticket(), intake.is_drained()), (0, true));
    let accepted = intake.push("task.complete", b"{\"id\":1}").unwrap();
    assert_eq!((intake.newest_ticket(), intake.is_drained()), (accepted.ticket, false));
    let mut records = Vec::new();
    intake.read(usize::MAX, &mut records);
    let record = &records[0];
    assert_eq!((record.ticket, record.id), (accepted.ticket, accepted.id));
    assert_eq!((record.kind.as_str(), &record.payload[..]), ("task.complete", &b"{\"id\":1}"[..]));
    assert!((clock::unix_ms() - record.accepted_at).abs() < 60_000);
    assert!(intake.is_drained() && intake.used() > 0);
    assert_eq!(intake.read_ticket(), accepted.ticket);
    intake.release();
    assert_eq!(intake.used(), 0);
    assert_eq!(rings(folder.path()), 1);
    assert_eq!(intake.used(), 0);
    drop(intake);
    assert_eq!(rings(folder.path()), 0);
}

#[test]
fn an_instance_that_has_left_is_not_there_any_more_though_somebody_holds_it() {
    let folder = tempfile::tempdir().unwrap();
    let spool = folder.path().join("bell.db");
    let intake = Intake::open(&Home::Beside(spool.clone()), 1);
    intake.push("task.complete", b"{}").unwrap();
    intake.read(usize::MAX, &mut Vec::new());
    intake.release();
    intake.leave();
    assert!(Intake::live_instances(&spool).unwrap().is_empty());
    assert_eq!(rings(folder.path()), 0);
    drop(intake);
}

#[test]
fn an_instance_that_has_left_something_hands_it_over_though_somebody_holds_it() {
    let folder = tempfile::tempdir().unwrap();
    let spool = folder.path().join("bell.db");
    let intake = Intake::open(&Home::Beside(spool.clone()), 1);
    let accepted = intake.push("task.complete", b"{}").unwrap();
    intake.leave();
    let mut ids = Vec::new();
    Intake::adopt_orphans(&spool, |_, content| {
        ids.extend(content.records.iter().map(|record| record.id));
        true
    });
    assert_eq!(ids, [accepted.id]);
    assert!(Intake::live_instances(&spool).unwrap().is_empty());
    drop(intake);
    assert_eq!(rings(folder.path()), 0);
}

#[test]
fn a_ring_that_cannot_be_a_file_is_in_memory_and_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let spool = folder.path().join("missing/bell.db");
    let intake = Intake::open(&Home::Beside(spool.clone()), 1);
    let reason = intake.fallback().unwrap();
    assert!(reason.contains(&spool.display().to_string()), "{reason}");
    intake.push("task.complete", b"{}").unwrap();
    let mut records = Vec::new();
    intake.read(usize::MAX, &mut records);
    assert_eq!(records.len(), 1);
    assert_eq!(Intake::open(&Home::Memory, 1).fallback(), None);
}

#[cfg(target_os = "linux")]
#[test]
fn an_instance_without_room_for_its_ring_still_counts_as_living() {
    // Every write to /dev/full fails for lack of room, as on a full disk.
    let full = OpenOptions::new().read(true).write(true).open("/dev/full").unwrap();
    let error = Region::map(&full, PAGE_BYTES + MIN_CAPACITY).err().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let spool = folder.path().join("bell.db");
    let claim = claim_file(&spool, "0123456789abcdef").unwrap();
    let reason = fallback_reason(&claim.path, &error);
    assert!(reason.contains("No space left"), "{reason}");
    assert_eq!(Intake::live_instances(&spool).unwrap(), ["0123456789abcdef"]);
    drop(claim);
    assert_eq!(Intake::adopt_orphans(&spool, |_, _| false), AdoptReport::default());
    assert_eq!(rings(folder.path()), 0);
}

const FOLDER: &str = "TASKBELL_TEST_KILLED_HOST";
const THREADS: u64 = 3;

/// A host that is to be killed: threads that push and write down each event once it is accepted, and
/// a dispatcher that writes down what it has read before it releases it.
#[test]
fn killed_host() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else { return };
    let intake = Arc::new(Intake::open(&Home::Beside(folder.join("bell.db")), 1));
    for thread in 0..THREADS {
        let intake = Arc::clone(&intake);
        let mut accepted = log(&folder, &format!("accepted-{thread}"));
        thread::spawn(move || {
            for number in 0_u64.. {
                let payload = format!("{thread}-{number}-{}", "p".repeat((number % 300) as usize));
                while intake.push("task.complete", payload.as_bytes()).is_err() {
                    thread::yield_now();
                }
                accepted.write_all(&number.to_le_bytes()).unwrap();
            }
        });
    }
    let mut spooled = log(&folder, "spooled");
    let mut records = Vec::new();
    loop {
        intake.read(20_000, &mut records);
        let payloads: String = records.drain(..).map(|record| text(&record) + "\n").collect();
        spooled.write_all(payloads.as_bytes()).unwrap();
        intake.release();
        thread::sleep(Duration::from_millis(2));
    }
}

fn log(folder: &Path, name: &str) -> File {
    OpenOptions::new().create(true).append(true).open(folder.join(name)).unwrap()
}

fn text(record: &Record) -> String {
    String::from_utf8(record.payload.clone()).unwrap()
}

fn start_host(folder: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "intake::tests::killed_host", "--test-threads=1"])
        .env(FOLDER, folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn whatever_a_killed_process_accepted_is_spooled_or_adopted() {
    let mut accepted_in_all = 0;
    for round in 0..12_u64 {
        let folder = tempfile::tempdir().unwrap();
        let mut host = start_host(folder.path());
        let size = |name: &str| fs::metadata(folder.path().join(name)).map_or(0, |about| about.len());
        until("the host runs", || size("spooled") > 0);
        thread::sleep(Duration::from_micros(round * 3137 % 20_000));
        assert!(Intake::adopt_orphans(&folder.path().join("bell.db"), |_, _| true).instances.is_empty());
        host.kill().unwrap();
        host.wait().unwrap();

        let mut found: HashSet<String> = HashSet::new();
        let report = Intake::adopt_orphans(&folder.path().join("bell.db"), |_, content| {
            found.extend(content.records.iter().map(text));
            true
        });
        assert_eq!((report.instances.len(), report.troubles.len()), (1, 0), "{report:?}");
        assert!(report.torn <= THREADS as usize, "{report:?}");
        let spooled = fs::read_to_string(folder.path().join("spooled")).unwrap();
        found.extend(spooled.lines().map(str::to_owned));
        for thread in 0..THREADS {
            let log = fs::read(folder.path().join(format!("accepted-{thread}"))).unwrap();
            for number in 0..log.len() as u64 / 8 {
                let payload = format!("{thread}-{number}-{}", "p".repeat((number % 300) as usize));
                assert!(found.contains(&payload), "{thread}-{number} was accepted and is lost");
                accepted_in_all += 1;
            }
        }
        assert_eq!(rings(folder.path()), 0);
    }
    assert!(accepted_in_all > 1000, "the hosts were under load");
}
