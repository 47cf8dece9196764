//! The log of a relay, where many nodes may complain of the same at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use taskbell_core::engine::Level;

/// Between two lines about the same.
const REPEATED_EVERY: Duration = Duration::from_secs(10);

/// What takes the lines, from any thread.
pub type LogSink = Arc<dyn Fn(Level, &str) + Send + Sync>;

/// Writes lines, and of those about the same one every ten seconds.
#[derive(Clone)]
pub struct RelayLog {
    sink: LogSink,
    repeated: Arc<Mutex<HashMap<u16, (Instant, u64)>>>,
}

impl RelayLog {
    pub fn new(sink: LogSink) -> RelayLog {
        RelayLog { sink, repeated: Arc::default() }
    }

    pub fn write(&self, level: Level, text: &str) {
        (self.sink)(level, text);
    }

    /// A line about something that may come very often, known by this number.
    pub fn repeat(&self, about: u16, text: &str) {
        let mut repeated = self.repeated.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let left_out = match repeated.get_mut(&about) {
            Some((at, left_out)) if now < *at + REPEATED_EVERY => {
                *left_out += 1;
                return;
            }
            Some(entry) => std::mem::replace(entry, (now, 0)).1,
            None => {
                repeated.insert(about, (now, 0));
                0
            }
        };
        drop(repeated);
        match left_out {
            0 => self.write(Level::Warn, text),
            more => self.write(Level::Warn, &format!("{text} (and {more} more of this kind)")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thousand_complaints_of_one_kind_are_one_line() {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&lines);
        let log = RelayLog::new(Arc::new(move |_, text| kept.lock().unwrap().push(text.to_owned())));
        (0..1000).for_each(|_| log.repeat(401, "unsigned"));
        log.repeat(413, "large");
        assert_eq!(*lines.lock().unwrap(), ["unsigned", "large"]);
    }
}
