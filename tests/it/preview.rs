//! The cards that `taskbell preview` draws: what a reader of each platform would see, from what is sent.

use serde_json::{Value as Json, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use taskbell_core::config::Config;
use taskbell_core::engine;
use taskbell_core::hash::sha256_hex;

const PICTURE: &str = "https://render-07.example.com/out/contact-sheet.png";
const TITLE: &str = "Queue finished on render-07: 198 of 200 done, 2 failed";
const FAILURE: &str = "portrait-07: CUDA out of memory: tried to allocate 2.5 GiB";

/// Where the parts of a card stand in its drawing.
struct Look {
    platform: &'static str,
    /// The title, as far as it is more than [`TITLE`].
    sign: &'static str,
    ink: Option<&'static str>,
    /// Fields of the card's data, and how they are drawn.
    facts: &'static [(&'static str, &'static str)],
    /// The label of the link to the first output.
    link: Option<&'static str>,
    picture: bool,
    foot: &'static str,
}

const FACTS: &[(&str, &str)] = &[("Duration", "2 h 5 min"), ("Per task", "37 s"), ("Users", "mira, jon")];
const DATA: &[(&str, &str)] = &[
    ("queue.total", "200"),
    ("queue.users", "mira, jon"),
    ("queue.failures.0.name", "portrait-07"),
    ("queue.failures.0.error.message", "CUDA out of memory: tried to allocate 2.5 GiB"),
    ("queue.outputs.0.url", PICTURE),
];
const ORIGIN: &str = "render-07";

/// What machines get also has the id of the event.
const NUMBERED: &str = "render-07 · ID";

const fn chat(platform: &'static str, sign: &'static str, link: &'static str, picture: bool) -> Look {
    Look { platform, sign, ink: Some("warn"), facts: FACTS, link: Some(link), picture, foot: ORIGIN }
}

const fn machine(platform: &'static str, ink: Option<&'static str>, foot: &'static str) -> Look {
    Look { platform, sign: "", ink, facts: DATA, link: None, picture: false, foot }
}

const fn described(platform: &'static str, link: Option<&'static str>, picture: bool) -> Look {
    Look { link, foot: "", ..chat(platform, "⚠️ ", "", picture) }
}

const LOOKS: [Look; 27] = [
    chat("slack", "", "Open image", true),
    chat("slack-bot", "", "Open image", true),
    chat("discord", "", "Open image", true),
    chat("wecom", "", "Open image", false),
    chat("dingtalk", "⚠️ ", "Open image", true),
    chat("feishu", "", "Open image", false),
    chat("teams", "", "Open image", true),
    chat("telegram", "⚠️ ", "Open image", true),
    chat("googlechat", "🟡 ", "Open image", true),
    chat("mattermost", "", "↗", true),
    chat("ntfy", "", "Open image", true),
    chat("email", "⚠️ ", "Open image", true),
    Look { foot: NUMBERED, ..chat("pagerduty", "", "Open image", true) },
    Look { link: Some("↗"), ..machine("github", Some("warn"), NUMBERED) },
    Look { link: Some("↗"), ..machine("gitlab", Some("warn"), NUMBERED) },
    machine("json", None, "TIME"),
    machine("cloudevents", None, "/taskbell/render-07 · ID · TIME"),
    described("apprise", None, false),
    described("bark", Some("↗"), true),
    described("gotify", Some("↗"), true),
    described("home-assistant", Some("↗"), true),
    described("matrix", Some("Open image"), false),
    described("pushover", Some("Open image"), false),
    described("pushplus", Some("Open image"), true),
    described("rocketchat", Some("Open image"), true),
    described("serverchan", Some("Open image"), true),
    described("zulip", Some("Open image"), false),
];

fn cards() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/cards")
}

