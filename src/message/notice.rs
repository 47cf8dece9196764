//! What a card says, whatever the platform: the few things a person wants to know of an event.

use super::wording::{ENGLISH as WORDS, fill};
use super::{Context, filters};
use serde_json::{Map, Value as Json};
use std::net::{Ipv4Addr, Ipv6Addr};
use url::{Host, Url};

/// The failures a notice names.
const SHOWN_FAILURES: usize = 5;

/// The fields a notice shows of what it knows nothing about.
const SHOWN_FIELDS: usize = 8;

/// The metrics of a task a notice shows.
const SHOWN_METRICS: usize = 4;

/// The characters of one fact or failure; what a person reads at a glance.
const FACT_CHARS: usize = 300;

/// How the news is: a platform has a colour for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// All went well.
    Good,
    /// Something failed.
    Bad,
    /// Some of it failed, or needs a look.
    Warn,
    /// Neither.
    Neutral,
}

/// The content of a card. Texts are as the host gave them: the platform escapes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// How the news is.
    pub tone: Tone,
    /// One line: `Queue finished: 198 of 200 succeeded`.
    pub title: String,
    /// Labels and values, the most telling first.
    pub facts: Vec<(String, String)>,
    /// What failed, one line each: `portrait-07: CUDA out of memory`.
    pub failures: Vec<String>,
    /// The error message of a failed task.
    pub text: Option<String>,
    /// Where to look: the first output, by http or https.
    pub link: Option<String>,
    /// The first output if it is an image at an address the platform's servers can reach.
    pub image_url: Option<String>,
}

impl Notice {
    /// The notice of an event of this type.
    pub fn from_context(kind: &str, context: &Context) -> Notice {
        if context.at(&["digest"]).is_some() {
            return digest(kind, context);
        }
        let mut notice = Notice::alone(kind, context);
        let silenced = context.at(&["event", "suppressed"]).and_then(Json::as_u64).filter(|many| *many > 0);
        notice.fact(WORDS.suppressed, silenced.map(|many| filters::group_thousands(&many.to_string())));
        notice
    }

    fn alone(kind: &str, context: &Context) -> Notice {
        match kind {
            "task.complete" => task(context),
            "queue.start" => queue_start(context),
            "queue.end" => summary(context, "queue", WORDS.queue_finished, None),
            "batch.end" => summary(context, "batch", WORDS.batch_finished, None),
            "batch.stalled" => summary(context, "batch", WORDS.batch_stalled, Some(Tone::Warn)),
            "server.start" => server(context, WORDS.server_started),
            "server.stop" => server(context, WORDS.server_stopped),
            "alert.firing" => alert(context, WORDS.alert_firing, Tone::Bad),
            "alert.resolved" => alert(context, WORDS.alert_resolved, Tone::Good),
            _ => other(kind, context),
        }
    }

    fn new(tone: Tone, title: String) -> Notice {
        Notice {
            tone,
            title,
            facts: Vec::new(),
            failures: Vec::new(),
            text: None,
            link: None,
            image_url: None,
        }
    }

    fn fact(&mut self, label: &str, value: Option<String>) {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            self.facts.push((label.to_owned(), filters::clip(&value, FACT_CHARS)));
        }
    }

    fn fields_of(&mut self, object: Option<&Json>, most: usize) {
        for (key, value) in object.and_then(Json::as_object).into_iter().flatten() {
            if self.facts.len() < most {
                self.fact(key, scalar(value));
            }
        }
    }

    fn host(&mut self, context: &Context) {
        self.fact(WORDS.host, text(context, &["host", "name"]));
    }
}

fn task(context: &Context) -> Notice {
    let (tone, what) = match context.text_at(&["task", "status"]) {
        Some("error") => (Tone::Bad, WORDS.task_failed),
        Some("cancelled") => (Tone::Neutral, WORDS.task_cancelled),
        _ => (Tone::Good, WORDS.task_done),
    };
    let name = text(context, &["task", "name"]).or_else(|| text(context, &["task", "id"]));
    let mut notice = Notice::new(tone, title(what, name.as_deref()));
    notice.fact(WORDS.duration, seconds(context, &["task", "duration_s"]));
    notice.fact(WORDS.model, text(context, &["task", "params", "model"]));
    notice.fact(WORDS.kind, text(context, &["task", "kind"]));
    notice.fact(WORDS.user, text(context, &["task", "user"]));
    let queue = text(context, &["task", "queue"]).filter(|queue| queue != "default");
    notice.fact(WORDS.queue, queue);
    notice.fact(WORDS.batch, text(context, &["task", "batch", "id"]));
    notice.fact(WORDS.remaining, count(context, &["task", "queue_remaining"]));
    let most = notice.facts.len() + SHOWN_METRICS;
    notice.fields_of(context.at(&["task", "metrics"]), most);
    notice.host(context);
    if tone == Tone::Bad {
        notice.text = context.at(&["task", "error"]).and_then(error_text);
    }
    let first = context.at(&["task", "outputs"]).and_then(|outputs| outputs.get(0));
    if let Some(url) = first.and_then(|output| output_url(output, context)) {
        notice.image_url =
            first.filter(|output| is_image(output, &url) && is_public(&url)).map(|_| url.to_string());
        notice.link = Some(url.to_string());
    }
    notice
}

