//! What the pages of each described platform take, by hand and apart from its description; and the interpreter itself.

use super::super::tests::*;
use super::{BUILT_IN, described};

/// What a platform's pages say: limits by place, and whether the body is a form.
struct Pages {
    name: &'static str,
    trial: Trial,
}

macro_rules! pages {
    ($($name:literal: urls $urls:expr, pace $pace:expr, limits [$($limit:expr),*], size $size:expr,
       templates $templates:expr;)*) => {
        static PAGES: &[Pages] = &[$(Pages {
            name: $name,
            trial: Trial {
                urls: &$urls,
                pace: (&$pace, 1),
                check_card: |card| refuse(card, &[$($limit),*], $size).unwrap(),
                refuse_sent: |sent| refuse(&read_sent(sent)?, &[$($limit),*], $size),
                has_no_limit: $size == 0 && { let limits: &[Limit] = &[$($limit),*]; limits.is_empty() },
                templates: || $templates,
            },
        }),*];
    };
}

pages! {
    "apprise": urls ["https://apprise.example.com/notify/renders"], pace [],
        limits [("body", code_points, 1, 32_768), ("title", code_points, 0, 250)], size 0,
        templates vec![json!({"body": HUGE, "title": HUGE}), json!({"body": HUGE, "format": "markdown"})];
    "bark": urls ["https://api.day.app/KEY", "https://api.day.app/push"], pace [(30, 60_000)],
        limits [], size 4000, templates vec![json!({"title": NAME, "body": HUGE}), json!({"body": SAID, "markdown": HUGE})];
    "gotify": urls ["https://gotify.example.com/message"], pace [],
        limits [], size 0, templates vec![json!({"title": NAME, "message": HUGE})];
    "home-assistant": urls ["https://ha.example.com/api/services/notify/mobile_app_phone"], pace [],
        limits [], size 0, templates vec![json!({"title": NAME, "message": HUGE, "data": {"tag": NAME}})];
    "matrix": urls ["https://matrix.example.org/"], pace [(10, 10_000)],
        limits [], size 65_536, templates vec![json!({"msgtype": "m.text", "body": HUGE, "format": "org.matrix.custom.html",
            "formatted_body": "<b>{{ task.name }}</b> {{ task.params.prompt }}"})];
    "pushover": urls ["https://api.pushover.net/1/messages.json"], pace [(1, 1000)],
        limits [("message", code_points, 1, 1024), ("title", code_points, 0, 250), ("url", bytes, 0, 512),
                ("url_title", code_points, 0, 100)], size 0,
        templates vec![json!({"message": HUGE, "title": HUGE}), json!({"message": HUGE, "html": 1})];
    "pushplus": urls ["https://www.pushplus.plus/send"], pace [(5, 10_000)],
        limits [("content", code_points, 1, 20_000), ("title", code_points, 0, 100)], size 0,
        templates vec![json!({"content": HUGE, "title": HUGE}), json!({"content": HUGE, "template": "markdown"})];
    "rocketchat": urls ["https://rocketchat.example.com/hooks/ID/TOKEN"], pace [(10, 60_000)],
        limits [("text", code_points, 0, 5000), ("attachments.*.text", code_points, 0, 5000)], size 0,
        templates vec![json!({"text": HUGE, "attachments": [{"title": NAME, "text": HUGE, "fields": [{"title": NAME, "value": NAME}]}]})];
    "serverchan": urls ["https://sctapi.ftqq.com/SCT1.send", "https://9.push.ft07.com/send/sctp9t.send"], pace [(1, 2000)],
        limits [("title", code_points, 1, 32), ("desp", bytes, 0, 32_768)], size 0,
        templates vec![json!({"title": HUGE, "desp": HUGE})];
    "zulip": urls ["https://example.zulipchat.com/api/v1/messages", "https://example.zulipchat.com/"], pace [(100, 60_000)],
        limits [("content", code_points, 1, 10_000), ("topic", code_points, 0, 60)], size 0,
        templates vec![json!({"content": HUGE})];
}

pub(in crate::platform) fn trial(name: &str) -> &'static Trial {
    &PAGES.iter().find(|pages| pages.name == name).unwrap().trial
}

/// JSON, or a form as an object of texts.
fn read_sent(sent: &[u8]) -> Result<Value, String> {
    if sent.first() == Some(&b'{') {
        return read_json(sent);
    }
    let pairs = url::form_urlencoded::parse(sent);
    Ok(Value::Object(pairs.map(|(name, value)| (name.into_owned(), json!(value))).collect()))
}

