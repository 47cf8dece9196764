//! Writes the text of a JSON object as serde_json would, without a tree: what is written so already is only read.

use super::quick_check::after_plain;
use serde_json::Value as Json;
use std::ops::Range;

/// Lists and objects inside each other; what is deeper is for the parser.
const MAX_DEPTH: usize = 64;

/// Members of one object, each of which is compared with those before it.
const MAX_MEMBERS: usize = 32;

/// Where a member stands in the text.
#[derive(Debug, Clone)]
pub(super) struct PayloadMember {
    /// The name as it is written, without its quotes.
    pub name: Range<usize>,
    pub value: Range<usize>,
}

/// The text, and its members. `None` for what is no such object, and for what only the parser can tell: a name that comes
/// twice, an object that is deep or wide.
pub(super) fn normalized(json: &[u8]) -> Option<(Vec<u8>, Vec<PayloadMember>)> {
    simdutf8::basic::from_utf8(json).ok()?;
    let mut scan = TextScan {
        json,
        at: 0,
        from: 0,
        out: Vec::new(),
        names: Vec::with_capacity(16),
        members: Vec::with_capacity(16),
    };
    scan.blank();
    if scan.peek()? != b'{' {
        return None;
    }
    scan.object(0)?;
    scan.blank();
    if scan.at != json.len() {
        return None;
    }
    scan.flush(scan.at);
    Some((scan.out, scan.members))
}

struct TextScan<'a> {
    json: &'a [u8],
    at: usize,
    /// Up to `at` this is part of the text, and not in `out` yet.
    from: usize,
    out: Vec<u8>,
    /// The names of the objects that are open.
    names: Vec<Range<usize>>,
    members: Vec<PayloadMember>,
}

impl TextScan<'_> {
    fn peek(&self) -> Option<u8> {
        self.json.get(self.at).copied()
    }

    /// Where in the text the next byte will stand.
    fn place(&self) -> usize {
        self.out.len() + self.at - self.from
    }

    fn written(&self, range: &Range<usize>) -> &[u8] {
        let found = match range.start.checked_sub(self.out.len()) {
            None => self.out.get(range.clone()),
            Some(ahead) => self.json.get(self.from + ahead..self.from + ahead + range.len()),
        };
        found.unwrap_or_default()
    }

    /// Writes what comes before this place.
    fn flush(&mut self, until: usize) {
        if self.out.is_empty() {
            self.out.reserve_exact(self.json.len());
        }
        self.out.extend_from_slice(self.json.get(self.from..until).unwrap_or_default());
        self.from = until;
    }

    fn blank(&mut self) {
        if matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.flush(self.at);
            while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
                self.at += 1;
            }
            self.from = self.at;
        }
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        let found = self.peek()? == byte;
        self.at += usize::from(found);
        found.then_some(())
    }

    fn word(&mut self, word: &[u8]) -> Option<()> {
        let found = self.json.get(self.at..)?.starts_with(word);
        self.at += word.len();
        found.then_some(())
    }

    fn value(&mut self, depth: usize) -> Option<()> {
        match self.peek()? {
            b'"' => self.string().map(|_| ()),
            b'{' => self.object(depth),
            b'[' => self.list(depth),
            b't' => self.word(b"true"),
            b'f' => self.word(b"false"),
            b'n' => self.word(b"null"),
            _ => self.number(),
        }
    }

    fn object(&mut self, depth: usize) -> Option<()> {
        self.at += 1;
        self.blank();
        if self.take(b'}').is_some() {
            return Some(());
        }
        let first = self.names.len();
        while depth < MAX_DEPTH && self.names.len() < first + MAX_MEMBERS {
            let name = self.string()?;
            let written = self.written(&name);
            let known = self.names.get(first..)?;
            // The parser makes something else of an object that begins with a name of its own.
            if written.starts_with(b"$") || known.iter().any(|known| self.written(known) == written) {
                return None;
            }
            self.names.push(name.clone());
            self.blank();
            self.take(b':')?;
            self.blank();
            let from = self.place();
            self.value(depth + 1)?;
            if depth == 0 {
                self.members.push(PayloadMember { name, value: from..self.place() });
            }
            self.blank();
            if self.take(b'}').is_some() {
                self.names.truncate(first);
                return Some(());
            }
            self.take(b',')?;
            self.blank();
        }
        None
    }

    fn list(&mut self, depth: usize) -> Option<()> {
        self.at += 1;
        self.blank();
        if self.take(b']').is_some() {
            return Some(());
        }
        if depth >= MAX_DEPTH {
            return None;
        }
        loop {
            self.value(depth + 1)?;
            self.blank();
            if self.take(b']').is_some() {
                return Some(());
            }
            self.take(b',')?;
            self.blank();
        }
    }

    /// Where its content stands in the text.
    fn string(&mut self) -> Option<Range<usize>> {
        let (start, place) = (self.at, self.place());
        let mut is_odd = false;
        self.take(b'"')?;
        loop {
            self.at = self.json.len() - after_plain(self.json.get(self.at..)?).len();
            match self.peek()? {
                b'"' => break,
                b'\\' => {
                    let letter = self.json.get(self.at + 1)?;
                    is_odd |= !matches!(letter, b'"' | b'\\' | b'b' | b'f' | b'n' | b'r' | b't');
                    self.at += 2;
                }
                _ => return None,
            }
        }
        self.at += 1;
        if is_odd {
            self.rewrite(start)?;
        }
        Some(place + 1..self.place() - 1)
    }

    fn number(&mut self) -> Option<()> {
        let start = self.at;
        let _ = self.take(b'-');
        if self.take(b'0').is_none() {
            self.digits()?;
        }
        if self.take(b'.').is_some() {
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if self.take(b'+').is_none() {
                let _ = self.take(b'-');
            }
            self.digits()?;
            self.rewrite(start)?;
        }
        Some(())
    }

    fn digits(&mut self) -> Option<()> {
        let from = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        (self.at > from).then_some(())
    }

    /// Lets the parser write the text or number that began here.
    fn rewrite(&mut self, start: usize) -> Option<()> {
        let value: Json = serde_json::from_slice(self.json.get(start..self.at)?).ok()?;
        self.flush(start);
        self.out.extend(crate::json::bytes(&value));
        self.from = self.at;
        Some(())
    }
}
