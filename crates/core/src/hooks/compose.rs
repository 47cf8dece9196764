//! Renders the message of an event: from the hook's template, or the platform's own card.

use super::Hook;
use crate::endpoint::{Endpoint, Overflow};
use crate::event::is_picture;
use crate::message::{Context, Drawing, Extras, Message, RenderError, SummaryLine, Template};
use crate::platform::{finish_template, silenced};
use serde_json::Value as Json;
use std::panic::{self, AssertUnwindSafe};

/// The pictures of a contact sheet.
const SHEET: usize = 9;

/// Renders the message of an event for an endpoint, once for all attempts.
///
/// # Errors
/// The place in the template and the reason. A defect of Taskbell (a panic) while rendering is such an error
/// too: it costs this message and nothing else.
pub fn compose(hook: Option<&Hook>, endpoint: &Endpoint, context: &Context) -> Result<Message, RenderError> {
    let compose = || match hook.and_then(|hook| hook.template.as_ref()) {
        Some(template) => render(template, endpoint, context).map(|message| {
            let extras = extras_of(endpoint, context);
            let extras = match template.is_swarmui() {
                true => for_swarmui(extras, message.attach_first_output, endpoint, context),
                false => extras,
            };
            Message { extras, ..message }
        }),
        None => card(hook.and_then(|hook| hook.mentions.as_deref()), endpoint, context),
    };
    let is_silent = hook.and_then(|hook| hook.silences_successes).unwrap_or(endpoint.silences_successes);
    let has_template = hook.is_some_and(|hook| hook.template.is_some());
    let compose = || {
        let message = compose()?;
        let body = match is_silent {
            true => silenced(endpoint.platform, message.body, context, has_template),
            false => message.body,
        };
        Ok(Message { body, ..message })
    };
    panic::catch_unwind(AssertUnwindSafe(compose)).unwrap_or_else(|_| {
        Err(RenderError {
            place: format!("the {} message", endpoint.platform.name()),
            line: None,
            reason: "a defect of Taskbell was caught while this event was rendered; please report it".into(),
        })
    })
}

fn render(template: &Template, endpoint: &Endpoint, context: &Context) -> Result<Message, RenderError> {
    match finish_template(endpoint.platform) {
        Some(finish) => template.render_marked(context, &finish),
        None => template.render(context),
    }
}

fn card(mentions: Option<&[String]>, endpoint: &Endpoint, context: &Context) -> Result<Message, RenderError> {
    let other = mentions.map(|mentions| endpoint.target.mentioning(mentions));
    Ok(Message {
        content_type: "application/json".into(),
        body: endpoint.platform.try_card(context, other.as_ref().unwrap_or(&endpoint.target))?,
        attach_first_output: false,
        extras: with_drawing(extras_of(endpoint, context), endpoint, context),
    })
}

/// Adds a contact sheet to the end of a queue or batch, and a curve to a training, where there is no file.
fn with_drawing(extras: Extras, endpoint: &Endpoint, context: &Context) -> Extras {
    if extras.file.is_some() || endpoint.platform.description().file_limit.is_none() {
        return extras;
    }
    match context.kind() {
        "task.complete" => {
            let drawing = curve(context).filter(|_| context.text_at(&["task", "kind"]) == Some("training"));
            Extras { drawing, ..extras }
        }
        kind @ ("queue.end" | "batch.end") if !endpoint.file_roots.is_empty() => {
            let about = kind.split('.').next().unwrap_or_default();
            let outputs = context.at(&[about, "outputs"]).and_then(Json::as_array).into_iter().flatten();
            let path = |output: &Json| {
                let path = output.get("path")?.as_str().filter(|path| is_picture(output, path))?;
                Some(path.to_owned())
            };
            let mut paths: Vec<String> = outputs.filter_map(path).take(SHEET).collect();
            if paths.len() == 1 {
                return Extras { file: paths.pop(), ..extras };
            }
            Extras { drawing: (!paths.is_empty()).then_some(Drawing::Sheet(paths)), ..extras }
        }
        _ => extras,
    }
}

