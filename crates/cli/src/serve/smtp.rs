//! An SMTP server (RFC 5321) for `taskbell serve --as`, without TLS: a client that follows the rules sends to it on
//! this machine only. It takes what it gets in order, within limits, and offers no more than it does.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

/// The largest message, as the server says.
const MAX_MESSAGE: usize = 32 << 20;

/// A line of the dialogue, or of a message, with room for what RFC 5321 does not allow.
const MAX_LINE: u64 = 64 * 1024;

const MAX_RECIPIENTS: usize = 100;

/// A connection beyond these is closed at once.
const MAX_CONNECTIONS: usize = 64;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReceivedMail {
    pub from: String,
    pub to: Vec<String>,
    /// As it came, without the dots of the transfer.
    pub message: Vec<u8>,
}

/// What the server asks before it replies.
pub trait Postmaster: Send + Sync {
    /// The reply with which a message, counted from 1, is refused before it is there, and the command that gets it.
    fn refuses(&self, number: usize, command: &str) -> Option<String>;

    fn takes(&self, number: usize, mail: ReceivedMail) -> String;
}

/// A server that runs until it is dropped.
pub struct SmtpServer {
    pub address: SocketAddr,
    over: Arc<AtomicBool>,
}

impl SmtpServer {
    /// Listens at this address. A connection without a word for `patience` is closed.
    pub fn start(
        host: (&str, u16),
        patience: Duration,
        master: Arc<dyn Postmaster>,
    ) -> io::Result<SmtpServer> {
        let listener = TcpListener::bind(host)?;
        let address = listener.local_addr()?;
        let over = Arc::new(AtomicBool::new(false));
        let (stop, open, arrived) =
            (Arc::clone(&over), Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        thread::Builder::new().name("smtp".into()).spawn(move || {
            for stream in listener.incoming().filter_map(Result::ok) {
                if stop.load(Ordering::Acquire) {
                    return;
                }
                if open.fetch_add(1, Ordering::AcqRel) >= MAX_CONNECTIONS {
                    open.fetch_sub(1, Ordering::AcqRel);
                    continue;
                }
                let (master, count, arrived) = (Arc::clone(&master), Arc::clone(&open), Arc::clone(&arrived));
                let spawned = thread::Builder::new().name("smtp".into()).spawn(move || {
                    // A client that hangs up has ended its session.
                    let _ = Session::new(stream, patience, &*master, &arrived).and_then(Session::run);
                    count.fetch_sub(1, Ordering::AcqRel);
                });
                if spawned.is_err() {
                    open.fetch_sub(1, Ordering::AcqRel);
                }
            }
        })?;
        Ok(SmtpServer { address, over })
    }
}

impl Drop for SmtpServer {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Release);
        // Wakes the thread that accepts.
        drop(TcpStream::connect(self.address));
    }
}

struct Session<'m> {
    stream: BufReader<TcpStream>,
    master: &'m dyn Postmaster,
    arrived: &'m AtomicUsize,
    greeted: bool,
    /// The number of the message, and what is known of it.
    current: Option<(usize, ReceivedMail)>,
}

