//! Cuts in a text that has markup: never inside a tag, a link, a mention or an entity, and what stands open
//! where the text ends is closed.

use super::limits::{ELLIPSIS, Unit, cluster, garbles};

/// What is markup in a text other than links, mentions and entities.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Markup {
    Fences,
    Tags,
    /// Tags, which count for nothing, and entities, which count as what they show.
    Html,
}

const FENCE: &str = "```";
const FENCE_END: &str = "\n```";

/// Beyond this many bytes, what begins like a tag is no longer one.
const TAG: usize = 2500;

/// Tags without an end.
const VOID: [&str; 3] = ["br", "hr", "img"];

/// The text with an ellipsis where it was cut; `None` when it fits.
pub(super) fn shorten(text: &str, max: usize, unit: Unit, markup: Markup) -> Option<String> {
    if unit.length(text) <= max {
        return None;
    }
    let ellipsis = unit.length(ELLIPSIS);
    let (mut out, mut used, mut ends) = (String::new(), 0, String::new());
    let mut kept = (0, String::new());
    let mut rest = text;
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(piece(rest, markup));
        rest = after;
        used += cost(piece, unit, markup);
        if used > max {
            out.truncate(kept.0);
            if ellipsis <= max {
                out.push_str(ELLIPSIS);
            }
            out.push_str(&kept.1);
            return Some(out);
        }
        follow(piece, markup, &mut ends);
        out.extend(piece.chars().filter(|character| !garbles(*character)));
        let owed = if markup == Markup::Html { 0 } else { unit.length(&ends) };
        if used + ellipsis + owed <= max {
            kept = (out.len(), ends.clone());
        }
    }
    // It fits without its control characters, or is HTML with much that does not count.
    (out.len() < text.len()).then_some(out)
}

pub(super) fn length(text: &str, unit: Unit, markup: Markup) -> usize {
    let (mut rest, mut length) = (text, 0);
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(piece(rest, markup));
        length += cost(piece, unit, markup);
        rest = after;
    }
    length
}

/// Takes what goes beyond `max` bytes out of a text, and gives it; between lines where there are any. A fence
/// of code that is parted is closed before, and opened again behind.
pub(super) fn part(text: &mut String, max: usize) -> Option<String> {
    if text.len() <= max {
        return None;
    }
    let (mut end, mut fenced) = (0, false);
    // The last line break, and whether it stands in a fence.
    let mut line = (0, false);
    while end < text.len() {
        let piece = &text[end..end + piece(&text[end..], Markup::Fences)];
        let opens = fenced != (piece == FENCE);
        let owed = |fenced: bool| if fenced { FENCE_END.len() } else { 0 };
        let is_line = piece == "\n";
        // A part has more than the fence that was opened again.
        if end + piece.len() + owed(opens) > max && end > owed(fenced) {
            if is_line {
                line = (end, fenced);
            }
            break;
        }
        if is_line && end > FENCE.len() {
            line = (end, fenced);
        }
        end += piece.len();
        fenced = opens;
    }
    if line.0 == 0 {
        line = (end, fenced);
    }
    let mut rest = text.split_off(line.0).trim_start_matches('\n').to_owned();
    if line.1 {
        text.push_str(FENCE_END);
        rest.insert_str(0, "```\n");
    }
    (!rest.is_empty()).then_some(rest)
}

/// The bytes of the first piece of a text that may not be cut.
fn piece(text: &str, markup: Markup) -> usize {
    let whole = match text.as_bytes()[0] {
        b'<' => tag(text),
        b'&' => entity(text),
        b'\\' => text.as_bytes().get(1).filter(|byte| byte.is_ascii_punctuation()).map(|_| 2),
        b'`' if markup != Markup::Html && text.starts_with(FENCE) => Some(FENCE.len()),
        _ => None,
    };
    whole.unwrap_or_else(|| cluster(text))
}

/// `<b>`, `</b>`, `<@1>`, `<!here>`, `<#1>`, `<:smile:1>`, `<https://…|label>`.
fn tag(text: &str) -> Option<usize> {
    let inner = &text[1..];
    let begins = |first: char| first.is_ascii_alphabetic() || "/!@#:".contains(first);
    let at = inner.find(['<', '>', '\n']).filter(|at| *at < TAG)?;
    (inner.starts_with(begins) && inner[at..].starts_with('>')).then_some(at + 2)
}

/// `&amp;`, `&#42;`, `&#x2a;`.
fn entity(text: &str) -> Option<usize> {
    let at = text[1..].find(|character: char| !character.is_ascii_alphanumeric() && character != '#')?;
    ((1..=10).contains(&at) && text[1 + at..].starts_with(';')).then_some(at + 2)
}

