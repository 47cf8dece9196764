//! `[endpoints.NAME]`.

use super::*;
use crate::endpoint::{Overflow, Proxy};

#[test]
fn a_url_and_its_platform_must_agree() {
    let url = |url: &str, more: &str| format!("[endpoints.a]\nurl = \"{url}\"\n{more}\n");
    let slack = "https://hooks.slack.com/services/T000/B000/XXXXXXXXXXXXXXXXXXXXXXXX";
    assert_eq!(config(&url(slack, "")).endpoints[0].platform.name(), "slack");
    assert_error(&url(slack, "platform = \"json\""), "platform: the URL belongs to `slack`, not to `json`");
    assert_error(&url(slack, "platform = \"slak\""), "unknown platform `slak`; did you mean `slack`?");
    assert_error(&url("ftp://example.com/", ""), "url: expected an http or https URL");
    assert_error(&url("example.com/x", ""), "url: this is not a URL");
    assert_error(&url("https://example.com/#x", ""), "url: this URL has a fragment");
    assert_error("[endpoints.a]\n", "line 1, column 12: endpoints.a.url: this key is missing");
    config(&url("https://user:pass@example.com/", "platform = \"json\""));
    assert_error(
        &url("https://user:pass@hooks.slack.com/services/x", ""),
        "must not contain a user name or password",
    );
    assert_error("[endpoints.\"a b\"]\nurl = \"https://example.com/\"\n", "`a b` is not an endpoint name");
}

#[test]
fn a_truncated_url_is_rejected() {
    for (url, end) in [
        ("https://qyapi.weixin.qq.com/cgi-bin/webhook/send", "key"),
        ("https://oapi.dingtalk.com/robot/send?access_token=", "access_token"),
        ("https://a.logic.azure.com/workflows/1/triggers/manual/paths/invoke?sv=1.0", "sig"),
        ("https://chat.googleapis.com/v1/spaces/A/messages?key=k", "token"),
    ] {
        let text = format!("[endpoints.a]\nurl = \"{url}\"\n");
        assert_error(&text, &format!("endpoints.a.url: the end of this URL is missing: `{end}=`"));
        let whole = format!("{}{}{end}=x", url, if url.contains('?') { "&" } else { "?" });
        config(&format!("[endpoints.a]\nurl = \"{whole}\"\n"));
    }
    config("[endpoints.a]\nplatform = \"wecom\"\nurl = \"https://example.com/relay\"\n");
}

#[test]
fn a_url_that_was_cut_anywhere_is_rejected_or_warned_of() {
    let slack = "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX";
    let trigger = "https://hooks.slack.com/triggers/T0/1/key";
    for whole in [
        slack,
        trigger,
        "https://discord.com/api/webhooks/123456789012345678/abcdefghijklmnop",
        "https://open.feishu.cn/open-apis/bot/v2/hook/key",
        "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=k",
        "https://oapi.dingtalk.com/robot/send?access_token=t",
        "https://chat.googleapis.com/v1/spaces/AAA/messages?key=k&token=t",
        "https://a.logic.azure.com/workflows/1/triggers/manual/paths/invoke?sv=1.0&sig=s",
    ] {
        assert_eq!(doubts(whole), [""; 0], "{whole}");
        let host_end = whole.match_indices('/').nth(2).unwrap().0;
        let ends = whole.char_indices().skip(host_end).filter(|(_, c)| matches!(c, '/' | '?' | '=' | '&'));
        for (at, _) in ends {
            for cut in [&whole[..at], &whole[..=at]] {
                assert!(!doubts(cut).is_empty(), "{cut}");
            }
        }
    }
    assert!(!doubts(&slack[..slack.len() - 3]).is_empty(), "a key of 21 characters");
    let telegram = "platform = \"telegram\"\nchat_id = \"1\"\n";
    for cut in
        ["https://api.telegram.org/bot", "https://api.telegram.org/bot123", "https://api.telegram.org/bot1:"]
    {
        assert_error(&format!("[endpoints.a]\nurl = \"{cut}\"\n{telegram}"), "the bot's token is not whole");
    }
}

