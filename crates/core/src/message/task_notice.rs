//! The card of a task: what came of it, what it was asked for, and how far its queue is.

use super::context::Context;
use super::fields::{add_fields, measured};
use super::filters;
use super::notice::{
    DEFAULT_QUEUE, MAX_FACT_CHARS, Notice, Tone, WorkProgress, count, error_text, scalar, seconds, text,
    usual_time,
};
use super::strings::Strings;
use super::strings::fill;
use super::swarmui::tags::model_name;
use super::words::CardWords;
use crate::event::whole_number;
use serde_json::{Map, Value as Json};

const MAX_NAME_CHARS: usize = 120;

const MAX_METRICS: usize = 4;
const MAX_TRAINING_METRICS: usize = 8;

/// The characters of a prompt; no chat shows more.
const MAX_QUOTE_CHARS: usize = 2000;

/// The characters and lines of a traceback, its last ones.
const MAX_DETAILS_CHARS: usize = 3000;
const MAX_DETAILS_LINES: usize = 40;

/// The names of a parameter in hosts, without case and punctuation.
const PROMPT: &[&str] = &["prompt", "positiveprompt", "positive", "text"];
const SEED: &[&str] = &["seed", "noiseseed"];
const SIZE: &[&str] = &["size", "resolution"];
const STEPS: &[&str] = &["steps", "numinferencesteps", "samplingsteps"];
const CFG: &[&str] = &["cfgscale", "cfg", "guidancescale", "guidance"];
const MODEL: &[&str] =
    &["model", "modelname", "sdmodelname", "sdmodelcheckpoint", "checkpoint", "ckptname", "unetname"];
const LORAS: &[&str] = &["loras", "lora", "loraname"];

pub(super) fn task(context: &Context, words: &CardWords) -> Notice {
    let (tone, what) = match context.text_at(&["task", "status"]) {
        Some("error") => (Tone::Bad, words.task_failed),
        Some("cancelled") => (Tone::Neutral, words.task_cancelled),
        _ => (Tone::Good, words.task_done),
    };
    let is_training = context.text_at(&["task", "kind"]) == Some("training");
    let what = if is_training { fill(what, &[("Task", words.training)]) } else { words.say(what, &[]) };
    let name = text(context, &["task", "name"]).or_else(|| text(context, &["task", "id"]));
    let named =
        |name: String| fill(words.named, &[("what", &what), ("name", &filters::clip(&name, MAX_NAME_CHARS))]);
    let title = name.map_or_else(|| what.clone(), named);
    let took = seconds(context, &["task", "duration_s"], words);
    let title = match took.filter(|_| tone == Tone::Good) {
        Some(time) => fill(words.took, &[("title", &title), ("time", &time)]),
        None => title,
    };
    let mut notice = Notice::new(tone, title);
    if let Some(error) = context.at(&["task", "error"]).filter(|_| tone == Tone::Bad) {
        (notice.text, notice.details) = reason(error);
        let kind = text(context, &["task", "error", "type"]);
        let is_said = |kind: &String| notice.text.as_ref().is_some_and(|text| text.contains(kind.as_str()));
        notice.fact(words.error, kind.filter(|kind| !is_said(kind)));
    }
    if is_training {
        metrics(&mut notice, context, MAX_TRAINING_METRICS, words);
    }
    notice.fact(words.duration, usual_time(context, "task", words));
    parameters(&mut notice, context, words);
    let kind = text(context, &["task", "kind"]);
    notice.fact(words.kind, kind.filter(|kind| !is_training && kind != "image"));
    notice.fact(words.user, text(context, &["task", "user"]));
    let queue = text(context, &["task", "queue"]).filter(|queue| queue != DEFAULT_QUEUE);
    notice.fact(words.queue, queue);
    notice.fact(words.batch, text(context, &["task", "batch", "id"]));
    notice.progress = progress(context);
    if notice.progress.is_none() {
        notice.fact(words.remaining, count(context, &["task", "queue_remaining"], words));
    }
    if !is_training {
        metrics(&mut notice, context, MAX_METRICS, words);
    }
    notice.outputs(context.at(&["task", "outputs"]), context, words);
    notice.link_to_host(context, words);
    notice
}

/// The place of the task in its batch, else in its queue, where the host tells it.
fn progress(context: &Context) -> Option<WorkProgress> {
    let number = |path: &[&str]| context.at(path).and_then(whole_number);
    let of_batch = || {
        let total = number(&["task", "batch", "total"])?;
        let done = ["index", "number"].iter().find_map(|key| number(&["task", "batch", key]))?;
        (done <= total).then_some((done, total))
    };
    let of_queue = || {
        let remaining = number(&["task", "queue_remaining"])?;
        let done = number(&["queue", "total"])?;
        Some((done, done.checked_add(remaining)?))
    };
    let (done, total) = of_batch().or_else(of_queue)?;
    Some(WorkProgress { done, total: Some(total) })
}

