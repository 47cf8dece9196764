//! `github`: a `repository_dispatch` event, which starts workflows of a repository.
//!
//! Source: docs.github.com, "Create a repository dispatch event", and its OpenAPI description. The payload has at
//! most ten members and less than 64 KB, so everything stands below one. 204 says that the event was
//! taken, not that a workflow listens to it.

mod canned_responses;
mod rules;

pub(super) use rules::refuses;

use super::cut::Markup;
use super::limits::{Unit, fit, flatten};
use super::platform_options::is_token;
use super::{
    Answer, Degradation, Description, Example, Platform, PlatformOption, Rate, RenderedMessage, Request,
    Target, event_kind, outcome, path_parts, trim,
};
use crate::json::json;
use crate::message::{Context, Notice, default_body};
use serde_json::Value;
use url::Url;

/// Below GitHub's 64 KB with room for the rest.
const PAYLOAD: usize = 60_000;
const MEMBERS: usize = 10;
const TEXT: usize = 300;

pub(super) struct GitHub;

static DESCRIPTION: Description = Description {
    name: "github",
    options: &[
        PlatformOption {
            name: "event_type",
            form: "the event type a workflow listens to, 1 to 100 characters",
            accepts: |value| (1..=100).contains(&value.chars().count()),
            required: true,
            secret: false,
            meaning: "The `types` of `on: repository_dispatch` that are meant.",
        },
        PlatformOption {
            name: "token",
            form: "a token that may write the repository's contents",
            accepts: is_token,
            required: true,
            secret: true,
            meaning: "The fine-grained token of the account that starts the workflow.",
        },
    ],
    rates: &[Rate::new(1, 1_000)],
    coalesces: false,
    responses: canned_responses::RESPONSES,
    faults: rules::faults,
    example: Example {
        target: "/repos/example/models/dispatches",
        options: &[("token", "github_pat_0123456789"), ("event_type", "training-done")],
    },
    ..Description::BASE
};

impl Platform for GitHub {
    fn description(&self) -> &Description {
        &DESCRIPTION
    }

    fn recognises(&self, url: &Url) -> bool {
        let host = url.host_str().unwrap_or_default();
        match path_parts(url).as_slice() {
            ["repos", _, _, "dispatches"] => {
                host == "api.github.com" || (host.starts_with("api.") && host.ends_with(".ghe.com"))
            }
            // GitHub Enterprise Server, at any name.
            ["api", "v3", "repos", _, _, "dispatches"] => true,
            _ => false,
        }
    }

    fn layout(&self, notice: &Notice, context: &Context, _target: &Target) -> Value {
        card(notice, context)
    }

    /// A template makes the payload, unless it names `client_payload` itself. What GitHub would not take as
    /// one goes below one member.
    fn request<'a>(&self, target: &Target, message: &RenderedMessage<'a>) -> Request<'a> {
        let mut request = self.base_request(target, message);
        if let Some(body) = message.json() {
            let mut dispatch = match body {
                Value::Object(fields) if fields.contains_key("client_payload") => Value::Object(fields),
                other => json!({"client_payload": other}),
            };
            let payload = &mut dispatch["client_payload"];
            if payload.as_object().is_none_or(|fields| fields.len() > MEMBERS) {
                *payload = json!({"taskbell": payload.take()});
            }
            if dispatch["event_type"].as_str().is_none_or(str::is_empty) {
                dispatch["event_type"] = json!(target.option("event_type").unwrap_or("taskbell"));
            }
            request.set_json(&dispatch);
        }
        let token = target.option("token").unwrap_or_default();
        for (name, value) in [
            ("authorization", format!("Bearer {token}")),
            ("accept", "application/vnd.github+json".to_owned()),
            ("x-github-api-version", "2022-11-28".to_owned()),
        ] {
            request.headers.push((name.to_owned(), value));
        }
        request
    }

    fn degrade(&self, body: &Value, how: Degradation) -> Option<Value> {
        let mut plain = body.clone();
        plain.pointer_mut("/client_payload/taskbell")?.as_object_mut()?.remove("data");
        (how == Degradation::Shorter && plain != *body).then_some(plain)
    }

    fn trim(&self, body: &mut Value) {
        trim::cut(body, &["event_type"], 100, Unit::CodePoints);
        trim::squeeze(body, PAYLOAD, Markup::Fences);
    }

    fn took(&self, answer: &Answer) -> Result<(), &'static str> {
        if answer.status == 204 { Ok(()) } else { Err("not 204 as GitHub does") }
    }
}

pub(super) fn card(notice: &Notice, context: &Context) -> Value {
    let cut = |text: &str| fit(text, TEXT, Unit::CodePoints, flatten);
    let json = context.json();
    let mut taskbell = json!({
        "id": json["event"]["id"],
        "type": cut(event_kind(context)),
        "timestamp": json["event"]["timestamp"],
        "host": cut(context.text_at(&["host", "name"]).unwrap_or_default()),
        "title": cut(&notice.title),
        "outcome": outcome(notice.tone),
        "link": notice.link().filter(|link| link.len() <= 2000),
    });
    let data = default_body(event_kind(context), context)["data"].take();
    taskbell["data"] = data;
    if taskbell.to_string().len() > PAYLOAD {
        taskbell["data"] = Value::Null;
        taskbell["truncated"] = json!(true);
    }
    json!({"client_payload": {"taskbell": taskbell}})
}

#[cfg(test)]
pub(super) mod tests;
