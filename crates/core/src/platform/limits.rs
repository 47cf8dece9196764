//! Lengths: text from outside, escaped and cut to what a platform takes.

pub(super) const ELLIPSIS: &str = "…";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    CodePoints,
    Bytes,
    /// Code units of UTF-16.
    Utf16,
    /// Bytes as JSON writes them, with its escapes.
    Json,
}

impl Unit {
    #[inline(never)]
    pub(super) fn length(self, text: &str) -> usize {
        match self {
            Unit::CodePoints => text.chars().count(),
            Unit::Bytes => text.len(),
            Unit::Utf16 => text.encode_utf16().count(),
            Unit::Json => text.chars().map(in_json).sum(),
        }
    }
}

/// The bytes of a character in a text of JSON.
fn in_json(character: char) -> usize {
    match character {
        '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
        '\0'..'\u{20}' => 6,
        _ => character.len_utf8(),
    }
}

/// What a character becomes on a platform; `None` leaves it as it is.
pub(super) type Escape = fn(char) -> Option<&'static str>;

/// The same, given the characters before and after it.
pub type EscapeBetween = fn(Option<char>, char, Option<char>) -> Option<&'static str>;

/// The text, escaped, and cut with an ellipsis when it is longer than `max`. An escaped character is
/// never cut in two, and neither is one that is made of several. Characters that would garble the rest of
/// a card are dropped.
pub(super) fn fit(text: &str, max: usize, unit: Unit, escape: Escape) -> String {
    fitted(text, max, unit, &|_, character, _| escape(character))
}

/// As [`fit`], where the characters before and after decide as well.
pub(super) fn fit_between(text: &str, max: usize, unit: Unit, escape: EscapeBetween) -> String {
    fitted(text, max, unit, &escape)
}

fn fitted(
    text: &str,
    max: usize,
    unit: Unit,
    escape: &dyn Fn(Option<char>, char, Option<char>) -> Option<&'static str>,
) -> String {
    let mut buffer = [0; 4];
    let ellipsis = unit.length(ELLIPSIS);
    let mut out = String::new();
    let mut used = 0;
    let mut keep = 0;
    let mut before = None;
    let mut rest = text;
    while !rest.is_empty() {
        let (whole, after) = rest.split_at(cluster(rest));
        let mut characters = rest.chars().peekable();
        rest = after;
        for _ in whole.chars() {
            let Some(character) = characters.next().filter(|character| !garbles(*character)) else {
                continue;
            };
            let next = characters.peek().copied();
            let piece = escape(before, character, next).unwrap_or_else(|| character.encode_utf8(&mut buffer));
            before = Some(character);
            used += unit.length(piece);
            out.push_str(piece);
        }
        if used > max {
            out.truncate(keep);
            if ellipsis <= max {
                out.push_str(ELLIPSIS);
            }
            return out;
        }
        if used + ellipsis <= max {
            keep = out.len();
        }
    }
    out
}

/// The bytes of the first character as a person sees it: with its marks, its colour of skin, what is
/// joined to it, and a flag with both its halves. One of more than 32 parts is no longer one.
pub(super) fn cluster(text: &str) -> usize {
    let mut characters = text.chars();
    let Some(first) = characters.next() else { return 0 };
    let is_half_a_flag = |character| matches!(character, '\u{1f1e6}'..='\u{1f1ff}');
    let mut half = is_half_a_flag(first);
    let mut joined = first == JOINER;
    let mut end = first.len_utf8();
    for next in characters.take(31) {
        if !(joined || goes_on(next) || half && is_half_a_flag(next)) {
            break;
        }
        half = false;
        joined = next == JOINER;
        end += next.len_utf8();
    }
    end
}

const JOINER: char = '\u{200d}';

/// Marks, variants, colours of skin, and what is joined.
fn goes_on(character: char) -> bool {
    matches!(
        character,
        JOINER
            | '\u{300}'..='\u{36f}'
            | '\u{1ab0}'..='\u{1aff}'
            | '\u{1dc0}'..='\u{1dff}'
            | '\u{20d0}'..='\u{20ff}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{fe20}'..='\u{fe2f}'
            | '\u{1f3fb}'..='\u{1f3ff}'
            | '\u{e0020}'..='\u{e007f}'
    )
}

/// What is left for the texts of a message that share one limit.
pub(super) struct Budget {
    pub left: usize,
    pub unit: Unit,
}

impl Budget {
    /// As [`fit_between`], of at most `max` and of what is left.
    pub fn take(&mut self, text: &str, max: usize, escape: EscapeBetween) -> String {
        let text = fit_between(text, max.min(self.left), self.unit, escape);
        self.left -= self.unit.length(&text);
        text
    }

