//! The reader as a whole: errors with their spans, warnings, defaults.

mod alerts;
mod declarations;
mod endpoints;
mod farm;
mod generated;
mod guide;
mod keys;
mod robustness;
mod secrecy;
mod shaping;
mod urls;

use super::load::load;
use super::*;
use crate::spool::SpoolPath;
use serde_json::json;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

const MARKER: &str = "marker-4f9c2a71d0";

const VARIABLES: &[(&str, &str)] = &[
    ("SLACK_WEBHOOK_URL", "https://hooks.slack.com/services/T000/B000/marker-4f9c2a71d0"),
    ("CI_TOKEN", "Bearer marker-4f9c2a71d0"),
    ("CI_SECRET", "whsec_bWFya2VyLTRmOWMyYTcxZDAtbWFya2VyLTRm"),
    ("CI_SECRET_OLD", "whsec_bWFya2VyLTRmOWMyYTcxZDAtbWFya2VyLTRn"),
    ("CI_HMAC_SECRET", "marker-4f9c2a71d0-hmac"),
    ("TASKBELL_FARM_SECRET", "whsec_bWFya2VyLTRmOWMyYTcxZDAtZmFybS1zZWNyZXQ="),
    ("TASKBELL_FARM_SECRET_OLD", "whsec_bWFya2VyLTRmOWMyYTcxZDAtZmFybS1vbGRlcg=="),
    ("TASKBELL_STORE", "postgres://taskbell:marker-4f9c2a71d0@db.example.com/taskbell"),
    ("EMPTY", ""),
    ("MARKER", MARKER),
    ("HOME", "/h"),
    ("LOCALAPPDATA", "C:\\h"),
];

fn variable(name: &str) -> Option<OsString> {
    VARIABLES.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value))
}

fn read_all(source: &str) -> Result<(Config, Vec<ConfigError>), ConfigErrors> {
    load(source, &variable).map(|(config, warnings, _)| (config, warnings))
}

fn config(source: &str) -> Config {
    read_all(source).unwrap_or_else(|errors| panic!("{errors}")).0
}

fn errors(source: &str) -> Vec<String> {
    read_all(source).map_or_else(|errors| lines(&errors.0), |_| Vec::new())
}

fn warnings(source: &str) -> Vec<String> {
    lines(&read_all(source).unwrap_or_else(|errors| panic!("{errors}")).1)
}

fn lines(told: &[ConfigError]) -> Vec<String> {
    told.iter().map(ToString::to_string).collect()
}

#[track_caller]
fn assert_error(source: &str, expected: &str) {
    let errors = errors(source);
    assert!(errors.iter().any(|error| error.contains(expected)), "no `{expected}` in {errors:#?}");
}

fn endpoint(lines: &str) -> String {
    format!("[endpoints.a]\nurl = \"https://example.com/\"\n{lines}\n")
}

fn hook(lines: &str) -> String {
    format!(
        "[endpoints.a]\nurl = \"https://example.com/\"\n[[hooks]]\non = [\"queue.end\"]\nto = [\"a\"]\n{lines}\n"
    )
}

fn example_folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let certificates = folder.path().join("certificates");
    std::fs::create_dir(&certificates).unwrap();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(certificates.join("ca.pem"), made.cert.pem()).unwrap();
    std::fs::write(certificates.join("client.pem"), made.cert.pem()).unwrap();
    std::fs::write(certificates.join("client.key"), made.signing_key.serialize_pem()).unwrap();
    std::fs::write(certificates.join("relay.pem"), made.cert.pem()).unwrap();
    std::fs::write(certificates.join("relay.key"), made.signing_key.serialize_pem()).unwrap();
    folder
}

