//! `[endpoints.*]`.

use super::address;
use super::fault::quoted;
use super::section::Section;
use super::settings::Files;
use super::shaping;
use super::tls;
use crate::endpoint::{Endpoint, Overflow, Proxy, RetryPolicy};
use crate::platform::{self, Platform, Target};
use crate::secret::{Secret, SecretUrl};
use crate::sign::Signer;
use serde_json::{Map, Value as Json};
use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// The default of `connect_timeout`, unless `timeout` is shorter.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The most waits in a schedule.
const LONGEST_SCHEDULE: usize = 100;

/// The most headers of an endpoint's own.
const MOST_HEADERS: usize = 64;

/// Headers that the transport or the delivery writes itself.
const OWN_HEADERS: &[&str] = &[
    "accept-encoding",
    "connection",
    "content-length",
    "expect",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "taskbell-attempt",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "webhook-id",
    "webhook-signature",
    "webhook-timestamp",
];

/// The keys of a signature beside its scheme and secrets.
const HMAC_KEYS: &[&str] =
    &["key", "content", "hash", "encoding", "header", "value", "id_header", "timestamp_header", "joiner"];

/// Reads every endpoint. Beside the sound ones it returns the names of all, so that a hook that
/// names a faulty one is not a second fault.
pub(super) fn read_all<'r>(root: &Section<'r>, files: &Files) -> (Vec<Arc<Endpoint>>, Vec<&'r str>) {
    let mut endpoints = Vec::new();
    let roots: Arc<[PathBuf]> = files.roots.iter().cloned().collect();
    let mut names = Vec::new();
    let sections = root.named_tables("endpoints");
    for (name, at, section) in &sections {
        if !is_name(name) {
            let message =
                format!("{} is no name of an endpoint: 1 to 64 letters, digits, `-` or `_`", quoted(name));
            section.reading.fault(*at, &section.path, message);
        }
        names.push(*name);
        endpoints.extend(read(name, section, &roots).map(Arc::new));
    }
    shaping::refuse_circles(&sections, &endpoints, &names);
    (endpoints, names)
}

fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

fn read(name: &str, section: &Section<'_>, roots: &Arc<[PathBuf]>) -> Option<Endpoint> {
    let address = address::endpoint_url(section);
    let headers = headers(section);
    let sign = signers(section);
    let (timeout, connect_timeout) = timeouts(section);
    let retry = retry(section);
    let rate = section.rates("rate");
    let concurrency = section.integer("concurrency").and_then(|number| usize::try_from(number).ok());
    let tls = tls::read(section);
    let proxy = proxy(section);
    let mentions: Vec<String> = section.texts("mentions").into_iter().map(|words| words.text).collect();
    let overflow = overflow(section);
    let fallback = section.text("fallback").map(|words| words.text);
    let (platform, url) = address?;
    warn_of_silent_mentions(section, platform, &mentions);
    let options = platform_options(section, platform)?;
    let target = Target { url, options, mentions };
    if let Some((key, message)) = platform.missing_value(&target) {
        section.fault(key, message);
    }
    let (pace, at_once) = platform.pace();
    Some(Endpoint {
        name: name.to_owned(),
        platform,
        target,
        headers,
        sign,
        timeout,
        connect_timeout,
        retry,
        rate: rate.unwrap_or_else(|| pace.to_vec()),
        concurrency: concurrency.unwrap_or(at_once),
        ordered: concurrency == Some(1),
        tls,
        proxy,
        overflow: overflow.unwrap_or(if platform.coalesces() { Overflow::Fold } else { Overflow::Queue }),
        file_roots: Arc::clone(roots),
        fallback,
    })
}

/// A mention that pings nobody is dead text, or none at all.
fn warn_of_silent_mentions(section: &Section<'_>, platform: &dyn Platform, mentions: &[String]) {
    let name = platform.name();
    for mention in mentions.iter().filter(|mention| !platform.accepts_mention(mention)) {
        let message = match platform.mention_form() {
            Some(form) => format!("`{name}` pings nobody for {}: it takes {form}", quoted(mention)),
            None => format!("`{name}` pings nobody, so {} has no effect", quoted(mention)),
        };
        section.warn("mentions", message);
    }
}

fn overflow(section: &Section<'_>) -> Option<Overflow> {
    let words = section.text("overflow")?;
    match words.text.as_str() {
        "fold" => Some(Overflow::Fold),
        "queue" => Some(Overflow::Queue),
        _ => {
            section.fault("overflow", format!("expected `fold` or `queue`, found {}", words.shown));
            None
        }
    }
}

/// The keys that only this platform has; those of another one are refused.
fn platform_options(section: &Section<'_>, platform: &dyn Platform) -> Option<Vec<(&'static str, Secret)>> {
    let mut sound = true;
    for name in platform::option_names() {
        if section.has(name) && !platform.options().iter().any(|key| key.name == name) {
            let owners: Vec<_> =
                platform::platforms_with_option(name).iter().map(|owner| format!("`{owner}`")).collect();
            let platform = platform.name();
            section.fault(
                name,
                format!("`{platform}` has no key `{name}`; it belongs to {}", owners.join(", ")),
            );
        }
    }
    let mut keys = Vec::new();
    for key in platform.options() {
        let value = section.own_text(key.name, key.form, key.secret);
        match value {
            Some(words) if (key.accepts)(&words.text) => {
                if key.secret {
                    keep_encoded(section, &words.text);
                }
                keys.push((key.name, words.into_secret()));
            }
            Some(words) => {
                section.fault(key.name, format!("expected {}, found {}", key.form, words.shown));
                sound = false;
            }
            None if section.has(key.name) => sound = false,
            None if key.required => {
                let platform = platform.name();
                section.fault(key.name, format!("this key is missing: `{platform}` needs {}", key.form));
                sound = false;
            }
            None => {}
        }
    }
    sound.then_some(keys)
}

