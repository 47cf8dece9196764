//! `taskbell init`: writes a first configuration from a URL.

use super::check;
use super::failure::Failure;
use super::source;
use super::terminal::{Style, Terminal};
use serde_json::json;
use std::fs::OpenOptions;
use std::io::{self, Write};
use taskbell_core::engine;
use taskbell_core::platform::{self, Platform};
use url::Url;

#[derive(Debug, clap::Args)]
pub struct InitArgs {
    /// The URL of a webhook
    url: String,
    /// The platform, where the URL does not show it: `json`, `mattermost`, …
    #[arg(long, value_name = "NAME")]
    platform: Option<String>,
    /// The file to write; one that exists is never overwritten
    #[arg(long, short, value_name = "FILE", default_value = source::DEFAULT)]
    output: String,
}

pub fn run(arguments: &InitArgs, terminal: &mut Terminal) -> Result<(), Failure> {
    let url = arguments.url.trim();
    let platform = platform(url, arguments.platform.as_deref())?;
    // Where no message can arrive, a file would only hide the mistake.
    let parsed = Url::parse(url).ok().filter(|url| platform::recognise(url).is_none());
    if let Some(known) =
        parsed.and_then(|url| platform::known_address(&url)).filter(|known| !known.takes_json)
    {
        let next = "run `taskbell init` again with the URL of a webhook";
        return Err(Failure::new(format!("{}: {}", known.service, known.advice), next));
    }
    let text = configuration(url, platform);
    // Keys of the platform are variables that are not set yet; what else is wrong must be known now.
    let report = engine::check(&text);
    let errors: Vec<_> = report.errors.iter().filter(|error| !is_open(&error.key, platform)).collect();
    if let Some(error) = errors.first() {
        return Err(Failure::new(error.message.clone(), "copy the URL again, and put it in quotes"));
    }
    write(&arguments.output, &text)?;
    let open = open_keys(platform);
    if terminal.json() {
        let open: Vec<&str> = open.iter().map(|(variable, _)| variable.as_str()).collect();
        let json =
            json!({ "ok": true, "file": arguments.output, "platform": platform.name(), "variables": open });
        return Ok(terminal.object(&json)?);
    }
    let file = terminal.paint(Style::Name, &arguments.output);
    terminal.line(&format!("wrote {file}: one endpoint, of the platform `{}`", platform.name()))?;
    for (variable, form) in open {
        terminal.line(&format!("Set the environment variable {variable}: {form}."))?;
    }
    for warning in &report.warnings {
        check::show_finding(Style::Warning, "warning", warning, terminal)?;
    }
    terminal.line("The URL in it is a secret: only you can read the file. Try it:")?;
    let given =
        if arguments.output == source::DEFAULT { String::new() } else { format!(" {}", arguments.output) };
    terminal.indented(
        2,
        &format!("taskbell check{given}\ntaskbell send{given} queue.end '{{\"total\": 3}}'\n"),
    )?;
    Ok(())
}

fn platform(url: &str, named: Option<&str>) -> Result<&'static dyn Platform, Failure> {
    if let Some(name) = named {
        let unknown = || format!("`{}` is not a platform", name.escape_debug());
        let next = format!("the platforms are {}", platform::names().join(", "));
        return platform::by_name(name).ok_or_else(|| Failure::new(unknown(), next));
    }
    let parsed = Url::parse(url).ok();
    let found = parsed.as_ref().and_then(platform::recognise).or_else(|| platform::by_name("json"));
    found.ok_or_else(|| {
        Failure::new("this build has no platform `json`", "name another one with `--platform`")
    })
}

/// The environment variables of the options that the platform needs in addition to the URL, and what they hold.
fn open_keys(platform: &dyn Platform) -> Vec<(String, &'static str)> {
    let required = platform.description().options.iter().filter(|option| option.required);
    required.map(|option| (variable(option.name), option.form)).collect()
}

fn variable(option: &str) -> String {
    format!("TASKBELL_{}", option.to_ascii_uppercase())
}

fn is_open(key: &str, platform: &dyn Platform) -> bool {
    let name = key.rsplit('.').next().unwrap_or_default();
    platform.description().options.iter().any(|option| option.required && option.name == name)
}

fn configuration(url: &str, platform: &dyn Platform) -> String {
    let mut endpoint = format!("platform = \"{}\"\nurl = {}\n", platform.name(), json!(url));
    for option in platform.description().options.iter().filter(|option| option.required) {
        endpoint.push_str(&format!(
            "{} = \"env:{}\"  # {}\n",
            option.name,
            variable(option.name),
            option.form
        ));
    }
    format!(
        "# Every key is in docs/configuration.md. `taskbell check` finds the errors.\n\n\
         [endpoints.team]\n{endpoint}\n\
         # A message when a queue or a batch ends,\n\
         [[hooks]]\nname = \"ends\"\non = [\"queue.end\", \"batch.end\"]\nto = [\"team\"]\n\n\
         # for each task that fails,\n\
         [[hooks]]\nname = \"failures\"\non = [\"task.complete\"]\nto = [\"team\"]\nonly_failures = true\n\n\
         # and for alerts, once an `[[alerts]]` table defines one.\n\
         [[hooks]]\nname = \"alerts\"\non = [\"alert.firing\", \"alert.resolved\"]\nto = [\"team\"]\n"
    )
}

fn write(path: &str, text: &str) -> Result<(), Failure> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(path).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| {
        let next = match error.kind() {
            io::ErrorKind::AlreadyExists => "`--output` names another file; this one is left as it is",
            _ => "check the folder and its permissions",
        };
        Failure::new(format!("cannot write {path}: {error}"), next)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::output;

    const SLACK: &str = "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX";

    #[test]
    fn a_first_configuration_is_valid_and_readable_by_its_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("taskbell.toml").to_str().unwrap().to_owned();
        let text = output(&["init", SLACK, "--output", &path]).unwrap();
        assert!(text.contains("of the platform `slack`") && text.contains("taskbell send"), "{text}");
        assert!(!text.contains("XXXX"), "{text}");
        assert_eq!(output(&["check", &path]).unwrap(), "1 endpoint, 3 hooks: fine\n");
        #[cfg(unix)]
        {
            let mode =
                std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).unwrap().permissions());
            assert_eq!(mode & 0o777, 0o600);
        }
        let Err(Failure::Message { what, .. }) = output(&["init", SLACK, "--output", &path]) else {
            panic!("a file was overwritten")
        };
        assert!(what.contains("cannot write"), "{what}");
    }

    #[test]
    fn what_the_platform_needs_beside_the_url_is_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.toml").to_str().unwrap().to_owned();
        let text = output(&["init", "https://api.telegram.org/bot123456:abc", "--output", &path]).unwrap();
        assert!(text.contains("Set the environment variable TASKBELL_CHAT_ID: a chat's number"), "{text}");
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains("chat_id = \"env:TASKBELL_CHAT_ID\""), "{text}");
    }

    #[test]
    fn a_wrong_url_writes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.toml").to_str().unwrap().to_owned();
        for url in [
            "nonsense",
            "https://hooks.slack.com/services/T0/${TOKEN}",
            "https://hooks.slack.com/services/T0",
            "https://discord.com/channels/1/2",
            "https://acme.slack.com/archives/C1",
        ] {
            assert!(output(&["init", url, "--output", &path]).is_err(), "{url}");
            assert!(!std::path::Path::new(&path).exists());
        }
    }
}