/// The first series of the metrics, a loss before others.
fn curve(context: &Context) -> Option<Drawing> {
    let metrics = context.at(&["task", "metrics"])?.as_object()?;
    let is_loss = |(name, _): &(&String, &Json)| name.to_lowercase().contains("loss");
    let (losses, others): (Vec<_>, Vec<_>) = metrics.iter().partition(is_loss);
    losses.into_iter().chain(others).find_map(|(_, series)| {
        let numbers = series.as_array()?.iter().filter_map(Json::as_f64);
        Drawing::curve(&numbers.collect::<Vec<_>>())
    })
}

fn extras_of(endpoint: &Endpoint, context: &Context) -> Extras {
    let attaches = endpoint.platform.description().file_limit.is_some();
    let coalesces = endpoint.overflow == Overflow::Fold && !endpoint.rate.is_empty();
    Extras {
        file: attaches.then(|| output_to_attach(context, endpoint)).flatten(),
        drawing: None,
        form: false,
        line: coalesces.then(|| SummaryLine::of(context.kind(), context).0),
        host: coalesces.then(|| context.at(&["host"]).cloned()).flatten(),
    }
}

/// Attaches the file as a SwarmUI form where the receiver reads forms, else in the platform's own way; not at
/// all unless the template asks for it.
fn for_swarmui(extras: Extras, asked: bool, endpoint: &Endpoint, context: &Context) -> Extras {
    let form = asked && endpoint.platform.description().reads_forms;
    let file = if form { output_to_attach(context, endpoint) } else { extras.file.filter(|_| asked) };
    Extras { form: form && file.is_some(), file, ..extras }
}

