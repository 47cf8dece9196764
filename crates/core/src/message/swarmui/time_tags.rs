//! The tags of time: the start of the task in the system's time zone.

use crate::message::strftime::{SYSTEM_ZONE, strftime};
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// The value of a tag of time by its cleaned name.
pub(super) fn time_tag(name: &str, unix_ms: i64) -> Option<String> {
    time_tag_in(name, unix_ms, &SYSTEM_ZONE)
}

fn time_tag_in(name: &str, unix_ms: i64, zone: &TimeZone) -> Option<String> {
    let format = match name {
        "year" => "%Y",
        "month" => "%m",
        "monthname" => "%B",
        "day" => "%d",
        "dayname" => "%A",
        "hour" => "%H",
        "minute" => "%M",
        "second" => "%S",
        "millisecond" => "%3f",
        _ => return None,
    };
    strftime(format, Timestamp::from_millisecond(unix_ms).ok()?, zone)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::tz::Offset;

    fn shown(unix_ms: i64, offset_s: i32) -> String {
        let zone = TimeZone::fixed(Offset::from_seconds(offset_s).unwrap());
        let names =
            ["dayname", "day", "monthname", "month", "year", "hour", "minute", "second", "millisecond"];
        names.map(|name| time_tag_in(name, unix_ms, &zone).unwrap()).join(" ")
    }

    #[test]
    fn a_time_is_shown_in_its_zone() {
        // 2021-02-25T15:02:10.007Z
        let at = 1_614_265_330_007;
        assert_eq!(shown(at, 0), "Thursday 25 February 02 2021 15 02 10 007");
        assert_eq!(shown(at, 9 * 3600), "Friday 26 February 02 2021 00 02 10 007");
        assert_eq!(shown(0, -1), "Wednesday 31 December 12 1969 23 59 59 000");
        assert_eq!(time_tag("week", at), None);
    }

    #[test]
    fn the_system_zone_is_used() {
        let at = 1_614_265_330_007;
        let offset = SYSTEM_ZONE.to_offset(Timestamp::from_millisecond(at).unwrap()).seconds();
        assert_eq!(time_tag("hour", at), shown(at, offset).split(' ').nth(5).map(str::to_owned));
    }
}
