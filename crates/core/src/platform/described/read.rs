//! Makes a platform of its description, or says what is wrong with that.

use super::address::{UrlPattern, names};
use super::fields::BodyField;
use super::table::{DescriptionFault, Table};
use super::{Described, RequestForm, fields, kept};
use crate::event;
use crate::platform::canned_response::response;
use crate::platform::platform_options::is_token;
use crate::platform::{
    AnswerRules, CannedResponse, Degradation, Description, Example, Expected, PlatformOption, Rate,
};
use once_cell::sync::OnceCell;
use serde_json::Value;
use std::cell::RefCell;
use std::sync::Mutex;
use std::time::Duration;
use url::Url;

/// The keys of a description.
pub(super) const KEYS: [&str; 20] = [
    "title",
    "urls",
    "default_url",
    "rates",
    "concurrency",
    "machine",
    "options",
    "request",
    "body",
    "silent",
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

/// The platforms that were made in this process. A reload with the same text makes no other.
static MADE: Mutex<Vec<(&'static str, String, &'static Described)>> = Mutex::new(Vec::new());

/// The platform of this name that a description describes.
///
/// # Errors
/// Everything that is wrong with it.
pub fn described(name: &str, description: &Value) -> Result<&'static Described, Vec<DescriptionFault>> {
    let text = description.to_string();
    let mut made = MADE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some((_, _, known)) = made.iter().find(|(other, known, _)| *other == name && *known == text) {
        return Ok(known);
    }
    let platform = read(name, description, Judged::Whole)?;
    made.push((platform.description.name, text, platform));
    Ok(platform)
}

/// How much of a description is judged when it is read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Judged {
    /// The keys alone, without a template that nobody may need: enough for a description that tests judge.
    Keys,
    /// The card of every event and each answer, too.
    Whole,
}

pub(super) fn read(
    name: &str,
    description: &Value,
    judged: Judged,
) -> Result<&'static Described, Vec<DescriptionFault>> {
    let faults = RefCell::new(Vec::new());
    let none = serde_json::Map::new();
    let root = Table::root(description.as_object().unwrap_or(&none), &faults);
    root.only(&KEYS);
    let platform = read_platform(kept_text(name), &root);
    if judged == Judged::Whole
        && let Some(platform) = &platform
    {
        judge_card(&root, platform);
        judge_answers(&root, platform);
    }
    let found = faults.take();
    match platform {
        Some(platform) if found.is_empty() => Ok(kept(platform)),
        _ => Err(found),
    }
}

/// Texts of a platform live as long as it does.
fn kept_text(text: &str) -> &'static str {
    text.to_owned().leak()
}

fn read_platform(name: &'static str, root: &Table<'_>) -> Option<Described> {
    let options = read_options(root);
    let known: Vec<&'static str> = options.iter().map(|(option, _)| option.name).collect();
    let urls = read_urls(root, &known);
    let request = read_request(root, &known);
    let needed =
        options.iter().filter(|(option, _)| option.required).map(|(option, _)| option.name).collect();
    let fields = fields::read(root);
    if fields.is_empty() {
        root.fault(
            "fields",
            "a description needs `fields`: what the members of its body may hold".to_owned(),
        );
    }
    let (answers, code) = (read_answers(root), root.text("code"));
    let find = |table: &Table<'_>, key: &str| {
        let name = table.text(key)?;
        let found = answers.iter().find(|answer| answer.name == name);
        if found.is_none() {
            table.fault(key, format!("there is no answer `{name}` in `answers`"));
        }
        found.map(|answer| answer.name)
    };
    let refusals = root.table("refusals").map_or([None; 4], |table| {
        table.only(&["path", "credentials", "body", "length"]);
        ["path", "credentials", "body", "length"].map(|key| find(&table, key))
    });
    let rules = AnswerRules {
        ok: root.condition("ok_when"),
        retry: root.condition("retry_when"),
        gone: root.condition("gone_when"),
    };
    let default_url = root.text("default_url").map(kept_text);
    if default_url.is_some_and(|url| Url::parse(url).is_err()) {
        root.fault("default_url", "this is not a URL".to_owned());
    }
    let examples = options.iter().filter_map(|(option, example)| Some((option.name, (*example)?)));
    let examples: Vec<_> = examples.collect();
    // Its URL may have the value, so the whole of the endpoint decides.
    let read_option = |(option, _): (PlatformOption, _)| PlatformOption { required: false, ..option };
    let concurrency = root.size("concurrency").unwrap_or(1);
    let description = Description {
        name,
        aliases: root.texts("aliases").into_iter().map(kept_text).collect::<Vec<_>>().leak(),
        default_url,
        options: options.into_iter().map(read_option).collect::<Vec<_>>().leak(),
        rates: read_rates(root).leak(),
        concurrency,
        coalesces: !root.flag("machine"),
        markup: Some(|_| None),
        silent: read_silent(root, &fields),
        responses: answers.leak(),
        example: Example { target: kept_text(root.text("example").unwrap_or("/")), options: examples.leak() },
        ..Description::BASE
    };
    let rule = fields::rule_of(&fields);
    Some(Described {
        description,
        urls,
        needed,
        request,
        body: read_body(root)?,
        card: OnceCell::new(),
        rule,
        fields,
        whole: root.size("max_bytes"),
        rules,
        code: code.map(|path| path.split('.').filter(|step| *step != "json").map(kept_text).collect()),
        refusals,
    })
}

