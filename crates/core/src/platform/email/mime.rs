//! The message as it goes over the wire: RFC 5322 with MIME (RFC 2045 to 2047, 2387), in seven bits. Written here because
//! a library brings 110 KB of code for every processor to encode a few lines. Every attempt writes the same bytes.

use super::mailbox::Mailbox;
use crate::hash::sha256_hex;
use crate::platform::Attachment;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use std::time::{Duration, UNIX_EPOCH};

/// How the picture is named in the HTML, as `cid:picture`, until its real name is known.
pub(super) const PICTURE: &str = "cid:picture";

/// The longest line of a body without its end (RFC 2045, section 6), and of a head, which RFC 5322 advises.
const LINE: usize = 76;

/// The bytes of an encoded word, so that it fits behind `Subject:` (RFC 2047, section 2).
const WORD: usize = 39;

/// The last second that a date of four digits has.
const LAST_SECOND: i64 = 253_402_300_799;

/// What a message is made of. The texts are whole; a subject has one line.
pub(super) struct Mail<'a> {
    pub from: &'a Mailbox,
    pub to: &'a [Mailbox],
    pub event_id: &'a str,
    /// The event that began the run of which this is a state.
    pub run: Option<&'a str>,
    /// The same on every attempt, in Unix milliseconds.
    pub created_at: i64,
    pub subject: &'a str,
    pub text: Option<&'a str>,
    pub html: Option<&'a str>,
    pub file: Option<&'a Attachment>,
    pub is_picture: bool,
}

impl Mail<'_> {
    /// The id of this event's message: the event's, and a hash, since one event may go to several endpoints, and in
    /// several messages to one. Mail programs hide a second message with the same id.
    fn id_of(&self, event_id: &str, content: &[&str]) -> String {
        let host = self.from.address.rsplit('@').next().unwrap_or_default();
        let to: Vec<&str> = self.to.iter().map(|one| one.address.as_str()).collect();
        let content = [&[to.join(",").as_str()][..], content].concat().join("\0");
        format!("{event_id}.{}@{host}", sha256_hex(content, 16))
    }

    pub fn write(&self) -> Vec<u8> {
        // Later states answer the first one, whose id is therefore known without its content.
        let first = self.run.map(|first| self.id_of(first, &[]));
        let is_first = self.run == Some(self.event_id);
        let content = [self.subject, self.text.unwrap_or_default(), self.html.unwrap_or_default()];
        let own = first.clone().filter(|_| is_first);
        let id = own.unwrap_or_else(|| self.id_of(self.event_id, &content));
        let to: Vec<String> = self.to.iter().map(mailbox).collect();
        let sent = Duration::from_secs(self.created_at.div_euclid(1000).clamp(0, LAST_SECOND).unsigned_abs());
        let date = httpdate::fmt_http_date(UNIX_EPOCH + sent).replace("GMT", "+0000");
        let answered = match first.filter(|_| !is_first) {
            Some(first) => format!("In-Reply-To: <{first}>\r\nReferences: <{first}>\r\n"),
            None => String::new(),
        };
        let head = format!(
            "From: {}\r\nTo: {}\r\nSubject: {}\r\nDate: {date}\r\nMessage-ID: <{id}>\r\n{answered}",
            mailbox(self.from),
            to.join(",\r\n "),
            unstructured(self.subject, "Subject: ".len()),
        );
        // RFC 3834: no program answers with a note of absence.
        let fixed = "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n";
        let mut message = [&head, fixed, &self.body(&id)].concat();
        if !message.ends_with("\r\n") {
            message.push_str("\r\n");
        }
        message.into_bytes()
    }

    fn body(&self, id: &str) -> String {
        // No text can hold a hash of itself.
        let boundary = |kind: &str| format!("{kind}-{}", sha256_hex(id, 32));
        let several = |kind: &str, more: &str, parts: &[String]| {
            let mark = boundary(kind);
            let parts: String = parts.iter().map(|part| format!("--{mark}\r\n{part}\r\n")).collect();
            format!(
                "Content-Type: multipart/{kind};{more}\r\n boundary=\"{mark}\"\r\n\r\n{parts}--{mark}--\r\n"
            )
        };
        let text = |kind: &str, text: &str| {
            let (encoding, body) = encoded(text);
            let head = format!("Content-Type: text/{kind}; charset=\"utf-8\"");
            format!("{head}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n{body}")
        };
        let file_part = |file: &Attachment, place: &str| {
            let head = format!("Content-Type: {}\r\nContent-Disposition: {place}", file.media);
            format!("{head}\r\nContent-Transfer-Encoding: base64\r\n\r\n{}", in_base64(&file.bytes))
        };
        let inline = self.file.filter(|_| self.is_picture && self.html.is_some());
        let html = self.html.map(|html| {
            let cid = format!("picture.{id}");
            let html = text("html", &html.replace(PICTURE, &format!("cid:{cid}")));
            match inline {
                None => html,
                Some(file) => {
                    let picture = file_part(file, &format!("inline\r\nContent-ID: <{cid}>"));
                    several("related", " type=\"text/html\";", &[html, picture])
                }
            }
        });
        let body = match (self.text, html) {
            (Some(plain), Some(html)) => several("alternative", "", &[text("plain", plain), html]),
            (plain, None) => text("plain", plain.unwrap_or_default()),
            (None, Some(html)) => html,
        };
        match self.file.filter(|_| inline.is_none()) {
            None => body,
            // The name of a file is plain by construction.
            Some(file) => {
                let place = format!("attachment;\r\n filename=\"{}\"", file.name);
                several("mixed", "", &[body, file_part(file, &place)])
            }
        }
    }
}

