//! `github`: a `repository_dispatch` event, which starts the workflows of a repository that listen to it, or a
//! `workflow_dispatch` event, which starts one workflow. The URL says which.
//!
//! Sources: docs.github.com, "Create a repository dispatch event", "Create a workflow dispatch event",
//! "on.workflow_dispatch.inputs", and the OpenAPI description. A payload has at most ten members and less than 64 KB,
//! so everything stands below one. Inputs are texts, at most 25 and together 65,535 characters; others than those that
//! the workflow declares are refused. 204 says that the event was taken, not that a workflow listens to it.

mod canned_responses;
mod rules;

pub(super) use rules::refuses;

use super::cut::Markup;
use super::limits::{Unit, fit, flatten};
use super::platform_options::is_token;
use super::{
    Answer, Degradation, Description, Example, MissingValue, Platform, PlatformOption, Rate, RenderedMessage,
    Request, Target, event_kind, outcome, path_parts, trim,
};
use crate::json::json;
use crate::message::{Context, Notice, default_body};
use serde_json::{Map, Value};
use url::Url;

/// Below GitHub's 64 KB with room for the rest.
const PAYLOAD: usize = 60_000;
const MEMBERS: usize = 10;
const INPUTS: usize = 25;
const TEXT: usize = 300;
/// The member, or the input, that holds everything.
const OWN: &str = "taskbell";
/// What may be an input of its own.
const FIELDS: [&str; 8] = ["id", "type", "timestamp", "host", "title", "outcome", "link", "data"];

pub(super) struct GitHub;

