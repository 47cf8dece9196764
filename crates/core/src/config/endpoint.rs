//! `[endpoints.NAME]`.

use super::declaration::DefaultValue::{Described, None as Absent, Toml};
use super::declaration::{ConfigKey, ConfigTable, config_table, key};
use super::diagnostic::quoted;
use super::endpoint_url::{self, parse_platform};
use super::load_context::TextValue;
use super::platform_options;
use super::proxy::parse_proxy;
use super::request_headers;
use super::signature;
use super::table_reader::TableReader;
use super::tls::{parse_certificates, parse_private_key};
use super::value_types::{
    Choice, DurationRange, IntegerRange, List, RateForm, SecretMap, SubTable, TableList, Text, choice,
    duration, list, one_or_many, parsed_text, secret_map, text, texts,
};
use crate::endpoint::{Endpoint, Overflow, Proxy, RetryPolicy, Tls};
use crate::message::Condition;
use crate::platform::{self, ANSWER_NAMES, AnswerRules, Description, Platform, Target};
use crate::secret::Secret;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// The default of `connect_timeout`, unless `timeout` is shorter.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

const MAX_RETRIES: usize = 100;

config_table! {
    keys: ConfigTable::new(
        "A receiver of messages. The name has 1 to 64 letters, digits, `-` or `_`; hooks use it in `to`.",
    ).with_platform_options();
    PLATFORM: Text<&'static dyn Platform> = key(
        "platform",
        parsed_text("a platform's name, such as `json` or `slack`", parse_platform)
            .with_examples(platform::names),
        Described("recognised by a well-known URL, else `json`"),
        "The kind of receiver. It decides the card, the pace and the meaning of a response.",
    );
    URL: Text<Url> = key(
        "url",
        parsed_text(
            "an `http` or `https` URL without fragment; with credentials for `json` only. For `email` an `smtp` or \
             `smtps` URL",
            |text, _| endpoint_url::parse_receiver_url(text),
        ).secret(),
        Described("required, unless the platform has one of its own"),
        "The address of the receiver.",
    );
    HEADERS: SecretMap = key(
        "headers", secret_map("at most 64 header names with values of printable ASCII"), Absent,
        "Additional request headers.",
    );
    SIGN: TableList = key("sign", TableList(&signature::keys::TABLE), Absent, "The signatures of each attempt.");
    TIMEOUT: DurationRange = key(
        "timeout", duration("100ms", "10m"), Toml("\"15s\""),
        "One deadline for DNS, connect, TLS, sending, headers and body together.",
    );
    CONNECT_TIMEOUT: DurationRange = key(
        "connect_timeout", duration("1ms", "10m"), Described("`5s`, or `timeout` when that is shorter"),
        "The part of `timeout` that DNS, connect and TLS may take; at most `timeout`.",
    );
    RETRY: SubTable = key("retry", SubTable(&retry_keys::TABLE), Absent, "When to try again, and when to give up.");
    RATE: List<RateForm> = key(
        "rate",
        one_or_many("rate, or a list of rates", RateForm("1 to 1000000 messages per 1ms to 7d")),
        Described("by platform"),
        "The most messages per period; with several rates, all of them hold. An empty list means no limit.",
    );
    OVERFLOW: Choice<Overflow> = key(
        "overflow",
        choice(&["fold", "queue"], &[Overflow::Fold, Overflow::Queue]),
        Described("`fold` for chat platforms, `queue` for the others"),
        "When more messages wait than the rate allows in a minute: one summary of them, or each in its turn.",
    );
    CONCURRENCY: IntegerRange = key(
        "concurrency", IntegerRange(1, 64), Described("by platform"),
        "The most attempts in flight at once. An explicit `1` keeps the order: a delivery that waits for its next \
         attempt holds back those after it.",
    );
    CA_FILE: Text<Arc<[u8]>> = key(
        "ca_file", parsed_text("a path, or PEM text", parse_certificates), Absent,
        "Certificates that are trusted in addition to the system's roots.",
    );
    CLIENT_CERT: Text<Arc<[u8]>> = key(
        "client_cert", parsed_text("a path, or PEM text", parse_certificates), Absent,
        "The client's certificate chain; requires `client_key`.",
    );
    CLIENT_KEY: Text<Secret> = key(
        "client_key", parsed_text("a path, or PEM text", parse_private_key), Absent,
        "The private key of `client_cert`; requires it.",
    );
    PROXY: Text<Proxy> = key(
        "proxy", parsed_text("`env`, or an `http` URL", parse_proxy).secret(), Described("direct connection"),
        "The proxy; `env` follows `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`.",
    );
    OK_WHEN: Text<Condition> = key(
        "ok_when", answer_condition(), Described("a status of 2xx"),
        "Of `json`: an answer for which this is true, and no other, has taken the message.",
    );
    RETRY_WHEN: Text<Condition> = key(
        "retry_when", answer_condition(), Absent, "Of `json`: an answer for which the message is sent again by the schedule.",
    );
    GONE_WHEN: Text<Condition> = key(
        "gone_when", answer_condition(), Described("a status of 410"),
        "Of `json`: an answer that stops the endpoint for good.",
    );
    MENTIONS: List<Text<TextValue>> = key(
        "mentions", texts("a name or id as the platform writes it"), Toml("[]"),
        "The people that a chat message mentions.",
    );
    SILENT: Choice<bool> = key(
        "silent",
        silent_successes(),
        Toml("\"never\""),
        "With `success`, a message that reports a success and mentions nobody makes no sound, where the platform can do that.",
    );
    FALLBACK: Text<TextValue> = key(
        "fallback", text("the name of another endpoint"), Absent,
        "The endpoint for messages that become dead letters here or whose endpoint was removed; without cycles.",
    );
}

