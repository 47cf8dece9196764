//! Platforms that data describes: one interpreter of tables for all of them. The built-in ones are the files of this folder,
//! each with the pages that it is from; a configuration has its own in `[platforms.NAME]`.
//!
//! In Rust stay the platforms that no such table describes: a `slack-workflow` and a `gitlab` pipeline take variables of any name,
//! each of which is escaped and checked; the others have blocks with rules by their kind, signatures in the body or the query,
//! files, edits, or requests of two forms.
//!
//! To add one, write `NAME.toml` here and add it to the list in `builtin`: the tests of all platforms try it by what it says.

mod address;
mod answers;
mod builtin;
mod dialect;
#[cfg(test)]
mod faults;
mod fields;
mod mention_form;
mod parts;
mod plainer;
mod read;
mod table;
#[cfg(test)]
mod tests;
#[cfg(test)]
pub(super) mod tried;

pub(super) use builtin::BUILT_IN;
pub use read::described;
pub use table::DescriptionFault;

use super::escape::Markups;
use super::rules::{BodyFault, FaultKind, Faults, Rule};
use super::{
    Answer, Degradation, Description, MissingValue, Outcome, Platform, PlayedPlatform, ReceivedRequest,
    RenderedMessage, Request, Target, cut, trim,
};
use crate::json::json;
use crate::message::{Context, Notice, RenderError, Template, TemplateError};
use address::{as_part, filled};
use answers::AnswerParts;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use mention_form::MentionForm;
use once_cell::sync::OnceCell;
use parts::{DescriptionParts, MEMBER};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::sync::Mutex;
use url::Url;
use url::form_urlencoded::Serializer;

/// A platform that data describes. It lives as long as the process, as the code of the others does.
pub struct Described {
    /// What it was made of, and what its parts point into.
    source: &'static Value,
    description: Description,
    parts: &'static DescriptionParts<'static>,
    /// Compiled when it is first needed: most hosts need none of them.
    card: OnceCell<Result<Template, TemplateError>>,
    rule: Rule,
}

fn kept<T>(value: T) -> &'static T {
    Box::leak(Box::new(value))
}

/// The URL's path with what stands before the platform's own parts, and the options in these.
struct Found<'u> {
    before: Vec<&'u str>,
    options: Vec<(&'static str, &'u str)>,
}

impl Described {
    fn template(&self) -> Result<&Template, &TemplateError> {
        self.card.get_or_init(|| Template::from_json("body", self.parts.body)).as_ref()
    }

    /// What its template says of an event; `None` where there is no template that can be used.
    fn said(&self, context: &Context, target: &Target) -> Result<Option<Value>, RenderError> {
        let Ok(template) = self.template() else { return Ok(None) };
        let message = template.render_marked(context, &|body| super::escape::finish(self, body))?;
        let body = serde_json::from_slice(&message.body).ok();
        Ok(body.map(|body| self.completed(body, target)))
    }

    /// A body with those whom the endpoint mentions, within what the platform takes.
    fn completed(&self, mut body: Value, target: &Target) -> Value {
        if let Some(mentions) = &self.parts.mentions {
            mentions.write(&target.mentions, &self.parts.fields, &mut body);
        }
        self.trim(&mut body);
        super::rules::repair(self, &mut body);
        body
    }

