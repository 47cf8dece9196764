//! The value of a tag: a parameter of the task, a fixed tag, a metric or a variable, in this order.

use super::image_url;
use super::known_names::is_known;
use super::time_tags::time_tag;
use crate::clock::HostTime;
use crate::hash::sha256_hex;
use crate::message::context::Context;
use serde_json::{Map, Value as Json};

/// Extensions of model files that SwarmUI removes from a model's name.
const MODEL_ENDINGS: [&str; 5] = [".safetensors", ".sft", ".engine", ".gguf", ".ckpt"];

pub(super) struct TagLookup<'a> {
    context: &'a Context,
    guesses: bool,
}

impl<'a> TagLookup<'a> {
    pub fn of(context: &'a Context) -> TagLookup<'a> {
        TagLookup { context, guesses: false }
    }

    /// For a check: a tag without a value in the sample becomes a number, which is valid inside and outside of quotes.
    pub fn guessing(context: &'a Context) -> TagLookup<'a> {
        TagLookup { context, guesses: true }
    }

    pub fn has_task(&self) -> bool {
        self.context.at(&["task"]).is_some_and(Json::is_object)
    }

    pub fn has_output(&self) -> bool {
        self.output().is_some()
    }

    /// The value of a tag; `None` when it is unknown.
    pub fn value(&self, tag: &str) -> Option<String> {
        if tag == "image"
            && let Some(url) = self.output().and_then(|output| output.get("url")).and_then(Json::as_str)
        {
            let base = self.context.text_at(&["host", "base_url"]).unwrap_or(image_url::DEFAULT_BASE);
            return Some(image_url::address(url, base));
        }
        let name = clean(tag);
        if name.is_empty() {
            return None;
        }
        let known = self
            .param(&name)
            .or_else(|| self.fixed(&name))
            .or_else(|| self.field(&["task", "metrics"], &name).map(text))
            .or_else(|| self.field(&["vars"], &name).map(text));
        match known.or_else(|| self.absent(&name)) {
            Some(value) if self.guesses && value.is_empty() => Some("0".to_owned()),
            None if self.guesses && name != "image" => Some("0".to_owned()),
            value => value,
        }
    }

    fn output(&self) -> Option<&'a Json> {
        self.context.at(&["task", "outputs"])?.get(0).filter(|output| output.is_object())
    }

    fn field(&self, path: &[&str], name: &str) -> Option<&'a Json> {
        let fields = self.context.at(path).and_then(Json::as_object)?;
        by_cleaned_name(fields, name)
    }

    fn param(&self, name: &str) -> Option<String> {
        let value = self.field(&["task", "params"], name)?;
        Some(match name {
            "model" => model_name(&text(value)),
            "loras" => match value {
                Json::Array(loras) => {
                    loras.iter().map(|lora| model_name(&text(lora))).collect::<Vec<_>>().join("-")
                }
                one => model_name(&text(one)),
            },
            _ => text(value),
        })
    }

    /// The tags that SwarmUI always replaces, with its defaults for missing values.
    fn fixed(&self, name: &str) -> Option<String> {
        let of_task = |path: &[&str]| self.context.at(&[&["task"], path].concat()).map(text);
        match name {
            "prompt" | "negativeprompt" | "loras" => Some(String::new()),
            "prompthash" => Some(short_hash(&self.param("prompt").unwrap_or_default())),
            "negativeprompthash" => Some(short_hash(&self.param("negativeprompt").unwrap_or_default())),
            "seed" | "steps" | "cfgscale" => Some("0".to_owned()),
            "width" | "height" => Some("512".to_owned()),
            "model" | "modeltitle" => Some("unknown".to_owned()),
            "username" => Some(of_task(&["user"]).unwrap_or_else(|| "None".to_owned())),
            "batchid" => Some(of_task(&["batch", "id"]).unwrap_or_default()),
            "number" => self.context.at(&["queue", "total"]).map(text).or_else(|| Some(String::new())),
            "requesttimeinc" => self.field(&["task", "metrics"], name).is_none().then(|| "000".to_owned()),
            _ => self.started_at().and_then(|at| time_tag(name, at)),
        }
    }

    /// The tags that SwarmUI knows although the task has no value.
    fn absent(&self, name: &str) -> Option<String> {
        if name == "generationtime"
            && let Some(seconds) = self.context.at(&["task", "duration_s"]).and_then(Json::as_f64)
        {
            return Some(format!("{seconds:.2} sec"));
        }
        is_known(name).then(String::new)
    }

    /// The start of the task in Unix milliseconds, else the time of the event.
    fn started_at(&self) -> Option<i64> {
        let read = |path: &[&str]| HostTime::read(self.context.at(path)?)?.instant();
        read(&["task", "started_at"]).or_else(|| read(&["event", "timestamp"]))
    }
}

fn by_cleaned_name<'a>(fields: &'a Map<String, Json>, name: &str) -> Option<&'a Json> {
    fields.iter().find(|(key, _)| clean(key) == name).map(|(_, value)| value)
}

fn clean(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphabetic).map(|c| c.to_ascii_lowercase()).collect()
}

/// A value as text: lists separated by commas, null as nothing.
fn text(value: &Json) -> String {
    match value {
        Json::Null => String::new(),
        Json::String(text) => text.clone(),
        Json::Array(items) => items.iter().map(text).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

pub(in crate::message) fn model_name(path: &str) -> String {
    let path = path.replace('\\', "/");
    let path = path.trim();
    MODEL_ENDINGS.iter().find_map(|ending| path.strip_suffix(ending)).unwrap_or(path).to_owned()
}

fn short_hash(text: &str) -> String {
    sha256_hex(text, 8)
}
