//! How each setting is imported, and what differs.

use super::fds::Settings;
use std::time::Duration;
use url::Url;

/// One of SwarmUI's webhooks, and its equivalent in Taskbell.
#[derive(Debug)]
pub struct SwarmWebhook {
    /// The name on SwarmUI's settings page.
    pub label: &'static str,
    /// The start of its two keys, `…Webhook` and `…WebhookData`.
    key: &'static str,
    /// The name of the endpoint and of the files.
    pub name: &'static str,
    pub on: &'static str,
    /// More keys of the endpoint.
    pub endpoint: &'static str,
    /// More keys of the hook.
    pub hook: &'static str,
    /// How Taskbell differs from SwarmUI.
    note: &'static str,
}

/// SwarmUI does not report failures.
const SUCCESS: &str = "when = \"task.status == 'success'\"\n";

/// SwarmUI sends a manual message at the end of a request or queue even if the last task failed.
const SUCCESS_OR_END: &str =
    "manual = true\nwhen = \"task.status == 'success' or event.type in ['batch.end', 'queue.end']\"\n";

/// These messages are about a moment, and useless hours later.
const ONCE: &str = "timeout = \"10m\"\nretry = { schedule = [], max_age = \"10m\" }\n";
const SOON: &str = "timeout = \"10m\"\nretry = { schedule = [\"1s\", \"5s\", \"30s\"], max_age = \"10m\" }\n";
const BRIEF: &str = "timeout = \"2m\"\nretry = { schedule = [], max_age = \"10m\" }\n";

static WEBHOOKS: [SwarmWebhook; 6] = [
    SwarmWebhook {
        label: "Queue Start",
        key: "QueueStart",
        name: "queue_start",
        on: "queue.start",
        endpoint: ONCE,
        hook: "",
        note: "Queue Start: SwarmUI delays the first generation until the receiver has answered; with Taskbell the \
               host decides how long it waits (`taskbell_wait`), and the extension waits 30 s at most",
    },
    SwarmWebhook {
        label: "Queue End",
        key: "QueueEnd",
        name: "queue_end",
        on: "queue.end",
        endpoint: SOON,
        hook: "",
        note: "Queue End: SwarmUI stays idle until the receiver has answered; Taskbell never blocks the queue",
    },
    SwarmWebhook {
        label: "Every Gen",
        key: "EveryGen",
        name: "every_gen",
        on: "task.complete",
        endpoint: "",
        hook: SUCCESS,
        note: "Every Gen: previews of a running generation and the grid that SwarmUI makes of a batch are not tasks, \
               and are not reported; an image that is refused after it was made has been reported, as in SwarmUI",
    },
    SwarmWebhook {
        label: "Manual Gen",
        key: "ManualGen",
        name: "manual_gen",
        on: "task.complete",
        endpoint: "",
        hook: SUCCESS_OR_END,
        note: "",
    },
    SwarmWebhook {
        label: "Server Start",
        key: "ServerStart",
        name: "server_start",
        on: "server.start",
        endpoint: "",
        hook: "",
        note: "",
    },
    SwarmWebhook {
        label: "Server Shutdown",
        key: "ServerShutdown",
        name: "server_shutdown",
        on: "server.stop",
        endpoint: BRIEF,
        hook: "",
        note: "Server Shutdown: SwarmUI waits 2 minutes at most; with Taskbell the host decides (`taskbell_wait`), \
               and a message that is still pending is sent after the next start",
    },
];

#[derive(Debug)]
pub struct ImportedHook {
    pub webhook: &'static SwarmWebhook,
    /// A secret.
    pub url: String,
    pub data: Option<String>,
}

#[derive(Debug)]
pub struct Plan {
    pub hooks: Vec<ImportedHook>,
    /// `[host] base_url`.
    pub base_url: String,
    /// `[queue] end_delay`.
    pub end_delay: Duration,
    /// Whether a message has the picture or its address: the extension then keeps pictures.
    pub pictures: bool,
    /// For the user: settings that cannot be imported, and differences.
    pub notes: Vec<String>,
}

