//! Every place of a body on every platform, before values that would ping, link, style, list or break it: nothing of a
//! value is live, and all of it is shown as it was written.

use super::readers::{Reader, described_reader, reader};
use super::*;
use crate::message::{Context, Template};
use serde_json::{Map, Value, json};

const V: &str = "{{ task.name }}";

/// Texts with a value in each place that markup knows: alone, in a sentence, in a style, in code, in a quote, in a
/// heading, in a list, in a label, in an address.
fn in_markdown(bold: &str, link: &str) -> Vec<String> {
    let bold = bold.replace('V', V);
    let link = link.replace('V', V);
    vec![
        V.to_owned(),
        format!("a {V} b\n{V}"),
        format!("{bold} z {link}"),
        format!("`{V}` z\n```\n{V}\n``` z"),
        format!("> {V}\n\nz"),
    ]
}

fn texts() -> Vec<(&'static str, Value)> {
    let mut all = Vec::new();
    let mut add = |platform, texts: Vec<String>, body: fn(&str) -> Value| {
        all.extend(texts.iter().map(|text| (platform, body(text))));
    };
    let markdown = || {
        let lines = [
            format!("# {V}\nz"),
            format!("- {V}\n- z"),
            format!("1. {V}\n2. z"),
            format!("[{V}](https://x.example)"),
        ];
        [in_markdown("**V**", "[l](https://x.example/?q=V)"), lines.to_vec()].concat()
    };
    let chat = || in_markdown("*V*", "<https://x.example/?q=V|l>");
    let card = |element: Value| {
        json!({"type": "message", "attachments": [{"contentType": "application/vnd.microsoft.card.adaptive",
            "content": {"type": "AdaptiveCard", "version": "1.4", "fallbackText": V, "body": [element]}}]})
    };
    add("discord", markdown(), |t| {
        json!({"content": t, "username": V, "embeds": [{"title": t, "description": t,
        "author": {"name": V}, "footer": {"text": V}, "fields": [{"name": t, "value": t}]}]})
    });
    add("discord", vec![V.to_owned()], |t| {
        json!({"content": "z", "components": [{"type": 1, "components": [
        {"type": 2, "style": 5, "label": t, "url": "https://x.example"}]}]})
    });
    add("discord", vec![format!("||{V}|| z"), format!("__{V}__ ~~{V}~~")], |t| json!({"content": t}));
    add("slack", chat(), |t| {
        json!({"text": t, "blocks": [
        {"type": "section", "text": {"type": "mrkdwn", "text": t}, "fields": [{"type": "mrkdwn", "text": t}]},
        {"type": "context", "elements": [{"type": "plain_text", "text": V}, {"type": "mrkdwn", "text": t}]},
        {"type": "rich_text", "elements": [
            {"type": "rich_text_section", "elements": [{"type": "text", "text": V}]},
            {"type": "rich_text_quote", "elements": [{"type": "text", "text": V}]},
            {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": V}]}]},
        {"type": "image", "image_url": "https://x.example/a.png", "alt_text": V},
        {"type": "actions", "elements": [{"type": "button", "url": "https://x.example", "text": {"type": "plain_text", "text": V}}]},
    ], "attachments": [{"fallback": V, "title": V, "text": t, "fields": [{"title": V, "value": t}]}]})
    });
    add("slack", markdown(), |t| json!({"blocks": [{"type": "markdown", "text": t}]}));
    add("slack-bot", chat(), |t| {
        json!({"text": t, "thread": [{"text": t, "blocks": [
        {"type": "section", "text": {"type": "mrkdwn", "text": t}, "fields": [{"type": "mrkdwn", "text": t}]}]}]})
    });
    add("slack-workflow", vec![V.to_owned()], |t| json!({"a": t}));
    add("mattermost", markdown(), |t| {
        json!({"text": t, "attachments": [{"fallback": V, "pretext": t, "title": V,
        "text": t, "footer": V, "author_name": V, "fields": [{"title": V, "value": t}]}]})
    });
    add("mattermost", vec![format!("| a | b |\n|---|---|\n| {V} | 2 |")], |t| json!({"text": t}));
    for text in [
        V.to_owned(),
        format!("**{V}** z [l](https://x.example/?q={V})"),
        format!("[{V}](https://x.example)"),
    ] {
        all.push(("teams", card(json!({"type": "TextBlock", "text": text}))));
    }
    all.push(("teams", card(json!({"type": "FactSet", "facts": [{"title": V, "value": V}]}))));
    all.push(("teams", card(json!({"type": "ImageSet", "images": [{"type": "Image", "altText": V, "url": "https://x.example"}]}))));
    all.push(("teams", card(json!({"type": "TextBlock", "id": "details", "isVisible": false, "text": V}))));
    all.push(("teams", card(json!({"type": "Container", "items": [{"type": "ColumnSet", "columns": [
        {"type": "Column", "items": [{"type": "TextBlock", "text": V}, {"type": "Image", "altText": V, "url": "https://x.example"}]}]}]}))));
    let mut add = |platform, texts: Vec<String>, body: fn(&str) -> Value| {
        all.extend(texts.iter().map(|text| (platform, body(text))));
    };
    add("dingtalk", markdown(), |t| json!({"msgtype": "markdown", "markdown": {"title": V, "text": t}}));
    add("dingtalk", markdown(), |t| {
        json!({"msgtype": "actionCard", "actionCard": {"title": V, "text": t, "btnOrientation": "0",
        "btns": [{"title": V, "actionURL": "https://x.example"}]}})
    });
    add("dingtalk", vec![V.to_owned()], |t| json!({"msgtype": "text", "text": {"content": t}}));
    add("wecom", markdown(), |t| json!({"msgtype": "markdown_v2", "markdown_v2": {"content": t}}));
    add(
        "wecom",
        vec![format!("<font color=\"info\">{V}</font> **{V}**")],
        |t| json!({"msgtype": "markdown", "markdown": {"content": t}}),
    );
    add("wecom", vec![V.to_owned()], |t| {
        json!({"msgtype": "template_card", "template_card": {"card_type": "news_notice", "source": {"desc": t},
        "main_title": {"title": t, "desc": t}, "card_image": {"url": "https://x.example/a.png"},
        "quote_area": {"quote_text": t}, "horizontal_content_list": [{"keyname": t, "value": t}],
        "vertical_content_list": [{"title": t, "desc": t}],
        "jump_list": [{"type": 1, "title": t, "url": "https://x.example"}],
        "card_action": {"type": 1, "url": "https://x.example"}}})
    });
    add("wecom", vec![V.to_owned()], |t| json!({"msgtype": "text", "text": {"content": t}}));
    add("feishu", markdown(), |t| {
        json!({"msg_type": "interactive", "card": {"header": {"title": {"tag": "plain_text", "content": V}},
        "elements": [{"tag": "markdown", "content": t}, {"tag": "div", "text": {"tag": "lark_md", "content": t}}]}})
    });
    add("feishu", markdown(), |t| {
        json!({"msg_type": "interactive", "card": {"schema": "2.0", "body": {"elements": [
        {"tag": "column_set", "columns": [{"tag": "column", "elements": [{"tag": "markdown", "content": t},
            {"tag": "button", "text": {"tag": "plain_text", "content": V}}]}]},
        {"tag": "collapsible_panel", "header": {"title": {"tag": "plain_text", "content": V}},
            "elements": [{"tag": "markdown", "content": t}]}]}}})
    });
    add("feishu", vec![V.to_owned()], |t| json!({"msg_type": "text", "content": {"text": t}}));
    add("feishu", vec![V.to_owned()], |t| {
        json!({"msg_type": "post", "content": {"post": {"zh_cn": {"title": t,
        "content": [[{"tag": "text", "text": t}]]}}}})
    });
    add("googlechat", chat(), |t| json!({"text": t}));
    add("googlechat", vec![format!("<b>{V}</b> <a href=\"https://x.example/?q={V}\">{V}</a>")], |t| {
        json!({"cardsV2": [{"card": {"header": {"title": V, "subtitle": V}, "sections": [{"widgets": [
            {"textParagraph": {"text": t}}, {"decoratedText": {"topLabel": V, "text": t}},
            {"buttonList": {"buttons": [{"text": V, "onClick": {"openLink": {"url": "https://x.example"}}}]}}]}]}}]})
    });
    add("googlechat", vec![format!("<i>{V}</i>")], |t| {
        json!({"cardsV2": [{"card": {"sections": [{"header": "z", "collapsible": true, "widgets": [
            {"columns": {"columnItems": [{"widgets": [{"decoratedText": {"topLabel": V, "text": t}}]}]}},
            {"grid": {"items": [{"image": {"imageUri": "https://x.example/a.png", "altText": V}}]}}]}]}}]})
    });
    add(
        "googlechat",
        markdown(),
        |t| json!({"cardsV2": [{"card": {"sections": [{"widgets": [{"textParagraph": {"text": t, "textSyntax": "MARKDOWN"}}]}]}}]}),
    );
    add(
        "telegram",
        vec![format!("<b>{V}</b> <pre>{V}</pre> <a href='https://x.example/?q={V}'>{V}</a>")],
        |t| json!({"text": t, "parse_mode": "HTML"}),
    );
    add(
        "telegram",
        vec![format!(
            "<blockquote>{V}</blockquote> <blockquote expandable>{V}</blockquote> <tg-time unix=\"7\" format=\"dt\">{V}</tg-time>"
        )],
        |t| json!({"text": t, "parse_mode": "HTML"}),
    );
    add(
        "telegram",
        in_markdown("*V*", "[l](https://x.example/?q=V)"),
        |t| json!({"text": t, "parse_mode": "MarkdownV2"}),
    );
    add(
        "telegram",
        vec![V.to_owned()],
        |t| json!({"text": t, "reply_markup": {"inline_keyboard": [[{"text": t, "url": "https://x.example"}]]}}),
    );
    add("ntfy", markdown(), |t| json!({"title": V, "message": t, "markdown": true}));
    add("ntfy", vec![V.to_owned()], |t| json!({"title": V, "message": t}));
    add(
        "email",
        vec![format!("<b title='{V}'>{V}</b> <a href=\"https://x.example/?q={V}\">{V}</a>")],
        |t| json!({"subject": V, "text": V, "html": t}),
    );
    let described = described::tried::texts(&|markup| match markup {
        "plain" => vec![V.to_owned()],
        "html" => vec![format!("<b>{V}</b> <a href=\"https://x.example/?q={V}\">{V}</a>")],
        _ => markdown(),
    });
    all.extend(described);
    all
}

/// What would ping, link, style, list or break; and what only looks so.
const VALUES: &str = "\
    <!channel> ¦ <!here|x> ¦ <!subteam^S0123ABCD> ¦ <@U0123ABCD> ¦ <@1> ¦ <@&2> ¦ @everyone ¦ \
    @here ¦ (@all) ¦ @channel ¦ <users/all> ¦ <at user_id=\"all\"></at> ¦ <at ids=ou_1,ou_2></at> ¦ \
    <at>ada</at> ¦ <@wangqing> ¦ <font color=\"info\">x</font> ¦ </b> ¦ \
    <a href=\"https://evil.example\">x</a> ¦ <https://evil.example|click> ¦ \
    [click](https://evil.example) ¦ ![x](https://evil.example/x.png) ¦ [x]: https://evil.example ¦ \
    ](https://evil.example) ¦ x](https://evil.example) [y ¦ [ ¦ ] ¦ ``` ¦ ``` x ``` ¦ `x` ¦ **b** ¦ \
    *b* ¦ _i_ ¦ __u__ ¦ ~~s~~ ¦ ||sp|| ¦ # h ¦ a\n# h ¦ > q ¦ a\n> q ¦ - a\n- b ¦ * a\n* b ¦ + a ¦ \
    1. a\n2. b ¦ 7) a ¦ a\n=== ¦ a\n--- ¦ --- ¦ *** ¦ | a | b |\n|---|---|\n| 1 | 2 | ¦     code ¦ \
    a\n\n    code _x_ ¦ \tcode ¦ a\rb ¦ a\r# h ¦ a\r\n> q ¦ a\u{2028}- b ¦ \\*x\\* ¦ \
    C:\\Users\\ada\\out_1.png ¦ \\\\server\\share ¦ &lt;!channel&gt; ¦ &amp; ¦ \
    &#60;at id=all&#62; ¦ R&D ¦ a < b > c ¦ a<b ¦ 5 * 3 * 2 ¦ snake_case_name ¦ __init__ ¦ \
    渲染_07_终 ¦ frame_07.png ¦ it's \"so\" ¦ (a) [b] {c} ¦ [1/3] #12! ¦ x=1, 50% ¦ ~5 min ¦ \
    v1.2.3-rc+1 ¦ see (https://ok.example/a_b). ¦ \"https://ok.example/a\" ¦ @\u{200b}all ¦ 汉字 😀 ¦ \
    {{DATE(2017-02-14T06:08:00Z, SHORT)}} {{TIME(2017-02-14T06:08:00Z)}}";

/// A text as a person reads it: without what has no width, with twins for one, and with blanks for one.
fn seen(text: &str) -> String {
    let twins = "＜<＞>［[］]＊*｀`＠@＃#－-！!＿_～~｜|ˋ`＼\\";
    let twin = |c: char| twins.chars().position(|twin| twin == c).filter(|at| at % 2 == 0);
    let read = |c: char| twin(c).and_then(|at| twins.chars().nth(at + 1)).unwrap_or(c);
    let text: String =
        text.chars().map(read).filter(|c| !c.is_whitespace() && !"\u{200b}\u{feff}".contains(*c)).collect();
    let parts = text.split('%').enumerate().map(|(index, part)| {
        let byte = part.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok()).filter(|_| index > 0);
        byte.map_or(if index > 0 { format!("%{part}") } else { part.to_owned() }, |byte| {
            format!("{}{}", char::from(byte), &part[2..])
        })
    });
    parts.collect()
}

/// Each text of a body with its reader.
fn read_all(platform: &str, body: &Value) -> Vec<(Reader, String)> {
    type Find<'f> = dyn Fn(&[String], &Map<String, Value>) -> Reader + 'f;
    fn walk(
        find: &Find<'_>,
        node: &Value,
        path: &mut Vec<String>,
        holder: &Map<String, Value>,
        found: &mut Vec<(Reader, String)>,
    ) {
        match node {
            Value::String(text) => found.push((find(path, holder), text.clone())),
            Value::Array(items) => items.iter().for_each(|item| walk(find, item, path, holder, found)),
            Value::Object(fields) => fields.iter().for_each(|(name, field)| {
                path.push(name.clone());
                walk(find, field, path, fields, found);
                path.pop();
            }),
            _ => {}
        }
    }
    let find = |path: &[String], holder: &Map<String, Value>| match described::tried::markup_at(
        platform, body, path,
    ) {
        Some(markup) => described_reader(markup),
        None => reader(platform, path, holder),
    };
    let mut found = Vec::new();
    walk(&find, body, &mut Vec::new(), &Map::new(), &mut found);
    found
}

#[test]
fn no_value_is_live_in_any_place_and_each_is_shown_as_it_was_written() {
    let mut wrong = Vec::new();
    for (platform, body) in texts() {
        let template = Template::from_json("template", &body).unwrap();
        let rendered =
            |value: &str| read_all(platform, &templates::finished(platform, &template, &task(value)));
        let harmless = rendered("harmless");
        for value in VALUES.split(" ¦ ") {
            for ((reader, found), (_, usual)) in rendered(value).iter().zip(&harmless) {
                let ((live, shown), (usual_live, usual_shown)) = (reader.read(found), reader.read(usual));
                let wanted = usual_shown.replace("harmless", value);
                if live != usual_live || seen(&shown) != seen(&wanted) {
                    wrong.push(format!(
                        "{platform} {value:?} in {usual:?}: {found:?} has {live:?} and shows {shown:?}"
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

fn task(name: &str) -> Context {
    Context::new(json!({"event": {"type": "task.complete"}, "task": {"name": name}}))
}
