//! What the platform answers, shows and takes, as it documents it.

use crate::platform::tests::*;

pub(in crate::platform) static TRIAL: Trial = Trial {
    urls: &[
        "https://discord.com/api/webhooks/1/token",
        "https://ptb.discord.com/api/v10/webhooks/1/token?thread_id=2",
    ],
    pace: (&[(5, 2000), (30, 60_000)], 1),
    check_card,
    refuse_sent,
    has_no_limit: false,
    templates,
};

#[test]
fn discord_answers_count_by_their_code() {
    let missing_field = r#"{"message":"Invalid Form Body","code":50035,"errors":{"embeds":{"0":{"title":
        {"_errors":[{"code":"BASE_TYPE_MAX_LENGTH","message":"Must be 256 or fewer"}]}}}}}"#;
    let bad_image = r#"{"message":"Invalid Form Body","code":50035,"errors":{"embeds":{"0":{"image":{"url":
        {"_errors":[{"code":"URL_TYPE_INVALID_URL","message":"Not a well formed URL."}]}}}}}}"#;
    for (status, headers, body, outcome) in [
        (204, vec![], "", "delivered"),
        (200, vec![], r#"{"id":"123","content":""}"#, "delivered"),
        (200, vec![], "", "retry"),
        (200, vec![], "{}", "retry"),
        (200, vec![], "<html>", "retry"),
        (202, vec![], r#"{"id":"123"}"#, "retry"),
        (301, vec![], "", "retry"),
        (400, vec![], missing_field, "plainer Shorter"),
        (400, vec![], r#"{"code":50006,"message":"Cannot send an empty message"}"#, "plainer NoMarkup"),
        (
            400,
            vec![],
            r#"{"code":50109,"message":"The request body contains invalid JSON."}"#,
            "plainer NoMarkup",
        ),
        (400, vec![], r#"{"code":220001,"message":"needs a thread"}"#, "final"),
        (401, vec![], r#"{"code":50027,"message":"Invalid Webhook Token"}"#, "gone"),
        (403, vec![], r#"{"code":50013,"message":"Missing Permissions"}"#, "final"),
        (403, vec![], r#"{"code":40333,"message":"internal network error"}"#, "retry"),
        (403, vec![], "error code: 1020", "retry"),
        (404, vec![], r#"{"code":10015,"message":"Unknown Webhook"}"#, "gone"),
        (404, vec![], "", "final"),
        (413, vec![], r#"{"code":40005,"message":"Request entity too large"}"#, "plainer NoImage"),
        (413, vec![], "<html>", "plainer NoImage"),
        (400, vec![], bad_image, "plainer NoImage"),
        (429, vec![("retry-after", "1")], r#"{"retry_after":0.376,"global":false}"#, "after 1000"),
        (429, vec![("retry-after", "1")], r#"{"retry_after":42.1239,"global":false}"#, "after 42124"),
        (429, vec![("x-ratelimit-reset-after", "2.5")], "", "after 2500"),
        (429, vec![], "error code: 1015", "retry"),
        (500, vec![], "", "retry"),
        (502, vec![("retry-after", "5")], "<html>", "after 5000"),
    ] {
        assert_eq!(read("discord", status, &headers, body), outcome, "{status} {body}");
    }
    for (body, delivered) in [("{\"id\":\"1\",\"emb", true), ("<html>", false)] {
        let answer = Answer { status: 200, body: body.into(), truncated: true, ..Answer::default() };
        assert_eq!(
            by_name("discord").unwrap().read(&answer, NOW_MS) == Outcome::Delivered,
            delivered,
            "{body}"
        );
    }
    let answer = Answer { status: 400, body: missing_field.into(), ..Answer::default() };
    let expected = "answered 400, code 50035: a field is wrong or too long (Invalid Form Body: embeds.0.title: Must be 256 or fewer)";
    assert_eq!(
        by_name("discord").unwrap().read(&answer, NOW_MS),
        Outcome::Degrade(Degradation::Shorter, expected.to_owned())
    );
}

#[test]
fn a_discord_card_pings_only_whom_the_configuration_names() {
    let quiet = super::card(&notice("@everyone <@1> _x_"), &context("h"), &target(&[]));
    assert_eq!(quiet["allowed_mentions"], json!({"parse": []}));
    assert_eq!(quiet.get("content"), None);
    assert_eq!(quiet["embeds"][0]["title"], r"@everyone \<@1\> \_x\_");
    assert_eq!(quiet["embeds"][0]["timestamp"], "2021-02-25T15:02:10.000Z");
    let team = target(&["<@&77>", "42", "<@!42>", "@here", "<@nobody>"]);
    let loud = super::card(&notice("t"), &context("h"), &team);
    assert_eq!(loud["content"], "<@&77> <@42> <@42> @here nobody");
    assert_eq!(loud["allowed_mentions"], json!({"parse": ["everyone"], "users": ["42"], "roles": ["77"]}));
}

#[test]
fn discord_uploads_a_picture_and_shows_it_in_the_first_embed() {
    let endpoint = to("discord", "https://discord.com/api/webhooks/1/t", &[]);
    let (url, headers, text) = sent(&endpoint, &json!({"embeds": [{"title": "t"}]}), Some(&picture()));
    assert!(
        url.ends_with("?wait=true") && header(&headers, "content-type").starts_with("multipart/form-data")
    );
    let payload = text.split("Content-Type: application/json\r\n\r\n").nth(1).unwrap();
    let payload = json_of(payload.split("\r\n--").next().unwrap());
    assert_eq!(payload["embeds"][0]["image"]["url"], "attachment://portrait-07.png");
    assert_eq!(payload["attachments"], json!([{"id": 0, "filename": "portrait-07.png"}]));
    assert!(text.contains("name=\"files[0]\"; filename=\"portrait-07.png\"\r\nContent-Type: image/png"));
}

#[test]
fn discord_attaches_what_is_no_picture_without_showing_it() {
    let endpoint = to("discord", "https://discord.com/api/webhooks/1/t", &[]);
    let (_, _, text) = sent(&endpoint, &json!({"embeds": [{"title": "t"}]}), Some(&document()));
    assert!(text.contains("name=\"files[0]\"; filename=\"run.log\"") && !text.contains("attachment://"));
}

#[test]
fn all_embeds_of_discord_share_one_room() {
    let embed =
        json!({"title": "t", "description": "x".repeat(4000), "fields": [{"name": "n", "value": "v"}]});
    let body = trim("discord", &json!({"embeds": [embed, embed, embed]}));
    assert_eq!(faults_in(by_name("discord").unwrap(), &body), None);
    assert_eq!(body["embeds"][0], embed);
    assert_eq!(body["embeds"][1]["description"].as_str().unwrap().chars().count(), 1996);
    assert_eq!(body["embeds"][2]["fields"], json!([]));
}

fn check_card(card: &Value) {
    assert_eq!(card["allowed_mentions"], json!({"parse": []}));
    assert_eq!(card.get("content"), None);
    let embed = &card["embeds"][0];
    let mut total = text(&embed["footer"]["text"]).chars().count();
    let mut visible = |value: &Value, max: usize| {
        let text = text(value);
        let count = text.chars().count();
        assert!((1..=max).contains(&count), "{count} of {max}");
        total += count;
        let is_time = text.strip_prefix("<t:").and_then(|time| time.strip_suffix(":R>"));
        if is_time.is_some_and(|time| time.bytes().all(|b| b.is_ascii_digit())) {
            return;
        }
        // A block of code ends where the card ends it; a quote is the card's own.
        let (said, code) = text.split_once("```\n").unwrap_or((text, "```"));
        assert!(code.ends_with("```") && code.matches('`').count() == 3, "{text}");
        for line in said.lines().map(|line| line.strip_prefix("> ").unwrap_or(line)) {
            let mut escaped = false;
            for character in line.chars() {
                assert!(escaped || !"*_~`|<>#[]()".contains(character), "{character} in {text}");
                escaped = character == '\\' && !escaped;
            }
        }
    };
    visible(&embed["title"], 256);
    if let Some(description) = embed.get("description") {
        visible(description, 4096);
    }
    let fields = embed["fields"].as_array().unwrap();
    assert!(fields.len() <= 25);
    for field in fields {
        visible(&field["name"], 256);
        visible(&field["value"], 1024);
    }
    assert!(total <= 6000, "{total} in all");
    let pictures = at(card, "embeds.*.image");
    let addresses = at(card, "embeds.*.url");
    let is_gallery = |group: &[&Value]| group.iter().all(|address| *address == group[0]);
    assert!(pictures.len() < 2 || addresses.chunks(4).all(is_gallery), "{addresses:?}");
    for button in at(card, "components.*.components.*") {
        assert!(button["style"] == 5 && text(&button["url"]).len() <= 512);
        assert!((1..=80).contains(&text(&button["label"]).chars().count()));
    }
    assert!(embed["color"].as_u64().unwrap() <= 0xff_ff_ff);
    for url in [&embed["url"], &embed["image"]["url"]] {
        assert!(text(url).len() <= 2048);
    }
}

fn refuse_body(body: &Value) -> Result<(), String> {
    refuse_lengths(
        body,
        &[
            ("content", code_points, 0, 2000),
            ("username", code_points, 1, 80),
            ("embeds.*.title", code_points, 0, 256),
            ("embeds.*.description", code_points, 0, 4096),
            ("embeds.*.fields.*.name", code_points, 1, 256),
            ("embeds.*.fields.*.value", code_points, 1, 1024),
            ("embeds.*.footer.text", code_points, 0, 2048),
            ("embeds.*.author.name", code_points, 0, 256),
            ("embeds.*.url", code_points, 1, 2048),
            ("embeds.*.image.url", code_points, 1, 2048),
        ],
    )?;
    for field in [at(body, "embeds.*.fields.*.name"), at(body, "embeds.*.fields.*.value")].concat() {
        if text(field).trim().is_empty() {
            return Err("a blank field".to_owned());
        }
    }
    for list in at(body, "embeds.*.fields").into_iter().chain(at(body, "embeds")) {
        if list.as_array().is_some_and(|list| list.len() > 25) {
            return Err("more than 25 fields".to_owned());
        }
    }
    if at(body, "embeds.*").len() > 10 {
        return Err("more than 10 embeds".to_owned());
    }
    let counted = ["title", "description", "fields.*.name", "fields.*.value", "footer.text", "author.name"];
    let all: usize = counted
        .iter()
        .flat_map(|path| at(body, &format!("embeds.*.{path}")))
        .map(|value| code_points(text(value)))
        .sum();
    if all > 6000 { Err(format!("{all} characters in all embeds")) } else { Ok(()) }
}

fn refuse_sent(sent: &[u8]) -> Result<(), String> {
    refuse_body(&read_json(sent)?)
}

fn templates() -> Vec<Value> {
    let fields = many(json!({"name": NAME, "value": NAME, "inline": true}));
    let embed = json!({
        "title": NAME, "description": HUGE, "fields": fields, "url": "https://example.com/",
        "author": {"name": NAME}, "footer": {"text": NAME},
    });
    let pair = json!({"name": "{{ task.name | clip(40) }}", "value": "{{ task.name | clip(60) }}"});
    let embeds =
        json!({"$for": "n in range(12)", "do": {"title": NAME, "description": NAME, "fields": many(pair)}});
    vec![
        json!({"content": HUGE, "username": SAID, "embeds": embeds}),
        json!({"content": SAID, "embeds": [embed]}),
    ]
}

#[test]
fn discord_is_asked_to_wait_and_nothing_else_of_the_url_changes() {
    let target = |url: &str| by_name("discord").unwrap().dial_url(&Url::parse(url).unwrap()).to_string();
    let base = "https://discord.com/api/webhooks/1/token";
    assert_eq!(target(base), format!("{base}?wait=true"));
    assert_eq!(target(&format!("{base}?thread_id=2")), format!("{base}?thread_id=2&wait=true"));
    assert_eq!(target(&format!("{base}?wait=false&thread_id=2")), format!("{base}?thread_id=2&wait=true"));
    assert_eq!(
        target(&format!("{base}?thread_name=a%20b+c&wait")),
        format!("{base}?thread_name=a%20b+c&wait=true")
    );
    let slack = Url::parse("https://hooks.slack.com/services/T0/B0/key").unwrap();
    assert_eq!(by_name("slack").unwrap().dial_url(&slack), slack);
}
