//! URLs of the configuration: their checks, and which pieces of them are secrets.

use super::reading::{Reading, Words};
use super::section::Section;
use crate::platform::{self, Platform};
use crate::secret::{SecretUrl, url_secrets};
use std::net::IpAddr;
use url::{Host, Url};

/// Reads `url` and `platform` together: each decides about the other.
pub(super) fn endpoint_url(section: &Section<'_>) -> Option<(&'static dyn Platform, SecretUrl)> {
    let named = section.text("platform").map(|words| by_name(section, &words));
    let url = match section.text("url") {
        Some(words) => dialled_url(section, &words),
        None if section.has("url") => None,
        None => platforms_own_url(section, named.flatten()),
    };
    let (named, url) = match (named, url?) {
        (Some(None), _) => return None,
        (Some(Some(named)), url) => (Some(named), url),
        (None, url) => (None, url),
    };
    warn_of_dead_end(section, &url);
    let recognised = platform::recognise(&url);
    if let (Some(named), Some(recognised)) = (named, recognised)
        && named.name() != recognised.name()
    {
        section.fault(
            "platform",
            format!(
                "the URL is one of `{}`, not of `{}`: change one of them",
                recognised.name(),
                named.name()
            ),
        );
        return None;
    }
    let Some(chosen) = named.or(recognised).or_else(|| platform::by_name("json")) else {
        section.fault("platform", "this build knows no platform `json`: name another one");
        return None;
    };
    if has_credentials(&url) && chosen.name() != "json" {
        section.fault("url", format!("a URL of `{}` carries no user name or password", chosen.name()));
        return None;
    }
    Some((chosen, SecretUrl::new(url)))
}

/// A URL that no longer works, or not with what is sent to it.
fn warn_of_dead_end(section: &Section<'_>, url: &Url) {
    let host = url.host_str().unwrap_or_default();
    if host.ends_with(".webhook.office.com") {
        section.warn(
            "url",
            "the connectors of Office 365 are retired: make a workflow \"when a Teams webhook request is \
             received\", and take its URL",
        );
    }
    let path = url.path().trim_end_matches('/');
    let Some((webhook, form @ ("slack" | "github"))) = path.rsplit_once('/') else { return };
    let mut own = url.clone();
    own.set_path(webhook);
    if platform::recognise(&own).is_some_and(|platform| platform.name() == "discord") {
        section
            .warn("url", format!("leave `/{form}` away: there Discord takes messages of another form only"));
    }
}

/// Where a platform listens that always listens in the same place.
fn platforms_own_url(section: &Section<'_>, named: Option<&'static dyn Platform>) -> Option<Url> {
    let url = named.and_then(|platform| Url::parse(platform.default_url()?).ok());
    if url.is_none() {
        section.fault("url", "this key is missing");
    }
    url
}

fn by_name(section: &Section<'_>, words: &Words) -> Option<&'static dyn Platform> {
    let found = platform::by_name(&words.text);
    if found.is_none() {
        let names = platform::names();
        let advice = match super::fault::nearest(&words.text, names.iter().copied()) {
            Some(name) => format!("did you mean `{name}`?"),
            None => format!("known are {}", names.join(", ")),
        };
        section.fault("platform", format!("there is no platform {}; {advice}", words.shown));
    }
    found
}

fn dialled_url(section: &Section<'_>, words: &Words) -> Option<Url> {
    let url = match http_url(words, &["http", "https"]) {
        Ok(url) => url,
        Err(message) => {
            section.fault("url", message);
            return None;
        }
    };
    keep_secrets(section.reading, &url);
    if url.scheme() == "http" && !is_near(&url) {
        let advice = "this URL sends everything in plain text over a public network; use https";
        section.reading.warn(section.place("url"), &super::node::join(&section.path, "url"), advice);
    }
    Some(url)
}

/// A URL with one of these schemes, a host and no fragment. The fault never quotes it.
pub(super) fn http_url(words: &Words, schemes: &[&str]) -> Result<Url, String> {
    let expected = schemes.join(" or ");
    let url = Url::parse(words.text.trim())
        .map_err(|error| format!("this is not a URL ({error}); an {expected} URL was expected"))?;
    if !schemes.contains(&url.scheme()) {
        return Err(format!("an {expected} URL was expected, this one has another scheme"));
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err("this URL has no host".to_owned());
    }
    if url.fragment().is_some() {
        return Err("this URL has a fragment (`#…`), which no server ever sees: leave it out".to_owned());
    }
    Ok(url)
}

pub(super) fn has_credentials(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

/// Knows the pieces of a URL that must not be shown.
pub(super) fn keep_secrets(reading: &Reading<'_>, url: &Url) {
    url_secrets(url).iter().for_each(|secret| reading.keep_secret(secret));
}

/// Whether plain text to this host most likely stays on the machine or in its network.
fn is_near(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.');
            let private = [".localhost", ".local", ".lan", ".internal", ".home.arpa"];
            !name.contains('.') || private.iter().any(|suffix| name.ends_with(suffix))
        }
        Some(Host::Ipv4(address)) => is_near_address(IpAddr::V4(address)),
        Some(Host::Ipv6(address)) => is_near_address(IpAddr::V6(address)),
        None => true,
    }
}

fn is_near_address(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_private() || v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_is_near_only_on_loopback_and_private_networks() {
        let near = [
            "http://localhost/",
            "http://127.0.0.1:8080/",
            "http://10.1.2.3/",
            "http://nas/",
            "http://[::1]/",
        ];
        let far =
            ["http://example.com/", "http://8.8.8.8/", "http://[2001:db8::1]/", "http://[::ffff:8.8.8.8]/"];
        for (urls, expected) in [(&near[..], true), (&far[..], false)] {
            for url in urls {
                assert_eq!(is_near(&Url::parse(url).unwrap()), expected, "{url}");
            }
        }
    }
}
