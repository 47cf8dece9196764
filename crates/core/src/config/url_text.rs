//! What a copy leaves behind in the text of a URL: characters that no URL has, placeholders, two URLs in one.
//!
//! A parser of URLs percent-encodes most of it silently, and the first message then finds a 404. No message here
//! quotes the URL, which is a secret.

use percent_encoding::percent_decode_str;
use url::Url;

/// Letters and signs that stand around a URL in a text, and never begin or end one.
const WRAPPERS: &[char] = &[
    '"', '\'', '`', '<', '>', '(', '[', ']', '*', '|', '“', '”', '„', '‘', '’', '‚', '«', '»', '‹', '›',
    '「', '」', '『', '』', '《', '》', '（', '）', '【', '】',
];

/// Punctuation that ends a sentence, and almost never a URL.
const SENTENCE_ENDS: &[char] = &[',', ';', ')', '.', '!', ':', '，', '。', '；', '、', '：', '！'];

/// Why this text is not the URL of one receiver; `None` when nothing speaks against it.
pub(super) fn fault(text: &str) -> Option<String> {
    let text = text.trim();
    invisible(text)
        .or_else(|| wrapped(text))
        .or_else(|| misbegun(text))
        .or_else(|| placeholder_in_text(text))
        .or_else(|| foreign(text))
        .or_else(|| several(text).then(|| "these are two URLs in one: one endpoint has one URL".to_owned()))
}

fn invisible(text: &str) -> Option<String> {
    let (at, found) = text.chars().enumerate().find(|(_, c)| is_invisible(*c) || c.is_whitespace())?;
    let kind = match found {
        ' ' => "a blank".to_owned(),
        '\n' | '\r' => "a line break".to_owned(),
        '\t' => "a tab".to_owned(),
        other => format!("an invisible character (U+{:04X})", u32::from(other)),
    };
    Some(format!("{kind} is in the URL, as character {}: remove it, or copy the URL again", at + 1))
}

fn wrapped(text: &str) -> Option<String> {
    let (first, last) = (text.chars().next()?, text.chars().next_back()?);
    let bracket = |c: char| WRAPPERS.contains(&c);
    let found = if bracket(first) {
        first
    } else if bracket(last) && !(last == ']' && text.ends_with("::1]")) {
        last
    } else {
        return None;
    };
    Some(format!("the URL has {} around it: remove what was copied along", shown(found)))
}

/// A scheme that is not followed by two slashes, and signs of another keyboard in the name of the host.
fn misbegun(text: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let rest = lower.strip_prefix("https:").or_else(|| lower.strip_prefix("http:"))?;
    let host = rest.strip_prefix("//").filter(|host| !host.starts_with('/'));
    let Some(host) = host else {
        return Some("a URL begins with `https://`, with two slashes: write both".to_owned());
    };
    let host = host.split(['/', '?']).next().unwrap_or_default();
    let wide =
        |c: &char| matches!(c, '。' | '．' | '｡' | '：' | '／') || ('\u{ff10}'..='\u{ff5a}').contains(c);
    if let Some(found) = host.chars().find(wide) {
        return Some(format!(
            "`{found}` is in the name of the host: it is a full-width sign, so copy the URL again"
        ));
    }
    let foreign = |c: &char| ('\u{370}'..='\u{52f}').contains(c);
    let mixed = host.split('.').find(|label| {
        label.contains(|c: char| c.is_ascii_alphabetic()) && label.chars().any(|c| foreign(&c))
    });
    let found = mixed?.chars().find(foreign)?;
    Some(format!(
        "`{found}` in the name of the host is a Greek or Cyrillic letter that only looks as a Latin one: copy the URL from where it was created"
    ))
}

fn placeholder_in_text(text: &str) -> Option<String> {
    let marks = ["${", "$(", "{{", "}}", "%{"];
    let percent = text.match_indices('%').any(|(at, _)| {
        let digits = text.as_bytes().get(at + 1..at + 3);
        !digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    });
    let variable = text.match_indices('$').any(|(at, _)| {
        let name: &[u8] = text.as_bytes().get(at + 1..at + 4).unwrap_or_default();
        name.len() == 3 && name.iter().all(|b| b.is_ascii_uppercase() || *b == b'_')
    });
    if marks.iter().any(|mark| text.contains(mark)) || variable || text.contains(['<', '>', '{', '}']) {
        return Some(
            "a placeholder or variable in the URL was not filled in: write the real value there".to_owned(),
        );
    }
    if percent {
        let words = "a `%` in the URL has no two hexadecimal digits after it: a variable was not filled in, or the \
                     URL was cut";
        return Some(words.to_owned());
    }
    if text.contains("...") || text.contains(['…', '•']) || text.contains("***") {
        return Some("the URL is shortened or masked: copy it whole, where it was created".to_owned());
    }
    None
}

