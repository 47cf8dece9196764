//! How many cases a test of many tries.

use proptest::prelude::ProptestConfig;

/// The configuration of a property test that tries `cases` cases; an eighth of them where `TASKBELL_QUICK` is
/// set, as `cargo xtask test --quick` does. Nothing is written into the tree when a case fails: its values stand in
/// the output.
pub(crate) fn cases(cases: u32) -> ProptestConfig {
    let cases = cases.div_ceil(one_in());
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// One of how many cases a test tries.
pub(crate) fn one_in() -> u32 {
    if std::env::var_os("TASKBELL_QUICK").is_some() { 8 } else { 1 }
}
