//! A receiver that answers as a platform does, so that a configuration can be tried without one.

mod answers;
mod manners;

pub use answers::Reply;

use super::serve::http::Request;
use answers::casts;
use std::sync::atomic::{AtomicBool, Ordering};

/// Everything one platform is known to answer.
#[derive(Debug)]
struct Cast {
    /// The platform's name in a configuration.
    platform: &'static str,
    /// Its answers; the first is success.
    replies: &'static [Reply],
}

/// Plays one platform.
#[derive(Debug)]
pub struct Impostor {
    cast: &'static Cast,
    /// The answers to the first requests, one each; later ones get what the platform would say.
    script: Vec<&'static Reply>,
    /// Whether a file was handed over.
    uploaded: AtomicBool,
}

impl Impostor {
    /// Plays this platform. `script` names answers, parted by commas, for the first requests.
    ///
    /// # Errors
    /// A sentence that lists what there is.
    pub fn new(platform: &str, script: Option<&str>) -> Result<Impostor, String> {
        let Some(cast) = casts().find(|cast| cast.platform == platform) else {
            let known: Vec<_> = casts().map(|cast| cast.platform).collect();
            return Err(format!("nothing is known of a platform `{platform}`, only of {}", known.join(", ")));
        };
        let named = |name: &str| cast.reply(name).ok_or_else(|| cast.lines_of(name));
        let names = script.into_iter().flat_map(|script| script.split(',')).map(str::trim);
        let script = names.filter(|name| !name.is_empty()).map(named).collect::<Result<_, _>>()?;
        Ok(Impostor { cast, script, uploaded: AtomicBool::new(false) })
    }

    /// The path and query that a URL of this platform has.
    pub fn target(&self) -> &'static str {
        manners::target(self.cast.platform)
    }

    /// The lines that a configuration of this platform needs beside its URL.
    pub fn keys(&self) -> &'static str {
        manners::keys(self.cast.platform)
    }

    /// The answer to a request, counted from 1.
    pub fn answer(&self, number: usize, request: &Request) -> &'static Reply {
        let scripted = number.checked_sub(1).and_then(|index| self.script.get(index)).copied();
        let reply = scripted.unwrap_or_else(|| self.own_answer(request));
        if reply.name == answers::MEDIA {
            self.uploaded.store(true, Ordering::Release);
        }
        reply
    }

    fn own_answer(&self, request: &Request) -> &'static Reply {
        let fault = manners::fault(self.cast.platform, request, self.uploaded.load(Ordering::Acquire));
        fault.and_then(|name| self.cast.reply(name)).unwrap_or_else(|| self.cast.success())
    }
}

