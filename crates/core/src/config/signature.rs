//! `sign`: the signatures of an endpoint.

use super::declaration::DefaultValue::{Described, Required};
use super::declaration::{ConfigKey, ConfigTable, config_table, key};
use super::load_context::TextValue;
use super::table_reader::TableReader;
use super::value_types::{List, Text, one_or_many, secret_text, text};
use crate::json::json;
use crate::sign::Signer;
use serde_json::{Map, Value as Json};
use std::collections::HashSet;

config_table! {
    keys: ConfigTable::new(
        "One signature scheme with its active secrets. Several secrets sign at the same time, for rotation. The keys \
         after `secrets` belong to the scheme `hmac`.",
    );
    SCHEME: Text<TextValue> = key(
        "scheme", text("`standard-webhooks`, `github`, `stripe`, `slack` or `hmac`"), Required,
        "How the signature is made and where it is sent.",
    );
    SECRETS: List<Text<TextValue>> = key(
        "secrets",
        one_or_many("secret text, or a list of it", secret_text("in the form that the scheme requires")),
        Required,
        "The secrets that sign, the newest first.",
    );
    KEY: Text<TextValue> = key(
        "key", text("`utf8`, `base64` or `hex`"), Described("by scheme"), "How a secret is decoded to key bytes.",
    );
    CONTENT: Text<TextValue> = key(
        "content", text("text with `{id}`, `{timestamp}` and `{body}`"), Described("by scheme"), "The signed text.",
    );
    HASH: Text<TextValue> = key(
        "hash", text("`sha1`, `sha256` or `sha512`"), Described("by scheme"), "The hash function of the HMAC.",
    );
    ENCODING: Text<TextValue> = key(
        "encoding", text("`hex` or `base64`"), Described("by scheme"), "How the signature is encoded.",
    );
    HEADER: Text<TextValue> = key(
        "header", text("a header name"), Described("by scheme"), "The header that carries the signature.",
    );
    VALUE: Text<TextValue> = key(
        "value", text("a template of the header's value"), Described("by scheme"), "How the header's value is built.",
    );
    ID_HEADER: Text<TextValue> = key(
        "id_header", text("a header name"), Described("by scheme"), "The header that carries the event id.",
    );
    TIMESTAMP_HEADER: Text<TextValue> = key(
        "timestamp_header", text("a header name"), Described("by scheme"),
        "The header that carries the time of the attempt.",
    );
    JOINER: Text<TextValue> = key(
        "joiner", text("text"), Described("no joiner: the first secret signs"),
        "The separator between the signatures of several secrets.",
    );
}

const STANDARD_WEBHOOKS: &str = "standard-webhooks";

pub(super) fn read(table: &TableReader<'_>) -> Option<Signer> {
    let scheme = table.read_string(&keys::SCHEME);
    let secrets = table.read(&keys::SECRETS);
    let mut entry = Map::new();
    for key in [
        &keys::KEY,
        &keys::CONTENT,
        &keys::HASH,
        &keys::ENCODING,
        &keys::HEADER,
        &keys::VALUE,
        &keys::ID_HEADER,
        &keys::TIMESTAMP_HEADER,
        &keys::JOINER,
    ] {
        if let Some(value) = table.read_string(key) {
            entry.insert(key.name.to_owned(), value.into());
        }
    }
    let scheme = scheme?;
    entry.insert(keys::SCHEME.name.to_owned(), scheme.clone().into());
    let secrets = secrets?;
    if secrets.is_empty() {
        if table.is_empty_list(&keys::SECRETS) {
            table.error(&keys::SECRETS, "at least one secret is required");
        }
        return None;
    }
    let standard = scheme == STANDARD_WEBHOOKS;
    let form =
        entry.get(keys::KEY.name).and_then(Json::as_str).unwrap_or(if standard { "base64" } else { "utf8" });
    check_secrets(table, &keys::SECRETS, &secrets, form, standard);
    let secrets = secrets.into_iter().map(|secret| secret.text).collect();
    entry.insert(keys::SECRETS.name.to_owned(), secrets);
    match Signer::from_json(&Json::Object(entry)) {
        Ok(signer) => Some(signer),
        Err(message) => {
            // A wrong scheme is no fault of the secret.
            let advice = if message.contains("secret") {
                format!(". {}", how_to_make(standard))
            } else {
                String::new()
            };
            table.context.error(table.at, &table.path, format!("{message}{advice}"));
            None
        }
    }
}

/// An entry of `sign` with these secrets of Standard Webhooks, which another key holds.
pub(super) fn standard_webhooks(
    table: &TableReader<'_>,
    key: impl AsRef<str>,
    secrets: Vec<TextValue>,
) -> Json {
    check_secrets(table, key, &secrets, "base64", true);
    let secrets: Vec<String> = secrets.into_iter().map(|secret| secret.text).collect();
    json!({ "scheme": STANDARD_WEBHOOKS, "secrets": secrets })
}

/// Rejects a secret that is named twice, and warns of one that is short.
fn check_secrets(
    table: &TableReader<'_>,
    key: impl AsRef<str>,
    secrets: &[TextValue],
    form: &str,
    standard: bool,
) {
    let mut seen = HashSet::new();
    if !secrets.iter().all(|secret| seen.insert(secret.text.as_str())) {
        table.error(&key, "the list contains a secret twice");
    }
    let least = if standard { 24 } else { 16 };
    if let Some(length) =
        secrets.iter().map(|secret| key_length(&secret.text, form)).find(|length| *length < least)
    {
        let message = format!(
            "this secret has {length} bytes, which can be guessed: use {least} bytes or more. {}",
            how_to_make(standard)
        );
        table.warn(&key, message);
    }
}

/// The bytes of a key, by its text.
fn key_length(secret: &str, form: &str) -> usize {
    let text = ["whsec_", "whsk_"].iter().find_map(|prefix| secret.strip_prefix(prefix)).unwrap_or(secret);
    match form {
        "base64" => text.trim_end_matches('=').len() * 3 / 4,
        "hex" => text.len() / 2,
        _ => secret.len(),
    }
}

fn how_to_make(standard: bool) -> &'static str {
    if standard {
        "`echo whsec_$(openssl rand -base64 32)` makes one"
    } else {
        "`openssl rand -hex 32` makes one"
    }
}
