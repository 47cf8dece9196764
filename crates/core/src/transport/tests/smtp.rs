//! SMTP against scripted servers that know the dialogue.

use super::certificates::Authority;
use super::*;
use crate::platform::{Envelope, InClear};
use crate::secret::Secret;
use crate::transport::TransportErrorKind;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

const MESSAGE: &[u8] = b"Subject: x\r\n\r\n.hidden\r\n";

/// What every server says to a line that the test does not care about.
fn usual(line: &str) -> String {
    let reply = match line.split([' ', ':']).next().unwrap_or_default() {
        "" => "220 mail.test ready",
        "EHLO" => "250-mail.test\r\n250-SIZE 1000000\r\n250-AUTH LOGIN PLAIN\r\n250 HELP",
        "AUTH" => "235 2.7.0 welcome",
        "DATA" => "354 go on",
        "STARTTLS" => "220 go on",
        _ => "250 2.0.0 Ok: queued as 4F1A2",
    };
    format!("{reply}\r\n")
}

/// Talks with one client, which gets the reply to each line; the end of a message is the line `.`. What it sent is
/// written down, a message as one text.
fn talk(
    mut stream: impl Read + Write,
    heard: &Mutex<Vec<String>>,
    answer: &dyn Fn(&str) -> String,
) -> Option<()> {
    stream.write_all(answer("").as_bytes()).ok()?;
    let mut reader = BufReader::new(stream);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let said = line.trim_end_matches("\r\n").to_owned();
        heard.lock().unwrap().push(said.clone());
        let reply = answer(&said);
        reader.get_mut().write_all(reply.as_bytes()).ok()?;
        if said == "STARTTLS" && reply.starts_with("220") {
            return Some(());
        }
        if said == "DATA" && reply.starts_with("354") {
            let mut message = String::new();
            while !message.ends_with("\r\n.\r\n") {
                reader.read_line(&mut message).ok()?;
            }
            heard.lock().unwrap().push(message);
            reader.get_mut().write_all(answer(".").as_bytes()).ok()?;
        }
    }
}

struct Mailer {
    server: Server,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Mailer {
    fn new(answer: impl Fn(&str) -> String + Send + Sync + 'static) -> Mailer {
        Mailer::with_tls(None, answer)
    }

    /// With a configuration of TLS it shakes hands after `STARTTLS`.
    fn with_tls(
        tls: Option<Arc<ServerConfig>>,
        answer: impl Fn(&str) -> String + Send + Sync + 'static,
    ) -> Mailer {
        let heard: Arc<Mutex<Vec<String>>> = Arc::default();
        let notes = Arc::clone(&heard);
        let server = Server::scripted(move |_, stream| {
            let upgraded = talk(&mut *stream, &notes, &answer);
            if let (Some(()), Some(tls)) = (upgraded, &tls) {
                let connection = ServerConnection::new(Arc::clone(tls)).unwrap();
                // It greets once, in clear.
                let secured = |line: &str| if line.is_empty() { String::new() } else { answer(line) };
                talk(StreamOwned::new(connection, stream), &notes, &secured);
            }
        });
        Mailer { server, heard }
    }

    fn url(&self, host: &str) -> String {
        format!("smtp://{host}:{}", self.server.address.port())
    }

    fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }

    fn send(&self, envelope: &Envelope) -> Result<Answer, TransportError> {
        let url = self.url("127.0.0.1");
        mail(&client(&url, |_| {}), &url, envelope)
    }
}

fn mail(client: &Client, url: &str, envelope: &Envelope) -> Result<Answer, TransportError> {
    client.mail(&Url::parse(url).unwrap(), envelope, MESSAGE).0
}

fn to(recipients: &[&str]) -> Envelope {
    let to = recipients.iter().map(|text| (*text).to_owned()).collect();
    Envelope { from: "farm@example.com".to_owned(), to, login: None, in_clear: InClear::Locally }
}

