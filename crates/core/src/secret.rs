//! Values that must never be printed, and the scrubber that removes them from foreign text.

mod url_secrets;

pub use url_secrets::url_secrets;

use std::fmt;
use std::sync::Arc;
use url::Url;

/// Replaces a secret in anything a person may read.
pub const REDACTED: &str = "[redacted]";

/// The shortest value the [`Scrubber`] removes: shorter ones would damage ordinary text.
const SHORTEST_SCRUBBED: usize = 6;

const CUT: char = '…';

/// A text that is never printed: `Debug` and `Display` show [`REDACTED`].
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Secret(Arc<str>);

impl Secret {
    /// Wraps a text.
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Secret(text.into())
    }

    /// The text itself, for the one place that sends or signs with it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

/// A URL whose path, query and credentials are secret, as a chat platform's webhook is. `Debug` and
/// `Display` show scheme, host and port only.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SecretUrl(Url);

impl SecretUrl {
    /// Wraps a URL.
    pub fn new(url: Url) -> Self {
        SecretUrl(url)
    }

    /// The whole URL, for the one place that dials it.
    pub fn expose(&self) -> &Url {
        &self.0
    }
}

/// A host as people write it: the letters of an international name in the place of `xn--…`.
pub fn shown_host(host: &str) -> String {
    let (shown, read) = idna::domain_to_unicode(host);
    // Only what means the same name again.
    let is_same = read.is_ok() && idna::domain_to_ascii(&shown).is_ok_and(|ascii| ascii == host);
    if is_same { shown } else { host.to_owned() }
}

impl fmt::Display for SecretUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.0.scheme(), shown_host(self.0.host_str().unwrap_or("-")))?;
        if let Some(port) = self.0.port() {
            write!(f, ":{port}")?;
        }
        if !matches!(self.0.path(), "" | "/") || self.0.query().is_some() {
            f.write_str("/…")?;
        }
        Ok(())
    }
}

impl fmt::Debug for SecretUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Removes every known secret from text that comes from outside: a receiver may echo the token it was sent,
/// an error may quote a URL.
#[derive(Clone, Default)]
pub struct Scrubber {
    needles: Arc<[Arc<str>]>,
    /// How they begin, in order: a text that holds no beginning holds no secret, however many there are.
    beginnings: Arc<[[u8; SHORTEST_SCRUBBED]]>,
    /// A bit for each byte that begins one.
    first_bytes: [u64; 4],
}

