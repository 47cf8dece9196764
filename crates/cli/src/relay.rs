//! `taskbell relay`: takes the events of the nodes of a farm, and delivers for all of them; or shows how the farm is.

use super::failure::{Failure, shown};
use super::input;
use super::source;
use super::terminal::{Style, Terminal, count, one_line, span, time_to_second};
use serde_json::json;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use taskbell_core::clock::{self, Clock, SystemClock};
use taskbell_core::config::{Config, FarmSettings};
use taskbell_core::engine::{FarmNode, Level, farm_nodes};
use taskbell_core::spool::SpoolPath;
use taskbell_relay::postgres::{FarmStore, Leader};
use taskbell_relay::{RelayError, RelayServer, is_led};

#[derive(Debug, clap::Args)]
pub struct RelayArgs {
    /// A `.toml` or `.json` file with `[farm] listen`; `taskbell.toml` by default
    config: Option<String>,
    /// Show who leads, which nodes post, and what waits, and end
    #[arg(long)]
    status: bool,
    /// How long to deliver after SIGTERM or Ctrl-C; the rest waits for the next start
    #[arg(long, default_value = "5s", value_parser = input::timeout, value_name = "TIME")]
    timeout: Duration,
    /// End as by SIGTERM when standard input ends, for a program that runs a relay
    #[cfg(unix)]
    #[arg(long, hide = true)]
    until_input_ends: bool,
}

pub fn run(arguments: &RelayArgs, terminal: &mut Terminal) -> Result<(), Failure> {
    let given = source::config_path(arguments.config.as_deref())?;
    let config = source::config(&given)?;
    if arguments.status {
        return status(&config, &given, terminal);
    }
    let relay = RelayServer::open(config, Arc::new(log)).map_err(failed)?;
    #[cfg(unix)]
    if arguments.until_input_ends {
        std::thread::spawn(end_with_input);
    }
    let url = relay.url();
    if terminal.json() {
        terminal.object(&json!({ "listening": url }))?;
    } else {
        let title = terminal.paint(Style::Heading, &url);
        terminal.line(&format!("The relay of {} listens at {title}. Ctrl-C stops it.", shown(&given)))?;
    }
    let left = relay.run(arguments.timeout).map_err(failed)?;
    if terminal.json() {
        terminal.object(&json!({ "ended": true, "left": left }))?;
    } else if left > 0 {
        let left = usize::try_from(left).unwrap_or(usize::MAX);
        let waits = count(left, "delivery waits", "deliveries wait");
        terminal.line(&format!("{waits} for the next start"))?;
    }
    Ok(())
}

#[cfg(unix)]
fn end_with_input() {
    use rustix::process::{Signal, getpid, kill_process};
    let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
    // It can always reach itself.
    let _ = kill_process(getpid(), Signal::TERM);
}

fn failed(error: RelayError) -> Failure {
    Failure::new(error.what, error.next)
}

/// The log goes to standard error, where a service manager keeps it.
fn log(level: Level, text: &str) {
    let name = match level {
        Level::Error => "error",
        Level::Warn => "warn",
        Level::Info => "info",
        Level::Debug => return,
    };
    let time = clock::rfc3339(SystemClock.unix_ms());
    // Without a reader nobody misses it.
    let _ = Terminal::stderr().line(&format!("{time} {name}: {}", one_line(text)));
}

