//! The parts of a description, read from its tables. They borrow its texts, so that nothing is left of one with a fault.

use super::address::{UrlPattern, has_whole_braces, names};
use super::answers::AnswerParts;
use super::fields::{self, BodyField};
use super::mention_form::MentionForm;
use super::table::{Table, is_header_name, is_header_text};
use crate::platform::platform_options::is_token;
use crate::platform::{PlatformOption, Rate};
use serde_json::Value;
use std::time::Duration;
use url::Url;

/// The keys of a description.
const KEYS: [&str; 20] = [
    "urls",
    "default_url",
    "rates",
    "concurrency",
    "machine",
    "options",
    "request",
    "body",
    "silent",
    "mentions",
    "fields",
    "max_bytes",
    "ok_when",
    "retry_when",
    "gone_when",
    "code",
    "answers",
    "refusals",
    "example",
    "aliases",
];
/// The bytes of the body that are kept for each option in it.
pub(super) const MEMBER: usize = 150;
/// The fewest bytes of a body that says something.
const LEAST: usize = 200;
/// Headers that the request has anyway, and those that belong to a connection.
const RESERVED: [&str; 7] =
    ["host", "content-length", "content-type", "transfer-encoding", "connection", "expect", "user-agent"];

/// What a description says.
pub(super) struct DescriptionParts<'t> {
    pub aliases: Vec<&'t str>,
    pub default_url: Option<&'t str>,
    pub rates: Vec<Rate>,
    pub concurrency: usize,
    pub is_machine: bool,
    /// Path and query of a URL.
    pub example: &'t str,
    /// With the value of the example.
    pub options: Vec<(PlatformOption<'t>, Option<&'t str>)>,
    pub urls: Vec<UrlPattern<'t>>,
    pub request: RequestForm<'t>,
    pub body: &'t Value,
    /// What makes a message that makes no sound.
    pub silent: Option<&'t Value>,
    pub mentions: Option<MentionForm<'t>>,
    pub fields: Vec<BodyField<'t>>,
    /// The bytes of the whole body.
    pub max_bytes: Option<usize>,
    pub answers: AnswerParts<'t>,
    /// The names of the responses with which a fake refuses the path, the credentials, the body, and its length.
    pub refusals: [Option<&'t str>; 4],
}

/// What is sent with the body, with the options in braces.
#[derive(Default)]
pub(super) struct RequestForm<'t> {
    pub is_put: bool,
    pub path: Option<Vec<&'t str>>,
    /// Names in lower case.
    pub headers: Vec<(String, &'t str)>,
    pub query: Vec<(&'t str, &'t str)>,
    pub members: Vec<(&'t str, &'t str)>,
    /// `{user}:{password}` of the header `authorization`.
    pub basic: Option<&'t str>,
    pub is_form: bool,
}

