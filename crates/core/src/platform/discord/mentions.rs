//! Whom a message pings.

use super::super::limits::{Unit, fit};
use super::super::mentions::Mentions;
use super::{CONTENT, NAMED, TITLE, inline};
use crate::json::{Members, json};
use serde_json::{Map, Value};

/// Whom the message pings. Only `content` pings, and only those that `allowed_mentions` names.
#[derive(Default)]
pub(super) struct DiscordMentions {
    pub content: String,
    everyone: bool,
    users: Vec<String>,
    roles: Vec<String>,
}

impl DiscordMentions {
    /// Reads `@everyone`, `@here`, `<@USER>`, `<@&ROLE>`, a bare user id, or `&ROLE`.
    pub fn read(configured: &[String]) -> DiscordMentions {
        let mut mentions = DiscordMentions::default();
        for inner in Mentions(configured).names() {
            let is_id =
                |text: &str| (1..=20).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
            let live = match inner.strip_prefix('&') {
                Some(role) if is_id(role) && mentions.roles.len() < NAMED => format!("<@&{role}>"),
                _ if matches!(inner, "everyone" | "here") => format!("@{inner}"),
                _ if is_id(inner.trim_start_matches('!')) && mentions.users.len() < NAMED => {
                    format!("<@{}>", inner.trim_start_matches('!'))
                }
                _ => fit(inner, TITLE, Unit::CodePoints, inline),
            };
            if Unit::CodePoints.length(&mentions.content) + Unit::CodePoints.length(&live) >= CONTENT {
                break;
            }
            let gap = if mentions.content.is_empty() { "" } else { " " };
            mentions.content.extend([gap, live.as_str()]);
            match live.strip_prefix("<@").and_then(|id| id.strip_suffix('>')) {
                Some(id) => match id.strip_prefix('&') {
                    Some(role) => mentions.roles.push(role.to_owned()),
                    None => mentions.users.push(id.to_owned()),
                },
                None => mentions.everyone |= live.starts_with('@'),
            }
        }
        for ids in [&mut mentions.users, &mut mentions.roles] {
            ids.sort_unstable();
            ids.dedup();
        }
        mentions
    }

    pub fn allowed(&self) -> Value {
        let parse: &[&str] = if self.everyone { &["everyone"] } else { &[] };
        let mut allowed = Map::new();
        allowed.put("parse", json!(parse));
        for (name, ids) in [("users", &self.users), ("roles", &self.roles)] {
            if !ids.is_empty() {
                allowed.insert(name.to_owned(), json!(ids));
            }
        }
        Value::Object(allowed)
    }
}
