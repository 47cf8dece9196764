//! The keys of a hook that delay, combine or repeat its messages.

use super::escalation;
use super::hook_keys::keys;
use super::quiet_hours::parse_zone;
use super::table_reader::TableReader;
use crate::hooks::{Quiet, QuietHours, Shaping};

/// `endpoints` are the configured names, `to` those of the hook.
pub(super) fn read(table: &TableReader<'_>, endpoints: &[&str], to: &[String]) -> Shaping {
    let escalate = table.has(&keys::ESCALATE).then(|| table.table(&keys::ESCALATE));
    let shaping = Shaping {
        cooldown: table.read(&keys::COOLDOWN),
        cooldown_by: table.read(&keys::COOLDOWN_BY),
        digest: table.read(&keys::DIGEST),
        supersede: table.read(&keys::SUPERSEDE),
        live: table.read(&keys::LIVE),
        ttl: table.read(&keys::TTL),
        quiet: read_quiet(table),
        escalate: escalate.and_then(|table| escalation::read(&table, endpoints, to)),
    };
    if table.has(&keys::SUPERSEDE) && table.has(&keys::DIGEST) {
        let message = "`supersede` and `digest` exclude each other: a digest keeps every message";
        table.error(&keys::SUPERSEDE, message);
    }
    let excluded = [
        (keys::DIGEST.name, "a digest has no state of one thing"),
        (
            keys::COOLDOWN.name,
            "it would keep back the last state; `[queue] progress` says how often one is made",
        ),
        (keys::QUIET_HOURS.name, "a held state cannot be the last"),
        (keys::SUPERSEDE.name, "of a living message only the newest state waits anyhow"),
    ];
    for (key, reason) in excluded.into_iter().filter(|(key, _)| table.has(&keys::LIVE) && table.has(*key)) {
        table.error(&keys::LIVE, format!("`live` and `{key}` exclude each other: {reason}"));
    }
    let (cooldown, hours) = (keys::COOLDOWN.name, keys::QUIET_HOURS.name);
    let dependent = [
        (keys::COOLDOWN_BY.name, cooldown),
        (keys::QUIET_ZONE.name, hours),
        (keys::QUIET_EXCEPT.name, hours),
    ];
    for (key, needs) in dependent {
        if table.has(key) && !table.has(needs) {
            table.error(key, format!("`{key}` has no effect without `{needs}`"));
        }
    }
    if let (Some(ttl), Some(escalate)) = (shaping.ttl, &shaping.escalate)
        && ttl <= escalate.after
    {
        let message = "`ttl` ends before `escalate.after`: a message that does not arrive becomes stale before it \
                       can escalate";
        table.warn(&keys::TTL, message);
    }
    shaping
}

fn read_quiet(table: &TableReader<'_>) -> Option<Quiet> {
    let zone = table.read_string(&keys::QUIET_ZONE);
    let except = table.read(&keys::QUIET_EXCEPT);
    let times = table.read(&keys::QUIET_HOURS)?;
    let place = if zone.is_some() { keys::QUIET_ZONE.name } else { keys::QUIET_HOURS.name };
    let zone = parse_zone(zone.as_deref()).map_err(|message| table.error(place, message)).ok()?;
    Some(Quiet { hours: QuietHours::new(times, zone), except })
}
