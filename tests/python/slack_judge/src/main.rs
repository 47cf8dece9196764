//! Reads messages for Slack's incoming webhooks, one JSON a line, and writes a line for each: nothing when
//! `slackblocks` takes the whole of it, else why it does not.

use serde_json::Value;
use slackblocks::WebhookMessage;
use std::io::{self, Write};

fn main() -> io::Result<()> {
    let mut out = io::stdout().lock();
    for line in io::stdin().lines() {
        writeln!(out, "{}", fault(&line?).unwrap_or_default().replace('\n', " "))?;
    }
    Ok(())
}

fn fault(line: &str) -> Option<String> {
    let message: Value = match serde_json::from_str(line) {
        Ok(message) => message,
        Err(fault) => return Some(format!("no JSON: {fault}")),
    };
    match serde_json::from_value::<WebhookMessage>(message) {
        // What it does not know it keeps next to what it knows; a text never shows a bare quote here.
        Ok(read) => {
            let shown = format!("{read:?}");
            let unknown = shown.split_once("extensions: {\"").map(|(_, unknown)| unknown);
            unknown.map(|unknown| format!("unknown: {}", unknown.chars().take(60).collect::<String>()))
        }
        Err(fault) => Some(fault.to_string()),
    }
}