#[test]
fn a_page_for_people_and_a_service_with_another_form_are_named() {
    for (url, words) in [
        ("https://acme.slack.com/archives/C0123", "Slack: this is a page for people"),
        ("https://discord.com/channels/1/2", "Discord: this is a page for people"),
        ("https://teams.microsoft.com/l/channel/1", "Teams: this is a page for people"),
        ("https://t.me/channel", "Telegram: this is a page for people"),
        ("https://outlook.office.com/webhook/1", "are retired"),
        ("https://api.pushover.net/1/glances.json", "Pushover: write `platform = \"pushover\"`"),
        ("https://push.example.com/message?token=A", "Gotify: write"),
        ("https://hooks.example.com/YOUR_TOKEN", "placeholder"),
    ] {
        let found = doubts(url);
        assert!(found.len() == 1 && found[0].contains(words), "{url}: {found:?}");
    }
    let chosen = "platform = \"json\"\nurl = \"https://api.pushover.net/1/glances.json\"\n";
    let text = format!("[endpoints.a]\n{chosen}[[hooks]]\non = [\"a\"]\nto = [\"a\"]\n");
    assert_eq!(read_all(&text).unwrap().1, [], "who writes the platform has chosen it");
    assert_error(&endpoint("").replace("https://", "<https://"), "an angle bracket around it");
}

#[test]
fn a_short_signing_secret_is_warned_of_with_the_way_to_make_one() {
    let warned = |scheme: &str, secret: &str| -> String {
        let sign = format!("sign = [{{ scheme = \"{scheme}\", secrets = [\"{secret}\"] }}]");
        let text = endpoint(&sign) + "[[hooks]]\non = [\"a\"]\nto = [\"a\"]\n";
        warnings(&text).concat()
    };
    for (scheme, secret, makes) in [
        ("standard-webhooks", "whsec_MDEyMzQ1Njc4OWFiY2RlZg==", "openssl rand -base64 32"),
        ("github", "hunter22", "openssl rand -hex 32"),
        ("stripe", "whsec_short", "openssl rand -hex 32"),
        ("slack", "0123456789", "openssl rand -hex 32"),
    ] {
        let found = warned(scheme, secret);
        assert!(found.contains("can be guessed") && found.contains(makes), "{scheme}: {found}");
        assert!(!found.contains(secret), "{found}");
    }
    assert_eq!(warned("standard-webhooks", "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="), "");
    assert_eq!(warned("github", "0123456789abcdef0123456789abcdef"), "");
    let wrong = "sign = [{ scheme = \"standard-webhooks\", secrets = [\"whsec_!\"] }]";
    assert_error(&endpoint(wrong), "`echo whsec_$(openssl rand -base64 32)` makes one");
    let wrong = "sign = [{ scheme = \"standard\", secrets = [\"whsec_!\"] }]";
    let said = errors(&endpoint(wrong)).concat();
    assert!(said.contains("must be one of") && !said.contains("makes one"), "{said}");
}

#[test]
fn a_file_of_certificates_may_begin_with_a_byte_order_mark() {
    let folder = example_folder();
    let path = folder.path().join("certificates/ca.pem");
    let text = std::fs::read(&path).unwrap();
    std::fs::write(&path, [b"\xef\xbb\xbf".as_slice(), &text].concat()).unwrap();
    config(&written(&folder, "c.toml", &endpoint("ca_file = \"certificates/ca.pem\"")));
}

fn doubts(url: &str) -> Vec<String> {
    let text = format!("[endpoints.a]\nurl = \"{url}\"\n[[hooks]]\non = [\"a\"]\nto = [\"a\"]\n");
    lines(&read_all(&text).map_or_else(|errors| errors.0, |(_, warnings)| warnings))
}

#[test]
fn headers_are_checked() {
    for (headers, expected) in [
        ("{ \"a b\" = \"x\" }", "headers.a b: this is not a header name"),
        ("{ Content-Length = \"1\" }", "headers.Content-Length: Taskbell writes this header itself"),
        ("{ webhook-signature = \"1\" }", "written by `sign`"),
        ("{ X-A = \"1\", x-a = \"2\" }", "headers.x-a: duplicate header"),
        ("{ a = \"x\\ny\" }", "headers.a: a header value must be one line of printable ASCII"),
        ("{ a = 1 }", "headers.a: expected text"),
    ] {
        assert_error(&endpoint(&format!("headers = {headers}")), expected);
    }
    assert_eq!(config(&endpoint("headers = { X-A = \"1\" }")).endpoints[0].headers[0].0, "x-a");
}

