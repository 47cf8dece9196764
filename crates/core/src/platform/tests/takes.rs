//! What each platform takes of a body, written from the platforms' own pages: nothing here is read from the
//! code that keeps these limits.

use super::cards::text;
use serde_json::Value;

fn bytes(text: &str) -> usize {
    text.len()
}

fn code_points(text: &str) -> usize {
    text.chars().count()
}

/// Every value at this path; `*` stands for every member of a list.
fn at<'a>(node: &'a Value, path: &str) -> Vec<&'a Value> {
    path.split('.').filter(|name| !name.is_empty()).fold(vec![node], |nodes, name| {
        let inner = |node: &'a Value| match name {
            "*" => node.as_array().into_iter().flatten().collect::<Vec<_>>(),
            name => node.get(name).into_iter().collect(),
        };
        nodes.into_iter().flat_map(inner).collect()
    })
}

type Limit = (&'static str, fn(&str) -> usize, usize, usize);

fn refuse_lengths(body: &Value, limits: &[Limit]) -> Result<(), String> {
    for (path, unit, least, most) in limits {
        for value in at(body, path).into_iter().filter(|value| value.is_string()) {
            let length = unit(text(value));
            if !(*least..=*most).contains(&length) {
                return Err(format!("{length} in `{path}`, which takes {least} to {most}"));
            }
        }
    }
    Ok(())
}

fn refuse_counts(body: &Value, limits: &[(&str, usize)]) -> Result<(), String> {
    for (path, most) in limits {
        for list in at(body, path).into_iter().filter_map(Value::as_array) {
            if !(1..=*most).contains(&list.len()) {
                return Err(format!("{} members in `{path}`, which takes 1 to {most}", list.len()));
            }
        }
    }
    Ok(())
}

fn refuse_size(sent: &[u8], most: usize) -> Result<(), String> {
    if sent.len() > most { Err(format!("{} bytes, and {most} are taken", sent.len())) } else { Ok(()) }
}

/// Every text below a value that people see.
fn seen<'a>(node: &'a Value, name: &str, found: &mut Vec<&'a str>) {
    match node {
        Value::String(text) if !matches!(name, "type" | "url" | "image_url" | "action_id" | "color") => {
            found.push(text);
        }
        Value::Array(items) => items.iter().for_each(|item| seen(item, name, found)),
        Value::Object(fields) => fields.iter().for_each(|(name, field)| seen(field, name, found)),
        _ => {}
    }
}

/// In bytes, which is never less than code points: Slack tells no unit.
fn slack(body: &Value) -> Result<(), String> {
    refuse_lengths(body, &[("text", bytes, 0, 4000)])?;
    refuse_counts(body, &[("blocks", 50), ("attachments", 100), ("attachments.*.blocks", 50)])?;
    let blocks = [at(body, "blocks.*"), at(body, "attachments.*.blocks.*")].concat();
    for block in blocks {
        let of_its_type: &[Limit] = match text(&block["type"]) {
            "header" => &[("text.text", bytes, 1, 150)],
            "section" => &[("text.text", bytes, 1, 3000)],
            "context" => &[("elements.*.text", bytes, 1, 3000)],
            "image" => &[("alt_text", bytes, 1, 2000), ("image_url", bytes, 1, 3000)],
            "markdown" => &[("text", bytes, 1, 12_000)],
            _ => &[],
        };
        refuse_lengths(block, of_its_type)?;
        refuse_lengths(
            block,
            &[
                ("fields.*.text", bytes, 1, 2000),
                ("elements.*.text.text", bytes, 1, 75),
                ("accessory.text.text", bytes, 1, 75),
                ("elements.*.url", bytes, 1, 3000),
                ("accessory.image_url", bytes, 1, 3000),
                ("accessory.alt_text", bytes, 1, 2000),
                ("block_id", bytes, 1, 255),
                ("elements.*.action_id", bytes, 1, 255),
            ],
        )?;
        let elements = if block["type"] == "context" { 10 } else { 25 };
        refuse_counts(block, &[("fields", 10), ("elements", elements)])?;
        if block["type"] == "section" && block.get("text").or(block.get("fields")).is_none() {
            return Err("a section without text".to_owned());
        }
    }
    let mut texts = Vec::new();
    seen(body, "", &mut texts);
    let all: usize = texts.into_iter().map(bytes).sum();
    if all > 13_100 { Err(format!("{all} bytes of text in all")) } else { Ok(()) }
}