fn queue_start(context: &Context) -> Notice {
    let name = text(context, &["queue", "name"]).filter(|name| name != "default");
    let mut notice = Notice::new(Tone::Neutral, title(WORDS.queue_started, name.as_deref()));
    notice.fact(WORDS.tasks, count(context, &["queue", "total"]).filter(|total| total != "0"));
    notice.host(context);
    notice
}

/// The end of a queue or a batch; `about` is the object its summary stands in.
fn summary(context: &Context, about: &str, what: &str, tone: Option<Tone>) -> Notice {
    let number = |field: &str| context.at(&[about, field]).and_then(Json::as_u64).unwrap_or(0);
    let (total, succeeded, failed, cancelled) =
        (number("total"), number("succeeded"), number("failed"), number("cancelled"));
    let tone = tone.unwrap_or(match (failed, succeeded, cancelled) {
        (0, _, 0) => Tone::Good,
        (0, _, _) => Tone::Neutral,
        (_, 0, _) => Tone::Bad,
        _ => Tone::Warn,
    });
    let counted = |field: &str| count(context, &[about, field]).unwrap_or_else(|| "0".to_owned());
    let title = if total == 0 {
        what.to_owned()
    } else {
        let values = [("what", what), ("succeeded", &counted("succeeded")), ("total", &counted("total"))];
        fill(WORDS.counted, &values)
    };
    let mut notice = Notice::new(tone, title);
    notice.fact(WORDS.failed, (failed > 0).then(|| counted("failed")));
    notice.fact(WORDS.cancelled, (cancelled > 0).then(|| counted("cancelled")));
    notice.fact(WORDS.duration, seconds(context, &[about, "duration_s"]));
    notice.fact(WORDS.per_task, seconds(context, &[about, "task_seconds", "mean"]));
    let users = context.at(&[about, "users"]).and_then(Json::as_array);
    let users: Vec<&str> = users.into_iter().flatten().filter_map(Json::as_str).collect();
    notice.fact(if users.len() == 1 { WORDS.user } else { WORDS.users }, Some(users.join(", ")));
    notice.fact(WORDS.queue, text(context, &[about, "name"]).filter(|name| name != "default"));
    notice.fact(WORDS.batch, text(context, &[about, "id"]));
    notice.host(context);
    notice.failures = failures(context.at(&[about, "failures"]), failed);
    notice
}

fn failures(failures: Option<&Json>, failed: u64) -> Vec<String> {
    let failures = failures.and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut lines: Vec<String> = failures
        .iter()
        .take(SHOWN_FAILURES)
        .map(|failure| {
            let name = ["name", "id"].iter().find_map(|key| failure.get(key).and_then(scalar));
            let name = name.unwrap_or_else(|| WORDS.unnamed_task.to_owned());
            let line = match failure.get("error").and_then(error_text) {
                Some(reason) => fill(WORDS.failure, &[("name", &name), ("reason", &reason)]),
                None => name,
            };
            filters::clip(&line, FACT_CHARS)
        })
        .collect();
    let unnamed = failed.max(failures.len() as u64) - lines.len() as u64;
    if !lines.is_empty() && unnamed > 0 {
        lines.push(fill(WORDS.more, &[("count", &unnamed.to_string())]));
    }
    lines
}

fn server(context: &Context, what: &str) -> Notice {
    let host = text(context, &["host", "name"]);
    let mut notice = Notice::new(Tone::Neutral, title(what, host.as_deref()));
    notice.fields_of(context.at(&["event", "data"]), SHOWN_FIELDS);
    notice
}

fn alert(context: &Context, what: &str, tone: Tone) -> Notice {
    let name = text(context, &["alert", "name"]);
    let mut notice = Notice::new(tone, title(what, name.as_deref()));
    notice.fact(WORDS.metric, text(context, &["alert", "metric"]));
    notice.fact(WORDS.value, count(context, &["alert", "value"]));
    notice.fact(WORDS.threshold, count(context, &["alert", "threshold"]));
    notice.fact(WORDS.since, text(context, &["alert", "since"]));
    notice.host(context);
    notice
}

fn other(kind: &str, context: &Context) -> Notice {
    let mut notice = Notice::new(Tone::Neutral, kind.to_owned());
    notice.fields_of(context.at(&["event", "data"]), SHOWN_FIELDS);
    notice.host(context);
    notice
}