config_table! {
    retry_keys: ConfigTable::new("When a failed delivery is tried again. Jitter only lengthens a wait.");
    SCHEDULE: List<DurationRange> = key(
        "schedule",
        list("list of durations", duration("1ms", "30d")),
        Toml(r#"["5s", "5m", "30m", "2h", "5h", "10h", "14h", "20h", "24h"]"#),
        "The waits after the first, second, … failed attempt; an empty list means one attempt only.",
    );
    MAX_AGE: DurationRange = key(
        "max_age", duration("1s", "365d"), Toml("\"4d\""),
        "The age at which a delivery becomes a dead letter, whatever the schedule says.",
    );
}

/// Which messages make no sound.
pub(super) const fn silent_successes() -> Choice<bool> {
    choice(&["success", "never"], &[true, false])
}

const fn answer_condition() -> Text<Condition> {
    parsed_text("a condition over `status`, `headers`, `json` and `text` of the answer", |text, _| {
        Condition::over(&text.text, &ANSWER_NAMES)
    })
}

fn read_answer_rules(table: &TableReader<'_>, platform: &dyn Platform) -> AnswerRules {
    let names = [keys::OK_WHEN.name, keys::RETRY_WHEN.name, keys::GONE_WHEN.name];
    for name in names.into_iter().filter(|name| platform.name() != "json" && table.has(name)) {
        table.error(name, format!("`{}` knows its own answers: `{name}` is for `json`", platform.name()));
    }
    AnswerRules {
        ok: table.read(&keys::OK_WHEN),
        retry: table.read(&keys::RETRY_WHEN),
        gone: table.read(&keys::GONE_WHEN),
    }
}

pub(super) fn read_all(
    tables: &[(&str, TableReader<'_>)],
    file_roots: &Arc<[PathBuf]>,
) -> Vec<Arc<Endpoint>> {
    let read = |(name, table): &(&str, TableReader<'_>)| {
        if !is_name(name) {
            let message =
                format!("{} is not an endpoint name: use 1 to 64 letters, digits, `-` or `_`", quoted(name));
            table.context.error(table.at, &table.path, message);
        }
        read(name, table, file_roots).map(Arc::new)
    };
    tables.iter().filter_map(read).collect()
}

fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

/// Every key is read before the first `?`, so that all errors are reported.
fn read(name: &str, table: &TableReader<'_>, file_roots: &Arc<[PathBuf]>) -> Option<Endpoint> {
    let address = endpoint_url::read(table, &keys::PLATFORM, &keys::URL);
    let headers = request_headers::read(table, &keys::HEADERS);
    let sign = table.table_list(&keys::SIGN).iter().filter_map(signature::read).collect();
    let (timeout, connect_timeout) = timeouts(table);
    let retry = retry(&table.table(&keys::RETRY));
    let rate = table.read(&keys::RATE);
    let concurrency = table.read(&keys::CONCURRENCY).and_then(|number| usize::try_from(number).ok());
    let tls_keys =
        TlsKeys { ca: &keys::CA_FILE, certificate: &keys::CLIENT_CERT, private_key: &keys::CLIENT_KEY };
    let tls = read_tls(table, &tls_keys);
    let proxy = table.read(&keys::PROXY).unwrap_or_default();
    let mentions = table.read(&keys::MENTIONS).unwrap_or_default();
    let mentions: Vec<String> = mentions.into_iter().map(|text| text.text).collect();
    let overflow = table.read(&keys::OVERFLOW);
    let silences_successes = table.read(&keys::SILENT).unwrap_or_default();
    let fallback = table.read_string(&keys::FALLBACK);
    let (platform, url) = address?;
    warn_of_ignored_mentions(table, platform, &mentions);
    if silences_successes && platform.description().silent.is_none() {
        let name = platform.name();
        table.warn(
            &keys::SILENT,
            format!("`{name}` cannot send a message without a sound, so this has no effect"),
        );
    }
    if endpoint_url::is_mail(url.expose()) {
        for key in [keys::HEADERS.name, keys::SIGN.name].into_iter().filter(|key| table.has(key)) {
            table.error(key, format!("`{}` has no HTTP headers: remove this key", platform.name()));
        }
    }
    let answers = read_answer_rules(table, platform);
    let target = Target { url, options: platform_options::read(table, platform)?, mentions };
    if let Some((key, message)) = platform.missing_value(&target) {
        table.error(key, message);
    } else if let Some((key, words)) = platform.odd_value(&target) {
        table.warn(key, words);
    }
    let Description { rates: pace, concurrency: default_concurrency, coalesces, .. } =
        *platform.description();
    Some(Endpoint {
        name: name.into(),
        platform,
        target,
        answers,
        headers,
        sign,
        timeout,
        connect_timeout,
        retry,
        rate: rate.unwrap_or_else(|| pace.to_vec()),
        concurrency: concurrency.unwrap_or(default_concurrency),
        ordered: concurrency == Some(1),
        tls,
        proxy,
        overflow: overflow.unwrap_or(if coalesces { Overflow::Fold } else { Overflow::Queue }),
        silences_successes,
        file_roots: Arc::clone(file_roots),
        fallback,
        relays: None,
    })
}

fn warn_of_ignored_mentions(table: &TableReader<'_>, platform: &dyn Platform, mentions: &[String]) {
    let name = platform.name();
    for mention in mentions.iter().filter(|mention| !platform.accepts_mention(mention)) {
        let mention = quoted(mention);
        let message = match platform.description().mention_form {
            Some(form) => format!("`{name}` notifies nobody for {mention}: it takes {form}"),
            None => format!("`{name}` has no mentions, so {mention} has no effect"),
        };
        table.warn(&keys::MENTIONS, message);
    }
}

fn timeouts(table: &TableReader<'_>) -> (Duration, Duration) {
    let timeout = table.read(&keys::TIMEOUT);
    let connect = table.read(&keys::CONNECT_TIMEOUT);
    if let (Some(timeout), Some(connect)) = (timeout, connect)
        && connect > timeout
    {
        let message = format!("`connect_timeout` is longer than `timeout` ({timeout:?})");
        table.error(&keys::CONNECT_TIMEOUT, message);
    }
    let timeout = timeout.unwrap_or_default();
    (timeout, connect.unwrap_or(CONNECT_TIMEOUT.min(timeout)))
}

fn retry(table: &TableReader<'_>) -> RetryPolicy {
    let schedule = table.read(&retry_keys::SCHEDULE).unwrap_or_default();
    if schedule.len() > MAX_RETRIES {
        let message = format!("a schedule has at most {MAX_RETRIES} waits, this one has {}", schedule.len());
        table.error(&retry_keys::SCHEDULE, message);
    }
    RetryPolicy { schedule, max_age: table.read(&retry_keys::MAX_AGE).unwrap_or_default() }
}

/// The keys of the certificates, in the table that has them.
pub(super) struct TlsKeys<'k> {
    pub ca: &'k ConfigKey<Text<Arc<[u8]>>>,
    pub certificate: &'k ConfigKey<Text<Arc<[u8]>>>,
    pub private_key: &'k ConfigKey<Text<Secret>>,
}

pub(super) fn read_tls(table: &TableReader<'_>, keys: &TlsKeys<'_>) -> Tls {
    let (chain, key) = (table.read(keys.certificate), table.read(keys.private_key));
    need_both(table, keys.certificate.name, keys.private_key.name);
    Tls { ca: table.read(keys.ca), client: chain.zip(key) }
}

/// Rejects one of a certificate and its key without the other.
pub(super) fn need_both(table: &TableReader<'_>, certificate: &str, private_key: &str) {
    for (name, other) in [(certificate, private_key), (private_key, certificate)] {
        if table.has(name) && !table.has(other) {
            table.error(name, format!("`{name}` has no effect without `{other}`: give both or neither"));
        }
    }
}