impl<'m> Session<'m> {
    fn new(
        stream: TcpStream,
        patience: Duration,
        master: &'m dyn Postmaster,
        arrived: &'m AtomicUsize,
    ) -> io::Result<Session<'m>> {
        stream.set_read_timeout(Some(patience))?;
        stream.set_write_timeout(Some(patience))?;
        Ok(Session { stream: BufReader::new(stream), master, arrived, greeted: false, current: None })
    }

    fn run(mut self) -> io::Result<()> {
        self.reply("220 localhost taskbell serve")?;
        loop {
            let line = self.line()?;
            let line = String::from_utf8_lossy(line.trim_ascii_end()).into_owned();
            let (verb, rest) = line.split_once(' ').unwrap_or((&line, ""));
            let reply = match verb.to_ascii_uppercase().as_str() {
                "QUIT" => return self.reply("221 2.0.0 bye"),
                "EHLO" => {
                    self.greeted = true;
                    format!(
                        "250-localhost\r\n250-SIZE {MAX_MESSAGE}\r\n250-AUTH PLAIN LOGIN\r\n250 ENHANCEDSTATUSCODES"
                    )
                }
                "HELO" => {
                    self.greeted = true;
                    "250 localhost".to_owned()
                }
                "AUTH" => self.log_in(rest)?,
                "MAIL" => self.begin(rest),
                "RCPT" => self.recipient(rest, &line),
                "DATA" => self.message()?,
                "RSET" => {
                    self.current = None;
                    "250 2.0.0 Ok".to_owned()
                }
                "NOOP" => "250 2.0.0 Ok".to_owned(),
                "VRFY" => "252 2.5.0 send it, and see".to_owned(),
                "STARTTLS" => "502 5.5.1 no TLS here: this server is for this machine only".to_owned(),
                _ => "500 5.5.2 no such command".to_owned(),
            };
            self.reply(&reply)?;
            // RFC 5321, section 3.8: a server that says so closes.
            if reply.starts_with("421") {
                return Ok(());
            }
        }
    }

    fn reply(&mut self, text: &str) -> io::Result<()> {
        self.stream.get_mut().write_all(format!("{text}\r\n").as_bytes())
    }

    fn line(&mut self) -> io::Result<Vec<u8>> {
        let mut line = Vec::new();
        (&mut self.stream).take(MAX_LINE).read_until(b'\n', &mut line)?;
        if line.ends_with(b"\n") { Ok(line) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }

    fn next_number(&self) -> usize {
        self.arrived.load(Ordering::Acquire) + 1
    }

    /// A refusal counts as a message that came.
    fn refused(&mut self, number: usize, command: &str) -> Option<String> {
        let reply = self.master.refuses(number, command)?;
        self.arrived.fetch_add(1, Ordering::AcqRel);
        self.current = None;
        Some(reply)
    }

    /// Any user and password is right.
    fn log_in(&mut self, rest: &str) -> io::Result<String> {
        let (mechanism, initial) = rest.split_once(' ').unwrap_or((rest, ""));
        let challenges: &[&str] = match (mechanism.to_ascii_uppercase().as_str(), initial) {
            ("PLAIN", "") => &["334 "],
            ("PLAIN", _) => &[],
            ("LOGIN", _) => &["334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6"],
            _ => return Ok("504 5.5.4 no such mechanism".to_owned()),
        };
        for challenge in challenges {
            self.reply(challenge)?;
            self.line()?;
        }
        Ok(self.refused(self.next_number(), "AUTH").unwrap_or_else(|| "235 2.7.0 welcome".to_owned()))
    }

    fn begin(&mut self, rest: &str) -> String {
        if !self.greeted || self.current.is_some() {
            return "503 5.5.1 not now".to_owned();
        }
        let Some(from) = address(rest, "FROM:") else {
            return "501 5.5.4 write MAIL FROM:<address>".to_owned();
        };
        let number = self.next_number();
        self.refused(number, "MAIL FROM").unwrap_or_else(|| {
            self.current = Some((number, ReceivedMail { from, ..ReceivedMail::default() }));
            "250 2.1.0 Ok".to_owned()
        })
    }

    fn recipient(&mut self, rest: &str, line: &str) -> String {
        let Some((number, _)) = self.current else { return "503 5.5.1 MAIL comes first".to_owned() };
        let Some(to) = address(rest, "TO:") else { return "501 5.5.4 write RCPT TO:<address>".to_owned() };
        if let Some(reply) = self.refused(number, line) {
            return reply;
        }
        match &mut self.current {
            Some((_, mail)) if mail.to.len() < MAX_RECIPIENTS => {
                mail.to.push(to);
                "250 2.1.5 Ok".to_owned()
            }
            _ => "452 4.5.3 too many recipients".to_owned(),
        }
    }

    fn message(&mut self) -> io::Result<String> {
        let is_ready = |(_, mail): &mut (usize, ReceivedMail)| !mail.to.is_empty();
        let Some((number, mut mail)) = self.current.take_if(is_ready) else {
            return Ok("503 5.5.1 RCPT comes first".to_owned());
        };
        self.reply("354 end with a dot")?;
        loop {
            let line = self.line()?;
            if line == b".\r\n" {
                break;
            }
            // What is too large is read to its end.
            if mail.message.len() <= MAX_MESSAGE {
                mail.message.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
            }
        }
        if mail.message.len() > MAX_MESSAGE {
            return Ok("552 5.3.4 message size exceeds fixed limit".to_owned());
        }
        self.arrived.fetch_add(1, Ordering::AcqRel);
        Ok(self.master.takes(number, mail))
    }
}

/// The address of `FROM:<a@b> SIZE=5`.
fn address(rest: &str, before: &str) -> Option<String> {
    let start = rest.get(..before.len()).filter(|start| start.eq_ignore_ascii_case(before))?;
    let (address, after) = rest.get(start.len()..)?.trim_start().strip_prefix('<')?.split_once('>')?;
    (after.is_empty() || after.starts_with(' ')).then(|| address.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[derive(Default)]
    struct Notes(Mutex<Vec<ReceivedMail>>);

    impl Postmaster for Notes {
        fn refuses(&self, number: usize, command: &str) -> Option<String> {
            (number == 1 && command == "MAIL FROM").then(|| "451 4.3.0 later".to_owned())
        }

        fn takes(&self, _number: usize, mail: ReceivedMail) -> String {
            self.0.lock().unwrap().push(mail);
            "250 2.0.0 Ok".to_owned()
        }
    }

    /// The codes of the replies to these lines.
    fn codes(server: &SmtpServer, lines: &str) -> Vec<String> {
        let mut stream = TcpStream::connect(server.address).unwrap();
        stream.write_all(lines.replace('\n', "\r\n").as_bytes()).unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let last = text.lines().filter(|line| line.as_bytes().get(3) == Some(&b' '));
        last.map(|line| line[..3].to_owned()).collect()
    }

    #[test]
    fn a_message_is_taken_in_order_only() {
        let notes = Arc::new(Notes::default());
        let server =
            SmtpServer::start(("127.0.0.1", 0), Duration::from_secs(30), Arc::clone(&notes) as _).unwrap();
        let lines = "MAIL FROM:<a@b>\nEHLO x\nDATA\nRCPT TO:<c@d>\nMAIL FROM:<a@b> SIZE=5\nMAIL a@b\nMAIL FROM:<a@b>\n\
                     DATA\nRCPT TO:<c@d>\nRCPT TO:c@d\nDATA\n..x\ny\n.\nNONSENSE\nSTARTTLS\nQUIT\n";
        let expected = [
            "220", "503", "250", "503", "503", "451", "501", "250", "503", "250", "501", "354", "250", "500",
            "502", "221",
        ];
        assert_eq!(codes(&server, lines), expected);
        let mail =
            ReceivedMail { from: "a@b".into(), to: vec!["c@d".into()], message: b".x\r\ny\r\n".to_vec() };
        assert_eq!(*notes.0.lock().unwrap(), [mail]);
        let login = "EHLO x\nAUTH PLAIN AGEAYg==\nAUTH LOGIN\nYQ==\nYg==\nAUTH GSSAPI\nQUIT\n";
        assert_eq!(codes(&server, login), ["220", "250", "235", "334", "334", "235", "504", "221"]);
    }
}
