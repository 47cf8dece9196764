//! Writes a time in a format of `strftime(3)`. Written here because the formats of `jiff` bring its parsers and the
//! texts of all their errors, a fiftieth of the whole library.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use once_cell::sync::Lazy;

/// The system's zone. Read once, so that a later change of the environment is never raced; UTC where it is unknown.
pub(super) static SYSTEM_ZONE: Lazy<TimeZone> = Lazy::new(|| TimeZone::try_system().unwrap_or(TimeZone::UTC));

/// A time in Unix milliseconds for a card: `2026-11-29 22:15 CET`.
pub(super) fn local(unix_ms: i64) -> Option<String> {
    strftime("%Y-%m-%d %H:%M %Z", Timestamp::from_millisecond(unix_ms).ok()?, &SYSTEM_ZONE)
}

const MONTHS: &str = "January February March April May June July August September October November December";

/// The time in this zone, with English names; `None` for a format with a conversion that is none of these.
pub(super) fn strftime(format: &str, at: Timestamp, zone: &TimeZone) -> Option<String> {
    let (time, offset) = (zone.to_datetime(at), zone.to_offset_info(at));
    let within = |format: &str| strftime(format, at, zone);
    let mut text = String::new();
    let mut rest = format.chars();
    while let Some(character) = rest.next() {
        if character != '%' {
            text.push(character);
            continue;
        }
        let mut conversion = rest.next()?;
        let unpadded = conversion == '-';
        if unpadded {
            conversion = rest.next()?;
        }
        let number = |value: i64, width: usize| {
            if unpadded { value.to_string() } else { format!("{value:0width$}") }
        };
        let weekday = format!("{:?}", time.weekday());
        let month = MONTHS.split(' ').nth(usize::try_from(time.month() - 1).ok()?)?;
        text += &match conversion {
            'Y' => number(time.year().into(), 4),
            'y' => number(time.year().rem_euclid(100).into(), 2),
            'm' => number(time.month().into(), 2),
            'B' => (*month).to_owned(),
            'b' | 'h' => month.get(..3)?.to_owned(),
            'd' => number(time.day().into(), 2),
            'e' => format!("{:2}", time.day()),
            'j' => number(time.date().day_of_year().into(), 3),
            'A' => weekday,
            'a' => weekday.get(..3)?.to_owned(),
            'H' => number(time.hour().into(), 2),
            'I' => number((i64::from(time.hour()) + 11) % 12 + 1, 2),
            'p' => if time.hour() < 12 { "AM" } else { "PM" }.to_owned(),
            'M' => number(time.minute().into(), 2),
            'S' => number(time.second().into(), 2),
            '3' if rest.next() == Some('f') => number(time.millisecond().into(), 3),
            's' => at.as_second().to_string(),
            'z' => {
                let minutes = offset.offset().seconds() / 60;
                let sign = if minutes < 0 { '-' } else { '+' };
                format!("{sign}{:02}{:02}", minutes.abs() / 60, minutes.abs() % 60)
            }
            'Z' => offset.abbreviation().to_owned(),
            'F' => within("%Y-%m-%d")?,
            'D' => within("%m/%d/%y")?,
            'T' => within("%H:%M:%S")?,
            'R' => within("%H:%M")?,
            'n' => "\n".to_owned(),
            't' => "\t".to_owned(),
            '%' => "%".to_owned(),
            _ => return None,
        };
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::fmt::strtime;

    #[test]
    fn each_conversion_writes_what_the_time_library_writes() {
        let zones =
            ["Europe/Berlin", "America/St_Johns", "Asia/Shanghai"].map(|name| TimeZone::get(name).unwrap());
        for at in [0, 1_614_265_330_007, 1_767_225_599_999, 951_782_400_000, -1, 1_782_000_000_123] {
            let at = Timestamp::from_millisecond(at).unwrap();
            for zone in &zones {
                for conversion in
                    "Y y m B b h d e j A a H I p M S s z Z F D T R n t % -Y -m -d -H -I -M -j 3f".split(' ')
                {
                    let format = format!("a%{conversion}é");
                    let wanted = strtime::format(&format, &at.to_zoned_datetime(zone.clone())).unwrap();
                    assert_eq!(strftime(&format, at, zone), Some(wanted), "{conversion}");
                }
            }
        }
    }

    #[test]
    fn an_unknown_conversion_is_refused() {
        for format in ["%", "%-", "%!", "%3", "%3d", "%k"] {
            assert_eq!(strftime(format, Timestamp::UNIX_EPOCH, &TimeZone::UTC), None, "{format}");
        }
    }
}
