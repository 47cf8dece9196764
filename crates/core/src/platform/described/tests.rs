//! The interpreter of descriptions, and what is special about some of the built-in ones. What holds for all of them is
//! tried by the tests of all platforms, through `tried`.

use super::super::tests::*;
use super::BUILT_IN;

type Pages = (&'static str, &'static [(u32, u64)], &'static [(&'static str, usize)], Option<usize>);

/// Pace, limits and size by the pages of those that name any, apart from the descriptions.
const PAGES: &[Pages] = &[
    ("apprise", &[], &[("body", 32_768), ("title", 250)], None),
    ("bark", &[(30, 60_000)], &[], Some(4000)),
    ("matrix", &[(10, 10_000)], &[], Some(65_536)),
    ("pushover", &[(1, 1000)], &[("message", 1024), ("title", 250), ("url", 512), ("url_title", 100)], None),
    ("pushplus", &[(5, 10_000)], &[("content", 20_000), ("title", 100)], None),
    ("rocketchat", &[(10, 60_000)], &[("text", 5000), ("attachments/*/text", 5000)], None),
    ("serverchan", &[(1, 2000)], &[("title", 32), ("desp", 32_768)], None),
    ("zulip", &[(100, 60_000)], &[("content", 10_000), ("topic", 60)], None),
];

#[test]
fn a_description_has_no_more_than_its_pages_allow() {
    for (name, pace, limits, size) in PAGES {
        let platform = BUILT_IN.iter().find(|platform| platform.description.name == *name).unwrap();
        assert_eq!((*platform).pace().0, *pace, "{name}");
        for (path, most) in *limits {
            let field = platform.parts.fields.iter().find(|field| field.path.join("/") == *path).unwrap();
            assert!(field.limit.is_some_and(|(max, _)| max <= *most), "{name} {path}");
        }
        assert!(
            platform.parts.max_bytes <= *size && platform.parts.max_bytes.is_some() == size.is_some(),
            "{name}"
        );
    }
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
fn a_mention_is_written_as_the_platform_reads_it_and_no_template_of_matrix_goes_without_its_list() {
    let card = card_of("matrix", &notice("t"), &["@ada:example.org", "room"]);
    let pill = "<a href=\"https://matrix.to/#/@ada:example.org\">@ada:example.org</a> @room<br>";
    assert!(text(&card["formatted_body"]).starts_with(pill), "{card}");
    assert!(text(&card["body"]).starts_with("@ada:example.org @room\n"), "{card}");
    assert_eq!(card_of("matrix", &notice("t"), &["ada"])["m.mentions"], json!({}));
    assert_eq!(rendered_for("matrix", &json!({"body": "{{ task.name }}"}), "@room")["m.mentions"], json!({}));
    for (platform, mention, is_one) in [
        ("matrix", "@ada:example.org", true),
        ("matrix", "@room", true),
        ("matrix", "@ada", false),
        ("zulip", "Ada Lovelace", true),
        ("zulip", "Ada** @**all", false),
        ("rocketchat", "@here", true),
        ("rocketchat", "Ada Lovelace", false),
        ("gotify", "@all", false),
    ] {
        assert_eq!(by_name(platform).unwrap().accepts_mention(mention), is_one, "{platform} {mention}");
    }
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
        assert_eq!(refuses(received("GET", target, &request.body)), platform.parts.refusals[0], "{name}");
        assert_eq!(
            refuses(received(request.method, "/nowhere/at/all/x/y", &request.body)),
            platform.parts.refusals[0],
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