static DESCRIPTION: Description = Description {
    name: "github",
    options: &[
        PlatformOption {
            name: "event_type",
            form: "the event type a workflow listens to, 1 to 100 characters",
            accepts: |value| (1..=100).contains(&value.chars().count()),
            required: false,
            secret: false,
            meaning: "For a `repository_dispatch`: the `types` of its `on` that are meant.",
        },
        PlatformOption {
            name: "ref",
            form: "a branch or a tag",
            accepts: |value| !value.trim().is_empty(),
            required: false,
            secret: false,
            meaning: "For a `workflow_dispatch`: the branch or tag whose workflow runs.",
        },
        PlatformOption {
            name: "inputs",
            form: "names of `id`, `type`, `timestamp`, `host`, `title`, `outcome`, `link` and `data`, with commas between",
            accepts: |value| input_names(value).all(|name| FIELDS.contains(&name)),
            required: false,
            secret: false,
            meaning: "For a `workflow_dispatch`: the inputs that the workflow declares; without it one, `taskbell`, with \
                      all of it as JSON.",
        },
        PlatformOption {
            name: "token",
            form: "a token that may write the repository's contents, or its actions for a `workflow_dispatch`",
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
        let is_cloud = host == "api.github.com" || (host.starts_with("api.") && host.ends_with(".ghe.com"));
        let parts = path_parts(url);
        let dispatch = match parts.as_slice() {
            // GitHub Enterprise Server, at any name.
            ["api", "v3", "repos", _, _, dispatch @ ..] => dispatch,
            ["repos", _, _, dispatch @ ..] if is_cloud => dispatch,
            _ => return false,
        };
        matches!(dispatch, ["dispatches"] | ["actions", "workflows", _, "dispatches"])
    }

    fn missing_value(&self, target: &Target) -> Option<MissingValue> {
        let (name, needs) = match is_of_workflow(target.url.expose().path()) {
            true => ("ref", "the branch or tag whose workflow runs"),
            false => ("event_type", "the event type that a workflow listens to"),
        };
        let words = || format!("this key is missing: this URL of `github` needs {needs}");
        target.option(name).is_none().then(|| (name, words()))
    }

    fn odd_value(&self, target: &Target) -> Option<(&'static str, &'static str)> {
        let is_given = |name: &&&str| target.option(name).is_some();
        match is_of_workflow(target.url.expose().path()) {
            true => ["event_type"]
                .iter()
                .find(is_given)
                .map(|name| (*name, "is for a `repository_dispatch` only")),
            false => ["ref", "inputs"]
                .iter()
                .find(is_given)
                .map(|name| (*name, "is for a `workflow_dispatch` only")),
        }
    }

    fn layout(&self, notice: &Notice, context: &Context, target: &Target) -> Value {
        let own = own_fields(notice, context);
        if !is_of_workflow(target.url.expose().path()) {
            return json!({"client_payload": {OWN: own}});
        }
        let named = |name: &str| {
            Some((name.to_owned(), json!(text_of(&own[FIELDS.iter().find(|field| **field == name)?]))))
        };
        let inputs: Map<String, Value> = match target.option("inputs") {
            Some(names) => input_names(names).filter_map(named).collect(),
            None => [(OWN.to_owned(), json!(own.to_string()))].into_iter().collect(),
        };
        json!({"inputs": inputs})
    }

    /// A template makes the payload or the inputs, unless it names them itself. What GitHub would not take goes
    /// below one member, or is a text.
    fn request<'a>(&self, target: &Target, message: &RenderedMessage<'a>) -> Request<'a> {
        let mut request = self.base_request(target, message);
        if let Some(body) = message.json() {
            let (name, option, holder) = match is_of_workflow(request.url.path()) {
                true => ("ref", "main", "inputs"),
                false => ("event_type", OWN, "client_payload"),
            };
            let mut dispatch = match body {
                Value::Object(fields) if fields.contains_key(holder) => Value::Object(fields),
                other => json!({holder: other}),
            };
            let held = &mut dispatch[holder];
            let most = if holder == "inputs" { INPUTS } else { MEMBERS };
            if held.as_object().is_none_or(|fields| fields.len() > most) {
                *held = json!({OWN: held.take()});
            }
            if holder == "inputs" {
                held.as_object_mut()
                    .into_iter()
                    .flatten()
                    .for_each(|(_, input)| *input = json!(text_of(input)));
            }
            if dispatch[name].as_str().is_none_or(str::is_empty) {
                dispatch[name] = json!(target.option(name).unwrap_or(option));
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
        if let Some(own) = plain.pointer_mut("/client_payload/taskbell") {
            own.as_object_mut()?.remove("data");
        } else if let Some(text) = plain.pointer_mut("/inputs/taskbell") {
            let mut own = serde_json::from_str::<Value>(text.as_str()?).ok()?;
            own.as_object_mut()?.remove("data");
            *text = json!(own.to_string());
        } else {
            *plain.pointer_mut("/inputs/data")? = json!("");
        }
        (how == Degradation::Shorter && plain != *body).then_some(plain)
    }

    fn trim(&self, body: &mut Value) {
        trim::cut(body, &["event_type"], 100, Unit::CodePoints);
        trim::squeeze(body, PAYLOAD, Markup::Fences);
    }

    fn took(&self, answer: &Answer) -> Result<(), &'static str> {
        // A newer version of the API names the run that it started.
        let names_run = || answer.json().is_some_and(|json| json["workflow_run_id"].as_u64().is_some());
        let is_taken = answer.status == 204 || answer.status == 200 && names_run();
        if is_taken { Ok(()) } else { Err("not 204 as GitHub does") }
    }
}

/// Whether a path starts one workflow: `/repos/OWNER/NAME/actions/workflows/ID/dispatches`.
fn is_of_workflow(path: &str) -> bool {
    let path = path.split('?').next().unwrap_or_default().trim_end_matches('/');
    path.ends_with("/dispatches") && path.contains("/actions/workflows/")
}

fn input_names(value: &str) -> impl Iterator<Item = &str> {
    value.split(',').map(str::trim)
}

/// An input is a text; nothing is an empty one.
fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn own_fields(notice: &Notice, context: &Context) -> Value {
    let cut = |text: &str| fit(text, TEXT, Unit::CodePoints, flatten);
    let mut taskbell = json!({
        "id": context.at(&["event", "id"]),
        "type": cut(event_kind(context)),
        "timestamp": context.at(&["event", "timestamp"]),
        "host": cut(context.text_at(&["host", "name"]).unwrap_or_default()),
        "title": cut(&notice.title),
        "outcome": outcome(notice.tone),
        "link": notice.link().filter(|link| link.len() <= 2000),
    });
    let data = default_body(event_kind(context), context)["data"].take();
    taskbell["data"] = data;
    // As an input it is a text in JSON, where each quotation mark has two characters.
    if json!(taskbell.to_string()).to_string().len() > PAYLOAD {
        taskbell["data"] = Value::Null;
        taskbell["truncated"] = json!(true);
    }
    taskbell
}

#[cfg(test)]
pub(super) mod tests;
