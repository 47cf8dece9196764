//! URLs as people copy them: what is wrong with one is told, and nothing of one that is in order.

use super::load;

const SLACK: &str = "https://hooks.slack.com/services/T0123ABCDEF/B0123ABCDEF/q8Zl2mVw5RkT9xYb3NcD7sJf";
const STEPS: &str =
    "https://hooks.slack.com/triggers/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";
const DISCORD: &str = "https://discord.com/api/webhooks/6517246963659256532/\
                       Tn9UGKzEesg61SHE_qaQQ0NV3vTH1lS6V6-o9jl8zSOwW_rXL-iuItEnuj-hlrWB8gpj";
const FEISHU: &str = "https://open.feishu.cn/open-apis/bot/v2/hook/b4ddbe45-cf64-2b0c-3a4a-cdd7f9fcc589";
const WECOM: &str =
    "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=b4ddbe45-cf64-2b0c-3a4a-cdd7f9fcc589";
const DINGTALK: &str = "https://oapi.dingtalk.com/robot/send?access_token=\
                        f8d0a9f94f03e7914c0f87f17f8499ff30499a90ebb4108e360ddfcfc69e290d";
const TEAMS: &str = "https://prod-12.westeurope.logic.azure.com:443/workflows/3c40d2affbb1494978278947bec540a2/triggers/\
                     manual/paths/invoke?api-version=2016-06-01&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&\
                     sig=eUEZDdKzunX7ukI7UeWaF3iA7H50VFEsMJe-L8GfG_y";
const CHAT: &str = "https://chat.googleapis.com/v1/spaces/AAAA34eJjQH/messages?key=AIzaSyR0KwSrPCe5CW7wXU8DsBrde28JHyqUSdr&\
                    token=eUEZDdKzunX7ukI7UeWaF3iA7H50VFEsMJe-L8GfG_y";
const TELEGRAM: &str =
    "https://api.telegram.org/bot123456789:AAGh7xPq2LmZ4vRt8sKd1fWc6yBn3jUe5oI/sendMessage";

/// What is said of an endpoint with this URL.
fn told(url: &str, lines: &str) -> String {
    let hook = "[[hooks]]\non = [\"task.complete\"]\nto = [\"a\"]\n";
    let text = format!("[spool]\npath = \":memory:\"\n[endpoints.a]\nurl = '{url}'\n{lines}{hook}");
    let told = load(&text, &|_| None).map_or_else(|errors| errors.0, |(_, warnings, _)| warnings);
    told.iter().map(|told| format!("{told}\n")).collect()
}

#[test]
fn a_url_that_was_cut_or_spoiled_is_told_of_and_a_whole_one_is_not() {
    let chat_id = "chat_id = \"5\"\n";
    let all = [SLACK, STEPS, DISCORD, FEISHU, WECOM, DINGTALK, TEAMS, CHAT, TELEGRAM];
    for url in all {
        let lines = if url == TELEGRAM { chat_id } else { "" };
        assert_eq!(told(url, lines), "", "{url}");
        let base = url.strip_suffix("/sendMessage").unwrap_or(url);
        for cut in [1, 3, 7, 12] {
            // Three characters of a key with 32 digits are enough to see.
            if url == STEPS && cut > 7 {
                continue;
            }
            let short = &base[..base.len() - cut];
            let said = told(short, lines);
            assert!(said.contains("cut off") || said.contains("missing"), "{short}: {said}");
            assert!(!said.contains(&short[short.len() - 8..]), "the secret is shown: {said}");
        }
        let end = base.rfind(['/', '=']).unwrap() + 1;
        for word in ["TBD", "None", "undefined", "MY_TOKEN", "xxxxxxxx", "%3Ctoken%3E", "your-token-here"] {
            let url = format!("{}{word}", &base[..end]);
            assert_ne!(told(&url, lines), "", "{url}");
        }
        for (from, to) in [("https://", "https://www."), ("https", "http")] {
            assert_ne!(told(&url.replacen(from, to, 1), lines), "", "{url}");
        }
        for mark in ["；", "%22", "&quot;", "<br>", ".", "%0A"] {
            assert_ne!(told(&format!("{base}{mark}"), lines), "", "{base}{mark}");
        }
    }
}

