//! `email`: a message by SMTP, as text and as HTML, with its picture inside.
//!
//! Source: RFC 5321 and RFC 6409 for the way, RFC 5322, 2045 to 2047, 2387 and 3834 for the message. Nothing limits a
//! subject or a text; mail programs show some 100 characters of a subject, and Gmail cuts HTML off after 102 KB. What
//! goes over the wire is made by `request`: a card is `subject`, `text` and `html`.

mod canned_responses;
mod card;
mod mailbox;
mod mime;
mod rules;

pub(super) use rules::refuses;

use super::cut::Markup;
use super::escape::{LinkForm, TextMarkup, html_entity};
use super::limits::{Unit, fit, flatten};
use super::{
    Answer, Degradation, Description, Envelope, Example, InClear, MissingValue, Outcome, Platform,
    PlatformOption, Rate, RenderedMessage, Request, Target, trim,
};
use crate::json::json;
use crate::message::{Context, Notice};
use crate::secret::Secret;
use mailbox::Mailbox;
use mime::{Mail, PICTURE};
use percent_encoding::percent_decode_str;
use serde_json::Value;
use std::borrow::Cow;
use std::ops::RangeInclusive;
use url::Url;

const SUBJECT: usize = 250;
const TEXT: usize = 100_000;
const HTML: usize = 100_000;
/// Many servers take 10 MB, of which base64 makes 7.
const FILE: u64 = 7 * 1024 * 1024;
const FILES: RangeInclusive<u64> = 1..=FILE;

pub(super) struct Email;

static DESCRIPTION: Description = Description {
    name: "email",
    aliases: &["mail", "smtp"],
    scheme: "smtp",
    options: &[
        PlatformOption {
            name: "from",
            form: "an address, as `Taskbell <farm@example.com>`",
            accepts: |_| true,
            required: true,
            secret: false,
            meaning: "The sender.",
        },
        PlatformOption {
            name: "to",
            form: "an address, or a list of at most 100",
            accepts: |_| true,
            required: true,
            secret: false,
            meaning: "The recipients. They get one message, and see each other.",
        },
        PlatformOption {
            name: "password",
            form: "a text",
            accepts: |value| !value.is_empty(),
            required: false,
            secret: true,
            meaning: "The password of the user in `url`.",
        },
        PlatformOption {
            name: "starttls",
            form: "`required` or `optional`",
            accepts: |value| matches!(value, "required" | "optional"),
            required: false,
            secret: false,
            meaning: "Whether an `smtp` URL may do without TLS where the server offers none. Without this key it may \
                      if the server is on this machine. No password goes to another machine without TLS.",
        },
    ],
    rates: &[Rate::new(10, 60_000)],
    markup: Some(|spot| spot.is_at(&["html"]).then_some(&HTML_TEXT)),
    file_limit: Some(FILE),
    document_sizes: Some(FILES),
    responses: canned_responses::RESPONSES,
    faults: rules::faults,
    example: Example { target: "", options: &[("from", "farm@example.com"), ("to", "artist@example.com")] },
    ..Description::BASE
};

/// An attribute may have quotes of either kind.
static HTML_TEXT: TextMarkup = TextMarkup {
    escape: |_, c, _| html_entity(c),
    in_code: None,
    links: LinkForm::Bare,
    in_url: |_, c, _| html_entity(c),
};

impl Platform for Email {
    fn description(&self) -> &Description {
        &DESCRIPTION
    }

    fn recognises(&self, url: &Url) -> bool {
        is_mail(url)
    }

    fn missing_value(&self, target: &Target) -> Option<MissingValue> {
        let url = target.url.expose();
        let option = |name| target.option(name).unwrap_or_default();
        if !is_mail(url) {
            return Some((
                "url",
                "`email` goes by SMTP: write `smtps://user@host` or `smtp://user@host`".to_owned(),
            ));
        }
        if !matches!(url.path(), "" | "/") || url.query().is_some() {
            return Some(("url", "a URL of SMTP has nothing after its host and port".to_owned()));
        }
        let senders = mailbox::read(option("from"));
        let fault = |key, fault: String| Some((key, fault));
        match senders {
            Err(words) => return fault("from", words),
            Ok(senders) if senders.len() > 1 => return fault("from", "a message has one sender".to_owned()),
            Ok(_) => {}
        }
        if let Err(words) = mailbox::read(option("to")) {
            return fault("to", words);
        }
        let (has_user, has_password) = (!url.username().is_empty(), password(target).is_some());
        match (has_user, has_password) {
            (true, false) => fault("password", "this key is missing: `url` names a user".to_owned()),
            (false, true) => {
                let words = "put the user in front of the host in `url`, as `smtps://user@host`: `password` needs one";
                fault("url", words.to_owned())
            }
            (true, true) if url.scheme() == "smtp" && option("starttls") == "optional" => {
                let words =
                    "no password goes out without TLS: leave `starttls` out, or the user and the password";
                fault("starttls", words.to_owned())
            }
            _ => None,
        }
    }

