//! `taskbell check`: finds every error in a configuration.

use super::failure::{Failure, shown};
use super::source;
use super::terminal::{Style, Terminal, count, one_line};
use serde_json::json;
use taskbell_core::config::ConfigError;
use taskbell_core::engine::{self, CheckReport, RelayState};
use taskbell_relay::postgres::FarmStore;

#[derive(Debug, clap::Args)]
pub struct CheckArgs {
    /// A `.toml` or `.json` file; `taskbell.toml` by default
    config: Option<String>,

    /// Asks each relay of a node whether it takes posts, with a signed one that carries no event
    #[arg(long)]
    relays: bool,
}

pub fn run(arguments: &CheckArgs, terminal: &mut Terminal) -> Result<(), Failure> {
    let config = source::config_path(arguments.config.as_deref())?;
    let report = engine::check(&config);
    let store = if report.errors.is_empty() { try_store(&config)? } else { None };
    let asked = if arguments.relays { ask_relays(&config, &report)? } else { Vec::new() };
    if terminal.json() {
        let mut object = report.to_json();
        if arguments.relays {
            object["asked"] = asked.iter().map(RelayState::to_json).collect();
        }
        if let Some(store) = &store {
            object["store"] = match store {
                Ok(said) => json!({ "ok": true, "said": said }),
                Err(fault) => json!({ "ok": false, "said": fault }),
            };
        }
        terminal.object(&object)?;
    } else {
        show(&report, shown(&config), terminal)?;
        show_relays(&asked, terminal)?;
        if let Some(said) = &store {
            let (style, said) = match said {
                Ok(said) => (Style::Success, *said),
                Err(fault) => (Style::Error, fault.as_str()),
            };
            let said = terminal.paint(style, one_line(said));
            terminal.line(&format!("store: {said}"))?;
        }
    }
    let is_stored = store.is_none_or(|said| said.is_ok());
    let is_fine = report.errors.is_empty() && is_stored && asked.iter().all(|relay| relay.said.is_ok());
    if is_fine { Ok(()) } else { Err(Failure::Reported) }
}

/// Whether the database of a relay can be used; `None` where the configuration names none.
fn try_store(config: &str) -> Result<Option<Result<&'static str, String>>, Failure> {
    let said = FarmStore::of(&source::config(config)?).and_then(|store| match store {
        Some(store) if store.inspect()? => Ok(Some("it has the tables of this farm")),
        Some(_) => Ok(Some("it is empty, and the first relay makes its tables")),
        None => Ok(None),
    });
    Ok(said.transpose())
}

/// Nothing where the configuration has errors.
fn ask_relays(config: &str, report: &CheckReport) -> Result<Vec<RelayState>, Failure> {
    if !report.errors.is_empty() {
        return Ok(Vec::new());
    }
    if report.relays == 0 {
        return Err(Failure::new(
            "`--relays` asks the relays of a node, and this configuration names none",
            "give the configuration of a node, with `[farm] relays`, or leave the option out",
        ));
    }
    Ok(engine::ask_relays(&source::config(config)?))
}

fn show_relays(asked: &[RelayState], terminal: &mut Terminal) -> Result<(), Failure> {
    for RelayState { relay, said } in asked {
        let (style, said) = match said {
            Ok(said) => (Style::Success, *said),
            Err(fault) => (Style::Error, fault.as_str()),
        };
        let said = terminal.paint(style, one_line(said));
        terminal.line(&format!("relay {relay}: {said}"))?;
    }
    Ok(())
}

pub fn show_finding(
    style: Style,
    label: &str,
    found: &ConfigError,
    terminal: &mut Terminal,
) -> Result<(), Failure> {
    let label = terminal.paint(style, label);
    Ok(terminal.line(&format!("{label}: {}", one_line(&found.to_string())))?)
}

fn show(report: &CheckReport, config: &str, terminal: &mut Terminal) -> Result<(), Failure> {
    for (style, label, found) in
        [(Style::Error, "error", &report.errors), (Style::Warning, "warning", &report.warnings)]
    {
        for error in found {
            show_finding(style, label, error, terminal)?;
        }
    }
    let warnings = match report.warnings.len() {
        0 => String::new(),
        warnings => format!(", with {}", count(warnings, "warning", "warnings")),
    };
    if report.errors.is_empty() {
        let (endpoints, hooks) = report.counts;
        let fine = terminal.paint(Style::Success, "fine");
        let endpoints = count(endpoints, "endpoint", "endpoints");
        let hooks = count(hooks, "hook", "hooks");
        let relays = match report.relays {
            0 => String::new(),
            relays => format!("{}, ", count(relays, "relay", "relays")),
        };
        terminal.line(&format!("{relays}{endpoints}, {hooks}: {fine}{warnings}"))?;
    } else {
        let errors = terminal.paint(Style::Error, count(report.errors.len(), "error", "errors"));
        terminal.line(&format!(
            "{errors}{warnings}; correct the configuration, then run `taskbell check {config}` again"
        ))?;
    }
    Ok(())
}