fn with_login(envelope: Envelope) -> Envelope {
    Envelope { login: Some((Secret::new("farm"), Secret::new("s3cret-pass"))), ..envelope }
}

fn said(answer: &Answer) -> &str {
    std::str::from_utf8(&answer.body).unwrap()
}

#[test]
fn a_message_goes_over_starttls_with_its_login_in_one_transaction() {
    let authority = Authority::new();
    let tls = authority.server_config(&authority.issue("localhost", |_| {}), false);
    let server = Mailer::with_tls(Some(tls), |line| {
        if line.starts_with("EHLO") {
            "250-mail.test\r\n250-STARTTLS\r\n250 AUTH PLAIN\r\n".into()
        } else {
            usual(line)
        }
    });
    let url = server.url("localhost");
    let client = client(&url, |endpoint| endpoint.tls.ca = authority.pem());
    let envelope = with_login(to(&["ada@example.com", "bo@example.com"]));
    let (answer, phases) = client.mail(&Url::parse(&url).unwrap(), &envelope, MESSAGE);
    let answer = answer.unwrap();
    assert_eq!((answer.status, said(&answer)), (250, "DATA: 250 2.0.0 Ok: queued as 4F1A2"));
    assert!(phases.tls_us > 0 && phases.resolve_us > 0 && phases.first_byte_us > 0);
    wait_until("QUIT", || server.heard().last().is_some_and(|line| line == "QUIT"));
    let mut heard = server.heard();
    assert!(heard.remove(0).starts_with("EHLO [") && heard.remove(1).starts_with("EHLO ["), "{heard:?}");
    let expected = [
        "STARTTLS",
        "AUTH PLAIN AGZhcm0AczNjcmV0LXBhc3M=",
        "MAIL FROM:<farm@example.com>",
        "RCPT TO:<ada@example.com>",
        "RCPT TO:<bo@example.com>",
        "DATA",
        "Subject: x\r\n\r\n..hidden\r\n.\r\n",
        "QUIT",
    ];
    assert_eq!(heard, expected);
}

#[test]
fn another_authority_of_starttls_is_not_trusted_and_nothing_is_sent() {
    let authority = Authority::new();
    let tls = authority.server_config(&authority.issue("localhost", |_| {}), false);
    let server = Mailer::with_tls(Some(tls), |line| {
        if line.starts_with("EHLO") { "250-mail.test\r\n250 STARTTLS\r\n".into() } else { usual(line) }
    });
    let url = server.url("localhost");
    let error = mail(&client(&url, |_| {}), &url, &to(&["a@b.example"])).unwrap_err();
    assert!(error.kind == TransportErrorKind::Tls && error.reason.contains("unknown issuer"), "{error}");
    assert_eq!(server.heard().last().unwrap(), "STARTTLS");
}

#[test]
fn nothing_goes_to_another_machine_in_clear_unless_it_may() {
    let server = Mailer::new(usual);
    let url = server.url("mail.test");
    let client = resolving(&url, everywhere(&["127.0.0.1"]));
    let plain = |envelope| Envelope { in_clear: InClear::Anywhere, ..envelope };
    for envelope in [to(&["a@b.example"]), plain(with_login(to(&["a@b.example"])))] {
        let error = mail(&client, &url, &envelope).unwrap_err();
        assert!(error.kind == TransportErrorKind::Tls && error.reason.contains("no STARTTLS"), "{error}");
    }
    assert!(server.heard().iter().all(|line| line.starts_with("EHLO")), "{:?}", server.heard());
    assert_eq!(mail(&client, &url, &plain(to(&["a@b.example"]))).unwrap().status, 250);
    let never = Envelope { in_clear: InClear::Never, ..to(&["a@b.example"]) };
    let error = server.send(&never).unwrap_err();
    assert!(error.kind == TransportErrorKind::Tls && error.reason.contains("no STARTTLS"), "{error}");
}

