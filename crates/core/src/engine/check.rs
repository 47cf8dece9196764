//! Checks a configuration without opening anything.

use super::doubts;
use crate::config::{Config, ConfigError, ConfigSpans};
use crate::hooks::{self, Digest, Hook};
use crate::json::json;
use crate::message::{Context, sample};
use crate::os;
use crate::platform;
use serde_json::Value as Json;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// The most faults of one template that are told for one endpoint.
const SHOWN_FAULTS: usize = 3;

/// The result of [`check`].
#[derive(Debug)]
pub struct CheckReport {
    /// Faults that make the configuration unusable.
    pub errors: Vec<ConfigError>,
    /// Likely mistakes in a usable configuration.
    pub warnings: Vec<ConfigError>,
    /// The number of endpoints and hooks.
    pub counts: (usize, usize),
    /// The number of relays, of a node.
    pub relays: usize,
}

/// Reads a configuration, evaluates every template and condition with sample events, and looks for the folders
/// of `[files] roots`. Sends nothing, and opens no spool.
pub fn check(config: &str) -> CheckReport {
    os::run_to_render("taskbell-check", || check_here(config)).unwrap_or_else(|error| {
        let message = format!("no thread can be started to check it: {error}");
        let error = ConfigError { file: None, line: 0, column: 0, key: String::new(), message };
        CheckReport { errors: vec![error], warnings: Vec::new(), counts: (0, 0), relays: 0 }
    })
}

fn check_here(config: &str) -> CheckReport {
    match Config::load_with_spans(config) {
        Ok((config, mut warnings, places)) => {
            warnings.extend(template_warnings(&config, &places));
            warnings.extend(doubts::warnings(&config, &places));
            warnings.extend(empty_digests(&config, &places));
            warnings.extend(ignored_mentions(&config, &places));
            warnings.extend(ignored_silence(&config, &places));
            warnings.extend(missing_roots(&config, &places));
            let counts = (config.endpoints.len(), config.hooks.len());
            let relays = config.relays().and_then(|endpoint| endpoint.relays.as_ref());
            let relays = relays.map_or(0, |relays| relays.urls.len());
            CheckReport { errors: sample_errors(&config, &places), warnings, counts, relays }
        }
        Err(errors) => CheckReport { errors: errors.0, warnings: Vec::new(), counts: (0, 0), relays: 0 },
    }
}

/// Templates and conditions that fail with sample events; each fault once, for all event types of a hook.
fn sample_errors(config: &Config, places: &ConfigSpans) -> Vec<ConfigError> {
    let mut errors: Vec<ConfigError> = Vec::new();
    for (index, hook) in config.hooks.iter().enumerate() {
        let mut add = |error: ConfigError| {
            if !errors.contains(&error) {
                errors.push(error);
            }
        };
        for kind in &hook.sampled_kinds() {
            // A manual hook also gets a task at the end of its queue.
            let kind = if hook.manual { "task.complete" } else { kind.as_str() };
            if let Some(Err(reason)) = hook.when.as_ref().map(|when| when.check(kind)) {
                add(places.at(&format!("hooks[{index}].when"), &reason));
            }
            let shaping = &hook.shaping;
            let keys = [
                ("cooldown_by", &shaping.cooldown_by),
                ("supersede", &shaping.supersede),
                ("live", &shaping.live),
            ];
            for (name, key) in keys {
                if let Some(Err(reason)) = key.as_ref().map(|key| key.check(kind)) {
                    add(places.at(&format!("hooks[{index}].{name}"), &reason));
                }
            }
            let except = shaping.quiet.as_ref().and_then(|quiet| quiet.except.as_ref());
            if let Some(Err(reason)) = except.map(|except| except.check(kind)) {
                add(places.at(&format!("hooks[{index}].quiet_except"), &reason));
            }
            if let Some(Err(fault)) = hook.template.as_ref().map(|template| template.check(kind)) {
                add(places.in_template(
                    index,
                    &fault.place,
                    fault.line,
                    &doubts::with_nearest(&fault.reason),
                ));
            }
        }
    }
    errors
}

/// Templates whose messages for sample events do not fit the endpoint's platform, or are cut when an event has
/// long texts.
fn template_warnings(config: &Config, places: &ConfigSpans) -> Vec<ConfigError> {
    let mut doubts: Vec<ConfigError> = Vec::new();
    for (index, hook) in config.hooks.iter().enumerate().filter(|(_, hook)| hook.template.is_some()) {
        let kinds = hook.sampled_kinds();
        for endpoint in hook.to.iter().filter_map(|name| config.endpoint(name)) {
            // A template that needs fields of the host's own cannot be rendered here.
            let compose = |context: &Context| hooks::compose(Some(hook), endpoint, context).ok();
            let faults = |kind: &String| {
                let body = compose(&sample::context(kind))?.body;
                let mut faults = platform::warnings(endpoint.platform, &endpoint.target, &body);
                faults.truncate(SHOWN_FAULTS);
                (!faults.is_empty()).then_some(faults)
            };
            let is_trimmed = |context: &Context| {
                let message = compose(context);
                message.is_some_and(|sent| platform::trimmed(endpoint.platform, &sent.body).is_some())
            };
            // What is trimmed for texts of any length has a fault of another kind.
            let is_cut = |kind: &String| {
                is_trimmed(&sample::long_context(kind)) && !is_trimmed(&sample::context(kind))
            };
            let unattached = |kind: &String| {
                let message = compose(&sample::context(kind))?;
                let platform = endpoint.platform.description();
                let takes_none = platform.file_limit.is_none() && !platform.reads_forms;
                let reason = match message.attach_first_output {
                    true if takes_none => "its platform takes no file; name another as `platform`",
                    true if config.files.roots.is_empty() => {
                        "`[files] roots` names no folder to read it from"
                    }
                    _ => return None,
                };
                Some(format!("`[discord_image]` attaches nothing here, {reason}"))
            };
            let found = kinds.iter().find_map(faults);
            let found = found.or_else(|| kinds.iter().find_map(unattached).map(|doubt| vec![doubt]));
            let mut found = found.unwrap_or_default();
            if !found.iter().any(|fault| fault.contains("too long")) && kinds.iter().any(is_cut) {
                let (length, platform) = (sample::LONG_PROMPT, endpoint.platform.name());
                let has_filters = hook.template.as_ref().is_some_and(|template| !template.is_swarmui());
                let advice = if has_filters { "; `| clip(300)` behind its name keeps it short" } else { "" };
                found.push(format!(
                    "a text of {length} characters, such as a prompt, is more than {platform} takes and will be \
                     cut{advice}"
                ));
            }
            doubts.extend(found.into_iter().map(|doubt| {
                places.at(&format!("hooks[{index}].template"), &format!("for `{}`: {doubt}", endpoint.name))
            }));
        }
    }
    doubts
}

