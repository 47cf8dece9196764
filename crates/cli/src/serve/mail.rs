//! What `taskbell serve` does with a message by mail: it answers as asked, and reports it as a request.

use super::http::{REQUEST_TIMEOUT, Request};
use super::mail_message::{METHOD, headers};
use super::receiver::{Arrival, Listener, ReceiverOptions, Verdict};
use super::smtp::{Postmaster, ReceivedMail, SmtpServer};
use std::io;
use std::sync::Arc;
use taskbell_core::clock;
use taskbell_core::platform::CannedResponse;

/// `--fail` without a status: an error of the server for now, as 503 is in HTTP.
const NOT_NOW: u16 = 451;

pub struct MailReceiver {
    options: ReceiverOptions,
    listener: Arc<Listener>,
}

impl MailReceiver {
    fn scripted(&self, number: usize) -> Option<&'static CannedResponse<'static>> {
        let counted = number.checked_sub(self.options.fail_first)?;
        self.options.platform.as_ref()?.scripted(counted)
    }

    fn report(&self, number: usize, request: Request, status: u16, reply: Option<&'static str>) {
        let at = clock::unix_ms();
        (self.listener)(Arrival { number, at, request, verdict: Verdict::Unchecked, status, reply });
    }
}

impl MailReceiver {
    pub fn start(
        host: &str,
        port: u16,
        options: ReceiverOptions,
        listener: Arc<Listener>,
    ) -> io::Result<SmtpServer> {
        SmtpServer::start((host, port), REQUEST_TIMEOUT, Arc::new(MailReceiver { options, listener }))
    }
}

impl Postmaster for MailReceiver {
    fn refuses(&self, number: usize, command: &str) -> Option<String> {
        let response = self.scripted(number)?;
        let (step, reply) = parts(response);
        let verb = |text: &str| text.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
        if verb(step) != verb(command) {
            return None;
        }
        let request = Request { method: METHOD.into(), target: command.into(), ..Request::default() };
        self.report(number, request, response.status, Some(response.name));
        Some(reply.to_owned())
    }

    fn takes(&self, number: usize, mail: ReceivedMail) -> String {
        let (fails, status) = (self.options.fail_first, self.options.fail_status);
        let request = Request {
            method: METHOD.into(),
            target: mail.to.join(", "),
            headers: headers(&mail.message),
            body: mail.message,
        };
        if number <= fails {
            let status = if status == 503 { NOT_NOW } else { status };
            self.report(number, request, status, None);
            return format!("{status} message {number} fails, as asked");
        }
        let reply =
            self.options.platform.as_ref().and_then(|platform| platform.respond(number - fails, &request));
        match reply.map(|reply| reply.response) {
            Some(response) => {
                self.report(number, request, response.status, Some(response.name));
                parts(response).1.to_owned()
            }
            None => {
                self.report(number, request, 250, None);
                "250 2.0.0 Ok".to_owned()
            }
        }
    }
}

/// The command of a canned response, and the reply to it: `DATA: 250 2.0.0 Ok`.
fn parts(response: &'static CannedResponse<'static>) -> (&'static str, &'static str) {
    response.body.split_once(": ").unwrap_or(("DATA", response.body))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake_platform::FakePlatform;
    use serde_json::json;
    use std::io::{Read, Write};
    use std::net::TcpStream;
    use std::sync::mpsc;

    const MESSAGE: &str = "From: a@b.example\nTo: c@d.example\nSubject: =?utf-8?B?5riy5p+T?=\n\
        Date: Thu, 01 Jan 1970 00:00:00 +0000\nMessage-ID: <evt_1.x@b.example>\nAuto-Submitted: auto-generated\n\
        Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n=E6=B8=B2\n";

    #[test]
    fn the_script_is_said_at_its_command_and_messages_are_shown_in_words() {
        let fake = FakePlatform::new("email", Some("550,451,535")).unwrap();
        let (send, arrivals) = mpsc::channel();
        let options = ReceiverOptions { platform: Some(fake), ..ReceiverOptions::default() };
        let listener = move |arrival| send.send(arrival).unwrap();
        let receiver = MailReceiver::start("127.0.0.1", 0, options, Arc::new(listener)).unwrap();
        let mail = |auth: &str, message: &str| {
            let mut stream = TcpStream::connect(receiver.address).unwrap();
            let text = format!(
                "EHLO x\n{auth}MAIL FROM:<a@b.example>\nRCPT TO:<c@d.example>\nDATA\n{message}.\nQUIT\n"
            );
            stream.write_all(text.replace('\n', "\r\n").as_bytes()).unwrap();
            let mut said = String::new();
            stream.read_to_string(&mut said).unwrap();
            let arrival = arrivals.recv().unwrap();
            assert!(said.contains(&format!("\r\n{} ", arrival.status)), "{said}");
            arrival
        };
        assert_eq!(mail("", MESSAGE).status, 550);
        assert_eq!(mail("", MESSAGE).status, 451);
        assert_eq!(mail("AUTH PLAIN AGEAYg==\n", MESSAGE).status, 535);
        // After a refused login the client of this test went on.
        assert_eq!(arrivals.recv().unwrap().status, 250);
        assert_eq!(mail("", "Subject: x\n\nno sender\n").status, 554);
        let arrival = mail("", MESSAGE);
        assert_eq!((arrival.status, arrival.id()), (250, Some("evt_1")));
        assert_eq!(arrival.json().unwrap(), json!({"subject": "渲染", "text": "渲\n"}));
        let card = arrival.card("email").unwrap().to_json();
        assert_eq!(card["parts"][0], json!({"kind": "title", "text": "渲染"}));
    }
}
