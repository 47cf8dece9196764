//! A receiver that answers as a platform does, so that a configuration can be tried without one.

use super::serve::http::Request;
use std::sync::atomic::{AtomicBool, Ordering};
use taskbell_core::platform::{
    CannedResponse, Example, Platform, PlayedPlatform, ReceivedRequest, names, played,
};

/// The name of the response to a file that was uploaded ahead of its message.
const UPLOADED: &str = "media";

#[derive(Debug)]
pub struct FakePlatform {
    played: &'static PlayedPlatform,
    /// The responses to the first requests, one each; later ones get what the platform would say.
    script: Vec<&'static CannedResponse>,
    uploaded: AtomicBool,
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
        let named = |name: &str| response(played.platform, name).ok_or_else(|| list(played.platform, name));
        let names = script.into_iter().flat_map(|script| script.split(',')).map(str::trim);
        let script = names.filter(|name| !name.is_empty()).map(named).collect::<Result<_, _>>()?;
        Ok(FakePlatform { played, script, uploaded: AtomicBool::new(false) })
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
    pub fn scripted(&self, number: usize) -> Option<&'static CannedResponse> {
        self.script.get(number.checked_sub(1)?).copied()
    }

    /// The response to a request, counted from 1; `None` where the platform has none.
    pub fn respond(&self, number: usize, request: &Request) -> Option<&'static CannedResponse> {
        let response = self.scripted(number).or_else(|| self.own_response(request));
        if response.is_some_and(|response| response.name == UPLOADED) {
            self.uploaded.store(true, Ordering::Release);
        }
        response
    }

    fn own_response(&self, request: &Request) -> Option<&'static CannedResponse> {
        let received = ReceivedRequest {
            method: &request.method,
            target: &request.target,
            headers: &request.headers,
            body: &request.body,
            uploaded: self.uploaded.load(Ordering::Acquire),
        };
        let refusal = (self.played.refuses)(&received);
        let platform = self.played.platform;
        refusal.and_then(|name| response(platform, name)).or_else(|| platform.description().responses.first())
    }
}

fn response(platform: &'static dyn Platform, name: &str) -> Option<&'static CannedResponse> {
    platform.description().responses.iter().find(|response| response.name == name)
}

fn list(platform: &dyn Platform, unknown: &str) -> String {
    let mut lines = format!("`{}` has no answer `{unknown}`; it has:", platform.name());
    for CannedResponse { name, status, meaning, .. } in platform.description().responses {
        lines.push_str(&format!("\n  {name:<18} {status} {meaning}"));
    }
    lines
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
            .map(|(index, request)| wecom.respond(index + 1, request).unwrap().name)
            .collect();
        assert_eq!(names, ["45009", "-1", "ok", "40058", "93000"]);
    }

    #[test]
    fn an_unknown_name_is_answered_with_those_there_are() {
        assert!(FakePlatform::new("carrier-pigeon", None).unwrap_err().contains("wecom"));
        let error = FakePlatform::new("slack", Some("invalid_blocks,nonsense")).unwrap_err();
        assert!(error.contains("no answer `nonsense`") && error.contains("invalid_blocks"), "{error}");
    }
}
