//! Removes a platform's markup from a text.

pub(super) fn unslash(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let escapes = character == '\\' && characters.peek().is_some_and(char::is_ascii_punctuation);
        plain.push(if escapes { characters.next().unwrap_or(character) } else { character });
    }
    plain.replace('\u{200b}', "")
}

pub(super) fn unentity(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        plain.push_str(before);
        let (name, behind) = after.split_once(';').unwrap_or(("", ""));
        let number = || char::from_u32(name.strip_prefix('#')?.parse().ok()?);
        let character = match name {
            "lt" => Some('<'),
            "gt" => Some('>'),
            "quot" => Some('"'),
            "amp" => Some('&'),
            _ => number(),
        };
        plain.push(character.unwrap_or('&'));
        rest = if character.is_some() { behind } else { after };
    }
    plain + rest
}

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

pub(super) fn unbold(text: &str) -> String {
    text.replace("**", "")
}

pub(super) fn link(line: &str) -> Option<(String, String)> {
    let (label, url) = line.trim().strip_prefix('[')?.strip_suffix(')')?.split_once("](")?;
    Some((label.to_owned(), url.to_owned()))
}

pub(super) fn links(line: &str) -> Option<Vec<(String, String)>> {
    let mut found = Vec::new();
    let mut rest = line.trim();
    while !rest.is_empty() {
        let end = rest.find(')')? + 1;
        found.push(link(rest.get(..end)?)?);
        rest = rest.get(end..)?.trim_start();
    }
    (!found.is_empty()).then_some(found)
}

pub(super) fn picture(line: &str) -> Option<String> {
    link(line.trim().strip_prefix('!')?).map(|(_, url)| url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaped_text_is_shown_as_it_was() {
        assert_eq!(unslash(r"a\_b \\ c:\d"), r"a_b \ c:\d");
        assert_eq!(unentity("a &lt;b&gt; &amp;amp;"), "a <b> &amp;");
        assert_eq!(unentity("a&#95;b & c; &#x; &lt"), "a_b & c; &#x; &lt");
        assert_eq!(untag("<b>x</b><br>y < z"), "x\ny < z");
        assert_eq!(link("[Open](https://a/%28)"), Some(("Open".into(), "https://a/%28".into())));
        assert_eq!(link("no"), None);
        let two = links("[A](https://a/)  [B](https://b/)").unwrap();
        assert_eq!(two.last(), Some(&("B".to_owned(), "https://b/".to_owned())));
        assert_eq!(links("see [A](https://a/)"), None);
        assert_eq!(picture("![p](https://a/1.png)").as_deref(), Some("https://a/1.png"));
    }
}