/// Mentions of a hook that ping nobody on the platform of an endpoint.
fn ignored_mentions(config: &Config, places: &ConfigSpans) -> Vec<ConfigError> {
    let mut ignored = Vec::new();
    for (index, hook) in config.hooks.iter().enumerate() {
        for endpoint in hook.to.iter().filter_map(|name| config.endpoint(name)) {
            let mentions = hook.mentions.iter().flatten();
            for mention in mentions.filter(|mention| !endpoint.platform.accepts_mention(mention)) {
                let platform = endpoint.platform.name();
                let fault = match endpoint.platform.description().mention_form {
                    Some(form) => format!("`{platform}` notifies nobody for `{mention}`: it takes {form}"),
                    None => format!("`{platform}` has no mentions, so `{mention}` has no effect"),
                };
                let place = format!("hooks[{index}].mentions");
                ignored.push(places.at(&place, &format!("for `{}`: {fault}", endpoint.name)));
            }
        }
    }
    ignored
}

/// Hooks without a sound for platforms that cannot do that: one warning, which names them.
fn ignored_silence(config: &Config, places: &ConfigSpans) -> Vec<ConfigError> {
    let silent = |(_, hook): &(usize, &Hook)| hook.silences_successes == Some(true);
    let warning = |(index, hook): (usize, &Hook)| {
        let endpoints = hook.to.iter().filter_map(|name| config.endpoint(name));
        let platforms = endpoints.map(|endpoint| endpoint.platform);
        let deaf = platforms.filter(|platform| platform.description().silent.is_none());
        let names: BTreeSet<String> = deaf.map(|platform| format!("`{}`", platform.name())).collect();
        let names = names.into_iter().collect::<Vec<_>>().join(" and ");
        let fault = format!("{names} cannot send a message without a sound, so this has no effect there");
        (!names.is_empty()).then(|| places.at(&format!("hooks[{index}].silent"), &fault))
    };
    config.hooks.iter().enumerate().filter(silent).filter_map(warning).collect()
}

/// Hooks that gather until the end of a queue, but only get events that belong to no queue.
fn empty_digests(config: &Config, places: &ConfigSpans) -> Vec<ConfigError> {
    let of_no_queue = |kind: &String| kind.starts_with("alert.") || kind.starts_with("server.");
    let gathers = |hook: &Hook| hook.shaping.digest == Some(Digest::Queue);
    let idle = config.hooks.iter().enumerate().filter(|(_, hook)| gathers(hook));
    let idle = idle.filter(|(_, hook)| hook.on.iter().all(of_no_queue));
    let fault =
        "nothing is gathered, for no event of this hook belongs to a queue; give a time, such as \"15m\"";
    idle.map(|(index, _)| places.at(&format!("hooks[{index}].digest"), fault)).collect()
}

/// Roots that do not exist. The host may create its folder later, so this is not an error.
fn missing_roots(config: &Config, places: &ConfigSpans) -> Vec<ConfigError> {
    let fault = |(index, root): (usize, &PathBuf)| {
        let what = if root.is_dir() {
            return None;
        } else if root.exists() {
            "is not a folder"
        } else {
            "does not exist"
        };
        let message =
            format!("`{}` {what}: no file below it can go with a message until it is there", root.display());
        Some(places.at(&format!("files.roots[{index}]"), &message))
    };
    config.files.roots.iter().enumerate().filter_map(fault).collect()
}

impl CheckReport {
    /// The first error, as a line.
    pub fn first_error(&self) -> Option<String> {
        self.errors.first().map(ToString::to_string)
    }

    /// `ok`, `errors` and `warnings`, each with `file`, `line`, `column`, `key` and `message`; of a node `relays`.
    pub fn to_json(&self) -> Json {
        let list = |faults: &[ConfigError]| -> Vec<Json> { faults.iter().map(fault).collect() };
        let mut report = json!({
            "ok": self.errors.is_empty(),
            "errors": list(&self.errors),
            "warnings": list(&self.warnings),
            "endpoints": self.counts.0,
            "hooks": self.counts.1,
        });
        if self.relays > 0 {
            report["relays"] = self.relays.into();
        }
        report
    }
}

fn fault(fault: &ConfigError) -> Json {
    json!({
        "file": fault.file.as_ref().map(|file| file.display().to_string()),
        "line": fault.line,
        "column": fault.column,
        "key": fault.key,
        "message": fault.message,
    })
}
