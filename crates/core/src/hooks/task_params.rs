//! `webhook_params`: the wishes of a task. A user of the host may have written them, so nothing in them is
//! trusted, and malformed ones never cost the task its notification.

use crate::endpoint::parse_task_url;
use serde_json::{Map, Value as Json};
use url::Url;

const MAX_TO: usize = 32;

/// Bytes of `vars` as JSON.
const MAX_VARS_BYTES: usize = 64 * 1024;

/// `notify`: whether the task causes messages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Notify {
    /// As configured.
    #[default]
    Normal,
    /// No hook matches this task.
    None,
    /// As configured, and hooks with `manual = true` match as well.
    Manual,
    /// As configured; hooks with `manual = true` match at the end of its batch or queue.
    ManualAtEnd,
}

impl Notify {
    /// Also accepts SwarmUI's spelling, such as `Manual At End`.
    fn read(word: &str) -> Option<Notify> {
        const WORDS: [(&str, Notify); 4] = [
            ("none", Notify::None),
            ("normal", Notify::Normal),
            ("manual", Notify::Manual),
            ("manual_at_end", Notify::ManualAtEnd),
        ];
        let same = |known: &str| {
            known.len() == word.len()
                && known.bytes().zip(word.bytes()).all(|(known, given)| {
                    known == given.to_ascii_lowercase() || known == b'_' && given == b' '
                })
        };
        WORDS.iter().find(|(known, _)| same(known)).map(|(_, notify)| *notify)
    }
}

/// The checked `webhook_params`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TaskParams {
    /// `notify`.
    pub notify: Notify,
    /// `to`: the endpoints that matching hooks notify instead of their own.
    pub to: Vec<String>,
    /// `vars`: values for templates.
    pub vars: Map<String, Json>,
    /// `url`: an address that matching hooks notify too, if it is allowed.
    pub url: Option<Url>,
}

impl TaskParams {
    /// Their key in the payload.
    pub const KEY: &str = "webhook_params";

    /// Removes `webhook_params` from a payload. The second value names the malformed parts, which are ignored.
    pub fn take(payload: &mut Map<String, Json>) -> (TaskParams, Vec<&'static str>) {
        let mut params = TaskParams::default();
        let mut faults = Vec::new();
        match payload.shift_remove(TaskParams::KEY) {
            None | Some(Json::Null) => {}
            Some(Json::Object(fields)) => params.read(fields, &mut faults),
            // Some hosts hand a nested object on as its JSON text.
            Some(Json::String(text)) => match serde_json::from_slice(text.as_bytes()) {
                Ok(Json::Object(fields)) => params.read(fields, &mut faults),
                _ => faults.push("webhook_params is a text that holds no JSON object"),
            },
            Some(_) => faults.push("webhook_params is not an object"),
        }
        (params, faults)
    }

    fn read(&mut self, fields: Map<String, Json>, faults: &mut Vec<&'static str>) {
        for (key, value) in fields {
            match (key.as_str(), value) {
                ("notify", Json::String(word)) => match Notify::read(&word) {
                    Some(notify) => self.notify = notify,
                    None => {
                        faults.push("webhook_params.notify is none of none, normal, manual, manual_at_end");
                    }
                },
                ("notify", _) => faults.push("webhook_params.notify is not a text"),
                ("to", Json::String(name)) => self.to = vec![name],
                ("to", Json::Array(names)) => {
                    if names.len() > MAX_TO || !names.iter().all(Json::is_string) {
                        faults.push("webhook_params.to is not a list of at most 32 names");
                    }
                    let names = names.into_iter().take(MAX_TO);
                    self.to = names.filter_map(|name| name.as_str().map(str::to_owned)).collect();
                }
                ("to", _) => faults.push("webhook_params.to is not a list of names"),
                ("vars", Json::Object(vars)) if is_small(&vars) => self.vars = vars,
                ("vars", Json::Object(_)) => faults.push("webhook_params.vars is larger than 64 KiB"),
                ("vars", _) => faults.push("webhook_params.vars is not an object"),
                ("url", Json::String(text)) => {
                    self.url = parse_task_url(&text);
                    if self.url.is_none() {
                        faults.push("webhook_params.url is not a plain http or https URL");
                    }
                }
                ("url", _) => faults.push("webhook_params.url is not a text"),
                _ => faults.push("webhook_params has a key that is not known"),
            }
        }
    }
}

fn is_small(vars: &Map<String, Json>) -> bool {
    serde_json::to_vec(vars).is_ok_and(|bytes| bytes.len() <= MAX_VARS_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn take(json: Json) -> (TaskParams, Vec<&'static str>, Json) {
        let mut payload = json.as_object().unwrap().clone();
        let (params, faults) = TaskParams::take(&mut payload);
        (params, faults, Json::Object(payload))
    }

    #[test]
    fn they_are_removed_from_the_payload_and_read() {
        let wanted = json!({"notify": "none", "to": ["a", "b"], "vars": {"x": 1}});
        for form in [wanted.clone(), json!(wanted.to_string())] {
            let (params, faults, rest) = take(json!({"id": 1, "webhook_params": form, "name": "n"}));
            assert_eq!(
                (params.notify, params.to, params.vars["x"].clone()),
                (Notify::None, vec!["a".into(), "b".into()], json!(1))
            );
            assert!(faults.is_empty());
            assert_eq!(rest.to_string(), r#"{"id":1,"name":"n"}"#);
        }
    }

    #[test]
    fn notify_accepts_swarmuis_spelling_too() {
        for (words, notify) in [
            (["none", "None"], Notify::None),
            (["normal", "Normal"], Notify::Normal),
            (["manual", "Manual"], Notify::Manual),
            (["manual_at_end", "Manual At End"], Notify::ManualAtEnd),
        ] {
            for word in words {
                let (params, faults, _) = take(json!({"webhook_params": {"notify": word}}));
                assert_eq!((params.notify, faults.len()), (notify, 0), "{word}");
            }
        }
    }

    #[test]
    fn malformed_ones_are_ignored_with_a_reason_and_never_echoed() {
        let marker = "marker-9f3";
        for bad in [
            json!([marker]),
            json!(marker),
            json!("x".repeat(1 << 20)),
            json!({"notify": marker}),
            json!({"notify": 1}),
            json!({"to": 1}),
            json!({"to": vec![marker; 1000]}),
            json!({"to": [1]}),
            json!({"vars": marker}),
            json!({"vars": {marker: "x".repeat(MAX_VARS_BYTES)}}),
            json!({"notify": marker.repeat(100_000)}),
            json!({"notify": {"notify": {"notify": marker}}}),
            json!([[[[marker]]], {"to": marker}]),
            json!(1),
            json!(true),
            json!("[\"manual\"]"),
            json!({"url": format!("ftp://{marker}/")}),
            json!({"url": format!("https://{marker}:x@example.com/")}),
            json!({"url": [format!("https://{marker}/")]}),
            json!({marker: 1}),
        ] {
            let (params, faults, rest) = take(json!({"webhook_params": bad}));
            assert_eq!(faults.len(), 1, "{bad}");
            assert!(!faults[0].contains(marker));
            assert_eq!(params.notify, Notify::Normal);
            assert!(
                params.to.len() <= MAX_TO
                    && params.vars.is_empty()
                    && params.url.is_none()
                    && rest == json!({})
            );
        }
    }
}