fn status(config: &Config, given: &str, terminal: &mut Terminal) -> Result<(), Failure> {
    let (SpoolPath::File(spool), Some(FarmSettings::Relay(farm))) = (&config.spool.path, &config.farm) else {
        let what = format!("{} is not the configuration of a relay with its spool in a file", shown(given));
        return Err(Failure::new(what, "give the configuration that `taskbell relay` runs with"));
    };
    let (leader, reader) = match FarmStore::of(config).map_err(source::bad_store)? {
        Some(store) if !store.inspect().map_err(source::bad_store)? => {
            return show(terminal, &Leadership::of_database(None), &[], 0);
        }
        Some(store) => {
            let leader = store.leader().map_err(source::bad_store)?;
            (Leadership::of_database(Some(leader)), store.reader().map_err(source::bad_store)?)
        }
        None if !spool.exists() => return show(terminal, &Leadership::of_spool(spool), &[], 0),
        None => (Leadership::of_spool(spool), source::reader(spool)?),
    };
    let unread = |error: taskbell_core::spool::SpoolError| Failure::new(error.to_string(), "check the disk");
    let waiting = reader.counts().map_err(unread)?.pending;
    let now = SystemClock.unix_ms();
    let lost_ms = i64::try_from(farm.node_lost.as_millis()).unwrap_or(i64::MAX);
    let nodes: Vec<ShownNode> = farm_nodes(&*reader)
        .map_err(unread)?
        .into_iter()
        .map(|(name, (node, queues))| {
            let silent_ms = now.saturating_sub(node.heard_at).max(0);
            ShownNode { name, node, queues, silent_ms, is_silent: silent_ms > lost_ms }
        })
        .collect();
    show(terminal, &leader, &nodes, waiting)
}

/// Who leads where.
struct Leadership {
    /// `None` where nobody can tell.
    leads: Option<bool>,
    /// On a database: the relay that leads, or led last.
    leader: Option<Leader>,
    place: String,
}

impl Leadership {
    fn of_spool(spool: &Path) -> Leadership {
        Leadership { leads: is_led(spool), leader: None, place: spool.display().to_string() }
    }

    fn of_database(leader: Option<Leader>) -> Leadership {
        let leads = leader.as_ref().is_some_and(|leader| leader.is_leading);
        Leadership { leads: Some(leads), leader, place: "its database".to_owned() }
    }
}

struct ShownNode {
    name: String,
    node: FarmNode,
    queues: Vec<String>,
    /// How long ago it posted last.
    silent_ms: i64,
    /// For longer than `node_lost`.
    is_silent: bool,
}

fn show(
    terminal: &mut Terminal,
    leadership: &Leadership,
    nodes: &[ShownNode],
    waiting: u64,
) -> Result<(), Failure> {
    let Leadership { leads, leader, place } = leadership;
    if terminal.json() {
        let entry = |shown: &ShownNode| {
            json!({
                "node": shown.name,
                "host": shown.node.host,
                "version": shown.node.version,
                "posted_at": clock::rfc3339(shown.node.heard_at),
                "silent": shown.is_silent,
                "waiting": shown.node.waiting,
                "queues": shown.queues,
            })
        };
        let nodes: Vec<_> = nodes.iter().map(entry).collect();
        let mut status = json!({ "leads": leads, "waiting": waiting, "nodes": nodes });
        if let Some(Leader { epoch, holder, .. }) = leader {
            status["leader"] = json!(holder);
            status["epoch"] = json!(epoch);
        }
        terminal.object(&status)?;
        return Ok(());
    }
    let who = match (leads, leader) {
        (Some(true), Some(leader)) => {
            format!("{} leads in epoch {}", one_line(&leader.holder), leader.epoch)
        }
        (Some(true), None) => "A relay leads".to_owned(),
        (Some(false), _) => "No relay leads".to_owned(),
        (None, _) => "Whether a relay runs cannot be seen from here".to_owned(),
    };
    let waiting = usize::try_from(waiting).unwrap_or(usize::MAX);
    let waits = count(waiting, "delivery waits", "deliveries wait");
    terminal.line(&format!("{who} on {place}; {waits}."))?;
    if nodes.is_empty() {
        terminal.line("No node has posted yet.")?;
    }
    for shown in nodes {
        let name = terminal.paint(Style::Heading, one_line(&shown.name));
        let (at, ago) = (time_to_second(shown.node.heard_at), span(shown.silent_ms));
        let silent = if shown.is_silent { ", silent" } else { "" };
        terminal.line(&format!("{name} posted at {at}, {ago} ago{silent}"))?;
        let FarmNode { host, version, waiting, .. } = &shown.node;
        let work = match shown.queues.as_slice() {
            [] => "no queue".to_owned(),
            queues => queues.iter().map(|queue| one_line(queue)).collect::<Vec<_>>().join(", "),
        };
        let line = format!(
            "host {}, version {}, {waiting} waiting; works on {work}",
            one_line(host),
            one_line(version)
        );
        terminal.indented(2, &line)?;
    }
    Ok(())
}