impl Scrubber {
    /// A scrubber for these values; it ignores values under six bytes.
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        let mut needles: Vec<Arc<str>> = Vec::new();
        for secret in secrets {
            if secret.len() >= SHORTEST_SCRUBBED && !needles.iter().any(|known| **known == *secret) {
                needles.push(secret.into());
            }
        }
        // Longest first, so that a secret that contains another one is removed whole.
        needles.sort_by_cached_key(|needle| usize::MAX - needle.len());
        let beginning = |needle: &Arc<str>| needle.as_bytes().first_chunk().copied();
        let mut beginnings: Vec<_> = needles.iter().filter_map(beginning).collect();
        beginnings.sort_unstable();
        beginnings.dedup();
        let mut first_bytes = [0; 4];
        for first in beginnings.iter().map(|beginning| usize::from(beginning[0])) {
            first_bytes[first / 64] |= 1 << (first % 64);
        }
        Scrubber { needles: needles.into(), beginnings: beginnings.into(), first_bytes }
    }

    /// A scrubber that also removes these values.
    pub fn and<'a>(&'a self, secrets: impl IntoIterator<Item = &'a str>) -> Self {
        Scrubber::new(self.needles.iter().map(|needle| &**needle).chain(secrets))
    }

    /// The text with every secret replaced by [`REDACTED`].
    pub fn scrub(&self, text: &str) -> String {
        let mut clean = text.to_owned();
        let needles: &[Arc<str>] = if self.may_be_in(text) { &self.needles } else { &[] };
        for needle in needles {
            if clean.contains(&**needle) {
                clean = clean.replace(&**needle, REDACTED);
            }
        }
        if clean.contains(CUT) { self.without_stumps(&clean) } else { clean }
    }

    /// As [`Scrubber::scrub`], without a copy of a text that holds no secret.
    pub fn scrubbed(&self, text: String) -> String {
        if self.may_be_in(&text) || text.contains(CUT) { self.scrub(&text) } else { text }
    }

    /// The text of a configuration with the letters of every secret replaced by `x` and the digits by `0`, and so those
    /// of what is not usual in the paths of its URLs: it keeps its form, and can still be checked.
    pub fn masked(&self, text: &str) -> String {
        let mut clean = text.to_owned();
        let is_of_url = |needle: &str| needle.contains("://") || needle.starts_with('/');
        for needle in self.needles.iter().filter(|needle| !is_of_url(needle)) {
            // Between quotes, TOML and JSON write most signs alike.
            let quoted = needle.replace('\\', "\\\\").replace('"', "\\\"");
            for written in [quoted.as_str(), &**needle] {
                if clean.contains(written) {
                    clean = clean.replace(written, &mask(written));
                }
            }
        }
        let mut masked = String::with_capacity(clean.len());
        let mut rest = clean.as_str();
        while let Some(at) = rest.find("://") {
            let after = at + 3;
            let is_end = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '<' | '>');
            let end = rest[after..].find(is_end).map_or(rest.len(), |length| after + length);
            let path = rest[after..end].find(['/', '?', '#']).map_or(end, |length| after + length);
            // Before the host may be a user and a password.
            let host = rest[after..path].rfind('@').map_or(after, |length| after + length);
            masked.push_str(&rest[..after]);
            masked.push_str(&mask(&rest[after..host]));
            masked.push_str(&rest[host..path]);
            masked.push_str(&mask_target(&rest[path..end]));
            rest = &rest[end..];
        }
        masked + rest
    }

    fn may_be_in(&self, text: &str) -> bool {
        let is_beginning =
            |part: &[u8]| self.beginnings.binary_search_by(|known| known[..].cmp(part)).is_ok();
        let is_first = |byte: u8| self.first_bytes[usize::from(byte / 64)] >> (byte % 64) & 1 == 1;
        let mut parts = text.as_bytes().windows(SHORTEST_SCRUBBED);
        parts.any(|part| is_first(part[0]) && is_beginning(part))
    }

    /// Removes the beginning of a secret where the text was cut in the middle of it.
    fn without_stumps(&self, text: &str) -> String {
        let mut clean = String::with_capacity(text.len());
        let mut pieces = text.split(CUT).peekable();
        while let Some(piece) = pieces.next() {
            let is_cut = pieces.peek().is_some();
            let kept = piece.len() - if is_cut { self.stump(piece) } else { 0 };
            clean.push_str(piece.get(..kept).unwrap_or_default());
            if kept < piece.len() {
                clean.push_str(REDACTED);
            }
            if is_cut {
                clean.push(CUT);
            }
        }
        clean
    }

    /// The length of the secret's beginning at the end of a text, in bytes.
    fn stump(&self, text: &str) -> usize {
        let ends_in = |needle: &str| {
            let is_stump = |length: &usize| needle.get(..*length).is_some_and(|head| text.ends_with(head));
            (SHORTEST_SCRUBBED..needle.len()).rev().find(is_stump)
        };
        self.needles.iter().filter_map(|needle| ends_in(needle)).max().unwrap_or(0)
    }
}

/// Words in the paths of webhooks that say nothing about whose they are.
const USUAL_IN_PATHS: &[&str] = &[
    "api",
    "bot",
    "cgi-bin",
    "hook",
    "hooks",
    "message",
    "messages",
    "open-apis",
    "push",
    "robot",
    "send",
    "services",
    "v1",
    "v2",
    "v3",
    "webhook",
    "webhooks",
    "workflows",
];

