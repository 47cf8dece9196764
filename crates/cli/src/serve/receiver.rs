//! A receiver of webhooks: it verifies each request, answers it and reports it.

use super::http::{REQUEST_TIMEOUT, Request, Response, Server};
use super::mail_message;
use crate::card_preview::{self, CardPreview};
use crate::fake_platform::{FakePlatform, Reply, received};
use serde_json::Value as Json;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use taskbell_core::clock;
use taskbell_core::sign::Verifier;

#[derive(Debug, Default)]
pub struct ReceiverOptions {
    /// Checks signatures; `None` accepts every request.
    pub verifier: Option<Verifier>,
    /// The first N requests are answered with `fail_status`.
    pub fail_first: usize,
    pub fail_status: u16,
    /// The platform whose answers it gives; `None` answers 200 with the body `ok`.
    pub platform: Option<FakePlatform>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The signature is valid under this scheme.
    Verified(&'static str),
    /// The receiver has no secret.
    Unchecked,
    /// The signature is missing or wrong, for this reason.
    Refused(String),
}

/// A request that arrived, and how it was answered.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// From 1.
    pub number: usize,
    /// Unix milliseconds.
    pub at: i64,
    pub request: Request,
    pub verdict: Verdict,
    pub status: u16,
    /// The name of the platform's answer.
    pub reply: Option<&'static str>,
}

impl Arrival {
    /// The event's id. Of a mail, it begins the id of the message.
    pub fn id(&self) -> Option<&str> {
        let of_mail = || self.request.header("message-id")?.trim_start_matches('<').split('.').next();
        self.request.header("webhook-id").or_else(of_mail)
    }

    pub fn attempt(&self) -> Option<u32> {
        self.request.header("taskbell-attempt").and_then(|number| number.parse().ok())
    }

    /// The body, where it is JSON or a mail.
    pub fn json(&self) -> Option<Json> {
        if self.request.method == mail_message::METHOD {
            return mail_message::read(&self.request.body);
        }
        serde_json::from_slice(&self.request.body).ok()
    }

    /// The fields of a form, where the request is one.
    pub fn form(&self) -> Option<Json> {
        received(&self.request, &[]).form()
    }

    pub fn edited_message(&self) -> Option<String> {
        received(&self.request, &[]).edited_message()
    }

    /// The card as this platform shows it.
    pub fn card(&self, platform: &str) -> Option<CardPreview> {
        let form = self.form().map(|mut form| match form.get_mut("payload_json") {
            Some(message) => message.take(),
            None => form,
        });
        let body = form.or_else(|| self.json()).or_else(|| self.encoded().map(Json::String))?;
        card_preview::read(platform, &body)
    }

    /// The pairs of a form that has no parts.
    fn encoded(&self) -> Option<String> {
        let kind = self.request.header("content-type")?;
        let is_form = kind.starts_with("application/x-www-form-urlencoded");
        is_form.then(|| String::from_utf8_lossy(&self.request.body).into_owned())
    }

    /// The event's type, where the body has it.
    pub fn kind(&self) -> Option<String> {
        self.json()?.get("type")?.as_str().map(str::to_owned)
    }
}

/// Called with every request once it is answered, on the server's thread.
pub type Listener = dyn Fn(Arrival) + Send + Sync;

/// A receiver that runs until it is dropped.
pub struct Receiver {
    server: Server,
}

impl Receiver {
    pub fn start(
        host: &str,
        port: u16,
        options: ReceiverOptions,
        listener: Arc<Listener>,
    ) -> io::Result<Receiver> {
        let arrived = AtomicUsize::new(0);
        let handler = move |request: Request| answer(request, &options, &arrived, &listener);
        Ok(Receiver { server: Server::start((host, port), REQUEST_TIMEOUT, Arc::new(handler))? })
    }

    pub fn address(&self) -> SocketAddr {
        self.server.address
    }
}

fn answer(
    request: Request,
    options: &ReceiverOptions,
    arrived: &AtomicUsize,
    listener: &Arc<Listener>,
) -> Response {
    // Some platforms take files with PUT, and edits with PATCH.
    let is_other = matches!(request.method.as_str(), "PUT" | "PATCH") && options.platform.is_some();
    let accepts = request.method == "POST" || is_other;
    if !accepts {
        let mut response = Response::text(405, "send webhooks here, with POST\n");
        response.headers.push(("allow", "POST"));
        return response;
    }
    let at = clock::unix_ms();
    let verdict = match &options.verifier {
        None => Verdict::Unchecked,
        Some(verifier) => match verifier.verify(&request.headers, &request.body, at / 1000) {
            Ok(verified) => Verdict::Verified(verified.scheme),
            Err(error) => Verdict::Refused(error.to_string()),
        },
    };
    let number = arrived.fetch_add(1, Ordering::Relaxed) + 1;
    // The platform counts only the requests that it may answer.
    let counted = number.checked_sub(options.fail_first).filter(|counted| *counted > 0);
    let reply = options
        .platform
        .as_ref()
        .zip(counted)
        .and_then(|(platform, counted)| platform.respond(counted, &request));
    let (mut response, reply) = match (&verdict, reply) {
        _ if counted.is_none() => {
            (Response::text(options.fail_status, format!("request {number} fails, as asked\n")), None)
        }
        (Verdict::Refused(reason), _) => (Response::text(401, format!("{reason}\n")), None),
        (_, Some(reply)) => {
            let name = reply.response.name;
            (reply_as_response(reply), Some(name))
        }
        (_, None) => (Response::text(200, "ok"), None),
    };
    let arrival = Arrival { number, at, request, verdict, status: response.status, reply };
    let listener = Arc::clone(listener);
    response.sent = Some(Box::new(move || listener(arrival)));
    response
}