fn refuse(body: &Value, limits: &[Limit], size: usize) -> Result<(), String> {
    refuse_lengths(body, limits)?;
    if size > 0 { refuse_size(body.to_string().as_bytes(), size) } else { Ok(()) }
}

#[test]
fn an_option_goes_where_the_description_says_and_the_url_may_hold_it() {
    let body = json!({"message": "m", "body": "m", "content": "m", "msgtype": "m.text"});
    for (platform, url, keys, sent_url, wanted) in [
        (
            "gotify",
            "https://push.example.com/sub/",
            vec![("token", "A1")],
            "https://push.example.com/sub/message",
            ("x-gotify-key", "A1"),
        ),
        (
            "gotify",
            "https://push.example.com/message?token=A1",
            vec![],
            "https://push.example.com/message?token=A1",
            ("x-gotify-key", ""),
        ),
        (
            "matrix",
            "https://m.example.org",
            vec![("room", "!r:m.example.org"), ("token", "syt")],
            "https://m.example.org/_matrix/client/v3/rooms/!r:m.example.org/send/m.room.message/evt_01",
            ("authorization", "Bearer syt"),
        ),
        (
            "home-assistant",
            "http://ha.local:8123/api/services/notify/phone",
            vec![("token", "t")],
            "http://ha.local:8123/api/services/notify/phone",
            ("authorization", "Bearer t"),
        ),
        (
            "zulip",
            "https://x.zulipchat.com",
            vec![("bot", "b@x"), ("key", "k"), ("channel", "c"), ("topic", "t")],
            "https://x.zulipchat.com/api/v1/messages",
            ("authorization", "Basic YkB4Oms="),
        ),
        (
            "apprise",
            "http://apprise.lan:8000/notify/farm",
            vec![],
            "http://apprise.lan:8000/notify/farm",
            ("authorization", ""),
        ),
    ] {
        let endpoint = to(platform, url, &keys);
        let (url, headers, _) = sent(&endpoint, &body, None);
        assert_eq!((url.as_str(), header(&headers, wanted.0)), (sent_url, wanted.1), "{platform}");
        assert_eq!(endpoint.platform.missing_value(&endpoint.target), None, "{platform}");
    }
    let bark = to("bark", "https://api.day.app/KEY", &[]);
    let (url, _, text) = sent(&bark, &body, None);
    assert_eq!((url.as_str(), &json_of(&text)["device_key"]), ("https://api.day.app/push", &json!("KEY")));
    let zulip = to(
        "zulip",
        "https://x.zulipchat.com",
        &[("bot", "b"), ("key", "k"), ("channel", "c"), ("topic", "t")],
    );
    assert_eq!(sent(&zulip, &json!({"content": "a b"}), None).2, "content=a+b&type=stream&to=c&topic=t");
    let missing = to("gotify", "https://push.example.com/", &[]);
    let (key, words) = missing.platform.missing_value(&missing.target).unwrap();
    assert!(key == "token" && words.contains("here or in `url`"), "{words}");
}

#[test]
fn a_fake_takes_its_own_card_and_refuses_what_the_description_does() {
    for platform in BUILT_IN.iter().copied() {
        let dynamic: &dyn Platform = platform;
        let name = dynamic.name();
        let url = format!("https://host.example.com{}", platform.description.example.target);
        let to = Target {
            url: crate::secret::SecretUrl::new(Url::parse(&url).unwrap()),
            ..example_target(dynamic, &[])
        };
        let card = dynamic.layout(&notice("Task done: frame 7"), &context("render-07"), &to).to_string();
        let request = dynamic.request(&to, &message(card.as_bytes(), None));
        let target = &request.url[url::Position::BeforePath..];
        let received = |method, target, body| ReceivedRequest {
            method,
            target,
            headers: &request.headers,
            body,
            uploaded: false,
            messages: &[],
        };
        let refuses =
            |received: ReceivedRequest<'_>| (crate::platform::played(name).unwrap().refuses)(&received);
        assert_eq!(refuses(received(request.method, target, &request.body)), None, "{name}: {card}");
        assert_eq!(refuses(received("GET", target, &request.body)), platform.refusals[0], "{name}");
        assert_eq!(
            refuses(received(request.method, "/nowhere/at/all/x/y", &request.body)),
            platform.refusals[0],
            "{name}"
        );
        let refused = refuses(received(request.method, target, b"not json"));
        assert!(refused.is_some(), "{name}");
        let bare = ReceivedRequest { headers: &[], ..received(request.method, target, b"{}") };
        // Rocket.Chat takes an empty message without a word.
        assert!(refuses(bare).is_some() || name == "rocketchat", "{name}");
    }
}

