//! Which deliveries `replay` and `drop` change.

use super::failure::{Failure, shown};
use super::input;
use super::source::{self, Source};
use std::path::PathBuf;
use taskbell_core::clock;
use taskbell_core::engine;
use taskbell_core::spool::{DeliverySelection, Operator, SpoolError, SpoolOperator};
use taskbell_relay::postgres::FarmStore;

#[derive(Debug, clap::Args)]
pub struct SelectionArgs {
    /// A configuration (`.toml`, `.json`), or a spool (`.db`); `taskbell.toml` by default
    #[arg(value_name = "CONFIG|SPOOL.db")]
    source: Option<String>,
    /// An event's id (`evt_…` with its first eight digits or more), or a delivery's number
    id: Option<String>,
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
    pub operator: Box<dyn Operator>,
    pub selection: DeliverySelection,
    /// The configuration or the spool, as it was given.
    pub source: String,
    path: PathBuf,
    store: Option<FarmStore>,
}

impl SelectionArgs {
    /// Opens the spool for a change. `all` says whether an option of the command selects deliveries, too.
    pub fn open(&self, all: bool) -> Result<OpenSelection, Failure> {
        let (given, id) = source::source_and_id(self.source.as_deref(), self.id.as_deref())?;
        let source = shown(&given).to_owned();
        if id.is_none() && !(all || self.dead || self.endpoint.is_some() || self.since.is_some()) {
            let next = format!(
                "give a delivery's number, an event's id, or `--dead` for all; `taskbell list {source}` lists them"
            );
            return Err(Failure::new("no delivery is selected", next));
        }
        let Source { spool: path, store, .. } = source::open(&given)?;
        let operator: Box<dyn Operator> = match &store {
            Some(store) => store.operator().map_err(source::bad_store)?,
            None => Box::new(SpoolOperator::open(&path).map_err(|error| refused(&error))?),
        };
        let selection = DeliverySelection {
            id,
            endpoint: self.endpoint.clone(),
            since_ms: self.since,
            ..Default::default()
        };
        Ok(OpenSelection { operator, selection, source, path, store })
    }
}

impl OpenSelection {
    /// The failure when nothing is selected; `what` names the candidates, such as `dead letters`.
    pub fn nothing(&self, what: &str) -> Failure {
        let DeliverySelection { id, endpoint, since_ms, .. } = &self.selection;
        let reason = match id {
            Some(id) => format!("`{}` is not among the {what}", id.escape_debug()),
            None if endpoint.is_some() || since_ms.is_some() => {
                format!("none of the {what} match the options")
            }
            None => format!("there are no {what}"),
        };
        Failure::new(reason, format!("`taskbell list {}` lists the deliveries", self.source))
    }

    /// Wakes the running hosts of this spool, and counts them. The relay that leads on a database looks by itself.
    pub fn call_hosts(&self) -> usize {
        if let Some(store) = &self.store {
            return usize::from(store.leader().is_ok_and(|leader| leader.is_leading));
        }
        engine::call_hosts(&self.path, None)
    }
}

pub fn refused(error: &SpoolError) -> Failure {
    Failure::new(error.to_string(), "follow the advice above, then try again; changes made so far stay")
}

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
