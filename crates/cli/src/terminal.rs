//! Where a command writes: text for people, or JSON for scripts. A closed pipe is an error, never a panic.

use super::wrap::wrapped;
use anstream::{AutoStream, ColorChoice};
use anstyle::AnsiColor;
use serde_json::Value as Json;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

/// What a text means to its reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    Success,
    Error,
    Warning,
    /// The name of something, or an address.
    Name,
    Heading,
    Muted,
}

impl From<Style> for anstyle::Style {
    fn from(style: Style) -> anstyle::Style {
        match style {
            Style::Success => AnsiColor::Green.on_default(),
            Style::Error => AnsiColor::Red.on_default(),
            Style::Warning => AnsiColor::Yellow.on_default(),
            Style::Name => AnsiColor::Cyan.on_default(),
            Style::Heading => anstyle::Style::new().bold(),
            Style::Muted => anstyle::Style::new().dimmed(),
        }
    }
}

/// An output. Clones write to the same place, one line at a time, from any thread.
#[derive(Clone)]
pub struct Terminal {
    out: Arc<Mutex<dyn Write + Send>>,
    json: bool,
    colour: bool,
    /// Columns of the terminal; `None` where lines are not broken.
    width: Option<usize>,
}

/// Columns of a terminal that does not say how wide it is.
const USUAL_WIDTH: usize = 80;

/// Fewer columns are not worth breaking lines for.
const MIN_WIDTH: usize = 20;

impl Terminal {
    pub fn stdout(json: bool) -> Terminal {
        let choice = if json { ColorChoice::Never } else { choice(&io::stdout()) };
        let out = Arc::new(Mutex::new(AutoStream::new(io::stdout(), choice)));
        let width = if json { None } else { width_of(&io::stdout()) };
        Terminal { out, json, colour: choice != ColorChoice::Never, width }
    }

    pub fn stderr() -> Terminal {
        let choice = choice(&io::stderr());
        let out = Arc::new(Mutex::new(AutoStream::new(io::stderr(), choice)));
        let width = width_of(&io::stderr());
        Terminal { out, json: false, colour: choice != ColorChoice::Never, width }
    }

    pub fn json(&self) -> bool {
        self.json
    }

    /// The text in a style, where colours are shown.
    pub fn paint(&self, style: Style, text: impl AsRef<str>) -> String {
        let text = text.as_ref();
        if !self.colour {
            return text.to_owned();
        }
        let style = anstyle::Style::from(style);
        format!("{style}{text}{style:#}")
    }

    /// Columns of the terminal; `None` for a file or a pipe, where lines are whole.
    pub fn width(&self) -> Option<usize> {
        self.width
    }

    /// Columns for what is laid out in any case.
    pub fn columns(&self) -> usize {
        self.width.unwrap_or(USUAL_WIDTH)
    }

    /// Writes a text; on a terminal, lines that are longer than it is wide are broken.
    pub fn line(&mut self, text: &str) -> io::Result<()> {
        let Some(width) = self.width else { return self.exact(text) };
        let lines: Vec<String> = text.split('\n').flat_map(|line| wrapped(line, width)).collect();
        self.exact(&lines.join("\n"))
    }

    /// Writes a text that is to be copied as it stands, or that is laid out already.
    pub fn exact(&mut self, text: &str) -> io::Result<()> {
        self.write(&format!("{text}\n"))
    }

    /// Writes each line of a text behind this many spaces.
    pub fn indented(&mut self, by: usize, text: &str) -> io::Result<()> {
        let block = textwrap::indent(text, &" ".repeat(by));
        if block.is_empty() { Ok(()) } else { self.line(block.strip_suffix('\n').unwrap_or(&block)) }
    }

    /// Writes a JSON value on a line of its own.
    pub fn object(&mut self, value: &Json) -> io::Result<()> {
        self.line(&value.to_string())
    }

    fn write(&mut self, text: &str) -> io::Result<()> {
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
        (Terminal { out: page.clone(), json, colour: false, width: None }, page)
    }

    /// A terminal of this many columns, with colours.
    pub fn screen(width: usize) -> (Terminal, Arc<Mutex<Vec<u8>>>) {
        let (terminal, page) = Terminal::page(false);
        (Terminal { colour: true, width: Some(width), ..terminal }, page)
    }
}

/// Colours appear on a terminal only, and not where <https://no-color.org> or the terminal says no.
fn choice(stream: &impl anstream::stream::RawStream) -> ColorChoice {
    if stream.is_terminal() { AutoStream::choice(stream) } else { ColorChoice::Never }
}

#[cfg(unix)]
use std::os::fd::AsFd as AsTerminal;
#[cfg(windows)]
use std::os::windows::io::AsHandle as AsTerminal;

fn width_of(stream: &(impl io::IsTerminal + AsTerminal)) -> Option<usize> {
    let columns = || terminal_size::terminal_size_of(stream).map(|(columns, _)| usize::from(columns.0));
    stream
        .is_terminal()
        .then(|| columns().filter(|columns| *columns > 0).unwrap_or(USUAL_WIDTH).max(MIN_WIDTH))
}

/// Text from outside with its control characters and changes of writing direction as escapes, so that it
/// cannot steer the terminal. Line breaks stay.
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

/// The first lines of a text, each cut to a width, and the number of lines left out.
pub fn screenful(text: &str, max_lines: usize) -> String {
    const WIDTH: usize = 160;
    let mut shown = String::new();
    let mut lines = text.lines();
    for line in lines.by_ref().take(max_lines) {
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
        left => shown.push_str(&format!("… {}\n", count(left, "more line", "more lines"))),
    }
    shown
}

/// JSON with indentation, any other text as it is; harmless either way.
pub fn pretty(text: &str) -> String {
    let laid_out =
        serde_json::from_str::<Json>(text).ok().and_then(|json| serde_json::to_string_pretty(&json).ok());
    harmless(laid_out.as_deref().unwrap_or(text))
}

/// A number with its word: `1 hook`, `2 hooks`.
pub fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// A time of day in UTC, `18:24:05.120`, from Unix milliseconds.
pub fn time_of_day(unix_ms: i64) -> String {
    let text = taskbell_core::clock::rfc3339(unix_ms);
    text.get(11..23).unwrap_or(&text).to_owned()
}

/// A time of day in UTC without its milliseconds, `18:24:05`, from Unix milliseconds.
pub fn time_to_second(unix_ms: i64) -> String {
    time_of_day(unix_ms).chars().take(8).collect()
}

/// A date and time in UTC, `2026-03-01 18:24:05`, from Unix milliseconds.
pub fn date_and_time(unix_ms: i64) -> String {
    let text = taskbell_core::clock::rfc3339(unix_ms);
    text.get(..19).unwrap_or(&text).replace('T', " ")
}

/// A duration for people: `850 ms`, `12.3 s`, `5 min`, `3.5 h`, `2 d`.
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
    fn a_duration_has_the_unit_that_fits() {
        let spans: Vec<_> = [-5, 850, 1_050, 119_000, 300_000, 12_600_000, 345_600_000].map(span).into();
        assert_eq!(spans, ["0 ms", "850 ms", "1.1 s", "119 s", "5 min", "3.5 h", "4 d"]);
    }

    #[test]
    fn without_a_terminal_there_are_no_colours() {
        let (mut terminal, page) = Terminal::page(false);
        let text = terminal.paint(Style::Error, "dead");
        terminal.line(&text).unwrap();
        terminal.indented(2, "a\n\nb").unwrap();
        assert_eq!(page.lock().unwrap().as_slice(), b"dead\n  a\n\n  b\n");
    }
}