#[test]
fn certificates_are_read_and_checked_at_load() {
    let folder = example_folder();
    let of = |lines: &str| written(&folder, "c.toml", &endpoint(lines));
    config(&of("ca_file = \"file:certificates/ca.pem\""));
    let pair = "client_cert = \"certificates/client.pem\"\nclient_key = \"file:certificates/client.key\"";
    let both = config(&of(pair));
    let key = both.endpoints[0].tls.client.as_ref().unwrap().1.expose().to_owned();
    assert!(!both.scrubber.scrub(&key).contains(key.lines().nth(1).unwrap()));
    for (lines, expected) in [
        (
            "client_cert = \"certificates/client.pem\"",
            "client_cert: `client_cert` has no effect without `client_key`",
        ),
        ("client_key = \"certificates/client.key\"", "client_key: `client_key` has no effect without"),
        ("ca_file = \"certificates/client.key\"", "ca_file: no PEM block `BEGIN CERTIFICATE` found"),
        ("ca_file = \"certificates/none.pem\"", "none.pem cannot be read"),
        ("client_key = \"certificates/ca.pem\"", "client_key: no PEM block `BEGIN PRIVATE KEY`"),
    ] {
        assert_error(&of(lines), expected);
    }
}

#[test]
fn another_form_of_a_certificate_or_key_is_named_with_the_command_that_converts_it() {
    let folder = example_folder();
    let path = folder.path().join("certificates/other");
    let pkcs7 = b"\x30\x82\x04\x00\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02\xa0";
    let block = |name: &str| format!("-----BEGIN {name}-----\nAAAA\n-----END {name}-----\n").into_bytes();
    for (bytes, certificate, key) in [
        (b"\x30\x82\x03\x00\x30\x82".to_vec(), "`openssl x509 -inform der ", "`openssl pkey -inform der "),
        (b"\x30\x82\x09\x00\x02\x01\x03\x30".to_vec(), "`openssl pkcs12 -in FILE -nokeys", "-nocerts -nodes"),
        (pkcs7.to_vec(), "`openssl pkcs7 -inform der -print_certs ", ""),
        (block("PKCS7"), "`openssl pkcs7 -print_certs ", ""),
        (block("TRUSTED CERTIFICATE"), "`openssl x509 -in FILE ", ""),
        (block("CERTIFICATE REQUEST"), "the certificate that was issued for it", ""),
        (block("EC PRIVATE KEY"), "the certificate is in another file", ""),
        (block("ENCRYPTED PRIVATE KEY"), "the certificate is in another file", "`openssl pkey -in FILE "),
        (b"Proc-Type: 4,ENCRYPTED".to_vec(), "", "`openssl pkey -in FILE "),
        (b"\xff\xfe-\0-\0".to_vec(), "save it as UTF-8", "save it as UTF-8"),
    ] {
        std::fs::write(&path, bytes).unwrap();
        for (lines, words) in [
            ("ca_file = \"certificates/other\"", certificate),
            ("client_cert = \"certificates/other\"\nclient_key = \"certificates/client.key\"", certificate),
            ("client_cert = \"certificates/client.pem\"\nclient_key = \"certificates/other\"", key),
        ] {
            if !words.is_empty() {
                assert_error(&written(&folder, "c.toml", &endpoint(lines)), words);
            }
        }
    }
}

#[test]
fn proxies_are_env_or_a_plain_http_url() {
    let proxy = |text: &str| endpoint(&format!("proxy = \"{text}\""));
    assert!(matches!(config(&proxy("env")).endpoints[0].proxy, Proxy::Environment));
    let config = config(&proxy("http://user:secret-word@proxy:3128"));
    assert!(!config.scrubber.scrub("it said secret-word").contains("secret-word"));
    for bad in ["https://proxy", "socks5://proxy", "proxy:3128", "http://proxy/path"] {
        assert_error(&proxy(bad), "endpoints.a.proxy: ");
    }
}

