//! What an answer means by conditions that somebody wrote: `ok_when`, `retry_when` and `gone_when`.

use super::{Answer, Outcome};
use crate::json::json;
use crate::message::{Condition, ConditionResult, Context};
use serde_json::Map;

/// The names that such a condition reads.
pub const ANSWER_NAMES: [&str; 4] = ["status", "headers", "json", "text"];

/// The bytes of a body that is no JSON, for `text`.
const TEXT: usize = 4096;

/// The conditions over an answer. Where none of them says what it means, the platform does.
#[derive(Debug, Default)]
pub struct AnswerRules {
    /// The receiver has the message, and only then.
    pub ok: Option<Condition>,
    /// Another attempt by the schedule.
    pub retry: Option<Condition>,
    /// The endpoint is dead.
    pub gone: Option<Condition>,
}

impl AnswerRules {
    /// What an answer means; `None` where the conditions say nothing about it.
    pub fn outcome(&self, answer: &Answer) -> Option<Outcome> {
        if self.ok.is_none() && self.retry.is_none() && self.gone.is_none() {
            return None;
        }
        let context = context(answer);
        if let Some(stop) = self.stop_in(answer.status, &context) {
            return Some(stop);
        }
        match self.ok.as_ref()?.holds(&context) {
            ConditionResult::True => Some(Outcome::Delivered),
            _ if (200..=299).contains(&answer.status) => Some(Outcome::Retry(format!(
                "answered {}, but `ok_when` does not hold: {:.300}",
                answer.status,
                self.account(&context)
            ))),
            _ => None,
        }
    }

    /// That the endpoint is dead, or that another attempt is wanted; `None` where neither condition holds.
    pub fn stop(&self, answer: &Answer) -> Option<Outcome> {
        if self.retry.is_none() && self.gone.is_none() {
            None
        } else {
            self.stop_in(answer.status, &context(answer))
        }
    }

    fn stop_in(&self, status: u16, context: &Context) -> Option<Outcome> {
        let holds = |rule: &Option<Condition>| rule.as_ref().map(|rule| rule.holds(context));
        let because = |name: &str, rule: &Option<Condition>| {
            let account = rule.as_ref().map(|rule| rule.account(context)).unwrap_or_default();
            format!("answered {status}: `{name}`: {account:.300}")
        };
        if holds(&self.gone) == Some(ConditionResult::True) {
            return Some(Outcome::Gone(because("gone_when", &self.gone)));
        }
        // What cannot be read is no reason to give a message up, and no success.
        if matches!(holds(&self.retry), Some(ConditionResult::True | ConditionResult::Broken(_))) {
            return Some(Outcome::Retry(because("retry_when", &self.retry)));
        }
        None
    }

    fn account(&self, context: &Context) -> String {
        self.ok.as_ref().map(|rule| rule.account(context)).unwrap_or_default()
    }
}

/// The answer as a condition reads it. The name of a header has `_` for `-`.
fn context(answer: &Answer) -> Context {
    let headers = answer.headers.iter().map(|(name, value)| (name.replace('-', "_"), json!(value)));
    let text = String::from_utf8_lossy(answer.body.get(..TEXT).unwrap_or(&answer.body)).into_owned();
    let mut names = json!({"status": answer.status, "headers": headers.collect::<Map<_, _>>(), "text": text});
    if let Some(json) = answer.json() {
        names["json"] = json;
    }
    // An answer without JSON has no `json`, so that a comparison with it is false.
    debug_assert!(
        names.as_object().is_some_and(|names| names.keys().all(|name| ANSWER_NAMES.contains(&name.as_str())))
    );
    Context::new(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(ok: &str, retry: &str, gone: &str) -> AnswerRules {
        let rule = |text: &str| (!text.is_empty()).then(|| Condition::compile(text).unwrap());
        AnswerRules { ok: rule(ok), retry: rule(retry), gone: rule(gone) }
    }

    fn said(rules: &AnswerRules, status: u16, body: &str) -> String {
        let headers = vec![("x-state".to_owned(), "full".to_owned())];
        let answer = Answer { status, headers, body: body.as_bytes().to_vec(), truncated: false };
        rules.outcome(&answer).map_or("as ever".to_owned(), |outcome| format!("{outcome:?}"))
    }

    #[test]
    fn conditions_decide_what_an_answer_means_and_leave_the_rest_to_the_platform() {
        let all = rules(
            "json.ok == true",
            "headers.x_state == 'busy' or json.code == 7",
            "json.code == 9 or status == 404",
        );
        for (status, body, outcome) in [
            (200, r#"{"ok": true}"#, "Delivered"),
            (
                200,
                r#"{"ok": false}"#,
                "Retry(\"answered 200, but `ok_when` does not hold: `json.ok == true` where json.ok is false\")",
            ),
            (
                200,
                "",
                "Retry(\"answered 200, but `ok_when` does not hold: `json.ok == true` where json.ok is undefined\")",
            ),
            (
                200,
                r#"{"ok": true, "code": 7}"#,
                "Retry(\"answered 200: `retry_when`: `json.code == 7` where json.code is 7\")",
            ),
            (
                200,
                r#"{"ok": true, "code": 9}"#,
                "Gone(\"answered 200: `gone_when`: `json.code == 9` where json.code is 9\")",
            ),
            (404, "<html>", "Gone(\"answered 404: `gone_when`: `status == 404` where status is 404\")"),
            (500, "", "as ever"),
        ] {
            assert_eq!(said(&all, status, body), outcome, "{status} {body}");
        }
        assert_eq!(said(&rules("text == 'ok'", "", ""), 200, "ok"), "Delivered");
        assert_eq!(said(&rules("", "", ""), 200, ""), "as ever");
        assert_eq!(said(&rules("", "json.busy", ""), 200, "{}"), "as ever");
    }

    #[test]
    fn a_condition_that_cannot_be_read_is_no_success_and_ends_nothing() {
        let body = r#"{"n": "x"}"#;
        assert!(said(&rules("json.n > 5", "", ""), 200, body).starts_with("Retry"));
        assert!(said(&rules("", "json.n > 5", ""), 200, body).starts_with("Retry"));
        assert_eq!(said(&rules("", "", "json.n > 5"), 200, body), "as ever");
    }
}
