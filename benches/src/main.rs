//! What Taskbell costs its host and how fast it delivers, against a bare socket and against what a host could use
//! instead: `cargo xtask bench`. A shared machine's figures are read, not tested.
//!
//! This process is the receiver and keeps the figures; each sender is a process of its own.

mod clients;
mod farm;
mod guest;
mod instructions;
mod load;
mod measure;
mod parts;
mod plot;
mod processor;
mod report;
mod row;
mod setting;
mod sink;

use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let (word, rest) = words.split_first().map_or(("", &[][..]), |(word, rest)| (word.as_str(), rest));
    let done = match word {
        "client" => clients::run(rest),
        "farm" => farm::run(rest),
        "instructions" => instructions::run(rest),
        _ => report::Options::read(&words).and_then(|options| report::run(&options)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("error: {reason}");
            ExitCode::FAILURE
        }
    }
}
