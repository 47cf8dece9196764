//! Events, targets, requests and texts that the platforms' tests share.

use crate::message::{Context, Fact, FailureGroup, Image, Link, Notice, Tone, WorkProgress};
use crate::platform::*;
use crate::secret::{Secret, SecretUrl};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::{Value, json};

/// The clock of `read`.
pub(in crate::platform) const NOW_MS: i64 = 1_614_265_330_000;
/// The clock of an attempt.
pub(in crate::platform) const ATTEMPT_MS: i64 = 1_700_000_000_000;

pub(in crate::platform) fn target(mentions: &[&str]) -> Target {
    Target {
        url: SecretUrl::new(Url::parse("https://example.com/").unwrap()),
        options: Vec::new(),
        mentions: mentions.iter().map(|mention| (*mention).to_owned()).collect(),
    }
}

pub(in crate::platform) fn example_target(platform: &dyn Platform, mentions: &[&str]) -> Target {
    let options =
        platform.description().example.options.iter().map(|(name, value)| (*name, Secret::new(*value)));
    let secret = platform.description().options.iter().find(|option| option.name == "secret");
    let secret = secret.map(|option| (option.name, Secret::new("7".repeat(32))));
    let url = Url::parse(&format!("{}://example.com/", platform.description().scheme)).unwrap();
    Target { url: SecretUrl::new(url), options: options.chain(secret).collect(), ..target(mentions) }
}

pub(in crate::platform) fn context(host: &str) -> Context {
    Context::new(json!({
        "event": {"id": "evt_01", "type": "queue.end", "timestamp": "2021-02-25T15:02:10Z", "data": {}},
        "host": {"name": host},
    }))
}

pub(in crate::platform) fn notice(title: &str) -> Notice {
    Notice {
        tone: Tone::Good,
        title: title.to_owned(),
        text: None,
        quote: None,
        details: None,
        progress: None,
        facts: vec![fact("Tasks", "12")],
        failures: vec![failure(Some("out of memory"), 1, &["frame-07"])],
        links: vec![link("Open", "https://render-07.example.com/out/(1).png")],
        images: Vec::new(),
    }
}

pub(in crate::platform) fn fact(label: &str, value: &str) -> Fact {
    Fact { label: label.to_owned(), value: value.to_owned(), time: None }
}

pub(in crate::platform) fn failure(reason: Option<&str>, count: u64, names: &[&str]) -> FailureGroup {
    let names = names.iter().map(|name| (*name).to_owned()).collect();
    FailureGroup { reason: reason.map(str::to_owned), count, names }
}

pub(in crate::platform) fn link(label: &str, url: &str) -> Link {
    Link { label: label.to_owned(), url: url.to_owned() }
}

pub(in crate::platform) fn image(url: &str) -> Image {
    Image { url: url.to_owned(), caption: "frame".to_owned() }
}

/// What speaks against a body at the example's URL, as one text; `None` where nothing does.
pub(in crate::platform) fn faults_in(platform: &dyn Platform, body: &Value) -> Option<String> {
    let faults = platform.faults(body, platform.description().example.target);
    (!faults.is_empty())
        .then(|| faults.into_iter().map(|fault| fault.sentence).collect::<Vec<_>>().join("; "))
}

pub(in crate::platform) fn card_of(platform: &str, notice: &Notice, mentions: &[&str]) -> Value {
    by_name(platform).unwrap().layout(notice, &context("h"), &target(mentions))
}

pub(in crate::platform) fn hostile() -> impl Strategy<Value = String> {
    const SEEDS: &[&str] = &[
        "渲染完成",
        "👩‍👩‍👧‍👦",
        "\u{202e}שלום عليكم",
        "<!channel> <!subteam^S0123ABCD> <@U0123ABCD>",
        "@everyone <@1> <@&2> @here",
        "<@all> <@wangqing> </font>",
        "**b** `c` [t](u) > q # h _i_ ~s~ |x|",
        "&amp;&<>\"'\\",
        "\0\r\n\t\u{2028}",
        " ",
    ];
    let repeated =
        (proptest::sample::select(SEEDS), 0..3000_usize).prop_map(|(seed, times)| seed.repeat(times));
    prop_oneof![any::<String>(), repeated, ".{0,60}"]
}

