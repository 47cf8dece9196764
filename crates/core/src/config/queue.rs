//! `[queue]`.

use super::declaration::DefaultValue::{None as Absent, Toml};
use super::declaration::{ConfigKey, ConfigTable, config_table, key};
use super::settings::QueueSettings;
use super::table_reader::TableReader;
use super::units;
use super::value_types::{Choice, DurationRange, SizeRange, choice, duration, size};

config_table! {
    keys: ConfigTable::new("Limits for events that the host hands over, and the end of a queue.");
    MAX_EVENT_BYTES: SizeRange = key(
        "max_event_bytes", size("1KiB", "16MiB"), Toml("\"1MiB\""),
        "The largest payload of an event; a larger one is refused.",
    );
    MAX_BYTES: SizeRange = key(
        "max_bytes", size("64KiB", "1GiB"), Toml("\"2MiB\""),
        "The most bytes that wait for the spool; at least twice `max_event_bytes`.",
    );
    END_DELAY: DurationRange = key(
        "end_delay", duration("0s", "1h"), Toml("\"1s\""),
        "How long a queue must stay empty before `queue.end` is made.",
    );
    IDLE_END: DurationRange = key(
        "idle_end", duration("1s", "7d"), Absent,
        "Ends a queue when the host reports nothing for this long after a task. Choose more than any task takes.",
    );
    BATCH_STALL: DurationRange = key(
        "batch_stall", duration("1s", "30d"), Absent,
        "How long a batch may make no progress before `batch.stalled` is made.",
    );
    PROGRESS: DurationRange = key(
        "progress", duration("1s", "1d"), Absent,
        "How often `queue.progress` and `batch.progress` are made at most, while tasks complete and a hook listens.",
    );
    RING: Choice<bool> = key(
        "ring", choice(&["auto", "beside"], &[false, true]), Toml("\"auto\""),
        "Where events wait for the spool. `auto`: in a memory-backed file where the system has one, else next to the \
         spool. `beside`: always next to the spool.",
    );
}

pub(super) fn read(table: &TableReader<'_>) -> QueueSettings {
    let max_event = table.read(&keys::MAX_EVENT_BYTES);
    let max = table.read(&keys::MAX_BYTES);
    if let (Some(max_event), Some(max)) = (max_event, max)
        && max < max_event * 2
    {
        let key = if table.has(&keys::MAX_BYTES) { &keys::MAX_BYTES } else { &keys::MAX_EVENT_BYTES };
        let min = units::show_size(max_event * 2);
        let message = format!("`max_bytes` must be at least twice `max_event_bytes`: {min} or more");
        table.error(key, message);
    }
    let bytes = |size: Option<u64>| usize::try_from(size.unwrap_or_default()).unwrap_or(usize::MAX);
    QueueSettings {
        max_event_bytes: bytes(max_event),
        max_bytes: bytes(max),
        end_delay: table.read(&keys::END_DELAY).unwrap_or_default(),
        idle_end: table.read(&keys::IDLE_END),
        batch_stall: table.read(&keys::BATCH_STALL),
        progress: table.read(&keys::PROGRESS),
        ring_beside_spool: table.read(&keys::RING).unwrap_or_default(),
    }
}