/// The path of the first output that is a picture by its type or name, else of the first file if the platform
/// takes any. `None` where no file may be read.
fn output_to_attach(context: &Context, endpoint: &Endpoint) -> Option<String> {
    if endpoint.file_roots.is_empty() {
        return None;
    }
    let takes_any = endpoint.platform.description().document_sizes.is_some();
    let outputs = context.at(&["task", "outputs"])?.as_array()?;
    let text = |output: &Json, key: &str| output.get(key).and_then(Json::as_str).map(str::to_owned);
    let path_of = |output: &Json| text(output, "path").filter(|path| !path.is_empty());
    let picture = outputs.iter().find_map(|output| {
        let path = path_of(output)?;
        is_picture(output, &path).then_some(path)
    });
    picture.or_else(|| outputs.iter().find_map(path_of).filter(|_| takes_any))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use serde_json::json;

    #[test]
    fn a_hook_says_which_of_its_messages_make_a_sound_else_the_endpoint() {
        let config = "[endpoints.a]\nplatform = 'ntfy'\ntopic = 't'\nsilent = 'success'\n\
                      [endpoints.b]\nplatform = 'ntfy'\ntopic = 't'\n\
                      [[hooks]]\non = ['task.complete']\nto = ['a', 'b']\n\
                      [[hooks]]\non = ['task.complete']\nto = ['a', 'b']\nsilent = 'success'\n\
                      template = { message = '{{ task.name }}' }\n\
                      [[hooks]]\non = ['task.complete']\nto = ['a', 'b']\nsilent = 'never'\n";
        let config = Config::load(config).unwrap();
        let priorities = |hook: usize, event: Json| {
            let context = Context::new(event);
            config
                .endpoints
                .iter()
                .map(|endpoint| {
                    let sent = compose(Some(&config.hooks[hook]), endpoint, &context).unwrap();
                    serde_json::from_slice::<Json>(&sent.body).unwrap()["priority"].as_u64()
                })
                .collect::<Vec<_>>()
        };
        let task = |status: &str| json!({"event": {"type": "task.complete"}, "task": {"name": "t", "status": status}});
        let gathered = |tones: &[&str]| {
            let lines = tones.iter().map(|tone| json!({"tone": tone, "text": "t"}));
            json!({"event": {"type": "task.complete"}, "digest": {"count": tones.len(), "lines": lines.collect::<Vec<_>>()}})
        };
        let (low, usual, high) = (Some(2), Some(3), Some(4));
        assert_eq!(priorities(0, task("success")), [low, usual]);
        assert_eq!(priorities(0, task("error")), [high, high]);
        assert_eq!(priorities(1, task("success")), [low, low]);
        assert_eq!(priorities(1, task("error")), [None, None]);
        assert_eq!(priorities(2, task("success")), [usual, usual]);
        assert_eq!(priorities(0, gathered(&["good", "good"])), [low, usual]);
        assert_eq!(priorities(0, gathered(&["good", "bad"])), [high, high], "one failure among them");
    }

    #[test]
    fn a_card_of_a_described_platform_mentions_whom_the_hook_says_else_the_endpoint() {
        let config = "[endpoints.a]\nplatform = 'rocketchat'\nurl = 'https://h.example.com/hooks/a/b'\nmentions = ['ada']\n\
                      [[hooks]]\non = ['*']\nto = ['a']\n[[hooks]]\non = ['*']\nto = ['a']\nmentions = ['here']\n";
        let config = Config::load(config).unwrap();
        let context = Context::new(json!({"event": {"type": "task.complete"}, "task": {"name": "t"}}));
        for (hook, name) in config.hooks.iter().zip(["@ada", "@here"]) {
            let sent = compose(Some(hook), &config.endpoints[0], &context).unwrap();
            let sent: Json = serde_json::from_slice(&sent.body).unwrap();
            assert!(sent["text"].as_str().unwrap().starts_with(&format!("{name}\n")), "{sent}");
        }
    }

    #[test]
    fn a_card_has_a_contact_sheet_or_a_curve_where_its_platform_takes_files() {
        let config = "[files]\nroots = ['.']\n[endpoints.a]\nurl = 'https://discord.com/api/webhooks/1/T'\n\
                      [endpoints.b]\nurl = 'https://hooks.slack.com/services/T0/B0/abcdefghijklmnopqrstuvwx'\n";
        let config = Config::load(config).unwrap();
        let extras = |endpoint: usize, kind: &str, about: Json| {
            let family = kind.split('.').next().unwrap();
            let context = Context::new(json!({"event": {"type": kind}, family: about}));
            compose(None, &config.endpoints[endpoint], &context).unwrap().extras
        };
        let paths =
            |count: usize| (0..count).map(|n| json!({"path": format!("{n}.png")})).collect::<Vec<_>>();
        let sheet = extras(0, "batch.end", json!({"outputs": paths(12)}));
        let Some(Drawing::Sheet(shown)) = sheet.drawing else { panic!("{sheet:?}") };
        assert_eq!((shown.len(), shown[8].as_str()), (SHEET, "8.png"));
        assert_eq!(extras(0, "queue.end", json!({"outputs": paths(1)})).file.as_deref(), Some("0.png"));
        let video = extras(0, "queue.end", json!({"outputs": [{"path": "a.mp4"}]}));
        assert_eq!((video.file, video.drawing), (None, None));
        assert_eq!(extras(1, "queue.end", json!({"outputs": paths(12)})).drawing, None);
        let metrics = json!({"accuracy": [1, 1, 1], "train_loss": [3, 2, 1]});
        let training = extras(0, "task.complete", json!({"kind": "training", "metrics": metrics}));
        assert_eq!(training.drawing, Some(Drawing::Curve(vec![1000, 500, 0])));
        assert_eq!(extras(0, "task.complete", json!({"kind": "image", "metrics": metrics})).drawing, None);
        let with_file = json!({"kind": "training", "metrics": metrics, "outputs": paths(1)});
        assert_eq!(extras(0, "task.complete", with_file).drawing, None);
    }
}
