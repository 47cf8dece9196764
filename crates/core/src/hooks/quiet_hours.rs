//! Quiet hours: a daily interval in a time zone.

use jiff::Timestamp;
use jiff::civil::{DateTime, Time};
use jiff::tz::{Offset, TimeZone};

/// Two times of day in a time zone; the interval spans midnight when the second is the earlier one.
#[derive(Debug, Clone)]
pub struct QuietHours {
    from: Time,
    to: Time,
    zone: TimeZone,
}

impl QuietHours {
    /// The hours from `from` (inclusive) to `to`.
    pub fn new((from, to): (Time, Time), zone: TimeZone) -> QuietHours {
        QuietHours { from, to, zone }
    }

    /// Parses `22:00-07:00`.
    ///
    /// # Errors
    /// A sentence when the text has another form, or the two times are the same.
    pub fn parse_times(text: &str) -> Result<(Time, Time), String> {
        let form =
            || format!("`{}` is not two times of the day such as \"22:00-07:00\"", text.escape_debug());
        let (from, to) = text.split_once('-').ok_or_else(form)?;
        let times = (time_of_day(from).ok_or_else(form)?, time_of_day(to).ok_or_else(form)?);
        if times.0 == times.1 {
            return Err(format!("`{text}` begins and ends at the same time: that is never, or always"));
        }
        Ok(times)
    }

    /// The zone of an IANA name or an offset such as `+02:00`; the system's own by default.
    ///
    /// # Errors
    /// A sentence when the zone does not exist, or the system does not know its own.
    pub fn parse_zone(name: Option<&str>) -> Result<TimeZone, String> {
        let Some(name) = name else {
            return TimeZone::try_system()
                .map_err(|_| "the system does not say its time zone; give `quiet_zone`".to_owned());
        };
        if let Some(zone) = offset(name) {
            return Ok(TimeZone::fixed(zone));
        }
        TimeZone::get(name).map_err(|_| {
            format!(
                "there is no time zone `{}`: give an IANA name such as \"Europe/Berlin\" (and see that the \
                 system has its time zone database), or an offset such as \"+02:00\"",
                name.escape_debug()
            )
        })
    }

    /// The end of the quiet hours that contain this time, in Unix milliseconds; `None` outside of them.
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

fn time_of_day(text: &str) -> Option<Time> {
    let (hour, minute) = text.trim().split_once(':')?;
    let number = |text: &str| -> Option<i8> {
        let digits = (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        if digits { text.parse().ok() } else { None }
    };
    if minute.len() != 2 {
        return None;
    }
    Time::new(number(hour)?, number(minute)?, 0, 0).ok()
}

fn offset(text: &str) -> Option<Offset> {
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let time = time_of_day(text.get(1..)?)?;
    let minutes = i32::from(time.hour()) * 60 + i32::from(time.minute());
    if minutes > 14 * 60 {
        return None;
    }
    Offset::from_seconds(sign * minutes * 60).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{parse_rfc3339, rfc3339};

    fn hours(times: &str, zone: &str) -> QuietHours {
        let zone = QuietHours::parse_zone(Some(zone)).unwrap();
        QuietHours::new(QuietHours::parse_times(times).unwrap(), zone)
    }

    fn end(hours: &QuietHours, now: &str) -> Option<String> {
        hours.end_after(parse_rfc3339(now).unwrap()).map(rfc3339)
    }

    #[test]
    fn quiet_hours_end_in_the_morning_of_their_zone() {
        let berlin = hours("22:00-07:00", "Europe/Berlin");
        let end = |now| end(&berlin, now);
        assert_eq!(end("2026-01-10T20:59:59Z"), None);
        assert_eq!(end("2026-01-10T21:00:00Z").as_deref(), Some("2026-01-11T06:00:00.000Z"));
        assert_eq!(end("2026-01-11T03:00:00Z").as_deref(), Some("2026-01-11T06:00:00.000Z"));
        assert_eq!(end("2026-01-11T06:00:00Z"), None);
        assert_eq!(end("2026-07-10T20:00:00Z").as_deref(), Some("2026-07-11T05:00:00.000Z"), "summer");
    }

    #[test]
    fn quiet_hours_have_one_end_when_clocks_change() {
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

    #[test]
    fn malformed_hours_and_zones_are_refused_with_an_example() {
        for bad in
            ["", "22-7", "22:00", "25:00-07:00", "22:60-07:00", "07:00-07:00", "a:00-b:00", "-1:00-2:00"]
        {
            assert!(QuietHours::parse_times(bad).is_err(), "{bad}");
        }
        for bad in ["Europe/Atlantis", "", "+25:00", "+2", "02:00", "../etc/passwd"] {
            assert!(QuietHours::parse_zone(Some(bad)).unwrap_err().contains("Europe/Berlin"), "{bad}");
        }
    }
}
