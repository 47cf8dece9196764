//! Lengths: text from outside, escaped and cut to what a platform takes.

const ELLIPSIS: char = '…';

/// What a platform counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    CodePoints,
    Bytes,
    /// Code units of UTF-16.
    Utf16,
}

impl Unit {
    pub(super) fn length(self, text: &str) -> usize {
        match self {
            Unit::CodePoints => text.chars().count(),
            Unit::Bytes => text.len(),
            Unit::Utf16 => text.encode_utf16().count(),
        }
    }
}

/// What a character becomes on a platform; `None` leaves it as it is.
pub(super) type Escape = fn(char) -> Option<&'static str>;

/// The text, escaped, and cut with an ellipsis when it is longer than `max`. An escaped character is
/// never cut in two. Characters that would garble the rest of a card are dropped.
pub(super) fn fit(text: &str, max: usize, unit: Unit, escape: Escape) -> String {
    let mut buffer = [0; 4];
    let ellipsis = unit.length(ELLIPSIS.encode_utf8(&mut buffer));
    let mut out = String::new();
    let mut used = 0;
    let mut keep = 0;
    for character in text.chars() {
        let piece = if garbles(character) {
            ""
        } else {
            escape(character).unwrap_or_else(|| character.encode_utf8(&mut buffer))
        };
        used += unit.length(piece);
        if used > max {
            out.truncate(keep);
            let kept = out.trim_end_matches('\u{200d}').len();
            out.truncate(kept);
            if ellipsis <= max {
                out.push(ELLIPSIS);
            }
            return out;
        }
        out.push_str(piece);
        if used + ellipsis <= max {
            keep = out.len();
        }
    }
    out
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
fn garbles(character: char) -> bool {
    let turns = matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    turns || (character.is_control() && !matches!(character, '\n' | '\r' | '\t'))
}

/// Line breaks and tabs as spaces, for text that must stay on one line.
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
    fn a_text_is_cut_above_its_last_line() {
        assert_eq!(fit_above_last("one two three\n@ada", 12, Unit::Bytes), "one …\n@ada");
        assert_eq!(fit_above_last("one\n@ada", 8, Unit::Bytes), "one\n@ada");
        assert_eq!(fit_above_last("one\nfar too long a line", 8, Unit::Bytes), "one\nf…");
        assert_eq!(fit_above_last("one two three", 8, Unit::Bytes), "one t…");
    }

    proptest! {
        #[test]
        fn nothing_is_longer_than_its_limit(text in any::<String>(), max in 0..40_usize) {
            for unit in [Unit::CodePoints, Unit::Bytes, Unit::Utf16] {
                prop_assert!(unit.length(&fit(&text, max, unit, ampersand)) <= max);
                prop_assert!(unit.length(&fit_above_last(&text, max, unit)) <= max);
            }
        }
    }
}