/// A secret that travels in a form or a query may come back as it was written there.
fn keep_encoded(section: &Section<'_>, secret: &str) {
    let encoded: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    if encoded != secret {
        section.reading.keep_secret(&encoded);
    }
}

fn headers(section: &Section<'_>) -> Vec<(String, Secret)> {
    let mut headers: Vec<(String, Secret)> = Vec::new();
    let given = section.secret_table("headers");
    if given.len() > MOST_HEADERS {
        section.fault("headers", format!("at most {MOST_HEADERS} headers fit, here are {}", given.len()));
        return headers;
    }
    for (entry, words) in given {
        let name = entry.name.to_ascii_lowercase();
        let fault = if !is_header_name(&name) {
            Some((entry.at, "this is no header name: letters, digits and `-` were expected".to_owned()))
        } else if name == "webhook-signature" {
            Some((entry.at, "this header is written by `sign`".to_owned()))
        } else if OWN_HEADERS.contains(&name.as_str()) {
            Some((entry.at, "Taskbell writes this header itself".to_owned()))
        } else if headers.iter().any(|(other, _)| *other == name) {
            Some((entry.at, "this header stands here twice; upper and lower case are the same".to_owned()))
        } else if !words.text.bytes().all(|b| matches!(b, b' '..=b'~' | b'\t')) {
            Some((words.at, "a header value is one line of printable ASCII; this one is not".to_owned()))
        } else {
            None
        };
        if let Some((at, message)) = fault {
            section.reading.fault(at, &format!("{}.headers.{}", section.path, entry.name), message);
            continue;
        }
        // `Bearer TOKEN`: a receiver may echo the token without its scheme.
        if let Some((_, token)) = words.text.split_once(' ') {
            section.reading.keep_secret(token.trim());
        }
        headers.push((name, words.into_secret()));
    }
    headers
}

/// A token as in RFC 9110, section 5.6.2.
fn is_header_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

fn timeouts(section: &Section<'_>) -> (Duration, Duration) {
    let timeout = section.duration("timeout");
    let connect = section.duration("connect_timeout");
    if let (Some(timeout), Some(connect)) = (timeout, connect)
        && connect > timeout
    {
        section.fault("connect_timeout", format!("`connect_timeout` is longer than `timeout` ({timeout:?})"));
    }
    let timeout = timeout.unwrap_or_default();
    (timeout, connect.unwrap_or(CONNECT_TIMEOUT.min(timeout)))
}

fn retry(section: &Section<'_>) -> RetryPolicy {
    let Some(retry) = section.table("retry") else {
        return RetryPolicy { schedule: Vec::new(), max_age: Duration::ZERO };
    };
    let schedule = retry.durations("schedule");
    if schedule.len() > LONGEST_SCHEDULE {
        retry.fault(
            "schedule",
            format!("a schedule has at most {LONGEST_SCHEDULE} waits, this one has {}", schedule.len()),
        );
    }
    RetryPolicy { schedule, max_age: retry.duration("max_age").unwrap_or_default() }
}

fn proxy(section: &Section<'_>) -> Proxy {
    let Some(words) = section.text("proxy") else { return Proxy::Direct };
    if words.text == "env" {
        keep_environment_proxies(section);
        return Proxy::Environment;
    }
    let sound = address::http_url(&words, &["http"]).and_then(|url| {
        let bare = matches!(url.path(), "" | "/") && url.query().is_none();
        if bare { Ok(url) } else { Err("the URL of a proxy has no path and no query".to_owned()) }
    });
    match sound {
        Ok(url) => {
            address::keep_secrets(section.reading, &url);
            Proxy::Url(SecretUrl::new(url))
        }
        Err(message) => {
            section.fault("proxy", format!("{message} (or `env`)"));
            Proxy::Direct
        }
    }
}

/// The environment's proxies may carry a password.
fn keep_environment_proxies(section: &Section<'_>) {
    for name in ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "https_proxy", "http_proxy", "all_proxy"] {
        let value = section.reading.variable(name).and_then(|value| value.into_string().ok());
        if let Some(url) =
            value.and_then(|value| url::Url::parse(&value).ok()).filter(address::has_credentials)
        {
            address::keep_secrets(section.reading, &url);
        }
    }
}

fn signers(section: &Section<'_>) -> Vec<Signer> {
    section.list_of_tables("sign").iter().filter_map(signer).collect()
}

fn signer(section: &Section<'_>) -> Option<Signer> {
    let mut entry = Map::new();
    let scheme = section.text("scheme").map(|words| words.text);
    let secrets = section.secrets("secrets");
    for name in HMAC_KEYS {
        if let Some(words) = section.text(name) {
            entry.insert((*name).to_owned(), words.text.into());
        }
    }
    entry.insert("scheme".to_owned(), scheme?.into());
    if secrets.is_empty() {
        return None;
    }
    let mut seen = HashSet::new();
    if !secrets.iter().all(|secret| seen.insert(secret.text.as_str())) {
        section.fault("secrets", "the same secret stands here twice");
    }
    entry.insert("secrets".to_owned(), secrets.into_iter().map(|words| words.text).collect());
    match Signer::from_json(&Json::Object(entry)) {
        Ok(signer) => Some(signer),
        Err(message) => {
            section.reading.fault(section.at, &section.path, message);
            None
        }
    }
}
