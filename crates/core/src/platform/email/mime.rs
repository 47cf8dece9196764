//! The message as it goes over the wire: RFC 5322 with MIME, by `mail-builder`, which encodes and folds what it is
//! given. Every attempt writes the same bytes.

use super::mailbox::Mailbox;
use crate::hash::sha256_hex;
use crate::platform::Attachment;
use mail_builder::MessageBuilder;
use mail_builder::headers::address::Address;
use mail_builder::headers::content_type::ContentType;
use mail_builder::headers::date::Date;
use mail_builder::headers::raw::Raw;
use mail_builder::mime::MimePart;

/// How the picture is named in the HTML, as `cid:picture`, until its real name is known.
pub(super) const PICTURE: &str = "cid:picture";

/// What a message is made of. The texts are whole; a subject has one line.
pub(super) struct Mail<'a> {
    pub from: &'a Mailbox,
    pub to: &'a [Mailbox],
    pub event_id: &'a str,
    /// The same on every attempt, in Unix milliseconds.
    pub created_at: i64,
    pub subject: &'a str,
    pub text: Option<&'a str>,
    pub html: Option<&'a str>,
    pub file: Option<&'a Attachment>,
    pub is_picture: bool,
}

impl Mail<'_> {
    /// The `Message-ID`: the event's, and a hash, since one event may go to several endpoints, and in several messages
    /// to one. Mail programs hide a second message with the same id.
    fn id(&self) -> String {
        let host = self.from.address.rsplit('@').next().unwrap_or_default();
        let to: Vec<&str> = self.to.iter().map(|one| one.address.as_str()).collect();
        let (text, html) = (self.text.unwrap_or_default(), self.html.unwrap_or_default());
        let content = [&to.join(","), self.subject, text, html].join("\0");
        format!("{}.{}@{host}", self.event_id, sha256_hex(content, 16))
    }

    pub fn write(&self) -> Vec<u8> {
        let id = self.id();
        let address = |one: &Mailbox| Address::new_address(one.name.clone(), one.address.clone());
        let message = MessageBuilder::new()
            .from(address(self.from))
            .to(Address::new_list(self.to.iter().map(address).collect()))
            .subject(self.subject.to_owned())
            .date(Date { date: self.created_at.div_euclid(1000) })
            .message_id(id.clone())
            // RFC 3834: no program answers with a note of absence.
            .header("Auto-Submitted", Raw::new("auto-generated"))
            .body(self.body(&id));
        let mut bytes = Vec::new();
        message.serialize(&mut bytes);
        if !bytes.ends_with(b"\r\n") {
            bytes.extend_from_slice(b"\r\n");
        }
        bytes
    }

    fn body(&self, id: &str) -> MimePart<'_> {
        // No text can hold a hash of itself.
        let boundary = |kind: &str| format!("{kind}-{}", sha256_hex(id, 32));
        let several = |kind: &'static str, parts: Vec<MimePart<'static>>| {
            let name = kind.rsplit('/').next().unwrap_or_default();
            MimePart::new(ContentType::new(kind).attribute("boundary", boundary(name)), parts)
        };
        let inline = self.file.filter(|_| self.is_picture && self.html.is_some());
        let html = self.html.map(|html| {
            let cid = format!("picture.{id}");
            let html = MimePart::new("text/html", html.replace(PICTURE, &format!("cid:{cid}")));
            match inline {
                None => html,
                Some(file) => {
                    let picture = MimePart::new(file.media, file.bytes.clone()).inline().cid(cid);
                    several("multipart/related", vec![html, picture])
                }
            }
        });
        let text = |text: &str| MimePart::new("text/plain", text.to_owned());
        let body = match (self.text, html) {
            (Some(plain), Some(html)) => several("multipart/alternative", vec![text(plain), html]),
            (plain, None) => text(plain.unwrap_or_default()),
            (None, Some(html)) => html,
        };
        match self.file.filter(|_| inline.is_none()) {
            None => body,
            Some(file) => {
                let part = MimePart::new(file.media, file.bytes.clone()).attachment(file.name.clone());
                several("multipart/mixed", vec![body, part])
            }
        }
    }
}