/// A character that no URL has, or a text that other formats escape.
fn foreign(text: &str) -> Option<String> {
    if ["&amp;", "&quot;", "&lt;", "&gt;", "&#"].iter().any(|mark| text.contains(mark)) {
        return Some(
            "the URL was copied from HTML: write `&` for each `&amp;`, and remove the others".to_owned(),
        );
    }
    if text.contains('\\') {
        return Some("a `\\` is in the URL, as JSON and shells write it: remove each of them".to_owned());
    }
    let odd = |c: &char| matches!(c, '"' | '`' | '“' | '”' | '„' | '‘' | '’' | '«' | '»');
    let found = text.chars().find(odd)?;
    Some(format!("{} is in the URL, which no URL has: remove it, or copy the URL again", shown(found)))
}

/// Whether a second URL follows the first: one in a query or below a path is a value of the first.
fn several(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let starts = ["https://", "http://"];
    let rest = lower.split_once("://").map_or("", |(_, rest)| rest);
    starts.iter().any(|start| {
        rest.match_indices(start).any(|(at, _)| {
            let before = rest.get(..at).and_then(|before| before.chars().next_back());
            !matches!(before, Some('=' | '/')) && (*start != "http://" || before != Some('s'))
        })
    })
}

/// What in this URL is most likely a mistake, although it can be sent: encoded leftovers, the words of a guide. In
/// a private network such words may be names.
pub(super) fn doubt(url: &Url, private: bool) -> Option<&'static str> {
    const LEFTOVER: &str =
        "quoting, blank or invisible characters are in this URL in their encoded form: copy it again";
    const PLACEHOLDER: &str = "this URL holds a placeholder, as guides write it: write the real value there";
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let path: Vec<String> = url.path_segments().into_iter().flatten().map(decoded).collect();
    let values: Vec<String> = url.query_pairs().map(|(_, value)| value.into_owned()).collect();
    let unclean = |text: &String| {
        text.contains(is_invisible) || text.trim() != text || text.contains(['"', '`', '<', '>', '“', '”'])
    };
    // A value may be JSON, which has pairs of quotes.
    let is_unclean_value = |value: &String| {
        let quotes = value.matches('"').count();
        value.contains(is_invisible) || value.contains('`') || value.trim() != value || quotes % 2 == 1
    };
    if path.iter().any(unclean) || values.iter().any(is_unclean_value) {
        return Some(LEFTOVER);
    }
    let named = || path.iter().chain(&values).any(|part| is_placeholder(part));
    let is_bracketed = |value: &String| value.starts_with('<') && value.ends_with('>');
    let is_open = path.iter().any(|part| part.contains(['{', '}'])) || values.iter().any(is_bracketed);
    if is_open || (!private && named()) {
        return Some(PLACEHOLDER);
    }
    if url.host_str().is_some_and(|host| host.split('.').any(|label| label.starts_with("your"))) {
        return Some(PLACEHOLDER);
    }
    if url.scheme() == "https" && url.port() == Some(80) {
        return Some("port 80 is that of `http`: leave it out for `https`");
    }
    if url.path().match_indices("//").any(|(at, _)| !url.path()[..at].ends_with(':')) {
        return Some("two `/` in a row are in the path of this URL: remove one");
    }
    if path.iter().chain(&values).any(|part| ["=0A", "=0D", "=20"].iter().any(|code| part.ends_with(code))) {
        return Some("this URL ends with a sign of an encoded mail: copy it from where it was created");
    }
    if url.query() == Some("") {
        return Some("this URL ends with `?`, which was copied along from a text: remove it");
    }
    let is_mailed = values.iter().all(|value| value.starts_with("3D"));
    if is_mailed && values.iter().any(|value| value.len() > 8) {
        return Some("`=3D` in this URL is a `=` of an encoded mail: copy the URL from where it was created");
    }
    let end = path.iter().rfind(|part| !part.is_empty()).filter(|_| url.query().is_none());
    let end = end.or(values.last()).map_or_else(|| url.query().unwrap_or_default(), String::as_str);
    if end.ends_with(SENTENCE_ENDS) || (url.query().is_some() && end.ends_with('?')) {
        return Some("this URL ends with punctuation, which was copied along from a text: remove it");
    }
    path.iter()
        .chain(&values)
        .any(|part| is_cut_uuid(part))
        .then_some("the end of this URL is missing: copy it again")
}

