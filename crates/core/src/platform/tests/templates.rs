//! Values of an event in a template: whatever stands in them, they ping nobody, break no markup and lose no letter.

use super::*;
use crate::message::{Context, Template};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

pub(in crate::platform) fn finished(platform: &str, template: &Template, context: &Context) -> Value {
    let message = match finish_template(by_name(platform).unwrap()) {
        Some(finish) => template.render_marked(context, &finish).unwrap(),
        None => template.render(context).unwrap(),
    };
    serde_json::from_slice(&message.body).unwrap()
}

/// The body of a template for a task with this prompt, which is also its name.
pub(in crate::platform) fn rendered_for(platform: &str, template: &Value, prompt: &str) -> Value {
    let template = Template::from_json("template", template).unwrap();
    finished(platform, &template, &task(prompt))
}

fn task(prompt: &str) -> Context {
    let url = format!("https://cdn.example.com/{}.png", prompt.replace(char::is_whitespace, "-"));
    Context::new(json!({
        "event": {"type": "task.complete"},
        "task": {"name": prompt, "status": "error", "duration_s": 7500.5, "kind": "a_b",
                 "params": {"prompt": prompt, prompt: prompt}, "outputs": [{"url": url}]},
        "host": {"name": "render_07", "base_url": "https://render-07.example.com"},
    }))
}

const HOSTILE: &str = "\
    <!channel> ¦ <!subteam^S0123ABCD> ¦ <@1> ¦ <@&2> ¦ <@U0123ABCD> ¦ @everyone ¦ @here ¦ @all ¦ \
    <users/all> ¦ <at user_id=\"all\"></at> ¦ <at id=all></at> ¦ <at>ada</at> ¦ <@wangqing> ¦ \
    <font color=\"info\"> ¦ </font> ¦ </b> ¦ <a href=\"https://evil.example\">x</a> ¦ \
    <https://evil.example|click> ¦ [click](https://evil.example) ¦ \
    ![x](https://evil.example/x.png) ¦ ``` ¦ ` ¦ ** ¦ __ ¦ ~~ ¦ || ¦ \n#  ¦ \n>  ¦ \n-  ¦ \n ¦ \\ ¦ \
    \" ¦ &amp; ¦ &lt;!channel&gt; ¦ \u{fdd0}\u{fdeb}\u{fffe}\u{dfffe} ¦ ' ¦ | ¦ ＠all ¦ \
    @\u{200b}everyone ¦ frame_07 ¦ 汉字 ¦  ";

pub(in crate::platform) fn hostile_value() -> impl Strategy<Value = String> {
    vec(proptest::sample::select(HOSTILE.split(" ¦ ").collect::<Vec<_>>()), 1..6)
        .prop_map(|pieces| pieces.concat())
}

#[test]
fn every_platform_for_people_escapes_the_values_of_a_template() {
    for platform in all() {
        let machine = platform.name();
        let is_for_people = !["json", "pagerduty", "github", "gitlab", "cloudevents"].contains(&machine);
        assert_eq!(platform.description().markup.is_some(), is_for_people, "{machine}");
        if is_for_people {
            continue;
        }
        let body = rendered_for(
            machine,
            &json!({"t": "a {{ task.name }}", "o": "{{ task.params }}"}),
            "<!channel> *_`",
        );
        assert_eq!(body["t"], "a <!channel> *_`", "{machine}");
        assert_eq!(body["o"]["prompt"], "<!channel> *_`", "{machine}");
    }
}

