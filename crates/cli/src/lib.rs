//! The `taskbell` command: it checks, previews, sends, receives, lists and replays, next to a host or without one.
//!
//! One file a command. Each returns a `Failure` that names the next step; the exit code is 0 only on success. The program
//! itself is in `crates/taskbell`.

#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod card_preview;
mod check;
mod console;
mod deliver;
mod demo;
mod drop_command;
mod explain;
mod failure;
mod fake_platform;
mod import_swarmui;
mod init;
mod input;
mod list;
#[cfg(test)]
mod pages;
mod preview;
mod relay;
mod replay;
mod run;
mod selection;
mod send;
mod serve;
mod show;
mod signature;
mod source;
mod terminal;
mod verify;
mod wrap;

use clap::{Parser, Subcommand};
use failure::Failure;
use std::process::ExitCode;
use terminal::Terminal;

/// Signed, retried webhooks for long-running hosts: check, preview, send, receive and replay them.
#[derive(Debug, Parser)]
#[command(name = "taskbell", version = taskbell_core::VERSION, max_term_width = 80)]
struct Cli {
    /// Print JSON, for scripts
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write a first configuration from the URL of a webhook
    Init(init::InitArgs),
    /// Find every error in a configuration, without sending anything
    Check(check::CheckArgs),
    /// Show the requests that an event would cause, without sending them
    #[command(override_usage = "taskbell preview [OPTIONS] [CONFIG] TYPE [JSON]")]
    Preview(preview::PreviewArgs),
    /// Show which hooks an event fires, and why or why not
    #[command(override_usage = "taskbell explain [OPTIONS] [CONFIG] TYPE [JSON]")]
    Explain(explain::ExplainArgs),
    /// Report an event as a host would, and wait for its deliveries
    #[command(override_usage = "taskbell send [OPTIONS] [CONFIG] TYPE [JSON]")]
    Send(send::SendArgs),
    /// Receive webhooks on this machine, verify and show them
    Serve(serve::ServeArgs),
    /// Verify the signature of one received request
    Verify(verify::VerifyArgs),
    /// List the deliveries in the spool, newest first
    List(list::ListArgs),
    /// Show one event with its deliveries and attempts
    #[command(override_usage = "taskbell show [OPTIONS] [CONFIG|SPOOL.db] ID")]
    Show(show::ShowArgs),
    /// Send dead letters again, or what waits now
    Replay(replay::ReplayArgs),
    /// Give up pending deliveries, and remove dead letters
    Drop(drop_command::DropArgs),
    /// Send what waits in the spool, and end
    Deliver(deliver::DeliverArgs),
    /// Open a local page over the spool: what runs, what did not arrive, and why
    Console(console::ConsoleArgs),
    /// Take the events of the nodes of a farm, and deliver for all of them
    Relay(relay::RelayArgs),
    /// Run a command, and report its end
    #[command(override_usage = "taskbell run [OPTIONS] [CONFIG] -- COMMAND...")]
    Run(run::RunArgs),
    /// Convert SwarmUI's webhook settings into a configuration
    ImportSwarmui(import_swarmui::ImportSwarmuiArgs),
    /// Render a queue of images, and receive the webhooks it causes
    Demo(demo::DemoArgs),
}

/// Runs the command that this process was given, and prints what it says.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return refuse(&error),
    };
    let mut terminal = Terminal::stdout(cli.json);
    match execute(&cli.command, &mut terminal) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.print(&mut terminal);
            if let Failure::Ended(code) = failure {
                std::process::exit(code);
            }
            ExitCode::FAILURE
        }
    }
}

fn refuse(error: &clap::Error) -> ExitCode {
    let wrong = error.use_stderr();
    let mut terminal = if wrong { Terminal::stderr() } else { Terminal::stdout(false) };
    // A closed pipe leaves nobody to tell.
    let _ = terminal.line(error.render().to_string().trim_end());
    if wrong { ExitCode::from(2) } else { ExitCode::SUCCESS }
}

fn execute(command: &Command, terminal: &mut Terminal) -> Result<(), Failure> {
    match command {
        Command::Init(arguments) => init::run(arguments, terminal),
        Command::Check(arguments) => check::run(arguments, terminal),
        Command::Preview(arguments) => preview::run(arguments, terminal),
        Command::Explain(arguments) => explain::run(arguments, terminal),
        Command::Send(arguments) => send::run(arguments, terminal),
        Command::Serve(arguments) => serve::run(arguments, terminal),
        Command::Verify(arguments) => verify::run(arguments, terminal),
        Command::List(arguments) => list::run(arguments, terminal),
        Command::Show(arguments) => show::run(arguments, terminal),
        Command::Replay(arguments) => replay::run(arguments, terminal),
        Command::Drop(arguments) => drop_command::run(arguments, terminal),
        Command::Deliver(arguments) => deliver::run(arguments, terminal),
        Command::Console(arguments) => console::run(arguments, terminal),
        Command::Relay(arguments) => relay::run(arguments, terminal),
        Command::Run(arguments) => run::run(arguments),
        Command::ImportSwarmui(arguments) => import_swarmui::run(arguments, terminal),
        Command::Demo(arguments) => demo::run(arguments, terminal),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    pub fn output(arguments: &[&str]) -> Result<String, Failure> {
        let words = std::iter::once("taskbell").chain(arguments.iter().copied());
        let cli = Cli::try_parse_from(words).unwrap();
        let (mut terminal, page) = Terminal::page(cli.json);
        execute(&cli.command, &mut terminal)?;
        Ok(String::from_utf8(page.lock().unwrap().clone()).unwrap())
    }

    #[test]
    fn the_arguments_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_manual_has_a_section_for_every_command() {
        let manual = include_str!("../../../docs/cli.md");
        let sections: Vec<_> = manual.lines().filter_map(|line| line.strip_prefix("## ")).collect();
        let cli = Cli::command();
        let commands: Vec<_> = cli.get_subcommands().map(|command| command.get_name()).collect();
        assert_eq!(sections, commands);
    }

    #[test]
    fn contradictions_are_refused() {
        for line in
            ["list a.db --dead --pending", "verify --headers {} body", "send", "drop a.db --dead --pending"]
        {
            let words = std::iter::once("taskbell").chain(line.split(' '));
            assert!(Cli::try_parse_from(words).is_err(), "{line}");
        }
    }
}
