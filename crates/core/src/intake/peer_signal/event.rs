//! Named events of Windows: one for each instance. They have no file, and end with their process.

use crate::intake::lock;
use crate::os::event::Event;
use std::io;
use std::path::Path;

/// The event on which an instance receives signals.
pub struct EventSignal {
    event: Event,
}

impl EventSignal {
    /// Creates the event of an instance.
    pub fn open(_spool: &Path, instance: &str) -> io::Result<EventSignal> {
        Ok(EventSignal { event: Event::named(&name(instance))? })
    }

    /// Whether a signal arrived since the last call. Never waits.
    pub fn heard(&self) -> bool {
        self.event.take()
    }

    /// What the dispatcher waits for.
    pub fn event(&self) -> &Event {
        &self.event
    }
}

/// Signals the instances on this spool except `but`; returns how many were reached. Never waits.
pub fn call(spool: &Path, but: Option<&str>) -> usize {
    let Ok(rings) = std::path::absolute(spool).and_then(|spool| lock::list(&spool)) else { return 0 };
    let others = rings.iter().filter(|ring| !ring.unlocked && Some(ring.instance.as_str()) != but);
    others.filter(|ring| Event::set_named(&name(&ring.instance))).count()
}

/// Dead instances leave nothing behind.
pub fn sweep(_spool: &Path) {}

/// The same for a service and for programs of a desktop; instances are random numbers, so no spool needs to be named.
fn name(instance: &str) -> String {
    format!("Global\\taskbell-{instance}")
}