    fn find<'u>(&self, url: &'u Url) -> Found<'u> {
        let parts = super::path_parts(url);
        let found =
            self.parts.urls.iter().find_map(|pattern| pattern.behind(&parts).filter(|_| !pattern.is_bare()));
        let (before, options) = found.unwrap_or((parts.len(), Vec::new()));
        Found { before: parts.into_iter().take(before).collect(), options }
    }

    fn value(&self, name: &str, target: &Target, event_id: &str) -> Option<String> {
        let of_url = || {
            let found = self.find(target.url.expose()).options;
            let value = found.into_iter().find(|(key, _)| *key == name)?.1;
            Some(percent_encoding::percent_decode_str(value).decode_utf8_lossy().into_owned())
        };
        match name {
            "id" => Some(event_id.to_owned()),
            name => target.option(name).map(str::to_owned).or_else(of_url),
        }
    }

    /// Whether its URL has the option as a parameter of the query.
    fn is_in_query(name: &str, url: &Url) -> bool {
        url.query_pairs().any(|(key, value)| key == name && !value.is_empty())
    }

    fn send_url(&self, target: &Target, event_id: &str) -> Url {
        let configured = target.url.expose();
        let mut url = configured.clone();
        let value = |name: &str| self.value(name, target, event_id);
        if let Some(path) = &self.parts.request.path {
            let own = path
                .iter()
                .map(|part| filled(part, &|name| value(name).map(|text| as_part(&text))).unwrap_or_default());
            let before = self.find(configured).before.into_iter().map(str::to_owned);
            let parts: Vec<String> = before.chain(own).collect();
            url.set_path(&parts.join("/"));
        }
        let has = |name: &str| configured.query_pairs().any(|(key, _)| key == name);
        let added: Vec<(&str, String)> = self
            .parts
            .request
            .query
            .iter()
            .filter(|(name, _)| !has(name))
            .filter_map(|(name, text)| Some((*name, filled(text, &value)?)))
            .collect();
        if !added.is_empty() {
            url.query_pairs_mut().extend_pairs(added);
        }
        url
    }

    /// Why a fake refuses a request: the name of its response.
    fn refuses(&self, request: &ReceivedRequest<'_>) -> Option<&'static str> {
        let [path, credentials, body, _] = self.refusals();
        let form = &self.parts.request;
        let is_own = self.is_own_path(request.path());
        if request.method != self.method() || !is_own {
            return path;
        }
        let has_header =
            |name: &str| request.header(name).is_some_and(|value| !value.trim_end().ends_with("Bearer"));
        let needs = form.headers.iter().filter(|(_, text)| self.is_needed(text));
        let lacks_header = needs.map(|(name, _)| name.as_str()).chain(form.basic.map(|_| "authorization"));
        let mut query = form.query.iter().filter(|(_, text)| self.is_needed(text));
        if lacks_header.into_iter().any(|name| !has_header(name))
            || query.any(|(name, _)| request.parameter(name).is_none())
        {
            return credentials;
        }
        let Some(json) = self.received(request) else { return body };
        let mut members = form.members.iter().filter(|(_, text)| self.is_needed(text));
        if members.any(|(name, _)| json[*name].as_str().is_none_or(str::is_empty)) {
            return credentials;
        }
        super::refusal(self.faults(&json, request.target))
    }

    /// The names of the responses that refuse the path, the credentials, the body, and its length.
    fn refusals(&self) -> [Option<&'static str>; 4] {
        let [path, credentials, body, length] = self.parts.refusals;
        [path.or(Some("404")), credentials.or(Some("401")), body.or(Some("400")), length]
    }

    fn method(&self) -> &'static str {
        if self.parts.request.is_put { "PUT" } else { "POST" }
    }

    fn is_needed(&self, text: &'static str) -> bool {
        address::names(text).any(|name| self.parts.needed().any(|needed| needed == name))
    }

    fn is_own_path(&self, path: &str) -> bool {
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let fits = |own: &[&str]| {
            let start = parts.len().checked_sub(own.len());
            start.is_some_and(|start| {
                own.iter().zip(&parts[start..]).all(|(own, part)| own.contains('{') || own == part)
            })
        };
        match &self.parts.request.path {
            Some(own) => fits(own),
            None => self
                .parts
                .urls
                .first()
                .and_then(|pattern| pattern.behind(&parts))
                .is_some_and(|(before, _)| before == 0),
        }
    }

    /// The body of a request as JSON: a form as an object of texts.
    fn received(&self, request: &ReceivedRequest<'_>) -> Option<Value> {
        if !self.parts.request.is_form {
            return request.json();
        }
        let pairs = url::form_urlencoded::parse(request.body);
        Some(Value::Object(pairs.map(|(name, value)| (name.into_owned(), json!(value))).collect()))
    }
}

impl std::fmt::Debug for Described {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(self.description.name)
    }
}

impl Platform for Described {
    fn description(&self) -> &Description {
        &self.description
    }

    fn recognises(&self, url: &Url) -> bool {
        self.parts.urls.iter().any(|pattern| pattern.recognises(url))
    }

    fn missing_value(&self, target: &Target) -> Option<MissingValue> {
        let url = target.url.expose();
        let is_missing =
            |name: &&str| self.value(name, target, "").is_none() && !Self::is_in_query(name, url);
        let name = self.parts.needed().find(is_missing)?;
        let platform = self.description.name;
        Some((name, format!("this key is missing: `{platform}` needs it, here or in `url`")))
    }

    fn layout(&self, notice: &Notice, context: &Context, target: &Target) -> Value {
        let context = context.saying(notice.to_json(context));
        let said = self.said(&context, target).ok().flatten();
        said.unwrap_or_else(|| self.completed(json!({ "title": notice.title }), target))
    }

    fn try_card(&self, context: &Context, target: &Target) -> Result<Vec<u8>, RenderError> {
        let said = self.said(context, target)?.unwrap_or_else(|| self.card(context, target));
        Ok(crate::json::bytes(&said))
    }

