//! The folder, the secret and the configuration of the demo.

use super::frame::{self, FRAMES};
use crate::failure::Failure;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A new folder for temporary files, which only this user may enter.
pub fn folder() -> Result<TempDir, Failure> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("taskbell-demo-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    builder.tempdir().map_err(|error| {
        Failure::new(
            format!("cannot create a folder in {}: {error}", std::env::temp_dir().display()),
            "set TMPDIR (on Windows, TEMP) to a folder that can be written",
        )
    })
}

/// A fresh secret of Standard Webhooks.
pub fn fresh_secret() -> Result<String, Failure> {
    let mut key = [0; 32];
    getrandom::fill(&mut key)
        .map_err(|error| Failure::new(format!("the system gives no random bytes: {error}"), "try again"))?;
    Ok(format!("whsec_{}", BASE64.encode(key)))
}

#[derive(Debug, Clone, Copy)]
pub struct Receivers {
    /// The team's own service.
    pub team: SocketAddr,
    /// What plays the chat.
    pub chat: SocketAddr,
    /// Path and query of the chat's URL.
    pub chat_path: &'static str,
}

fn configuration(receivers: Receivers) -> String {
    let Receivers { team, chat, chat_path } = receivers;
    include_str!("taskbell.toml")
        .replace("TEAM", &team.to_string())
        .replace("CHAT", &format!("{chat}{chat_path}"))
        .replace("LAST_FRAME", &frame::name(FRAMES))
}

/// Writes the configuration and the secret into the folder; returns the configuration's path.
pub fn write(folder: &Path, receivers: Receivers, secret: &str) -> Result<PathBuf, Failure> {
    let config = folder.join("taskbell.toml");
    write_file(&folder.join("team.secret"), secret)?;
    write_file(&config, &configuration(receivers))?;
    Ok(config)
}

/// Writes a file of the demo.
pub fn write_file(path: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(path, text).map_err(|error| {
        let what = format!("cannot write {}: {error}", path.display());
        Failure::new(what, "free some space for temporary files")
    })
}

#[cfg(test)]
pub mod tests {
    use super::*;

    pub fn receivers() -> Receivers {
        let [team, chat] = ["127.0.0.1:40005", "127.0.0.1:40006"].map(|address| address.parse().unwrap());
        Receivers { team, chat, chat_path: "/api/webhooks/1/demo" }
    }

    #[test]
    fn the_configuration_is_sound() {
        let folder = folder().unwrap();
        let secret = fresh_secret().unwrap();
        let config = write(folder.path(), receivers(), &secret).unwrap();
        let report = taskbell_core::engine::check(config.to_str().unwrap());
        assert!(report.errors.is_empty() && report.warnings.is_empty(), "{report:?}");
        assert_eq!(report.counts, (2, 4));
        let path = folder.path().to_owned();
        drop(folder);
        assert!(!path.exists());
    }
}
