//! What a message is on the way, read by another library than the one that writes it.

use crate::message::Tone;
use crate::platform::tests::*;
use crate::platform::{Attachment, InClear, Live, ReceivedRequest, RenderedMessage};
use mail_parser::{Message, MessageParser, MimeHeaders, PartType};
use proptest::prelude::*;

pub(in crate::platform) static TRIAL: Trial = Trial {
    urls: &["smtps://mail.example.com", "smtp://farm@mail.example.com:2525"],
    pace: (&[(10, 60_000)], 1),
    check_card,
    refuse_sent,
    // A message has no limit; what is too long for readers is cut all the same.
    has_no_limit: true,
    templates,
};

const KEYS: &[(&str, &str)] =
    &[("from", "渲染 <farm@example.com>"), ("to", "Ada <ada@example.com>, bo@bücher.example")];

fn mail_of(body: &Value, file: Option<&Attachment>) -> String {
    sent(&to("email", "smtp://mail.example.com", KEYS), body, file).2
}

fn parsed(mail: &str) -> Message<'_> {
    MessageParser::new().parse(mail).unwrap()
}

#[test]
fn the_reply_of_a_server_says_whether_to_try_again() {
    for (status, body, outcome) in [
        (250, "DATA: 250 2.0.0 Ok", "delivered"),
        (252, "DATA: 252 ?", "retry"),
        (354, "DATA: 354 go on", "retry"),
        (421, "greeting: 421 4.3.2 shutting down", "retry"),
        (450, "RCPT TO:<a@b.example>: 450 4.2.0 greylisted", "retry"),
        (451, "DATA: 451 4.3.0 error", "retry"),
        (452, "MAIL FROM: 452 4.3.1 no space", "retry"),
        (454, "AUTH: 454 4.7.0 later", "retry"),
        (500, "EHLO: 500 5.5.1 what?", "final"),
        (530, "MAIL FROM: 530 5.7.0 authenticate first", "final"),
        (535, "AUTH: 535 5.7.8 wrong", "final"),
        (550, "RCPT TO:<a@b.example>: 550 5.1.1 no such user", "final"),
        (552, "MAIL FROM: 552 5.3.4 message size exceeds", "plainer NoImage"),
        (552, "RCPT TO:<a@b.example>: 552 5.2.2 mailbox full", "final"),
        (554, "DATA: 554 5.7.1 spam", "final"),
        (556, "RCPT TO:<a@b.example>: 556 5.1.10 takes no mail", "final"),
    ] {
        assert_eq!(read("email", status, &[], body), outcome, "{status} {body}");
    }
}

#[test]
fn a_message_is_text_and_html_under_a_head_that_every_attempt_repeats() {
    let body = json!({"subject": "✅ 队列结束 · 198/200", "text": "line\n.\n渲染", "html": "<p>渲染 &amp; <b>x</b></p>"});
    let mail = mail_of(&body, None);
    assert_eq!(mail, mail_of(&body, None));
    let read = parsed(&mail);
    assert_eq!(read.subject(), Some("✅ 队列结束 · 198/200"));
    let from = read.from().unwrap().first().unwrap();
    assert_eq!((from.name.as_deref(), from.address.as_deref()), (Some("渲染"), Some("farm@example.com")));
    let to: Vec<_> = read.to().unwrap().iter().filter_map(|one| one.address.as_deref()).collect();
    assert_eq!(to, ["ada@example.com", "bo@xn--bcher-kva.example"]);
    assert_eq!(read.date().unwrap().to_timestamp(), ATTEMPT_MS / 1000 - 5);
    let id = read.message_id().unwrap();
    assert!(id.starts_with("evt_01.") && id.ends_with("@example.com"), "{id}");
    assert_eq!(read.header_raw("Auto-Submitted").map(str::trim), Some("auto-generated"));
    assert_eq!(read.body_text(0).unwrap().replace("\r\n", "\n").trim_end(), "line\n.\n渲染");
    assert_eq!(read.body_html(0).unwrap().trim_end(), "<p>渲染 &amp; <b>x</b></p>");
    assert_eq!(read.content_type().unwrap().subtype(), Some("alternative"));
    let other = mail_of(&json!({"subject": "another", "text": "t"}), None);
    assert_ne!(parsed(&other).message_id(), Some(id), "two messages of one event");
}