#[test]
fn a_value_has_the_escapes_of_its_fields_markup() {
    for (platform, template, path, shown) in [
        ("pushover", json!({"message": "{{ task.name }}"}), "/message", "<b>*x*</b> @all"),
        (
            "pushover",
            json!({"message": "<b>{{ task.name }}</b>", "html": 1}),
            "/message",
            "<b>&lt;b&gt;*x*&lt;/b&gt; @all</b>",
        ),
        (
            "gotify",
            json!({"message": "{{ task.name }}", "extras": {"client::display": {"contentType": "text/markdown"}}}),
            "/message",
            "\\<b\\>\\*x\\*\\</b\\> @all",
        ),
        ("pushplus", json!({"content": "{{ task.name }}"}), "/content", "&lt;b&gt;*x*&lt;/b&gt; @all"),
        ("pushplus", json!({"content": "{{ task.name }}", "template": "txt"}), "/content", "<b>*x*</b> @all"),
        ("zulip", json!({"content": "**{{ task.name }}**"}), "/content", "**＜b＞＊x＊＜/b＞ @\u{200b}all**"),
        (
            "rocketchat",
            json!({"attachments": [{"text": "{{ task.name }}"}]}),
            "/attachments/0/text",
            "＜b＞＊x＊＜/b＞ @\u{200b}all",
        ),
        (
            "matrix",
            json!({"body": "{{ task.name }}", "formatted_body": "<i>{{ task.name }}</i>"}),
            "/formatted_body",
            "<i>&lt;b&gt;*x*&lt;/b&gt; @all</i>",
        ),
    ] {
        let body = rendered_for(platform, &template, "<b>*x*</b> @all");
        assert_eq!(body.pointer(path).and_then(Value::as_str), Some(shown), "{platform} {template}");
    }
}

#[test]
fn a_description_that_cannot_work_is_named_with_its_place() {
    let whole = json!({
        "urls": ["push.example.com/{key}"], "options": {"key": {"required": true}},
        "request": {"members": {"key": "{key}"}}, "body": {"text": "{{ notice.title }}"},
        "fields": {"text": {"max": 10, "required": true}, "level": {}}, "silent": {"level": "low"},
        "answers": [{"name": "ok", "status": 200, "body": "{\"ok\":true}", "outcome": "delivered"}], "ok_when": "json.ok == true",
        "refusals": {"body": "ok"},
    });
    assert!(described("own", &whole).is_ok());
    for (path, value, at, words) in [
        ("/urls/0", json!("https://x.example"), "urls[0]", "without a scheme"),
        ("/urls/0", json!("x.example/{other}"), "urls[0]", "no option `other`"),
        ("/request/members/key", json!("{kye}"), "request.members.key", "no option `kye`"),
        ("/request", json!({"method": "GET"}), "request.method", "`POST` or `PUT`"),
        ("/body/text", json!("{{ notice.titel }}"), "body.text", "titel"),
        ("/body/text", json!("{{ notice.title"), "body.text", ""),
        ("/body/text", json!("{{ task.name }}"), "body.text", "`task` is undefined"),
        ("/body", json!("x"), "body", "a table"),
        ("/fields/text", json!({"unit": "inches"}), "fields.text.unit", "`characters`, `bytes` or `utf16`"),
        ("/fields/text", json!({"markup": "bbcode"}), "fields.text.markup", "kinds of markup"),
        ("/fields/text", json!({"max": 0}), "fields.text.max", "above 0"),
        ("/ok_when", json!("body.ok"), "ok_when", "`body` is undefined"),
        ("/ok_when", json!("json.done == true"), "answers[0]", "read as Retry"),
        ("/answers/0/outcome", json!("fine"), "answers[0].outcome", "`delivered`"),
        ("/refusals/body", json!("400"), "refusals.body", "no answer `400`"),
        ("/options/key", json!({"requierd": true}), "options.key.requierd", "unknown key"),
        ("/fields", json!({}), "fields", "needs `fields`"),
        ("/silent", json!({"levle": "low"}), "silent.levle", "no `levle` in `fields`"),
        ("/silent", json!("level"), "silent", "a table"),
    ] {
        let mut wrong = whole.clone();
        *wrong.pointer_mut(path).unwrap() = value;
        let found = described("own", &wrong).err().unwrap_or_default();
        let is_told = found.iter().any(|fault| fault.path == at && fault.message.contains(words));
        assert!(is_told, "{path}: {found:?}");
    }
    let same = described("own", &whole).unwrap();
    assert!(std::ptr::eq(same, described("own", &whole).unwrap()), "a reload makes no other");
}
