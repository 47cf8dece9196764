//! What the room as a whole promises.

use super::kind::{Kind, LeftOut};
use super::schema::TABLES;
use super::*;
use proptest::prelude::*;
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::time::Duration;

const MARKER: &str = "marker-4f9c2a71d0";

const VARIABLES: &[(&str, &str)] = &[
    ("SLACK_WEBHOOK_URL", "https://hooks.slack.com/services/T000/B000/marker-4f9c2a71d0"),
    ("CI_TOKEN", "Bearer marker-4f9c2a71d0"),
    ("CI_SECRET", "whsec_bWFya2VyLTRmOWMyYTcxZDAtbWFya2VyLTRm"),
    ("CI_SECRET_OLD", "whsec_bWFya2VyLTRmOWMyYTcxZDAtbWFya2VyLTRn"),
    ("CI_HMAC_SECRET", "marker-4f9c2a71d0-hmac"),
    ("EMPTY", ""),
    ("MARKER", MARKER),
];

fn variable(name: &str) -> Option<OsString> {
    VARIABLES.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value))
}

fn read_all(source: &str) -> Result<(Config, Vec<ConfigError>), ConfigErrors> {
    load(source, &variable)
}

fn config(source: &str) -> Config {
    read_all(source).unwrap_or_else(|errors| panic!("{errors}")).0
}

fn faults(source: &str) -> Vec<String> {
    read_all(source)
        .map(|_| Vec::new())
        .unwrap_or_else(|errors| errors.iter().map(ToString::to_string).collect())
}

#[track_caller]
fn assert_fault(source: &str, expected: &str) {
    let faults = faults(source);
    assert!(faults.iter().any(|fault| fault.contains(expected)), "no `{expected}` in {faults:#?}");
}

fn endpoint(lines: &str) -> String {
    format!("[endpoints.a]\nurl = \"https://example.com/\"\n{lines}\n")
}

fn hook(lines: &str) -> String {
    format!(
        "[endpoints.a]\nurl = \"https://example.com/\"\n[[hooks]]\non = [\"queue.end\"]\nto = [\"a\"]\n{lines}\n"
    )
}

/// A folder with the files that the example names.
fn example_folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let certificates = folder.path().join("certificates");
    std::fs::create_dir(&certificates).unwrap();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(certificates.join("ca.pem"), made.cert.pem()).unwrap();
    std::fs::write(certificates.join("client.pem"), made.cert.pem()).unwrap();
    std::fs::write(certificates.join("client.key"), made.signing_key.serialize_pem()).unwrap();
    folder
}

