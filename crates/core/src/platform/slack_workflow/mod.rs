//! `slack-workflow`: a workflow of Slack's Workflow Builder that starts from a webhook. It takes a flat
//! object of texts, which the workflow's author declares as variables and places as he likes.

mod canned_responses;
mod rules;

pub(super) use rules::refuses;

use super::content::{bar, last_lines};
use super::escape::is_structure;
use super::known_address::CUT;
use super::limits::{Unit, fit};
use super::slack::{PACE, PLAIN_TEXT, block, code, is_slack};
use super::{
    Answer, Description, Example, Outcome, Platform, Target, event_kind, links, origin, outcome, path_parts,
};
use crate::json::json;
use crate::message::{Context, Fact, Notice, Strings};
use serde_json::Value;
use url::Url;

const VARIABLE: usize = 2000;

pub(super) struct SlackWorkflow;

static DESCRIPTION: Description = Description {
    name: "slack-workflow",
    rates: PACE,
    coalesces: false,
    markup: Some(|spot| {
        let is_text = !is_structure(spot.name()) && !matches!(spot.name(), "event" | "tone");
        is_text.then_some(&PLAIN_TEXT)
    }),
    responses: canned_responses::RESPONSES,
    faults: rules::faults,
    example: Example { target: "/triggers/T000/1/KEY", options: &[] },
    ..Description::BASE
};

impl Platform for SlackWorkflow {
    fn description(&self) -> &Description {
        &DESCRIPTION
    }

    fn recognises(&self, url: &Url) -> bool {
        is_slack(url) && matches!(path_parts(url).first(), Some(&("triggers" | "workflows")))
    }

    fn missing_end(&self, url: &Url) -> Option<String> {
        let parts = path_parts(url);
        let whole = if parts.first() == Some(&"workflows") { 5 } else { 4 };
        (parts.len() < whole).then(|| format!("after `/{}/` come {} parts", parts[0], whole - 1))
    }

    fn odd_url(&self, url: &Url) -> Option<&'static str> {
        let key = path_parts(url).last().copied().unwrap_or_default();
        let is_hex = key.bytes().all(|b| b.is_ascii_hexdigit());
        (is_hex && (25..32).contains(&key.len())).then_some(CUT)
    }

    /// The variables `event`, `tone`, `title`, `facts`, `failures`, `text`, `link` and `origin`; all texts, and
    /// all there each time, since a workflow refuses to start without a variable it declares.
    fn layout(&self, notice: &Notice, context: &Context, _target: &Target) -> Value {
        card(notice, context)
    }

    fn took(&self, answer: &Answer) -> Result<(), &'static str> {
        let is_denied = answer.json().is_some_and(|json| json.get("ok") == Some(&Value::Bool(false)));
        if answer.status == 200 && !is_denied && !answer.is_page() { Ok(()) } else { Err("not started") }
    }

    fn code(&self, answer: &Answer) -> Option<String> {
        code(answer)
    }

    fn unknown(&self, answer: &Answer, is_coded: bool, reason: String) -> Outcome {
        match answer.status {
            // What the workflow does not take now it never takes.
            _ if code(answer).is_some_and(|code| code.starts_with("`invalid")) => Outcome::Final(reason),
            400 => answer.refused(reason),
            401..=499 if is_coded => Outcome::Final(reason),
            _ => Outcome::Retry(reason),
        }
    }
}

pub(super) fn card(notice: &Notice, context: &Context) -> Value {
    let variable = |text: &str| fit(text, VARIABLE, Unit::Bytes, block);
    let words = Strings::of(context);
    let colon = words.colon;
    let facts = notice.facts.iter().map(|Fact { label, value, .. }| format!("{label}{colon}{value}"));
    let facts: Vec<_> = bar(notice).into_iter().chain(facts).collect();
    let failures: Vec<_> = notice.failures.iter().map(|failure| failure.line(words)).collect();
    // The reason or the prompt first, then the end of a traceback.
    let said = [notice.text.clone(), notice.quote.clone()].into_iter().flatten();
    let said = said.chain(notice.details.as_deref().map(|details| {
        let cut = |text: &str, max| fit(text, max, Unit::Bytes, |_| None);
        last_lines(details, VARIABLE / 2, Unit::Bytes, &cut).join("\n")
    }));
    let said = said.filter(|text| !text.trim().is_empty()).collect::<Vec<_>>().join("\n");
    let link = links::followable(notice.link(), VARIABLE);
    json!({
        "event": event_kind(context),
        "tone": outcome(notice.tone),
        "title": variable(&notice.title),
        "text": variable(&said),
        "facts": variable(&facts.join("\n")),
        "failures": variable(&failures.join("\n")),
        "link": link.as_ref().map_or("", Url::as_str),
        "origin": variable(origin(context)),
    })
}

#[cfg(test)]
pub(super) mod tests;