/// A segment or a value that stands for another one.
fn is_placeholder(part: &str) -> bool {
    let part = part.strip_prefix("bot").unwrap_or(part);
    let plain: String =
        part.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    let whole = [
        "token", "key", "secret", "id", "url", "owner", "repo", "org", "user", "project", "webhook", "topic",
    ];
    let worded =
        ["webhook", "access", "api", "bot", "channel", "chat", "routing", "integration", "auth", "device"];
    let named = |words: &str| whole.iter().any(|noun| plain.strip_suffix(noun) == Some(words));
    let shouted = part.len() > 1 && !part.contains(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
    let bracketed = (part.starts_with('[') && part.ends_with(']'))
        || part.strip_prefix(':').is_some_and(|name| name.starts_with(|c: char| c.is_ascii_alphabetic()));
    // An `X` for each character of a token is how Slack's own examples look.
    let crossed =
        part.len() >= 3 && (plain.bytes().all(|b| b == b'x') && !plain.is_empty()) && part.len() != 24;
    // A token that ends in crosses, and the keys of guides: `693axxx6-7aoc-…`.
    let crossed = crossed || (part.len() != 24 && (plain.ends_with("xxxxxx") || part.ends_with("XXXX")));
    let crossed = crossed || (part.split('-').count() == 5 && part.contains("xxx"));
    let shouted_noun = shouted && (named("") || worded.iter().any(|word| named(word)));
    let joined_noun = part.contains(['_', '-']) && worded.iter().any(|word| named(word));
    // What programs print for a value that they lack, and what people write for one that they owe.
    let lacking = matches!(part, "None" | "null" | "undefined" | "NaN");
    let lacking = lacking
        || (shouted && (part.starts_with("MY_") || matches!(plain.as_str(), "todo" | "fixme" | "tbd")));
    bracketed
        || lacking
        || crossed
        || shouted_noun
        || joined_noun
        || plain.starts_with("your")
        || ["placeholder", "changeme", "replaceme", "redacted"].iter().any(|word| plain.contains(word))
        || (plain.starts_with("insert") && plain.ends_with("here"))
}

/// The beginning of a UUID, as the keys of WeCom and Feishu are.
fn is_cut_uuid(part: &str) -> bool {
    let groups: Vec<&str> = part.split('-').collect();
    let alphanumeric = |text: &&str| text.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_lowercase());
    groups.len() >= 3
        && groups[0].len() == 8
        && groups[1].len() == 4
        && groups[0].contains(|c: char| c.is_ascii_digit())
        && groups.iter().all(alphanumeric)
        && part.len() < 36
}

fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(u32::from(c),
            0xad | 0x34f | 0x61c | 0x115f..=0x1160 | 0x17b4..=0x17b5 | 0x180b..=0x180f | 0x200b..=0x200f
            | 0x2028..=0x202e | 0x2060..=0x206f | 0x3164 | 0xfe00..=0xfe0f | 0xfeff | 0xffa0 | 0xfff9..=0xfffd
            | 0xe0000..=0xe0fff)
}

