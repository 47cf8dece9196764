//! Text as a platform shows it, from text as it is sent.

/// Without the backslashes before punctuation.
pub(super) fn unslash(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let escapes = character == '\\' && characters.peek().is_some_and(char::is_ascii_punctuation);
        plain.push(if escapes { characters.next().unwrap_or(character) } else { character });
    }
    plain.replace('\u{200b}', "")
}

/// Without entities.
pub(super) fn unentity(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}

/// Without tags; `<br>` breaks the line.
pub(super) fn untag(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('<') {
        plain.push_str(before);
        let Some((tag, after)) = after.split_once('>') else {
            plain.push('<');
            rest = after;
            continue;
        };
        if tag.starts_with("br") {
            plain.push('\n');
        }
        rest = after;
    }
    plain.push_str(rest);
    plain
}

/// Without the marks of bold text.
pub(super) fn unbold(text: &str) -> String {
    text.replace("**", "")
}

/// The label and address of a line that is one markdown link.
pub(super) fn link(line: &str) -> Option<(String, String)> {
    let (label, url) = line.trim().strip_prefix('[')?.strip_suffix(')')?.split_once("](")?;
    Some((label.to_owned(), url.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_escaped_is_shown_as_it_was() {
        assert_eq!(unslash(r"a\_b \\ c:\d"), r"a_b \ c:\d");
        assert_eq!(unentity("a &lt;b&gt; &amp;amp;"), "a <b> &amp;");
        assert_eq!(untag("<b>x</b><br>y < z"), "x\ny < z");
        assert_eq!(link("[Open](https://a/%28)"), Some(("Open".into(), "https://a/%28".into())));
        assert_eq!(link("no"), None);
    }
}
