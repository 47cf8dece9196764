//! What the demo needs around it: the shared library, a folder, a secret, a configuration.

use super::super::failure::Failure;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// A folder that goes when it is dropped, unless it is kept.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// Whether it stays.
    pub keep: bool,
}

impl Folder {
    /// A new folder among the temporary files, for this user alone.
    pub fn create() -> Result<Folder, Failure> {
        let failed = |path: &Path, error: &dyn std::fmt::Display| {
            Failure::new(
                format!("the folder {} cannot be made: {error}", path.display()),
                "point TMPDIR (on Windows, TEMP) to a folder that can be written",
            )
        };
        let mut name = [0; 6];
        getrandom::fill(&mut name).map_err(|error| failed(&std::env::temp_dir(), &error))?;
        let digits: String = name.iter().map(|byte| format!("{byte:02x}")).collect();
        let path = std::env::temp_dir().join(format!("taskbell-demo-{digits}"));
        create_private(&path).map_err(|error| failed(&path, &error))?;
        Ok(Folder { path, keep: false })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !self.keep {
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}

fn create_private(path: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder.create(path)
}

/// A fresh secret of Standard Webhooks.
pub fn fresh_secret() -> Result<String, Failure> {
    let mut key = [0; 32];
    getrandom::fill(&mut key)
        .map_err(|error| Failure::new(format!("the system gives no random bytes: {error}"), "try again"))?;
    Ok(format!("whsec_{}", BASE64.encode(key)))
}

/// The configuration, as an operator would write it.
pub fn configuration(receiver: SocketAddr) -> String {
    format!(
        r#"[host]
name = "render-demo"

[spool]
path = "taskbell.db"

[queue]
end_delay = "300ms"

[endpoints.team]
platform = "json"
url = "http://{receiver}/hooks/team"
sign = [{{ scheme = "standard-webhooks", secrets = ["file:team.secret"] }}]
retry = {{ schedule = ["1s", "2s"], max_age = "1m" }}

# A frame that fails is told at once, in words of our own.
[[hooks]]
name = "a frame failed"
on = ["task.complete"]
to = ["team"]
when = "task.status == 'error'"

[hooks.template]
type = "{{{{ event.type }}}}"
text = "{{{{ task.name }}}} failed: {{{{ task.error.message }}}}"
width = "{{{{ task.params.width }}}}"
asked_by = "{{{{ task.user }}}}"
done_so_far = "{{{{ queue.total }}}}"

# The end of the queue is told when it was a large one, or when anything failed.
[[hooks]]
name = "the batch is done"
on = ["queue.end"]
to = ["team"]
when = "queue.total >= 10 or queue.failed > 0"
"#
    )
}

/// Writes the configuration and the secret into the folder; the configuration's path.
pub fn write(folder: &Folder, receiver: SocketAddr, secret: &str) -> Result<PathBuf, Failure> {
    let config = folder.path().join("taskbell.toml");
    for (path, text) in
        [(&folder.path().join("team.secret"), secret), (&config, configuration(receiver).as_str())]
    {
        std::fs::write(path, text).map_err(|error| {
            let what = format!("{} cannot be written: {error}", path.display());
            Failure::new(what, "free some space among the temporary files")
        })?;
    }
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_is_sound() {
        let folder = Folder::create().unwrap();
        let secret = fresh_secret().unwrap();
        let config = write(&folder, "127.0.0.1:1".parse().unwrap(), &secret).unwrap();
        let report = taskbell_core::engine::check(config.to_str().unwrap());
        assert!(report.errors.is_empty() && report.warnings.is_empty(), "{report:?}");
        assert_eq!(report.counts, (1, 2));
        let path = folder.path().to_owned();
        drop(folder);
        assert!(!path.exists());
    }
}
