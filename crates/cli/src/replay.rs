//! `taskbell replay`.

use super::choice::{self, unwilling};
use super::failure::Failure;
use super::terminal::Terminal;
use serde_json::json;
use taskbell_core::clock;
use taskbell_core::spool::{DeliveryState, Replayed};

/// Arguments of `replay`.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("chosen").args(["id", "dead", "endpoint", "since"]).required(true).multiple(true))]
pub struct Arguments {
    #[command(flatten)]
    choice: choice::Meant,
}

/// Makes dead letters due again.
pub fn run(arguments: &Arguments, terminal: &mut Terminal) -> Result<(), Failure> {
    let mut grip = arguments.choice.grip()?;
    if grip.choice.id.is_none() {
        grip.choice.state = Some(DeliveryState::Dead);
    }
    let done = grip.hand.replay(&grip.choice, clock::unix_ms()).map_err(|error| unwilling(&error))?;
    let hosts = if done.due > 0 { grip.call_hosts() } else { 0 };
    if done == Replayed::default() {
        return Err(arguments.choice.nothing("the dead letters"));
    }
    if done.due == 0 {
        return Err(refusal(&done, &arguments.choice.source));
    }
    if terminal.json() {
        let Replayed { due, without_message, not_dead } = done;
        terminal.object(&json!({
            "replayed": due, "without_message": without_message, "not_dead": not_dead, "hosts": hosts
        }))?;
        return Ok(());
    }
    let due = plural(done.due, "dead letter is", "dead letters are");
    terminal.line(&match hosts {
        0 => format!("{due} due again: the next host that starts on this spool sends them."),
        _ => format!("{due} due again: the running host sends them now."),
    })?;
    if done.without_message > 0 {
        let text = plural(done.without_message, "other has", "others have");
        terminal.line(&format!("{text} no message to send, because it could not be rendered."))?;
    }
    let source = &arguments.choice.source;
    Ok(terminal.line(&format!("`taskbell list {source}` shows what becomes of them."))?)
}

fn refusal(done: &Replayed, source: &str) -> Failure {
    if done.without_message > 0 {
        return Failure::new(
            "there is no message to send: its template could not be rendered",
            format!(
                "`taskbell show {source} ID` names the line; mend the template, then report the event again"
            ),
        );
    }
    Failure::new(
        "only dead letters can be replayed; this one waits or was delivered",
        format!("`taskbell list {source} --dead` lists the dead letters"),
    )
}

/// A number with its word.
pub fn plural(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::super::list::tests::fill;
    use super::*;
    use clap::Parser;
    use std::path::Path;
    use taskbell_core::spool::Reader;

    fn replay(path: &Path, options: &[&str], json: bool) -> Result<String, Failure> {
        #[derive(clap::Parser)]
        struct Line {
            #[command(flatten)]
            arguments: Arguments,
        }
        let line = Line::parse_from(["replay", path.to_str().unwrap()].iter().chain(options));
        let (mut terminal, page) = Terminal::page(json);
        run(&line.arguments, &mut terminal)?;
        Ok(String::from_utf8(page.lock().unwrap().clone()).unwrap())
    }

    #[test]
    fn dead_letters_are_due_again_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("spool.db");
        let id = fill(&path).to_string();
        let text = replay(&path, &["--dead"], false).unwrap();
        assert!(text.starts_with("1 dead letter is due again: the next host"), "{text}");
        let counts = Reader::open(&path).unwrap().counts().unwrap();
        assert_eq!((counts.dead, counts.pending, counts.delivered), (0, 2, 1));
        for (options, expected) in [
            (&["--dead"][..], "none of"),
            (&["1"], "only dead letters"),
            (&[&id], "only dead"),
            (&["99"], "no `99`"),
        ] {
            let Err(Failure::Said { what, .. }) = replay(&path, options, true) else { panic!("{options:?}") };
            assert!(what.contains(expected), "{what}");
        }
    }

    #[test]
    fn scripts_get_numbers() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("spool.db");
        fill(&path);
        let text = replay(&path, &["--endpoint", "ops", "--since", "1970-01-01T00:00:00Z"], true).unwrap();
        assert!(text.contains("\"replayed\":1") || text.contains("\"replayed\": 1"), "{text}");
    }
}
