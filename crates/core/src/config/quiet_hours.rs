//! Parses `quiet_hours` and `quiet_zone`.

use jiff::civil::Time;
use jiff::tz::{Offset, TimeZone};

/// Two different times of the day: `22:00-07:00`.
pub(super) fn parse_times(text: &str) -> Result<(Time, Time), String> {
    let form = || format!("`{}` is not two times of the day such as \"22:00-07:00\"", text.escape_debug());
    let (from, to) = text.split_once('-').ok_or_else(form)?;
    let times = (time_of_day(from).ok_or_else(form)?, time_of_day(to).ok_or_else(form)?);
    if times.0 == times.1 {
        return Err(format!("`{text}` starts and ends at the same time: choose two different times"));
    }
    Ok(times)
}

/// The zone with this IANA name or offset (`+02:00`); the system's own when none is given.
pub(super) fn parse_zone(name: Option<&str>) -> Result<TimeZone, String> {
    let Some(name) = name else {
        return TimeZone::try_system()
            .map_err(|_| "the system's time zone is unknown: set `quiet_zone`".to_owned());
    };
    if let Some(zone) = offset(name) {
        return Ok(TimeZone::fixed(zone));
    }
    TimeZone::get(name).map_err(|_| {
        format!(
            "unknown time zone `{}`: use an IANA name such as \"Europe/Berlin\" (the system must have its time zone \
             database), or an offset such as \"+02:00\"",
            name.escape_debug()
        )
    })
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

    #[test]
    fn times_and_zones_are_parsed() {
        let time = |hour, minute| Time::constant(hour, minute, 0, 0);
        assert_eq!(parse_times("22:00-07:30"), Ok((time(22, 0), time(7, 30))));
        assert_eq!(parse_times("1:00 - 2:00"), Ok((time(1, 0), time(2, 0))));
        for (text, seconds) in [("+02:00", 7200), ("-03:30", -12_600), ("+14:00", 50_400)] {
            let zone = parse_zone(Some(text)).unwrap();
            assert_eq!(zone.to_fixed_offset().unwrap().seconds(), seconds, "{text}");
        }
        assert_eq!(parse_zone(Some("Europe/Berlin")).unwrap().iana_name(), Some("Europe/Berlin"));
    }

    #[test]
    fn errors_say_what_to_write() {
        for bad in
            ["", "22-7", "22:00", "25:00-07:00", "22:60-07:00", "07:00-07:00", "a:00-b:00", "-1:00-2:00"]
        {
            assert!(parse_times(bad).is_err(), "{bad}");
        }
        for bad in ["Europe/Atlantis", "", "+25:00", "+2", "02:00", "../etc/passwd"] {
            assert!(parse_zone(Some(bad)).unwrap_err().contains("Europe/Berlin"), "{bad}");
        }
    }
}
