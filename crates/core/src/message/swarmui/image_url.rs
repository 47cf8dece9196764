//! The address of an output, of which generators name the file by its prompt: for `%image%` and for cards.

use std::fmt::Write;

/// SwarmUI's own address by default.
pub(super) const DEFAULT_BASE: &str = "http://localhost:7801";

/// The folders below which SwarmUI serves outputs. The rest of the path is a file name, never encoded.
const FILE_FOLDERS: [&str; 2] = ["View/", "Output/"];

/// The absolute, encoded address of an output. A relative one is prefixed with `base_url`.
pub(in crate::message) fn address(url: &str, base_url: &str) -> String {
    if url.starts_with("data:") {
        return url.to_owned();
    }
    let relative = url.strip_prefix('/').unwrap_or(url);
    let base = base_url.trim_end_matches('/');
    if FILE_FOLDERS.iter().any(|folder| relative.starts_with(folder)) {
        return format!("{base}/{}", encode(relative, |byte| is_unreserved(byte) || byte == b'/'));
    }
    let whole = match url.split_once("://") {
        Some((scheme, _)) if is_scheme(scheme) => url.to_owned(),
        _ => format!("{base}/{}", path_and_query(relative)),
    };
    encode(&encode_stray_percents(&whole), |byte| {
        byte.is_ascii_graphic()
            && !matches!(byte, b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}')
    })
}

/// A relative address names a file, whose name may have `#` and `?`, unless a question mark begins parameters.
fn path_and_query(relative: &str) -> String {
    let is_query = |query: &str| query.split('&').all(|pair| pair.contains('='));
    match relative.split_once('?') {
        Some((_, query)) if is_query(query) => relative.replace('#', "%23"),
        _ => relative.replace('#', "%23").replace('?', "%3F"),
    }
}

fn is_scheme(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// Percent-encodes (RFC 3986, section 2.1) every byte that is not kept.
fn encode(text: &str, keep: impl Fn(u8) -> bool) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if keep(byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// Encodes each percent sign that does not start an encoded byte.
fn encode_stray_percents(url: &str) -> String {
    let mut parts = url.split('%');
    let mut fixed = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let encoded = part.len() >= 2 && part.bytes().take(2).all(|byte| byte.is_ascii_hexdigit());
        fixed.push_str(if encoded { "%" } else { "%25" });
        fixed.push_str(part);
    }
    fixed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_absolute_and_encoded() {
        let base = "https://render.example.com";
        for (url, expected) in [
            ("View/mira/a b.png", "https://render.example.com/View/mira/a%20b.png"),
            ("/Output/x+y%20.png", "https://render.example.com/Output/x%2By%2520.png"),
            ("View/\"é'#?.png", "https://render.example.com/View/%22%C3%A9%27%23%3F.png"),
            (
                "/view?filename=a%20b.png&type=output",
                "https://render.example.com/view?filename=a%20b.png&type=output",
            ),
            ("out/cat #3.png", "https://render.example.com/out/cat%20%233.png"),
            ("out/what?.png", "https://render.example.com/out/what%3F.png"),
            ("out/50% done.png", "https://render.example.com/out/50%25%20done.png"),
            (
                "view?filename=a #1.png&type=output",
                "https://render.example.com/view?filename=a%20%231.png&type=output",
            ),
            ("files/é 5%.png", "https://render.example.com/files/%C3%A9%205%25.png"),
            ("https://cdn.example.com/a b?x=1#y", "https://cdn.example.com/a%20b?x=1#y"),
            ("data:image/png;base64,AAAA", "data:image/png;base64,AAAA"),
        ] {
            assert_eq!(address(url, base), expected);
        }
        assert_eq!(address("/View/a.png", DEFAULT_BASE), "http://localhost:7801/View/a.png");
    }
}
