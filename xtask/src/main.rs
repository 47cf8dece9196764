//! What a developer and CI run: `cargo xtask test`, and its parts.

mod bench;
mod cards;
mod checks;
mod dist;
mod hosts;
mod outside;
mod steps;
mod tools;

use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask COMMAND

  test             everything: format, lints, docs, Rust tests, the tests from outside
  test --quick     the part that answers within three minutes on a tree that is built
  test --hosts     real hosts of Python from PyPI; CI runs as many of them as its time allows
  python [ARGS]    the tests from outside alone; ARGS go to pytest
  dist             what is shipped, for every system, tested from the archives, in target/dist
  dist --target T  the same for this system alone; may be given several times
  dist --from DIR  the same of libraries and a command that are built already
  dist --profile P the same as `release` optimizes, not as `dist` does, which ships
  reproduce        what ships for this system, built and packed twice, in two clones: the same bytes
  bench [PARTS]    the benchmarks, into target/bench/report.json and report.svg; in about an hour
  bench --quick    the same once and short; `--runs N` as often; `--docs` also into docs/benchmarks.md
  instructions     the instructions of a delivery, held to the recorded figure; `--record` records it
  deny             licenses, sources and known faults of the dependencies, with cargo-deny
  docs             rewrites the generated documents
  cards            takes the pictures of docs/platforms.md again, with Chromium
  cards --before REV  the same; target/cards/index.html compares them with those of a revision, else of HEAD";

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let command = words.next().unwrap_or_default();
    let rest: Vec<String> = words.collect();
    let done = match command.as_str() {
        "test" if rest.is_empty() => checks::test(),
        "test" if rest == ["--quick"] => checks::quick(),
        "test" if rest == ["--hosts"] => checks::hosts(),
        "python" => checks::python(&rest),
        "dist" => match dist::dist(&rest) {
            Some(done) => done,
            None => return usage(),
        },
        "reproduce" if rest.is_empty() => dist::reproduce::reproduce(),
        "bench" => bench::bench(&rest),
        "instructions" if rest.is_empty() => bench::instructions(false),
        "instructions" if rest == ["--record"] => bench::instructions(true),
        "deny" if rest.is_empty() => checks::deny(),
        "docs" if rest.is_empty() => checks::docs(),
        "cards" => match rest.as_slice() {
            [] => cards::cards("HEAD"),
            [option, revision] if option == "--before" => cards::cards(revision),
            _ => return usage(),
        },
        _ => return usage(),
    };
    if done { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn usage() -> ExitCode {
    eprintln!("{USAGE}");
    ExitCode::from(2)
}
