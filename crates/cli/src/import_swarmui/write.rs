//! The text of the configuration.

use super::plan::{ImportedHook, Plan};
use std::fmt::Write;

/// The file with a webhook's URL, relative to the configuration.
pub fn url_file(hook: &ImportedHook) -> String {
    format!("secrets/{}.url", hook.webhook.name)
}

pub fn data_file(hook: &ImportedHook) -> String {
    format!("{}.txt", hook.webhook.name)
}

pub fn config(plan: &Plan) -> String {
    let mut text = String::from(
        "# SwarmUI's webhooks. The URLs are in the folder `secrets`, which only you can read; write\n\
         # \"env:NAME\" in place of \"file:…\" to take one from the environment.\n\n",
    );
    // Writing to a string cannot fail.
    let _ = writeln!(text, "[host]\nbase_url = {}\n", quoted(&plan.base_url));
    let _ = writeln!(text, "[spool]\npath = \"taskbell.db\"\n");
    let _ = writeln!(text, "[queue]\nend_delay = \"{}ms\"\n", plan.end_delay.as_millis());
    if plan.pictures {
        let _ = writeln!(text, "[files]\nroots = [\"pictures\"]\n");
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