#[test]
fn a_value_in_code_or_in_an_address_has_the_escapes_of_that_place() {
    let prompt = "a_b *c* `d` @all (e) <f>";
    for (platform, template, wanted) in [
        ("discord", "`{{ task.name }}`", "`a_b *c* ˋdˋ @\u{200b}all (e) <f>`"),
        ("discord", "it`s {{ task.name }}", "it`s a_b \\*c\\* \\`d\\` @\u{200b}all \\(e\\) \\<f\\>"),
        ("mattermost", "```\n{{ task.name }}\n```", "```\na_b *c* ˋdˋ @\u{200b}all (e) <f>\n```"),
        ("slack", "`{{ task.name }}`", "`a_b *c* ˋdˋ @all (e) &lt;f&gt;`"),
        (
            "discord",
            "[x]({{ task.outputs[0].url }})",
            "[x](https://cdn.example.com/a_b-%2Ac%2A-%60d%60-%40all-%28e%29-%3Cf%3E.png)",
        ),
        (
            "discord",
            "{{ task.outputs[0].url }} _{{ host.name }}_",
            "https://cdn.example.com/a_b-%2Ac%2A-%60d%60-%40all-%28e%29-%3Cf%3E.png _render_07_",
        ),
        ("slack", "<{{ host.base_url }}/?a={{ task.kind }}|x>", "<https://render-07.example.com/?a=a_b|x>"),
        ("wecom", "a\u{7}\u{9b}b {{ task.kind }}", "ab a_b"),
        ("slack", "<!date^7^{date} {time}|{{ task.kind }} f>", "<!date^7^{date} {time}|a_b f>"),
        ("discord", "{{ task.duration_s }} {{ task.duration_s | duration }}", "7500.5 2 h 5 min"),
    ] {
        let name = if platform == "discord" { "content" } else { "text" };
        assert_eq!(rendered_for(platform, &json!({ name: template }), prompt)[name], wanted, "{template}");
    }
    let body = json!({"embeds": [{"url": "{{ task.outputs[0].url }}", "image": {"url": "{{ task.outputs[0].url }}"}}]});
    let body = rendered_for("discord", &body, "a_b(1)");
    assert_eq!(body["embeds"][0]["url"], "https://cdn.example.com/a_b(1).png");
    assert_eq!(body["embeds"][0]["image"]["url"], "https://cdn.example.com/a_b(1).png");
}

#[test]
fn filters_and_joined_texts_neither_lose_the_escapes_nor_escape_twice() {
    let prompt = "<a> *b* & c";
    let plain = "&lt;a&gt; \u{200b}*\u{200b}b\u{200b}*\u{200b} &amp; c";
    for (template, wanted) in [
        ("{{ task.name }}", plain.to_owned()),
        ("{{ task.name | e }}", plain.to_owned()),
        ("{{ task.name | upper | lower }}", plain.to_owned()),
        ("{{ task.nothing | default(task.name) }}", plain.to_owned()),
        ("{{ task.nothing | default('<!here>') }}", "<!here>".to_owned()),
        ("{{ [task.name, task.name] | join(' / ') }}", format!("{plain} / {plain}")),
        ("{{ '*' ~ task.name ~ '*' }}", format!("*{plain}*")),
        ("{{ ('<' ~ task.name) | clip(4) }}", "<&lt;a…".to_owned()),
        ("{{ task.name | clip(2) }}", "&lt;…".to_owned()),
        ("{{ task.name | replace('*', '+') }}", "&lt;a&gt; +b+ &amp; c".to_owned()),
        ("{% set x = task.name %}{{ x }}", plain.to_owned()),
        ("{% set x %}*{{ task.name }}*{% endset %}{{ x }}", format!("*{plain}*")),
        ("{% set x = '<!here>' %}{{ x }} {{ task.name }}", format!("<!here> {plain}")),
        ("{% set k = 'a_b' %}{{ '*yes*' if task.kind == k else 'no' }}", "*yes*".to_owned()),
        ("{% for k in [task.name] %}{{ loop.index }} {{ k }}{% endfor %}", format!("1 {plain}")),
        ("{{ '<!here>' if task.kind == 'a_b' else '' }}", "<!here>".to_owned()),
        ("{{ task.name | raw }}", prompt.to_owned()),
        ("{{ task.name | safe }} x", format!("{prompt} x")),
        ("{{ {'a': task.name} | tojson }}", format!("{{\"a\":\"{plain}\"}}")),
        ("{{ task.nothing | default('0.5') | float }} s", "0.5 s".to_owned()),
        ("{{ task.nothing | default('-3') | int }} s", "-3 s".to_owned()),
        ("{{ task.nothing | default('a_b') | replace('_', ' ') }} s", "a b s".to_owned()),
    ] {
        assert_eq!(rendered_for("slack", &json!({ "text": template }), prompt)["text"], wanted, "{template}");
    }
    let text = "{\"text\": {{ \"*\" ~ task.name }}, \"blocks\": {{ [task.name, task.name | raw] }}, \"x\": \"<!here> \\\"*\"}";
    let template = Template::from_text("t.j2", text).unwrap();
    let body = finished("slack", &template, &task(prompt));
    let wanted = json!({"text": format!("*{plain}"), "blocks": [plain, prompt], "x": "<!here> \"*"});
    assert_eq!(body, wanted);
}

