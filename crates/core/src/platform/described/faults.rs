//! Every fault that a description can have is told with its place, and nothing is kept of it.

use super::described;
use crate::json::json;
use serde_json::Value;

fn whole() -> Value {
    json!({
        "urls": ["push.example.com/{key}"], "options": {"key": {"required": true, "secret": true}},
        "rates": [{"messages": 1, "seconds": 1}],
        "request": {"headers": {"x-room": "farm"}, "members": {"key": "{key}"}},
        "body": {"text": "{{ notice.title }}"},
        "fields": {"text": {"max": 10, "required": true}, "level": {}}, "silent": {"level": "low"},
        "answers": [
            {"name": "ok", "status": 200, "body": "{\"ok\":true}", "outcome": "delivered"},
            {"name": "busy", "status": 503, "outcome": "retry"},
        ],
        "ok_when": "json.ok == true", "refusals": {"body": "busy"}, "code": "json.code",
    })
}

/// Path of the value that changes, the value, the place of the fault, and words of it.
fn wrong() -> Vec<(&'static str, Value, &'static str, &'static str)> {
    let deep = format!("{}status{}", "(".repeat(10_000), ")".repeat(10_000));
    vec![
        ("/ulrs", json!([]), "ulrs", "unknown key"),
        ("/urls", json!("x.example/a"), "urls", "a list of texts"),
        ("/urls/0", json!("https://x.example"), "urls[0]", "without a scheme"),
        ("/urls/0", json!("Push.example.com/{key}"), "urls[0]", "lower case"),
        ("/urls/0", json!("push.*.com/{key}"), "urls[0]", "are hosts"),
        ("/urls/0", json!("x.example/{other}"), "urls[0]", "no option `other`"),
        ("/urls/0", json!("x.example/{key"), "urls[0]", "`{key` matches nothing"),
        ("/urls/0", json!("x.example/{key}{key}"), "urls[0]", "matches nothing"),
        ("/urls/0", json!("x.example/my board/{key}"), "urls[0]", "`my board` matches nothing"),
        ("/urls/0", json!("x.example/a*"), "urls[0]", "`a*` matches nothing"),
        ("/urls/0", json!("*/{key}"), "urls[0]", "any URL"),
        ("/urls/0", json!("x.example/{key}?"), "urls[0]", "name of a parameter"),
        ("/default_url", json!("push.example.com"), "default_url", "expected a URL"),
        ("/default_url", json!("ftp://push.example.com"), "default_url", "expected a URL"),
        ("/rates/0", json!({"messages": 0, "seconds": 1}), "rates[0].messages", "above 0"),
        ("/rates/0", json!({"messages": 1}), "rates[0]", "messages = 60"),
        ("/rates/0", json!(5), "rates[0]", "expected a table"),
        ("/concurrency", json!(0), "concurrency", "above 0"),
        ("/concurrency", json!(65), "concurrency", "up to 64"),
        ("/machine", json!("yes"), "machine", "true or false"),
        ("/options/key", json!({"requierd": true}), "options.key.requierd", "unknown key"),
        ("/options/key", json!({"example": "a\nb"}), "options.key.example", "one line"),
        ("/options/Key", json!({}), "options.Key", "lower-case letters"),
        ("/options/unused", json!({}), "options.unused", "nothing has `{unused}`"),
        ("/request", json!({"method": "GET"}), "request.method", "`POST` or `PUT`"),
        ("/request/path", json!("/say?key={key}"), "request.path", "`query`"),
        ("/request/path", json!("/say/{key"), "request.path", "no other half"),
        ("/request/headers/x-room", json!("farm\r\nx-admin: 1"), "request.headers.x-room", "no line break"),
        ("/request/headers/x-room", json!("渲染"), "request.headers.x-room", "visible ASCII"),
        ("/request/headers/x room", json!("1"), "request.headers.x room", "not the name of a header"),
        ("/request/headers/Host", json!("x"), "request.headers.host", "itself"),
        ("/request/members/key", json!("{kye}"), "request.members.key", "no option `kye`"),
        ("/request/members/key", json!("{key}}"), "request.members.key", "no other half"),
        ("/request/basic", json!("{key}"), "request.basic", "`{user}:{password}`"),
        ("/request/basic", json!("u:{key"), "request.basic", "no other half"),
        ("/body", json!("x"), "body", "a table"),
        ("/body", json!({}), "body", "a table"),
        ("/body/text", json!("{{ notice.titel }}"), "body.text", "titel"),
        ("/body/text", json!("{{ notice.title"), "body.text", ""),
        ("/body/text", json!("{{ task.name }}"), "body.text", "`task` is undefined"),
        ("/body/text", json!("{{ notice.title | shout }}"), "body.text", "shout"),
        ("/body/text", json!("{key}"), "body", "`{key}` is not filled in the body"),
        ("/body/title", json!("t"), "body.title", "`fields` does not say"),
        ("/fields", json!({}), "fields", "needs `fields`"),
        ("/fields/a~1~1b", json!({}), "fields.a//b", "named by the members"),
        ("/fields/text~1x", json!({}), "fields.text.kind", "`object` or `list`"),
        ("/fields/text", json!({"kind": "texts"}), "fields.text.kind", "the kind of a field"),
        ("/fields/text", json!({"unit": "inches"}), "fields.text.unit", "`characters`, `bytes` or `utf16`"),
        ("/fields/text", json!({"markup": "bbcode"}), "fields.text.markup", "kinds of markup"),
        ("/fields/text", json!({"markup": {"html": "html"}}), "fields.text.markup", "`at` names"),
        ("/fields/text", json!({"max": 0}), "fields.text.max", "above 0"),
        ("/fields/text", json!({"max": -5}), "fields.text.max", "above 0"),
        ("/fields/text", json!({"one_of": []}), "fields.text.one_of", "no text"),
        ("/fields/text", json!({"kind": "number", "min": 5, "max": 4}), "fields.text.min", "no number"),
        ("/fields/text", json!({"min": 5}), "fields.text.min", "has no `min`"),
        ("/fields/text", json!({"kind": "flag", "markup": "html"}), "fields.text.markup", "has no `markup`"),
        ("/silent", json!({"levle": "low"}), "silent.levle", "no `levle` in `fields`"),
        ("/silent", json!("level"), "silent", "a table"),
        ("/mentions", json!({"form": "names", "text": "@name", "at": ["text"]}), "mentions", "`{name}`"),
        (
            "/mentions",
            json!({"form": "names", "text": "@{name}", "at": ["level", "txt"]}),
            "mentions.at",
            "no text `txt`",
        ),
        (
            "/mentions",
            json!({"form": "names", "text": "@{name}", "at": ["text"], "to": 1}),
            "mentions.to",
            "unknown key",
        ),
        ("/max_bytes", json!(0), "max_bytes", "above 0"),
        ("/max_bytes", json!(300), "max_bytes", "no message fits: 350"),
        ("/ok_when", json!("body.ok"), "ok_when", "`body` is undefined"),
        ("/ok_when", json!("json.ok =="), "ok_when", ""),
        ("/ok_when", json!(deep), "ok_when", ""),
        ("/ok_when", json!("json.done == true"), "answers[0]", "read as Retry"),
        ("/retry_when", json!("status = 500"), "retry_when", ""),
        ("/gone_when", json!("not (status"), "gone_when", ""),
        ("/code", json!("code"), "code", "`json.code`"),
        ("/answers/0", json!({"name": "ok", "status": 200}), "answers[0]", "needs `name`, `status`"),
        ("/answers/0/outcome", json!("fine"), "answers[0].outcome", "`delivered`"),
        ("/answers/0/outcome", json!("retry"), "answers", "the first answer is the success"),
        ("/answers/0/status", json!(42), "answers[0]", "100 to 599"),
        ("/answers/0/wait_s", json!(5), "answers[0].wait_s", "asks for a wait"),
        ("/answers/1/wait_s", json!(9_999_999), "answers[1].wait_s", "up to 604800"),
        ("/answers/1/name", json!("ok"), "answers[1].name", "another answer"),
        ("/answers/1/headers", json!({"X-A": "b"}), "answers[1].headers.X-A", "lower case"),
        ("/answers/1/headers", json!({"x-a": "b\r\nc: d"}), "answers[1].headers.x-a", "visible ASCII"),
        ("/refusals/body", json!("400"), "refusals.body", "no answer `400`"),
        ("/refusals/form", json!("ok"), "refusals.form", "unknown key"),
        ("/example", json!("say"), "example", "begins with `/`"),
    ]
}

