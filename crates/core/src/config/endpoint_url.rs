//! `url` and `platform` of an endpoint, and the checks of URLs that other keys share.

use super::declaration::ConfigKey;
use super::diagnostic::advice;
use super::load_context::{LoadContext, TextValue};
use super::table_reader::TableReader;
use super::url_text;
use super::value_types::Text;
use crate::platform::{self, Platform};
use crate::secret::{SecretUrl, url_secrets};
use percent_encoding::percent_decode_str;
use std::net::IpAddr;
use url::{Host, Url};

/// Reads both keys together, because each decides about the other.
pub(super) fn read(
    table: &TableReader<'_>,
    platform_key: &ConfigKey<Text<&'static dyn Platform>>,
    url_key: &ConfigKey<Text<Url>>,
) -> Option<(&'static dyn Platform, SecretUrl)> {
    let named = table.read(platform_key);
    let url = if table.has(url_key) { table.read(url_key) } else { default_url(table, url_key, named) };
    if table.has(platform_key) && named.is_none() {
        return None;
    }
    let url = url?;
    add_url_secrets(table.context, &url);
    warn_of_plain_text(table, url_key, &url);
    let recognised = table.context.recognise(&url);
    warn_of_wrong_url(table, url_key, &url, named, recognised);
    if let (Some(named), Some(recognised)) = (named, recognised)
        && named.name() != recognised.name()
    {
        let (named, recognised) = (named.name(), recognised.name());
        let message = format!("the URL belongs to `{recognised}`, not to `{named}`: change one of them");
        table.error(platform_key, message);
        return None;
    }
    let Some(chosen) = named.or(recognised).or_else(|| platform::by_name("json")) else {
        table.error(platform_key, "this build does not include the platform `json`: name another one");
        return None;
    };
    if has_credentials(&url) && chosen.name() != "json" && !is_mail(&url) {
        table
            .error(url_key, format!("a URL of `{}` must not contain a user name or password", chosen.name()));
        return None;
    }
    Some((chosen, SecretUrl::new(url)))
}

pub(super) fn warn_of_plain_text(table: &TableReader<'_>, key: impl AsRef<str>, url: &Url) {
    if url.scheme() == "http" && !is_private(url) {
        table.warn(key, "this URL sends everything unencrypted over a public network; use https");
    }
}

/// Warns of a URL that was probably copied wrongly, no longer works, or expects a body that Taskbell does
/// not send.
fn warn_of_wrong_url(
    table: &TableReader<'_>,
    key: &ConfigKey<Text<Url>>,
    url: &Url,
    named: Option<&dyn Platform>,
    recognised: Option<&dyn Platform>,
) {
    if let Some(doubt) = url_text::doubt(url, is_private(url)) {
        table.warn(key, doubt);
    }
    if let Some(meant) = platform::near_host(url).filter(|_| recognised.is_none()) {
        table.warn(
            key,
            format!("the host of this URL is not `{meant}`, though nearly: a letter is wrong or missing"),
        );
        return;
    }
    let is_escaped = |(at, _): (usize, &str)| {
        url.as_str().as_bytes().get(at + 3..at + 5).is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit))
    };
    if recognised.is_some() && url.as_str().match_indices("%25").any(is_escaped) {
        table.warn(key, "this URL was percent-encoded twice: copy it from where it was created");
    }
    if platform::without_www(url).is_some_and(|own| platform::recognise(&own).is_some()) {
        table.warn(key, "the host of this URL has no `www.` in front: remove it");
        return;
    }
    if recognised.is_none() && warn_of_foreign_form(table, key, url) {
        return;
    }
    let own_server = named.and_then(|named| named.description().default_url) == Some(url.as_str());
    let known = platform::known_address(url).filter(|_| recognised.is_none() && !own_server);
    if let Some(known) = known.filter(|known| named.is_none() || !known.takes_json) {
        table.warn(key, format!("{}: {}", known.service, known.advice));
    }
    if url.path().starts_with("/open-apis/bot/hook/") && recognised.is_some() {
        table.warn(key, "this is a bot of the first version, which takes no cards: create a new custom bot");
    }
}