#[test]
fn a_swarmui_template_escapes_its_values_too() {
    let text = r#"{"content": "<@1> Done: %prompt%, `%prompt%`, [here](%image%)", "n": %cfg_scale%}"#;
    let mut json = task("@everyone *a*").json().clone();
    json["task"]["params"]["cfg_scale"] = json!(-6.5);
    let template = Template::from_swarmui("template", text).unwrap();
    let body = finished("discord", &template, &Context::new(json));
    let wanted = "<@1> Done: @\u{200b}everyone \\*a\\*, `@\u{200b}everyone *a*`, [here](https://cdn.example.com/%40everyone-%2Aa%2A.png)";
    assert_eq!(body, json!({"content": wanted, "n": -6.5, "allowed_mentions": {"parse": []}}));
}

#[test]
fn a_discord_template_pings_nobody_unless_it_says_whom() {
    let plain = rendered_for("discord", &json!({"content": "x"}), "x");
    assert_eq!(plain["allowed_mentions"], json!({"parse": []}));
    let own = json!({"content": "@here", "allowed_mentions": {"parse": ["everyone"]}});
    assert_eq!(rendered_for("discord", &own, "x"), own);
}

#[test]
fn a_value_keeps_to_the_place_it_stands_in_on_every_platform() {
    let prompt = "a_b *c* ]d[ 'e' \"f\" |g| @h";
    for (platform, template, path, wanted) in [
        (
            "telegram",
            json!({"text": "<a href='https://x/?q={{ task.name }}'>{{ task.name }}</a>", "parse_mode": "HTML"}),
            "/text",
            "<a href='https://x/?q=a_b *c* ]d[ &#39;e&#39; &quot;f&quot; |g| @\u{200b}h'>a_b *c* ]d[ &#39;e&#39; &quot;f&quot; |g| @\u{200b}h</a>",
        ),
        (
            "telegram",
            json!({"text": "*{{ task.name }}* _{{ task.name }}_ [{{ task.name }}](https://x/{{ task.name }}) \\* {{ task.name }}", "parse_mode": "Markdown"}),
            "/text",
            "*a_b ＊c＊ ]d[ 'e' \"f\" |g| @\u{200b}h* _a＿b *c* ]d[ 'e' \"f\" |g| @\u{200b}h_ \
             [a_b *c* ］d[ 'e' \"f\" |g| @\u{200b}h](https://x/a%5Fb%20%2Ac%2A%20%5Dd%5B%20%27e%27%20%22f%22%20%7Cg%7C%20%40h) \
             \\* a\\_b \\*c\\* ]d\\[ 'e' \"f\" |g| @\u{200b}h",
        ),
        (
            "googlechat",
            json!({"cardsV2": [{"card": {"sections": [{"widgets": [{"textParagraph": {"text": "<a href='{{ task.name }}'>x</a>"}}]}]}}]}),
            "/cardsV2/0/card/sections/0/widgets/0/textParagraph/text",
            "<a href='a_b *c* ]d[ &#39;e&#39; &quot;f&quot; |g| @h'>x</a>",
        ),
        (
            "wecom",
            json!({"msgtype": "markdown_v2", "markdown_v2": {"content": "| {{ task.name }} |"}}),
            "/markdown_v2/content",
            "| a_b ＊c＊ ］d［ 'e' \"f\" ｜g｜ @h |",
        ),
        (
            "feishu",
            json!({"card": {"elements": [{"tag": "markdown", "content": "| {{ task.name }} |"}]}}),
            "/card/elements/0/content",
            "| a_b &#42;c&#42; &#93;d&#91; 'e' \"f\" &#124;g&#124; @h |",
        ),
        (
            "mattermost",
            json!({"text": "| {{ task.name }} |"}),
            "/text",
            "| a_b \\*c\\* \\]d\\[ 'e' \"f\" \\|g\\| @\u{200b}h |",
        ),
        (
            "slack",
            json!({"text": "<https://x/{{ task.name }}|{{ task.kind }}>"}),
            "/text",
            "<https://x/a_b%20%2Ac%2A%20%5Dd%5B%20%27e%27%20%22f%22%20%7Cg%7C%20%40h|a_b>",
        ),
    ] {
        let body = rendered_for(platform, &template, prompt);
        assert_eq!(body.pointer(path).and_then(Value::as_str), Some(wanted), "{platform} {template}");
    }
    // A line break of a value ends no quote, no heading, no cell and no code.
    for (platform, path, template, wanted) in [
        ("discord", "/content", "> {{ task.name }}\nx", "> a\n> b\nx"),
        ("discord", "/content", "# {{ task.name }}\nx", "# a b\nx"),
        ("discord", "/content", "`{{ task.name }}` ```\n{{ task.name }}```", "`a b` ```\na\nb```"),
        ("discord", "/content", "{{ task.name }}", "a\nb"),
        ("mattermost", "/text", "| {{ task.name }} | x |\n|---|---|", "| a b | x |\n|---|---|"),
        ("slack", "/text", "> {{ task.name }} `{{ task.name }}`", "> a\n> b `a b`"),
        ("slack", "/text", "{{ task.name }}", "a\nb"),
        ("googlechat", "/text", "{{ task.name }} `{{ task.name }}`", "a\nb `a b`"),
        ("teams", "/text", "{{ task.name }}", "a\n\nb"),
        ("telegram", "/text", "{{ task.name }}", "a\nb"),
        ("mattermost", "/footer", "{{ task.name }}", "a b"),
    ] {
        let template = json!({ path.trim_start_matches('/'): template });
        let body = rendered_for(platform, &template, "a\nb");
        assert_eq!(body.pointer(path).and_then(Value::as_str), Some(wanted), "{platform} {template}");
    }
    let markdown = json!({"msgtype": "markdown", "markdown": {"title": "t", "text": "### {{ task.name }}\n\n{{ task.name }}"}});
    assert_eq!(rendered_for("dingtalk", &markdown, "a\nb")["markdown"]["text"], "### a b\n\na\n\nb");
    // JSON inside of a text stays JSON.
    let prompt = "say \"hi\" \\ \n<at user_id=\"all\">";
    let nested = json!({"msg_type": "text", "content": "{\"text\": {{ task.name | tojson }}}"});
    let body = rendered_for("feishu", &nested, prompt);
    let inner: Value = serde_json::from_str(body["content"].as_str().unwrap()).unwrap();
    assert_eq!(inner["text"], prompt.replace('<', "＜"));
    let code = json!({"content": "```json\n{{ {'a_b': task.name} | tojson }}\n```"});
    let body = rendered_for("discord", &code, "\"q\" *");
    assert_eq!(body["content"], "```json\n{\"a_b\":\"\\\"q\\\" *\"}\n```");
    let body = rendered_for("discord", &json!({"content": "{{ task.name | tojson }}"}), "\"q\"");
    assert_eq!(body["content"], "\"\\\\\"q\\\\\"\"", "shown as \\\"q\\\"");
}
