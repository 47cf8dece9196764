//! Template filters for times: `unix`, `date`, `ago`. Each takes what a host may write for a time.

use super::filters::reject_undefined;
use super::quantities::duration;
use super::strftime::{SYSTEM_ZONE, strftime};
use super::strings::ENGLISH;
use crate::clock::{self, HostTime};
use crate::json::json;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use minijinja::value::Kwargs;
use minijinja::{Environment, Error, ErrorKind, State, Value};
use serde_json::Value as Json;

const FORMAT: &str = "%Y-%m-%d %H:%M";

pub(super) fn install(engine: &mut Environment<'static>) {
    engine.add_filter("unix", |time: Value| -> Result<i64, Error> {
        Ok(read("unix", &time)?.div_euclid(1000))
    });
    engine.add_filter("date", date);
    engine.add_filter("ago", |state: &State, time: Value| -> Result<String, Error> {
        let seconds = (event_time(state) - read("ago", &time)?) as f64 / 1000.0;
        let words = duration(seconds.abs(), &ENGLISH.units);
        Ok(if seconds < 0.0 { format!("in {words}") } else { format!("{words} ago") })
    });
}

/// `date(format, zone)`: the time in the zone of an IANA name, or else of the system, in a format as of `strftime(3)`.
fn date(time: Value, format: Option<String>, zone: Option<String>, named: Kwargs) -> Result<String, Error> {
    let format = match format {
        Some(format) => format,
        None => named.get::<Option<String>>("format")?.unwrap_or_else(|| FORMAT.to_owned()),
    };
    let zone = match zone {
        Some(zone) => Some(zone),
        None => named.get::<Option<String>>("zone")?,
    };
    named.assert_all_used()?;
    let at = Timestamp::from_millisecond(read("date", &time)?)
        .map_err(|_| invalid("`date`: this time is out of range"))?;
    let zone = match zone {
        Some(name) => TimeZone::get(&name).map_err(|_| {
            invalid(format!("`date`: no time zone is called `{name}`; names are as in Europe/Berlin"))
        })?,
        None => SYSTEM_ZONE.clone(),
    };
    strftime(&format, at, &zone)
        .ok_or_else(|| invalid(format!("`date`: `{format}` is not a format of strftime")))
}

/// Unix milliseconds.
fn read(filter: &str, value: &Value) -> Result<i64, Error> {
    reject_undefined(value)?;
    let json = match (value.as_str(), f64::try_from(value.clone())) {
        (Some(text), _) => json!(text),
        (None, Ok(number)) => json!(number),
        (None, Err(_)) => Json::Null,
    };
    HostTime::read(&json).and_then(HostTime::instant).ok_or_else(|| {
        invalid(format!("`{filter}` needs a time with a zone (`2026-11-29T22:15:00Z`) or in Unix seconds, this is `{value}`"))
    })
}

/// When the event happened, so that each attempt sends the same bytes.
fn event_time(state: &State) -> i64 {
    let timestamp = state.lookup("event").and_then(|event| event.get_attr("timestamp").ok());
    timestamp.and_then(|at| clock::parse_rfc3339(at.as_str()?)).unwrap_or_else(clock::unix_ms)
}

fn invalid(reason: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidOperation, reason.into())
}

#[cfg(test)]
mod tests {
    use super::super::expr::engine;
    use super::super::json_value::from_json;
    use serde_json::json;

    fn rendered(source: &str) -> Result<String, String> {
        let context = json!({
            "event": {"timestamp": "2026-11-29T22:15:00.500Z"},
            "at": "2026-11-29T22:00:00+01:00", "late": "2026-11-30T00:00:00Z", "ms": 1_700_000_000_123_i64, "early": -1.5,
            "zoneless": "2026-11-29 22:00:00", "text": "soon",
        });
        engine().render_str(source, from_json(&context)).map_err(|error| error.to_string())
    }

    #[test]
    fn a_time_is_written_as_the_template_asks() {
        for (source, wanted) in [
            ("{{ at | unix }}", "1795986000"),
            ("{{ ms | unix }}", "1700000000"),
            ("{{ at | date(zone='Asia/Shanghai') }}", "2026-11-30 05:00"),
            ("{{ at | date('%d.%m. %H:%M', 'Europe/Berlin') }}", "29.11. 22:00"),
            ("{{ at | ago }}", "1 h 15 min ago"),
            ("{{ late | ago }}", "in 1 h 45 min"),
        ] {
            assert_eq!(rendered(source).as_deref(), Ok(wanted), "{source}");
        }
        assert!(rendered("{{ at | date }}").unwrap().starts_with("2026-11-"));
    }

    #[test]
    fn what_is_no_time_is_an_error_that_says_so() {
        for (source, reason) in [
            ("{{ zoneless | unix }}", "needs a time with a zone"),
            ("{{ text | ago }}", "this is `soon`"),
            ("{{ early | unix }}", "this is `-1.5`"),
            ("{{ [1] | date }}", "needs a time"),
            ("{{ missing | date }}", "missing"),
            ("{{ at | date(zone='Mars/Base') }}", "no time zone is called `Mars/Base`"),
            ("{{ at | date('%!') }}", "`%!` is not a format"),
        ] {
            let error = rendered(source).unwrap_err();
            assert!(error.contains(reason), "{source}: {error}");
        }
    }
}
