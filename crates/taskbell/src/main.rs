//! The `taskbell` command, which is in `crates/cli`: here, `cargo install taskbell` finds it.

fn main() -> std::process::ExitCode {
    taskbell_cli::main()
}
