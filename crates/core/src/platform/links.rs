//! Links: which URLs from an event may stand in a card.

use super::escape::in_url;
use url::{Host, Position, Url};

/// A link a person can follow: absolute, `http` or `https`, without credentials, at most `max` bytes.
pub(super) fn followable(text: Option<&str>, max: usize) -> Option<Url> {
    let url = Url::parse(text?).ok()?;
    let plain =
        matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.password().is_none();
    (plain && url.as_str().len() <= max).then_some(url)
}

/// A picture that a platform's own servers can fetch: `https` at a public name.
pub(super) fn fetchable(text: Option<&str>, max: usize) -> Option<Url> {
    let url = followable(text, max)?;
    (url.scheme() == "https" && is_public(&url)).then_some(url)
}

pub(super) fn is_public(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name.contains('.') && !has_private_ending(name),
        Some(Host::Ipv4(_) | Host::Ipv6(_)) | None => false,
    }
}

/// Whether it is a whole address, of whatever scheme: `mailto:a@example.com`.
pub(super) fn has_scheme(text: &str) -> bool {
    !text.contains(char::is_whitespace) && Url::parse(text).is_ok()
}

/// A URL without the characters that markdown would read; behind the host all of them may be
/// percent-encoded.
pub(super) fn quiet(url: &Url) -> String {
    let mut out = url[..Position::BeforePath].to_owned();
    for character in url[Position::BeforePath..].chars() {
        match in_url(None, character, None).filter(|_| "()[]*`@".contains(character)) {
            Some(encoded) => out.push_str(encoded),
            None => out.push(character),
        }
    }
    out
}

/// Names that are never public: RFC 6761, RFC 6762, RFC 8375, and what routers use.
fn has_private_ending(name: &str) -> bool {
    let last = name.trim_end_matches('.').rsplit('.').next().unwrap_or_default();
    ["localhost", "local", "internal", "lan", "home", "arpa", "corp", "test", "invalid"].contains(&last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_web_links_are_shown_and_only_public_pictures_fetched() {
        let link = |text| followable(Some(text), 60).is_some();
        assert!(link("https://render-07.example.com/out/1.png") && link("http://10.0.0.7:7801/View/1"));
        for bad in
            ["javascript:alert(1)", "file:///etc/passwd", "/out/1.png", "https://user:key@example.com/", ""]
        {
            assert!(!link(bad), "{bad}");
        }
        assert!(!link(&format!("https://example.com/{}", "a".repeat(60))));
        let picture = |text| fetchable(Some(text), 200).is_some();
        assert!(picture("https://cdn.example.com/1.png"));
        for bad in [
            "http://cdn.example.com/1.png",
            "https://localhost/1.png",
            "https://10.0.0.7/1.png",
            "https://nas.local./1",
        ] {
            assert!(!picture(bad), "{bad}");
        }
        assert!(!picture("https://[::1]/1.png") && !picture("https://render-07/1.png"));
    }
}