/// One message for many events: how many, and the title of the first ones.
fn digest(kind: &str, context: &Context) -> Notice {
    let items =
        context.at(&["digest", "items"]).and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    let count = count(context, &["digest", "count"]).unwrap_or_else(|| items.len().to_string());
    let notices: Vec<Notice> = items
        .iter()
        .filter_map(Json::as_object)
        .map(|item| {
            // A digest is not nested: an item that claims to be one is read as the event it was.
            let item: Map<String, Json> = item
                .iter()
                .filter(|(key, _)| *key != "digest")
                .map(|(k, v)| (k.clone(), v.clone()))
                .collect();
            let item = Context::new(Json::Object(item));
            Notice::from_context(item.text_at(&["event", "type"]).unwrap_or(kind), &item)
        })
        .collect();
    let has = |tone| notices.iter().any(|notice| notice.tone == tone);
    let tone =
        [Tone::Bad, Tone::Warn, Tone::Good].into_iter().find(|tone| has(*tone)).unwrap_or(Tone::Neutral);
    let mut digest = Notice::new(tone, fill(WORDS.digest, &[("count", &count), ("type", kind)]));
    digest.fact(WORDS.since, text(context, &["digest", "since"]));
    digest.host(context);
    let bad = notices.iter().filter(|notice| matches!(notice.tone, Tone::Bad | Tone::Warn));
    let total_bad = bad.clone().count();
    digest.failures =
        bad.take(SHOWN_FAILURES).map(|notice| filters::clip(&notice.title, FACT_CHARS)).collect();
    if total_bad > SHOWN_FAILURES {
        digest.failures.push(fill(WORDS.more, &[("count", &(total_bad - SHOWN_FAILURES).to_string())]));
    }
    digest
}

fn title(what: &str, name: Option<&str>) -> String {
    match name {
        Some(name) => fill(WORDS.named, &[("what", what), ("name", &filters::clip(name, FACT_CHARS))]),
        None => what.to_owned(),
    }
}

/// A text, number or truth value in words.
fn scalar(value: &Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        Json::Number(_) | Json::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}

fn text(context: &Context, path: &[&str]) -> Option<String> {
    context.at(path).and_then(scalar)
}

fn count(context: &Context, path: &[&str]) -> Option<String> {
    context
        .at(path)
        .filter(|value| value.is_number())
        .map(|value| filters::group_thousands(&value.to_string()))
}

fn seconds(context: &Context, path: &[&str]) -> Option<String> {
    context.at(path).and_then(Json::as_f64).map(filters::duration)
}

/// The message of an error, else its type; an error may also be a bare text.
fn error_text(error: &Json) -> Option<String> {
    ["message", "type"].iter().find_map(|key| error.get(key).and_then(scalar)).or_else(|| scalar(error))
}

/// The address of an output, `host.base_url` before a relative one. Only http and https are links.
fn output_url(output: &Json, context: &Context) -> Option<Url> {
    let given = output.get("url").and_then(Json::as_str).filter(|url| !url.is_empty())?;
    let url = match Url::parse(given) {
        Ok(url) => url,
        Err(url::ParseError::RelativeUrlWithoutBase) => {
            let base = context.text_at(&["host", "base_url"])?;
            Url::parse(&format!("{}/{}", base.trim_end_matches('/'), given.trim_start_matches('/'))).ok()?
        }
        Err(_) => return None,
    };
    matches!(url.scheme(), "http" | "https").then_some(url)
}

fn is_image(output: &Json, url: &Url) -> bool {
    match output.get("mime").and_then(Json::as_str) {
        Some(mime) => mime.starts_with("image/"),
        None => {
            let path = url.path().to_ascii_lowercase();
            [".png", ".jpg", ".jpeg", ".gif", ".webp"].iter().any(|ending| path.ends_with(ending))
        }
    }
}

/// Whether a server elsewhere could fetch it: a chat platform shows an image only if its own servers
/// can. This judges the name; it protects nothing.
fn is_public(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.').to_ascii_lowercase();
            let local = ["localhost", "local", "internal", "lan", "home", "test", "invalid"];
            name.contains('.') && !local.contains(&name.rsplit('.').next().unwrap_or_default())
        }
        Some(Host::Ipv4(address)) => is_public_v4(address),
        Some(Host::Ipv6(address)) => is_public_v6(address),
        None => false,
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, ..] = address.octets();
    let shared = a == 100 && (64..128).contains(&b);
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_documentation()
        || shared
        || a == 0
        || a >= 240)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    match address.to_ipv4_mapped() {
        Some(mapped) => is_public_v4(mapped),
        // 2000::/3 is what is routed at all.
        None => address.segments()[0] & 0xe000 == 0x2000,
    }
}
