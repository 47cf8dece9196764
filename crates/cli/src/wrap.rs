//! Breaks lines for a terminal, by what the characters take on the screen.

use textwrap::core::{Word, display_width};

/// A line as [`flow`] breaks it, with the rest further to the right than its beginning.
pub fn wrapped(line: &str, width: usize) -> Vec<String> {
    if display_width(line) <= width {
        return vec![line.to_owned()];
    }
    let text = line.trim_start_matches(' ');
    let indent = (line.len() - text.len()).min(width / 2);
    flow(text, width, &" ".repeat(indent), (indent + 2).min(width / 2))
}

/// A text broken at spaces, behind `first` and, from the second line on, this many spaces. A word that is too long is
/// broken anywhere, but a URL stands whole on a line of its own, for a person to copy.
pub fn flow(text: &str, width: usize, first: &str, hanging: usize) -> Vec<String> {
    let (mut done, mut line) = (Vec::new(), first.to_owned());
    // Whether the line holds more than what it begins with, and the spaces before the next word.
    let (mut begun, mut gap) = (false, 0);
    let whole = width.saturating_sub(hanging).max(1);
    for (index, word) in text.split(' ').enumerate() {
        gap += usize::from(index > 0);
        if word.is_empty() {
            continue;
        }
        let mut room = width.saturating_sub(display_width(&line) + if begun { gap } else { 0 });
        let is_too_long = display_width(word) > whole && !word.contains("://");
        // A word that is broken anyway fills the line first, where there is some room.
        let begins_here = display_width(word) <= room || is_too_long && room > width / 4;
        if !begins_here && (begun || !line.trim().is_empty()) {
            done.push(std::mem::replace(&mut line, " ".repeat(hanging)));
            room = whole;
        } else if begun {
            line.push_str(&" ".repeat(gap));
        }
        (begun, gap) = (true, 0);
        let mut rest = word;
        while is_too_long && display_width(rest) > room {
            let Some(piece) = Word::from(rest).break_apart(room.max(1)).next() else { break };
            line.push_str(piece.word);
            rest = rest.get(piece.word.len()..).unwrap_or_default();
            done.push(std::mem::replace(&mut line, " ".repeat(hanging)));
            room = whole;
        }
        line.push_str(rest);
    }
    done.push(line);
    done
}

#[cfg(test)]
mod tests {
    use super::{flow, wrapped};

    #[test]
    fn a_long_line_is_broken_at_spaces_and_the_rest_stands_further_right() {
        assert_eq!(wrapped("  aa bb  cc", 6), ["  aa", "   bb", "   cc"]);
        assert_eq!(wrapped("error: it is so", 12), ["error: it is", "  so"]);
        assert_eq!(wrapped("short", 5), ["short"]);
        assert_eq!(wrapped("", 5), [""]);
        assert_eq!(flow("aa bb", 6, "key ", 4), ["key aa", "    bb"]);
    }

    #[test]
    fn a_wide_character_counts_as_two_columns_and_a_colour_as_none() {
        assert_eq!(wrapped("渲染完成渲染完成", 8), ["渲染完成", "  渲染完", "  成"]);
        let painted = "\u{1b}[31mabcdef\u{1b}[0m gh";
        assert_eq!(wrapped(painted, 9), [painted]);
        assert_eq!(wrapped("a 渲染", 5), ["a 渲", "  染"]);
    }

    #[test]
    fn a_url_stays_whole_on_a_line_of_its_own() {
        let url = "https://example.com/a/long/path";
        assert_eq!(
            wrapped(&format!("see {url}, please"), 20),
            ["see".to_owned(), format!("  {url},"), "  please".into()]
        );
    }
}