    fn markup_in<'a>(&'a self, body: &Value) -> Option<Box<Markups<'a>>> {
        let fields = self.parts.fields.iter().filter_map(|field| Some((&field.path, field.markup_in(body)?)));
        let fields: Vec<_> = fields.collect();
        Some(Box::new(move |spot| {
            let is_at = |path: &[&str]| path.iter().filter(|name| **name != "*").eq(spot.path.iter());
            fields.iter().find(|(path, _)| is_at(path)).map(|(_, markup)| *markup)
        }))
    }

    fn accepts_mention(&self, mention: &str) -> bool {
        self.parts.mentions.as_ref().is_some_and(|mentions| mentions.accepts(mention))
    }

    fn mentions_somebody(&self, body: &Map<String, Value>) -> bool {
        self.parts.mentions.as_ref().is_some_and(|mentions| mentions.is_in(body))
    }

    fn add_defaults(&self, body: &mut Value) {
        // Without a list, clients look for names in the text.
        if let Some(name) = self.parts.mentions.as_ref().and_then(MentionForm::list)
            && let Some(members) = body.as_object_mut()
        {
            members.entry(name).or_insert_with(|| json!({}));
        }
    }

    fn request<'a>(&self, target: &Target, message: &RenderedMessage<'a>) -> Request<'a> {
        let mut request = message.request_to(self.send_url(target, message.event_id), false);
        let value = |name: &str| self.value(name, target, message.event_id);
        let form = &self.parts.request;
        request.method = self.method();
        let headers =
            form.headers.iter().filter_map(|(name, text)| Some((name.clone(), filled(text, &value)?)));
        request.headers.extend(headers);
        if let Some(user) = form.basic.and_then(|text| filled(text, &value)) {
            request.headers.push(("authorization".to_owned(), format!("Basic {}", STANDARD.encode(user))));
        }
        let Some(Value::Object(mut body)) = message.json() else { return request };
        for (name, text) in &form.members {
            if let Some(text) = filled(text, &value) {
                body.entry(*name).or_insert(json!(text));
            }
        }
        if form.is_form {
            request.content_type = Cow::Borrowed("application/x-www-form-urlencoded");
            request.body = Cow::Owned(encoded(&body).into_bytes());
        } else if !form.members.is_empty() {
            request.set_json(&Value::Object(body));
        }
        request
    }

    fn degrade(&self, body: &Value, how: Degradation) -> Option<Value> {
        self.plainer(body, how)
    }

    fn trim(&self, body: &mut Value) {
        self.parts.fields.iter().for_each(|field| field.trim(body));
        if let Some(whole) = self.parts.max_bytes {
            let members = self.parts.request.members.len() * MEMBER;
            trim::squeeze(body, whole.saturating_sub(members), cut::Markup::Fences);
        }
    }

    fn faults(&self, body: &Value, _url: &str) -> Vec<BodyFault> {
        let mut faults = Faults::of(self.description.name, &self.rule, body);
        if let Some(whole) = self.parts.max_bytes {
            faults.limit("", "bytes", body.to_string().len(), whole);
        }
        let [_, _, refused, length] = self.refusals();
        let mut faults = faults.answered(|_| "");
        for fault in faults.iter_mut().filter(|fault| fault.response.is_some()) {
            fault.response = if fault.kind == FaultKind::TooLong { length.or(refused) } else { refused };
        }
        faults
    }

    fn took(&self, answer: &Answer) -> Result<(), &'static str> {
        self.parts.answers.took(answer)
    }

    fn code(&self, answer: &Answer) -> Option<String> {
        self.parts.answers.code(answer)
    }

    fn asked(&self, answer: &Answer) -> Option<Outcome> {
        self.parts.answers.asked(answer)
    }

    fn unknown(&self, answer: &Answer, is_coded: bool, reason: String) -> Outcome {
        AnswerParts::unknown(answer, is_coded, reason)
    }
}

fn encoded(body: &Map<String, Value>) -> String {
    let mut form = Serializer::new(String::new());
    for (name, value) in body.iter().filter(|(_, value)| !value.is_null()) {
        form.append_pair(name, &value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    }
    form.finish()
}

/// The built-in platform of this name, for a receiver that plays it.
pub(super) fn played(name: &str) -> Option<&'static PlayedPlatform> {
    BUILT_IN.iter().find(|platform| platform.description.name == name).map(|platform| platform.played())
}

impl Described {
    /// It, for a receiver that plays it.
    pub fn played(&'static self) -> &'static PlayedPlatform {
        let platform = self;
        static PLAYED: Mutex<Vec<(usize, &'static PlayedPlatform)>> = Mutex::new(Vec::new());
        let own = std::ptr::from_ref(platform).addr();
        let mut played = PLAYED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some((_, known)) = played.iter().find(|(other, _)| *other == own) {
            return known;
        }
        let fake = kept(PlayedPlatform {
            platform,
            refuses: kept(move |request: &ReceivedRequest<'_>| platform.refuses(request)),
            #[cfg(test)]
            trial: platform,
        });
        played.push((own, fake));
        fake
    }
}