#[test]
fn a_refused_recipient_among_others_is_named_and_one_that_may_be_taken_later_is_kept() {
    let server = Mailer::new(|line| match line {
        "RCPT TO:<gone@b.example>" => "550 5.1.1 no such user\r\n".into(),
        "RCPT TO:<busy@b.example>" => "450-4.2.0 greylisted\r\n450 4.2.0 try again\r\n".into(),
        line => usual(line),
    });
    let answer = server.send(&to(&["gone@b.example", "ada@b.example"])).unwrap();
    assert_eq!((answer.status, answer.header("refused")), (250, Some("gone@b.example (550)")));
    let body = "RCPT TO:<gone@b.example>: 550 5.1.1 no such user\nDATA: 250 2.0.0 Ok: queued as 4F1A2";
    assert_eq!(said(&answer), body);
    let answer = server.send(&to(&["gone@b.example", "busy@b.example"])).unwrap();
    assert_eq!((answer.status, answer.header("refused")), (450, None));
    assert_eq!(said(&answer), "RCPT TO:<busy@b.example>: 450 4.2.0 greylisted 4.2.0 try again");
    assert_eq!(server.send(&to(&["gone@b.example"])).unwrap().status, 550);
    assert_eq!(server.heard().iter().filter(|line| *line == "DATA").count(), 1);
}

#[test]
fn each_refusal_is_an_answer_that_names_its_command() {
    for (at, code, step) in [
        ("", 554, "greeting"),
        ("EHLO", 500, "EHLO"),
        ("AUTH", 535, "AUTH"),
        ("MAIL", 552, "MAIL FROM"),
        ("RCPT", 421, "RCPT TO:<a@b.example>"),
        ("DATA", 451, "DATA"),
        (".", 554, "DATA"),
    ] {
        let server = Mailer::new(move |line| {
            let is_meant = line == at || !at.is_empty() && at != "." && line.starts_with(at);
            if is_meant { format!("{code} 5.0.0 no\r\n") } else { usual(line) }
        });
        let answer = server.send(&with_login(to(&["a@b.example"]))).unwrap();
        assert_eq!(
            (answer.status, said(&answer)),
            (code, format!("{step}: {code} 5.0.0 no").as_str()),
            "{at}"
        );
    }
}

#[test]
fn a_password_goes_by_login_where_there_is_no_plain_and_no_reply_shows_it() {
    let server = Mailer::new(|line| match line {
        line if line.starts_with("EHLO") => "250-mail.test\r\n250 AUTH=LOGIN\r\n".into(),
        "AUTH LOGIN" => "334 VXNlcm5hbWU6\r\n".into(),
        "" => usual(""),
        "ZmFybQ==" => "334 UGFzc3dvcmQ6\r\n".into(),
        line => format!("535 5.7.8 I know {line} and s3cret-pass\r\n"),
    });
    let answer = server.send(&with_login(to(&["a@b.example"]))).unwrap();
    assert_eq!(said(&answer), "AUTH: 535 5.7.8 I know [redacted] and [redacted]");
    assert_eq!(server.heard()[3], "czNjcmV0LXBhc3M=");
    let server =
        Mailer::new(|line| if line.starts_with("EHLO") { "250 mail.test\r\n".into() } else { usual(line) });
    let error = server.send(&with_login(to(&["a@b.example"]))).unwrap_err();
    assert!(error.reason.contains("no login by AUTH PLAIN"), "{error}");
}

#[test]
fn replies_that_are_none_end_the_dialogue() {
    for (greeting, words) in [
        ("HTTP/1.1 400 Bad Request\r\n\r\n".to_owned(), "does not speak SMTP"),
        ("220-a\r\n250 b\r\n".to_owned(), "a reply that is not one"),
        (format!("220 {}", "x".repeat(5000)), "endless reply"),
        ("220-x\r\n".repeat(200), "a reply that is not one"),
        ("999 x\r\n".to_owned(), "does not speak SMTP"),
        ("2é0 x\r\n".to_owned(), "does not speak SMTP"),
    ] {
        let server = Mailer::new(move |_| greeting.clone());
        let error = server.send(&to(&["a@b.example"])).unwrap_err();
        assert_eq!(error.kind, TransportErrorKind::Protocol, "{error}");
        assert!(error.reason.contains(words), "{words}: {error}");
    }
    let server = Mailer::new(|line| match line {
        line if line.starts_with("EHLO") => "250-mail.test\r\n250 STARTTLS\r\n".into(),
        "STARTTLS" => "220 go on\r\n250 injected\r\n".into(),
        line => usual(line),
    });
    let error = server.send(&to(&["a@b.example"])).unwrap_err();
    assert!(error.reason.contains("in clear after it agreed to TLS"), "{error}");
}

