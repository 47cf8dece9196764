//! Which deliveries `replay` and `drop` change.

use super::failure::Failure;
use super::{input, source};
use std::path::PathBuf;
use taskbell_core::clock;
use taskbell_core::intake;
use taskbell_core::spool::{DeliverySelection, Operator, SpoolError};

#[derive(Debug, clap::Args)]
pub struct SelectionArgs {
    /// A configuration (`.toml`, `.json`), or a spool (`.db`)
    #[arg(value_name = "CONFIG|SPOOL.db")]
    pub source: String,
    /// An event's id (`evt_…` with its first eight digits or more), or a delivery's number
    pub id: Option<String>,
    /// All dead letters
    #[arg(long)]
    pub dead: bool,
    /// Only deliveries to this endpoint
    #[arg(long, value_name = "NAME")]
    pub endpoint: Option<String>,
    /// Only deliveries that ended since then, or were created if pending: `2026-11-24T04:00:00Z`, or `2h` for the last
    /// two hours
    #[arg(long, value_name = "TIME", value_parser = instant)]
    pub since: Option<i64>,
}

/// A spool open for changes, and the selected deliveries.
pub struct OpenSelection {
    pub operator: Operator,
    pub selection: DeliverySelection,
    path: PathBuf,
}

impl SelectionArgs {
    /// Opens the spool for a change.
    pub fn open(&self) -> Result<OpenSelection, Failure> {
        let path = source::open(&self.source)?.reader.path().to_owned();
        let operator = Operator::open(&path).map_err(|error| refused(&error))?;
        let selection = DeliverySelection {
            id: self.id.clone(),
            state: None,
            endpoint: self.endpoint.clone(),
            since_ms: self.since,
        };
        Ok(OpenSelection { operator, selection, path })
    }

    /// The failure when nothing is selected; `what` names the candidates, such as `dead letters`.
    pub fn nothing(&self, what: &str) -> Failure {
        let reason = match &self.id {
            Some(id) => format!("`{}` is not among the {what}", id.escape_debug()),
            None => format!("none of the {what} match the options"),
        };
        Failure::new(reason, format!("`taskbell list {} --dead` lists the dead letters", self.source))
    }
}

impl OpenSelection {
    /// Wakes the running hosts of this spool, and counts them.
    pub fn call_hosts(&self) -> usize {
        intake::call(&self.path, None)
    }
}

pub fn refused(error: &SpoolError) -> Failure {
    Failure::new(error.to_string(), "follow the advice above, then try again; changes made so far stay")
}

/// An instant in Unix milliseconds: a date and time, or a duration before now.
fn instant(given: &str) -> Result<i64, String> {
    if let Some(at) = clock::parse_rfc3339(given) {
        return Ok(at);
    }
    match input::millis(given).and_then(|millis| i64::try_from(millis).ok()) {
        Some(millis) => Ok(clock::unix_ms().saturating_sub(millis)),
        None => Err(
            "give a time such as `2026-11-24T04:00:00Z`, or a duration before now such as `30m`, `2h`, `3d`"
                .to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_date_or_a_duration_before_now() {
        assert_eq!(instant("1970-01-01T00:00:10Z"), Ok(10_000));
        let before = clock::unix_ms();
        let at = instant("2h").unwrap() + 7_200_000;
        assert!((before..=clock::unix_ms()).contains(&at), "{at} is not between {before} and now");
        for bad in ["", "2", "h", "-2h", "2 h", "yesterday", "9999999999999999999d"] {
            assert!(instant(bad).is_err(), "{bad}");
        }
    }
}
