use super::super::{Home, Intake};
use super::*;
use proptest::prelude::*;
use std::sync::atomic::{AtomicUsize, Ordering};

const OTHER: &str = "00000000000000aa";

/// The bytes of a ring after these payloads were pushed, the first `released` of them read and
/// released, as a killed process would leave them.
fn image(payloads: &[Vec<u8>], released: usize) -> (Vec<u8>, Vec<Record>) {
    let folder = tempfile::tempdir().unwrap();
    let spool = folder.path().join("bell.db");
    let intake = Intake::open(&Home::Beside(spool.clone()), 1);
    assert_eq!(intake.fallback(), None);
    for payload in &payloads[..released] {
        intake.push("task.complete", payload).unwrap();
    }
    intake.read(usize::MAX, &mut Vec::new());
    intake.release();
    for payload in &payloads[released..] {
        intake.push("task.complete", payload).unwrap();
    }
    let bytes = fs::read(&lock::list(&spool).unwrap()[0].path).unwrap();
    let mut records = Vec::new();
    intake.read(usize::MAX, &mut records);
    assert_eq!(records.len(), payloads.len() - released);
    (bytes, records)
}

fn payloads(count: usize) -> Vec<Vec<u8>> {
    (0..count)
        .map(|number| format!("{{\"id\":\"{number}\",\"x\":{:?}}}", "y".repeat(number * 7)).into())
        .collect()
}

fn records_and_torn(bytes: &[u8]) -> Result<(Vec<Record>, usize), HeaderError> {
    RingImage::read(bytes).unwrap().map(|image| image.records_and_torn())
}

fn file_position(at: u64) -> usize {
    PAGE_BYTES + (at % 65_536) as usize
}

fn orphan(bytes: &[u8]) -> (tempfile::TempDir, PathBuf, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let spool = folder.path().join("bell.db");
    let path = folder.path().join(format!("bell.db.{OTHER}.ring"));
    fs::write(&path, bytes).unwrap();
    (folder, spool, path)
}

#[test]
fn a_ring_that_went_round_is_read_across_its_end() {
    let mut many = vec![vec![1; 30_000], vec![2; 30_000]];
    many.extend(payloads(60));
    let (bytes, records) = image(&many, 2);
    assert!(records.first().unwrap().ticket < 65_536 && records.last().unwrap().ticket > 65_536);
    assert_eq!(records_and_torn(&bytes), Ok((records, 0)));
}

#[test]
fn a_file_cut_at_any_byte_gives_the_records_before_the_cut() {
    let (bytes, records) = image(&payloads(12), 0);
    let end = file_position(records.last().unwrap().ticket);
    for cut in 0..end + 16 {
        let found = records_and_torn(&bytes[..cut]);
        if cut < PAGE_BYTES {
            assert!(found.is_err() || found.unwrap().0.is_empty(), "cut at {cut}");
            continue;
        }
        let whole = |record: &&Record| {
            let padding = (8 - record.payload.len() % 8) % 8;
            file_position(record.ticket - 1) + 1 - padding <= cut
        };
        let expected: Vec<_> = records.iter().filter(whole).cloned().collect();
        assert_eq!(found.unwrap().0, expected, "cut at {cut}");
    }
}

#[test]
fn a_record_torn_at_any_byte_is_left_out_and_its_neighbours_are_not() {
    let (bytes, records) = image(&payloads(5), 0);
    let (from, to) = (records[1].ticket, records[2].ticket);
    for torn_at in from + 8..to {
        let mut torn = bytes.clone();
        // Reserved, copied up to here, never committed.
        let length = torn[file_position(from)..][..4].to_vec();
        torn[file_position(from)..file_position(from) + 8].fill(0);
        torn[file_position(torn_at)..file_position(to)].fill(0);
        let (found, count) = records_and_torn(&torn).unwrap();
        let expected: Vec<_> = [0, 1, 3, 4].map(|index| records[index].clone()).into();
        assert_eq!((found, count), (expected.clone(), 1), "torn at {torn_at}");
        // The same with the reservation written.
        let shape = taskbell_ring::Extent::of(13, records[2].payload.len()).unwrap();
        let seal = Seal::new(u64::from_le_bytes(bytes[24..32].try_into().unwrap()));
        let state = seal.reserved(from, shape).to_le_bytes();
        assert_eq!(state[..3], length[..3]);
        torn[file_position(from)..file_position(from) + 8].copy_from_slice(&state);
        assert_eq!(records_and_torn(&torn), Ok((expected, 1)), "torn at {torn_at}, reserved");
    }
}

#[test]
fn a_payload_that_looks_like_a_record_is_none() {
    let (bytes, records) = image(&payloads(3), 0);
    let inner = bytes[PAGE_BYTES..file_position(records[2].ticket)].to_vec();
    let (mut outer, whole) = image(&[vec![b'x'; 16], inner, b"{}".to_vec()], 0);
    outer[file_position(whole[0].ticket)..][..8].fill(0);
    let expected = vec![whole[0].clone(), whole[2].clone()];
    assert_eq!(records_and_torn(&outer), Ok((expected, 1)));
}

#[test]
fn a_process_killed_while_it_cleared_room_leaves_nothing_torn() {
    let (mut bytes, records) = image(&payloads(6), 0);
    let spooled = records[3].ticket;
    bytes[17 * 8..18 * 8].copy_from_slice(&spooled.to_le_bytes());
    bytes[PAGE_BYTES..file_position(spooled) - 40].fill(0);
    assert_eq!(records_and_torn(&bytes), Ok((records[4..].to_vec(), 0)));
}

