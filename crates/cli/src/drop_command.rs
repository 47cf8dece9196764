//! `taskbell drop`: gives up pending deliveries and removes dead letters.

use super::failure::Failure;
use super::selection::{SelectionArgs, refused};
use super::terminal::{Terminal, count};
use serde_json::json;
use taskbell_core::clock;
use taskbell_core::spool::DeliveryState;

#[derive(Debug, clap::Args)]
pub struct DropArgs {
    #[command(flatten)]
    selection: SelectionArgs,
    /// All pending deliveries
    #[arg(long, conflicts_with = "dead")]
    pending: bool,
}

pub fn run(arguments: &DropArgs, terminal: &mut Terminal) -> Result<(), Failure> {
    let mut open = arguments.selection.open(arguments.pending)?;
    open.selection.state = match (arguments.selection.dead, arguments.pending) {
        (true, _) => Some(DeliveryState::Dead),
        (_, true) => Some(DeliveryState::Pending),
        _ => None,
    };
    let (ended, removed) =
        open.operator.drop_deliveries(&open.selection, clock::unix_ms()).map_err(|error| refused(&error))?;
    let hosts = if ended > 0 { open.call_hosts() } else { 0 };
    if ended + removed == 0 {
        return Err(open.nothing("pending deliveries and dead letters"));
    }
    if terminal.json() {
        terminal.object(&json!({ "dropped": ended, "removed": removed, "hosts": hosts }))?;
        return Ok(());
    }
    for line in said(ended, removed, &open.source) {
        terminal.line(&line)?;
    }
    Ok(())
}

/// What a drop did, a sentence each: pending deliveries that ended, and dead letters that were removed.
pub fn said(ended: usize, removed: usize, source: &str) -> Vec<String> {
    let mut said = Vec::new();
    if ended > 0 {
        let given_up =
            count(ended, "pending delivery is a dead letter", "pending deliveries are dead letters");
        said.push(format!("{given_up} now; `taskbell replay {source} --dead` sends dead letters after all."));
    }
    if removed > 0 {
        said.push(format!("{} removed.", count(removed, "dead letter was", "dead letters were")));
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::list::tests::fill;
    use crate::tests::output;
    use std::path::Path;
    use taskbell_core::spool::{Reader, SpoolReader};

    fn drop_these(path: &Path, options: &[&str]) -> Result<String, Failure> {
        output(&[&["drop", path.to_str().unwrap()], options].concat())
    }

    #[test]
    fn a_pending_delivery_becomes_a_dead_letter_and_a_dead_letter_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("spool.db");
        fill(&path);
        let counts = || {
            let counts = SpoolReader::open(&path).unwrap().counts().unwrap();
            (counts.pending, counts.delivered, counts.dead)
        };
        let text = drop_these(&path, &["--endpoint", "team"]).unwrap();
        assert!(text.starts_with("1 pending delivery is a dead letter now"), "{text}");
        assert_eq!(counts(), (0, 1, 2));
        assert_eq!(drop_these(&path, &["--dead"]).unwrap(), "2 dead letters were removed.\n");
        assert_eq!(counts(), (0, 1, 0));
        assert!(drop_these(&path, &["1"]).is_err(), "a delivered delivery stays");
    }
}