fn written(folder: &tempfile::TempDir, name: &str, text: &str) -> String {
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn every_value_of_the_complete_example_takes_effect() {
    let folder = example_folder();
    let path = written(&folder, "render.toml", reference::EXAMPLE);
    let (config, warnings) = read_all(&path).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(warnings, []);
    assert_eq!(config.host.name, "render-07");
    assert_eq!(config.host.base_url.as_deref(), Some("https://render-07.example.com"));
    assert_eq!(config.spool.path, SpoolPath::File(folder.path().join("taskbell.db")));
    assert_eq!(config.spool.retain, Duration::from_secs(14 * 86_400));
    assert_eq!((config.queue.max_event_bytes, config.queue.max_bytes), (256 << 10, 8 << 20));
    assert_eq!(config.queue.end_delay, Duration::from_secs(2));
    assert_eq!(config.files.roots, [folder.path().join("outputs")]);

    let names: Vec<&str> = config.endpoints.iter().map(|endpoint| endpoint.name.as_str()).collect();
    assert_eq!(names, ["team", "ci"]);
    let team = config.endpoint("team").unwrap();
    assert_eq!(team.platform.name(), "slack");
    assert_eq!(team.url.expose().as_str(), VARIABLES[0].1);
    assert_eq!(team.mentions, ["U012AB3CD"]);
    let rate = |count, seconds| Rate { count, per: Duration::from_secs(seconds) };
    assert_eq!(team.rate, [rate(1, 1), rate(30, 60)]);
    let ci = config.endpoint("ci").unwrap();
    assert_eq!(ci.platform.name(), "json");
    assert_eq!((ci.headers[0].0.as_str(), ci.headers[0].1.expose()), ("authorization", VARIABLES[1].1));
    assert_eq!((ci.timeout, ci.connect_timeout), (Duration::from_secs(20), Duration::from_secs(4)));
    assert_eq!(ci.retry.schedule.iter().map(Duration::as_secs).collect::<Vec<_>>(), [10, 60, 600, 3600]);
    assert_eq!(ci.retry.max_age, Duration::from_secs(43_200));
    assert_eq!((ci.rate.as_slice(), ci.concurrency), (&[rate(30, 60)][..], 4));
    assert!(ci.tls.ca.as_ref().unwrap().starts_with(b"-----BEGIN CERTIFICATE"));
    assert!(ci.tls.client.as_ref().unwrap().1.expose().contains("PRIVATE KEY"));
    assert!(matches!(&ci.proxy, Proxy::Url(url) if url.expose().port() == Some(3128)), "{:?}", ci.proxy);
    assert_eq!(ci.sign.len(), 2);

    let hooks = &config.hooks;
    assert_eq!(
        hooks.iter().map(|hook| hook.name.as_str()).collect::<Vec<_>>(),
        ["batch finished", "hooks[1]", "long batch"]
    );
    assert_eq!(
        (hooks[0].on.as_slice(), hooks[0].to.as_slice()),
        (&["queue.end".to_owned()][..], &["team".to_owned()][..])
    );
    assert_eq!(hooks[0].when.as_ref().unwrap().source(), "queue.total >= 10 or queue.failed > 0");
    assert!(hooks[1].template.is_some() && hooks[0].template.is_none());
    assert_eq!((hooks[2].min_tasks, hooks[2].min_duration), (Some(20), Some(Duration::from_secs(600))));
    assert!(hooks[2].only_failures && hooks[2].smart && !hooks[0].only_failures && !hooks[0].smart);
}

#[test]
fn the_complete_example_uses_every_key_with_a_value_that_is_not_the_default() {
    let tree = toml_text::parse(reference::EXAMPLE).unwrap();
    let mut used = BTreeSet::new();
    collect(&tree, "", &mut used);
    for table in TABLES {
        for key in table.keys {
            let pattern = node::join(table.pattern, key.name);
            assert!(used.iter().any(|(known, _)| *known == pattern), "`{pattern}` is not in the example");
            if let LeftOut::Value(default) = key.default {
                let default = toml_text::parse_value(default).unwrap().to_json().to_string();
                let differs = used.iter().any(|(known, value)| *known == pattern && *value != default);
                assert!(differs, "`{pattern}` has its default in the example");
            }
        }
    }
}

/// Every key of a tree as the schema names it, with its value.
fn collect(tree: &Node, pattern: &str, used: &mut BTreeSet<(String, String)>) {
    match &tree.value {
        node::Value::Table(entries) => {
            for entry in entries {
                let free = schema::table(&format!("{pattern}.*")).is_some();
                let below = if free { format!("{pattern}.*") } else { node::join(pattern, &entry.name) };
                used.insert((below.clone(), entry.node.to_json().to_string()));
                collect(&entry.node, &below, used);
            }
        }
        node::Value::List(members) => {
            members.iter().for_each(|member| collect(member, &format!("{pattern}[]"), used))
        }
        _ => {}
    }
}

#[test]
fn every_key_of_the_schema_is_read_and_its_type_is_checked() {
    let base = json!({
        "host": {}, "spool": {}, "queue": {}, "files": {},
        "endpoints": {"a": {
            "url": "https://example.com/", "retry": {},
            "sign": [{"scheme": "hmac", "secrets": ["whsec_bWFya2VyLTRmOWMyYTcxZDAtbWFya2VyLTRm"]}],
        }},
        "hooks": [{"on": ["queue.end"], "to": ["a"]}],
    });
    for table in TABLES {
        for key in table.keys {
            let path = node::join(table.pattern, key.name).replace('*', "a").replace("[]", "[0]");
            let parent = table.pattern.replace('*', "a").replace("[]", ".0").replace('.', "/");
            let pointer = if parent.is_empty() { parent } else { format!("/{parent}") };
            let wrong = if matches!(key.kind, Kind::Boolean) { json!("yes") } else { json!(true) };
            let mut broken = base.clone();
            let parent = broken.pointer_mut(&pointer).and_then(Json::as_object_mut).unwrap();
            parent.insert(key.name.to_owned(), wrong);
            let errors = read_all(&broken.to_string()).expect_err(&path);
            let error = errors.iter().find(|error| error.key == path);
            let error = error.unwrap_or_else(|| panic!("no error of {path} in {errors}"));
            assert!(error.message.contains("expected"), "{error}");
        }
    }
}

#[test]
fn the_defaults_are_those_of_the_contract() {
    let text = "[endpoints.a]\nurl = \"https://example.com/\"\n";
    let config = config(text);
    assert!(config.file.is_none() && !config.host.name.is_empty() && config.host.base_url.is_none());
    assert!(matches!(&config.spool.path, SpoolPath::File(path) if path.ends_with("taskbell/taskbell.db")));
    assert_eq!(config.spool.retain, Duration::from_secs(7 * 86_400));
    assert_eq!((config.queue.max_event_bytes, config.queue.max_bytes), (1 << 20, 4 << 20));
    assert_eq!(config.queue.end_delay, Duration::from_secs(1));
    let a = config.endpoint("a").unwrap();
    assert_eq!(a.platform.name(), "json");
    assert_eq!((a.timeout, a.connect_timeout), (Duration::from_secs(15), Duration::from_secs(5)));
    let hours: Vec<u64> = a.retry.schedule.iter().map(Duration::as_secs).collect();
    assert_eq!(hours, [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400]);
    assert_eq!(a.retry.max_age, Duration::from_secs(4 * 86_400));
    assert_eq!((a.rate.as_slice(), a.concurrency), a.platform.pace());
    assert!(matches!(a.proxy, Proxy::Direct) && a.headers.is_empty() && a.sign.is_empty());
    let short = super::tests::config(&endpoint("timeout = \"2s\""));
    assert_eq!(short.endpoints[0].connect_timeout, Duration::from_secs(2));
}

#[test]
fn all_faults_are_found_at_once_each_with_its_place() {
    let text = "[host]\nnmae = \"x\"\n[endpoints.team]\nurl = \"https://example.com/\"\n  timeout = \"10 s\"\n\
                concurrency = 65\n[[hooks]]\non = [\"Queue\"]\nto = [\"taem\"]\n";
    assert_eq!(
        faults(text),
        [
            "line 2, column 1: host.nmae: there is no such key; did you mean `name`?",
            "line 5, column 13: endpoints.team.timeout: `10 s` is not a duration such as \"250ms\", \"10s\", \
             \"5m\", \"2h\", \"3d\" or \"1h30m\"",
            "line 6, column 15: endpoints.team.concurrency: expected a whole number from 1 to 64, found 65",
            "line 8, column 7: hooks[0].on[0]: `Queue` is not an event type: lower-case letters, digits and `_`, \
             in parts joined by `.`, for instance `render.saved`",
            "line 9, column 7: hooks[0].to[0]: there is no endpoint `taem`; did you mean `team`?",
        ]
    );
    let folder = tempfile::tempdir().unwrap();
    let path = written(&folder, "taskbell.toml", text);
    assert!(faults(&path)[0].starts_with(&format!("{path}:2:1: host.nmae: ")));
}

#[test]
fn json_and_toml_mean_the_same() {
    let toml = hook("min_tasks = 3\ntemplate = { a = [1, true, \"{{ x }}\"] }");
    let json = json!({
        "endpoints": {"a": {"url": "https://example.com/"}},
        "hooks": [{"on": ["queue.end"], "to": ["a"], "min_tasks": 3, "template": {"a": [1, true, "{{ x }}"]}}],
    });
    assert_eq!(format!("{:?}", config(&toml)), format!("{:?}", config(&json.to_string())));
    assert_fault(
        "{\"host\": {\"name\": \"a\",\n \"name\": \"b\"}}",
        "line 2, column 2: host.name: this key stands",
    );
    assert_fault("{\"host\": {},\n}", "line 2, column 1: not valid JSON: trailing comma");
    assert_fault("[host]\nname = \"a\"\nname = \"b\"\n", "line 3, column 1: not valid TOML: duplicate key");
}

#[test]
fn a_missing_file_is_one_fault_that_names_it() {
    let errors = Config::load("no/such/taskbell.toml").unwrap_err();
    assert_eq!(errors.as_slice().len(), 1);
    assert!(
        errors
            .to_string()
            .starts_with("no/such/taskbell.toml: this configuration cannot be read: ")
    );
}

#[test]
fn a_key_in_the_wrong_table_is_sent_to_the_right_one() {
    assert_fault(
        "timeout = \"5s\"\n",
        "timeout: there is no such key here; it belongs in `[endpoints.NAME]`",
    );
    assert_fault("cooldown = 1\n", "cooldown: there is no such key; known here: `host`, `spool`");
    assert_fault("[hooks]\n", "hooks: expected a list of tables, found a table");
    assert_fault("endpoints = 1\n[host]\n", "endpoints: expected a table of names, found a number");
}

#[test]
fn a_value_out_of_its_range_is_told_the_range() {
    assert_fault(&endpoint("timeout = \"50ms\""), "`50ms` is out of range: 100ms to 10m");
    assert_fault(&endpoint("timeout = 15"), "timeout: expected a duration such as");
    assert_fault(&endpoint("rate = \"0/s\""), "`0/s` is not a rate such as");
    assert_fault(&endpoint("rate = [\"1/s\", 5]"), "endpoints.a.rate[1]: expected a rate");
    assert_fault(
        &endpoint("retry = { schedule = [\"5s\", \"40d\"] }"),
        "retry.schedule[1]: `40d` is out of range",
    );
    assert_fault(&endpoint("connect_timeout = \"16s\""), "`connect_timeout` is longer than `timeout` (15s)");
    assert_fault("[queue]\nmax_event_bytes = 1\n", "queue.max_event_bytes: 1 is out of range: 1KiB to 16MiB");
    assert_fault("[queue]\nmax_event_bytes = \"4MB\"\n", "`4MB` is not a size such as");
    assert_fault("[queue]\nmax_event_bytes = \"4MiB\"\n", "twice `max_event_bytes`, so 8MiB or more");
    assert_fault(
        &hook("min_tasks = -1"),
        "min_tasks: expected a whole number from 1 to 1000000000, found -1",
    );
    assert_fault(&hook("min_tasks = 2.5"), "found 2.5");
}

#[test]
fn empty_lists_mean_what_they_say() {
    let config = config(&endpoint("rate = []\nretry = { schedule = [] }"));
    assert!(config.endpoints[0].rate.is_empty() && config.endpoints[0].retry.schedule.is_empty());
    assert_fault(
        "[[hooks]]\non = []\nto = [\"\"]\n",
        "hooks[0].on: an event type is missing: this list is empty",
    );
    assert_fault("[[hooks]]\non = []\nto = [\"\"]\n", "hooks[0].to[0]: this text is empty");
    assert_fault("[[hooks]]\nname = \"x\"\n", "hooks[0].on: this key is missing");
}

#[test]
fn a_url_and_its_platform_have_to_agree() {
    let url = |url: &str, more: &str| format!("[endpoints.a]\nurl = \"{url}\"\n{more}\n");
    let slack = "https://hooks.slack.com/services/T000/B000/XXXXXXXXXXXXXXXXXXXXXXXX";
    assert_eq!(config(&url(slack, "")).endpoints[0].platform.name(), "slack");
    assert_fault(&url(slack, "platform = \"json\""), "platform: the URL is one of `slack`, not of `json`");
    assert_fault(&url(slack, "platform = \"slak\""), "there is no platform `slak`; did you mean `slack`?");
    assert_fault(&url("ftp://example.com/", ""), "url: an http or https URL was expected");
    assert_fault(&url("example.com/x", ""), "url: this is not a URL");
    assert_fault(&url("https://example.com/#x", ""), "url: this URL has a fragment");
    assert_fault("[endpoints.a]\n", "line 1, column 12: endpoints.a.url: this key is missing");
    config(&url("https://user:pass@example.com/", "platform = \"json\""));
    assert_fault(
        &url("https://user:pass@hooks.slack.com/services/x", ""),
        "carries no user name or password",
    );
    assert_fault("[endpoints.\"a b\"]\nurl = \"https://example.com/\"\n", "`a b` is no name of an endpoint");
}

#[test]
fn what_env_and_file_name_is_followed_or_named_in_the_fault() {
    let folder = tempfile::tempdir().unwrap();
    written(&folder, "name.txt", "  render-08\n");
    written(&folder, "empty.txt", " \n");
    let of = |value: &str| written(&folder, "c.toml", &format!("[host]\nname = \"{value}\"\n"));
    assert_eq!(config(&of("file:name.txt")).host.name, "render-08");
    assert_eq!(config(&of("env:MARKER")).host.name, MARKER);
    for (value, expected) in [
        ("env:NOT_SET", "host.name: the environment variable `NOT_SET` is not set"),
        ("env:EMPTY", "the environment variable `EMPTY` is empty"),
        ("env:", "names no environment variable"),
        ("file:empty.txt", "empty.txt is empty"),
        ("file:none.txt", "none.txt cannot be read"),
        ("file:.", "is not a regular file"),
    ] {
        assert_fault(&of(value), expected);
    }
}

#[test]
fn a_faulty_secret_is_never_quoted_and_a_sound_one_is_scrubbed() {
    let folder = tempfile::tempdir().unwrap();
    written(&folder, "marker.txt", MARKER);
    for source in ["env:MARKER", "file:marker.txt"] {
        for (lines, key) in [
            (format!("timeout = \"{source}\""), "timeout"),
            (format!("rate = [\"{source}\"]"), "rate[0]"),
            (format!("platform = \"{source}\""), "platform"),
            (format!("proxy = \"{source}\""), "proxy"),
            (format!("ca_file = \"{source}\""), "ca_file"),
            (format!("client_key = \"{source}\""), "client_key"),
            (format!("sign = [{{ scheme = \"{source}\", secrets = \"{source}\" }}]"), "sign[0]"),
        ] {
            let path = written(&folder, "c.toml", &endpoint(&lines));
            let errors = read_all(&path).expect_err(&lines);
            assert!(errors.iter().any(|error| error.key == format!("endpoints.a.{key}")), "{errors}");
            assert!(!errors.to_string().contains(MARKER), "{errors}");
        }
        let path = written(
            &folder,
            "c.toml",
            &format!("[endpoints.a]\nurl = \"{source}\"\n[queue]\nmax_bytes = \"{source}\"\n"),
        );
        assert!(!read_all(&path).unwrap_err().to_string().contains(MARKER));
    }
    for literal in [
        format!("[endpoints.a]\nurl = \"{MARKER}\"\n"),
        format!("[endpoints.a]\nurl = \"ftp://example.com/{MARKER}\"\n"),
        endpoint(&format!("headers = {{ a = \"{MARKER}\\u0001\" }}")),
        endpoint(&format!("proxy = \"https://user:{MARKER}@proxy\"")),
        endpoint(&format!("headers = {{ a = \"{MARKER}\"")),
    ] {
        let errors = read_all(&literal).unwrap_err().to_string();
        assert!(!errors.contains(MARKER), "{errors}");
    }
    let config = config(
        "[endpoints.a]\nurl = \"https://user:p%40ssword@example.com/hooks/0123456789abcdef?token=tok%2D0123456789abcdef\"\n\
         headers = { Authorization = \"env:CI_TOKEN\" }\n\
         sign = [{ scheme = \"hmac\", secrets = \"env:CI_HMAC_SECRET\" }]\n",
    );
    assert!(!format!("{config:?}").contains(MARKER));
    let echo = "p@ssword p%40ssword 0123456789abcdef tok-0123456789abcdef marker-4f9c2a71d0-hmac /hooks/0123456789abcdef";
    let scrubbed = config.scrubber.scrub(echo);
    for secret in ["ssword", "0123456789abcdef", MARKER] {
        assert!(!scrubbed.contains(secret), "{scrubbed}");
    }
    assert_eq!(config.scrubber.scrub(&format!("token {MARKER}!")), "token [redacted]!");
}

#[test]
fn headers_are_checked() {
    for (headers, expected) in [
        ("{ \"a b\" = \"x\" }", "headers.a b: this is no header name"),
        ("{ Content-Length = \"1\" }", "headers.Content-Length: Taskbell writes this header itself"),
        ("{ webhook-signature = \"1\" }", "written by `sign`"),
        ("{ X-A = \"1\", x-a = \"2\" }", "headers.x-a: this header stands here twice"),
        ("{ a = \"x\\ny\" }", "headers.a: a header value is one line of printable ASCII"),
        ("{ a = 1 }", "headers.a: expected text"),
    ] {
        assert_fault(&endpoint(&format!("headers = {headers}")), expected);
    }
    assert_eq!(config(&endpoint("headers = { X-A = \"1\" }")).endpoints[0].headers[0].0, "x-a");
}

#[test]
fn certificates_are_read_and_checked_when_the_configuration_is() {
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
        ("ca_file = \"certificates/client.key\"", "ca_file: no PEM block `BEGIN CERTIFICATE` is in it"),
        ("ca_file = \"certificates/none.pem\"", "none.pem cannot be read"),
        ("client_key = \"certificates/ca.pem\"", "client_key: no PEM block `BEGIN PRIVATE KEY`"),
    ] {
        assert_fault(&of(lines), expected);
    }
}

