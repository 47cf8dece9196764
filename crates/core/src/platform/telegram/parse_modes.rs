//! Telegram's parse modes, as its server reads them: what is shown, or that it cannot be parsed.

const TAGS: [&str; 17] = [
    "a",
    "b",
    "strong",
    "i",
    "em",
    "u",
    "ins",
    "s",
    "strike",
    "del",
    "code",
    "pre",
    "blockquote",
    "span",
    "tg-spoiler",
    "tg-emoji",
    "tg-time",
];

/// Why it cannot be parsed, as the end of a sentence.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unparsed(pub(super) String);

/// A `<` that begins nothing.
fn bare_angle() -> Unparsed {
    Unparsed("`<` begins no tag; write `&lt;`".to_owned())
}

fn unended(mark: &str) -> Unparsed {
    Unparsed(format!("`{mark}` has no end"))
}

/// `HTML`. An `&` that begins no reference stands for itself, and so does a `>`.
pub(super) fn html(text: &str) -> Result<String, Unparsed> {
    let mut shown = String::new();
    let mut open: Vec<String> = Vec::new();
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        if character == '&' {
            let (decoded, after) = reference(rest).unwrap_or(('&', &rest[1..]));
            shown.push(decoded);
            rest = after;
        } else if let Some(tag) = rest.strip_prefix("</") {
            let (name, after) = tag.split_once('>').ok_or_else(bare_angle)?;
            let begun = open.pop();
            if begun.as_ref() != Some(&name.trim_end().to_ascii_lowercase()) {
                let name = name.chars().take(20).collect::<String>();
                return Err(Unparsed(format!("`</{name}>` ends no tag that is open there")));
            }
            rest = after;
        } else if let Some(tag) = rest.strip_prefix('<') {
            let end = tag.find(|c: char| c == '>' || c.is_ascii_whitespace()).ok_or_else(bare_angle)?;
            let (name, after) = tag.split_at(end);
            let name = name.to_ascii_lowercase();
            if !TAGS.contains(&name.as_str()) {
                let is_name = name.starts_with(|first: char| first.is_ascii_alphabetic()) && name.len() <= 20;
                return Err(match is_name {
                    true => Unparsed(format!("`<{name}>` is not a tag that Telegram knows")),
                    false => bare_angle(),
                });
            }
            rest = attributes(after).ok_or_else(|| unended("<"))?;
            let own = &after[..after.len() - rest.len()];
            if name == "span" && !own.contains("tg-spoiler") {
                return Err(Unparsed(
                    "a `<span>` needs `class=\"tg-spoiler\"`, the only one that Telegram knows".to_owned(),
                ));
            }
            if name == "tg-emoji" && !own.contains("emoji-id") {
                return Err(Unparsed("a `<tg-emoji>` needs `emoji-id`".to_owned()));
            }
            open.push(name);
        } else {
            shown.push(character);
            rest = &rest[character.len_utf8()..];
        }
    }
    open.pop().map_or(Ok(shown), |name| Err(unended(&format!("<{name}>"))))
}

/// What follows the attributes of a tag.
fn attributes(mut rest: &str) -> Option<&str> {
    loop {
        rest = rest.trim_ascii_start();
        if let Some(after) = rest.strip_prefix('>') {
            return Some(after);
        }
        let end = rest.find(|c: char| matches!(c, '=' | '>') || c.is_ascii_whitespace())?;
        if end == 0 {
            return None;
        }
        rest = rest[end..].trim_ascii_start();
        let Some(value) = rest.strip_prefix('=') else { continue };
        let value = value.trim_ascii_start();
        rest = match value.chars().next() {
            Some(quote @ ('"' | '\'')) => value[1..].split_once(quote)?.1,
            _ => {
                let end = value.find(|c: char| c == '>' || c.is_ascii_whitespace())?;
                &value[end..]
            }
        };
    }
}

/// The character that a reference at the beginning stands for, and what follows.
fn reference(text: &str) -> Option<(char, &str)> {
    let (name, after) = text.strip_prefix('&')?.split_once(';')?;
    let character = match name {
        "lt" => '<',
        "gt" => '>',
        "amp" => '&',
        "quot" => '"',
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(digits) => u32::from_str_radix(digits, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)?
        }
    };
    Some((character, after))
}

