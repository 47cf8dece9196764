//! The `taskbell` command: what operators and receivers do with Taskbell beside their host.
//!
//! One file a command. Each returns a `Failure` that says what to do next; the exit code is 0 only on
//! success.

#![forbid(unsafe_code)]

mod check;
mod choice;
mod demo;
mod discard;
mod explain;
mod failure;
mod fake_platform;
mod fds;
mod import_swarmui;
mod input;
mod list;
mod preview;
mod replay;
mod send;
mod serve;
mod show;
mod signature;
mod sketch;
mod source;
mod terminal;
mod verify;

use clap::{Parser, Subcommand};
use std::process::ExitCode;
use terminal::Terminal;

/// Rings for long-running hosts: webhooks that are signed, retried and never lost.
#[derive(Debug, Parser)]
#[command(name = "taskbell", version = taskbell_core::VERSION, max_term_width = 100)]
struct Arguments {
    /// Print JSON, for scripts
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Find every fault of a configuration, without sending anything
    Check(check::Arguments),
    /// Show the requests that an event would cause, without sending them
    Preview(preview::Arguments),
    /// Say of every hook whether it fires for an event, and why
    Explain(explain::Arguments),
    /// Report an event as a host would, and wait for its deliveries
    Send(send::Arguments),
    /// Receive webhooks on this machine, verify them and show them
    Serve(serve::Arguments),
    /// Check the signature of one request that was received
    Verify(verify::Arguments),
    /// List the deliveries in the spool, the newest first
    List(list::Arguments),
    /// Show one event with its deliveries and attempts
    Show(show::Arguments),
    /// Send dead letters again
    Replay(replay::Arguments),
    /// Give up what waits, and remove dead letters
    Drop(discard::Arguments),
    /// Turn SwarmUI's webhook settings into a configuration
    ImportSwarmui(import_swarmui::Arguments),
    /// Render a batch of images, and hear the bell ring for it
    Demo(demo::Arguments),
}

/// Reads the arguments and runs the command.
fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let mut terminal = Terminal::stdout(arguments.json);
    let done = match arguments.command {
        Command::Check(arguments) => check::run(&arguments, &mut terminal),
        Command::Preview(arguments) => preview::run(&arguments, &mut terminal),
        Command::Explain(arguments) => explain::run(&arguments, &mut terminal),
        Command::Send(arguments) => send::run(&arguments, &mut terminal),
        Command::Serve(arguments) => serve::run(&arguments, terminal.clone()),
        Command::Verify(arguments) => verify::run(&arguments, &mut terminal),
        Command::List(arguments) => list::run(&arguments, &mut terminal),
        Command::Show(arguments) => show::run(&arguments, &mut terminal),
        Command::Replay(arguments) => replay::run(&arguments, &mut terminal),
        Command::Drop(arguments) => discard::run(&arguments, &mut terminal),
        Command::ImportSwarmui(arguments) => import_swarmui::run(&arguments, &mut terminal),
        Command::Demo(arguments) => demo::run(&arguments, terminal.clone()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.tell(&mut terminal);
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_arguments_are_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn the_manual_has_a_section_for_every_command() {
        let manual = include_str!("../../../docs/cli.md");
        let sections: Vec<_> = manual.lines().filter_map(|line| line.strip_prefix("## ")).collect();
        let arguments = Arguments::command();
        assert_eq!(
            sections,
            arguments.get_subcommands().map(|command| command.get_name()).collect::<Vec<_>>()
        );
    }

    #[test]
    fn every_command_takes_json() {
        for line in [
            "check a.toml --json",
            "--json preview a.toml queue.end {}",
            "explain a.toml event.json --json",
            "send a.toml task.complete --json",
            "serve --json",
            "list a.db --json --dead",
            "show a.db 1 --json",
            "replay a.db --dead --json",
            "drop a.db --since 2h --json",
            "verify --secret S --headers {} body --json",
            "import-swarmui Settings.fds --out d --json",
            "demo --json",
        ] {
            let words = std::iter::once("taskbell").chain(line.split(' '));
            assert!(Arguments::try_parse_from(words).unwrap().json, "{line}");
        }
    }

    #[test]
    fn contradictions_are_refused() {
        for line in [
            "list a.db --dead --pending",
            "verify --headers {} body",
            "send a.toml",
            "replay",
            "replay a.db",
            "drop a.db --dead --pending",
        ] {
            let words = std::iter::once("taskbell").chain(line.split(' '));
            assert!(Arguments::try_parse_from(words).is_err(), "{line}");
        }
    }
}
