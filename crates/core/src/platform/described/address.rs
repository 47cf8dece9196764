//! How the URLs of a described platform look, and where its options stand in a request: patterns with `{name}`.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

/// What stays as it is in a part of a path.
const PART: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b'!')
    .remove(b':')
    .remove(b'@');

/// `HOST/PATH?NAME`: whose URL it is, and which parts of its path are options.
#[derive(Debug)]
pub(super) struct UrlPattern<'t> {
    host: &'t str,
    parts: Vec<&'t str>,
    parameter: Option<&'t str>,
}

impl<'t> UrlPattern<'t> {
    /// # Errors
    /// What the pattern lacks.
    pub fn read(text: &'t str) -> Result<UrlPattern<'t>, String> {
        let (address, parameter) =
            text.split_once('?').map_or((text, None), |(text, name)| (text, Some(name)));
        let (host, path) = address.split_once('/').unwrap_or((address, ""));
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let label = host.strip_prefix("*.").or_else(|| host.strip_suffix(".*")).unwrap_or(host);
        let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.');
        let is_host = host == "*" || !label.is_empty() && label.chars().all(is_name);
        if !is_host || text.contains("://") {
            let words = "a URL is `HOST/PATH`, without a scheme and in lower case";
            return Err(format!(
                "{words}: `api.example.com/send/{{key}}`; `*.example.com`, `name.*` and `*` are hosts"
            ));
        }
        if host == "*" && !parts.iter().any(|part| !part.contains(['{', '*'])) {
            return Err(
                "any URL would be one of this platform's: name the host or a part of the path".to_owned()
            );
        }
        if parameter.is_some_and(|name| name.is_empty() || name.contains(['=', '&', '{'])) {
            return Err("the name of a parameter follows `?`".to_owned());
        }
        match parts.iter().find(|part| !is_possible(part)) {
            Some(part) => Err(format!(
                "`{part}` matches nothing: a part of a path is a text as URLs have it, `*`, or a text with one `{{option}}`"
            )),
            None => Ok(UrlPattern { host, parts, parameter }),
        }
    }

    pub fn recognises(&self, url: &Url) -> bool {
        let host = url.host_str().unwrap_or_default();
        let parts: Vec<_> = super::super::path_parts(url);
        let is_host = match (self.host.strip_prefix("*."), self.host.strip_suffix(".*")) {
            (Some(end), _) => host.strip_suffix(end).is_some_and(|rest| rest.ends_with('.')),
            (_, Some(label)) => host.split('.').any(|part| part == label),
            _ => self.host == "*" || self.host == host,
        };
        let is_exact = !self.host.contains('*');
        let has = |name: &str| url.query_pairs().any(|(key, value)| key == name && !value.is_empty());
        is_host
            && self.parameter.is_none_or(has)
            && (!(is_exact || self.is_bare()) || parts.len() == self.parts.len())
            && self.behind(&parts).is_some()
    }

    /// The parts before those of the pattern, and the options in these.
    pub fn behind<'u>(&self, parts: &[&'u str]) -> Option<(usize, Vec<(&'t str, &'u str)>)> {
        let before = parts.len().checked_sub(self.parts.len())?;
        let mut found = Vec::new();
        for (pattern, part) in self.parts.iter().zip(parts.get(before..)?) {
            match (*pattern, pattern.split_once('{')) {
                ("*", _) => {}
                (_, Some((begin, rest))) => {
                    let (name, end) = rest.split_once('}')?;
                    let value = part.strip_prefix(begin)?.strip_suffix(end)?;
                    found.push((name, Some(value).filter(|value| !value.is_empty())?));
                }
                (literal, None) if literal == *part => {}
                _ => return None,
            }
        }
        Some((before, found))
    }

    /// Whether it says nothing of the path.
    pub fn is_bare(&self) -> bool {
        self.parts.is_empty()
    }

    pub fn options(&self) -> impl Iterator<Item = &'t str> {
        self.parts.iter().flat_map(|part| names(part))
    }

    /// A URL of this form.
    #[cfg(test)]
    pub fn example(&self) -> String {
        let part = |part: &&str| match (*part, part.split_once('{').zip(part.split_once('}'))) {
            ("*", _) => "x1".to_owned(),
            (_, Some(((begin, _), (_, end)))) => format!("{begin}Key1{end}"),
            (text, None) => text.to_owned(),
        };
        let path: Vec<String> = self.parts.iter().map(part).collect();
        let query = self.parameter.map_or_else(String::new, |name| format!("?{name}=A1"));
        let host = if self.host == "*" {
            "host.example.com".to_owned()
        } else {
            self.host.replace(".*", ".example.com")
        };
        format!("https://{}/{}{query}", host.replace("*.", "a."), path.join("/"))
    }
}