fn written(folder: &tempfile::TempDir, name: &str, text: &str) -> String {
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn all_errors_are_reported_at_once_each_with_its_place() {
    let text = "[host]\nnmae = \"x\"\n[endpoints.team]\nurl = \"https://example.com/\"\n  timeout = \"10 s\"\n\
                concurrency = 65\n[[hooks]]\non = [\"Queue\"]\nto = [\"taem\"]\n";
    assert_eq!(
        errors(text),
        [
            "line 2, column 1: host.nmae: unknown key; did you mean `name`?",
            "line 5, column 13: endpoints.team.timeout: `10 s` is not a duration such as \"250ms\", \"10s\", \
             \"5m\", \"2h\", \"3d\" or \"1h30m\"",
            "line 6, column 15: endpoints.team.concurrency: expected a whole number from 1 to 64, found 65",
            "line 8, column 7: hooks[0].on[0]: `Queue` is not an event type: lower-case letters, digits and `_`, \
             in parts joined by `.`, for instance `render.saved`",
            "line 9, column 7: hooks[0].to[0]: unknown endpoint `taem`; did you mean `team`?",
        ]
    );
    let folder = tempfile::tempdir().unwrap();
    let path = written(&folder, "taskbell.toml", text);
    assert!(errors(&path)[0].starts_with(&format!("{path}:2:1: host.nmae: ")));
}

#[test]
fn json_and_toml_mean_the_same() {
    let toml = hook("min_tasks = 3\ntemplate = { a = [1, true, \"{{ x }}\"] }");
    let json = json!({
        "endpoints": {"a": {"url": "https://example.com/"}},
        "hooks": [{"on": ["queue.end"], "to": ["a"], "min_tasks": 3, "template": {"a": [1, true, "{{ x }}"]}}],
    });
    assert_eq!(format!("{:?}", config(&toml)), format!("{:?}", config(&json.to_string())));
    assert_error(
        "{\"host\": {\"name\": \"a\",\n \"name\": \"b\"}}",
        "line 2, column 2: host.name: duplicate key",
    );
    assert_error("{\"host\": {},\n}", "line 2, column 1: not valid JSON: trailing comma");
    assert_error("[host]\n[[hooks]\non = 5\n", "line 2, column 9: not valid TOML: ");
    assert_error("[host]\nname = \"a\"\nname = \"b\"\n", "line 3, column 1: not valid TOML: duplicate key");
}

#[test]
fn a_missing_file_is_one_error_that_names_it() {
    let errors = Config::load("no/such/taskbell.toml").unwrap_err();
    assert_eq!(errors.0.len(), 1);
    assert!(errors.to_string().starts_with("no/such/taskbell.toml: this configuration cannot be read: "));
}

#[test]
fn a_key_in_the_wrong_table_is_referred_to_the_right_one() {
    assert_error("timeout = \"5s\"\n", "timeout: unknown key here; it belongs in `[endpoints.NAME]`");
    assert_error("colour = 1\n", "colour: unknown key; expected `host`, `words`, `spool`");
    assert_error("[hooks]\n", "hooks: expected a list of tables, found a table");
    assert_error("endpoints = 1\n[host]\n", "endpoints: expected a table of names, found a number");
}

#[test]
fn a_value_out_of_range_is_rejected_with_the_range() {
    assert_error(&endpoint("timeout = \"50ms\""), "`50ms` is out of range: 100ms to 10m");
    assert_error(&endpoint("timeout = 15"), "timeout: expected a duration such as");
    assert_error(&endpoint("rate = \"0/s\""), "`0/s` is not a rate such as");
    assert_error(&endpoint("rate = [\"1/s\", 5]"), "endpoints.a.rate[1]: expected a rate");
    assert_error(
        &endpoint("retry = { schedule = [\"5s\", \"40d\"] }"),
        "retry.schedule[1]: `40d` is out of range",
    );
    assert_error(&endpoint("connect_timeout = \"16s\""), "`connect_timeout` is longer than `timeout` (15s)");
    assert_error("[queue]\nmax_event_bytes = 1\n", "queue.max_event_bytes: 1 is out of range: 1KiB to 16MiB");
    assert_error("[queue]\nmax_event_bytes = \"4MB\"\n", "`4MB` is not a size such as");
    assert_error("[queue]\nmax_event_bytes = \"4MiB\"\n", "twice `max_event_bytes`: 8MiB or more");
    assert_error(
        &hook("min_tasks = -1"),
        "min_tasks: expected a whole number from 1 to 1000000000, found -1",
    );
    assert_error(&hook("min_tasks = 2.5"), "found 2.5");
    for below in ["-1", "0", "0.5", "1001"] {
        let expected = format!("relative: {below} is out of range: 1 to 1000");
        assert_error(&hook(&format!("relative = {below}")), &expected);
    }
}

#[test]
fn a_condition_that_does_not_parse_is_rejected_and_never_ignored() {
    for broken in ["a >", "task.status ==", "queue.total > 1 and", "(", "{{ 1 }}", ""] {
        assert_error(&hook(&format!("when = '{broken}'")), "line 6, column 8: hooks[0].when: ");
    }
    assert_error(&hook("when = 'task.status = \"error\"'"), "`=` does not compare: write `==`");
}

#[test]
fn an_empty_list_of_rates_or_waits_is_allowed_and_one_of_names_is_not() {
    let config = config(&endpoint("rate = []\nretry = { schedule = [] }"));
    assert!(config.endpoints[0].rate.is_empty() && config.endpoints[0].retry.schedule.is_empty());
    assert_error("[[hooks]]\non = []\nto = [\"\"]\n", "hooks[0].on: this list must not be empty");
    assert_error("[[hooks]]\non = []\nto = [\"\"]\n", "hooks[0].to[0]: the text is empty");
    assert_error("[[hooks]]\nname = \"x\"\n", "hooks[0].on: this key is missing");
}

#[test]
fn a_template_in_swarmuis_syntax_is_one_text() {
    let folder = example_folder();
    written(&folder, "card.txt", "[discord_image] {\"seed\": %seed%}");
    written(&folder, "bad.json", "{\n\"seed\": }");
    let of = |rest: &str| written(&folder, "c.toml", &hook(&format!("syntax = \"swarmui\"\n{rest}")));
    for good in ["", "template = '{\"seed\": %seed%}'", "template = \"file:card.txt\""] {
        assert!(config(&of(good)).hooks[0].template.is_some(), "{good}");
    }
    for bad in ["template = { a = 1 }", "template = [1]", "template = \"file:card.j2\""] {
        assert_error(&of(bad), "hooks[0].template: with `syntax = \"swarmui\"` a template is one text");
    }
    assert_error(&of("template = \"[1]\""), "not an object");
    let bad = folder.path().join("bad.json");
    assert_error(&of("template = \"file:bad.json\""), &format!("{}:2:1: hooks[0].template", bad.display()));
    let slip = hook("syntax = \"swarm-ui\"");
    assert_error(
        &slip,
        "hooks[0].syntax: expected `jinja` or `swarmui`, found `swarm-ui`; did you mean `swarmui`?",
    );
}

#[test]
fn templates_come_from_tables_and_files_only() {
    let folder = tempfile::tempdir().unwrap();
    written(&folder, "good.json", "{\"text\": \"env:not-followed\"}");
    written(&folder, "bad.json", "{\n \"text\": \"{{ a }}\",\n}");
    written(&folder, "good.j2", "{\"text\": {{ event.type }}}");
    let of = |template: &str| written(&folder, "c.toml", &hook(&format!("template = {template}")));
    for good in ["\"file:good.json\"", "\"file:good.j2\"", "{ text = \"env:NOT_FOLLOWED\" }"] {
        assert!(config(&of(good)).hooks[0].template.is_some(), "{good}");
    }
    for bad in ["\"hello\"", "\"env:MARKER\"", "\"file:good.txt\"", "[1]", "7"] {
        assert_error(&of(bad), "hooks[0].template: expected a table, \"file:NAME.json\"");
    }
    let bad = folder.path().join("bad.json");
    assert_error(
        &of("\"file:bad.json\""),
        &format!("{}:3:1: hooks[0].template: not valid JSON: trailing comma", bad.display()),
    );
    assert_error(&of("\"file:none.json\""), "none.json cannot be read");
}

#[test]
fn probable_mistakes_are_warnings() {
    assert_eq!(
        warnings("{}"),
        ["line 1, column 1: no `[[hooks]]` are configured, so no message will be sent"]
    );
    assert_eq!(warnings(&hook("")), [""; 0]);
    let text = "[endpoints.a]\nurl = \"http://example.com/\"\n[endpoints.b]\nurl = \"http://127.0.0.1/\"\n\
                [[hooks]]\non = [\"task.completed\", \"render.saved\"]\nto = [\"a\"]\n";
    let found = warnings(text);
    assert_eq!(found.len(), 3, "{found:#?}");
    assert!(found[0].starts_with("line 2, column 7: endpoints.a.url: this URL sends everything unencrypted"));
    assert!(found[1].starts_with("line 3, column 12: endpoints.b: no hook sends to this endpoint"));
    assert!(
        found[2].contains("hooks[0].on[0]: `task.completed` is not one of")
            && found[2].contains("did you mean `task.complete`?")
    );
}

#[test]
fn a_mention_without_effect_is_a_warning() {
    for (platform, own, live, dead) in [
        ("slack", "", &["@here", "U012AB3CD", "<@U1>"][..], Some("@ada")),
        ("discord", "", &["@everyone", "<@&77>", "42"], Some("ada")),
        ("wecom", "", &["wangqing", "13800001111", "@all"], Some("<>")),
        ("dingtalk", "", &["13800000000", "u1", "all"], Some("<x>")),
        ("feishu", "", &["all", "ou_1"], Some("a b")),
        ("teams", "", &["ann@example.com", "Ann <ann@example.com>"], Some("Ann")),
        ("telegram", "chat_id = 5\ntoken = \"1:a\"\n", &["@ada", "42"], Some("a b")),
        ("googlechat", "", &["all", "users/1234567"], Some("ada")),
        ("mattermost", "", &["channel", "@ada.l"], Some("a b")),
        ("ntfy", "topic = \"t\"\n", &[], Some("@all")),
        ("json", "", &[], Some("@all")),
    ] {
        let told = |mentions: &[&str]| {
            warnings(&format!(
                "[endpoints.a]\nplatform = \"{platform}\"\nurl = \"http://127.0.0.1/\"\n{own}\
                 mentions = {mentions:?}\n[[hooks]]\non = [\"task.complete\"]\nto = [\"a\"]\n"
            ))
        };
        assert_eq!(told(live), [""; 0], "{platform}");
        let found = told(dead.as_slice());
        assert_eq!(found.len(), 1, "{platform}: {found:?}");
        assert!(found[0].contains(&format!("endpoints.a.mentions: `{platform}` ")), "{found:?}");
        assert!(found[0].contains("notifies nobody for") || found[0].contains("has no effect"), "{found:?}");
    }
}

#[test]
fn silence_that_a_platform_does_not_know_is_warned_of_once() {
    let endpoints = |silent: &str| {
        format!(
            "[endpoints.a]\nplatform = \"slack\"\nurl = \"http://127.0.0.1/\"\n{silent}\n\
             [endpoints.b]\nplatform = \"slack\"\nurl = \"http://127.0.0.1/\"\n\
             [endpoints.c]\nplatform = \"ntfy\"\ntopic = \"t\"\n{silent}\n\
             [[hooks]]\non = [\"task.complete\"]\nto = [\"a\", \"b\", \"c\"]\n"
        )
    };
    let warnings = |text: &str| -> Vec<String> {
        crate::engine::check(text).warnings.iter().map(ToString::to_string).collect()
    };
    for never in ["", "silent = \"never\""] {
        assert_eq!(warnings(&(endpoints(never) + never)), Vec::<String>::new());
    }
    let found = warnings(&endpoints("silent = \"success\""));
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].contains("endpoints.a.silent: `slack` cannot send a message without a sound"),
        "{found:?}"
    );
    let found = warnings(&(endpoints("") + "silent = \"success\""));
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("hooks[0].silent: `slack` cannot send"), "{found:?}");
    assert_error(&endpoints("silent = \"succes\""), "did you mean `success`?");
    assert_error(&endpoints("silent = true"), "endpoints.a.silent: expected");
}