#[test]
fn errors_of_signatures_are_located_at_their_entry() {
    let text = endpoint(
        "sign = [{ scheme = \"github\", secrets = \"first-secret\" },\n { scheme = \"none\", secrets = [\"x\"] }]",
    );
    assert_error(&text, "line 4, column 2: endpoints.a.sign[1]: ");
    assert_error(
        &endpoint("sign = [{ scheme = \"github\", secrets = [] }]"),
        "at least one secret is required",
    );
    assert_error(&endpoint("sign = [{ scheme = \"github\" }]"), "sign[0].secrets: this key is missing");
    assert_error(
        &endpoint("sign = [{ schema = \"github\" }]"),
        "sign[0].schema: unknown key; did you mean `scheme`?",
    );
}

#[test]
fn a_platform_has_its_own_options_and_no_others() {
    let of = |platform: &str, more: &str| format!("[endpoints.a]\nplatform = \"{platform}\"\n{more}\n");
    let token = "token = \"12:marker-4f9c2a71d0\"";
    let telegram = config(&of("telegram", &format!("chat_id = -100123\n{token}")));
    let a = &telegram.endpoints[0];
    assert_eq!(a.target.url.expose().as_str(), "https://api.telegram.org/");
    assert_eq!(
        (a.target.option("chat_id"), a.target.option("token")),
        (Some("-100123"), Some("12:marker-4f9c2a71d0"))
    );
    assert_eq!(a.target.option("thread_id"), None);
    assert!(!format!("{telegram:?}").contains(MARKER));
    assert!(!telegram.scrubber.scrub("it said 12:marker-4f9c2a71d0").contains(MARKER));
    for (platform, more, expected) in [
        ("telegram", token, "endpoints.a.chat_id: this key is missing: `telegram` needs a chat's number"),
        (
            "telegram",
            "chat_id = 5",
            "endpoints.a.token: this key is missing: `telegram` needs the bot's token",
        ),
        (
            "telegram",
            "chat_id = 0\ntoken = \"1:a\"",
            "a.chat_id: expected a chat's number, or `@channel`, found `0`",
        ),
        ("telegram", "chat_id = true\ntoken = \"1:a\"", "a.chat_id: expected text"),
        (
            "telegram",
            "chat_id = 1\ntoken = \"x\"",
            "a.token: expected the bot's token, as `123456:ABC-DEF`, found the value",
        ),
        ("ntfy", "", "endpoints.a.topic: this key is missing: `ntfy` needs the topic"),
        ("ntfy", "topic = \"a b\"", "a.topic: expected 1 to 64 letters"),
        ("pagerduty", "", "a.routing_key: this key is missing: `pagerduty` needs the integration key"),
        ("pagerduty", "routing_key = \"short\"", "a.routing_key: expected the integration key of a service"),
        ("github", "url = \"https://example.com/\"\nevent_type = \"x\"", "a.token: this key is missing"),
        ("gitlab", "url = \"https://example.com/\"\ntoken = \"x\"", "a.ref: this key is missing"),
        ("gitlab", "ref = \"main\"\ntoken = \"x\"", "endpoints.a.url: this key is missing"),
        (
            "slack",
            "url = \"https://example.com/\"\nsecret = \"x\"",
            "`slack` has no key `secret`; it belongs to `dingtalk`, `feishu`",
        ),
        ("telegram", "chat_id = 1\ntoken = \"1:a\"\nchat = 1", "a.chat: unknown key"),
        ("ntfy", "topci = \"x\"", "a.topci: unknown key; did you mean `topic`?"),
    ] {
        assert_error(&of(platform, more), expected);
    }
    assert_error("secret = \"x\"\n", "secret: unknown key here; it belongs in `[endpoints.NAME]`");
    let farm = config("[endpoints.a]\nurl = \"https://ntfy.sh/farm\"\n");
    assert_eq!(farm.endpoints[0].platform.name(), "ntfy");
    let lark = config(&of(
        "lark",
        "url = \"https://open.larksuite.com/open-apis/bot/v2/hook/k\"\nsecret = \"env:MARKER\"",
    ));
    assert_eq!(
        (lark.endpoints[0].platform.name(), lark.endpoints[0].target.option("secret")),
        ("feishu", Some(MARKER))
    );
}