fn read_urls(root: &Table<'_>, known: &[&'static str]) -> Vec<UrlPattern> {
    let read = |(index, text): (usize, &str)| {
        let at = format!("urls[{index}]");
        let pattern = UrlPattern::read(kept_text(text)).map_err(|message| root.fault(&at, message)).ok()?;
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
        let count = table.size("messages").and_then(|count| u32::try_from(count).ok());
        let seconds = table.size("seconds");
        if count.is_none() || seconds.is_none() {
            table.fault("", "a rate is { messages = 60, seconds = 300 }".to_owned());
        }
        Some(Rate { count: count?, per: Duration::from_secs(seconds? as u64) })
    };
    root.list("rates").into_iter().filter_map(read).collect()
}

fn read_options(root: &Table<'_>) -> Vec<(PlatformOption, Option<&'static str>)> {
    let read = |(name, table): (&str, Table<'_>)| {
        table.only(&["form", "required", "secret", "meaning", "example"]);
        let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        if !is_name || name == "id" {
            table.fault("", "an option is named by lower-case letters and `_`, and not `id`".to_owned());
        }
        let secret = table.flag("secret");
        let option = PlatformOption {
            name: kept_text(name),
            form: kept_text(table.text("form").unwrap_or("a text")),
            accepts: if secret { is_token } else { |value| !value.trim().is_empty() && value.len() <= 1000 },
            required: table.flag("required"),
            secret,
            meaning: kept_text(table.text("meaning").unwrap_or_default()),
        };
        (option, table.text("example").map(kept_text))
    };
    root.tables("options").into_iter().map(read).collect()
}

fn read_request(root: &Table<'_>, known: &[&'static str]) -> RequestForm {
    let mut form = RequestForm {
        method: "POST",
        path: None,
        headers: Vec::new(),
        query: Vec::new(),
        members: Vec::new(),
        basic: None,
        is_form: false,
    };
    let Some(table) = root.table("request") else { return form };
    table.only(&["method", "path", "headers", "query", "members", "basic", "form"]);
    form.method = match table.text("method").unwrap_or("POST") {
        "POST" => "POST",
        "PUT" => "PUT",
        _ => {
            table.fault("method", "the method is `POST` or `PUT`".to_owned());
            "POST"
        }
    };
    let check = |at: &str, text: &'static str| {
        if let Some(other) = names(text).find(|name| *name != "id" && !known.contains(name)) {
            table.fault(at, format!("there is no option `{other}` in `options`"));
        }
        text
    };
    let pairs = |at: &str| {
        let pairs = table.pairs(at).into_iter();
        let keep = |(name, text): (&str, &str)| {
            // Headers are compared in lower case.
            let own = if at == "headers" { name.to_lowercase() } else { name.to_owned() };
            (&*own.leak(), check(&format!("{at}.{name}"), kept_text(text)))
        };
        pairs.map(keep).collect::<Vec<(&'static str, _)>>()
    };
    let path = table.text("path").map(|path| check("path", kept_text(path)));
    form.path = path.map(|path| path.split('/').filter(|part| !part.is_empty()).collect());
    form.headers = pairs("headers");
    form.query = pairs("query");
    form.members = pairs("members");
    form.basic = table.text("basic").map(|text| check("basic", kept_text(text)));
    form.is_form = table.flag("form");
    form
}

