//! `[host]`.

use super::declaration::DefaultValue::{Described, None as Absent, Toml};
use super::declaration::{ConfigKey, ConfigTable, config_table, key};
use super::endpoint_url::parse_url_prefix;
use super::host_defaults;
use super::load_context::{LoadContext, TextValue};
use super::table_reader::TableReader;
use super::value_types::{Choice, Text, choice, parsed_text, text};
use crate::message::{HostInfo, Language, TaskWords};
use url::Url;

config_table! {
    keys: ConfigTable::new("What templates see as `host`.");
    NAME: Text<TextValue> = key(
        "name", text("any text"), Described("the system's host name"), "The machine's display name.",
    );
    BASE_URL: Text<Url> = key(
        "base_url", parsed_text("an `http` or `https` URL without query", |text, _| parse_url_prefix(text)), Absent,
        "Prefix of relative output URLs.",
    );
    LANGUAGE: Choice<Language> = key(
        "language", choice(&["en", "zh"], &[Language::English, Language::Chinese]), Toml("\"en\""),
        "The language of the platforms' own cards.",
    );
}

config_table! {
    word_keys: ConfigTable::new("What the cards call a task: `frame`, `shot`, `run`.");
    TASK: Text<String> = key("task", parsed_text(WORD, read_word), Absent, "One of them, as in \"1 frame failed\".");
    TASKS: Text<String> = key(
        "tasks", parsed_text(WORD, read_word), Described("`task`"), "Several of them, as in \"240 frames\".",
    );
}

const WORD: &str = "a word of at most 40 characters, without line breaks";

fn read_word(text: &TextValue, _: &LoadContext<'_>) -> Result<String, String> {
    let word = text.text.trim();
    let is_one = !word.is_empty() && word.chars().count() <= 40 && !word.contains(char::is_control);
    if is_one { Ok(word.to_owned()) } else { Err(format!("must be {WORD}")) }
}

pub(super) fn read_words(table: &TableReader<'_>) -> Option<TaskWords> {
    let task = table.read(&word_keys::TASK);
    let tasks = table.read(&word_keys::TASKS);
    if task.is_none() && tasks.is_some() {
        table.error(&word_keys::TASKS, "`tasks` needs `task`, the word for one of them");
    }
    let task = task?;
    Some(TaskWords { tasks: tasks.unwrap_or_else(|| task.clone()), task })
}

pub(super) fn read(table: &TableReader<'_>, words: Option<TaskWords>) -> HostInfo {
    let base_url = table.read(&keys::BASE_URL);
    HostInfo {
        name: table.read_string(&keys::NAME).unwrap_or_else(|| host_defaults::host_name(table.context)),
        base_url: base_url.map(|url| url.as_str().trim_end_matches('/').to_owned()),
        language: table.read(&keys::LANGUAGE).unwrap_or_default(),
        words,
        ..HostInfo::default()
    }
}
