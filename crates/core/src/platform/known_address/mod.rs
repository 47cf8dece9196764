//! Addresses of known services that are not a webhook of one of the platforms: a channel's page in a browser, a
//! service that takes messages in a form of its own, an address that is retired. Each says what to write instead.

mod services;
#[cfg(test)]
mod tests;

use super::path_parts;
use services::{
    ADDRESSES, APPRISE, GITHUB, GITLAB, GOTIFY, HOME_ASSISTANT, HOSTS, IFTTT, MATRIX, MATTERMOST,
    MATTERMOST_PAGE, NTFY, ROCKET_CHAT, SIGNAL, SYNOLOGY, ZULIP,
};
use url::Url;

/// A kind of address, and what to write instead.
#[derive(Debug)]
pub struct KnownAddress {
    /// The service, as people call it.
    pub service: &'static str,
    /// Names of hosts; one that starts with a dot is the end of a name.
    hosts: &'static [&'static str],
    /// How the path starts, in whole parts.
    path: &'static [&'static str],
    /// What to write instead.
    pub advice: &'static str,
    /// Whether a body of JSON arrives there, in fields of the service's own.
    pub takes_json: bool,
}

/// No message can arrive there.
const fn never(
    service: &'static str,
    hosts: &'static [&'static str],
    path: &'static [&'static str],
    advice: &'static str,
) -> KnownAddress {
    KnownAddress { service, hosts, path, advice, takes_json: false }
}

/// JSON arrives there in the service's own fields, which a template writes.
const fn own_fields(
    service: &'static str,
    hosts: &'static [&'static str],
    path: &'static [&'static str],
    advice: &'static str,
) -> KnownAddress {
    KnownAddress { service, hosts, path, advice, takes_json: true }
}

/// What this address is, where it is none of a platform's webhooks.
pub fn known_address(url: &Url) -> Option<&'static KnownAddress> {
    let host = url.host_str()?.trim_end_matches('.');
    let parts = path_parts(url);
    let fits = |known: &&KnownAddress| {
        let named = known
            .hosts
            .iter()
            .any(|name| if name.starts_with('.') { host.ends_with(name) } else { host == *name });
        named && parts.starts_with(known.path)
    };
    ADDRESSES.iter().find(fits).or_else(|| by_path(url, host, &parts))
}

/// The host of a platform that is meant by one with a letter or two wrong, or with another end.
pub fn near_host(url: &Url) -> Option<&'static str> {
    let host = url.host_str()?;
    let begin =
        |host: &str| host.rsplit_once('.').map_or_else(|| host.to_owned(), |(begin, _)| begin.to_owned());
    HOSTS.iter().copied().find(|known| {
        let labels = host.split('.').count().saturating_sub(known.split('.').count());
        let end = host.splitn(labels + 1, '.').last().unwrap_or_default();
        // With a path to a webhook, `api.telegram.com` and `hooks.slack` are no hosts of others.
        let is_begun = host != *known && (begin(host) == begin(known) || host == begin(known));
        (1..=2).contains(&strsim::osa_distance(end, known))
            || (is_begun && host.contains('.') && known_address(url).is_none())
    })
}

/// The same URL where its host begins with `www.`.
pub fn without_www(url: &Url) -> Option<Url> {
    let mut own = url.clone();
    own.set_host(Some(url.host_str()?.strip_prefix("www.")?)).ok()?;
    Some(own)
}

/// What is said of a URL whose end was cut off.
pub(super) const CUT: &str = "a secret in it is shorter than those of this platform: its end was cut off; copy it again, where it was created";
/// What is said of one with something behind its end.
pub(super) const MORE: &str = "text follows the end of this URL: copy it again";
/// What stands for a token in examples.
pub(super) const EXAMPLE: &str = "abcdefghijklmnopqrstuvwxyz";

/// The value of a parameter of the query.
pub(super) fn parameter<'u>(url: &'u Url, name: &str) -> Option<std::borrow::Cow<'u, str>> {
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value)
}

/// The first group or two of a UUID; more of them are found in any URL.
pub(super) fn is_cut_uuid(key: &str) -> bool {
    let mut groups = key.split('-');
    let is_hex = |text: &str| text.bytes().all(|b| b.is_ascii_hexdigit());
    groups.next().is_some_and(|first| first.len() == 8 && is_hex(first))
        && groups.next().is_none_or(|second| second.len() <= 4 && is_hex(second))
        && groups.next().is_none()
}

/// Services that run at any name, by their paths.
fn by_path(url: &Url, host: &str, parts: &[&str]) -> Option<&'static KnownAddress> {
    let label = |word: &str| host.split('.').any(|label| label == word);
    let has = |name: &str| url.query_pairs().any(|(key, _)| key == name);
    match parts {
        ["trigger", _, "with", "key", ..] if host == "maker.ifttt.com" => Some(&IFTTT),
        ["_matrix", "client", ..] => Some(&MATRIX),
        [_, "channels" | "messages" | "pl", _] => Some(&MATTERMOST_PAGE),
        ["api", "services", "notify" | "persistent_notification", ..] => Some(&HOME_ASSISTANT),
        ["v2", "send"] => Some(&SIGNAL),
        ["webapi", "entry.cgi"] => Some(&SYNOLOGY),
        ["message", ..] if has("token") || label("gotify") => Some(&GOTIFY),
        _ if label("gotify") => Some(&GOTIFY),
        ["notify", ..] if label("apprise") || (parts.len() == 2 && has("tag")) => Some(&APPRISE),
        ["api", "v1", "external", integration] if *integration != "json" && has("api_key") => Some(&ZULIP),
        ["hooks", id, token] if label("rocketchat") || label("rocket") || is_rocket_chat(id, token) => {
            Some(&ROCKET_CHAT)
        }
        _ if label("rocketchat") => Some(&ROCKET_CHAT),
        _ if label("mattermost") => Some(&MATTERMOST),
        _ if label("ntfy") => Some(&NTFY),
        _ if parts.windows(3).any(|parts| parts == ["api", "v4", "projects"]) || label("gitlab") => {
            Some(&GITLAB)
        }
        ["api", "v3", "repos", ..] => Some(&GITHUB),
        _ => None,
    }
}

/// An id of 17 characters or of a database, and a long token.
fn is_rocket_chat(id: &str, token: &str) -> bool {
    let plain = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric());
    plain(id)
        && plain(token)
        && id.contains(|c: char| c.is_ascii_digit())
        && id.len() >= 4
        && token.len() >= 6
}
