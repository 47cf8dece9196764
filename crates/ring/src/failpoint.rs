//! Places at which a test can make the process die, as a kill at that very instruction would.
//!
//! They exist only in a library built with the feature `failpoints`, which nothing but the tests builds.
//! There, `TASKBELL_FAILPOINT=NAME` ends the process when it first reaches the place of that name, and
//! `NAME:3` when it reaches it for the third time; `NAME:!3` makes it panic then. `NAME=TEXT` ends it whenever it reaches the place with a text that
//! holds this one, and `NAME=!TEXT` makes it panic there.

/// Ends the process here, or panics, when the environment says so.
#[cfg(feature = "failpoints")]
pub fn reach(name: &str) {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU32, Ordering};

    static WANTED: OnceLock<Option<(String, AtomicU32, bool)>> = OnceLock::new();
    let wanted = WANTED.get_or_init(|| {
        let text = std::env::var("TASKBELL_FAILPOINT").ok()?;
        let (name, count) = text.split_once(':').unwrap_or((&text, "1"));
        let number = count.strip_prefix('!').unwrap_or(count);
        Some((name.to_owned(), AtomicU32::new(number.parse().unwrap_or(1)), count.starts_with('!')))
    });
    if let Some((wanted, left, panics)) = wanted
        && wanted == name
        && left.fetch_sub(1, Ordering::Relaxed) == 1
    {
        if *panics {
            std::panic::panic_any("a failpoint");
        }
        std::process::abort();
    }
}

/// Ends the process here, or panics, when the environment says so for such a text.
#[cfg(feature = "failpoints")]
pub fn reach_in(name: &str, text: impl AsRef<[u8]>) {
    use std::sync::OnceLock;

    static WANTED: OnceLock<Option<(String, String)>> = OnceLock::new();
    let wanted = WANTED.get_or_init(|| {
        let given = std::env::var("TASKBELL_FAILPOINT").ok()?;
        given.split_once('=').map(|(name, text)| (name.to_owned(), text.to_owned()))
    });
    let Some((_, needle)) = wanted.as_ref().filter(|(wanted, _)| wanted == name) else { return };
    let text = String::from_utf8_lossy(text.as_ref());
    match needle.strip_prefix('!') {
        Some(needle) if text.contains(needle) => std::panic::panic_any("a failpoint"),
        None if text.contains(needle.as_str()) => std::process::abort(),
        _ => {}
    }
}

/// Nothing: the library that hosts load has no such places.
#[cfg(not(feature = "failpoints"))]
#[inline(always)]
pub fn reach(_: &str) {}

/// Nothing, too.
#[cfg(not(feature = "failpoints"))]
#[inline(always)]
pub fn reach_in(_: &str, _: impl AsRef<[u8]>) {}
