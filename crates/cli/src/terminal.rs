//! Where a command writes: lines for people, or JSON for scripts. Never panics when nobody reads.

use serde_json::Value as Json;
use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};

/// What a text is to a reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ink {
    /// It went well.
    Good,
    /// It did not.
    Bad,
    /// It may not.
    Doubt,
    /// The name of something.
    Name,
    /// A heading.
    Strong,
    /// Beside the point.
    Quiet,
}

impl Ink {
    fn code(self) -> &'static str {
        match self {
            Ink::Good => "32",
            Ink::Bad => "31",
            Ink::Doubt => "33",
            Ink::Name => "36",
            Ink::Strong => "1",
            Ink::Quiet => "2",
        }
    }
}

/// An output. Clones write to the same place, one line at a time, from any thread.
#[derive(Clone)]
pub struct Terminal {
    out: Arc<Mutex<dyn Write + Send>>,
    json: bool,
    colour: bool,
    live: bool,
}

impl Terminal {
    /// Standard output.
    pub fn stdout(json: bool) -> Terminal {
        let live = io::stdout().is_terminal() && !json;
        Terminal { out: Arc::new(Mutex::new(io::stdout())), json, colour: live && takes_colour(), live }
    }

    /// Standard error.
    pub fn stderr() -> Terminal {
        let live = io::stderr().is_terminal();
        Terminal {
            out: Arc::new(Mutex::new(io::stderr())),
            json: false,
            colour: live && takes_colour(),
            live,
        }
    }

    /// Whether JSON is asked for.
    pub fn json(&self) -> bool {
        self.json
    }

    /// Whether somebody watches, so that a line may be written over.
    pub fn live(&self) -> bool {
        self.live
    }

    /// Whether colours are shown.
    pub fn colour(&self) -> bool {
        self.colour
    }

    /// The text in a colour, where there are any.
    pub fn paint(&self, ink: Ink, text: impl AsRef<str>) -> String {
        let text = text.as_ref();
        if self.colour { format!("\x1b[{}m{text}\x1b[0m", ink.code()) } else { text.to_owned() }
    }

    /// Writes a line.
    pub fn line(&mut self, text: &str) -> io::Result<()> {
        self.write(&format!("{text}\n"))
    }

    /// Writes each line of a text, moved to the right.
    pub fn indented(&mut self, by: usize, text: &str) -> io::Result<()> {
        let mut block = String::new();
        for line in text.lines() {
            if !line.is_empty() {
                block.extend(std::iter::repeat_n(' ', by));
            }
            block.push_str(line);
            block.push('\n');
        }
        self.write(&block)
    }

    /// Writes a JSON value on a line of its own.
    pub fn object(&mut self, value: &Json) -> io::Result<()> {
        self.line(&value.to_string())
    }

    /// Writes a text as it is.
    pub fn write(&mut self, text: &str) -> io::Result<()> {
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        out.write_all(text.as_bytes())?;
        out.flush()
    }
}

#[cfg(test)]
impl Terminal {
    /// An output for tests, and what was written to it.
    pub fn page(json: bool) -> (Terminal, Arc<Mutex<Vec<u8>>>) {
        let page = Arc::new(Mutex::new(Vec::new()));
        (Terminal { out: page.clone(), json, colour: false, live: false }, page)
    }
}

/// Colours are off where <https://no-color.org> or a terminal without them says so.
fn takes_colour() -> bool {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    !set("NO_COLOR") && !dumb && (cfg!(not(windows)) || set("WT_SESSION") || set("TERM"))
}