pub(in crate::platform) fn any_notice() -> impl Strategy<Value = Notice> {
    let tone = proptest::sample::select(&[Tone::Good, Tone::Bad, Tone::Warn, Tone::Neutral][..]);
    let address =
        prop_oneof![hostile(), hostile().prop_map(|path| format!("https://cdn.example.com/{path}"))];
    let time = option::of(any::<i64>());
    let fact = (hostile(), hostile(), time).prop_map(|(label, value, time)| Fact { label, value, time });
    let failure = (option::of(hostile()), 0..2000_u64, vec(hostile(), 0..4));
    let failure = failure.prop_map(|(reason, count, names)| FailureGroup { reason, count, names });
    let link = (hostile(), address.clone()).prop_map(|(label, url)| Link { label, url });
    let image = (hostile(), address).prop_map(|(caption, url)| Image { url, caption });
    let progress = option::of((any::<u64>(), option::of(any::<u64>())));
    let texts = (hostile(), option::of(hostile()), option::of(hostile()), option::of(hostile()));
    let lists = (vec(fact, 0..40), vec(failure, 0..40), vec(link, 0..4), vec(image, 0..11));
    (tone, texts, lists, progress).prop_map(|(tone, (title, text, quote, details), lists, progress)| {
        let (facts, failures, links, images) = lists;
        let progress = progress.map(|(done, total)| WorkProgress { done, total });
        Notice { tone, title, text, quote, details, progress, facts, failures, links, images }
    })
}

pub(in crate::platform) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The outcome in a word, with the wait in milliseconds.
pub(in crate::platform) fn read(platform: &str, status: u16, headers: &[(&str, &str)], body: &str) -> String {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let answer = Answer { status, headers, body: body.as_bytes().to_vec(), truncated: false };
    match by_name(platform).unwrap().read(&answer, NOW_MS) {
        Outcome::Delivered => "delivered".to_owned(),
        Outcome::Retry(_) => "retry".to_owned(),
        Outcome::RetryAfter(wait, _) => format!("after {}", wait.as_millis()),
        Outcome::Final(_) => "final".to_owned(),
        Outcome::Gone(_) => "gone".to_owned(),
        Outcome::Degrade(how, _) => format!("plainer {how:?}"),
        Outcome::Moved(chat, _) => format!("moved {chat}"),
    }
}

pub(in crate::platform) struct TestEndpoint {
    pub(in crate::platform) platform: &'static dyn Platform,
    pub(in crate::platform) target: Target,
}

pub(in crate::platform) fn to(platform: &str, url: &str, keys: &[(&'static str, &str)]) -> TestEndpoint {
    let keys = keys.iter().map(|(name, value)| (*name, Secret::new(*value))).collect();
    let target =
        Target { url: SecretUrl::new(Url::parse(url).unwrap()), options: keys, mentions: Vec::new() };
    TestEndpoint { platform: by_name(platform).unwrap(), target }
}

pub(in crate::platform) fn message<'a>(body: &'a [u8], file: Option<&'a Attachment>) -> RenderedMessage<'a> {
    RenderedMessage {
        event_id: "evt_01",
        kind: "task.complete",
        created_at: ATTEMPT_MS - 5000,
        now: ATTEMPT_MS,
        content_type: "application/json",
        body,
        file,
        form: false,
        live: None,
    }
}

/// URL, headers, and the body as text.
pub(in crate::platform) fn sent(
    endpoint: &TestEndpoint,
    body: &Value,
    file: Option<&Attachment>,
) -> (String, Vec<(String, String)>, String) {
    let body = body.to_string();
    let request = endpoint.platform.request(&endpoint.target, &message(body.as_bytes(), file));
    let mut headers = request.headers.clone();
    headers.push(("content-type".to_owned(), request.content_type.to_string()));
    (request.url.to_string(), headers, String::from_utf8_lossy(&request.body).into_owned())
}

pub(in crate::platform) fn json_of(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

pub(in crate::platform) fn header<'h>(headers: &'h [(String, String)], name: &str) -> &'h str {
    headers.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
}

pub(in crate::platform) fn picture() -> Attachment {
    let bytes = vec![0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n'];
    Attachment { name: "portrait-07.png".into(), media: "image/png", bytes }
}

pub(in crate::platform) fn document() -> Attachment {
    Attachment { name: "run.log".into(), media: "application/octet-stream", bytes: b"epoch 1".to_vec() }
}

pub(in crate::platform) fn trim(platform: &str, body: &Value) -> Value {
    let platform = by_name(platform).unwrap();
    match trimmed(platform, body.to_string().as_bytes()) {
        Some(bytes) => serde_json::from_slice(&bytes).unwrap(),
        None => body.clone(),
    }
}

/// The first character that would be markup, where each may stand only behind a backslash.
pub(in crate::platform) fn unescaped(text: &str, markup: &str) -> Option<char> {
    let mut escaped = false;
    text.chars().find(|character| {
        let live = !escaped && markup.contains(*character);
        escaped = *character == '\\' && !escaped;
        live
    })
}

/// What follows a message, after these answers to it and to what followed so far.
pub(in crate::platform) fn follow_up<'a>(
    to: &TestEndpoint,
    message: &RenderedMessage<'a>,
    answers: &[&str],
) -> Option<FollowUp<'a>> {
    let answer = |body: &&str| Answer { status: 200, body: (*body).into(), ..Answer::default() };
    to.platform.follow_up(&to.target, message, &answers.iter().map(answer).collect::<Vec<_>>())
}
