use super::super::{AdoptReport, Intake, lock};
use super::*;
use std::os::unix::fs::{PermissionsExt, symlink};

const CAPACITY: usize = 65_536;

/// A folder in memory, and one on disk with the path of a spool in it. `None` where no memory-backed
/// file system is to be had.
fn folders() -> Option<(tempfile::TempDir, tempfile::TempDir, PathBuf)> {
    let shared = Path::new("/dev/shm");
    os::memory_backed_room(shared).filter(|room| *room > 16 * CAPACITY as u64)?;
    let disk = tempfile::tempdir().unwrap();
    let spool = disk.path().join("bell.db");
    let memory = tempfile::tempdir_in(shared).unwrap();
    fs::set_permissions(memory.path(), fs::Permissions::from_mode(0o700)).unwrap();
    Some((memory, disk, spool))
}

fn open(memory: &Path, spool: &Path) -> Intake {
    let intake = Intake::open_at(Some(spool), Some(memory.to_owned()), CAPACITY);
    assert_eq!(intake.fallback(), None);
    intake
}

fn ring_file(intake: &Intake) -> PathBuf {
    let claim = intake.claim.as_ref().unwrap();
    claim.ring.as_ref().unwrap_or(&claim.path).clone()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
}

/// Ends an intake as a kill does: nothing is tidied up, and the lock goes.
fn abandon(memory: &Path, spool: &Path, payloads: &[&str]) -> (String, PathBuf) {
    let intake = open(memory, spool);
    for payload in payloads {
        intake.push("task.complete", payload.as_bytes()).unwrap();
    }
    let left = (intake.instance().to_owned(), ring_file(&intake));
    // What was pushed and not released makes the drop leave everything.
    drop(intake);
    left
}

fn adopt(spool: &Path) -> (AdoptReport, Vec<String>) {
    let mut found = Vec::new();
    let report = Intake::adopt_orphans(spool, |_, content| {
        found.extend(content.records.into_iter().map(|record| String::from_utf8(record.payload).unwrap()));
        true
    });
    (report, found)
}

