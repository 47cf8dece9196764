//! Takes out of a body the smallest parts for which its platform refuses it: one bad button costs the button, and not
//! the blocks around it.

use super::super::{Platform, RenderedMessage, Target, trimmed};
use super::{BodyFault, FaultKind};
use serde_json::Value;

/// The most parts that are taken out of one body.
const PARTS: usize = 40;

/// Takes out what the platform refuses although nothing is lost with it: addresses that are none, and blank texts.
pub(in crate::platform) fn repair(platform: &dyn Platform, body: &mut Value) {
    prune(platform, "", body, &|fault| matches!(fault.kind, FaultKind::Link | FaultKind::Empty));
}

/// The body without the parts for which the platform refuses it; `None` where there are none, or where it would be
/// refused without them too.
pub fn pruned(platform: &dyn Platform, target: &Target, body: &[u8]) -> Option<Vec<u8>> {
    let mut json: Value = serde_json::from_slice(body).ok()?;
    let url = platform.dial_url(target.url.expose());
    let (sent, sent_url) = request_of(platform, target, body);
    let refused = platform.faults(&sent?, &sent_url);
    // What the request adds to each attempt is no fault of the body.
    let mut added = platform.faults(&json, url.as_str());
    added.retain(|fault| !refused.iter().any(|other| is_same(fault, other)));
    let counts =
        |fault: &BodyFault| fault.response.is_some() && !added.iter().any(|other| is_same(fault, other));
    let has_changed = prune(platform, url.as_str(), &mut json, &counts);
    let is_sound = !platform.faults(&json, url.as_str()).iter().any(counts);
    (has_changed && is_sound).then(|| json.to_string().into_bytes())
}

/// Whether two faults are of one kind and at one place, whichever entry of a list it is in.
fn is_same(one: &BodyFault, other: &BodyFault) -> bool {
    let without_numbers = |path: &str| path.replace(|c: char| c.is_ascii_digit(), "");
    one.kind == other.kind && without_numbers(&one.path) == without_numbers(&other.path)
}

/// What speaks against the body of a template, as sentences. Each says whether the fault is gone from what is sent.
pub fn warnings(platform: &dyn Platform, target: &Target, body: &[u8]) -> Vec<String> {
    let Ok(json) = serde_json::from_slice::<Value>(body) else { return Vec::new() };
    let faults = platform.faults(&json, target.url.expose().as_str());
    if faults.is_empty() {
        return Vec::new();
    }
    let fitting = trimmed(platform, body);
    let (sent, url) = request_of(platform, target, fitting.as_deref().unwrap_or(body));
    let left = sent.map(|sent| platform.faults(&sent, &url));
    let remains = |fault: &BodyFault| {
        let is_left = |other: &BodyFault| (&other.path, other.kind) == (&fault.path, fault.kind);
        left.as_ref().is_none_or(|left| left.iter().any(is_left))
    };
    // A message of which nothing is left is not repaired.
    let is_new =
        |other: &BodyFault| other.response.is_some() && !faults.iter().any(|fault| is_same(fault, other));
    let is_worse = left.as_ref().is_some_and(|left| left.iter().any(is_new));
    let tell = |fault: BodyFault| match is_worse || remains(&fault) {
        true => fault.sentence,
        false => format!("{}; Taskbell corrects it before it sends the message", fault.sentence),
    };
    faults.into_iter().map(tell).collect()
}

/// The JSON that goes out for a body, and the URL that it goes to.
fn request_of(platform: &dyn Platform, target: &Target, body: &[u8]) -> (Option<Value>, String) {
    let message = RenderedMessage {
        event_id: "evt_sample",
        kind: "task.complete",
        created_at: 0,
        now: 0,
        content_type: "application/json",
        body,
        file: None,
        form: false,
        live: None,
    };
    let request = platform.request(target, &message);
    (serde_json::from_slice(&request.body).ok(), request.url.to_string())
}

/// Takes parts out while that leaves fewer faults. Whether anything was taken out.
fn prune(platform: &dyn Platform, url: &str, body: &mut Value, counts: &dyn Fn(&BodyFault) -> bool) -> bool {
    let mut has_changed = false;
    // Faults that no part can be taken out for.
    let mut skipped = 0;
    for _ in 0..PARTS {
        let faults = platform.faults(body, url);
        let Some(fault) = faults.iter().filter(|fault| counts(fault)).nth(skipped) else { break };
        let steps: Vec<&str> = fault.path.split('.').flat_map(|step| step.split('[')).collect();
        // A button that opens nothing is none.
        let is_button =
            || at(body, &steps).is_some_and(|part| part["type"] == "button" || part["tag"] == "button");
        let most = steps.len() - usize::from(steps.last() == Some(&"url") && is_button());
        let smaller = (1..=most).rev().find_map(|depth| {
            let mut smaller = body.clone();
            remove(&mut smaller, &steps[..depth]);
            (smaller != *body && platform.faults(&smaller, url).len() < faults.len()).then_some(smaller)
        });
        match smaller {
            Some(smaller) => (*body, has_changed) = (smaller, true),
            None => skipped += 1,
        }
    }
    has_changed
}

/// The part around the last of these steps.
fn at<'b>(body: &'b Value, steps: &[&str]) -> Option<&'b Value> {
    let (_, around) = steps.split_last()?;
    around.iter().try_fold(body, |part, step| match step.strip_suffix(']') {
        Some(number) => part.get(number.parse::<usize>().ok()?),
        None => part.get(step),
    })
}