#[test]
fn a_picture_is_shown_inside_the_html_and_a_document_is_attached() {
    let body = json!({"subject": "s", "text": "t", "html": "<body><p>h</p></body>"});
    let mail = mail_of(&body, Some(&picture()));
    let read = parsed(&mail);
    let html = read.body_html(0).unwrap();
    let cid = html.split("src=\"cid:").nth(1).unwrap().split('"').next().unwrap();
    let part =
        read.parts.iter().find(|part| matches!(part.body, PartType::Binary(_) | PartType::InlineBinary(_)));
    let part = part.unwrap();
    assert_eq!((part.content_id(), part.contents()), (Some(cid), picture().bytes.as_slice()));
    assert!(mail.contains("multipart/related") && mail.contains("Content-Disposition: inline"), "{mail}");
    assert!(html.contains("</p></body>"), "{html}");
    let named = mail_of(&json!({"html": "<img src=\"cid:picture\">z"}), Some(&picture()));
    assert_eq!(parsed(&named).body_html(0).unwrap().matches("<img").count(), 1);
    let mail = mail_of(&body, Some(&document()));
    let read = parsed(&mail);
    let part = read.attachment(0).unwrap();
    assert_eq!((part.attachment_name(), part.contents()), (Some("run.log"), &b"epoch 1"[..]));
    assert!(mail.contains("multipart/mixed") && !read.body_html(0).unwrap().contains("cid:"), "{mail}");
}

#[test]
fn the_states_of_a_run_are_one_thread_in_a_mail_program() {
    let to = to("email", "smtp://mail.example.com", KEYS);
    let mail = |event_id: &str, subject: &str| {
        let body = json!({"subject": subject, "text": "t"}).to_string();
        let live = Some(Live { first: "evt_01", message: None });
        let state = RenderedMessage { event_id, live, ..message(body.as_bytes(), None) };
        String::from_utf8(to.platform.request(&to.target, &state).body.into_owned()).unwrap()
    };
    let (first, last, other) =
        (mail("evt_01", "Queue started"), mail("evt_02", "all done"), mail("evt_03", "x"));
    let root = parsed(&first).message_id().unwrap().to_owned();
    assert!(root.starts_with("evt_01.") && parsed(&first).in_reply_to().as_text().is_none(), "{first}");
    for later in [&last, &other] {
        let read = parsed(later);
        let ids = (read.in_reply_to().as_text(), read.references().as_text());
        assert_eq!(ids, (Some(root.as_str()), Some(root.as_str())), "{later}");
        assert_ne!(read.message_id(), Some(root.as_str()));
    }
    assert_ne!(parsed(&last).message_id(), parsed(&other).message_id());
}

#[test]
fn a_head_has_short_lines_whatever_is_in_it() {
    for subject in [
        "a".repeat(200),
        "ab ".repeat(80),
        "渲染".repeat(60),
        "=?utf-8?B?eA==?=".into(),
        format!("a  {}  b", "c".repeat(70)),
    ] {
        let mail = mail_of(&json!({"subject": subject, "text": "t"}), None);
        let (head, _) = mail.split_once("\r\n\r\n").unwrap();
        assert!(head.split("\r\n").all(|line| line.len() <= 78 && !line.trim().is_empty()), "{head}");
        assert_eq!(parsed(&mail).subject(), Some(subject.trim()));
    }
}

