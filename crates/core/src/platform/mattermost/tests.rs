//! What the platform answers, shows and takes, as it documents it.

use crate::platform::tests::*;

pub(in crate::platform) static TRIAL: Trial = Trial {
    urls: &["https://mattermost.example.com/hooks/abcdefghijklmnopqrstuvwxyz"],
    pace: (&[(5, 1000)], 1),
    check_card,
    refuse_sent,
    has_no_limit: false,
    templates,
};

#[test]
fn mattermost_answers_ok_or_with_the_id_of_an_error() {
    let error = |id: &str| json!({"id": id, "message": "m", "status_code": 400}).to_string();
    for (status, headers, body, outcome) in [
        (200, vec![], "ok".to_owned(), "delivered"),
        (200, vec![], "ok\n".to_owned(), "delivered"),
        (200, vec![], String::new(), "retry"),
        (200, vec![], "<html>ok</html>".to_owned(), "retry"),
        (201, vec![], "ok".to_owned(), "retry"),
        (400, vec![], error("web.incoming_webhook.invalid.app_error"), "gone"),
        (404, vec![], error("web.incoming_webhook.invalid.app_error"), "gone"),
        (400, vec![], error("web.incoming_webhook.parse.app_error"), "plainer NoMarkup"),
        (400, vec![], error("web.incoming_webhook.text.app_error"), "plainer NoMarkup"),
        (400, vec![], error("model.incoming_hook.parse_data.app_error"), "plainer NoMarkup"),
        (403, vec![], error("web.incoming_webhook.permissions.app_error"), "final"),
        (404, vec![], error("app.channel.get_by_name.missing.app_error"), "final"),
        (501, vec![], error("web.incoming_webhook.disabled.app_error"), "final"),
        (404, vec![], "<html>not found</html>".to_owned(), "retry"),
        (403, vec![], String::new(), "retry"),
        (413, vec![], String::new(), "plainer Shorter"),
        (410, vec![], String::new(), "gone"),
        (429, vec![("x-ratelimit-reset", "2")], "limit exceeded".to_owned(), "after 2000"),
        (429, vec![("retry-after", "7"), ("x-ratelimit-reset", "2")], String::new(), "after 7000"),
        (429, vec![], String::new(), "retry"),
        (500, vec![], error("app.post.save.app_error"), "retry"),
        (502, vec![], String::new(), "retry"),
    ] {
        assert_eq!(read("mattermost", status, &headers, &body), outcome, "{status} {body}");
    }
}

#[test]
fn a_mattermost_card_pings_only_whom_the_configuration_names() {
    let card = |mentions: &[&str]| super::card(&notice("a @all [x](y)"), &context("h"), &target(mentions));
    let quiet = card(&[]);
    let attachment = &quiet["attachments"][0];
    assert_eq!(quiet.get("text"), None);
    assert_eq!(attachment["title"], "a @\u{200b}all [x]\u{200b}(y)");
    assert_eq!(attachment["text"], "**Failures**\n- frame-07: out of memory");
    assert_eq!(attachment["fields"][0], json!({"title": "Tasks", "value": "12", "short": true}));
    assert_eq!(attachment["title_link"], "https://render-07.example.com/out/(1).png");
    assert_eq!(card(&["channel", "@ada.l", "a b", ""])["text"], "@channel @ada.l");
}

#[test]
fn titles_and_labels_of_a_mattermost_card_show_no_backslash() {
    let mut content = notice("frame_0017 *done* <x>");
    content.facts = vec![fact("gpu_mem_gb", "18_3")];
    let card = super::card(&content, &context("render_07"), &target(&[]));
    let attachment = &card["attachments"][0];
    assert_eq!(attachment["title"], "frame_0017 *done* <x>");
    assert_eq!(attachment["fallback"], "frame_0017 *done* <x>");
    assert_eq!(attachment["fields"][0]["title"], "gpu_mem_gb");
    assert_eq!(attachment["fields"][0]["value"], "18\\_3");
}

fn check_card(card: &Value) {
    assert_eq!(card.get("text"), None);
    let attachment = &card["attachments"][0];
    let mut shown = vec![&attachment["text"]];
    let fields = attachment["fields"].as_array().map(Vec::as_slice).unwrap_or_default();
    shown.extend(fields.iter().map(|field| &field["value"]));
    let titles: Vec<_> = fields.iter().chain([attachment]).map(|titled| text(&titled["title"])).collect();
    let mut total =
        text(&attachment["fallback"]).chars().count() + text(&attachment["footer"]).chars().count();
    for title in titles {
        total += title.chars().count();
        assert!(title.split('@').skip(1).all(|after| after.starts_with('\u{200b}')), "{title}");
        assert!(!title.contains("]("), "{title}");
    }
    for shown in shown {
        let shown = text(shown).replacen("**Failures**", "", 1);
        // Quotes and further links are the card's own.
        let own = |line: &str| line.starts_with("[") && line.ends_with(")");
        let lines = shown.lines().filter(|line| !own(line));
        let shown = lines.map(|line| line.strip_prefix("> ").unwrap_or(line)).collect::<Vec<_>>().join("\n");
        total += shown.chars().count();
        assert_eq!(unescaped(&shown, "*_~`|[]>"), None, "{shown}");
        assert!(shown.split('@').skip(1).all(|after| after.starts_with('\u{200b}')), "{shown}");
    }
    assert!(total <= super::WHOLE + 100, "{total} in all");
    assert!(!text(&attachment["title"]).trim().is_empty());
}

fn refuse_sent(sent: &[u8]) -> Result<(), String> {
    refuse_lengths(&read_json(sent)?, &[("text", code_points, 0, 16_383)])?;
    refuse_size(sent, 800_000)
}

fn templates() -> Vec<Value> {
    vec![
        json!({"text": HUGE, "attachments": many(json!({"fallback": SAID, "text": NAME, "fields": [{"title": SAID, "value": NAME}]}))}),
    ]
}