    /// Whether so much is left; it is taken then.
    pub fn spend(&mut self, size: usize) -> bool {
        let left = self.left.checked_sub(size);
        self.left = left.unwrap_or(self.left);
        left.is_some()
    }
}

/// As [`fit`], for a text whose last line pings: what is too long is cut before it.
pub(super) fn fit_above_last(text: &str, max: usize, unit: Unit) -> String {
    let cut = |text: &str, max| fit(text, max, unit, |_| None);
    if unit.length(text) > max
        && let Some((head, last)) = text.trim_end().rsplit_once('\n')
        && let Some(room) = max.checked_sub(unit.length(last) + 1).filter(|room| *room >= max / 4)
    {
        return format!("{}\n{}", cut(head, room), cut(last, max));
    }
    cut(text, max)
}

/// Control characters, which some receivers refuse, and those that reverse the direction of what follows.
pub(super) fn garbles(character: char) -> bool {
    let turns = matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    turns || is_unseen(character)
}

/// Control characters but those that part words and lines.
pub(super) fn is_unseen(character: char) -> bool {
    character.is_control() && !matches!(character, '\n' | '\r' | '\t')
}

pub(super) fn flatten(character: char) -> Option<&'static str> {
    matches!(character, '\n' | '\r' | '\t' | '\u{2028}' | '\u{2029}').then_some(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ampersand(character: char) -> Option<&'static str> {
        (character == '&').then_some("&amp;")
    }

    #[test]
    fn text_is_cut_between_characters_in_the_unit_of_the_platform() {
        assert_eq!(fit("渲染完成", 4, Unit::CodePoints, flatten), "渲染完成");
        assert_eq!(fit("渲染完成", 3, Unit::CodePoints, flatten), "渲染…");
        assert_eq!(fit("渲染完成", 11, Unit::Bytes, flatten), "渲染…");
        assert_eq!(fit("渲染完成", 2, Unit::Bytes, flatten), "");
        assert_eq!(fit("a&b", 6, Unit::CodePoints, ampersand), "a…");
        assert_eq!(fit("a&b", 7, Unit::CodePoints, ampersand), "a&amp;b");
        assert_eq!(fit("a\u{202e}b\0c\nd", 9, Unit::Bytes, flatten), "abc d");
    }

    #[test]
    fn a_character_of_several_parts_is_never_cut_in_two() {
        for (text, max, cut) in [
            ("🇨🇳🇩🇪🇫🇷", 5, "🇨🇳🇩🇪…"),
            ("🇨🇳🇩🇪🇫🇷", 4, "🇨🇳…"),
            ("👍🏽👍🏽", 3, "👍🏽…"),
            ("👍🏽👍🏽", 2, "…"),
            ("👩‍👩‍👧a", 5, "…"),
            ("e\u{301}e\u{301}e\u{301}", 4, "e\u{301}…"),
            ("1\u{fe0f}\u{20e3}22", 4, "1\u{fe0f}\u{20e3}…"),
        ] {
            assert_eq!(fit(text, max, Unit::CodePoints, |_| None), cut, "{text} in {max}");
        }
        let endless = format!("e{}", "\u{301}".repeat(100));
        assert_eq!(fit(&endless, 40, Unit::CodePoints, |_| None).chars().count(), 33, "marks without end");
    }

    #[test]
    fn json_is_measured_as_it_is_written() {
        let all: String = ('\0'..='\u{a0}').chain("汉😀\u{2028}".chars()).collect();
        assert_eq!(Unit::Json.length(&all) + 2, serde_json::to_string(&all).unwrap().len());
    }

    #[test]
    fn a_text_is_cut_above_its_last_line() {
        assert_eq!(fit_above_last("one two three\n@ada", 12, Unit::Bytes), "one …\n@ada");
        assert_eq!(fit_above_last("one\n@ada", 8, Unit::Bytes), "one\n@ada");
        assert_eq!(fit_above_last("one\nfar too long a line", 8, Unit::Bytes), "one\nf…");
        assert_eq!(fit_above_last("one two three", 8, Unit::Bytes), "one t…");
    }

    proptest! {
        #[test]
        fn nothing_is_longer_than_its_limit(text in any::<String>(), max in 0..40_usize) {
            for unit in [Unit::CodePoints, Unit::Bytes, Unit::Utf16, Unit::Json] {
                prop_assert!(unit.length(&fit(&text, max, unit, ampersand)) <= max);
                prop_assert!(unit.length(&fit_above_last(&text, max, unit)) <= max);
            }
        }
    }
}