#[test]
fn names_and_list_entries_are_unique() {
    assert_error(
        &hook("name = \"x\"\n[[hooks]]\nname = \"x\"\non = [\"a\"]\nto = [\"a\"]"),
        "hooks[1].name: another hook",
    );
    assert_error("[[hooks]]\non = [\"a\", \"a\"]\nto = []\n", "hooks[0].on: the list contains `a` twice");
}

#[test]
fn memory_and_relative_paths_are_resolved() {
    assert_eq!(config("[spool]\npath = \":memory:\"\n").spool.path, SpoolPath::Memory);
    let here = std::env::current_dir().unwrap();
    assert_eq!(config("[spool]\npath = \"x/y.db\"\n").spool.path, SpoolPath::File(here.join("x/y.db")));
    let folder = tempfile::tempdir().unwrap();
    let path = written(&folder, "farm.toml", "[files]\nroots = [\"a\", \"/b\"]\n");
    let config = config(&path);
    assert_eq!(config.files.roots, [folder.path().join("a"), PathBuf::from("/b")]);
    assert!(default_spool(&config).starts_with("farm-"), "{}", default_spool(&config));
}

/// The file name of the spool of a configuration that sets none.
fn default_spool(config: &Config) -> String {
    assert!(config.spool.configuration.is_some());
    match &config.spool.path {
        SpoolPath::File(path) => path.file_name().unwrap().to_string_lossy().into_owned(),
        SpoolPath::Memory => panic!("it is in memory"),
    }
}

