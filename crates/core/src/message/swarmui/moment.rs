//! The tags of time: of the task's start, as the machine's own clock on the wall shows it.

use crate::{clock, os};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// The first of January 1970 was a Thursday.
const DAYS: [&str; 7] = ["Thursday", "Friday", "Saturday", "Sunday", "Monday", "Tuesday", "Wednesday"];

/// A point in time with the offset of its place from UTC.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    local_ms: i64,
}

impl Moment {
    /// This time (Unix milliseconds) in the machine's own time zone; in UTC where that is unknown.
    pub fn here(unix_ms: i64) -> Moment {
        let offset_s = os::local_offset_s(unix_ms.div_euclid(1000)).unwrap_or(0);
        Moment::at_offset(unix_ms, offset_s)
    }

    /// This time (Unix milliseconds) where clocks are so many seconds before UTC.
    pub fn at_offset(unix_ms: i64, offset_s: i32) -> Moment {
        Moment { local_ms: unix_ms.saturating_add(i64::from(offset_s) * 1000) }
    }

    /// The value of a tag of time, by its cleaned name.
    pub fn tag(self, name: &str) -> Option<String> {
        let day_number = self.local_ms.div_euclid(86_400_000);
        let ms = self.local_ms.rem_euclid(86_400_000);
        let (year, month, day) = clock::civil_from_days(day_number);
        let name_in = |names: &[&str], index: i64| {
            usize::try_from(index).ok().and_then(|index| names.get(index)).map(|name| (*name).to_owned())
        };
        match name {
            "year" => Some(format!("{year:04}")),
            "month" => Some(format!("{month:02}")),
            "monthname" => name_in(&MONTHS, month - 1),
            "day" => Some(format!("{day:02}")),
            "dayname" => name_in(&DAYS, day_number.rem_euclid(7)),
            "hour" => Some(format!("{:02}", ms / 3_600_000)),
            "minute" => Some(format!("{:02}", ms / 60_000 % 60)),
            "second" => Some(format!("{:02}", ms / 1000 % 60)),
            "millisecond" => Some(format!("{:03}", ms % 1000)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(moment: Moment) -> String {
        let names =
            ["dayname", "day", "monthname", "month", "year", "hour", "minute", "second", "millisecond"];
        names.map(|name| moment.tag(name).unwrap()).join(" ")
    }

    #[test]
    fn a_moment_is_shown_where_it_is() {
        // 2021-02-25T15:02:10.007Z
        let at = 1_614_265_330_007;
        assert_eq!(shown(Moment::at_offset(at, 0)), "Thursday 25 February 02 2021 15 02 10 007");
        assert_eq!(shown(Moment::at_offset(at, 9 * 3600)), "Friday 26 February 02 2021 00 02 10 007");
        assert_eq!(shown(Moment::at_offset(0, -1)), "Wednesday 31 December 12 1969 23 59 59 000");
        assert_eq!(Moment::at_offset(at, 0).tag("week"), None);
    }

    #[test]
    fn the_own_time_zone_is_within_a_day_of_utc() {
        let offset = os::local_offset_s(1_614_265_330).unwrap_or(0);
        assert!(offset.abs() < 86_400, "{offset}");
        assert_eq!(
            shown(Moment::here(1_614_265_330_007)),
            shown(Moment::at_offset(1_614_265_330_007, offset))
        );
    }
}