impl Plan {
    pub fn of(settings: &Settings) -> Plan {
        let mut notes = Vec::new();
        let hooks: Vec<ImportedHook> =
            WEBHOOKS.iter().filter_map(|webhook| hook(webhook, settings, &mut notes)).collect();
        if !settings.unread.is_empty() {
            let lines: Vec<String> = settings.unread.iter().take(10).map(usize::to_string).collect();
            notes.push(format!("these lines of the file are not understood: {}", lines.join(", ")));
        }
        let pictures = hooks.iter().any(|hook| hook.data.as_deref().is_some_and(shows_picture));
        if pictures {
            notes.push(
                "the extension keeps the pictures of its messages in the folder `pictures` for 7 days, 1 GiB at \
                 most; SwarmUI serves them without a login under addresses that cannot be guessed"
                    .to_owned(),
            );
        }
        if !hooks.is_empty() {
            notes.push(
                "an answer other than 2xx is a failure and is retried; SwarmUI ignores the status".to_owned(),
            );
            notes.push(
                "remove the webhook URLs from SwarmUI's server configuration, or every message is sent twice"
                    .to_owned(),
            );
        }
        Plan {
            base_url: base_url(settings, &mut notes),
            end_delay: end_delay(settings, &mut notes),
            pictures,
            hooks,
            notes,
        }
    }
}

fn hook(
    webhook: &'static SwarmWebhook,
    settings: &Settings,
    notes: &mut Vec<String>,
) -> Option<ImportedHook> {
    let data = settings.get(&format!("WebHooks.{}WebhookData", webhook.key)).map(str::to_owned);
    let Some(url) = settings.get(&format!("WebHooks.{}Webhook", webhook.key)) else {
        if data.is_some() {
            notes.push(format!("{}: it has data but no URL, so SwarmUI sends nothing", webhook.label));
        }
        return None;
    };
    let url = url.trim();
    let sound = Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    if !sound {
        notes.push(format!(
            "{}: its URL is not an http or https URL, so the webhook is left out",
            webhook.label
        ));
        return None;
    }
    if !webhook.note.is_empty() {
        notes.push(webhook.note.to_owned());
    }
    if webhook.name == "server_start" && (data.is_some() || shutdown_url(settings)) {
        notes.push(
            "Server Start: SwarmUI never sends its data, and sends nothing if there is a Server Shutdown URL; \
             Taskbell sends it as written"
                .to_owned(),
        );
    }
    Some(ImportedHook { webhook, url: url.to_owned(), data })
}

fn shows_picture(data: &str) -> bool {
    data.trim_start().starts_with("[discord_image]") || data.contains("%image%")
}

fn shutdown_url(settings: &Settings) -> bool {
    settings.get("WebHooks.ServerShutdownWebhook").is_some()
}

/// SwarmUI's rule for its address.
fn base_url(settings: &Settings, notes: &mut Vec<String>) -> String {
    let host = match settings.get("Network.Host").unwrap_or("localhost").trim() {
        "*" | "0.0.0.0" => "localhost",
        host => host,
    };
    let port = settings.get("Network.Port").and_then(|port| port.trim().parse::<u16>().ok()).unwrap_or(7801);
    let own = format!("http://{host}:{port}");
    let Some(external) = settings.get("Network.ExternalURL") else {
        notes.push(format!(
            "ExternalURL is not set, so links to images begin with {own} as in SwarmUI; others cannot open them"
        ));
        return own;
    };
    let external = external.trim().trim_end_matches('/');
    let sound = Url::parse(external).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none()
    });
    if sound {
        external.to_owned()
    } else {
        notes.push(format!("ExternalURL is not a plain http or https URL; links to images begin with {own}"));
        own
    }
}

