//! A receiver that answers as a platform does, so that a configuration can be tried without one.

use super::serve::http::Request;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use taskbell_core::platform::{
    Answer, CannedResponse, Example, Expected, Platform, PlayedPlatform, REFUSALS, ReceivedRequest, names,
    played,
};

/// The names of the responses to a file that was uploaded ahead of its message.
const UPLOADED: [&str; 2] = ["media", "stored"];

/// What stands for the address of the receiver in the body of a response.
const HERE: &str = "here.invalid";

#[derive(Debug)]
pub struct FakePlatform {
    played: &'static PlayedPlatform,
    /// The responses to the first requests, one each; later ones get what the platform would say.
    script: Vec<&'static CannedResponse<'static>>,
    uploaded: AtomicBool,
    /// The ids of the messages that it took.
    messages: Mutex<Vec<String>>,
}

#[derive(Debug)]
pub struct Reply {
    pub response: &'static CannedResponse<'static>,
    /// Its body, with an id of its own for each message.
    pub body: String,
}

impl FakePlatform {
    /// Plays this platform. `script` names responses, separated by commas, for the first requests.
    ///
    /// # Errors
    /// A sentence that lists what there is.
    pub fn new(platform: &str, script: Option<&str>) -> Result<FakePlatform, String> {
        let Some(played) = played(platform) else {
            return Err(format!("there is no platform `{platform}`, only {}", names().join(", ")));
        };
        FakePlatform::of(played, script)
    }

    /// Plays this platform, such as one that a configuration describes.
    ///
    /// # Errors
    /// A sentence that says which answers are missing.
    pub fn of(played: &'static PlayedPlatform, script: Option<&str>) -> Result<FakePlatform, String> {
        if played.platform.description().responses.is_empty() {
            let name = played.platform.name();
            return Err(format!("`[platforms.{name}]` has no `answers`: the first one is the success"));
        }
        let named = |name: &str| response(played.platform, name).ok_or_else(|| list(played.platform, name));
        let names = script.into_iter().flat_map(|script| script.split(',')).map(str::trim);
        let script = names.filter(|name| !name.is_empty()).map(named).collect::<Result<_, _>>()?;
        Ok(FakePlatform { played, script, uploaded: AtomicBool::new(false), messages: Mutex::default() })
    }

    /// A URL's path and query, and the options that a configuration needs.
    pub fn example(&self) -> Example {
        self.played.platform.description().example
    }

    /// `smtp`, or `http`.
    pub fn scheme(&self) -> &'static str {
        self.played.platform.description().scheme
    }

    /// The response of the script to a request, counted from 1.
    pub fn scripted(&self, number: usize) -> Option<&'static CannedResponse<'static>> {
        self.script.get(number.checked_sub(1)?).copied()
    }

    /// The response to a request, counted from 1; `None` where the platform has none.
    pub fn respond(&self, number: usize, request: &Request) -> Option<Reply> {
        let mut messages = self.messages.lock().unwrap_or_else(PoisonError::into_inner);
        let response = self.scripted(number).or_else(|| self.own_response(request, &messages))?;
        if UPLOADED.contains(&response.name) {
            self.uploaded.store(true, Ordering::Release);
        }
        Some(Reply { response, body: self.body(response, request, &mut messages) })
    }

    /// A message that is taken gets the next id after the one in the table; an edit names the one that it edits.
    fn body(&self, response: &CannedResponse, request: &Request, messages: &mut Vec<String>) -> String {
        let platform = self.played.platform;
        let answer = Answer { status: response.status, body: response.body.into(), ..Answer::default() };
        let Some(id) = platform.took(&answer).ok().and_then(|()| platform.message_id(&answer, "")) else {
            return response.body.replace(HERE, request.header("host").unwrap_or(HERE));
        };
        // The end of an id counts the messages.
        let (begin, number) = id.split_at(id.trim_end_matches(|c: char| c.is_ascii_digit()).len());
        let Ok(first) = number.parse::<u64>() else { return response.body.to_owned() };
        let own = received(request, messages).edited_message().unwrap_or_else(|| {
            let width = number.len();
            let next = format!("{begin}{:0width$}", first + messages.len() as u64);
            messages.push(next.clone());
            next
        });
        response.body.replace(number, own.strip_prefix(begin).unwrap_or(&own))
    }

    fn own_response(
        &self,
        request: &Request,
        messages: &[String],
    ) -> Option<&'static CannedResponse<'static>> {
        let received = ReceivedRequest {
            uploaded: self.uploaded.load(Ordering::Acquire),
            ..received(request, messages)
        };
        let refusal = (self.played.refuses)(&received);
        let platform = self.played.platform;
        refusal.and_then(|name| response(platform, name)).or_else(|| platform.description().responses.first())
    }
}

/// A request as platforms look at it.
pub fn received<'a>(request: &'a Request, messages: &'a [String]) -> ReceivedRequest<'a> {
    let Request { method, target, headers, body } = request;
    ReceivedRequest { method, target, headers, body, uploaded: false, messages }
}

fn response(platform: &'static dyn Platform, name: &str) -> Option<&'static CannedResponse<'static>> {
    let documented = platform.description().responses.iter();
    documented.chain(REFUSALS).find(|response| response.name == name)
}

fn list(platform: &dyn Platform, unknown: &str) -> String {
    let mut lines = format!("`{}` has no answer `{unknown}`; it has:", platform.name());
    for CannedResponse { name, status, meaning, expected, .. } in platform.description().responses {
        lines.push_str(&format!("\n  {name:<18} {status} {}: {meaning}", leads_to(*expected)));
    }
    lines
}

