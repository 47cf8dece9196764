//! Writes the files. Existing files are never changed, and only this user may read the new ones: the URLs of chat
//! platforms are secrets.

use super::plan::Plan;
use super::write;
use crate::failure::Failure;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

pub const CONFIG: &str = "taskbell.toml";

/// Writes all files into a folder and returns their paths.
pub fn write(plan: &Plan, folder: &Path) -> Result<Vec<String>, Failure> {
    let mut files: Vec<(String, String)> = vec![(CONFIG.to_owned(), write::config(plan))];
    for hook in &plan.hooks {
        files.push((write::url_file(hook), format!("{}\n", hook.url)));
        if let Some(data) = &hook.data {
            files.push((write::data_file(hook), data.clone()));
        }
    }
    if let Some((name, _)) = files.iter().find(|(name, _)| folder.join(name).exists()) {
        return Err(Failure::new(
            format!("{} already exists, and nothing was changed", folder.join(name).display()),
            "choose another folder with `--out DIR`, or move the old one",
        ));
    }
    let unwritable = |path: &Path, error: io::Error| {
        Failure::new(
            format!("cannot write {}: {error}", path.display()),
            "choose a folder that you can write with `--out DIR`",
        )
    };
    make_folder(folder).map_err(|error| unwritable(folder, error))?;
    let secrets = folder.join("secrets");
    make_folder(&secrets).map_err(|error| unwritable(&secrets, error))?;
    if plan.pictures {
        let pictures = folder.join("pictures");
        make_folder(&pictures).map_err(|error| unwritable(&pictures, error))?;
    }
    let mut written = Vec::new();
    for (name, text) in &files {
        let path = folder.join(name);
        create(&path, text).map_err(|error| unwritable(&path, error))?;
        written.push(path.display().to_string());
    }
    Ok(written)
}

fn make_folder(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

fn create(path: &Path, text: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::super::{ImportSwarmuiArgs, run};
    use super::*;
    use crate::terminal::Terminal;

    const SETTINGS: &str = "WebHooks:\n  \
        QueueEndWebhook: https://discord.com/api/webhooks/123456789012345678/marker-token\n  \
        QueueEndWebhookData: {\\n\"content\": \"done, 100% of it\"\\n}\n  \
        ManualGenWebhook: https://discord.com/api/webhooks/123456789012345679/marker\n  \
        ManualGenWebhookData: [discord_image]{\"content\": \"%prompt%\", \"seed\": %seed%}\n";

    fn page(out: &std::sync::Arc<std::sync::Mutex<Vec<u8>>>) -> String {
        String::from_utf8(out.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn the_imported_configuration_passes_check_and_no_secret_is_printed() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["Data", "Output"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let file = folder.path().join("Data").join("Settings.fds");
        fs::write(&file, SETTINGS).unwrap();
        let arguments = ImportSwarmuiArgs { settings: file, out: folder.path().join("out") };
        let (mut terminal, out) = Terminal::page(false);
        run(&arguments, &mut terminal).unwrap();
        let text = page(&out);
        assert!(text.starts_with("imported: Queue End, Manual Gen\n"), "{text}");
        assert!(text.contains("note: remove the webhook URLs"), "{text}");
        assert!(text.contains("warning: ") && text.contains("such as a prompt"), "{text}");
        assert!(!text.contains("error:") && !text.contains("marker"), "{text}");
        let data = fs::read_to_string(arguments.out.join("queue_end.txt")).unwrap();
        assert_eq!(data, "{\n\"content\": \"done, 100% of it\"\n}");
        let again = run(&arguments, &mut terminal).unwrap_err();
        assert!(format!("{again:?}").contains("already exists"), "{again:?}");
    }

    #[test]
    fn data_that_swarmui_cannot_send_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("Settings.fds");
        let bad = "WebHooks:\n  QueueEndWebhook: https://example.com/x\n  QueueEndWebhookData: [1]\n";
        fs::write(&file, bad).unwrap();
        let (mut terminal, out) = Terminal::page(false);
        let arguments = ImportSwarmuiArgs { settings: file, out: folder.path().join("out") };
        assert!(run(&arguments, &mut terminal).is_err());
        assert!(page(&out).contains("not an object"), "{}", page(&out));
    }

    #[test]
    fn a_file_without_webhooks_is_refused_with_advice() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("Settings.fds");
        for text in ["", "\u{0}\u{1}junk", "WebHooks:\n  QueueEndWebhook: \\x\n", "Network:\n  Port: 1\n"] {
            fs::write(&file, text).unwrap();
            let arguments = ImportSwarmuiArgs { settings: file.clone(), out: folder.path().join("out") };
            assert!(run(&arguments, &mut Terminal::page(false).0).is_err());
            assert!(!arguments.out.exists());
        }
    }
}
