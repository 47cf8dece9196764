//! SMTP (RFC 5321): one message over a connection of its own. Our own over the connections of this room, because
//! one deadline must cover lookup, TLS and the whole dialogue, and because the address that was vetted must be the
//! one that is dialled: clients of SMTP resolve, connect and wait by themselves.

use super::dial::{Dialer, Peer};
use super::error::{TransportError, TransportErrorKind};
use super::smtp_stream::{Reply, SmtpStream};
use crate::platform::{Answer, Envelope, InClear};
use crate::secret::{REDACTED, Secret};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use std::net::IpAddr;
use url::{Host, Url};

/// The port for messages from programs of users (RFC 6409), and the one with TLS from the first byte (RFC 8314).
const SUBMISSION: u16 = 587;
const SUBMISSIONS: u16 = 465;

/// The most bytes of a reply that are kept.
const MAX_KEPT: usize = 1000;

/// Why a dialogue ended before its end.
enum End {
    /// The server refused a command.
    Refused(Answer),
    Failed(TransportError),
}

impl From<TransportError> for End {
    fn from(error: TransportError) -> End {
        End::Failed(error)
    }
}

/// Sends one message, and gives the reply that decides.
pub(super) fn deliver(
    dialer: &Dialer,
    url: &Url,
    envelope: &Envelope,
    message: &[u8],
) -> Result<Answer, TransportError> {
    let secure = url.scheme() == "smtps";
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let port = url.port().unwrap_or(if secure { SUBMISSIONS } else { SUBMISSION });
    let peer = Peer { host, port, is_proxy: false };
    let mut stream = SmtpStream::open(dialer, peer)?;
    if secure {
        stream.secure()?;
    }
    let mut session = Session { stream, hidden: Vec::new(), offers: Vec::new() };
    let ended = session.greet(url, envelope).and_then(|()| session.hand_over(envelope, message));
    match ended {
        Ok(answer) | Err(End::Refused(answer)) => {
            // The server has answered already, whatever comes of this.
            let _ = session.stream.send(b"QUIT\r\n");
            Ok(answer)
        }
        Err(End::Failed(error)) => Err(error),
    }
}

struct Session<'d> {
    stream: SmtpStream<'d>,
    /// What replies must not quote.
    hidden: Vec<String>,
    /// The extensions that the server offers, in capitals.
    offers: Vec<String>,
}