/// Text from outside without anything that would move the cursor, change colours or turn the direction
/// of writing: such characters are shown as escapes. Line breaks stay.
pub fn harmless(text: &str) -> String {
    let harmful = |c: char| {
        (c.is_control() && c != '\n') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let mut clean = String::with_capacity(text.len());
    for c in text.chars() {
        if c == '\t' {
            clean.push(' ');
        } else if harmful(c) {
            clean.extend(c.escape_unicode());
        } else {
            clean.push(c);
        }
    }
    clean
}

/// As [`harmless`], on one line.
pub fn one_line(text: &str) -> String {
    harmless(&text.replace("\r\n", " ").replace('\n', " "))
}

/// The first lines of a text, each cut to a width, and how many are left out.
pub fn screenful(text: &str, most: usize) -> String {
    const WIDTH: usize = 160;
    let mut shown = String::new();
    let mut lines = text.lines();
    for line in lines.by_ref().take(most) {
        match line.char_indices().nth(WIDTH) {
            Some((end, _)) => {
                shown.push_str(&line[..end]);
                shown.push('…');
            }
            None => shown.push_str(line),
        }
        shown.push('\n');
    }
    match lines.count() {
        0 => {}
        1 => shown.push_str("… 1 more line\n"),
        left => shown.push_str(&format!("… {left} more lines\n")),
    }
    shown
}

/// JSON laid out for people, anything else as it is; harmless either way.
pub fn pretty(text: &str) -> String {
    let laid_out =
        serde_json::from_str::<Json>(text).ok().and_then(|json| serde_json::to_string_pretty(&json).ok());
    harmless(laid_out.as_deref().unwrap_or(text))
}

/// The form of a word that a number asks for: `1 hook`, `2 hooks`.
pub fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// A time of day in UTC, `18:24:05.120`, from Unix milliseconds.
pub fn time_of_day(unix_ms: i64) -> String {
    let text = taskbell_core::clock::rfc3339(unix_ms);
    text.get(11..23).unwrap_or(&text).to_owned()
}

/// A date and time in UTC, `2026-03-01 18:24:05`, from Unix milliseconds.
pub fn date_and_time(unix_ms: i64) -> String {
    let text = taskbell_core::clock::rfc3339(unix_ms);
    text.get(..19).unwrap_or(&text).replace('T', " ")
}

/// A span for people: `850 ms`, `12.3 s`, `5 min`, `3.5 h`, `2 d`.
pub fn span(millis: i64) -> String {
    let ms = millis.max(0) as f64;
    let shown = |number: f64, unit: &str| {
        let text = format!("{number:.1}");
        format!("{} {unit}", text.strip_suffix(".0").unwrap_or(&text))
    };
    match ms {
        ms if ms < 1_000.0 => format!("{ms} ms"),
        ms if ms < 120_000.0 => shown(ms / 1_000.0, "s"),
        ms if ms < 7_200_000.0 => shown(ms / 60_000.0, "min"),
        ms if ms < 172_800_000.0 => shown(ms / 3_600_000.0, "h"),
        ms => shown(ms / 86_400_000.0, "d"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_cannot_steer_the_terminal() {
        assert_eq!(harmless("a\x1b[2Jb\r\u{9b}c\u{202e}"), "a\\u{1b}[2Jb\\u{d}\\u{9b}c\\u{202e}");
        assert_eq!(harmless("zwei\nZeilen\täöü 汉字"), "zwei\nZeilen äöü 汉字");
        assert_eq!(one_line("a\r\nb\nc"), "a b c");
        assert!(!pretty("{\"a\":\"\\u001b[2J\"}").contains('\x1b'));
    }

    #[test]
    fn a_long_text_is_cut_to_a_screenful() {
        let text = format!("{}\nb\nc\nd\n", "x".repeat(1000));
        let shown = screenful(&text, 2);
        assert!(shown.ends_with("…\nb\n… 2 more lines\n"), "{shown}");
        assert_eq!(screenful("a\n", 2), "a\n");
    }

    #[test]
    fn spans_read_as_a_person_would_say_them() {
        let spans: Vec<_> = [-5, 850, 1_050, 119_000, 300_000, 12_600_000, 345_600_000].map(span).into();
        assert_eq!(spans, ["0 ms", "850 ms", "1.1 s", "119 s", "5 min", "3.5 h", "4 d"]);
    }

    #[test]
    fn without_a_terminal_there_are_no_colours() {
        let (mut terminal, page) = Terminal::page(false);
        let text = terminal.paint(Ink::Bad, "dead");
        terminal.line(&text).unwrap();
        terminal.indented(2, "a\n\nb").unwrap();
        assert_eq!(page.lock().unwrap().as_slice(), b"dead\n  a\n\n  b\n");
    }
}
