//! What an attempt adds to a message: tokens, signatures, addresses and files; and what a template makes in
//! the place of a card.

use super::*;
use serde_json::{Value, json};

#[test]
fn d1_a_file_that_goes_as_from_swarmui_is_image_beside_the_body_as_it_is() {
    let picture = picture();
    let body = br#"{"embeds": [{"image": {"url": "attachment://image.png"}}]}"#;
    let message = RenderedMessage { form: true, ..message(body, Some(&picture)) };
    for (platform, url) in
        [("discord", "https://discord.com/api/webhooks/1/t"), ("json", "https://relay.example.com/")]
    {
        let endpoint = to(platform, url, &[]);
        let request = endpoint.platform.request(&endpoint.target, &message);
        let boundary = request.content_type.strip_prefix("multipart/form-data; boundary=").unwrap();
        let text = String::from_utf8_lossy(&request.body);
        let parts: Vec<_> = text.split(&format!("--{boundary}")).collect();
        let json = "name=\"payload_json\"\r\nContent-Type: application/json\r\n\r\n\
                    {\"embeds\": [{\"image\": {\"url\": \"attachment://image.png\"}}]}\r\n";
        assert!(parts.len() == 4 && parts[1].ends_with(json), "{text}");
        assert!(parts[2].contains("name=\"file\"; filename=\"image.png\"\r\nContent-Type: image/png\r\n"));
        assert_eq!(
            endpoint.platform.request(&endpoint.target, &message),
            request,
            "each attempt sends the same"
        );
    }
    let slack = to("slack", "https://hooks.slack.com/services/T/B/x", &[]);
    assert_eq!(slack.platform.request(&slack.target, &message).body.as_ref(), body, "which reads no forms");
}

#[test]
fn a_plainer_message_of_each_platform_drops_what_it_must() {
    let plain = |name: &str, body: Value, how| by_name(name).unwrap().degrade(&body, how);
    let html = json!({"text": "<b>a &lt; b</b>", "parse_mode": "HTML"});
    let expected = json!({"text": "a < b", "link_preview_options": {"is_disabled": true}});
    assert_eq!(plain("telegram", html, Degradation::NoMarkup), Some(expected));
    let wecom =
        json!({"msgtype": "markdown", "markdown": {"content": "### <font color=\"info\">t</font>\n> x"}});
    let expected = json!({"msgtype": "text", "text": {"content": "t\nx"}});
    assert_eq!(plain("wecom", wecom, Degradation::Shorter), Some(expected));
    let discord = json!({"embeds": [{"title": "t", "image": {"url": "https://x/"}, "fields": []}, {}]});
    assert_eq!(
        plain("discord", discord.clone(), Degradation::NoImage),
        Some(json!({"embeds": [{"title": "t", "fields": []}, {}]}))
    );
    assert_eq!(plain("discord", discord, Degradation::Shorter), Some(json!({"embeds": [{"title": "t"}]})));
    let feishu = json!({"msg_type": "interactive", "card": {"header": {"title": {"content": "T"}},
        "body": {"elements": [{"tag": "markdown", "content": "**a** &#60;at id=all> <at id=all></at>"}]}}});
    let expected =
        json!({"msg_type": "text", "content": {"text": "T\na ＜at id=all> <at user_id=\"all\"></at>"}});
    assert_eq!(plain("feishu", feishu, Degradation::NoMarkup), Some(expected));
    let ding = json!({"msgtype": "markdown", "markdown": {"title": "t", "text": "a\n\n![p](https://x/)"}});
    assert_eq!(plain("dingtalk", ding, Degradation::Shorter).unwrap()["text"]["content"], "a\n");
}
