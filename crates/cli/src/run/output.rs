//! The last lines of what a command prints: bounded, and harmless whatever they contain.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use taskbell_core::secret::Scrubber;

/// What is kept of the output, in bytes.
const MAX_BYTES: usize = 64 * 1024;

/// The characters of a line, and of all lines together: less than the largest event.
const MAX_LINE_CHARS: usize = 500;
const MAX_CHARS: usize = 16 * 1024;

/// Of a line whose beginning is gone, as much as a secret may have left there, in bytes.
const MAX_SECRET_BYTES: usize = 8 * 1024;

/// What a command has printed. Written by the threads that copy it.
#[derive(Debug, Default)]
pub struct Printed {
    pub all: LastLines,
    /// What came by the error output alone, where the two are apart.
    errors: LastLines,
}

impl Printed {
    pub fn add(&self, bytes: &[u8], are_errors: bool) {
        self.all.add(bytes, are_errors);
        if are_errors {
            self.errors.add(bytes, are_errors);
        }
    }

    /// The line that most likely says why a command has failed: many print what they had buffered after it, to the
    /// other output.
    pub fn reason(&self, secrets: &Scrubber) -> Option<String> {
        self.errors.lines(1, secrets).pop().or_else(|| self.all.lines(1, secrets).pop())
    }
}

/// The end of an output. Lines of the two outputs stay whole, however the command mixes its writes.
#[derive(Debug, Default)]
pub struct LastLines(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    /// Lines that have ended.
    ended: VecDeque<u8>,
    /// The line that each output has begun: the usual one, and that of errors.
    begun: [VecDeque<u8>; 2],
    /// When something was printed last.
    at: Option<Instant>,
}

impl LastLines {
    pub fn add(&self, bytes: &[u8], are_errors: bool) {
        let mut kept = self.lock();
        kept.at = Some(Instant::now());
        let Kept { ended, begun, .. } = &mut *kept;
        let begun = &mut begun[usize::from(are_errors)];
        let open = match bytes.iter().rposition(|byte| *byte == b'\n') {
            Some(end) => {
                push(ended, begun.make_contiguous());
                begun.clear();
                push(ended, &bytes[..=end]);
                &bytes[end + 1..]
            }
            None => bytes,
        };
        push(begun, open);
    }

    /// When something was printed last.
    pub fn printed_at(&self) -> Option<Instant> {
        self.lock().at
    }