/// The path and query of a URL.
fn mask_target(target: &str) -> String {
    let is_sign = |c: char| matches!(c, '/' | '?' | '#' | '&' | '=');
    let masked = |part: &str| {
        let word = part.trim_end_matches(is_sign);
        if USUAL_IN_PATHS.contains(&word) { part.to_owned() } else { mask(part) }
    };
    target.split_inclusive(is_sign).map(masked).collect()
}

/// A text of the same form.
fn mask(text: &str) -> String {
    let hidden = |c: char| match c {
        c if c.is_ascii_digit() => '0',
        c if c.is_alphanumeric() => 'x',
        c => c,
    };
    text.chars().map(hidden).collect()
}

impl fmt::Debug for Scrubber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scrubber({} values)", self.needles.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scrubber_may_learn_more_values() {
        let scrubber = Scrubber::new(["first-secret"]).and(["second-secret"]);
        assert_eq!(scrubber.scrub("first-secret second-secret"), format!("{REDACTED} {REDACTED}"));
    }

    #[test]
    fn a_masked_configuration_keeps_its_form_and_no_secret() {
        let scrubber = Scrubber::new(["whsec_MTIz", "say \"please\""]);
        let text = "url = 'https://a.example.com/hooks/T0/key?token=1' # https://u:p1@b.example.com?x1\n\
                    secrets = [\"whsec_MTIz\", \"say \\\"please\\\"\"]\n";
        let masked = "url = 'https://a.example.com/hooks/x0/xxx?xxxxx=0' # https://x:x0@b.example.com?x0\n\
                      secrets = [\"xxxxx_xxxx\", \"xxx \\\"xxxxxx\\\"\"]\n";
        assert_eq!(scrubber.masked(text), masked);
    }

    #[test]
    fn a_secret_is_never_printed() {
        let secret = Secret::new("whsec_marker");
        assert_eq!(format!("{secret} {secret:?}"), "[redacted] [redacted]");
        let url = SecretUrl::new(Url::parse("https://u:p@hooks.example.com:8443/T0/B0/key?token=1").unwrap());
        assert_eq!(
            format!("{url} {url:?}"),
            "https://hooks.example.com:8443/… https://hooks.example.com:8443/…"
        );
    }

    #[test]
    fn a_host_is_shown_as_people_write_it() {
        for (host, shown) in [
            ("xn--bcher-kva.example", "bücher.example"),
            ("xn--fiqs8s.example", "中国.example"),
            ("hooks.example.com", "hooks.example.com"),
            ("xn--abc-.example", "xn--abc-.example"),
            ("127.0.0.1", "127.0.0.1"),
            ("[::1]", "[::1]"),
        ] {
            assert_eq!(shown_host(host), shown);
        }
        let url = SecretUrl::new(Url::parse("https://BÜCHER。example:8443/key").unwrap());
        assert_eq!(url.to_string(), "https://bücher.example:8443/…");
    }

    #[test]
    fn a_secret_that_was_cut_leaves_no_stump() {
        let scrubber = Scrubber::new(["marker-secret", "marker-sauce-ü"]);
        for (text, clean) in [
            ("said marker-sec…", "said [redacted]…"),
            ("marker-sec… and marker…, marker-secret…", "[redacted]… and [redacted]…, [redacted]…"),
            ("marker-sauce-…", "[redacted]…"),
            ("marke… is short, and marker-sec is not cut", "marke… is short, and marker-sec is not cut"),
            ("…", "…"),
        ] {
            assert_eq!(scrubber.scrub(text), clean);
        }
    }

    #[test]
    fn the_scrubber_takes_a_secret_out_whole() {
        let scrubber = Scrubber::new(["abcdef", "abcdef-long", "ab"]);
        assert_eq!(scrubber.scrub("x abcdef-long y abcdef ab"), "x [redacted] y [redacted] ab");
    }
}