    fn odd_value(&self, target: &Target) -> Option<(&'static str, &'static str)> {
        let url = target.url.expose();
        let words = match (url.scheme(), url.port()) {
            ("smtp", Some(465)) => "port 465 speaks TLS from the first byte: write `smtps://`",
            ("smtps", Some(25 | 587)) => "ports 25 and 587 begin in clear and change to TLS: write `smtp://`",
            _ if target.option("starttls") == Some("optional") => {
                return Some(("starttls", "where the server offers no TLS, messages go out in clear"));
            }
            _ => return None,
        };
        Some(("url", words))
    }

    fn layout(&self, notice: &Notice, context: &Context, _target: &Target) -> Value {
        card::card(notice, context)
    }

    fn request<'a>(&self, target: &Target, message: &RenderedMessage<'a>) -> Request<'a> {
        let mut request = self.base_request(target, message);
        let read = |name| mailbox::read(target.option(name).unwrap_or_default()).unwrap_or_default();
        let (senders, to) = (read("from"), read("to"));
        // A message in the spool may have been rendered when the endpoint belonged to another platform.
        let body = message.json().filter(Value::is_object);
        let body = body.unwrap_or_else(|| json!({"text": String::from_utf8_lossy(message.body)}));
        let part = |name: &str| body[name].as_str().filter(|text| !text.trim().is_empty());
        let is_picture = message.file.is_some_and(|file| self.is_picture(file));
        let html = part("html").map(|html| if is_picture { with_picture(html) } else { Cow::Borrowed(html) });
        // Only one line of a head may come of it, whatever is in it.
        let subject = fit(part("subject").unwrap_or(message.kind), SUBJECT, Unit::CodePoints, flatten);
        let nobody = Mailbox { name: None, address: String::new() };
        let mail = Mail {
            from: senders.first().unwrap_or(&nobody),
            to: &to,
            event_id: message.event_id,
            run: message.live.map(|live| live.first),
            created_at: message.created_at,
            subject: subject.trim(),
            text: part("text"),
            html: html.as_deref(),
            file: message.file,
            is_picture,
        };
        request.body = Cow::Owned(mail.write());
        request.content_type = Cow::Borrowed("message/rfc822");
        request.envelope = Some(Envelope {
            from: mail.from.address.clone(),
            to: to.iter().map(|one| one.address.clone()).collect(),
            login: login(target),
            in_clear: match target.option("starttls") {
                Some("optional") => InClear::Anywhere,
                Some(_) => InClear::Never,
                None => InClear::Locally,
            },
        });
        request
    }

    /// The text alone, and less of it.
    fn degrade(&self, body: &Value, how: Degradation) -> Option<Value> {
        if how < Degradation::NoMarkup {
            return None;
        }
        let most = if how == Degradation::Shorter { SHORT } else { TEXT };
        let text = body["text"].as_str().map(str::to_owned).or_else(|| trim::gathered(body))?;
        let mut plain = json!({"text": fit(&text, most, Unit::Bytes, |_| None)});
        if body["subject"].is_string() {
            plain["subject"] = body["subject"].clone();
        }
        (plain != *body).then_some(plain)
    }

    fn trim(&self, body: &mut Value) {
        trim::each(body, &["subject"], &mut |node| {
            if let Some(text) = node.as_str() {
                *node = json!(fit(text, SUBJECT, Unit::CodePoints, flatten));
            }
        });
        trim::cut(body, &["text"], TEXT, Unit::Bytes);
        trim::cut_marked(body, &["html"], HTML, Unit::Bytes, Markup::Tags);
    }

    fn took(&self, answer: &Answer) -> Result<(), &'static str> {
        if answer.status == 250 { Ok(()) } else { Err("not 250") }
    }

    /// 5yz is for good, and all else for now (RFC 5321, section 4.2.1).
    fn unknown(&self, answer: &Answer, _is_coded: bool, _reason: String) -> Outcome {
        let status = answer.status;
        match status {
            500..=599 => Outcome::Final(format!("answered {status}: the server refuses it")),
            _ => Outcome::Retry(format!("answered {status}: the server does not take it now")),
        }
    }
}

/// The most of a text that a server found too long.
const SHORT: usize = 1000;

fn is_mail(url: &Url) -> bool {
    matches!(url.scheme(), "smtp" | "smtps")
}

fn password(target: &Target) -> Option<Secret> {
    let in_url = || {
        target.url.expose().password().map(|text| percent_decode_str(text).decode_utf8_lossy().into_owned())
    };
    target.option("password").map(str::to_owned).or_else(in_url).map(Secret::new)
}

fn login(target: &Target) -> Option<(Secret, Secret)> {
    let user = percent_decode_str(target.url.expose().username()).decode_utf8_lossy().into_owned();
    Some((Secret::new(user), password(target)?))
}

/// The HTML with the picture: where it names it, else where the card has a place for it, else at its end.
fn with_picture(html: &str) -> Cow<'_, str> {
    if html.contains(PICTURE) {
        return Cow::Borrowed(html);
    }
    let picture = format!("<p><img src=\"{PICTURE}\" alt=\"\" style=\"max-width:100%\"></p>");
    let at = html.find(card::PLACE).or_else(|| html.rfind("</body>")).unwrap_or(html.len());
    let (before, after) = html.split_at(at);
    Cow::Owned([before, &picture, after].concat())
}

#[cfg(test)]
pub(super) mod tests;