impl Session<'_> {
    /// Up to the point where the server takes messages.
    fn greet(&mut self, url: &Url, envelope: &Envelope) -> Result<(), End> {
        let greeting = self.stream.reply()?;
        self.good("greeting", greeting)?;
        self.hello()?;
        if !self.stream.is_secure() {
            self.start_tls(url, envelope)?;
        }
        match &envelope.login {
            Some((user, password)) => self.log_in(user, password),
            None => Ok(()),
        }
    }

    fn hello(&mut self) -> Result<(), End> {
        // An address, so that the server learns no name of this machine.
        let own = match self.stream.own_address() {
            Some(IpAddr::V6(ip)) => format!("[IPv6:{ip}]"),
            Some(IpAddr::V4(ip)) => format!("[{ip}]"),
            None => "[127.0.0.1]".to_owned(),
        };
        let reply = self.command("EHLO", &format!("EHLO {own}"))?;
        self.offers = reply.lines.iter().skip(1).map(|line| line.to_ascii_uppercase()).collect();
        Ok(())
    }

    /// TLS where the server offers it (RFC 3207); without it nothing goes to another machine, unless the
    /// configuration says so.
    fn start_tls(&mut self, url: &Url, envelope: &Envelope) -> Result<(), End> {
        if self.offer("STARTTLS").is_some() {
            self.command("STARTTLS", "STARTTLS")?;
            self.stream.secure()?;
            return self.hello();
        }
        let may = match envelope.in_clear {
            InClear::Never => false,
            InClear::Locally => is_loopback(url),
            InClear::Anywhere => envelope.login.is_none() || is_loopback(url),
        };
        if may {
            return Ok(());
        }
        let mut error = self.stream.nonsense("offers no STARTTLS, and nothing is sent to it in clear");
        error.kind = TransportErrorKind::Tls;
        Err(error.into())
    }

    /// RFC 4954, with the two mechanisms that servers have for a password.
    fn log_in(&mut self, user: &Secret, password: &Secret) -> Result<(), End> {
        let (user, password) = (user.expose(), password.expose());
        let encoded = |text: &str| BASE64_STANDARD.encode(text);
        let plain = encoded(&format!("\0{user}\0{password}"));
        self.hidden = vec![plain.clone(), encoded(password), password.to_owned()];
        self.hidden.retain(|text| text.len() > 3);
        let mechanisms = self.offer("AUTH").unwrap_or_default();
        if has_word(mechanisms, "PLAIN") {
            self.command("AUTH", &format!("AUTH PLAIN {plain}"))?;
        } else if has_word(mechanisms, "LOGIN") {
            self.command("AUTH", "AUTH LOGIN")?;
            self.command("AUTH", &encoded(user))?;
            self.command("AUTH", &encoded(password))?;
        } else {
            let what =
                "offers no login by AUTH PLAIN or AUTH LOGIN; without a login, leave user and password out";
            return Err(self.stream.nonsense(what).into());
        }
        Ok(())
    }

    /// One transaction for all recipients. Those that the server refuses are named; with none left it ends.
    fn hand_over(&mut self, envelope: &Envelope, message: &[u8]) -> Result<Answer, End> {
        let message = on_the_wire(message);
        let size =
            if self.offer("SIZE").is_some() { format!(" SIZE={}", message.len()) } else { String::new() };
        self.command("MAIL FROM", &format!("MAIL FROM:<{}>{size}", envelope.from))?;
        let mut refused = Vec::new();
        for recipient in &envelope.to {
            let line = format!("RCPT TO:<{recipient}>");
            match self.command(&line, &line) {
                Ok(_) => {}
                // The server ends the connection with it.
                Err(End::Refused(answer)) if answer.status != 421 => refused.push((recipient, answer)),
                Err(end) => return Err(end),
            }
        }
        if refused.len() == envelope.to.len() {
            // While one may be taken later, the message is kept for it.
            let later = refused.iter().position(|(_, answer)| answer.status < 500).unwrap_or_default();
            let answer = refused.into_iter().nth(later).map(|(_, answer)| answer);
            return Err(End::Refused(answer.unwrap_or_default()));
        }
        self.command("DATA", "DATA")?;
        self.stream.send(&message)?;
        let reply = self.stream.reply()?;
        let mut answer = self.answer("DATA", &reply);
        if !refused.is_empty() {
            let named = |(recipient, answer): &(&String, Answer)| format!("{recipient} ({})", answer.status);
            let named: Vec<String> = refused.iter().map(named).collect();
            answer.headers.push(("refused".to_owned(), named.join(", ")));
            let replies = refused.iter().map(|(_, answer)| answer.body.as_slice());
            answer.body = replies.chain([answer.body.as_slice()]).collect::<Vec<_>>().join(&b'\n');
        }
        Ok(answer)
    }

    /// Sends a line. A reply that is no success ends the dialogue; `step` names the command in it.
    fn command(&mut self, step: &str, line: &str) -> Result<Reply, End> {
        // No line of a dialogue has a line break in it.
        let line = line.replace(char::is_control, "");
        self.stream.send(format!("{line}\r\n").as_bytes())?;
        let reply = self.stream.reply()?;
        self.good(step, reply)
    }

    fn good(&self, step: &str, reply: Reply) -> Result<Reply, End> {
        if reply.is_good() { Ok(reply) } else { Err(End::Refused(self.answer(step, &reply))) }
    }

    fn answer(&self, step: &str, reply: &Reply) -> Answer {
        let words =
            self.hidden.iter().fold(reply.lines.join(" "), |text, hidden| text.replace(hidden, REDACTED));
        let mut body = format!("{step}: {} {}", reply.code, words.trim());
        body.truncate((0..=MAX_KEPT.min(body.len())).rfind(|end| body.is_char_boundary(*end)).unwrap_or(0));
        Answer { status: reply.code, body: body.into_bytes(), ..Answer::default() }
    }

    /// What stands behind the name of an extension; `None` for one that the server does not offer.
    fn offer(&self, name: &str) -> Option<&str> {
        self.offers.iter().find_map(|line| {
            let rest = line.strip_prefix(name)?;
            // Old servers write `AUTH=LOGIN`.
            (rest.is_empty() || rest.starts_with([' ', '='])).then(|| rest.get(1..).unwrap_or_default())
        })
    }
}

fn has_word(words: &str, wanted: &str) -> bool {
    words.split_ascii_whitespace().any(|word| word == wanted)
}

fn is_loopback(url: &Url) -> bool {
    match url.host_str().and_then(|host| Host::parse(host).ok()) {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// The message as it goes out: each line ends with CR and LF, one that begins with a dot has another before it, and a
/// lone dot is its end (RFC 5321, sections 2.3.8 and 4.5.2). A lone CR or LF would be an end of a line to some servers
/// only, which has been used to smuggle messages.
fn on_the_wire(message: &[u8]) -> Vec<u8> {
    let mut wire = Vec::with_capacity(message.len() + message.len() / 40 + 8);
    let mut bytes = message.iter().copied().peekable();
    let mut starts = true;
    while let Some(byte) = bytes.next() {
        match byte {
            b'\r' | b'\n' => {
                if byte == b'\r' {
                    bytes.next_if_eq(&b'\n');
                }
                wire.extend_from_slice(b"\r\n");
            }
            byte => {
                if starts && byte == b'.' {
                    wire.push(b'.');
                }
                wire.push(byte);
            }
        }
        starts = matches!(byte, b'\r' | b'\n');
    }
    if !starts {
        wire.extend_from_slice(b"\r\n");
    }
    wire.extend_from_slice(b".\r\n");
    wire
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_ended_and_dots_are_doubled() {
        for (message, wire) in [
            (&b""[..], &b".\r\n"[..]),
            (b"a", b"a\r\n.\r\n"),
            (b".\r\n", b"..\r\n.\r\n"),
            (b"a\r\n.b\r\n.", b"a\r\n..b\r\n..\r\n.\r\n"),
            (b"a\n.\nQUIT\r.\rb", b"a\r\n..\r\nQUIT\r\n..\r\nb\r\n.\r\n"),
            (b"a.b\r\n\r\n", b"a.b\r\n\r\n.\r\n"),
        ] {
            assert_eq!(on_the_wire(message), wire, "{message:?}");
        }
    }
}
