//! The text of the configuration.

use super::plan::{ImportedHook, Plan};
use std::fmt::Write;

/// The file with a webhook's URL, relative to the configuration.
pub fn url_file(hook: &ImportedHook) -> String {
    format!("secrets/{}.url", hook.webhook.name)
}

/// The file with a webhook's data.
pub fn data_file(hook: &ImportedHook) -> String {
    format!("{}.txt", hook.webhook.name)
}

/// The configuration as TOML.
pub fn config(plan: &Plan) -> String {
    let mut text = String::from(
        "# SwarmUI's webhooks. The URLs are in the folder `secrets`, which only you can read; write\n\
         # \"env:NAME\" in place of \"file:…\" to take one from the environment.\n\n",
    );
    // Writing to a string cannot fail.
    let _ = writeln!(text, "[host]\nbase_url = {}\n", quoted(&plan.base_url));
    let _ = writeln!(text, "[spool]\npath = \"taskbell.db\"\n");
    let _ = writeln!(text, "[queue]\nend_delay = \"{}ms\"\n", plan.end_delay.as_millis());
    if let Some(root) = &plan.root {
        let _ = writeln!(text, "[files]\nroots = [{}]\n", quoted(&root.to_string_lossy()));
    }
    for hook in &plan.hooks {
        let webhook = hook.webhook;
        let _ = writeln!(text, "[endpoints.{}]\nurl = \"file:{}\"", webhook.name, url_file(hook));
        let _ = writeln!(text, "{}", webhook.endpoint);
    }
    for hook in &plan.hooks {
        let webhook = hook.webhook;
        let _ = writeln!(text, "# {}", webhook.label);
        let _ = writeln!(text, "[[hooks]]\nname = \"{}\"\non = [\"{}\"]", webhook.name, webhook.on);
        let _ = writeln!(text, "to = [\"{}\"]\n{}syntax = \"swarmui\"", webhook.name, webhook.hook);
        if hook.data.is_some() {
            let _ = writeln!(text, "template = \"file:{}\"", data_file(hook));
        }
        text.push('\n');
    }
    text.trim_end().to_owned() + "\n"
}

/// A TOML string. TOML has JSON's escapes, except for the character DEL.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string().replace('\u{7f}', "\\u007f")
}

#[cfg(test)]
mod tests {
    use super::super::fds::Settings;
    use super::*;
    use std::path::Path;

    #[test]
    fn the_configuration_is_written_in_order_without_secrets() {
        let settings = Settings::parse(
            "WebHooks:\n  EveryGenWebhook: https://example.com/marker\n  EveryGenWebhookData: {\"s\": %seed%}\n  \
             QueueStartWebhook: https://example.com/marker\n  QueueEndDelay: 2.5\n",
        );
        let text = config(&Plan::of(&settings, Path::new("/s/Data/Settings.fds")));
        let expected = r#"[host]
base_url = "http://localhost:7801"

[spool]
path = "taskbell.db"

[queue]
end_delay = "2500ms"

[endpoints.queue_start]
url = "file:secrets/queue_start.url"
timeout = "10m"
retry = { schedule = [], max_age = "10m" }

[endpoints.every_gen]
url = "file:secrets/every_gen.url"

# Queue Start
[[hooks]]
name = "queue_start"
on = ["queue.start"]
to = ["queue_start"]
syntax = "swarmui"

# Every Gen
[[hooks]]
name = "every_gen"
on = ["task.complete"]
to = ["every_gen"]
when = "task.status == 'success'"
syntax = "swarmui"
template = "file:every_gen.txt"
"#;
        assert_eq!(text.split_once("\n\n").unwrap().1, expected);
        assert!(!text.contains("marker"));
    }
}
