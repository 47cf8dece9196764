//! The source as a user compiles it: the crates as they are published, and the source distribution.

use crate::outside::{pytest, run_tests};
use crate::steps::Steps;
use crate::tools;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(45 * 60);

/// Compiles each crate from its package, installs the command from them, and builds the wheel from the source
/// distribution of `target/dist`.
pub fn test(steps: &mut Steps) {
    let folder = tools::target().join("source");
    let words = ["publish", "--workspace", "--dry-run", "--allow-dirty", "--locked"];
    let mut publish = tools::cargo(words);
    publish.env("CARGO_TARGET_DIR", &folder).env("CARGO_PROFILE_DEV_DEBUG", "0");
    if !steps.run("crates, each compiled from its package", LIMIT, &mut publish) {
        return;
    }
    const NAME: &str = "command and wheel, built from their packages";
    match tools::packager() {
        Ok(python) => {
            let mut pytest = pytest(&python, &["tests/python/release/test_source.py".to_owned()]);
            pytest.env("TASKBELL_DIST", tools::target().join("dist")).env("TASKBELL_SOURCE", &folder);
            pytest.env("TASKBELL_LIBRARY", crate::outside::library());
            run_tests(steps, NAME, LIMIT, &mut pytest);
        }
        Err(reason) => steps.fail(NAME, &reason),
    }
}