#[test]
fn the_envelope_has_the_addresses_and_the_login_of_the_url() {
    let mail = |url: &str, keys: &[(&'static str, &str)]| {
        let to = to("email", url, &[KEYS, keys].concat());
        let request = to.platform.request(&to.target, &message(b"{\"text\":\"t\"}", None));
        request.envelope.unwrap()
    };
    let plain = mail("smtp://mail.example.com", &[("starttls", "optional")]);
    assert_eq!(
        (plain.from.as_str(), plain.login, plain.in_clear),
        ("farm@example.com", None, InClear::Anywhere)
    );
    assert_eq!(plain.to, ["ada@example.com", "bo@xn--bcher-kva.example"]);
    assert_eq!(mail("smtp://localhost", &[("starttls", "required")]).in_clear, InClear::Never);
    let login = |envelope: crate::platform::Envelope| {
        let (user, password) = envelope.login.unwrap();
        (user.expose().to_owned(), password.expose().to_owned(), envelope.in_clear)
    };
    let given = mail("smtps://farm%40example.com@mail.example.com", &[("password", "p w")]);
    assert_eq!(login(given), ("farm@example.com".into(), "p w".into(), InClear::Locally));
    assert_eq!(
        login(mail("smtps://farm:p%20w@mail.example.com", &[])),
        ("farm".into(), "p w".into(), InClear::Locally)
    );
}

#[test]
fn what_cannot_be_sent_by_mail_is_said_before() {
    let said = |url: &str, keys: &[(&'static str, &str)]| {
        let mut all = vec![("from", "a@b.example"), ("to", "c@d.example")];
        all.retain(|(name, _)| keys.iter().all(|(key, _)| key != name));
        all.extend_from_slice(keys);
        let to = to("email", url, &all);
        to.platform.missing_value(&to.target).map(|(key, words)| format!("{key}: {words}"))
    };
    assert_eq!(said("smtps://mail.example.com", &[]), None);
    for (url, keys, words) in [
        ("https://mail.example.com", vec![], "url: `email` goes by SMTP"),
        ("smtp://mail.example.com/x", vec![], "url: a URL of SMTP has nothing"),
        ("smtp://mail.example.com", vec![("from", "farm")], "from: `farm` is not an address"),
        (
            "smtp://mail.example.com",
            vec![("from", "a@b.example, c@d.example")],
            "from: a message has one sender",
        ),
        (
            "smtp://mail.example.com",
            vec![("to", "ä@b.example")],
            "to: `ä@b.example` has letters other than ASCII",
        ),
        ("smtp://farm@mail.example.com", vec![], "password: this key is missing"),
        ("smtp://mail.example.com", vec![("password", "x")], "url: put the user in front"),
        (
            "smtp://farm@mail.example.com",
            vec![("password", "x"), ("starttls", "optional")],
            "starttls: no password goes out without TLS",
        ),
    ] {
        let fault = said(url, &keys).unwrap_or_default();
        assert!(fault.starts_with(words), "{url} {keys:?}: {fault}");
    }
}

#[test]
fn a_template_without_a_subject_has_the_type_of_its_event() {
    let mail = mail_of(&json!({"text": "t"}), None);
    let read = parsed(&mail);
    assert_eq!((read.subject(), read.body_text(0).unwrap().trim_end()), (Some("task.complete"), "t"));
    let to = to("email", "smtp://mail.example.com", KEYS);
    let old = RenderedMessage { content_type: "text/plain", ..message(b"no json", None) };
    let mail = String::from_utf8(to.platform.request(&to.target, &old).body.into_owned()).unwrap();
    assert_eq!(parsed(&mail).body_text(0).unwrap().trim_end(), "no json");
}

#[test]
fn a_card_says_good_or_bad_in_its_subject_and_its_facts_in_a_table() {
    let mut bad = notice("Task failed");
    bad.tone = Tone::Bad;
    bad.details = Some("Traceback <b>".to_owned());
    let card = card_of("email", &bad, &[]);
    assert_eq!(card["subject"], "❌ Task failed");
    assert_eq!(
        card["text"],
        "• frame-07: out of memory\n\nTasks: 12\n\nOpen: https://render-07.example.com/out/(1).png\n\n\
         Traceback <b>\n\nh\n"
    );
    let html = text(&card["html"]);
    for part in
        [">Tasks</td><td>12</td>", "<li>frame-07: out of memory</li>", "Traceback &lt;b&gt;</pre>", "#e01e5a"]
    {
        assert!(html.contains(part), "{part}: {html}");
    }
}

#[test]
fn what_goes_out_is_what_a_server_takes_that_looks_closely() {
    let mail = mail_of(&json!({"subject": "s", "text": "t"}), None);
    let judge = |mail: &str| {
        let headers = head_of(mail);
        let request = ReceivedRequest {
            method: "MAIL",
            target: "",
            headers: &headers,
            body: mail.as_bytes(),
            uploaded: false,
            messages: &[],
        };
        crate::platform::email::refuses(&request)
    };
    assert_eq!(judge(&mail), None);
    for bad in [
        mail.replace("\r\n", "\n"),
        mail.replace("Subject: s\r\n", ""),
        mail.replace("Subject: s\r\n", "Subject: s\r\nSubject: s\r\n"),
        mail.replace("Subject: s", "Subject: ü"),
        mail.replace("Subject: s", &format!("Subject: {}", "s".repeat(1000))),
        mail.replace("Subject: s", "Subject: s\rx"),
    ] {
        assert_eq!(judge(&bad), Some("554"), "{bad}");
    }
}

proptest! {
    #![proptest_config(crate::property::cases(64))]

    #[test]
    fn no_text_of_an_event_adds_a_header_or_is_lost(subject in hostile(), text in hostile(), html in hostile()) {
        let body = json!({"subject": subject, "text": text, "html": html});
        let mail = mail_of(&body, Some(&picture()));
        prop_assert_eq!(refuse_sent(mail.as_bytes()), Ok(()));
        let read = parsed(&mail);
        let plain = |text: &str| text.replace("\r\n", "\n").replace('\r', "\n").trim_end().to_owned();
        if !text.trim().is_empty() {
            prop_assert_eq!(plain(&read.body_text(0).unwrap()), plain(&text));
        }
    }
}

/// The names and values of the head, in order.
fn head_of(mail: &str) -> Vec<(String, String)> {
    let read = parsed(mail);
    let headers = read.headers_raw().map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()));
    headers.collect()
}

