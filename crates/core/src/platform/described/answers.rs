//! The answers that a description documents, and how any answer is read by them and by its conditions.

use super::super::canned_response::response;
use super::super::{
    Answer, AnswerRules, CannedResponse, Degradation, Description, Expected, Outcome, Platform, Target,
};
use super::table::{Table, is_header_name, is_header_text};
use crate::message::{Context, Notice};
use serde_json::Value;

/// The longest wait that an answer may name: a week.
const LONGEST_WAIT_S: usize = 7 * 24 * 3600;

/// One entry of `answers`.
pub(super) struct DocumentedAnswer<'t> {
    pub name: &'t str,
    status: u16,
    headers: Vec<(&'t str, &'t str)>,
    body: &'t str,
    meaning: &'t str,
    expected: Expected,
    says: Vec<&'t str>,
}

impl DocumentedAnswer<'_> {
    pub fn response(&self) -> CannedResponse<'_> {
        response(self.name, self.status, self.body, self.meaning, self.expected)
            .with(&self.headers)
            .says(&self.says)
    }
}

/// What says how an answer is read.
pub(super) struct AnswerParts<'t> {
    pub documented: Vec<DocumentedAnswer<'t>>,
    rules: AnswerRules,
    /// Where an answer has the platform's own code.
    code: Option<Vec<&'t str>>,
}

impl<'t> AnswerParts<'t> {
    pub fn read(root: &Table<'t>) -> AnswerParts<'t> {
        let documented: Vec<_> = root.list("answers").iter().filter_map(read_answer).collect();
        for (index, answer) in documented.iter().enumerate() {
            if documented[..index].iter().any(|other| other.name == answer.name) {
                root.fault(&format!("answers[{index}].name"), "another answer has this name".to_owned());
            }
        }
        let code = root.text("code").map(|path| {
            if path.split('.').next() != Some("json") || path.split('.').any(str::is_empty) {
                root.fault("code", "expected a place in the answer, such as `json.code`".to_owned());
            }
            path.split('.').skip(1).collect()
        });
        let rules = AnswerRules {
            ok: root.condition("ok_when"),
            retry: root.condition("retry_when"),
            gone: root.condition("gone_when"),
        };
        AnswerParts { documented, rules, code }
    }

    /// Every answer is read as the description says.
    pub fn judge(&self, root: &Table<'t>) {
        let reader = AnswerReader { parts: self, responses: self.responses() };
        if reader.responses.first().is_some_and(|first| first.expected != Expected::Delivered) {
            root.fault("answers", "the first answer is the success".to_owned());
        }
        for (index, answer) in reader.responses.iter().enumerate() {
            let dynamic: &dyn Platform = &reader;
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

    pub fn responses(&self) -> Vec<CannedResponse<'_>> {
        self.documented.iter().map(DocumentedAnswer::response).collect()
    }

    pub fn took(&self, answer: &Answer) -> Result<(), &'static str> {
        match self.rules.outcome(answer) {
            Some(Outcome::Delivered) => Ok(()),
            None if (200..=299).contains(&answer.status) && self.rules.ok.is_none() => Ok(()),
            _ => Err("not as its description says"),
        }
    }

    pub fn code(&self, answer: &Answer) -> Option<String> {
        let json = answer.json()?;
        let found = self.code.as_ref()?.iter().try_fold(&json, |json, step| json.get(*step))?;
        match found {
            Value::String(code) if !code.is_empty() => Some(format!("`{code}`")),
            Value::Number(code) => Some(format!("code {code}")),
            _ => None,
        }
    }

    pub fn asked(&self, answer: &Answer) -> Option<Outcome> {
        self.rules.stop(answer)
    }

    pub fn unknown(answer: &Answer, is_coded: bool, reason: String) -> Outcome {
        match answer.status {
            _ if answer.is_page() => Outcome::Retry(reason),
            401 | 403 | 404 | 405 => Outcome::Final(reason),
            _ if is_coded => answer.refused_or_again(reason),
            _ => Outcome::Retry(reason),
        }
    }
}

/// A platform as far as its answers go.
struct AnswerReader<'p> {
    parts: &'p AnswerParts<'p>,
    responses: Vec<CannedResponse<'p>>,
}

impl Platform for AnswerReader<'_> {
    fn description(&self) -> &Description {
        static BASE: Description = Description::BASE;
        &BASE
    }

    fn layout(&self, _notice: &Notice, _context: &Context, _target: &Target) -> Value {
        Value::Null
    }

    fn responses(&self) -> &[CannedResponse<'_>] {
        &self.responses
    }

    fn took(&self, answer: &Answer) -> Result<(), &'static str> {
        self.parts.took(answer)
    }

    fn code(&self, answer: &Answer) -> Option<String> {
        self.parts.code(answer)
    }

    fn asked(&self, answer: &Answer) -> Option<Outcome> {
        self.parts.asked(answer)
    }

    fn unknown(&self, answer: &Answer, is_coded: bool, reason: String) -> Outcome {
        AnswerParts::unknown(answer, is_coded, reason)
    }
}

fn read_answer<'t>(table: &Table<'t>) -> Option<DocumentedAnswer<'t>> {
    table.only(&["name", "status", "headers", "body", "meaning", "outcome", "wait_s", "says"]);
    let wait = table.size("wait_s", LONGEST_WAIT_S);
    if table.raw("outcome").is_none() {
        table.fault("", "an answer needs `name`, `status` (100 to 599) and `outcome`".to_owned());
    }
    let expected = match (table.text("outcome")?, wait) {
        ("delivered", _) => Expected::Delivered,
        ("retry", Some(wait)) => Expected::RetryAfter(wait as u128 * 1000),
        ("retry", None) => Expected::Retry,
        ("final", _) => Expected::Final,
        ("gone", _) => Expected::Gone,
        ("without-picture", _) => Expected::Degrade(Degradation::NoImage),
        ("without-markup", _) => Expected::Degrade(Degradation::NoMarkup),
        ("shorter", _) => Expected::Degrade(Degradation::Shorter),
        _ => {
            let all =
                "`delivered`, `retry`, `final`, `gone`, `without-picture`, `without-markup` or `shorter`";
            table.fault("outcome", format!("the outcome is {all}"));
            return None;
        }
    };
    if wait.is_some() && !matches!(expected, Expected::RetryAfter(_)) {
        table.fault("wait_s", "only an answer with the outcome `retry` asks for a wait".to_owned());
    }
    let status = table.whole("status").and_then(|status| u16::try_from(status).ok());
    let status = status.filter(|status| (100..=599).contains(status));
    let name = table.text("name");
    if status.is_none() || name.is_none() {
        table.fault("", "an answer needs `name`, `status` (100 to 599) and `outcome`".to_owned());
    }
    let headers = table.pairs("headers");
    for (name, text) in &headers {
        let is_lower = !name.bytes().any(|byte| byte.is_ascii_uppercase());
        if !is_lower || !is_header_name(name) || !is_header_text(text) {
            let words = "expected the name of a header in lower case, with a text of visible ASCII";
            table.fault(&format!("headers.{name}"), words.to_owned());
        }
    }
    Some(DocumentedAnswer {
        name: name?,
        status: status?,
        headers,
        body: table.raw("body").and_then(Value::as_str).unwrap_or_default(),
        meaning: table.text("meaning").unwrap_or_default(),
        expected,
        says: table.texts("says"),
    })
}