/// `MarkdownV2`: every reserved character that marks nothing has a backslash before it.
pub(super) fn markdown_v2(text: &str) -> Result<String, Unparsed> {
    const MARKS: [&str; 7] = ["```", "`", "||", "__", "_", "*", "~"];
    let mut shown = String::new();
    let mut open: Vec<&str> = Vec::new();
    let mut rest = text;
    let mut at_line_start = true;
    while let Some(character) = rest.chars().next() {
        let in_code = open.last().filter(|mark| mark.starts_with('`'));
        let escaped = rest.strip_prefix('\\').and_then(|after| after.chars().next()).filter(char::is_ascii);
        let mark = MARKS.into_iter().find(|mark| rest.starts_with(mark));
        if let Some(escaped) = escaped {
            shown.push(escaped);
            rest = &rest[2..];
        } else if let Some(mark) = mark.filter(|mark| in_code.is_none_or(|code| code == mark)) {
            if open.last() == Some(&mark) {
                open.pop();
            } else if open.contains(&mark) {
                return Err(unended(mark));
            } else {
                open.push(mark);
            }
            rest = &rest[mark.len()..];
        } else if in_code.is_some() {
            shown.push(character);
            rest = &rest[character.len_utf8()..];
        } else if let Some(after) = rest.strip_prefix("![").or_else(|| rest.strip_prefix('[')) {
            open.push("[");
            rest = after;
        } else if character == ']' && open.last() == Some(&"[") {
            open.pop();
            // Without an address, what stands in brackets is text.
            rest =
                rest[1..].strip_prefix('(').map_or(Some(&rest[1..]), address).ok_or_else(|| unended("("))?;
        } else if character == '>' && at_line_start {
            rest = &rest[1..];
        } else if "_*[]()~`>#+-=|{}.!".contains(character) {
            return Err(Unparsed(format!("`{character}` is reserved; write `\\{character}`")));
        } else {
            shown.push(character);
            rest = &rest[character.len_utf8()..];
        }
        at_line_start = character == '\n';
    }
    open.pop().map_or(Ok(shown), |mark| Err(unended(mark)))
}

/// What follows the address of a link.
fn address(text: &str) -> Option<&str> {
    let mut escaped = false;
    for (at, character) in text.char_indices() {
        match character {
            ')' if !escaped => return Some(&text[at + 1..]),
            _ => escaped = character == '\\' && !escaped,
        }
    }
    None
}

/// `Markdown`, the old one: a mark that is begun ends.
pub(super) fn markdown(text: &str) -> Result<String, Unparsed> {
    let mut shown = String::new();
    let mut open = None;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match (character, open) {
            ('\\', None) if characters.peek().is_some_and(|next| "_*`[".contains(*next)) => {
                shown.extend(characters.next());
            }
            ('_' | '*' | '`', None) => open = Some(character),
            ('[', None) => open = Some(']'),
            (_, Some(mark)) if mark == character => open = None,
            _ => shown.push(character),
        }
    }
    open.map_or(Ok(shown), |mark| Err(unended(mark.encode_utf8(&mut [0; 4]))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_is_parsed_as_telegram_parses_it() {
        for (text, shown) in [
            ("<b>a</b> &lt;b&gt; &amp;amp; &#65;&#x42;", "a <b> &amp; AB"),
            ("<a href=\"https://example.com/?a&amp;b\">x</a>", "x"),
            ("<blockquote expandable>q</blockquote><PRE><code class='language-py'>1</code></PRE>", "q1"),
            ("a > b & c &nbsp;", "a > b & c &nbsp;"),
        ] {
            assert_eq!(html(text).as_deref(), Ok(shown), "{text}");
        }
        for text in [
            "a < b",
            "<b>x",
            "x</b>",
            "<b><i>x</b></i>",
            "<font color=red>x</font>",
            "<a href=\"x>y</a>",
            "<br/>",
            "<span class=\"x\">y</span>",
            "<!-- -->",
            "<",
        ] {
            assert!(html(text).is_err(), "{text}");
        }
    }

    #[test]
    fn markdown_v2_refuses_what_is_not_escaped() {
        for (text, shown) in [
            ("*b* _i_ __u__ ~s~ ||p||", "b i u s p"),
            ("1\\.5 \\(x\\)\\!", "1.5 (x)!"),
            ("`a.b-c` ```\n1 + 1 = 2\n```", "a.b-c \n1 + 1 = 2\n"),
            ("[t](https://example.com/a\\)b)\n>q", "t\nq"),
        ] {
            assert_eq!(markdown_v2(text).as_deref(), Ok(shown), "{text}");
        }
        for text in ["1.5", "a-b", "*b", "a (b)", "`x", "*b _i* x_", "[t](x", "a > b", "#"] {
            assert!(markdown_v2(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_old_markdown_refuses_a_mark_without_its_end() {
        assert_eq!(markdown("*b* snake\\_case [t](u) 1.5").as_deref(), Ok("b snake_case t(u) 1.5"));
        for text in ["snake_case", "a * b", "`x", "[x"] {
            assert!(markdown(text).is_err(), "{text}");
        }
    }
}