/// A character in words that a terminal cannot misread.
fn shown(c: char) -> String {
    match c {
        '`' => "a backtick".to_owned(),
        '"' => "a quotation mark".to_owned(),
        '\'' => "an apostrophe".to_owned(),
        '<' | '>' => "an angle bracket".to_owned(),
        other => format!("`{other}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLACK: &str = "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX";

    #[test]
    fn what_a_copy_leaves_behind_is_an_error_that_does_not_quote_the_url() {
        let half = SLACK.len() / 2;
        let inside = |what: &str| format!("{}{what}{}", &SLACK[..half], &SLACK[half..]);
        for (text, words) in [
            (format!("{SLACK}\u{200b}"), "U+200B"),
            (inside("\u{a0}"), "U+00A0"),
            (inside("\u{202e}"), "U+202E"),
            (inside(" "), "a blank is in the URL"),
            (inside("\n"), "a line break"),
            (inside("\""), "a quotation mark"),
            (inside("\\"), "as JSON and shells write it"),
            (format!("<{SLACK}>"), "an angle bracket around it"),
            (format!("{SLACK}`"), "a backtick around it"),
            (format!("“{SLACK}”"), "around it"),
            (format!("({SLACK}"), "around it"),
            (format!("{SLACK}*"), "around it"),
            (format!("{SLACK},{SLACK}"), "two URLs"),
            (format!("{SLACK}{SLACK}"), "two URLs"),
            (format!("https://{SLACK}/x,{SLACK}"), "two URLs"),
            ("https://h.example/x?a=1&amp;b=2".to_owned(), "copied from HTML"),
            ("https://h.example/${TOKEN}".to_owned(), "not filled in"),
            ("https://h.example/$TOKEN".to_owned(), "not filled in"),
            ("https://h.example/{{ token }}".to_owned(), "a blank"),
            ("https://h.example/<token>/x".to_owned(), "not filled in"),
            ("https://h.example/{id}/x".to_owned(), "not filled in"),
            ("https://h.example/%TOKEN%".to_owned(), "no two hexadecimal digits"),
            ("https://h.example/abc%2".to_owned(), "no two hexadecimal digits"),
            ("https://h.example/abc...".to_owned(), "shortened"),
            (SLACK.replace("https://", "https:/"), "two slashes"),
            (SLACK.replace("https://", "https:///"), "two slashes"),
            (SLACK.replace("hooks.", "hooks。"), "full-width"),
            (SLACK.replace("slack", "sl\u{430}ck"), "Cyrillic"),
            ("https://h.example/****".to_owned(), "around it"),
            ("https://h.example/****/x".to_owned(), "shortened or masked"),
        ] {
            let found = fault(&text).unwrap_or_default();
            assert!(found.contains(words), "{text}: {found}");
            assert!(!found.contains("services") && !found.contains("example"), "{found}");
        }
    }

    #[test]
    fn a_url_in_order_has_no_fault() {
        for text in [
            SLACK,
            "  https://h.example/x\n",
            "https://h.example/渲染/%E6%B8%B2?x=%7B%22a%22%3A1%7D",
            "http://[::1]:8080/x",
            "http://[::1]",
            "https://h.example/?$filter=a&to=https://b.example/",
            "https://relay.example/https://b.example/",
            "https://h.example/it's/(1)/a,b;c/~x/@y",
            "https://h.example/entry?token=%22abc%22&f=%7B%22a%22%3A1%7D",
            "https://h.example/HOOK/DONE?null=1",
            "https://bücher.example/пример",
            "https://prod-1.westeurope.logic.azure.com:443/workflows/a/triggers/manual/paths/invoke?sp=%2Ft&sig=a-b_c",
        ] {
            assert_eq!(fault(text), None, "{text}");
            let url = Url::parse(text.trim()).unwrap();
            assert_eq!(doubt(&url, false), None, "{text}");
        }
    }

    #[test]
    fn encoded_leftovers_and_the_words_of_a_guide_are_doubtful() {
        for (text, words) in [
            ("https://h.example/a%60", "encoded form"),
            ("https://h.example/a%E2%80%8B", "encoded form"),
            ("https://h.example/a%20", "encoded form"),
            ("https://h.example/%7Btoken%7D", "placeholder"),
            ("https://h.example/YOUR_TOKEN", "placeholder"),
            ("https://h.example/your-webhook-url", "placeholder"),
            ("https://h.example/WEBHOOK_ID/x", "placeholder"),
            ("https://h.example/webhook-token", "placeholder"),
            ("https://h.example/:token", "placeholder"),
            ("https://h.example/[token]", "placeholder"),
            ("https://h.example/send?key=xxxxxxxx", "placeholder"),
            ("https://h.example/botTOKEN/sendMessage", "placeholder"),
            ("https://your-server.example/x", "placeholder"),
            ("https://h.example/send?key=3Dabcdefgh", "encoded mail"),
            ("https://h.example/send?v=3D1&key=3Dabcdefgh", "encoded mail"),
            ("https://h.example/undefined", "placeholder"),
            ("https://h.example/send?key=TBD", "placeholder"),
            ("https://h.example/send?key=MY_TOKEN", "placeholder"),
            ("https://h.example/send?key=%3Ctoken%3E", "placeholder"),
            ("https://h.example/repos/OWNER/REPO", "placeholder"),
            ("https://h.example/send?key=ab%22", "encoded form"),
            ("https://h.example/send?key=ab；", "punctuation"),
            ("https://h.example:80/a", "port 80"),
            ("https://h.example//a", "in a row"),
            ("https://h.example/a?", "ends with `?`"),
            ("https://h.example/a?key=b?", "punctuation"),
            ("https://h.example/a=0A", "encoded mail"),
            ("https://h.example/a?key=b%20", "encoded form"),
            ("https://h.example/send?key=693axxx6-7aoc-4bc4-97a0-0ec2sifa5aaa", "placeholder"),
            ("https://h.example/abcdefxxxxxxxx", "placeholder"),
            ("https://h.example/a.", "punctuation"),
            ("https://h.example/send?key=ab,", "punctuation"),
            ("https://h.example/send?key=693a91f6-7aaa-4bc4-97a0", "the end of this URL is missing"),
        ] {
            let found = doubt(&Url::parse(text).unwrap(), false).unwrap_or_default();
            assert!(found.contains(words), "{text}: {found}");
        }
    }
}