/// `name <address>`, each on a line of its own.
fn mailbox(one: &Mailbox) -> String {
    match &one.name {
        None => format!("<{}>", one.address),
        Some(name) if is_plain(name) && name.len() < LINE / 2 => {
            format!("\"{}\"\r\n <{}>", name.replace('\\', "\\\\").replace('"', "\\\""), one.address)
        }
        Some(name) => format!("{}\r\n <{}>", words(name), one.address),
    }
}

/// Whether it stands in a head as it is.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~')) && !text.contains("=?")
}

/// A text of a head that begins at this column, on lines that begin with a blank of the text.
fn unstructured(text: &str, mut column: usize) -> String {
    // Some programs lose one of several blanks where a line ends.
    if !is_plain(text) || text.contains("  ") || text.split(' ').any(|word| word.len() > LINE) {
        return words(text);
    }
    let mut out = String::new();
    for (index, word) in text.split(' ').enumerate() {
        if index > 0 {
            if column + 1 + word.len() > LINE {
                out.push_str("\r\n");
                column = 0;
            }
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += word.len();
    }
    out
}

/// As encoded words, each of whole characters.
fn words(text: &str) -> String {
    let (mut all, mut rest) = (Vec::new(), text);
    while !rest.is_empty() {
        let end = (0..=WORD.min(rest.len())).rfind(|at| rest.is_char_boundary(*at)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        all.push(format!("=?utf-8?B?{}?=", BASE64_STANDARD.encode(word)));
        rest = after;
    }
    all.join("\r\n ")
}

/// A text and the name of its encoding: readable where most of it is ASCII, else the shorter one.
fn encoded(text: &str) -> (&'static str, String) {
    let text = text.replace("\r\n", "\n").replace('\r', "\n").replace('\n', "\r\n");
    if text.bytes().filter(|byte| !byte.is_ascii()).count() > text.len() / 6 {
        return ("base64", in_base64(text.as_bytes()));
    }
    let lines: Vec<String> = text.split("\r\n").map(quoted_printable).collect();
    ("quoted-printable", lines.join("\r\n"))
}

/// A line (RFC 2045, section 6.7); one that is too long goes on behind an equals sign.
fn quoted_printable(line: &str) -> String {
    let (mut out, mut column) = (String::new(), 0);
    for (at, byte) in line.bytes().enumerate() {
        let is_last = at + 1 == line.len();
        let stays = matches!(byte, b'!'..=b'<' | b'>'..=b'~') || matches!(byte, b' ' | b'\t') && !is_last;
        let width = if stays { 1 } else { 3 };
        if column + width >= LINE {
            out.push_str("=\r\n");
            column = 0;
        }
        match stays {
            true => out.push(char::from(byte)),
            false => out.push_str(&format!("={byte:02X}")),
        }
        column += width;
    }
    out
}

fn in_base64(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() / 54 * 74 + LINE);
    for line in bytes.chunks(LINE / 4 * 3) {
        if !out.is_empty() {
            out.push_str("\r\n");
        }
        BASE64_STANDARD.encode_string(line, &mut out);
    }
    out
}
