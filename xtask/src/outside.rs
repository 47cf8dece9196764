//! The tests from outside: pytest, and the library that they load.

use crate::steps::Steps;
use crate::tools;
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// The name of the library on this system.
pub fn library_name() -> String {
    format!("{}taskbell{}", env::consts::DLL_PREFIX, env::consts::DLL_SUFFIX)
}

/// The library that the tests from outside load.
pub fn library() -> PathBuf {
    tools::target().join("debug").join(library_name())
}

pub fn pytest(python: &Path, tests: &[String]) -> Command {
    let mut pytest = Command::new(python);
    pytest.current_dir(tools::root()).args(["-m", "pytest"]).args(tests);
    pytest.env("PYTHONDONTWRITEBYTECODE", "1");
    // Cargo adds the folders of its build, where a host would find that library before the one that is tested.
    if let Some(path) = env::var_os("LD_LIBRARY_PATH") {
        let others = env::split_paths(&path).filter(|folder| !folder.starts_with(tools::target()));
        pytest.env("LD_LIBRARY_PATH", env::join_paths(others).unwrap_or_default());
    }
    pytest
}

pub fn run_tests(steps: &mut Steps, name: &str, limit: Duration, command: &mut Command) {
    match tools::in_own_home(command) {
        Ok(command) => {
            steps.run(name, limit, command);
        }
        Err(reason) => steps.fail(name, &reason),
    }
}