/// Why it failed in a line, and the traceback.
pub(super) fn reason(error: &Json) -> (Option<String>, Option<String>) {
    let message = error_text(error);
    let trace = ["traceback", "stack_trace", "stack"].iter().find_map(|key| match error.get(key)? {
        Json::Array(lines) => {
            let lines = lines.iter().filter_map(Json::as_str).map(|line| line.trim_end_matches(['\r', '\n']));
            Some(lines.collect::<Vec<_>>().join("\n"))
        }
        other => scalar(other),
    });
    let Some(message) = message else { return (None, trace.as_deref().and_then(last_lines)) };
    let mut lines = message.lines().filter(|line| !line.trim().is_empty());
    // Python ends with the reason, and others begin with it.
    let first = match lines.next().map(str::trim) {
        Some(first) if first.starts_with("Traceback ") => lines.next_back().map_or(first, str::trim),
        Some(first) => first,
        None => return (Some(message), trace.as_deref().and_then(last_lines)),
    };
    let is_long = first.len() < message.trim().len();
    let details = trace.as_deref().or(Some(message.as_str()).filter(|_| is_long));
    (Some(first.to_owned()), details.and_then(last_lines))
}

/// The end of a long text, in whole lines.
fn last_lines(text: &str) -> Option<String> {
    let text = text.trim_end();
    let mut kept: Vec<&str> = Vec::new();
    let mut left = MAX_DETAILS_CHARS;
    for line in text.lines().rev().take(MAX_DETAILS_LINES) {
        let length = line.chars().count() + 1;
        if length > left {
            break;
        }
        left -= length;
        kept.push(line);
    }
    if kept.is_empty() {
        kept.extend(text.lines().next_back());
    }
    kept.reverse();
    let all = kept.len() == text.lines().count();
    let shown = filters::clip(&kept.join("\n"), MAX_DETAILS_CHARS);
    (!shown.trim().is_empty()).then(|| if all { shown } else { format!("…\n{shown}") })
}

/// What an image was asked for, in the names of SwarmUI, ComfyUI, A1111 and their like.
fn parameters(notice: &mut Notice, context: &Context, words: &Strings) {
    let Some(params) = context.at(&["task", "params"]).and_then(Json::as_object) else { return };
    let find = |names: &[&str]| {
        let of_name = |name: &&str| params.iter().find(|(key, _)| clean(key) == **name);
        names.iter().find_map(of_name).map(|(_, value)| value)
    };
    let number = |names: &[&str]| find(names).and_then(|value| measured(names[0], value, words));
    let prompt = find(PROMPT).and_then(Json::as_str).map(str::trim).filter(|prompt| !prompt.is_empty());
    notice.quote = prompt.map(|prompt| filters::clip(prompt, MAX_QUOTE_CHARS));
    notice.fact(words.seed, find(SEED).and_then(scalar));
    let side = |name| find(&[name]).and_then(scalar);
    let size = side("width").zip(side("height")).map(|(width, height)| format!("{width} × {height}"));
    notice.fact(words.size, size.or_else(|| find(SIZE).and_then(scalar)));
    notice.fact(words.steps, number(STEPS));
    notice.fact("CFG", number(CFG));
    notice.fact(words.model, find(MODEL).and_then(scalar).map(|model| model_name(&model)));
    notice.fact("LoRA", find(LORAS).and_then(|loras| lora_names(loras, params, words)));
}

fn clean(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// `film-grain 0.8, detail`: a list of names, of objects with a name and a weight, or names with their weights.
fn lora_names(loras: &Json, params: &Map<String, Json>, words: &Strings) -> Option<String> {
    let list = |value: &Json| match value {
        Json::Array(items) => items.clone(),
        Json::String(text) => text.split(',').map(|part| Json::from(part.trim())).collect(),
        other => vec![other.clone()],
    };
    let weights = params.iter().find(|(key, _)| clean(key) == "loraweights");
    let weights = weights.map(|(_, weights)| list(weights)).unwrap_or_default();
    let named: Vec<(String, Option<String>)> = match loras {
        Json::Object(fields) if !fields.contains_key("name") => {
            fields.iter().map(|(name, weight)| (name.clone(), scalar(weight))).collect()
        }
        loras => {
            let read = |(index, lora): (usize, Json)| {
                let field = |names: &[&str]| names.iter().find_map(|name| lora.get(name).and_then(scalar));
                let name = scalar(&lora).or_else(|| field(&["name", "model", "lora"]))?;
                let weight = field(&["weight", "strength", "strength_model"]);
                Some((name, weight.or_else(|| weights.get(index).and_then(scalar))))
            };
            list(loras).into_iter().enumerate().filter_map(read).collect()
        }
    };
    let shown = named.into_iter().filter(|(name, _)| !name.is_empty()).map(|(name, weight)| {
        let name = model_name(&name);
        weight.filter(|weight| weight != "1").map_or(name.clone(), |weight| format!("{name} {weight}"))
    });
    Some(shown.collect::<Vec<_>>().join(words.list))
}

/// The first metrics, a loss before the others.
fn metrics(notice: &mut Notice, context: &Context, most: usize, words: &Strings) {
    let Some(metrics) = context.at(&["task", "metrics"]).and_then(Json::as_object) else { return };
    let mut sorted: Vec<(&str, &Json)> = metrics.iter().map(|(key, value)| (key.as_str(), value)).collect();
    sorted.sort_by_key(|(key, _)| !key.to_lowercase().contains("loss"));
    let most = notice.facts.len() + most;
    add_fields(notice, &mut sorted.into_iter(), most, true, words);
    for fact in &mut notice.facts {
        fact.value = filters::clip(&fact.value, MAX_FACT_CHARS);
    }
}