/// Warns of an address at which Discord expects the messages of another service.
fn warn_of_foreign_form(table: &TableReader<'_>, key: &ConfigKey<Text<Url>>, url: &Url) -> bool {
    let path = url.path().trim_end_matches('/');
    let Some((webhook, form @ ("slack" | "github"))) = path.rsplit_once('/') else { return false };
    let mut own = url.clone();
    own.set_path(webhook);
    let foreign = platform::recognise(&own).is_some_and(|platform| platform.name() == "discord");
    if foreign {
        let message =
            format!("remove `/{form}`: at that address Discord expects messages in the format of {form}");
        table.warn(key, message);
    }
    foreign
}

fn default_url(
    table: &TableReader<'_>,
    key: &ConfigKey<Text<Url>>,
    named: Option<&'static dyn Platform>,
) -> Option<Url> {
    let url = named.and_then(|platform| Url::parse(platform.description().default_url?).ok());
    if url.is_none() {
        table.error(key, "this key is missing");
    }
    url
}

pub(super) fn parse_platform(
    text: &TextValue,
    context: &LoadContext<'_>,
) -> Result<&'static dyn Platform, String> {
    context.platform(&text.text).ok_or_else(|| {
        format!("unknown platform {}; {}", text.shown, advice(&text.text, &context.platform_names()))
    })
}

/// The URL of a receiver by HTTP or by SMTP.
pub(super) fn parse_receiver_url(text: &TextValue) -> Result<Url, String> {
    if !text.text.trim_start().to_ascii_lowercase().starts_with("smtp") {
        return parse_http_url(text, &["http", "https"]);
    }
    let mut url = parse_http_url(text, &["smtp", "smtps"])?;
    // The parser reads the host of a URL by its rules for HTTP only.
    let host = url.host_str().map(|host| percent_decode_str(host).decode_utf8_lossy().into_owned());
    let host =
        Host::parse(&host.unwrap_or_default()).map_err(|error| format!("this URL has no host ({error})"))?;
    url.set_host(Some(&host.to_string())).map_err(|error| format!("this URL has no host ({error})"))?;
    Ok(url)
}

/// Whether messages to this URL go by SMTP.
pub(super) fn is_mail(url: &Url) -> bool {
    matches!(url.scheme(), "smtp" | "smtps")
}

/// A URL with one of these schemes, a host and no fragment. The error never quotes it.
pub(super) fn parse_http_url(text: &TextValue, schemes: &[&str]) -> Result<Url, String> {
    if let Some(fault) = url_text::fault(&text.text) {
        return Err(fault);
    }
    let expected = schemes.join(" or ");
    let url = Url::parse(text.text.trim())
        .map_err(|error| format!("this is not a URL ({error}); expected an {expected} URL"))?;
    if !schemes.contains(&url.scheme()) {
        return Err(format!("expected an {expected} URL, found another scheme"));
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err("this URL has no host".to_owned());
    }
    if url.fragment().is_some() {
        return Err("this URL has a fragment (`#…`), which is never sent to a server: remove it".to_owned());
    }
    Ok(url)
}

pub(super) fn parse_url_prefix(text: &TextValue) -> Result<Url, String> {
    let url = parse_http_url(text, &["http", "https"])?;
    if url.query().is_some() || has_credentials(&url) {
        return Err("a URL prefix must not contain a query or credentials".to_owned());
    }
    Ok(url)
}

pub(super) fn has_credentials(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

pub(super) fn add_url_secrets(context: &LoadContext<'_>, url: &Url) {
    url_secrets(url).iter().for_each(|secret| context.add_secret(secret));
}

/// Whether a connection to this host most likely stays on the machine or in its private network.
fn is_private(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.');
            let private = [".localhost", ".local", ".lan", ".internal", ".home.arpa"];
            !name.contains('.') || private.iter().any(|suffix| name.ends_with(suffix))
        }
        Some(Host::Ipv4(address)) => is_private_address(IpAddr::V4(address)),
        Some(Host::Ipv6(address)) => is_private_address(IpAddr::V6(address)),
        None => true,
    }
}

fn is_private_address(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_private() || v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_and_private_networks_are_private() {
        let private = [
            "http://localhost/",
            "http://127.0.0.1:8080/",
            "http://10.1.2.3/",
            "http://nas/",
            "http://[::1]/",
        ];
        let public =
            ["http://example.com/", "http://8.8.8.8/", "http://[2001:db8::1]/", "http://[::ffff:8.8.8.8]/"];
        for (urls, expected) in [(&private[..], true), (&public[..], false)] {
            for url in urls {
                assert_eq!(is_private(&Url::parse(url).unwrap()), expected, "{url}");
            }
        }
    }
}
