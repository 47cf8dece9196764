//! `taskbell check`.

use super::failure::Failure;
use super::terminal::{Ink, Terminal, count, one_line};
use taskbell_core::engine::{self, CheckReport};

/// Arguments of `check`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A `.toml` or `.json` file
    config: String,
}

/// Shows every fault of a configuration.
pub fn run(arguments: &Arguments, terminal: &mut Terminal) -> Result<(), Failure> {
    let report = engine::check(&arguments.config);
    if terminal.json() {
        terminal.object(&report.to_json())?;
    } else {
        show(&report, &arguments.config, terminal)?;
    }
    if report.errors.is_empty() { Ok(()) } else { Err(Failure::Told) }
}

fn show(report: &CheckReport, config: &str, terminal: &mut Terminal) -> Result<(), Failure> {
    for (ink, label, faults) in
        [(Ink::Bad, "error", &report.errors), (Ink::Doubt, "warning", &report.warnings)]
    {
        for fault in faults {
            let label = terminal.paint(ink, label);
            terminal.line(&format!("{label}: {}", one_line(&fault.to_string())))?;
        }
    }
    let warnings = match report.warnings.len() {
        0 => String::new(),
        warnings => format!(", with {}", count(warnings, "warning", "warnings")),
    };
    if report.errors.is_empty() {
        let (endpoints, hooks) = report.counts;
        let fine = terminal.paint(Ink::Good, "fine");
        let endpoints = count(endpoints, "endpoint", "endpoints");
        let hooks = count(hooks, "hook", "hooks");
        terminal.line(&format!("{endpoints}, {hooks}: {fine}{warnings}"))?;
    } else {
        let errors = terminal.paint(Ink::Bad, count(report.errors.len(), "error", "errors"));
        terminal.line(&format!("{errors}{warnings}; mend it, then run `taskbell check {config}` again"))?;
    }
    Ok(())
}