fn cost(piece: &str, unit: Unit, markup: Markup) -> usize {
    match piece.as_bytes()[0] {
        b'<' if markup == Markup::Html && piece.len() > 1 => 0,
        b'&' if markup == Markup::Html && piece.len() > 1 => 1,
        _ => {
            let mut buffer = [0; 4];
            let shown = piece.chars().filter(|character| !garbles(*character));
            shown.map(|character| unit.length(character.encode_utf8(&mut buffer))).sum()
        }
    }
}

/// Keeps account of what is open behind a piece, by what closes it.
fn follow(piece: &str, markup: Markup, ends: &mut String) {
    if piece == FENCE {
        toggle(ends, FENCE_END, ends.starts_with(FENCE_END));
    }
    // In a fence, a tag is none.
    if ends.starts_with(FENCE_END) {
        return;
    }
    let Some(inner) = piece.strip_prefix('<').and_then(|tag| tag.strip_suffix('>')) else { return };
    let (is_end, inner) = inner.strip_prefix('/').map_or((false, inner), |inner| (true, inner));
    let name = inner.split(' ').next().unwrap_or_default();
    let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if markup != Markup::Fences && is_name && !VOID.contains(&name) && !inner.ends_with('/') {
        toggle(ends, &format!("</{}>", name.to_ascii_lowercase()), is_end);
    }
}

fn toggle(ends: &mut String, end: &str, is_end: bool) {
    if !is_end {
        ends.insert_str(0, end);
    } else if ends.starts_with(end) {
        ends.drain(..end.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_that_was_cut_is_closed_again_within_the_limit() {
        let cut = |text: &str, max, markup| shorten(text, max, Unit::Bytes, markup);
        for (text, max, closed) in [
            ("<font color=\"info\">abcdefghijk</font>", 36, "<font color=\"info\">abcdefg…</font>"),
            ("<font color=\"info\">a</font> <font>bcdefghi</font>", 40, "<font color=\"info\">a</font> …"),
            ("<b><i>abcdefghijkl</i></b>", 20, "<b><i>abc…</i></b>"),
            ("<b>ab<br>cdefghijklmno</b>", 18, "<b>ab<br>cd…</b>"),
            ("a > b < c, and so on", 10, "a > b <…"),
            ("fish &amp; chips", 9, "fish …"),
            ("a <@wangqing> b", 12, "a …"),
            ("```\nlet a = 1;\nlet b = 2;\n```", 22, "```\nlet a = 1;\n…\n```"),
        ] {
            assert_eq!(cut(text, max, Markup::Tags).as_deref(), Some(closed), "{text}");
            assert!(closed.len() <= max);
        }
        assert_eq!(cut("<b>abcdefghijkl</b>", 12, Markup::Fences).as_deref(), Some("<b>abcdef…"));
        assert_eq!(
            cut("a <!here> <https://example.com|b> c", 20, Markup::Fences).as_deref(),
            Some("a <!here> …")
        );
        assert_eq!(cut("<b>a</b>", 8, Markup::Tags), None);
    }

    #[test]
    fn html_is_measured_by_what_is_shown_of_it() {
        let cut = |text: &str, max| shorten(text, max, Unit::Utf16, Markup::Html);
        let text = "<b>a&amp;b</b> <a href=\"https://example.com/?a&amp;b\">cdef</a>";
        assert_eq!(length(text, Unit::Utf16, Markup::Html), 8);
        assert_eq!(cut(text, 8), None);
        assert_eq!(
            cut(text, 7).as_deref(),
            Some("<b>a&amp;b</b> <a href=\"https://example.com/?a&amp;b\">cd…</a>")
        );
        assert_eq!(cut(text, 2).as_deref(), Some("<b>a…</b>"));
    }

    fn split(text: &str, max: usize) -> Vec<String> {
        let mut parts = vec![text.to_owned()];
        while let Some(rest) = part(parts.last_mut().unwrap(), max) {
            parts.push(rest);
        }
        parts
    }

    #[test]
    fn long_text_is_split_between_lines_and_characters() {
        assert_eq!(split("ab\ncd\nef", 6), ["ab\ncd", "ef"]);
        assert_eq!(split("汉汉汉", 7), ["汉汉", "汉"]);
        assert_eq!(split("abc\ndef", 3), ["abc", "def"]);
        let link = format!("<https://example.com/{}>", "a".repeat(2000));
        let parts = split(&format!("```\n{}\n```{link}", "line\n".repeat(500)), 3000);
        assert!(parts.iter().all(|part| part.len() <= 3000) && parts.concat().contains(&link));
        assert_eq!(split("", 5), [""]);
        assert_eq!(split("\nabcdef", 4).concat().replace('\n', ""), "abcdef");
    }

    #[test]
    fn a_split_goes_through_no_link_and_opens_a_fence_again() {
        assert_eq!(split("ab <https://a|b c> &amp;d", 16), ["ab ", "<https://a|b c> ", "&amp;d"]);
        assert_eq!(
            split("```\none\ntwo\nthree\n```\nend", 15),
            ["```\none\ntwo\n```", "```\nthree\n```", "end"]
        );
    }
}
