//! Addresses of known services that are not a webhook of one of the platforms: a channel's page in a browser, a
//! service that takes messages in a form of its own, an address that is retired. Each says what to write instead.

#[cfg(test)]
mod tests;

use super::path_parts;
use url::Url;

/// The services, a line each; it says itself how it is written.
const SERVICES: &str = include_str!("services.txt");

/// The hosts of platforms, which a slip of a finger changes.
const HOSTS: &str = "hooks.slack.com discord.com discordapp.com logic.azure.com api.powerplatform.com open.feishu.cn \
                     open.larksuite.com oapi.dingtalk.com qyapi.weixin.qq.com chat.googleapis.com api.telegram.org \
                     events.pagerduty.com api.github.com";

/// A kind of address, and what to write instead.
#[derive(Debug)]
pub struct KnownAddress {
    /// The service, as people call it.
    pub service: &'static str,
    /// Names of hosts, with blanks between them.
    hosts: &'static str,
    /// What to write instead.
    pub advice: &'static str,
    /// Whether a body of JSON arrives there, in fields of the service's own.
    pub takes_json: bool,
}

/// What this address is, where it is none of a platform's webhooks.
pub fn known_address(url: &Url) -> Option<KnownAddress> {
    let host = url.host_str()?.trim_end_matches('.');
    let parts = path_parts(url);
    let is_at = |place: &str| {
        let (name, path) = place.split_once('/').unwrap_or((place, ""));
        let is_host = if name.starts_with('.') { host.ends_with(name) } else { host == name };
        is_host
            && path.split_terminator('/').eq(parts.iter().copied().take(path.split_terminator('/').count()))
    };
    services().find(|known| known.hosts.split(' ').any(is_at)).or_else(|| {
        let name = by_path(url, host, &parts)?;
        services().find(|known| known.hosts.split(' ').any(|place| place == name))
    })
}

fn services() -> impl Iterator<Item = KnownAddress> {
    SERVICES.lines().filter_map(|line| {
        let mut cells = line.split(" | ");
        let (sign, service) = cells.next()?.split_once(' ').filter(|(sign, _)| *sign != "#")?;
        Some(KnownAddress { service, hosts: cells.next()?, advice: cells.next()?, takes_json: sign == "+" })
    })
}

/// The host of a platform that is meant by one with a letter or two wrong, or with another end.
pub fn near_host(url: &Url) -> Option<&'static str> {
    let host = url.host_str()?;
    let begin =
        |host: &str| host.rsplit_once('.').map_or_else(|| host.to_owned(), |(begin, _)| begin.to_owned());
    HOSTS.split(' ').find(|known| {
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

/// The name among the hosts of a service that runs at any name, by its path.
fn by_path(url: &Url, host: &str, parts: &[&str]) -> Option<&'static str> {
    let label = |word: &str| host.split('.').any(|label| label == word);
    let has = |name: &str| url.query_pairs().any(|(key, _)| key == name);
    Some(match parts {
        ["trigger", _, "with", "key", ..] if host == "maker.ifttt.com" => "@ifttt",
        ["_matrix", "client", ..] => "@matrix",
        [_, "channels" | "messages" | "pl", _] => "@mattermost-page",
        ["api", "services", "notify" | "persistent_notification", ..] => "@home-assistant",
        ["v2", "send"] => "@signal",
        ["webapi", "entry.cgi"] => "@synology",
        ["message", ..] if has("token") || label("gotify") => "@gotify",
        _ if label("gotify") => "@gotify",
        ["notify", ..] if label("apprise") || (parts.len() == 2 && has("tag")) => "@apprise",
        ["api", "v1", "external", integration] if *integration != "json" && has("api_key") => "@zulip",
        ["hooks", id, token] if label("rocketchat") || label("rocket") || is_rocket_chat(id, token) => {
            "@rocket-chat"
        }
        _ if label("rocketchat") => "@rocket-chat",
        _ if label("mattermost") => "@mattermost",
        _ if label("ntfy") => "@ntfy",
        _ if parts.windows(3).any(|parts| parts == ["api", "v4", "projects"]) || label("gitlab") => "@gitlab",
        ["api", "v3", "repos", ..] => "@github",
        _ => return None,
    })
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