fn check_card(card: &Value) {
    let subject = text(&card["subject"]);
    assert!((1..=250).contains(&subject.chars().count()) && !subject.contains(['\n', '\r']), "{subject}");
    let (text, html) = (text(&card["text"]), text(&card["html"]));
    assert!(text.len() <= 100_000 && html.len() <= 100_000, "{} {}", text.len(), html.len());
    // Only the tags of the card: each begins where the card has it.
    for tag in html.split('<').skip(1) {
        let name = tag.trim_start_matches('/').split(['>', ' ']).next().unwrap();
        let own = [
            "!doctype",
            "!--picture--",
            "html",
            "body",
            "div",
            "h2",
            "p",
            "b",
            "ul",
            "li",
            "table",
            "tr",
            "td",
            "blockquote",
            "img",
            "a",
            "pre",
        ];
        assert!(own.contains(&name), "{name} in {html}");
    }
}

/// RFC 5321 and 5322: seven bits, lines with both characters at their end, and the head that the message was given.
fn refuse_sent(sent: &[u8]) -> Result<(), String> {
    let mail = std::str::from_utf8(sent).map_err(|error| error.to_string())?;
    if !mail.is_ascii() || mail.replace("\r\n", "").contains(['\r', '\n']) {
        return Err("not lines of ASCII".to_owned());
    }
    if let Some(line) = mail.split("\r\n").find(|line| line.len() > 998) {
        return Err(format!("a line of {} bytes", line.len()));
    }
    let names: Vec<String> = head_of(mail).into_iter().map(|(name, _)| name).collect();
    let head =
        ["from", "to", "subject", "date", "message-id", "auto-submitted", "mime-version", "content-type"];
    let names: Vec<&str> =
        names.iter().map(String::as_str).filter(|name| *name != "content-transfer-encoding").collect();
    if names == head { Ok(()) } else { Err(format!("the head has {names:?}")) }
}

fn templates() -> Vec<Value> {
    vec![
        json!({"subject": HUGE, "text": HUGE, "html": format!("<p>{HUGE}</p><a href=\"https://x.example/?{HUGE}\">x</a>")}),
        json!({"text": HUGE}),
        json!({"html": HUGE}),
    ]
}