#[test]
fn a_server_that_hangs_drips_or_hangs_up_ends_within_the_deadline() {
    let limit = Duration::from_millis(300);
    let drip = |_: usize, stream: &mut TcpStream| {
        let mut sent = stream.write_all(b"220-slow\r\n");
        while sent.is_ok() {
            thread::sleep(Duration::from_millis(20));
            sent = stream.write_all(b"220-\r\n");
        }
    };
    let letters = |_: usize, stream: &mut TcpStream| {
        let mut sent = stream.write_all(b"220 slow");
        while sent.is_ok() {
            thread::sleep(Duration::from_millis(20));
            sent = stream.write_all(b"x");
        }
    };
    for server in
        [Server::scripted(|_, stream| hang(stream)), Server::scripted(drip), Server::scripted(letters)]
    {
        let url = format!("smtp://{}", server.address);
        let client = client(&url, |endpoint| endpoint.timeout = limit);
        let start = Instant::now();
        let error = mail(&client, &url, &to(&["a@b.example"])).unwrap_err();
        assert!(matches!(error.kind, TransportErrorKind::Timeout | TransportErrorKind::Protocol), "{error}");
        assert!(start.elapsed() < GENEROUS / 3, "{:?}", start.elapsed());
    }
    let server = Server::scripted(|_, stream| stream.write_all(b"220 x\r\n").unwrap());
    let url = format!("smtp://{}", server.address);
    let error = mail(&client(&url, |_| {}), &url, &to(&["a@b.example"])).unwrap_err();
    assert_eq!(error.kind, TransportErrorKind::Broken, "{error}");
}

#[test]
fn shutdown_breaks_a_message_in_flight_and_refuses_new_ones() {
    let server = Server::scripted(|_, stream| hang(stream));
    let url = format!("smtp://{}", server.address);
    let client = Arc::new(client(&url, |_| {}));
    let (theirs, at) = (Arc::clone(&client), url.clone());
    let sending = thread::spawn(move || mail(&theirs, &at, &to(&["a@b.example"])));
    wait_until("the connection", || server.connections() == 1);
    client.shutdown();
    assert_eq!(sending.join().unwrap().unwrap_err().kind, TransportErrorKind::Cancelled);
    let error = mail(&client, &url, &to(&["a@b.example"])).unwrap_err();
    assert_eq!(error.kind, TransportErrorKind::Cancelled);
}

#[test]
fn the_addresses_that_are_never_dialled_are_not_dialled_for_mail() {
    for (url, resolved) in [
        ("smtp://169.254.169.254", "8.8.8.8"),
        ("smtps://[fe80::1]", "8.8.8.8"),
        ("smtp://rebind.test:25", "169.254.169.254"),
        ("smtp://metadata.google.internal", "8.8.8.8"),
    ] {
        let client = resolving(url, everywhere(&[resolved]));
        let error = mail(&client, url, &to(&["a@b.example"])).unwrap_err();
        assert_eq!(error.kind, TransportErrorKind::Refused, "{url}: {error}");
    }
}

#[test]
fn a_line_break_in_an_address_begins_no_command() {
    let server = Mailer::new(usual);
    server.send(&to(&["a@b.example>\r\nDATA\r\nx"])).unwrap();
    assert!(server.heard().contains(&"RCPT TO:<a@b.example>DATAx>".to_owned()), "{:?}", server.heard());
}