#[test]
fn each_fault_of_a_url_is_named() {
    let (number, token) = (&DISCORD[33..52], &DISCORD[53..]);
    for (url, words) in [
        (format!("https://discord.com/api/webhooks/{token}/{number}"), "swap the two"),
        (DINGTALK.replace("token=", "token=SEC"), "the signing secret"),
        (CHAT.replace("key=AIzaSyR0KwSrPCe5CW7wXU8DsBrde28JHyqUSdr&", ""), "`key=`"),
        (CHAT.replace("DsBrde28JHyqUSdr", ""), "cut off"),
        (TEAMS.replace("%2F", "%252F"), "encoded twice"),
        (TEAMS.replace('=', "=3D"), "encoded mail"),
        (FEISHU[..58].to_owned(), "cut off"),
        ("https://api.telegram.com/bot1:a/sendMessage".to_owned(), "`api.telegram.org`"),
        ("https://hooks.slack/services/T0/B0/x".to_owned(), "`hooks.slack.com`"),
        ("https://graph.microsoft.com/v1.0/teams/1/channels/2/messages".to_owned(), "fields of its own"),
        ("https://nas.example.com/webapi/entry.cgi?api=SYNO.Chat.External".to_owned(), "Synology Chat"),
        ("https://web.webex.com/spaces/abc".to_owned(), "Webex"),
        ("https://example.webhook.office.com/webhookb2/1".to_owned(), "are retired"),
        ("https://discord.com/api/webhooks/1/token/slack".to_owned(), "endpoints.a.url: remove `/slack`"),
        ("https://discord.com/api/webhooks/1/token/github".to_owned(), "endpoints.a.url: remove `/github`"),
    ] {
        let said = told(&url, "");
        assert!(said.contains(words), "{url}: {said}");
    }
    let mattermost = "platform = \"mattermost\"\n";
    for (url, words) in [
        ("https://mm.example.com/hooks/abc123", "26 letters and digits"),
        ("https://mm.example.com/zaX9lBrxhNSSEBFxWnl3w8taT9", "`/hooks/`"),
    ] {
        let said = told(url, mattermost);
        assert!(said.contains(words), "{url}: {said}");
    }
    for url in ["https://mm.example.com/x/hooks/zax9lbrxhnssebfxwnl3w8tat9", "http://127.0.0.1:9/x"] {
        assert_eq!(told(url, mattermost), "", "{url}");
    }
    let token = "platform = \"telegram\"\nchat_id = \"5\"\ntoken = \"123456789:AAGh7xPq2LmZ4vRt8sKd1fWc6\"\n";
    assert!(
        told("https://api.telegram.org/", token).contains("endpoints.a.token: a secret in it is shorter")
    );
}

#[test]
fn urls_of_other_receivers_are_left_alone() {
    for url in "\
        https://discord.com/api/webhooks/1/token https://ci.example.com/hooks/github \
        https://ci.example.com/job/x/build?token=abc \
        https://acme.azurewebsites.net/api/bell?code=Qm9vbXNoYWthbGFrYQ== \
        https://ci.example.com/hook?f=%7B%22a%22%3A1%7D \
        https://ci.example.com/hook?to=https%253A%252F%252Fa https://ci.example.com/hook/b4ddbe45-cf64 \
        https://ci.example.com/HOOK/DONE https://www.example.com/hook https://bücher.example/hook \
        https://pipeline.example.com/services/T1/B2/x \
        http://localhost:8081/bot123456789:AAGh7xPq2LmZ4vRt8sKd1fWc6/sendMessage \
        https://ci.example.com/hook/none?debug="
        .split_whitespace()
    {
        assert_eq!(told(url, ""), "", "{url}");
    }
}