#[test]
fn proxies_are_env_or_a_plain_http_url() {
    let proxy = |text: &str| endpoint(&format!("proxy = \"{text}\""));
    assert!(matches!(config(&proxy("env")).endpoints[0].proxy, Proxy::Environment));
    let config = config(&proxy("http://user:secret-word@proxy:3128"));
    assert!(!config.scrubber.scrub("it said secret-word").contains("secret-word"));
    for bad in ["https://proxy", "socks5://proxy", "proxy:3128", "http://proxy/path"] {
        assert_fault(&proxy(bad), "endpoints.a.proxy: ");
    }
}

#[test]
fn signatures_are_positioned_at_their_entry() {
    let text = endpoint(
        "sign = [{ scheme = \"github\", secrets = \"first-secret\" },\n { scheme = \"none\", secrets = [\"x\"] }]",
    );
    assert_fault(&text, "line 4, column 2: endpoints.a.sign[1]: ");
    assert_fault(
        &endpoint("sign = [{ scheme = \"github\", secrets = [] }]"),
        "at least one secret is needed",
    );
    assert_fault(&endpoint("sign = [{ scheme = \"github\" }]"), "sign[0].secrets: this key is missing");
    assert_fault(
        &endpoint("sign = [{ schema = \"github\" }]"),
        "sign[0].schema: there is no such key; did you mean `scheme`?",
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
        assert_fault(&of(bad), "hooks[0].template: expected a table, \"file:NAME.json\"");
    }
    let bad = folder.path().join("bad.json");
    assert_fault(
        &of("\"file:bad.json\""),
        &format!("{}:3:1: hooks[0].template: not valid JSON: trailing comma", bad.display()),
    );
    assert_fault(&of("\"file:none.json\""), "none.json cannot be read");
}