#[test]
fn a_ring_in_memory_is_for_its_user_only_and_goes_with_a_clean_end() {
    let Some((memory, disk, spool)) = folders() else { return };
    let intake = open(memory.path(), &spool);
    let ring = ring_file(&intake);
    assert_eq!(ring.parent(), Some(memory.path()));
    assert_eq!(fs::metadata(&ring).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(Intake::live_instances(&spool).unwrap(), [intake.instance()]);
    intake.push("task.complete", b"{}").unwrap();
    intake.read(usize::MAX, &mut Vec::new());
    intake.release();
    assert_eq!(intake.used(), 0);
    drop(intake);
    assert!(names(memory.path()).is_empty() && names(disk.path()).is_empty());
}

#[test]
fn a_ring_in_memory_is_adopted_through_the_claim_beside_the_spool() {
    let Some((memory, disk, spool)) = folders() else { return };
    let (instance, ring) = abandon(memory.path(), &spool, &["{\"n\":1}", "{\"n\":2}"]);
    let refused = Intake::adopt_orphans(&spool, |_, _| false);
    assert_eq!((refused.records, refused.troubles.len()), (0, 1));
    assert!(ring.exists(), "not before it is taken");
    let (report, found) = adopt(&spool);
    assert_eq!((report.instances, report.records), (vec![instance], 2));
    assert_eq!(report.troubles, [""; 0]);
    assert_eq!(found, ["{\"n\":1}", "{\"n\":2}"]);
    assert!(names(memory.path()).is_empty() && names(disk.path()).is_empty());
}

#[test]
fn memory_that_was_cleared_is_reported_and_the_claim_is_removed() {
    let Some((memory, disk, spool)) = folders() else { return };
    let (_, ring) = abandon(memory.path(), &spool, &["{}"]);
    fs::remove_file(&ring).unwrap();
    let (report, found) = adopt(&spool);
    assert!(found.is_empty());
    assert!(report.troubles[0].contains(&ring.display().to_string()), "{report:?}");
    assert!(names(disk.path()).is_empty());
    assert_eq!(adopt(&spool).0, AdoptReport::default());
}

#[test]
fn a_file_that_took_the_place_of_a_ring_is_neither_read_nor_removed() {
    let Some((memory, disk, spool)) = folders() else { return };
    for linked in [false, true] {
        let (_, ring) = abandon(memory.path(), &spool, &["{}"]);
        let aside = memory.path().join("aside");
        fs::rename(&ring, &aside).unwrap();
        if linked {
            symlink(&aside, &ring).unwrap();
        } else {
            fs::copy(&aside, &ring).unwrap();
        }
        let (report, found) = adopt(&spool);
        assert!(found.is_empty());
        assert_eq!(report.troubles.len(), 1, "{report:?}");
        assert!(ring.exists() && !names(disk.path()).is_empty());
        fs::remove_file(&ring).unwrap();
        adopt(&spool);
    }
}

#[test]
fn a_ring_with_another_key_is_not_believed() {
    let Some((memory, _disk, spool)) = folders() else { return };
    let (_, ring) = abandon(memory.path(), &spool, &["{}"]);
    let (_, other) = abandon(memory.path(), &spool, &["{}"]);
    let bytes = fs::read(&other).unwrap();
    fs::write(&ring, bytes).unwrap();
    let (report, found) = adopt(&spool);
    assert_eq!(found.len(), 1, "the other one is sound");
    assert!(report.troubles[0].contains("another key"), "{report:?}");
}

#[test]
fn a_damaged_pointer_is_put_aside() {
    let Some((memory, disk, spool)) = folders() else { return };
    let (instance, _) = abandon(memory.path(), &spool, &["{}"]);
    let claim = disk.path().join(format!("bell.db.{instance}.ring"));
    let mut text = fs::read(&claim).unwrap();
    let at = text.len() / 2;
    text[at] ^= 1;
    fs::write(&claim, text).unwrap();
    let (report, found) = adopt(&spool);
    assert!(found.is_empty());
    assert!(report.troubles[0].contains("damaged"), "{report:?}");
    assert!(disk.path().join(format!("bell.db.{instance}.ring.bad")).exists());
}

#[test]
fn a_process_that_died_while_it_made_its_ring_leaves_nothing() {
    let Some((memory, disk, spool)) = folders() else { return };
    let mut claim = lock::create(&spool, "00112233445566aa").unwrap();
    create(memory.path(), "00112233445566aa", 8192, 7, &mut claim).unwrap();
    drop(claim);
    assert_eq!(names(memory.path()).len(), 1, "zeros, and a pointer to them");
    assert_eq!(adopt(&spool), (AdoptReport::default(), Vec::new()));
    assert!(names(memory.path()).is_empty() && names(disk.path()).is_empty());
}

#[test]
fn a_folder_that_is_not_ours_alone_is_not_used() {
    let Some((memory, _disk, spool)) = folders() else { return };
    fs::set_permissions(memory.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let beside = open(memory.path(), &spool);
    assert_eq!(ring_file(&beside).parent(), spool.parent());
    fs::set_permissions(memory.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let link = memory.path().join("link");
    symlink(memory.path(), &link).unwrap();
    assert_eq!(ring_file(&open(&link, &spool)).parent(), spool.parent());
}

#[test]
fn a_folder_on_a_disk_or_with_too_little_room_is_not_used() {
    let Some((memory, disk, spool)) = folders() else { return };
    let on_disk = disk.path().join("rings");
    if os::memory_backed_room(disk.path()).is_none() {
        assert_eq!(ring_file(&open(&on_disk, &spool)).parent(), spool.parent());
    }
    let room = os::memory_backed_room(memory.path()).unwrap();
    let mut claim = lock::create(&spool, "00112233445566aa").unwrap();
    let error = create(memory.path(), "00112233445566aa", room as usize, 7, &mut claim).err().unwrap();
    assert!(error.to_string().contains("too little"), "{error}");
    assert!(names(memory.path()).is_empty());
    assert_eq!(claim.file.metadata().unwrap().len(), 0);
}