proptest! {
    #![proptest_config(crate::property::cases(400))]

    #[test]
    fn whatever_happened_to_a_file_no_wrong_record_comes_out(
        count in 1_usize..40,
        released in 0_usize..40,
        changes in prop::collection::vec((0_usize..PAGE_BYTES + 12_000, any::<u8>()), 0..12),
        positions in prop::collection::vec((0_usize..2, any::<u64>()), 0..2),
        cut in 0_usize..PAGE_BYTES + 80_000,
    ) {
        let (mut bytes, records) = image(&payloads(count), released.min(count));
        for (index, value) in changes {
            bytes[index] = value;
        }
        for (which, value) in positions {
            let index = [16, 17][which] * 8;
            bytes[index..index + 8].copy_from_slice(&(value % 200_000).to_le_bytes());
        }
        bytes.truncate(cut);
        if let Ok((found, _)) = records_and_torn(&bytes) {
            let mut originals = records.iter();
            for record in &found {
                prop_assert!(originals.any(|original| original == record), "{record:?}");
            }
        }
    }

    #[test]
    fn rubbish_is_refused(bytes in prop::collection::vec(any::<u8>(), 0..9000)) {
        if let Ok((found, _)) = records_and_torn(&bytes) {
            prop_assert!(found.is_empty());
        }
    }
}

#[test]
fn a_ring_is_removed_only_after_it_was_taken() {
    let (bytes, records) = image(&payloads(4), 0);
    let (_folder, spool, path) = orphan(&bytes);
    let refused = Intake::adopt_orphans(&spool, |_, _| false);
    assert!(path.exists());
    assert_eq!((refused.records, refused.troubles.len()), (0, 1));
    let taken = Intake::adopt_orphans(&spool, |instance, found| {
        assert!(path.exists(), "not before it is spooled");
        assert_eq!((instance, &found.records), (OTHER, &records));
        true
    });
    assert!(!path.exists());
    let expected = AdoptReport { instances: vec![OTHER.into()], records: 4, ..AdoptReport::default() };
    assert_eq!(taken, expected);
}

#[test]
fn a_living_ring_is_not_adopted() {
    let folder = tempfile::tempdir().unwrap();
    let spool = folder.path().join("bell.db");
    let intake = Intake::open(&Home::Beside(spool.clone()), 1);
    intake.push("task.complete", b"{}").unwrap();
    let report = Intake::adopt_orphans(&spool, |_, _| panic!("it lives"));
    assert_eq!(report, AdoptReport::default());
    assert_eq!(Intake::live_instances(&spool).unwrap(), [intake.instance()]);
}

#[test]
fn of_two_that_adopt_at_once_only_one_gets_it() {
    let (bytes, _) = image(&payloads(4), 0);
    for _ in 0..40 {
        let (_folder, spool, path) = orphan(&bytes);
        let taken = AtomicUsize::new(0);
        let barrier = std::sync::Barrier::new(3);
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    barrier.wait();
                    let report = Intake::adopt_orphans(&spool, |_, content| {
                        taken.fetch_add(content.records.len(), Ordering::Relaxed);
                        true
                    });
                    assert_eq!(report.troubles, [""; 0]);
                });
            }
        });
        assert_eq!(taken.load(Ordering::Relaxed), 4);
        assert!(!path.exists());
    }
}

#[test]
fn a_newer_ring_is_left_alone_and_a_damaged_one_is_put_aside() {
    let (bytes, _) = image(&payloads(2), 0);
    let mut newer = bytes.clone();
    newer[8] = 3;
    let check = crc32fast::hash(&newer[..32]);
    newer[32..40].copy_from_slice(&u64::from(check).to_le_bytes());
    let (_folder, spool, path) = orphan(&newer);
    let report = Intake::adopt_orphans(&spool, |_, _| panic!("it cannot be read"));
    assert!(report.troubles[0].contains("format 3"), "{report:?}");
    assert_eq!(fs::read(&path).unwrap(), newer);

    let (folder, spool, path) = orphan(b"no ring at all");
    let report = Intake::adopt_orphans(&spool, |_, _| panic!("it cannot be read"));
    assert_eq!(report.troubles.len(), 1, "{report:?}");
    let aside = folder.path().join(format!("bell.db.{OTHER}.ring.bad"));
    assert_eq!(fs::read(aside).unwrap(), b"no ring at all");
    assert!(!path.exists());
    assert_eq!(Intake::adopt_orphans(&spool, |_, _| true), AdoptReport::default());
}

#[test]
fn a_ring_that_was_still_being_made_is_removed_in_silence() {
    for bytes in [&[][..], &[0; 8000]] {
        let (folder, spool, path) = orphan(bytes);
        let unlocked = folder.path().join("bell.db.00000000000000bb.ring.new");
        fs::write(&unlocked, "").unwrap();
        assert_eq!(Intake::adopt_orphans(&spool, |_, _| false), AdoptReport::default());
        assert!(!path.exists() && !unlocked.exists());
    }
}

#[cfg(unix)]
#[test]
fn a_name_that_is_no_regular_file_is_reported_and_not_opened() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join(format!("bell.db.{OTHER}.ring"))).unwrap();
    let report = Intake::adopt_orphans(&folder.path().join("bell.db"), |_, _| true);
    assert!(report.troubles[0].contains("not a regular file"), "{report:?}");
}
