//! Which deliveries `replay` and `drop` mean.

use super::failure::Failure;
use super::source;
use std::path::PathBuf;
use taskbell_core::clock;
use taskbell_core::intake;
use taskbell_core::spool::{DeliverySelection, Operator, SpoolError};

/// The arguments that choose.
#[derive(Debug, clap::Args)]
pub struct Meant {
    /// A configuration (`.toml`, `.json`), or the spool itself (`.db`)
    #[arg(value_name = "CONFIG|SPOOL.db")]
    pub source: String,
    /// An event's id (`evt_…`, its first eight digits or more), or the number of a delivery
    pub id: Option<String>,
    /// All dead letters
    #[arg(long)]
    pub dead: bool,
    /// Only deliveries to this endpoint
    #[arg(long, value_name = "NAME")]
    pub endpoint: Option<String>,
    /// Only what ended, or was made and waits, since then: `2026-11-24T04:00:00Z`, or a span such as `2h`
    #[arg(long, value_name = "TIME", value_parser = instant)]
    pub since: Option<i64>,
}

/// A spool that an operator lays hands on.
pub struct Grip {
    /// The hand.
    pub hand: Operator,
    /// Where the spool lies.
    pub path: PathBuf,
    /// What is meant.
    pub choice: DeliverySelection,
}

impl Meant {
    /// Opens the spool for a change.
    pub fn grip(&self) -> Result<Grip, Failure> {
        let path = source::open(&self.source)?.reader.path().to_owned();
        let hand = Operator::open(&path).map_err(|error| unwilling(&error))?;
        let choice = DeliverySelection {
            id: self.id.clone(),
            state: None,
            endpoint: self.endpoint.clone(),
            since_ms: self.since,
        };
        Ok(Grip { hand, path, choice })
    }

    /// Nothing fits.
    pub fn nothing(&self, what: &str) -> Failure {
        let meant = match &self.id {
            Some(id) => format!("there is no `{}` among {what}", id.escape_debug()),
            None => format!("none of {what} fits the options"),
        };
        Failure::new(meant, format!("`taskbell list {} --dead` lists the dead letters", self.source))
    }
}

impl Grip {
    /// Tells running hosts that something was done; says how many heard it.
    pub fn call_hosts(&self) -> usize {
        intake::call(&self.path, None)
    }
}

/// The spool does not do it.
pub fn unwilling(error: &SpoolError) -> Failure {
    Failure::new(
        error.to_string(),
        "follow the advice above, then try again; what was done so far stays done",
    )
}

/// An instant in Unix milliseconds: a date and time, or a span before now.
fn instant(given: &str) -> Result<i64, String> {
    if let Some(at) = clock::parse_rfc3339(given) {
        return Ok(at);
    }
    let digits = given.find(|c: char| !c.is_ascii_digit()).unwrap_or(given.len());
    let (number, unit) = given.split_at(digits);
    let scale = match unit {
        "s" => 1_000,
        "m" | "min" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => 0,
    };
    match number.parse::<i64>().ok().and_then(|number| number.checked_mul(scale)) {
        Some(span) if scale > 0 => Ok(clock::unix_ms().saturating_sub(span)),
        _ => {
            Err("give a time such as `2026-11-24T04:00:00Z`, or a span before now such as `30m`, `2h`, `3d`"
                .to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_date_or_a_span_before_now() {
        assert_eq!(instant("1970-01-01T00:00:10Z"), Ok(10_000));
        let before = clock::unix_ms();
        let told = instant("2h").unwrap() + 7_200_000;
        assert!((before..=clock::unix_ms()).contains(&told), "{told} is not between {before} and now");
        for bad in ["", "2", "h", "-2h", "2 h", "yesterday", "9999999999999999999d"] {
            assert!(instant(bad).is_err(), "{bad}");
        }
    }
}
