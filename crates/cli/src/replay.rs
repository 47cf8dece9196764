//! `taskbell replay`: sends dead letters again, and what waits now.

use super::failure::Failure;
use super::selection::{SelectionArgs, refused};
use super::terminal::{Terminal, count};
use serde_json::json;
use taskbell_core::clock;
use taskbell_core::spool::{DeliveryState, Replayed};

#[derive(Debug, clap::Args)]
pub struct ReplayArgs {
    #[command(flatten)]
    selection: SelectionArgs,
}

pub fn run(arguments: &ReplayArgs, terminal: &mut Terminal) -> Result<(), Failure> {
    let mut open = arguments.selection.open(false)?;
    if open.selection.id.is_none() {
        open.selection.state = Some(DeliveryState::Dead);
    }
    let done = open.operator.replay(&open.selection, clock::unix_ms()).map_err(|error| refused(&error))?;
    let hosts = if done.due + done.hurried + done.lifted > 0 { open.call_hosts() } else { 0 };
    if done == Replayed::default() {
        return Err(open.nothing("dead letters"));
    }
    if done.due + done.hurried + done.lifted == 0 {
        let next = format!("`taskbell list {} --dead` lists the dead letters", open.source);
        return Err(Failure::new("only dead letters and what waits can be sent; this has arrived", next));
    }
    if terminal.json() {
        let Replayed { due, hurried, delivered, lifted } = done;
        let numbers = json!({
            "replayed": due, "hurried": hurried, "delivered": delivered, "lifted": lifted, "hosts": hosts,
        });
        return Ok(terminal.object(&numbers)?);
    }
    for line in said(&done, hosts) {
        terminal.line(&line)?;
    }
    let source = &open.source;
    let end = if done.due == 0 { "what waits" } else { "the state" };
    Ok(terminal.line(&format!("`taskbell list {source}` shows {end}."))?)
}

/// What a replay did, a sentence each. `hosts` is the number of running hosts that were called.
pub fn said(done: &Replayed, hosts: usize) -> Vec<String> {
    let mut said = Vec::new();
    if done.lifted > 0 {
        let lifted = count(done.lifted, "endpoint is", "endpoints are");
        said.push(format!("{lifted} tried again before the end of its pause."));
    }
    let mut add = |number: usize, what: String| {
        let them = if number == 1 { "it" } else { "them" };
        match hosts {
            _ if number == 0 => {}
            0 => said.push(format!("{what}: the next host that starts on this spool sends {them}.")),
            _ => said.push(format!("{what}: the running host sends {them} now.")),
        }
    };
    add(done.due, count(done.due, "dead letter is due again", "dead letters are due again"));
    add(done.hurried, count(done.hurried, "pending delivery is due now", "pending deliveries are due now"));
    said
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::list::tests::fill;
    use crate::tests::output;
    use std::path::Path;
    use taskbell_core::spool::{Reader, SpoolReader};

    fn replay(path: &Path, options: &[&str]) -> Result<String, Failure> {
        output(&[&["replay", path.to_str().unwrap()], options].concat())
    }

    #[test]
    fn dead_letters_are_due_again_and_what_waits_is_due_now() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("spool.db");
        let id = fill(&path).to_string();
        let text = replay(&path, &["--dead"]).unwrap();
        assert!(text.starts_with("1 dead letter is due again: the next host"), "{text}");
        let counts = SpoolReader::open(&path).unwrap().counts().unwrap();
        assert_eq!((counts.dead, counts.pending, counts.delivered), (0, 2, 1));
        let text = replay(&path, &[&id]).unwrap();
        assert!(text.starts_with("2 pending deliveries are due now: the next host"), "{text}");
        for (options, expected) in [
            (&["--dead"][..], "there are no dead letters"),
            (&["--dead", "--endpoint", "nobody"], "none of the dead letters match"),
            (&[], "no delivery is selected"),
            (&["1"], "only dead letters"),
            (&["99"], "`99` is not among"),
        ] {
            let Err(Failure::Message { what, .. }) = replay(&path, &[options, &["--json"]].concat()) else {
                panic!("{options:?}")
            };
            assert!(what.contains(expected), "{what}");
        }
    }

    #[test]
    fn scripts_get_numbers() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("spool.db");
        fill(&path);
        let text =
            replay(&path, &["--endpoint", "ops", "--since", "1970-01-01T00:00:00Z", "--json"]).unwrap();
        assert!(text.contains("\"replayed\":1") || text.contains("\"replayed\": 1"), "{text}");
    }
}
