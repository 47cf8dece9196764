//! `taskbell import-swarmui`: converts SwarmUI's webhook settings into a configuration.

mod fds;
mod files;
mod plan;
mod write;

use super::failure::Failure;
use super::terminal::{Style, Terminal, count, one_line};
use fds::Settings;
use plan::Plan;
use serde_json::json;
use std::path::PathBuf;
use taskbell_core::config::ConfigError;
use taskbell_core::engine;

#[derive(Debug, clap::Args)]
pub struct ImportSwarmuiArgs {
    /// SwarmUI's settings, `Data/Settings.fds` in its folder
    #[arg(value_name = "Settings.fds")]
    settings: PathBuf,
    /// The folder for the configuration; created if it does not exist
    #[arg(long, default_value = "taskbell-swarmui", value_name = "DIR")]
    out: PathBuf,
}

pub fn run(arguments: &ImportSwarmuiArgs, terminal: &mut Terminal) -> Result<(), Failure> {
    let shown = arguments.settings.display();
    let bytes = std::fs::read(&arguments.settings).map_err(|error| {
        Failure::new(
            format!("cannot read {shown}: {error}"),
            "give SwarmUI's `Data/Settings.fds`, or a copy of it",
        )
    })?;
    let settings = Settings::parse(&String::from_utf8_lossy(&bytes));
    if !settings.has_section("WebHooks") {
        return Err(Failure::new(
            format!("{shown} has no `WebHooks` section"),
            "give SwarmUI's `Data/Settings.fds`; SwarmUI writes the section when its settings are first saved",
        ));
    }
    let plan = Plan::of(&settings);
    if plan.hooks.is_empty() {
        let mut what = format!("{shown} has no webhook that can be imported");
        for note in &plan.notes {
            what.push_str(&format!("\n  {}", one_line(note)));
        }
        return Err(Failure::new(what, "set a webhook URL in SwarmUI's server configuration first"));
    }
    let written = files::write(&plan, &arguments.out)?;
    let config = arguments.out.join(files::CONFIG);
    let report = engine::check(&config.to_string_lossy());
    let lines = |found: &[ConfigError]| -> Vec<String> {
        found.iter().map(|error| one_line(&error.to_string())).collect()
    };
    let (faults, warnings) = (lines(&report.errors), lines(&report.warnings));
    if terminal.json() {
        let carried: Vec<_> = plan.hooks.iter().map(|hook| hook.webhook.label).collect();
        terminal.object(&json!({
            "ok": report.errors.is_empty(),
            "files": written,
            "carried": carried,
            "notes": plan.notes,
            "faults": faults,
            "warnings": warnings,
        }))?;
    } else {
        print(&plan, &written, [&faults, &warnings], terminal)?;
    }
    match report.errors.as_slice() {
        [] => Ok(()),
        errors => Err(Failure::new(
            format!("the imported configuration has {}", count(errors.len(), "error", "errors")),
            format!("correct the configuration, then run `taskbell check {}`", config.display()),
        )),
    }
}

fn print(
    plan: &Plan,
    written: &[String],
    [errors, warnings]: [&[String]; 2],
    terminal: &mut Terminal,
) -> Result<(), Failure> {
    let hooks = plan.hooks.iter().map(|hook| hook.webhook.label).collect::<Vec<_>>().join(", ");
    let imported = terminal.paint(Style::Success, "imported");
    terminal.line(&format!("{imported}: {hooks}"))?;
    for file in written {
        terminal.line(&format!("  {}", one_line(file)))?;
    }
    for (style, label, lines) in [
        (Style::Warning, "note", &plan.notes[..]),
        (Style::Warning, "warning", warnings),
        (Style::Error, "error", errors),
    ] {
        for line in lines {
            let label = terminal.paint(style, label);
            terminal.line(&format!("{label}: {}", one_line(line)))?;
        }
    }
    Ok(())
}