impl Cast {
    fn reply(&self, name: &str) -> Option<&'static Reply> {
        self.replies.iter().find(|reply| reply.name == name)
    }

    fn success(&self) -> &'static Reply {
        self.replies.first().unwrap_or(&answers::OK)
    }

    fn lines_of(&self, unknown: &str) -> String {
        let mut lines = format!("`{}` has no answer `{unknown}`; it has:", self.platform);
        for reply in self.replies {
            lines.push_str(&format!("\n  {:<18} {} {}", reply.name, reply.status, reply.meaning));
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(target: &str, headers: &[(&str, &str)], body: &str) -> Request {
        Request {
            method: "POST".into(),
            target: target.into(),
            headers: headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
            body: body.into(),
        }
    }

    #[test]
    fn every_platform_has_an_impostor_with_names_of_its_own() {
        for platform in taskbell_core::platform::names() {
            let impostor = Impostor::new(platform, None).unwrap();
            let mut names: Vec<_> = impostor.cast.replies.iter().map(|reply| reply.name).collect();
            let count = names.len();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), count, "{platform}");
        }
    }

    #[test]
    fn the_script_comes_first_and_then_what_the_platform_would_say() {
        let wecom = Impostor::new("wecom", Some("45009, -1")).unwrap();
        let target = wecom.target();
        let good = request(target, &[], r#"{"msgtype":"text","text":{"content":"hi"}}"#);
        let long = format!(r#"{{"msgtype":"markdown","markdown":{{"content":"{}"}}}}"#, "汉".repeat(1366));
        let names: Vec<_> = [&good, &good, &good, &request(target, &[], &long), &request("/", &[], "{}")]
            .into_iter()
            .enumerate()
            .map(|(index, request)| wecom.answer(index + 1, request).name)
            .collect();
        assert_eq!(names, ["45009", "-1", "ok", "40058", "93000"]);
    }

    #[test]
    fn an_unknown_name_is_answered_with_those_there_are() {
        assert!(Impostor::new("carrier-pigeon", None).unwrap_err().contains("wecom"));
        let error = Impostor::new("slack", Some("invalid_blocks,nonsense")).unwrap_err();
        assert!(error.contains("no answer `nonsense`") && error.contains("invalid_blocks"), "{error}");
    }

    #[test]
    fn each_platform_finds_what_it_would_find() {
        let json = [("content-type", "application/json")];
        for (platform, body, name) in [
            ("slack", "{", "invalid_payload"),
            ("slack", "{}", "no_text"),
            ("slack", r#"{"text":"t"}"#, "ok"),
            ("discord", "{}", "50006"),
            ("discord", r#"{"content":"t"}"#, "ok"),
            ("discord", r#"{"embeds":[{"title":"t","fields":[{"name":"n","value":" "}]}]}"#, "50035"),
            ("discord", r##"{"embeds":[{"title":"t","color":"#ff0000"}]}"##, "50035"),
            ("discord", "[]", "50109"),
            ("wecom", r#"{"msgtype":"file","file":{"media_id":"media-1"}}"#, "40007"),
            ("telegram", r#"{"text":"t"}"#, "404"),
            ("slack-workflow", r#"{"title":7}"#, "invalid_workflow"),
            ("teams", "not json", "bad-request"),
            ("teams", r#"{"type":"message","attachments":[]}"#, "bad-request"),
            (
                "teams",
                r#"{"type":"message","attachments":[{"contentType":"application/vnd.microsoft.card.adaptive","content":{"type":"AdaptiveCard","version":"1.5","body":[{}]}}]}"#,
                "bad-request",
            ),
            ("dingtalk", r#"{"msgtype":"markdown","markdown":{"text":"t"}}"#, "40035"),
            ("dingtalk", r#"{"msgtype":"text","text":{"content":""}}"#, "40035"),
            ("ntfy", r#"{"topic":"a b","message":"t"}"#, "topic"),
            ("ntfy", r#"{"topic":"t","message":"t","priority":6}"#, "400"),
            (
                "pagerduty",
                r#"{"routing_key":"0123456789abcdef0123456789abcdef","event_action":"trigger","payload":{"summary":"s","source":"h","severity":"bad"}}"#,
                "400",
            ),
            ("gitlab", "token=t&ref=main&model=m", "400"),
            ("gitlab", "token=t&ref=main&variables%5Bm%5D=1", "ok"),
            ("googlechat", "{}", "INVALID_ARGUMENT"),
            ("mattermost", "{}", "no-text"),
            ("mattermost", r#"{"text":"t"}"#, "ok"),
        ] {
            let impostor = Impostor::new(platform, None).unwrap();
            let target = impostor.target().replace("/TOKEN", "/TOKEN?wait=true");
            let reply = impostor.answer(1, &request(&target, &json, body));
            assert_eq!(reply.name, name, "{platform} {body}");
        }
        for (platform, long, name) in [
            ("teams", format!(r#"{{"type":"message","text":"{}"}}"#, "x".repeat(20_000)), "413"),
            ("ntfy", format!(r#"{{"topic":"t","message":"{}"}}"#, "汉".repeat(1366)), "413"),
            ("mattermost", format!(r#"{{"text":"{}"}}"#, "x".repeat(16_384)), "413"),
        ] {
            let impostor = Impostor::new(platform, None).unwrap();
            assert_eq!(
                impostor.answer(1, &request(impostor.target(), &json, &long)).name,
                name,
                "{platform}"
            );
        }
        for (platform, name) in [("slack", "no_service"), ("discord", "10015"), ("mattermost", "invalid")] {
            let impostor = Impostor::new(platform, None).unwrap();
            assert_eq!(impostor.answer(1, &request("/", &json, "{}")).name, name, "{platform}");
        }
        let discord = Impostor::new("discord", None).unwrap();
        let total =
            format!(r#"{{"embeds":[{{"description":"{0}"}},{{"description":"{0}"}}]}}"#, "x".repeat(3500));
        assert_eq!(discord.answer(1, &request(discord.target(), &json, &total)).name, "50035");
        let waits = request("/api/webhooks/1/token", &json, r#"{"content":"t"}"#);
        assert_eq!(discord.answer(1, &waits).status, 204);
    }
}