#[test]
fn what_overflows_is_folded_for_people_and_queued_for_machines() {
    let overflow = |url: &str, more: &str| {
        config(&format!("[endpoints.a]\nurl = \"{url}\"\n{more}\n")).endpoints[0].overflow
    };
    let slack = "https://hooks.slack.com/services/T000/B000/XXXXXXXXXXXXXXXXXXXXXXXX";
    assert_eq!(overflow(slack, ""), Overflow::Fold);
    assert_eq!(overflow(slack, "overflow = \"queue\""), Overflow::Queue);
    assert_eq!(overflow("https://example.com/", ""), Overflow::Queue);
    assert_error(&endpoint("overflow = \"drop\""), "overflow: expected `fold` or `queue`, found `drop`");
}

#[test]
fn only_a_json_endpoint_has_conditions_over_its_answers_and_their_names_are_checked() {
    let with = |more: &str| format!("[endpoints.a]\nurl = \"https://example.com/\"\n{more}\n");
    let answers = &config(&with("ok_when = \"json.code == 0 and headers.x_id\"")).endpoints[0].answers;
    assert!(answers.ok.is_some() && answers.gone.is_none());
    assert_error(
        &with("ok_when = \"body.code == 0\""),
        "line 3, column 11: endpoints.a.ok_when: `body` is undefined",
    );
    assert_error(&with("gone_when = \"json.code =\""), "line 3, column 13: endpoints.a.gone_when");
    let ntfy = "[endpoints.a]\nurl = \"https://ntfy.sh/topic\"\nok_when = \"status == 200\"\n";
    assert_error(ntfy, "`ntfy` knows its own answers: `ok_when` is for `json`");
}

#[test]
fn a_platform_of_the_configuration_is_recognised_and_has_its_own_options() {
    let board = "[platforms.board]\nurls = [\"board.example.com/say/{key}\"]\n\
        options = { key = { secret = true, required = true }, wing = { required = true } }\n\
        request = { path = \"/say\", members = { key = \"{key}\", wing = \"{wing}\" } }\n\
        body = { text = \"{{ notice.title }}\" }\nfields = { text = { max = 9 } }\n";
    let with = |endpoint: &str| format!("{board}[endpoints.a]\n{endpoint}\n");
    let found = config(&with("url = \"https://board.example.com/say/k1\"\nwing = \"east\""));
    assert_eq!(found.endpoints[0].platform.name(), "board");
    config(&with("platform = \"board\"\nurl = \"https://b.lan/\"\nkey = \"k1\"\nwing = \"east\""));
    assert_error(&with("platform = \"board\"\nurl = \"https://b.lan/\"\nkey = \"k1\""), "`board` needs it");
    assert_error(&with("platform = \"bord\"\nurl = \"https://b.lan/\""), "did you mean `board`?");
    assert_error(&with("url = \"https://ntfy.sh/topic\"\nwing = \"east\""), "`ntfy` has no key `wing`");
    assert_error("[endpoints.a]\nurl = \"https://b.lan/\"\nwing = \"east\"\n", "unknown key");
    for (wrong, told) in [
        (
            board.replace("[platforms.board]", "[platforms.slack]"),
            "line 1, column 12: platforms.slack: `slack` is a platform",
        ),
        (
            board.replace("{ max = 9 }", "{ max = 9, unit = \"ells\" }"),
            "line 6, column 37: platforms.board.fields.text.unit: a unit is",
        ),
        (board.replace("notice.title", "notice.titel"), "line 5, column 17: platforms.board.body.text: "),
        (
            board.replace("{wing}", "{wnig}"),
            "line 4, column 62: platforms.board.request.members.wing: there is no option `wnig`",
        ),
        (board.replace("fields", "feilds"), "line 6, column 10: platforms.board.feilds: unknown key"),
    ] {
        assert_error(&wrong, told);
    }
}