    /// The last lines that are not empty, as a terminal would show them, without these secrets.
    pub fn lines(&self, most: usize, secrets: &Scrubber) -> Vec<String> {
        let text = {
            let kept = self.lock();
            let [usual, errors] = kept.begun.each_ref().map(without_half_a_secret);
            [without_half_a_secret(&kept.ended), usual, b"\n".to_vec(), errors].concat()
        };
        let text = secrets.scrub(&String::from_utf8_lossy(&text));
        let mut left = MAX_CHARS;
        let mut lines = Vec::new();
        for line in text.split('\n').rev() {
            let line = shown(line);
            if line.is_empty() {
                continue;
            }
            left = left.saturating_sub(line.chars().count());
            if lines.len() == most || left == 0 {
                break;
            }
            lines.push(line);
        }
        lines.reverse();
        lines
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Adds bytes, and forgets the oldest beyond the bound.
fn push(kept: &mut VecDeque<u8>, bytes: &[u8]) {
    let bytes = &bytes[bytes.len().saturating_sub(MAX_BYTES)..];
    let excess = (kept.len() + bytes.len()).saturating_sub(MAX_BYTES);
    kept.drain(..excess);
    kept.extend(bytes);
}

/// A copy without the line that has lost its beginning: half of a secret may be left there, which no scrubber finds.
fn without_half_a_secret(kept: &VecDeque<u8>) -> Vec<u8> {
    let cut = if kept.len() < MAX_BYTES {
        0
    } else {
        kept.iter().take(MAX_SECRET_BYTES).position(|byte| *byte == b'\n').unwrap_or(MAX_SECRET_BYTES)
    };
    kept.range(cut..).copied().collect()
}

/// A line without colours and control characters. A progress bar prints over itself: what stands there last.
fn shown(line: &str) -> String {
    let line = without_sequences(line);
    let last = line.split('\r').rfind(|part| !part.trim().is_empty()).unwrap_or_default();
    let is_shown = |c: &char| {
        !c.is_control()
            && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let text: String = last.replace('\t', " ").chars().filter(is_shown).collect();
    let text = text.trim_end();
    match text.char_indices().nth(MAX_LINE_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Leaves out the escape sequences of terminals (ECMA-48): colours, titles, links.
fn without_sequences(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    let mut rest = line.chars().peekable();
    while let Some(c) = rest.next() {
        if c != '\u{1b}' {
            text.push(c);
            continue;
        }
        match rest.next() {
            Some('[') => while rest.next().is_some_and(|c| !('\u{40}'..='\u{7e}').contains(&c)) {},
            // A string, to its end: BEL, or ESC and a backslash.
            Some(']' | 'P' | 'X' | '^' | '_') => {
                while let Some(c) = rest.next() {
                    if c == '\u{7}' || c == '\u{1b}' && rest.next_if_eq(&'\\').is_some() {
                        break;
                    }
                }
            }
            Some(' '..='/') => drop(rest.next()),
            _ => {}
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(parts: &[&[u8]], most: usize) -> Vec<String> {
        let kept = LastLines::default();
        parts.iter().for_each(|part| kept.add(part, false));
        kept.lines(most, &Scrubber::default())
    }

    #[test]
    fn the_last_lines_are_what_a_terminal_shows() {
        assert_eq!(lines(&[b"a\nb\n\nc", b"d\n"], 2), ["b", "cd"]);
        assert_eq!(
            lines(&[b"\x1b[1;31mred\x1b[0m\x1b]0;title\x07 and \x1b]8;;http://x\x1b\\link\x1b(B\n"], 9),
            ["red and link"]
        );
        assert_eq!(lines(&[b" 10%\r 50%\r100%\r\n"], 9), ["100%"]);
        assert_eq!(lines(&[b"\x00\x07\xff\xfe\ta\xe2\x80\xae\n"], 9), ["\u{fffd}\u{fffd} a"]);
    }

    #[test]
    fn lines_of_the_two_outputs_stay_whole() {
        let kept = LastLines::default();
        for (bytes, are_errors) in
            [("out", false), ("err\n", true), ("put\n4", false), ("fai", true), ("2", false)]
        {
            kept.add(bytes.as_bytes(), are_errors);
        }
        assert_eq!(kept.lines(9, &Scrubber::default()), ["err", "output", "42", "fai"]);
    }

    #[test]
    fn half_of_a_secret_is_not_shown() {
        let secret = "s3cr3t".repeat(100);
        for end in ["", "\n"] {
            let kept = LastLines::default();
            kept.add(secret.as_bytes(), false);
            kept.add(&[b'x'].repeat(MAX_BYTES - 300), false);
            kept.add(end.as_bytes(), false);
            assert!(!kept.lines(9, &Scrubber::default()).concat().contains("s3cr3t"));
        }
    }

    #[test]
    fn the_reason_is_the_last_line_of_the_error_output_where_there_is_one() {
        let printed = Printed::default();
        let reason = || printed.reason(&Scrubber::default());
        assert_eq!(reason(), None);
        printed.add(b"step 1\n", false);
        assert_eq!(reason().as_deref(), Some("step 1"));
        printed.add(b"ValueError: no light\n", true);
        printed.add(b"step 2\n", false);
        assert_eq!(reason().as_deref(), Some("ValueError: no light"));
        assert_eq!(printed.all.lines(9, &Scrubber::default()).len(), 3);
    }

    #[test]
    fn however_much_is_printed_little_is_kept() {
        let long = [b'x'].repeat(10 << 20);
        let kept = LastLines::default();
        (0..3).for_each(|_| kept.add(&long, false));
        (0..10_000).for_each(|_| kept.add(b"line that is rather long, again and again\n", true));
        {
            let kept = kept.lock();
            for bytes in [&kept.ended, &kept.begun[0], &kept.begun[1]] {
                assert!(bytes.len() <= MAX_BYTES && bytes.capacity() <= 4 * MAX_BYTES);
            }
        }
        let lines = kept.lines(200, &Scrubber::default());
        assert_eq!(lines.len(), 200);
        assert!(lines.concat().chars().count() <= MAX_CHARS);
        assert_eq!(self::lines(&[&long], 5)[0].chars().count(), MAX_LINE_CHARS + 1);
    }
}