#[test]
fn each_configuration_has_a_default_spool_of_its_own() {
    let text = |url: &str, end: &str| format!("[endpoints.team]\nurl = \"https://{url}/\"\n{end}");
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let [one, two] =
        [&folders[0], &folders[1]].map(|folder| written(folder, "taskbell.toml", &text("example.com", "")));
    let spool_of = |source: &str| default_spool(&config(source));
    assert_ne!(spool_of(&one), spool_of(&two), "the same name in two folders");
    std::fs::write(&one, text("example.org", "[queue]\nend_delay = \"2s\"\n")).unwrap();
    let roundabout =
        folders[0].path().join("..").join(folders[0].path().file_name().unwrap()).join("taskbell.toml");
    assert_eq!(spool_of(&one), spool_of(roundabout.to_str().unwrap()), "the file counts, not what it says");
    #[cfg(unix)]
    {
        let link = folders[1].path().join("current.toml");
        std::os::unix::fs::symlink(&one, &link).unwrap();
        assert_eq!(spool_of(&one), spool_of(link.to_str().unwrap()), "a link under another name");
    }

    let of_text = spool_of(&text("example.com", ""));
    assert_eq!(of_text, spool_of(&text("example.com", "[queue]\nend_delay = \"2s\"\n")));
    assert_ne!(of_text, spool_of(&text("example.org", "")), "another receiver");
    assert!(config("[spool]\npath = \"x.db\"\n").spool.configuration.is_none(), "it may be shared");
}

