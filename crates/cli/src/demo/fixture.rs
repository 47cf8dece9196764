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

/// Where the messages go.
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
    let last = frame::name(FRAMES);
    format!(
        r#"[host]
name = "render-demo"

# Pictures in this folder may go with a message.
[files]
roots = ["."]

[spool]
path = "taskbell.db"

[queue]
end_delay = "300ms"
progress = "1s"

[endpoints.team]
platform = "json"
url = "http://{team}/hooks/team"
sign = [{{ scheme = "standard-webhooks", secrets = ["file:team.secret"] }}]
retry = {{ schedule = ["1s", "2s"], max_age = "1m" }}

[endpoints.chat]
platform = "discord"
url = "http://{chat}{chat_path}"

# A failed frame is reported at once, in a template of our own.
[[hooks]]
name = "a frame failed"
on = ["task.complete"]
to = ["team"]
when = "task.status == 'error'"

[hooks.template]
type = "{{{{ event.type }}}}"
text = "{{{{ task.name | default('A frame') }}}} failed: {{{{ task.error.message | default('no reason given') }}}}"
width = "{{{{ task.params.width | default(0) }}}}"
asked_by = "{{{{ task.user | default('-') }}}}"
done_so_far = "{{{{ queue.total }}}}"

# The last frame is shown to all.
[[hooks]]
name = "the last frame"
on = ["task.complete"]
to = ["chat"]
when = "task.id == '{last}' and task.status == 'success'"

# The end of the queue is reported if it was a large one, or if anything failed.
[[hooks]]
name = "the batch is done"
on = ["queue.end"]
to = ["team"]
when = "queue.total >= 10 or queue.failed > 0"

# In the chat the run is one message, which is edited until the queue ends.
[[hooks]]
name = "the run"
on = ["queue.progress", "queue.end"]
to = ["chat"]
live = "queue.name"
"#
    )
}

/// Writes the configuration and the secret into the folder; returns the configuration's path.
pub fn write(folder: &Path, receivers: Receivers, secret: &str) -> Result<PathBuf, Failure> {
    let config = folder.join("taskbell.toml");
    for (path, text) in
        [(&folder.join("team.secret"), secret.to_owned()), (&config, configuration(receivers))]
    {
        std::fs::write(path, text).map_err(|error| {
            let what = format!("cannot write {}: {error}", path.display());
            Failure::new(what, "free some space for temporary files")
        })?;
    }
    Ok(config)
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
