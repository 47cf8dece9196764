//! Addresses that tasks name in their `webhook_params`.

use crate::hash::sha256_hex;
use percent_encoding::percent_decode_str;
use url::Url;

/// The prefix of these endpoints' names. No configured endpoint has a colon in its name.
const NAME_PREFIX: &str = "task-url:";

const MAX_URL_BYTES: usize = 2048;

/// A path that is encoded more often than this is refused.
const MAX_DECODED: usize = 5;

/// The allowed prefixes of addresses; none by default.
#[derive(Debug, Clone, Default)]
pub struct TaskUrls(pub Vec<Url>);

impl TaskUrls {
    /// Whether an address starts with one of these: the same scheme, host and port, and a prefix of whole path
    /// segments, without a dot or separator in disguise after it.
    pub fn allow(&self, url: &Url) -> bool {
        self.0.iter().any(|start| {
            start.scheme() == url.scheme()
                && start.host() == url.host()
                && start.port_or_known_default() == url.port_or_known_default()
                && url.path().strip_prefix(start.path()).is_some_and(|rest| {
                    let is_below = rest.is_empty() || rest.starts_with('/') || start.path().ends_with('/');
                    is_below && (start.path() == "/" || !may_leave(rest))
                })
        })
    }
}

/// Whether a receiver that decodes a path, once or more often, may find another one than the one before it: encoded
/// or look-alike dots and separators, and the parameters of a segment (`..;x`).
fn may_leave(rest: &str) -> bool {
    const SEPARATORS: [char; 8] =
        ['\\', '\u{2044}', '\u{2215}', '\u{29f8}', '\u{29f5}', '\u{ff0f}', '\u{ff3c}', '\u{fe68}'];
    const DOTS: [char; 5] = ['\u{2024}', '\u{2025}', '\u{2026}', '\u{3002}', '\u{ff0e}'];
    let segments = rest.split('/').count();
    let mut text = rest.to_owned();
    for _ in 0..MAX_DECODED {
        let is_dots = |segment: &str| matches!(segment.split(';').next(), Some("." | ".."));
        let is_strange = |c: char| c.is_control() || SEPARATORS.contains(&c) || DOTS.contains(&c);
        if text.split('/').count() != segments || text.split('/').any(is_dots) || text.contains(is_strange) {
            return true;
        }
        // The form of old Windows servers.
        if text.contains("%u") || text.contains("%U") {
            return true;
        }
        let Ok(decoded) = percent_decode_str(&text).decode_utf8() else { return true };
        if decoded == text {
            return false;
        }
        text = decoded.into_owned();
    }
    true
}

/// Parses an address that a task may name: `http` or `https`, without credentials and fragment.
pub fn parse_task_url(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok().filter(|_| text.len() <= MAX_URL_BYTES)?;
    let valid = matches!(url.scheme(), "http" | "https")
        && url.host_str().is_some_and(|host| !host.is_empty())
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    valid.then_some(url)
}

/// Whether an endpoint with this name belongs to an address that a task named.
pub fn is_task_endpoint(name: &str) -> bool {
    name.starts_with(NAME_PREFIX)
}

/// The name of the endpoint of an address: a digest, so that it identifies the address without revealing it.
pub fn task_endpoint_name(url: &Url) -> String {
    format!("{NAME_PREFIX}{}", sha256_hex(url.as_str(), 16))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(starts: &[&str], url: &str) -> bool {
        let starts = starts.iter().map(|start| Url::parse(start).unwrap()).collect();
        parse_task_url(url).is_some_and(|url| TaskUrls(starts).allow(&url))
    }

    #[test]
    fn an_address_is_allowed_by_its_parts_and_not_by_its_text() {
        let starts = ["https://hooks.example.com/team", "http://ci.example.com:8080/"];
        for good in [
            "https://hooks.example.com/team",
            "https://hooks.example.com/team/a?b=c",
            "https://HOOKS.example.com:443/team/../team/x",
            "http://ci.example.com:8080/anything",
        ] {
            assert!(allowed(&starts, good), "{good}");
        }
        for bad in "\
            http://hooks.example.com/team https://hooks.example.com/teammate \
            https://hooks.example.com/team/../other https://hooks.example.com/team/%2e%2e/other \
            https://hooks.example.com./team https://hooks.example.com:444/team \
            https://hooks.example.com@evil.example/team https://hooks.example.com.evil.example/team \
            https://evil.example/https://hooks.example.com/team \
            https://evil.example/?https://hooks.example.com/team https://user:pass@hooks.example.com/team \
            https://hooks.example.com/team#x http://ci.example.com/ file:///team env:HOME"
            .split_whitespace()
        {
            assert!(!allowed(&starts, bad), "{bad}");
        }
        for path in "\
            ..%2fother %2e%2e%2fother %2E%2E%2Fother ..;/other ..;a=b/other %2e%2e;/other \
            ..%5cother x%5c..%5c..%5cother %252e%252e/other %25252e%25252e%25252fother \
            x%2f..%2f..%2fother a%2fb %c0%ae%c0%ae/other ..%c0%afother %uff0e%uff0e/other \
            \u{ff0e}\u{ff0e}/other ..\u{ff0f}other %00 x%0d%0ay"
            .split_whitespace()
        {
            let url = format!("https://hooks.example.com/team/{path}");
            assert!(!allowed(&starts, &url), "{url}");
        }
        assert!(!allowed(&starts, "https://hooks.example.com/team%2f..%2fother"));
        for good in ["a%20b", "100%25", "a.b", "...", "a;b", "\u{e9}t\u{e9}", "v1.2/x"] {
            let url = format!("https://hooks.example.com/team/{good}");
            assert!(allowed(&starts, &url), "{url}");
        }
        assert!(
            allowed(&starts, "http://ci.example.com:8080/group%2Fproject"),
            "every path of the host is allowed"
        );
        assert!(!allowed(&[], "https://hooks.example.com/team"), "none by default");
        let long = format!("https://hooks.example.com/team/{}", "x".repeat(MAX_URL_BYTES));
        assert!(!allowed(&starts, &long));
    }
}