fn discord(body: &Value) -> Result<(), String> {
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

/// The length behind the markup, and whether the markup is whole.
fn telegram(body: &Value) -> Result<(), String> {
    let text = text(&body["text"]);
    let shown = if body["parse_mode"] == "HTML" { shown(text)? } else { text.to_owned() };
    match shown.encode_utf16().count() {
        1..=4096 => Ok(()),
        length => Err(format!("{length} units of UTF-16")),
    }
}

/// What is shown of HTML that Telegram can parse.
pub(super) fn shown(html: &str) -> Result<String, String> {
    let (mut out, mut open, mut rest) = (String::new(), Vec::new(), html);
    while let Some(next) = rest.find(['<', '&']) {
        out.push_str(&rest[..next]);
        let (marks, after) = rest[next + 1..]
            .split_once(if rest[next..].starts_with('<') { '>' } else { ';' })
            .ok_or_else(|| format!("what is this: {}", &rest[next..]))?;
        match (rest.as_bytes()[next], marks.strip_prefix('/')) {
            (b'&', _) => out.push(match marks {
                "lt" => '<',
                "gt" => '>',
                "amp" => '&',
                "quot" => '"',
                other => return Err(format!("no entity: {other}")),
            }),
            (_, Some(name)) if open.pop() == Some(name) => {}
            (_, Some(name)) => return Err(format!("unexpected end tag {name}")),
            (_, None) => {
                let name = marks.split(' ').next().unwrap_or_default();
                if !["b", "i", "u", "s", "a", "code", "pre", "blockquote"].contains(&name) {
                    return Err(format!("unsupported start tag {marks}"));
                }
                open.push(name);
            }
        }
        rest = after;
    }
    out.push_str(rest);
    if open.is_empty() { Ok(out) } else { Err(format!("no end tag of {open:?}")) }
}

fn ntfy(body: &Value) -> Result<(), String> {
    refuse_lengths(body, &[("message", bytes, 0, 4096), ("title", code_points, 0, 250)])
}

fn wecom(body: &Value) -> Result<(), String> {
    refuse_lengths(
        body,
        &[
            ("text.content", bytes, 1, 2048),
            ("markdown.content", bytes, 1, 4096),
            ("markdown_v2.content", bytes, 1, 4096),
        ],
    )?;
    refuse_counts(
        body,
        &[("news.articles", 8), ("template_card.horizontal_content_list", 6), ("template_card.jump_list", 3)],
    )
}

fn github(body: &Value) -> Result<(), String> {
    refuse_lengths(body, &[("event_type", code_points, 1, 100)])?;
    let payload = &body["client_payload"];
    if payload.as_object().is_none_or(|members| members.len() > 10) {
        return Err("more than 10 members".to_owned());
    }
    refuse_size(payload.to_string().as_bytes(), 64 * 1024 - 1)
}

/// What speaks against a request of this platform, by its JSON and by its bytes. GitLab, workflows of Slack,
/// CloudEvents and Standard Webhooks name no limit.
pub(super) fn judge(platform: &str, sent: &[u8]) -> Result<(), String> {
    if platform == "gitlab" {
        let pairs: Vec<_> = url::form_urlencoded::parse(sent).collect();
        let has = |name: &str| pairs.iter().any(|(key, _)| key == name);
        return if has("token") && has("ref") { Ok(()) } else { Err("no token, or no ref".to_owned()) };
    }
    let body: Value = serde_json::from_slice(sent).map_err(|fault| fault.to_string())?;
    match platform {
        "slack" => slack(&body),
        "discord" => discord(&body),
        "wecom" => wecom(&body),
        "teams" => refuse_size(sent, 20_000),
        "googlechat" => refuse_size(sent, 32_000),
        "mattermost" => {
            refuse_lengths(&body, &[("text", code_points, 0, 16_383)])?;
            refuse_size(sent, 800_000)
        }
        "dingtalk" => refuse_size(sent, 20_000),
        "feishu" => refuse_size(sent, 20_000),
        "telegram" => telegram(&body),
        "ntfy" => ntfy(&body),
        "pagerduty" => {
            refuse_lengths(
                &body,
                &[("payload.summary", code_points, 1, 1024), ("dedup_key", code_points, 1, 255)],
            )?;
            refuse_size(sent, 512_000)
        }
        "github" => github(&body),
        "json" | "cloudevents" | "slack-workflow" => Ok(()),
        other => Err(format!("nobody wrote down what {other} takes")),
    }
}

#[test]
fn the_judge_finds_what_is_too_long() {
    use serde_json::json;
    let section = json!({"type": "section", "text": {"type": "mrkdwn", "text": "x".repeat(2900)}});
    for (platform, body) in [
        ("slack", json!({"text": "x".repeat(4001)})),
        ("slack", json!({"blocks": vec![section; 5]})),
        ("slack", json!({"blocks": [{"type": "section"}]})),
        ("slack", json!({"blocks": []})),
        (
            "discord",
            json!({"embeds": [{"description": "x".repeat(3001)}, {"description": "x".repeat(3000)}]}),
        ),
        ("discord", json!({"embeds": [{"fields": [{"name": " ", "value": "v"}]}]})),
        ("wecom", json!({"markdown": {"content": "汉".repeat(1366)}})),
        ("teams", json!({"text": "x".repeat(20_000)})),
        ("mattermost", json!({"text": "x".repeat(16_384)})),
        ("telegram", json!({"text": "x".repeat(4097)})),
        ("telegram", json!({"text": "<b>x", "parse_mode": "HTML"})),
        ("telegram", json!({"text": "x &am", "parse_mode": "HTML"})),
        ("github", json!({"event_type": "x", "client_payload": {"x": "x".repeat(66_000)}})),
        ("pagerduty", json!({"payload": {"summary": "x"}, "dedup_key": "x".repeat(256)})),
        ("carrier-pigeon", json!({})),
    ] {
        assert!(judge(platform, body.to_string().as_bytes()).is_err(), "{platform}: {body}");
    }
    assert_eq!(shown("<b>a &amp; <i>b</i></b> &lt;").as_deref(), Ok("a & b <"));
}
