//! `taskbell check`: finds every error in a configuration.

use super::failure::Failure;
use super::terminal::{Style, Terminal, count, one_line};
use taskbell_core::engine::{self, CheckReport};

#[derive(Debug, clap::Args)]
pub struct CheckArgs {
    /// A `.toml` or `.json` file
    config: String,
}

pub fn run(arguments: &CheckArgs, terminal: &mut Terminal) -> Result<(), Failure> {
    let report = engine::check(&arguments.config);
    if terminal.json() {
        terminal.object(&report.to_json())?;
    } else {
        show(&report, &arguments.config, terminal)?;
    }
    if report.errors.is_empty() { Ok(()) } else { Err(Failure::Reported) }
}

fn show(report: &CheckReport, config: &str, terminal: &mut Terminal) -> Result<(), Failure> {
    for (style, label, found) in
        [(Style::Error, "error", &report.errors), (Style::Warning, "warning", &report.warnings)]
    {
        for error in found {
            let label = terminal.paint(style, label);
            terminal.line(&format!("{label}: {}", one_line(&error.to_string())))?;
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