impl<'t> DescriptionParts<'t> {
    /// `None` where no body can be read; all faults are in `root`.
    pub fn read(root: &Table<'t>) -> Option<DescriptionParts<'t>> {
        root.only(&KEYS);
        let options: Vec<_> =
            root.tables("options").iter().map(|(name, table)| read_option(name, table)).collect();
        let known: Vec<&str> = options.iter().map(|(option, _)| option.name).collect();
        let urls = read_urls(root, &known);
        let request = RequestForm::read(root, &known);
        for name in known.iter().filter(|name| !urls.iter().any(|url| url.options().any(|one| one == **name)))
        {
            if !request.texts().any(|text| names(text).any(|used| used == *name)) {
                let words = format!("nothing has `{{{name}}}`: neither `urls` nor `request`");
                root.fault(&format!("options.{name}"), words);
            }
        }
        let fields = fields::read(root);
        let body = read_body(root, &known, &fields);
        let max_bytes = root.size("max_bytes", usize::MAX);
        let least = LEAST + request.members.len() * MEMBER;
        if max_bytes.is_some_and(|most| most < least) {
            root.fault("max_bytes", format!("no message fits: {least} at least with its `request.members`"));
        }
        let answers = AnswerParts::read(root);
        let refusals = root.table("refusals").map_or([None; 4], |table| {
            let keys = ["path", "credentials", "body", "length"];
            table.only(&keys);
            keys.map(|key| {
                let name = table.text(key)?;
                let is_there = answers.documented.iter().any(|answer| answer.name == name);
                if !is_there {
                    table.fault(key, format!("there is no answer `{name}` in `answers`"));
                }
                is_there.then_some(name)
            })
        });
        let default_url = root.text("default_url");
        let is_url = |text: &str| {
            Url::parse(text).is_ok_and(|url| url.has_host() && matches!(url.scheme(), "http" | "https"))
        };
        if default_url.is_some_and(|url| !is_url(url)) {
            root.fault("default_url", "expected a URL with `https://`".to_owned());
        }
        let example = root.text("example").unwrap_or("/");
        if !example.starts_with('/') {
            root.fault("example", "expected the path of a URL, which begins with `/`".to_owned());
        }
        Some(DescriptionParts {
            aliases: root.texts("aliases"),
            default_url,
            rates: read_rates(root),
            concurrency: root.size("concurrency", 64).unwrap_or(1),
            is_machine: root.flag("machine"),
            example,
            options,
            urls,
            request,
            body: body?,
            silent: read_silent(root, &fields),
            mentions: MentionForm::read(root, &fields),
            fields,
            max_bytes,
            answers,
            refusals,
        })
    }

    /// The options that its own URL may hold.
    pub fn needed(&self) -> impl Iterator<Item = &'t str> + use<'_, 't> {
        self.options.iter().filter(|(option, _)| option.required).map(|(option, _)| option.name)
    }
}

fn read_urls<'t>(root: &Table<'t>, known: &[&str]) -> Vec<UrlPattern<'t>> {
    let read = |(index, text): (usize, &'t str)| {
        let at = format!("urls[{index}]");
        let pattern = UrlPattern::read(text).map_err(|message| root.fault(&at, message)).ok()?;
        if let Some(other) = pattern.options().find(|name| !known.contains(name)) {
            root.fault(&at, format!("there is no option `{other}` in `options`"));
        }
        Some(pattern)
    };
    root.texts("urls").into_iter().enumerate().filter_map(read).collect()
}

fn read_rates(root: &Table<'_>) -> Vec<Rate> {
    let read = |table: Table<'_>| {
        table.only(&["messages", "seconds"]);
        let count = table.size("messages", 1_000_000).and_then(|count| u32::try_from(count).ok());
        let seconds = table.size("seconds", 7 * 24 * 3600);
        if table.raw("messages").is_none() || table.raw("seconds").is_none() {
            table.fault("", "a rate is { messages = 60, seconds = 300 }".to_owned());
        }
        Some(Rate { count: count?, per: Duration::from_secs(seconds? as u64) })
    };
    root.list("rates").into_iter().filter_map(read).collect()
}

fn read_option<'t>(name: &'t str, table: &Table<'t>) -> (PlatformOption<'t>, Option<&'t str>) {
    table.only(&["form", "required", "secret", "meaning", "example"]);
    let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    if !is_name || name == "id" {
        table.fault("", "an option is named by lower-case letters and `_`, and not `id`".to_owned());
    }
    let secret = table.flag("secret");
    let option = PlatformOption {
        name,
        form: table.text("form").unwrap_or("a text"),
        accepts: if secret { is_token } else { is_line },
        required: table.flag("required"),
        secret,
        meaning: table.text("meaning").unwrap_or_default(),
    };
    let example = table.text("example");
    if example.is_some_and(|example| !(option.accepts)(example)) {
        table.fault("example", "expected a value that the option takes: one line".to_owned());
    }
    (option, example)
}

/// One line of text.
fn is_line(value: &str) -> bool {
    !value.trim().is_empty() && value.len() <= 1000 && !value.contains(char::is_control)
}

