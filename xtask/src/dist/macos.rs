//! macOS: nothing here links or runs a program for it, but the compiler checks every line that is for it.

use super::build;
use crate::steps::Steps;
use crate::tools;

pub const TRIPLES: &[&str] = &["aarch64-apple-darwin", "x86_64-apple-darwin"];

/// Whether this is a target that is checked only.
pub fn is_one(triple: &str) -> bool {
    TRIPLES.contains(&triple)
}

/// Compiles the library and the command for it as far as that goes without Apple's linker: types, lifetimes, lints, and
/// the code in C by Zig's compiler.
pub fn check(steps: &mut Steps) {
    for triple in TRIPLES {
        let name = format!("check for {triple}");
        if !tools::standard_library(triple) {
            steps.fail(&name, &format!("`rustup target add {triple}` does not bring its standard library"));
            continue;
        }
        match build::zig("check") {
            Ok(mut check) => {
                check.args([
                    "--target",
                    triple,
                    "--locked",
                    "--package",
                    "taskbell",
                    "--package",
                    "taskbell-ffi",
                ]);
                // Where nothing links, no profile matters.
                check.env("CARGO_TARGET_DIR", build::Place::here().target).env("RUSTFLAGS", "-Dwarnings");
                steps.run(&name, build::LIMIT, &mut check);
            }
            Err(reason) => steps.fail(&name, &reason),
        }
    }
}