/// What follows for the delivery.
fn leads_to(expected: Expected) -> String {
    let words = match expected {
        Expected::Delivered => "delivered",
        Expected::Retry | Expected::Moved(_) => "retry",
        Expected::RetryAfter(ms) => return format!("retry in {} s", ms / 1000),
        Expected::Final => "dead letter",
        Expected::Gone => "endpoint gone",
        Expected::Degrade(_) => "plainer message",
    };
    words.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(target: &str, body: &str) -> Request {
        Request { method: "POST".into(), target: target.into(), headers: Vec::new(), body: body.into() }
    }

    #[test]
    fn the_script_comes_first_and_then_what_the_platform_would_say() {
        let wecom = FakePlatform::new("wecom", Some("45009, -1")).unwrap();
        let target = wecom.example().target;
        let good = request(target, r#"{"msgtype":"text","text":{"content":"hi"}}"#);
        let long = format!(r#"{{"msgtype":"markdown","markdown":{{"content":"{}"}}}}"#, "汉".repeat(1366));
        let names: Vec<_> = [&good, &good, &good, &request(target, &long), &request("/", "{}")]
            .into_iter()
            .enumerate()
            .map(|(index, request)| wecom.respond(index + 1, request).unwrap().response.name)
            .collect();
        assert_eq!(names, ["45009", "-1", "ok", "40058", "93000"]);
    }

    #[test]
    fn a_message_it_took_can_be_edited_and_another_cannot() {
        let discord = FakePlatform::new("discord", None).unwrap();
        let target = discord.example().target;
        let post = |method: &str, target: String| {
            let request = Request { method: method.into(), ..request(&target, r#"{"content":"hi"}"#) };
            let reply = discord.respond(1, &request).unwrap();
            (
                reply.response.name,
                serde_json::from_str::<serde_json::Value>(&reply.body).unwrap()["id"].clone(),
            )
        };
        let (_, first) = post("POST", format!("{target}?wait=true"));
        let (_, second) = post("POST", format!("{target}?wait=true"));
        assert_ne!(first, second);
        let path = |id: &serde_json::Value| format!("{target}/messages/{}", id.as_str().unwrap());
        assert_eq!(post("PATCH", path(&second)), ("ok", second));
        assert_eq!(post("PATCH", path(&"99".into())).0, "10008");
    }

    #[test]
    fn slack_gives_each_message_a_time_of_its_own_and_names_itself_for_the_bytes() {
        let slack = FakePlatform::new("slack-bot", None).unwrap();
        let ask = |path: &str, body: &str| {
            let token = ("authorization".to_owned(), "Bearer xoxb-1".to_owned());
            let headers = vec![token, ("host".to_owned(), "127.0.0.1:8787".to_owned())];
            let reply = slack.respond(1, &Request { headers, ..request(path, body) }).unwrap();
            (reply.response.name, serde_json::from_str::<serde_json::Value>(&reply.body).unwrap())
        };
        let post = r#"{"channel":"C0123ABCD","text":"t"}"#;
        let (first, second) = (ask("/api/chat.postMessage", post).1, ask("/api/chat.postMessage", post).1);
        assert_eq!(
            (first["ts"].as_str(), second["ts"].as_str()),
            (Some("1700000000.000100"), Some("1700000000.000101"))
        );
        let edit = |ts: &str| {
            ask("/api/chat.update", &format!(r#"{{"channel":"C0123ABCD","ts":"{ts}","text":"u"}}"#))
        };
        assert_eq!(edit("1700000000.000101"), ("ok", second));
        assert_eq!(edit("1700000000.000102").0, "message_not_found");
        let (name, answer) = ask("/api/files.getUploadURLExternal", "filename=a.png&length=8");
        assert_eq!(name, "upload_url");
        assert!(
            answer["upload_url"].as_str().unwrap().starts_with("http://127.0.0.1:8787/upload/v1/"),
            "{answer}"
        );
    }

    #[test]
    fn the_platform_of_the_guide_is_played_as_its_description_says() {
        let guide = include_str!("../../../docs/own-platform.md").replace("\r\n", "\n");
        let block = guide.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
        let lines = block.lines().filter(|line| !line.trim().is_empty());
        assert!(lines.clone().take_while(|line| !line.starts_with("[endpoints")).count() <= 20, "{block}");
        let config = block.replace("env:BOARD_KEY", "k-123");
        let config = taskbell_core::config::Config::load(&config).unwrap();
        assert_eq!(config.warnings, Vec::<String>::new());
        let fake = FakePlatform::of(config.platforms[0].played(), Some("busy")).unwrap();
        let sent_to = |target: &str, authorization: &str, body: &str| {
            let headers = [("authorization", authorization), ("content-type", "application/json")];
            let given = headers.into_iter().filter(|(_, value)| !value.is_empty());
            let headers = given.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            Request { headers, ..request(target, body) }
        };
        let good = r#"{"title":"t","text":"x"}"#;
        let target = fake.example().target;
        for (number, target, authorization, body, name) in [
            (1, target, "Bearer k-123", good, "busy"),
            (2, target, "Bearer k-123", good, "ok"),
            (2, "/elsewhere", "Bearer k-123", good, "404"),
            (2, target, "", good, "key"),
            (2, target, "Bearer k-123", "not json", "400"),
            (2, target, "Bearer k-123", r#"{"text":"x"}"#, "400"),
            (2, target, "Bearer k-123", &format!(r#"{{"title":"{}"}}"#, "x".repeat(81)), "400"),
        ] {
            let sent = sent_to(target, authorization, body);
            assert_eq!(fake.respond(number, &sent).unwrap().response.name, name, "{target} {body}");
        }
    }
}