#[test]
fn what_is_hardly_meant_is_warned_of() {
    let warnings = |text: &str| -> Vec<String> {
        read_all(text).unwrap_or_else(|errors| panic!("{errors}")).1.iter().map(ToString::to_string).collect()
    };
    assert_eq!(warnings("{}"), ["line 1, column 1: there are no `[[hooks]]`: nothing will ever ring"]);
    assert_eq!(warnings(&hook("")), Vec::<String>::new());
    let text = "[endpoints.a]\nurl = \"http://example.com/\"\n[endpoints.b]\nurl = \"http://127.0.0.1/\"\n\
                [[hooks]]\non = [\"task.completed\", \"render.saved\"]\nto = [\"a\"]\n";
    let found = warnings(text);
    assert_eq!(found.len(), 3, "{found:#?}");
    assert!(
        found[0].starts_with("line 2, column 7: endpoints.a.url: this URL sends everything in plain text")
    );
    assert!(found[1].starts_with("line 3, column 12: endpoints.b: no hook rings at this endpoint"));
    assert!(
        found[2].contains("hooks[0].on[0]: `task.completed` is none of")
            && found[2].contains("`task.complete` is meant")
    );
}

#[test]
fn names_and_lists_hold_nothing_twice() {
    assert_fault(
        &hook("name = \"x\"\n[[hooks]]\nname = \"x\"\non = [\"a\"]\nto = [\"a\"]"),
        "hooks[1].name: another hook",
    );
    assert_fault("[[hooks]]\non = [\"a\", \"a\"]\nto = []\n", "hooks[0].on: `a` stands here twice");
}

