//! `taskbell drop`.

use super::choice::{self, unwilling};
use super::failure::Failure;
use super::replay::plural;
use super::terminal::Terminal;
use serde_json::json;
use taskbell_core::clock;
use taskbell_core::spool::DeliveryState;

/// Arguments of `drop`.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("chosen").args(["id", "dead", "endpoint", "since", "pending"]).required(true).multiple(true))]
pub struct Arguments {
    #[command(flatten)]
    choice: choice::Meant,
    /// Everything that waits
    #[arg(long, conflicts_with = "dead")]
    pending: bool,
}

/// Drops what nobody wants any more.
pub fn run(arguments: &Arguments, terminal: &mut Terminal) -> Result<(), Failure> {
    let mut grip = arguments.choice.grip()?;
    grip.choice.state = match (arguments.choice.dead, arguments.pending) {
        (true, _) => Some(DeliveryState::Dead),
        (_, true) => Some(DeliveryState::Pending),
        _ => None,
    };
    let (ended, removed) =
        grip.hand.drop(&grip.choice, clock::unix_ms()).map_err(|error| unwilling(&error))?;
    let hosts = if ended > 0 { grip.call_hosts() } else { 0 };
    if ended + removed == 0 {
        return Err(arguments.choice.nothing("what waits or is dead"));
    }
    if terminal.json() {
        terminal.object(&json!({ "dropped": ended, "removed": removed, "hosts": hosts }))?;
        return Ok(());
    }
    if ended > 0 {
        let waiting =
            plural(ended, "delivery that waited is a dead letter", "deliveries that waited are dead letters");
        let source = &arguments.choice.source;
        terminal.line(&format!(
            "{waiting} now; `taskbell replay {source} --dead` would send dead letters after all."
        ))?;
    }
    if removed > 0 {
        terminal.line(&format!("{} removed.", plural(removed, "dead letter was", "dead letters were")))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::list::tests::fill;
    use super::*;
    use clap::Parser;
    use std::path::Path;
    use taskbell_core::spool::Reader;

    fn drop_these(path: &Path, options: &[&str]) -> Result<String, Failure> {
        #[derive(clap::Parser)]
        struct Line {
            #[command(flatten)]
            arguments: Arguments,
        }
        let line = Line::parse_from(["drop", path.to_str().unwrap()].iter().chain(options));
        let (mut terminal, page) = Terminal::page(false);
        run(&line.arguments, &mut terminal)?;
        Ok(String::from_utf8(page.lock().unwrap().clone()).unwrap())
    }

    #[test]
    fn what_waits_becomes_a_dead_letter_and_a_dead_letter_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("spool.db");
        fill(&path);
        let counts = || {
            let counts = Reader::open(&path).unwrap().counts().unwrap();
            (counts.pending, counts.delivered, counts.dead)
        };
        let text = drop_these(&path, &["--endpoint", "team"]).unwrap();
        assert!(text.starts_with("1 delivery that waited is a dead letter now"), "{text}");
        assert_eq!(counts(), (0, 1, 2));
        assert_eq!(drop_these(&path, &["--dead"]).unwrap(), "2 dead letters were removed.\n");
        assert_eq!(counts(), (0, 1, 0));
        assert!(drop_these(&path, &["1"]).is_err(), "what was delivered stays");
    }
}