/// The description with another value at a path, whose last step may be new.
fn with(path: &str, value: Value) -> Value {
    let mut wrong = whole();
    let (above, name) = path.rsplit_once('/').unwrap();
    let name = name.replace("~1", "/");
    let holder = wrong.pointer_mut(above).unwrap();
    match holder {
        Value::Array(items) => items[name.parse::<usize>().unwrap()] = value,
        holder => holder[name] = value,
    }
    wrong
}

#[test]
fn a_description_that_cannot_work_is_named_with_its_place() {
    assert!(described("own", &whole()).is_ok(), "{:?}", described("own", &whole()).err());
    let mut missed = Vec::new();
    for (path, value, at, words) in wrong() {
        let found = described("own", &with(path, value.clone())).err().unwrap_or_default();
        if !found.iter().any(|fault| fault.path == at && fault.message.contains(words)) {
            missed.push(format!("{path} {value:.60}: no {words:?} at {at} in {found:?}"));
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
    let found = described("own", &json!([])).err().unwrap();
    assert_eq!(found[0].message, "a description is a table");
}

#[test]
fn a_reload_with_the_same_text_makes_no_other_platform() {
    let one = described("own", &whole()).unwrap();
    assert!(std::ptr::eq(one, described("own", &whole()).unwrap()));
    assert!(!std::ptr::eq(one, described("other", &whole()).unwrap()));
}

#[cfg(target_os = "linux")]
#[test]
fn ten_thousand_reloads_of_a_description_with_a_fault_keep_nothing() {
    fn resident_bytes() -> usize {
        let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
        statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
    }
    let reload = |number: usize| {
        let meaning = format!("{number} {}", "x".repeat(10_000));
        let mut wrong = with("/options/key", json!({"required": true, "meaning": meaning}));
        // A fault that is found last, so that all is read before.
        wrong["ok_when"] = json!("json.done == true");
        // Reading all samples of events takes long and keeps no more.
        wrong["body"] = json!({"text": "{{ nothing"});
        assert!(described("own", &wrong).is_err());
    };
    (0..100).for_each(reload);
    let before = resident_bytes();
    (100..10_100).for_each(reload);
    let grown = resident_bytes().saturating_sub(before);
    assert!(grown < 8 << 20, "{grown} bytes");
}