/// What the command prints for the event of the pictures, with `ID` and `TIME` in the place of its own.
fn preview(config: &Path, json: bool) -> String {
    let event = format!("@{}", cards().join("event.json").display());
    let mut command = Command::new(env!("CARGO_BIN_EXE_taskbell"));
    command.arg("preview").arg(config).args(["queue.end", &event]).stdin(Stdio::null());
    let output = command.args(json.then_some("--json")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let hidden = |text: String, mark: &str, length: usize, is_own: &dyn Fn(&str) -> bool, name: &str| {
        let found: Vec<&str> =
            text.match_indices(mark).filter_map(|(at, _)| text.get(at..at + length)).collect();
        let own = found.into_iter().find(|found| is_own(found)).unwrap_or(mark).to_owned();
        // A form writes the colons of a time in another way.
        text.replace(&own, name).replace(&own.replace(':', "%3A"), name)
    };
    let text = hidden(text, "evt_", 36, &|id| id.bytes().skip(4).all(|b| b.is_ascii_hexdigit()), "ID");
    hidden(text, "20", 24, &|at| at.ends_with('Z') && at.as_bytes().get(10) == Some(&b'T'), "TIME")
}

fn texts(card: &Json, kind: &str) -> Vec<String> {
    let parts = card["parts"].as_array().unwrap().iter().filter(|part| part["kind"] == kind);
    parts.map(|part| part["text"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_card_of_each_platform_is_read_from_what_is_sent() {
    let printed: Json = serde_json::from_str(&preview(&cards().join("taskbell.toml"), true)).unwrap();
    let requests = printed["requests"].as_array().unwrap();
    // The variables of a workflow have no look of their own.
    assert_eq!(requests.len(), LOOKS.len() + 1);
    for look in LOOKS {
        let request = requests.iter().find(|request| request["platform"] == look.platform).unwrap();
        let (card, platform) = (&request["card"], look.platform);
        assert_eq!(card["ink"], json!(look.ink), "{platform}");
        let title = match platform {
            "json" => "queue.end".to_owned(),
            "cloudevents" => "taskbell.queue.end".to_owned(),
            // A title has 32 characters.
            "serverchan" => "⚠️ Queue finished on render-07:…".to_owned(),
            _ => format!("{}{TITLE}", look.sign),
        };
        assert_eq!(texts(card, "title"), [title], "{platform}");
        assert_eq!(texts(card, "foot").concat(), look.foot, "{platform}");
        for (label, value) in look.facts {
            let fact = json!({"kind": "fact", "label": label, "text": value});
            let is_there = card["parts"].as_array().unwrap().contains(&fact);
            assert!(is_there, "{platform}: {label} in {card:#}");
        }
        let failures =
            if look.facts == DATA { vec![] } else { vec![FAILURE, "portrait-112: the prompt is empty"] };
        assert_eq!(texts(card, "item"), failures, "{platform}");
        let link = look.link.map(|label| json!({"kind": "link", "label": label, "text": PICTURE}));
        let links: Vec<&Json> =
            card["parts"].as_array().unwrap().iter().filter(|part| part["kind"] == "link").collect();
        assert_eq!(links.first().copied(), link.as_ref(), "{platform}");
        assert_eq!(texts(card, "picture").len(), usize::from(look.picture), "{platform}");
        let pings = match platform {
            "slack" | "slack-bot" => vec!["@here"],
            "dingtalk" => vec!["@13800000000"],
            "matrix" => vec!["@ada:example.org"],
            "rocketchat" => vec!["@here"],
            "zulip" => vec!["@Ada Lovelace"],
            _ => vec![],
        };
        assert_eq!(texts(card, "ping"), pings, "{platform}");
    }
}

#[test]
fn the_variables_of_a_workflow_are_drawn_by_their_names() {
    let printed = preview(&cards().join("taskbell.toml"), false);
    let (_, own) = printed.split_once("slack-workflow (slack-workflow), fired by hooks[0]\n").unwrap();
    assert!(own.contains(&format!("  ┃ title     {TITLE}\n")), "{own}");
    assert!(own.contains("  ┃ tone      warn\n"), "{own}");
}

#[test]
fn a_file_is_shown_with_its_fields_and_its_size() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("out")).unwrap();
    fs::write(folder.path().join("out/run.log"), "epoch 1\n").unwrap();
    let config = folder.path().join("taskbell.toml");
    let text = "[spool]\npath = \":memory:\"\n[files]\nroots = [\"out\"]\n\
                [endpoints.chat]\nplatform = \"telegram\"\ntoken = \"1:marker\"\nchat_id = 5\n\
                [endpoints.team]\nplatform = \"wecom\"\nurl = \"http://127.0.0.1:9/send?key=marker\"\n\
                [endpoints.server]\nplatform = \"discord\"\nurl = \"http://127.0.0.1:9/marker\"\n\
                [[hooks]]\non = [\"task.complete\"]\nto = [\"chat\", \"team\", \"server\"]\n";
    fs::write(&config, text).unwrap();
    let printed = |path: &str| {
        let event = json!({"name": "run-7", "outputs": [{"path": path}]}).to_string();
        let mut command = Command::new(env!("CARGO_BIN_EXE_taskbell"));
        let output = command.arg("preview").arg(&config).args(["task.complete", &event]).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let text = printed("run.log");
    assert_eq!(text.matches("  file: run.log\n").count(), 3, "{text}");
    assert!(!text.contains("marker"), "{text}");
    for expected in [
        "  chat_id: 5\n",
        "  document: run.log (text/plain, 8 bytes)\n",
        "  then, once that is delivered:\n",
        "  media: run.log (text/plain, 8 bytes)\n",
        "\"media_id\": \"[from the answer before]\"",
        "  payload_json:\n    {\n",
        "  files[0]: run.log (text/plain, 8 bytes)\n",
    ] {
        assert!(text.contains(expected), "{expected} in {text}");
    }
    assert_eq!(text.matches("  ┃ ").count(), 6, "the cards stand in the forms: {text}");
    let text = printed("gone.log");
    let remark = "  remark: sent without the file gone.log: it does not exist\n";
    assert_eq!(text.matches(remark).count(), 3, "{text}");
}

/// What the page draws of a request: the card, and of one for machines the request itself.
fn drawn(request: &Json) -> Json {
    const MACHINES: [&str; 5] = ["json", "pagerduty", "github", "gitlab", "cloudevents"];
    if !MACHINES.contains(&request["platform"].as_str().unwrap()) {
        return request["card"].clone();
    }
    let mut headers = request["headers"].clone();
    headers.as_object_mut().unwrap().retain(|name, _| name != "webhook-timestamp");
    json!([request["url"], headers, request["body"]])
}

/// A line for each picture: its name, and the beginning of a hash of what it shows.
fn fingerprints() -> String {
    let folder = tempfile::tempdir().unwrap();
    let english = fs::read_to_string(cards().join("taskbell.toml")).unwrap();
    let page = fs::read_to_string(cards().join("render.html")).unwrap();
    let requests = ["en", "zh"].map(|language| {
        let config = folder.path().join(format!("{language}.toml"));
        fs::write(&config, english.replace("language = \"en\"", &format!("language = \"{language}\"")))
            .unwrap();
        let printed: Json = serde_json::from_str(&preview(&config, true)).unwrap();
        printed["requests"].as_array().unwrap().clone()
    });
    let [english, chinese] = requests;
    let line = |(one, other): (&Json, &Json)| {
        let name = one["platform"].as_str().unwrap();
        let shown = if matches!(name, "wecom" | "dingtalk" | "feishu" | "pushplus" | "serverchan") {
            other
        } else {
            one
        };
        format!("{name} {}\n", sha256_hex(format!("{page}\n{}", drawn(shown)), 16))
    };
    english.iter().zip(&chinese).map(line).collect()
}

#[test]
fn the_pictures_show_what_is_drawn_today() {
    let noted = cards().join("drawn.txt");
    let today = fingerprints();
    if std::env::var_os("TASKBELL_UPDATE_DOCS").is_some() {
        fs::write(&noted, &today).unwrap();
    }
    let then = fs::read_to_string(&noted).unwrap_or_default();
    let stale: Vec<&str> = today.lines().filter(|line| !then.lines().any(|noted| noted == *line)).collect();
    let advice = "`cargo xtask cards` takes the pictures of docs/cards anew";
    assert!(stale.is_empty() && then.len() == today.len(), "{advice}: {stale:?}");
}

#[test]
fn a_duration_that_a_host_gives_in_any_form_is_in_the_card() {
    let config = "[endpoints.team]\nurl = 'https://hooks.slack.com/services/T0/B0/abcdefghijklmnopqrstuvwx'\n\
                  [[hooks]]\non = ['queue.end', 'batch.end', 'task.complete']\nto = ['team']\n";
    let config = Arc::new(Config::load(config).unwrap());
    for kind in ["queue.end", "batch.end", "task.complete"] {
        for given in [
            json!({"duration_s": 3723}),
            json!({"duration_s": "1:02:03"}),
            json!({"duration_s": "3723.0"}),
            json!({"duration_s": "PT1H2M3S"}),
            json!({"started_at": "2026-11-30T01:00:00Z", "finished_at": "2026-11-30T02:02:03Z"}),
        ] {
            let preview = engine::preview(&config, kind, Some(&given.to_string())).unwrap();
            let body = preview["requests"][0]["body"].to_string();
            assert!(body.contains("1 h 2 min"), "{kind} {given}: {body}");
        }
    }
}