/// Whether a part of a path can have this form.
fn is_possible(part: &str) -> bool {
    let text = match part.split_once('{') {
        Some((begin, rest)) => match rest.split_once('}') {
            Some((name, end)) if !name.is_empty() => format!("{begin}{end}"),
            _ => return false,
        },
        None if part == "*" => return true,
        None => part.to_owned(),
    };
    let is_kept = |text: &str| {
        Url::parse(&format!("https://x.example/-{text}")).is_ok_and(|url| url.path() == format!("/-{text}"))
    };
    !text.contains(['{', '}', '*', '#']) && is_kept(&text)
}

/// The names in braces.
pub(super) fn names(text: &str) -> impl Iterator<Item = &str> {
    text.split('{').skip(1).filter_map(|rest| rest.split_once('}').map(|(name, _)| name))
}

/// Whether each brace has its other half.
pub(super) fn has_whole_braces(text: &str) -> bool {
    let is_whole = |rest: &str| {
        rest.split_once('}').is_some_and(|(name, _)| !name.is_empty()) && rest.matches('}').count() == 1
    };
    let mut parts = text.split('{');
    !parts.next().is_some_and(|before| before.contains('}')) && parts.all(is_whole)
}

/// The text with the values of its names; `None` where one has no value.
pub(super) fn filled(text: &str, value: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, behind) = after.split_once('}')?;
        out.push_str(before);
        out.push_str(&value(name)?);
        rest = behind;
    }
    out.push_str(rest);
    Some(out)
}

/// A value as a part of a path.
pub(super) fn as_part(value: &str) -> String {
    utf8_percent_encode(value, PART).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_knows_its_urls_and_the_options_in_them() {
        for (pattern, url, is_one) in [
            ("api.day.app/{key}", "https://api.day.app/KEY", true),
            ("api.day.app/{key}", "https://api.day.app/KEY/", true),
            ("api.day.app/{key}", "https://api.day.app/KEY/text", false),
            ("api.day.app/{key}", "https://api.day.app.evil.example/KEY", false),
            ("gotify.*/message", "https://gotify.example.com/sub/message", true),
            ("*.push.ft07.com/send/{key}.send", "https://9.push.ft07.com/send/sctp9t.send", true),
            ("*.push.ft07.com/send/{key}.send", "https://push.ft07.com/send/sctp9t.send", false),
            ("*/message?token", "https://push.example.com/message?token=A", true),
            ("*/message?token", "https://push.example.com/message?token=", false),
        ] {
            let pattern = UrlPattern::read(pattern).unwrap();
            assert_eq!(pattern.recognises(&Url::parse(url).unwrap()), is_one, "{pattern:?} {url}");
        }
        let pattern = UrlPattern::read("sctapi.ftqq.com/{key}.send").unwrap();
        assert_eq!(pattern.behind(&["x", "SCT1.send"]), Some((1, vec![("key", "SCT1")])));
        for bad in [
            "",
            "/x",
            "https://a.example/",
            "*",
            "*/*/{key}",
            "a b/c",
            "A.example/x",
            "a*.example/x",
            "*./x",
            "a.example/{",
            "a.example/{}",
            "a.example/{a}{b}",
            "a.example/x*",
            "a.example/a b",
            "a.example/x?",
            "a.example/x?a=b",
        ] {
            assert!(UrlPattern::read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_text_is_filled_with_all_of_its_values_or_not_at_all() {
        let value = |name: &str| (name == "a").then(|| "1".to_owned());
        assert_eq!(filled("x{a}y{a}", &value).as_deref(), Some("x1y1"));
        assert_eq!(filled("x{a}y{b}", &value), None);
        assert_eq!(as_part("!r:m.example/x y"), "!r:m.example%2Fx%20y");
    }
}
