//! The hours of a day in which nobody is to be disturbed, in a time zone.

use jiff::Timestamp;
use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;

/// Two times of the day in a time zone; past midnight when the second is the earlier one.
#[derive(Debug, Clone)]
pub struct QuietHours {
    from: Time,
    to: Time,
    zone: TimeZone,
}

impl QuietHours {
    /// The hours between two times of the day, the first one included.
    pub fn new((from, to): (Time, Time), zone: TimeZone) -> QuietHours {
        QuietHours { from, to, zone }
    }

    /// When the hours that hold now end, in Unix milliseconds; `None` outside of them.
    pub fn end_after(&self, unix_ms: i64) -> Option<i64> {
        let now = self.zone.to_datetime(Timestamp::from_millisecond(unix_ms).ok()?);
        let (time, overnight) = (now.time(), self.from > self.to);
        let (quiet, tomorrow) = if overnight {
            (time >= self.from || time < self.to, time >= self.from)
        } else {
            (time >= self.from && time < self.to, false)
        };
        let end = if quiet { self.end_on(now, tomorrow)?.as_millisecond() } else { return None };
        // Where clocks are put back, the end of the hours comes twice: the later one counts.
        (end > unix_ms).then_some(end)
    }

    fn end_on(&self, now: DateTime, tomorrow: bool) -> Option<Timestamp> {
        let day = if tomorrow { now.date().tomorrow().ok()? } else { now.date() };
        self.zone.to_ambiguous_timestamp(day.to_datetime(self.to)).later().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{parse_rfc3339, rfc3339};
    use jiff::tz::Offset;

    fn hours(times: &str, zone: &str) -> QuietHours {
        let time = |text: &str| text.parse::<Time>().unwrap();
        let (from, to) = times.split_once('-').unwrap();
        let zone = match zone {
            "+02:00" => TimeZone::fixed(Offset::constant(2)),
            "-03:30" => TimeZone::fixed(Offset::from_seconds(-12_600).unwrap()),
            name => TimeZone::get(name).unwrap(),
        };
        QuietHours::new((time(from), time(to)), zone)
    }

    fn end(hours: &QuietHours, now: &str) -> Option<String> {
        hours.end_after(parse_rfc3339(now).unwrap()).map(rfc3339)
    }

    #[test]
    fn the_night_ends_in_the_morning_of_its_zone() {
        let berlin = hours("22:00-07:00", "Europe/Berlin");
        let end = |now| end(&berlin, now);
        assert_eq!(end("2026-01-10T20:59:59Z"), None);
        assert_eq!(end("2026-01-10T21:00:00Z").as_deref(), Some("2026-01-11T06:00:00.000Z"));
        assert_eq!(end("2026-01-11T03:00:00Z").as_deref(), Some("2026-01-11T06:00:00.000Z"));
        assert_eq!(end("2026-01-11T06:00:00Z"), None);
        assert_eq!(end("2026-07-10T20:00:00Z").as_deref(), Some("2026-07-11T05:00:00.000Z"), "summer");
    }

    #[test]
    fn the_nights_when_clocks_change_have_one_end() {
        let berlin = hours("22:00-07:00", "Europe/Berlin");
        assert_eq!(end(&berlin, "2026-03-28T22:00:00Z").as_deref(), Some("2026-03-29T05:00:00.000Z"));
        assert_eq!(end(&berlin, "2026-10-24T21:00:00Z").as_deref(), Some("2026-10-25T06:00:00.000Z"));
        let gap = hours("01:00-02:30", "Europe/Berlin");
        assert_eq!(
            end(&gap, "2026-03-29T00:30:00Z").as_deref(),
            Some("2026-03-29T01:30:00.000Z"),
            "02:30 is not"
        );
        let twice = hours("01:00-02:30", "Europe/Berlin");
        assert_eq!(end(&twice, "2026-10-25T00:10:00Z").as_deref(), Some("2026-10-25T01:30:00.000Z"));
    }

    #[test]
    fn hours_within_a_day_and_fixed_offsets() {
        let noon = hours("12:00-13:30", "+02:00");
        assert_eq!(end(&noon, "2026-01-10T09:59:59Z"), None);
        assert_eq!(end(&noon, "2026-01-10T10:00:00Z").as_deref(), Some("2026-01-10T11:30:00.000Z"));
        assert_eq!(end(&noon, "2026-01-10T11:30:00Z"), None);
        assert!(end(&hours("12:00-13:30", "-03:30"), "2026-01-10T16:00:00Z").is_some());
    }
}