#[test]
fn a_later_problem_has_its_place_and_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let card = "{\n  \"blocks\": [{\"text\": \"{{ x }}\"}]\n}";
    written(&folder, "card.json", card);
    written(&folder, "card.j2", "{}\n{{ x }}");
    let hooks = ["{ a = [\"{{ x }}\"] }", "\"file:card.json\"", "\"file:card.j2\""];
    let hooks =
        hooks.map(|template| format!("[[hooks]]\non = [\"a\"]\nto = [\"a\"]\ntemplate = {template}\n"));
    let text = format!("[endpoints.a]\nurl = \"https://example.com/{MARKER}\"\n{}", hooks.concat());
    let path = written(&folder, "c.toml", &text);
    let (_, _, spans) = load(&path, &variable).unwrap_or_else(|errors| panic!("{errors}"));
    let file = |name: &str| folder.path().join(name).display().to_string();
    assert_eq!(spans.at("hooks[1].on[0]", "odd").to_string(), format!("{path}:8:7: hooks[1].on[0]: odd"));
    assert_eq!(spans.at("hooks[1].when", "odd").line, 7);
    assert_eq!(
        spans.in_template(0, "hooks[0].template.a[0]", Some(1), "no x").to_string(),
        format!("{path}:6:19: hooks[0].template.a[0]: no x")
    );
    assert_eq!(
        spans.in_template(1, "card.json: blocks[0].text", None, "no x").to_string(),
        format!("{}:2:23: hooks[1].template: no x", file("card.json"))
    );
    let last = spans.in_template(2, "card.j2", Some(2), MARKER);
    assert_eq!(last.to_string(), format!("{}:2:1: hooks[2].template: [redacted]", file("card.j2")));
    assert!(!format!("{spans:?}").contains(MARKER));
}

#[test]
fn the_ring_is_in_memory_or_beside_the_spool() {
    for (ring, beside) in [("", false), ("ring = \"auto\"\n", false), ("ring = \"beside\"\n", true)] {
        let (config, _) = read_all(&format!("[queue]\n{ring}")).unwrap();
        assert_eq!(config.queue.ring_beside_spool, beside, "{ring}");
    }
    assert_error("[queue]\nring = \"disk\"\n", "queue.ring: expected `auto` or `beside`, found `disk`");
}
