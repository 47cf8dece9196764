//! What a developer and CI run: `cargo xtask test`, and its parts.

mod checks;
mod steps;
mod tools;

use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask COMMAND

  test             everything: format, lints, docs, Rust tests, the tests from outside
  python [ARGS]    the tests from outside alone; ARGS go to pytest
  dist             the library as it is shipped, with its headers, in target/dist
  bench [ARGS]     the benchmarks; ARGS go to cargo bench
  docs             writes the generated documents anew";

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let command = words.next().unwrap_or_default();
    let rest: Vec<String> = words.collect();
    let done = match command.as_str() {
        "test" if rest.is_empty() => checks::test(),
        "python" => checks::python(&rest),
        "dist" if rest.is_empty() => checks::dist(),
        "bench" => checks::bench(&rest),
        "docs" if rest.is_empty() => checks::docs(),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    if done { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