#[test]
fn memory_and_relative_paths_are_understood() {
    assert_eq!(config("[spool]\npath = \":memory:\"\n").spool.path, SpoolPath::Memory);
    let here = std::env::current_dir().unwrap();
    assert_eq!(config("[spool]\npath = \"x/y.db\"\n").spool.path, SpoolPath::File(here.join("x/y.db")));
    let folder = tempfile::tempdir().unwrap();
    let path = written(&folder, "farm.toml", "[files]\nroots = [\"a\", \"/b\"]\n");
    let config = config(&path);
    assert_eq!(config.files.roots, [folder.path().join("a"), PathBuf::from("/b")]);
    assert!(matches!(config.spool.path, SpoolPath::File(path) if path.ends_with("taskbell/farm.db")));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn arbitrary_text_never_panics(text in "\\PC{0,200}", near in "[\\[\\]{}=\",.:a-c0-9 \n#'_-]{0,120}") {
        for text in [text, near] {
            let _ = Config::load(&format!("{{{text}"));
            let _ = Config::load(&format!("{text}\n"));
        }
    }

    #[test]
    fn a_damaged_example_never_panics(at in 0..reference::EXAMPLE.len(), cut in 0..40usize, put in "[\\[\\]{}=\", a\n]{0,4}") {
        let start = reference::EXAMPLE.floor_char_boundary(at);
        let end = reference::EXAMPLE.ceil_char_boundary((at + cut).min(reference::EXAMPLE.len()));
        let mut text = reference::EXAMPLE.to_owned();
        text.replace_range(start..end, &put);
        let _ = read_all(&text);
        if let Ok(tree) = toml_text::parse(&text) {
            let mut json = tree.to_json().to_string();
            let middle = json.floor_char_boundary(at.min(json.len()));
            json.insert_str(middle, &put);
            let _ = read_all(&json);
        }
    }
}
