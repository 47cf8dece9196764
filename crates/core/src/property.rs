//! How many cases a property test tries.

use proptest::prelude::ProptestConfig;

/// The configuration of a property test that tries `cases` cases; an eighth of them where `TASKBELL_QUICK` is
/// set, as `cargo xtask test --quick` does. Nothing is written into the tree when a case fails: its values stand in
/// the output.
pub(crate) fn cases(cases: u32) -> ProptestConfig {
    let is_quick = std::env::var_os("TASKBELL_QUICK").is_some();
    let cases = if is_quick { cases.div_ceil(8) } else { cases };
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}