fn reply_as_response(Reply { response, body }: Reply) -> Response {
    let content_type = match body.as_bytes().first() {
        Some(b'{') => "application/json; charset=utf-8",
        Some(b'<') => "text/html; charset=utf-8",
        _ => "text/plain; charset=utf-8",
    };
    let own = response.headers.iter().copied();
    let headers = [("content-type", content_type)].into_iter().chain(own).collect();
    Response { status: response.status, headers, body: body.into(), sent: None }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use serde_json::json;
    use std::io::{Read, Write};
    use std::net::TcpStream;
    use std::sync::mpsc;
    use taskbell_core::sign::Signer;

    /// A genuine request with this id, attempt, answer, time and body.
    pub fn arrival(id: &str, attempt: u32, status: u16, at: i64, body: &str) -> Arrival {
        let headers =
            vec![("webhook-id".into(), id.into()), ("taskbell-attempt".into(), attempt.to_string())];
        let request = Request { method: "POST".into(), target: "/".into(), headers, body: body.into() };
        let verdict = Verdict::Verified("standard-webhooks");
        Arrival { number: 1, at, request, verdict, status, reply: None }
    }

    fn start(options: ReceiverOptions) -> (Receiver, mpsc::Receiver<Arrival>) {
        let (send, arrivals) = mpsc::channel();
        let listener = move |arrival| send.send(arrival).unwrap();
        (Receiver::start("127.0.0.1", 0, options, Arc::new(listener)).unwrap(), arrivals)
    }

    fn talk(receiver: &Receiver, text: &str) -> String {
        let mut stream = TcpStream::connect(receiver.address()).unwrap();
        stream.write_all(text.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn post(headers: &str, body: &str) -> String {
        let length = body.len();
        format!("POST /hook HTTP/1.1\r\n{headers}content-length: {length}\r\n\r\n{body}")
    }

    #[test]
    fn a_forged_request_is_refused() {
        let entry =
            json!({ "scheme": "standard-webhooks", "secrets": ["whsec_MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0"] });
        let verifier = Verifier::from_json(&entry).unwrap();
        let (receiver, arrivals) =
            start(ReceiverOptions { verifier: Some(verifier), ..ReceiverOptions::default() });
        let body = r#"{"type":"queue.end"}"#;
        let signed =
            Signer::from_json(&entry).unwrap().sign("evt_1", clock::unix_ms() / 1000, body.as_bytes());
        let headers: String = signed.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        assert!(talk(&receiver, &post(&headers, body)).starts_with("HTTP/1.1 200 OK\r\n"));
        let arrival = arrivals.recv().unwrap();
        assert_eq!(arrival.verdict, Verdict::Verified("standard-webhooks"));
        assert_eq!((arrival.id(), arrival.kind().as_deref()), (Some("evt_1"), Some("queue.end")));
        assert!(talk(&receiver, &post(&headers, "{}")).starts_with("HTTP/1.1 401 "));
        assert!(matches!(arrivals.recv().unwrap().verdict, Verdict::Refused(_)));
    }

    #[test]
    fn the_platforms_answers_follow_the_failures() {
        let fake = FakePlatform::new("json", Some("429,410")).unwrap();
        let options = ReceiverOptions {
            fail_first: 1,
            fail_status: 503,
            platform: Some(fake),
            ..ReceiverOptions::default()
        };
        let (receiver, arrivals) = start(options);
        let statuses: Vec<_> = (0..4)
            .map(|_| {
                talk(&receiver, &post("", "{}"));
                arrivals.recv().unwrap().status
            })
            .collect();
        assert_eq!(statuses, [503, 429, 410, 200]);
    }

    #[test]
    fn requests_are_numbered_and_another_method_is_refused() {
        let (receiver, arrivals) = start(ReceiverOptions::default());
        for _ in 0..2 {
            assert!(talk(&receiver, &post("", "{}")).starts_with("HTTP/1.1 200 OK\r\n"));
        }
        let numbers: Vec<_> = arrivals.iter().take(2).map(|arrival| arrival.number).collect();
        assert_eq!(numbers, [1, 2]);
        let refused = talk(&receiver, "GET / HTTP/1.1\r\n\r\n");
        assert!(refused.starts_with("HTTP/1.1 405 ") && refused.contains("allow: POST"), "{refused}");
        assert!(arrivals.try_recv().is_err());
    }
}
