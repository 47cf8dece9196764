//! `taskbell check`: finds every error in a configuration.

use super::failure::{Failure, shown};
use super::source;
use super::terminal::{Style, Terminal, count, one_line};
use taskbell_core::config::ConfigError;
use taskbell_core::engine::{self, CheckReport};

#[derive(Debug, clap::Args)]
pub struct CheckArgs {
    /// A `.toml` or `.json` file; `taskbell.toml` by default
    config: Option<String>,
}

pub fn run(arguments: &CheckArgs, terminal: &mut Terminal) -> Result<(), Failure> {
    let config = source::config_path(arguments.config.as_deref())?;
    let report = engine::check(&config);
    if terminal.json() {
        terminal.object(&report.to_json())?;
    } else {
        show(&report, shown(&config), terminal)?;
    }
    if report.errors.is_empty() { Ok(()) } else { Err(Failure::Reported) }
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
        terminal.line(&format!("{endpoints}, {hooks}: {fine}{warnings}"))?;
    } else {
        let errors = terminal.paint(Style::Error, count(report.errors.len(), "error", "errors"));
        terminal.line(&format!(
            "{errors}{warnings}; correct the configuration, then run `taskbell check {config}` again"
        ))?;
    }
    Ok(())
}