impl<'t> RequestForm<'t> {
    fn read(root: &Table<'t>, known: &[&str]) -> RequestForm<'t> {
        let Some(table) = root.table("request") else { return RequestForm::default() };
        table.only(&["method", "path", "headers", "query", "members", "basic", "form"]);
        if !matches!(table.text("method"), None | Some("POST" | "PUT")) {
            table.fault("method", "the method is `POST` or `PUT`".to_owned());
        }
        let check = |at: &str, text: &'t str| {
            if let Some(other) = names(text).find(|name| *name != "id" && !known.contains(name)) {
                table.fault(at, format!("there is no option `{other}` in `options`"));
            } else if !has_whole_braces(text) {
                table.fault(at, "a brace has no other half: an option is `{name}`".to_owned());
            }
            text
        };
        let pairs = |at: &str| {
            let keep = |(name, text)| (name, check(&format!("{at}.{name}"), text));
            table.pairs(at).into_iter().map(keep).collect::<Vec<(&'t str, &'t str)>>()
        };
        let path = table.text("path").map(|path| check("path", path));
        if path.is_some_and(|path| path.contains(['?', '#'])) {
            table.fault("path", "expected a path; what follows `?` is in `query`".to_owned());
        }
        let form = RequestForm {
            is_put: table.text("method") == Some("PUT"),
            path: path.map(|path| path.split('/').filter(|part| !part.is_empty()).collect()),
            headers: pairs("headers").into_iter().map(|(name, text)| (name.to_lowercase(), text)).collect(),
            query: pairs("query"),
            members: pairs("members"),
            basic: table.text("basic").map(|text| check("basic", text)),
            is_form: table.flag("form"),
        };
        for (name, text) in &form.headers {
            let fault = match () {
                () if !is_header_name(name) => "this is not the name of a header",
                () if !is_header_text(text) => "a header has visible ASCII, and no line break",
                () if RESERVED.contains(&name.as_str()) => "Taskbell writes this header itself",
                () if name == "authorization" && form.basic.is_some() => "`basic` writes this header already",
                () => continue,
            };
            table.fault(&format!("headers.{name}"), fault.to_owned());
        }
        if form.basic.is_some_and(|text| !text.contains(':')) {
            table.fault("basic", "expected `{user}:{password}`".to_owned());
        }
        form
    }

    /// Every text in which options can be.
    fn texts(&self) -> impl Iterator<Item = &'t str> + use<'_, 't> {
        let parts = self.path.iter().flatten().copied().chain(self.basic);
        let headers = self.headers.iter().map(|(_, text)| *text);
        parts.chain(headers).chain(self.query.iter().chain(&self.members).map(|(_, text)| *text))
    }
}

fn read_silent<'t>(root: &Table<'t>, fields: &[BodyField<'_>]) -> Option<&'t Value> {
    let table = root.table("silent")?;
    for name in table.names().filter(|name| fields.iter().all(|field| field.path[0] != *name)) {
        table.fault(name, format!("there is no `{name}` in `fields`"));
    }
    root.raw("silent")
}

fn read_body<'t>(root: &Table<'t>, known: &[&str], fields: &[BodyField<'_>]) -> Option<&'t Value> {
    let body = root.raw("body").filter(|body| body.as_object().is_some_and(|members| !members.is_empty()));
    let Some(body) = body else {
        root.fault("body", "a description needs `body`: the template of its card, a table".to_owned());
        return None;
    };
    for name in body.as_object().into_iter().flat_map(|members| members.keys()) {
        if !name.starts_with('$') && !fields.iter().any(|field| field.path[0] == name) {
            root.fault(&format!("body.{name}"), format!("`fields` does not say what `{name}` may hold"));
        }
    }
    let text = body.to_string();
    for name in known.iter().filter(|name| text.contains(&format!("{{{name}}}"))) {
        let words =
            format!("`{{{name}}}` is not filled in the body: options go to `request.members` and the like");
        root.fault("body", words);
    }
    Some(body)
}
