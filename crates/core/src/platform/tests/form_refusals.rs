//! A refusal for the form of a message, in the words of each platform: it is never waited for, its words are in the
//! reason, and a plainer form is tried where there is one.

use super::*;
use crate::message::{Context, Template};
use serde_json::json;

/// What platforms, their gateways and their older versions have answered to a message whose form they refuse: by platform,
/// status, body, and words that the reason must have.
const REFUSALS: &str = include_str!("refusals.json");

fn reason_of(outcome: &Outcome) -> Option<&str> {
    match outcome {
        Outcome::Final(reason) | Outcome::Degrade(_, reason) => Some(reason),
        _ => None,
    }
}

#[test]
fn a_refusal_for_form_is_never_waited_for_and_tells_its_words() {
    let mut wrong = Vec::new();
    let refusals: Vec<(String, u16, Value, String)> = serde_json::from_str(REFUSALS).unwrap();
    for (platform, status, body, words) in refusals {
        let body = body.as_str().map_or_else(|| body.to_string(), str::to_owned);
        let answer = Answer { status, body: body.clone().into(), ..Answer::default() };
        let outcome = by_name(&platform).unwrap().read(&answer, NOW_MS);
        let is_right = reason_of(&outcome).is_some_and(|reason| {
            let words = reason.matches(&words).count();
            words > 0 && !reason.contains('\n') && reason.chars().count() < 420
        });
        if !is_right {
            wrong.push(format!("{platform} {status} {body}: {outcome:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_platform_for_people_has_a_plainer_form_of_cards_and_of_templates() {
    let templates = [
        json!({"text": "<b>frame_07</b> *done*", "blocks": {"a": 1}, "attachments": 7, "embeds": {}, "cardsV2": 5}),
        json!({"message": "frame_07", "title": "done", "priority": {"x": 1}, "actions": [{}], "reply_markup": 1}),
        json!({"content": "frame_07 done", "components": [{"type": 9}], "msgtype": "x", "msg_type": "x"}),
        json!({"attachments": [{"fields": [{"title": "frame_07", "value": "done"}]}], "sections": [{}]}),
    ];
    let context = Context::new(json!({"event": {"type": "task.complete"}, "task": {"name": "n"}}));
    for platform in all().iter().filter(|platform| platform.description().markup.is_some()) {
        if platform.name() == "slack-workflow" {
            continue;
        }
        let card = platform.layout(&notice("frame_07 done"), &context, &target(&[]));
        for body in templates.iter().chain([&card]) {
            let plain = platform.degrade(body, Degradation::NoMarkup);
            let text = plain.map(|plain| plain.to_string()).unwrap_or_default();
            let is_plain_already = faults_in(*platform, body).is_none() && body != &card;
            assert!(is_plain_already || text.contains("frame"), "{platform:?}: {body} as {text}");
        }
        let _ = Template::from_json("template", &templates[0]).unwrap();
    }
}

#[test]
fn what_a_plainer_form_says_is_taken_by_its_platform() {
    for platform in all().iter().filter(|platform| platform.description().markup.is_some()) {
        let card = platform.layout(&notice("frame_07 done"), &context("h"), &target(&[]));
        for how in [Degradation::NoImage, Degradation::NoMarkup, Degradation::Shorter] {
            let Some(plain) = platform.degrade(&card, how) else { continue };
            assert_eq!(faults_in(*platform, &plain), None, "{platform:?} {how:?}: {plain}");
        }
    }
}

#[test]
fn a_plainer_form_pings_nobody_by_a_value_that_was_shown_as_it_is() {
    let text =
        json!({"type": "rich_text_section", "elements": [{"type": "text", "text": "{{ task.name }}"}]});
    let label = json!({"type": "plain_text", "text": "open"});
    let slack = json!({"blocks": [{"type": "rich_text", "elements": [text]}, {"type": "actions", "elements": [
        {"type": "button", "text": label, "action_id": "a", "value": "{{ task.name }}"}]}]});
    let google = json!({"cardsV2": [{"card": {"header": {"title": "{{ task.name }}"}, "sections": []}}]});
    let telegram = json!({"text": "<b>it is</b> {{ task.name }}", "parse_mode": "HTML"});
    for (platform, template, value, live, shown) in [
        ("slack", &slack, "<!channel> <@U0123ABCD>", "<", "&lt;!channel&gt; &lt;@U0123ABCD&gt;"),
        ("googlechat", &google, "<users/all>", "<users", "＜users/all＞"),
        ("telegram", &telegram, "it's <b> &amp;", "<i>", "it is it's <b> &amp;"),
    ] {
        let body = rendered_for(platform, template, value);
        let plain = by_name(platform).unwrap().degrade(&body, Degradation::NoMarkup).unwrap();
        let text = plain["text"].as_str().unwrap();
        assert!(!text.contains(live) && text.contains(shown), "{platform}: {plain}");
    }
}
