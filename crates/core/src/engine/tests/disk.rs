//! A disk that is full, and has room again.

use super::{PATIENCE, Place, Receiver, emit, eventually, stat};
use crate::engine::{Bell, ErrorKind};
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// A small file system in memory; unmounted when dropped. `None` where this process may not mount one.
struct SmallDisk {
    at: PathBuf,
}

impl SmallDisk {
    fn mount(at: &Path) -> Option<SmallDisk> {
        fs::create_dir(at).unwrap();
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=4m", "tmpfs"]).arg(at).output();
        mounted.is_ok_and(|output| output.status.success()).then(|| SmallDisk { at: at.to_owned() })
    }

    /// Fills it to the last byte.
    fn fill(&self) {
        use std::io::Write;
        let mut file = fs::File::create(self.at.join("filling")).unwrap();
        for size in [64 * 1024, 4096, 1] {
            while file.write_all(&vec![b'x'; size]).is_ok() {}
        }
    }

    fn free(&self) {
        fs::remove_file(self.at.join("filling")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.at).output();
    }
}

fn on_small_disk(receiver: &Receiver) -> Option<(SmallDisk, Place)> {
    let mut place = Place::ringing(receiver.port);
    let disk = SmallDisk::mount(&place.beside("disk"))?;
    place.config["spool"]["path"] = json!(disk.at.join("bell.db"));
    place.config["queue"]["max_event_bytes"] = json!("16KiB");
    place.config["queue"]["max_bytes"] = json!("64KiB");
    Some((disk, place))
}

/// Emits until the call is refused; says how many were taken.
fn emit_until_refused(bell: &Bell, from: u64) -> u64 {
    let start = Instant::now();
    let filling = "z".repeat(1000);
    let mut number = from;
    loop {
        match bell.emit("test.event", json!({"n": number, "filling": filling}).to_string().as_bytes()) {
            Ok(_) => number += 1,
            Err(refused) if refused.kind == ErrorKind::Spool => return number - from,
            Err(refused) => {
                assert_eq!(refused.kind, ErrorKind::QueueFull, "{refused}");
                assert!(start.elapsed() < PATIENCE, "{refused}");
                std::thread::sleep(Duration::from_millis(5));
            }
        }
    }
}

#[test]
fn a_full_disk_refuses_when_the_ring_is_full_and_loses_nothing_when_it_has_room_again() {
    let receiver = Receiver::answering(Some((204, "")));
    let Some((disk, place)) = on_small_disk(&receiver) else { return };
    let bell = place.open();
    emit(&bell, 0..3);
    eventually("three", || stat(&bell, "delivered") == 3);
    disk.fill();
    let taken = emit_until_refused(&bell, 3);
    assert!(taken > 10, "the ring keeps what was accepted: {taken}");
    assert_eq!(stat(&bell, "spool_failing"), true);
    assert_eq!(bell.sync(Duration::from_millis(50)).unwrap_err().kind, ErrorKind::Spool);
    disk.free();
    eventually("everything", || stat(&bell, "delivered") == 3 + taken);
    assert_eq!(receiver.numbers().len() as u64, 3 + taken);
    assert_eq!(stat(&bell, "spool_failing"), false);
    bell.close(PATIENCE).unwrap();
}

#[test]
fn close_keeps_its_time_on_a_full_disk_and_the_next_start_delivers() {
    let receiver = Receiver::answering(Some((204, "")));
    let Some((disk, place)) = on_small_disk(&receiver) else { return };
    let bell = place.open();
    emit(&bell, 0..1);
    eventually("one", || stat(&bell, "delivered") == 1);
    disk.fill();
    let taken = emit_until_refused(&bell, 1);
    let start = Instant::now();
    bell.close(Duration::from_millis(300)).unwrap();
    let took = start.elapsed();
    // The promise is 250 ms over the limit; the rest is for a crowded test machine.
    assert!(took < Duration::from_millis(300 + 250 + 1000), "{took:?}");
    drop(bell);
    disk.free();
    let next = place.open();
    eventually("everything", || receiver.numbers().len() as u64 == 1 + taken);
    next.close(PATIENCE).unwrap();
}
