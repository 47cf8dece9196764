//! `taskbell demo --farm`: four nodes render one queue, two relays decide and deliver for all of them. A node and the leading
//! relay are killed on the way, and one message says in the end what all have done.

mod database;
pub mod node;
mod processes;
mod reconciliation;
mod setup;
mod story;

use super::progress::Progress;
use super::{fixture, listen};
use crate::failure::Failure;
use crate::serve::receiver::{Arrival, ReceiverOptions};
use crate::source;
use crate::terminal::{Style, Terminal};
use database::DemoDatabase;
use processes::Said;
use reconciliation::Reconciliation;
use serde_json::json;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::mpsc;
use story::Story;
use taskbell_core::sign::Verifier;

/// What keeps the farm where no PostgreSQL does.
const EMBEDDED: &str = "relay.db, which both relays use";

const NODES: usize = 4;

const RELAYS: usize = 2;

/// Rendered by all nodes together.
const FRAMES: u32 = 48;

/// What is heard from the processes of the farm, and of its receiver.
enum FarmEvent {
    /// From the relay with this number.
    Relay(usize, Said),
    /// From the node with this number, in this life of it.
    Node(usize, usize, Said),
    Arrival(Arrival),
}

fn node_name(number: usize) -> String {
    format!("render-{:02}", number + 1)
}

pub fn run(keep: bool, embedded: bool, terminal: &mut Terminal) -> Result<(), Failure> {
    let mut folder = fixture::folder()?;
    folder.disable_cleanup(keep);
    let (send, events) = mpsc::channel();
    let arrived = send.clone();
    let secret = fixture::fresh_secret()?;
    let entry = json!({ "scheme": "standard-webhooks", "secrets": [secret] });
    let verifier = Verifier::from_json(&entry)
        .map_err(|fault| Failure::new(fault, "this is a defect of the demo; please report it"))?;
    let options = ReceiverOptions { verifier: Some(verifier), ..ReceiverOptions::default() };
    let receiver = listen(options, move |arrival| {
        // Nobody counts what comes after the end.
        let _ = arrived.send(FarmEvent::Arrival(arrival));
    })?;
    let started = if embedded { Ok(None) } else { DemoDatabase::start() };
    let (database, store) = match started {
        Ok(Some(database)) => (Some(database), "PostgreSQL, on a port of the demo's own".to_owned()),
        Ok(None) => (None, EMBEDDED.to_owned()),
        Err(reason) => (None, format!("{EMBEDDED}, because PostgreSQL did not start: {reason}")),
    };
    let url = database.as_ref().map(|database| database.url.as_str());
    setup::write_relays(folder.path(), receiver.address(), &secret, url)?;
    let story = Story::begin(folder.path(), &send, &events)?;
    setup::write_nodes(folder.path(), &story.urls())?;
    if !terminal.json() {
        introduce(receiver.address(), &story.urls(), &store, folder.path(), terminal)?;
    }
    let mut farm = story.run(Progress::new(terminal.clone(), FRAMES))?;
    farm.is_embedded = database.is_none();
    let stored = source::open(&setup::relay_config(folder.path(), 0).to_string_lossy())?.reader.counts();
    farm.stored = stored.map_err(|error| Failure::new(error.to_string(), "check the disk"))?;
    let missing = farm.missing();
    folder.disable_cleanup(keep || !missing.is_empty());
    finish(&farm, &missing, keep, folder.path(), terminal)
}

fn introduce(
    receiver: SocketAddr,
    relays: &[&str],
    store: &str,
    folder: &Path,
    terminal: &mut Terminal,
) -> io::Result<()> {
    let title = terminal.paint(Style::Heading, "Four render nodes, one queue, one message at its end");
    terminal.line(&format!("{title}\n"))?;
    let [first, second] = [0, 1].map(|number| relays.get(number).copied().unwrap_or_default());
    for (name, text) in [
        ("team", format!("http://{receiver}/team is sent the end of the queue")),
        ("ledger", format!("http://{receiver}/ledger is sent every frame, to be counted")),
        ("relays", format!("{first} leads, {second} is on standby")),
        ("store", store.to_owned()),
        ("files", folder.display().to_string()),
    ] {
        let name = terminal.paint(Style::Muted, format!("{name:>8}"));
        terminal.line(&format!("  {name}  {text}"))?;
    }
    let title = terminal.paint(Style::Heading, format!("Rendering {FRAMES} frames on {NODES} nodes"));
    terminal.line(&format!("\n{title}\n"))
}

fn finish(
    farm: &Reconciliation,
    missing: &[String],
    keep: bool,
    folder: &Path,
    terminal: &mut Terminal,
) -> Result<(), Failure> {
    let kept = keep || !missing.is_empty();
    if terminal.json() {
        let mut json = farm.to_json(missing);
        json["folder"] = json!(kept.then_some(folder));
        terminal.object(&json)?;
        return if missing.is_empty() { Ok(()) } else { Err(Failure::Reported) };
    }
    terminal.line("")?;
    for (name, text) in farm.lines() {
        let name = terminal.paint(Style::Muted, format!("{name:>9}"));
        terminal.line(&format!("  {name}  {text}"))?;
    }
    let shown = folder.display();
    if !missing.is_empty() {
        let next = match farm.is_embedded {
            true => format!("`taskbell list {shown}/relay.db` shows every attempt; the folder is kept"),
            false => "`demo --farm --embedded --keep` keeps every attempt in a file".to_owned(),
        };
        return Err(Failure::new(missing.join("\n       "), next));
    }
    let verdict = terminal.paint(Style::Success, "Everything adds up");
    let took = farm.took.as_secs_f64();
    terminal
        .line(&format!("\n{verdict}: one message for {FRAMES} frames of {NODES} nodes in {took:.2} s."))?;
    if kept && farm.is_embedded {
        terminal.line(&format!("`taskbell list {shown}/relay.db` shows every attempt."))?;
    } else if kept {
        terminal.line(&format!("The configurations are in {shown}; the database ends with the demo."))?;
    } else {
        terminal.line("The folder is removed; `demo --farm --keep` keeps it.")?;
    }
    Ok(())
}