/// As JSON, which is what the members of a body are.
fn read_silent(root: &Table<'_>, fields: &[BodyField]) -> Option<&'static str> {
    let table = root.table("silent")?;
    for name in table.names().filter(|name| fields.iter().all(|field| field.path[0] != *name)) {
        table.fault(name, format!("there is no `{name}` in `fields`"));
    }
    Some(kept_text(&root.raw("silent")?.to_string()))
}

fn read_body(root: &Table<'_>) -> Option<Value> {
    let body = root.raw("body").filter(|body| body.is_object());
    if body.is_none() {
        root.fault("body", "a description needs `body`: the template of its card, a table".to_owned());
    }
    body.cloned()
}

/// The path of a place in a template that begins with its origin.
fn place(place: &str) -> String {
    place.replace(": ", "")
}

/// The card of every event is made, and its platform takes it.
fn judge_card(root: &Table<'_>, platform: &Described) {
    let card = match platform.card() {
        Ok(card) => card,
        Err(error) => return root.fault(&place(&error.place), error.reason.clone()),
    };
    let mut told = Vec::new();
    for kind in event::samples_of("*") {
        if let Err(error) = card.check(&kind) {
            let fault = (place(&error.place), error.reason);
            if !told.contains(&fault) {
                told.push(fault);
            }
        }
    }
    for (at, message) in told {
        root.fault(&at, message);
    }
}

/// Every answer is read as the description says.
fn judge_answers(root: &Table<'_>, platform: &Described) {
    let all = platform.description.responses;
    if all.first().is_some_and(|first| first.expected != Expected::Delivered) {
        root.fault("answers", "the first answer is the success".to_owned());
    }
    for (index, answer) in all.iter().enumerate() {
        let dynamic: &dyn crate::platform::Platform = platform;
        let read = Expected::from(&dynamic.read(&answer.answer(), 0));
        if read != answer.expected {
            let message = format!(
                "`{}` is read as {read:?}, and not as its `outcome`: see `ok_when` and its kin",
                answer.name
            );
            root.fault(&format!("answers[{index}]"), message);
        }
    }
}

fn read_answers(root: &Table<'_>) -> Vec<CannedResponse> {
    root.list("answers").iter().filter_map(read_answer).collect()
}

fn read_answer(table: &Table<'_>) -> Option<CannedResponse> {
    table.only(&["name", "status", "headers", "body", "meaning", "outcome", "wait_s", "says"]);
    let wait = table.size("wait_s").unwrap_or_default() as u128 * 1000;
    let outcome = match table.text("outcome")? {
        "delivered" => Expected::Delivered,
        "retry" if wait > 0 => Expected::RetryAfter(wait),
        "retry" => Expected::Retry,
        "final" => Expected::Final,
        "gone" => Expected::Gone,
        "without-picture" => Expected::Degrade(Degradation::NoImage),
        "without-markup" => Expected::Degrade(Degradation::NoMarkup),
        "shorter" => Expected::Degrade(Degradation::Shorter),
        _ => {
            let all =
                "`delivered`, `retry`, `final`, `gone`, `without-picture`, `without-markup` or `shorter`";
            table.fault("outcome", format!("the outcome is {all}"));
            return None;
        }
    };
    let status = table.whole("status").and_then(|status| u16::try_from(status).ok());
    if status.is_none() || table.text("name").is_none() {
        table.fault("", "an answer needs `name`, `status` and `outcome`".to_owned());
    }
    let headers: Vec<_> =
        table.pairs("headers").into_iter().map(|(name, text)| (kept_text(name), kept_text(text))).collect();
    let says: Vec<_> = table.texts("says").into_iter().map(kept_text).collect();
    let body = table.raw("body").and_then(Value::as_str).unwrap_or_default();
    let meaning = table.text("meaning").unwrap_or_default();
    let answer =
        response(kept_text(table.text("name")?), status?, kept_text(body), kept_text(meaning), outcome);
    Some(answer.with(headers.leak()).says(says.leak()))
}
