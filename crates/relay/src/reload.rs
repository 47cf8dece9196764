//! SIGHUP: the relay that leads reads its configuration again, and goes on with its endpoints and hooks.

use crate::log::RelayLog;
use std::io;
use std::path::Path;
use std::sync::Arc;
use taskbell_core::config::{Config, FarmSettings};
use taskbell_core::engine::{Bell, Level};

/// What asks a relay to read its configuration again.
pub struct ReloadSignal {
    #[cfg(unix)]
    hangup: tokio::signal::unix::Signal,
}

impl ReloadSignal {
    #[cfg(unix)]
    pub fn watch() -> io::Result<ReloadSignal> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(ReloadSignal { hangup: signal(SignalKind::hangup())? })
    }

    #[cfg(not(unix))]
    pub fn watch() -> io::Result<ReloadSignal> {
        Ok(ReloadSignal {})
    }

    /// Until it asks. What came before, on standby for example, counts.
    pub async fn wait(&mut self) {
        #[cfg(unix)]
        self.hangup.recv().await;
        #[cfg(not(unix))]
        std::future::pending::<()>().await;
    }
}

/// Puts the file's endpoints and hooks in force; one with an error changes nothing.
pub async fn reload(bell: &Arc<Bell>, file: Option<&Path>, log: &RelayLog) {
    let Some(file) = file.map(Path::to_owned) else { return };
    let bell = Arc::clone(bell);
    let reloaded = tokio::task::spawn_blocking(move || read(&bell, &file)).await;
    if let Ok(Err(reason)) = reloaded {
        let text = format!("the configuration stays as it was, because the file cannot be used: {reason}");
        log.write(Level::Error, &text);
    }
}

fn read(bell: &Bell, file: &Path) -> Result<(), String> {
    let config = Config::load(&file.to_string_lossy()).map_err(|errors| errors.to_string())?;
    if !matches!(config.farm, Some(FarmSettings::Relay(_))) {
        return Err("it is not that of a relay any more".to_owned());
    }
    // The bell says in its log what is in force now.
    bell.reload(config).map_err(|error| error.to_string())
}
