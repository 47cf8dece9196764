//! `taskbell run`: runs a command, and reports its life as a task.
//!
//! The command keeps this process's input, its place in the group of processes and its arguments; what it prints is
//! copied on its way. Whatever becomes of the messages, this process ends as the command did.

mod life;
mod output;
mod process;
mod watch;

use super::failure::{Failure, bad_event};
use super::input;
use super::source;
use super::terminal::{Style, Terminal};
use life::Life;
use output::Printed;
use serde_json::Value as Json;
use std::ffi::OsString;
use std::sync::Arc;
use std::time::Duration;
use taskbell_core::engine::{Bell, ErrorKind};
use taskbell_core::secret::Scrubber;
use watch::Watch;

/// The exit code when the command was not started, as of `env` and `nice`.
const NOT_STARTED: i32 = 125;

/// How long the end may take after the last message has arrived, or was given up for now.
const CLOSE: Duration = Duration::from_secs(1);

#[derive(Debug, clap::Args)]
pub struct RunArgs {
    /// A `.toml` or `.json` file, or a URL; `$TASKBELL_CONFIG` or `taskbell.toml` by default
    config: Option<String>,
    /// What the task is called; the name of the command by default
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// The kind of task, as conditions see it
    #[arg(long, value_name = "KIND", default_value = "command")]
    kind: String,
    /// Report the start, the progress that the command prints, and silence
    #[arg(long)]
    watch: bool,
    /// With `--watch`: report a command that prints nothing for this long
    #[arg(long, default_value = "10m", value_parser = input::timeout, value_name = "TIME")]
    silence: Duration,
    /// How many of the last lines of output are reported, 200 at most; with 0 the output is left alone
    #[arg(long, default_value_t = 20, value_name = "COUNT", value_parser = clap::value_parser!(u8).range(0..=200))]
    lines: u8,
    /// How long to wait for the message after the command has ended
    #[arg(long, default_value = "10s", value_parser = input::timeout, value_name = "TIME")]
    timeout: Duration,
    /// The command and its arguments
    #[arg(last = true, required = true)]
    command: Vec<OsString>,
}

pub fn run(arguments: &RunArgs) -> Result<(), Failure> {
    let Some((program, words)) = arguments.command.split_first() else { return Ok(()) };
    // Signals first: the threads of the bell inherit what is done about them.
    let process = process::Prepared::new(program, words, arguments.lines > 0);
    let (bell, scrubber) = match open(arguments) {
        Ok(opened) => opened,
        Err(failure) => {
            failure.print(&mut Terminal::stderr());
            return Err(Failure::Ended(NOT_STARTED));
        }
    };
    let life = Life::begin(arguments.name.as_deref(), program, &arguments.kind);
    let printed = Arc::new(Printed::default());
    let ran = process.start(&printed).map(|started| match arguments.watch {
        true => {
            Watch::new(&bell, &life, &printed.all, &scrubber, arguments.silence).during(|| started.wait())
        }
        false => started.wait(),
    });
    let code = match &ran {
        Ok(end) => end.code(),
        // As shells do: not found, and not executable.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => 127,
        Err(_) => 126,
    };
    let lines = printed.all.lines(usize::from(arguments.lines), &scrubber);
    let task = life.end(&ran, code, &lines, printed.reason(&scrubber));
    report(&bell, &task, arguments.timeout);
    match ran {
        Ok(end) => end.repeat_signal(),
        Err(error) => {
            let name = program.to_string_lossy();
            let next = "check the name of the command, and that it may be executed";
            Failure::new(format!("cannot run {name}: {error}"), next).print(&mut Terminal::stderr());
        }
    }
    Err(Failure::Ended(code))
}

/// The bell, and what takes the secrets of the configuration and of the environment out of a text.
fn open(arguments: &RunArgs) -> Result<(Bell, Scrubber), Failure> {
    let of_environment = || std::env::var("TASKBELL_CONFIG").ok().filter(|given| !given.is_empty());
    let given = arguments.config.clone().or_else(of_environment);
    let given = source::config_path(given.as_deref())?;
    let mut config = source::config(&given)?;
    // Alerts are for a host: this process has no metrics.
    config.alerts.clear();
    let secrets: Vec<String> = std::env::vars_os()
        .filter(|(name, value)| is_secret(&name.to_string_lossy(), value.len()))
        .map(|(_, value)| value.to_string_lossy().into_owned())
        .collect();
    let scrubber = config.scrubber.and(secrets.iter().map(String::as_str));
    Ok((Bell::open(config).map_err(bad_event)?, scrubber))
}

/// Whether the value of this variable must not be reported. A short one is a word that any output may have.
fn is_secret(name: &str, length: usize) -> bool {
    const WORDS: [&str; 12] = [
        "TOKEN",
        "SECRET",
        "PASSW",
        "PASSPHRASE",
        "KEY",
        "CREDENTIAL",
        "COOKIE",
        "AUTH",
        "DSN",
        "WEBHOOK",
        "PWD_",
        "SIGNATURE",
    ];
    let name = name.to_ascii_uppercase();
    length >= 6 && WORDS.iter().any(|word| name.contains(word))
}

/// Reports the task and waits for its message. Whatever fails is a sentence on standard error, and no more.
fn report(bell: &Bell, task: &Json, limit: Duration) {
    let told = bell
        .emit("task.complete", task.to_string().as_bytes())
        .and_then(|accepted| bell.wait(accepted.ticket, limit));
    let closed = bell.close(CLOSE);
    let trouble = match (told, bell.missing()) {
        (Err(error), None) if error.kind != ErrorKind::Timeout => error.message,
        (_, Some(missing)) => missing.to_owned(),
        (Err(_), None) if closed != Ok(0) => "the message has not arrived yet, and waits".to_owned(),
        _ => return,
    };
    let mut terminal = Terminal::stderr();
    let label = terminal.paint(Style::Warning, "taskbell:");
    let _ = terminal.line(&format!("{label} {trouble}; `taskbell deliver` sends what waits"));
}
