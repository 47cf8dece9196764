//! `gitlab`: a pipeline trigger. What is told stands in variables of the pipeline.
//!
//! Source: docs.gitlab.com/ci/triggers. A trigger token is no personal one, and travels in the form, which stands in
//! no access log. A trigger is not idempotent: `TASKBELL_ID` tells a pipeline that it ran before.

mod canned_responses;
mod rules;

pub(super) use rules::refuses;

use super::limits::{Unit, fit, flatten};
use super::platform_options::is_token;
use super::{
    Answer, Degradation, Description, Example, Platform, PlatformOption, Rate, RenderedMessage, Request,
    Target, event_kind, outcome,
};
use crate::json::{Members, json};
use crate::message::{Context, Notice, default_body};
use serde_json::{Map, Value};
use std::borrow::Cow;
use url::Url;
use url::form_urlencoded::Serializer;

/// A variable is also one of the environment of a process, which has no room for much.
const PAYLOAD: usize = 20_000;
const VARIABLE: usize = 4000;
const VARIABLES: usize = 100;

pub(super) struct GitLab;

static DESCRIPTION: Description = Description {
    name: "gitlab",
    options: &[
        PlatformOption {
            name: "ref",
            form: "a branch or a tag",
            accepts: |value| !value.trim().is_empty() && value.len() <= 255,
            required: true,
            secret: false,
            meaning: "The branch or tag whose pipeline starts.",
        },
        PlatformOption {
            name: "token",
            form: "a pipeline trigger token",
            accepts: is_token,
            required: true,
            secret: true,
            meaning: "The project's trigger token.",
        },
    ],
    // One commit, project and user may create 25 pipelines a minute by default.
    rates: &[Rate::new(20, 60_000)],
    coalesces: false,
    responses: canned_responses::RESPONSES,
    faults: rules::faults,
    example: Example {
        target: "/api/v4/projects/42/trigger/pipeline",
        options: &[("token", "glptt-0123456789"), ("ref", "main")],
    },
    ..Description::BASE
};

impl Platform for GitLab {
    fn description(&self) -> &Description {
        &DESCRIPTION
    }

    fn recognises(&self, url: &Url) -> bool {
        let parts: Vec<_> = url.path().trim_end_matches('/').rsplit('/').take(6).collect();
        matches!(parts.as_slice(), ["pipeline", "trigger", _, "projects", "v4", "api"])
    }

    fn layout(&self, notice: &Notice, context: &Context, _target: &Target) -> Value {
        card(notice, context)
    }

    /// A template makes the variables: a table of names and values.
    fn request<'a>(&self, target: &Target, message: &RenderedMessage<'a>) -> Request<'a> {
        let mut request = self.base_request(target, message);
        let mut form = Serializer::new(String::new());
        form.append_pair("token", target.option("token").unwrap_or_default());
        form.append_pair("ref", target.option("ref").unwrap_or_default());
        if let Some(Value::Object(body)) = message.json() {
            let variables = match body.get("variables") {
                Some(Value::Object(variables)) => variables,
                _ => &body,
            };
            for (name, value) in variables {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                form.append_pair(&format!("variables[{name}]"), &text);
            }
        }
        request.content_type = Cow::Borrowed("application/x-www-form-urlencoded");
        request.body = Cow::Owned(form.finish().into_bytes());
        request
    }

    fn degrade(&self, body: &Value, how: Degradation) -> Option<Value> {
        let mut plain = body.clone();
        plain.get_mut("variables")?.as_object_mut()?.remove("TASKBELL_PAYLOAD");
        (how == Degradation::Shorter && plain != *body).then_some(plain)
    }

    fn took(&self, answer: &Answer) -> Result<(), &'static str> {
        let is_pipeline = || answer.json().is_some_and(|json| json["id"].is_number());
        if answer.status == 201 && is_pipeline() { Ok(()) } else { Err("not as GitLab does: no pipeline") }
    }
}

pub(super) fn card(notice: &Notice, context: &Context) -> Value {
    let mut variables = Map::new();
    let mut put = |name: &str, value: &str| {
        let value = fit(value, VARIABLE, Unit::Bytes, flatten);
        if !value.is_empty() {
            variables.insert(format!("TASKBELL_{name}"), json!(value));
        }
    };
    put("ID", context.text_at(&["event", "id"]).unwrap_or_default());
    put("EVENT", event_kind(context));
    put("HOST", context.text_at(&["host", "name"]).unwrap_or_default());
    put("TITLE", &notice.title);
    put("OUTCOME", outcome(notice.tone));
    put("LINK", notice.link().unwrap_or_default());
    for (name, path) in [
        ("TASK_ID", ["task", "id"]),
        ("TASK_NAME", ["task", "name"]),
        ("TASK_KIND", ["task", "kind"]),
        ("TASK_STATUS", ["task", "status"]),
        ("QUEUE", ["queue", "name"]),
        ("BATCH", ["batch", "id"]),
        ("ALERT", ["alert", "name"]),
    ] {
        put(name, context.text_at(&path).unwrap_or_default());
    }
    let payload = default_body(event_kind(context), context)["data"].to_string();
    if payload.len() <= PAYLOAD {
        variables.put("TASKBELL_PAYLOAD", json!(payload));
    }
    debug_assert!(variables.len() <= VARIABLES);
    json!({"variables": variables})
}

#[cfg(test)]
pub(super) mod tests;