/// Removes the part to which these steps lead: names of members, and numbers of entries that end in `]`.
fn remove(node: &mut Value, steps: &[&str]) {
    let Some((step, rest)) = steps.split_first() else { return };
    let index = step.strip_suffix(']').and_then(|number| number.parse::<usize>().ok());
    match (node, index) {
        (Value::Array(list), Some(index)) if rest.is_empty() && index < list.len() => {
            drop(list.remove(index))
        }
        (Value::Array(list), Some(index)) => {
            if let Some(entry) = list.get_mut(index)
                && becomes_empty(entry, rest)
            {
                list.remove(index);
            }
        }
        (Value::Object(fields), None) if rest.is_empty() => drop(fields.shift_remove(*step)),
        (Value::Object(fields), None) => {
            if let Some(field) = fields.get_mut(*step)
                && becomes_empty(field, rest)
            {
                fields.shift_remove(*step);
            }
        }
        _ => {}
    }
}

/// Removes a part, and tells whether that was the last entry of a list, which then says nothing.
fn becomes_empty(node: &mut Value, steps: &[&str]) -> bool {
    let is_empty = |node: &Value| node.as_array().is_some_and(Vec::is_empty);
    let was_empty = is_empty(node);
    remove(node, steps);
    !was_empty && is_empty(node)
}

#[cfg(test)]
mod tests {
    use super::super::super::by_name;
    use super::super::super::tests::target;
    use super::*;
    use serde_json::json;

    fn pruned_json(platform: &str, body: &Value) -> Option<Value> {
        let body = pruned(by_name(platform).unwrap(), &target(&[]), body.to_string().as_bytes())?;
        serde_json::from_slice(&body).ok()
    }

    #[test]
    fn a_part_that_is_refused_costs_itself_and_not_what_is_around_it() {
        let section = json!({"type": "section", "text": {"type": "mrkdwn", "text": "frame 7"}});
        let button = |style: &str| json!({"type": "button", "text": {"type": "plain_text", "text": "o"}, "url": "https://a.example.com/", "style": style});
        let body = json!({"blocks": [section, {"type": "actions", "elements": [button("success"), button("danger")]}, {"type": "sections"}]});
        let mut plain = button("success");
        plain.as_object_mut().unwrap().remove("style");
        let expected =
            json!({"blocks": [section, {"type": "actions", "elements": [plain, button("danger")]}]});
        assert_eq!(pruned_json("slack", &body), Some(expected));
        assert_eq!(pruned_json("slack", &json!({"blocks": [section]})), None, "nothing is refused");
        assert_eq!(
            pruned_json("slack", &json!({"blocks": [{"type": "sections"}]})),
            None,
            "nothing would be left"
        );
        let ntfy = json!({"topic": "t", "message": "x", "icon": 5});
        assert_eq!(pruned_json("ntfy", &ntfy), Some(json!({"topic": "t", "message": "x"})));
    }

    #[test]
    fn addresses_that_are_none_and_blank_texts_are_taken_out_before_sending() {
        for (platform, given, left) in [
            (
                "slack",
                json!({"text": "t", "blocks": [{"type": "actions", "elements": [{"type": "button", "url": "/out.png", "text": {"type": "plain_text", "text": "Open"}}]}]}),
                json!({"text": "t"}),
            ),
            (
                "slack",
                json!({"text": "t", "blocks": [{"type": "actions", "elements": [
                    {"type": "button", "action_id": "a", "url": "/out.png", "text": {"type": "plain_text", "text": "Open"}},
                    {"type": "button", "url": "https://a.example.com/", "text": {"type": "plain_text", "text": "Good"}},
                ]}]}),
                json!({"text": "t", "blocks": [{"type": "actions", "elements": [
                    {"type": "button", "url": "https://a.example.com/", "text": {"type": "plain_text", "text": "Good"}},
                ]}]}),
            ),
            (
                "telegram",
                json!({"text": "t", "reply_markup": {"inline_keyboard": [[{"text": "Open", "url": ""}], [{"text": "Good", "url": "https://a.example.com/"}]]}}),
                json!({"text": "t", "reply_markup": {"inline_keyboard": [[{"text": "Good", "url": "https://a.example.com/"}]]}}),
            ),
            (
                "telegram",
                json!({"text": "t", "reply_markup": {"inline_keyboard": [[{"text": "Open", "url": "out.png"}]]}}),
                json!({"text": "t"}),
            ),
            (
                "feishu",
                json!({"msg_type": "interactive", "card": {"elements": [{"tag": "markdown", "content": "t"}, {"tag": "action", "actions": [{"tag": "button", "url": ""}]}]}}),
                json!({"msg_type": "interactive", "card": {"elements": [{"tag": "markdown", "content": "t"}]}}),
            ),
            (
                "discord",
                json!({"embeds": [{"title": "t", "url": "", "image": {"url": "/1.png"}, "fields": [{"name": "a", "value": " "}]}]}),
                json!({"embeds": [{"title": "t"}]}),
            ),
            (
                "googlechat",
                json!({"cardsV2": [{"card": {"sections": [{"widgets": [{"textParagraph": {"text": "t"}}, {"image": {"imageUrl": ""}}]}]}}]}),
                json!({"cardsV2": [{"card": {"sections": [{"widgets": [{"textParagraph": {"text": "t"}}]}]}}]}),
            ),
            (
                "pagerduty",
                json!({"payload": {"summary": "s", "source": "h", "severity": "info"}, "links": [{"href": "out.png"}]}),
                json!({"payload": {"summary": "s", "source": "h", "severity": "info"}}),
            ),
        ] {
            let mut body = given;
            repair(by_name(platform).unwrap(), &mut body);
            assert_eq!(body, left, "{platform}");
        }
    }
}