fn end_delay(settings: &Settings, notes: &mut Vec<String>) -> Duration {
    const LONGEST: f64 = 3600.0;
    let Some(written) = settings.get("WebHooks.QueueEndDelay") else { return Duration::from_secs(1) };
    match written.trim().replace(',', ".").parse::<f64>() {
        Ok(seconds) if (0.0..=LONGEST).contains(&seconds) => {
            Duration::from_millis((seconds * 1000.0).round() as u64)
        }
        Ok(seconds) if seconds > LONGEST => {
            notes
                .push("QueueEndDelay is longer than the maximum of one hour, and set to one hour".to_owned());
            Duration::from_secs(3600)
        }
        _ => {
            notes.push("QueueEndDelay is not a time, and set to SwarmUI's default of 1 s".to_owned());
            Duration::from_secs(1)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(text: &str) -> Plan {
        Plan::of(&Settings::parse(text))
    }

    #[test]
    fn every_webhook_becomes_a_hook() {
        let mut text = String::from("WebHooks:\n");
        for webhook in &WEBHOOKS {
            text.push_str(&format!("  {}Webhook: https://example.com/{}\n", webhook.key, webhook.name));
            text.push_str(&format!("  {}WebhookData: {{\"x\": 1}}\n", webhook.key));
        }
        let plan = plan(&text);
        assert_eq!(plan.hooks.len(), 6);
        for hook in &plan.hooks {
            assert_eq!(hook.url, format!("https://example.com/{}", hook.webhook.name));
            assert_eq!(hook.data.as_deref(), Some("{\"x\": 1}"));
        }
        assert!(plan.notes.iter().any(|note| note.starts_with("Server Start: SwarmUI never sends its data")));
        assert!(!plan.pictures);
    }

    #[test]
    fn a_note_names_each_setting_that_cannot_be_imported_without_a_secret() {
        let plan = plan(
            "WebHooks:\n  QueueEndWebhook: not a url marker-1\n  EveryGenWebhookData: {}\n  \
             QueueEndDelay: soon\nNetwork:\n  ExternalURL: ftp://marker-2\n",
        );
        assert!(plan.hooks.is_empty());
        let notes = plan.notes.join("\n");
        for part in
            ["Queue End: its URL", "Every Gen: it has data but no URL", "QueueEndDelay", "ExternalURL"]
        {
            assert!(notes.contains(part), "{part} in {notes}");
        }
        assert!(!notes.contains("marker"), "{notes}");
    }

    #[test]
    fn the_address_and_the_delay_follow_swarmuis_rules() {
        for (network, expected) in [
            ("Host: *\n  Port: 8000", "http://localhost:8000"),
            ("Host: 0.0.0.0", "http://localhost:7801"),
            ("Host: 10.0.0.5", "http://10.0.0.5:7801"),
            ("ExternalURL: https://swarm.example.com/", "https://swarm.example.com"),
        ] {
            assert_eq!(plan(&format!("Network:\n  {network}\n")).base_url, expected);
        }
        for (written, millis) in [("1.5", 1500), ("0", 0), ("0,25", 250), ("99999", 3_600_000), ("-1", 1000)]
        {
            let delay = plan(&format!("WebHooks:\n  QueueEndDelay: {written}\n")).end_delay;
            assert_eq!(delay, Duration::from_millis(millis), "{written}");
        }
    }

    #[test]
    fn pictures_are_kept_for_messages_that_show_them() {
        let of = |data: &str| {
            let hook = "WebHooks:\n  EveryGenWebhook: https://example.com/\n  EveryGenWebhookData: ";
            let plan = plan(&format!("{hook}{data}\n"));
            (plan.pictures, plan.notes.iter().any(|note| note.contains("the folder `pictures`")))
        };
        assert_eq!(of("[discord_image]{}"), (true, true));
        assert_eq!(of("{\"a\": \"%image%\"}"), (true, true));
        assert_eq!(of("{\"a\": \"%prompt%\"}"), (false, false));
    }
}
